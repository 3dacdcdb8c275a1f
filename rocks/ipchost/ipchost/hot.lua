--- The global `hot`: what a script keeps, and hears, across a reload. State goes from one load of the scripts to the
-- next as a document, which is ipchost.state's.
-- @module ipchost.hot
local documents = require "ipchost.state"

local hot = {}

-- What one `hot` has: the host's functions, and what the load has asked for and was given.
local function new_state(host, types)
  return {
    host = host, types = types, hot = { data = {} }, persisted = {}, carried = {}, disposers = {}, failures = {},
  }
end

--- Called with a dot or a colon.
local function bare(state, fn)
  return function(first, ...)
    if rawequal(first, state.hot) then return fn(...) end
    return fn(first, ...)
  end
end

local function check(fn, name)
  if type(fn) ~= "function" then error(("hot.%s: expected a function, not a %s"):format(name, type(fn)), 3) end
end

local function add_events(state)
  local self = state.hot

  --- Has `fn()` called when another load takes over; it may not await.
  self.dispose = bare(state, function(fn)
    check(fn, "dispose")
    state.disposers[#state.disposers + 1] = fn
  end)

  --- Has `fn(report)` called when a load has failed, and this one goes on.
  self.on = bare(state, function(name, fn)
    if name ~= "failed" then
      error(("hot.on: there is no event %q; expected \"failed\""):format(tostring(name)), 2)
    end
    check(fn, "on")
    state.failures[#state.failures + 1] = fn
  end)

  --- From now on a change only logs that a restart is needed.
  self.decline = bare(state, function() state.host.decline() end)
end

local function first_value(state, init)
  local value = init
  if type(init) == "function" then value = init() end
  if value == nil then value = {} end
  if type(value) ~= "table" then
    error(("hot.persist: expected a table or a function that makes one, not a %s"):format(type(value)), 3)
  end
  if state.host.kind(value) then
    error("hot.persist: expected a plain table; keep the value in a field of one", 3)
  end
  return value
end

--- What was carried under the key goes into the table.
local function restore(state, key, value)
  local packed = state.carried[key]
  state.carried[key] = nil
  if packed ~= nil then documents.restore(state.restoring, packed, value) end
end

--- Lets go of all that was carried, once it was asked for.
local function forget(state)
  if next(state.carried) == nil then state.restoring = nil end
end

local function add_persist(state)
  --- A table that the next load gets as this one leaves it.
  -- @string key
  -- @param init the table of the first time, or a function that makes it
  state.hot.persist = bare(state, function(key, init)
    if type(key) ~= "string" then error(("hot.persist: expected a string, not a %s"):format(type(key)), 2) end
    if state.persisted[key] then return state.persisted[key] end
    local value = first_value(state, init)
    state.persisted[key] = value
    restore(state, key, value)
    forget(state)
    return value
  end)
end

local function protect(state)
  local host = state.host
  setmetatable(state.hot, {
    __index = function(_, key)
      if key == "generation" then return host.generation end
      if key == "reloading" then return host.reloading() end
      error(("hot has no field '%s'"):format(tostring(key)), 2)
    end,
    __newindex = function(self, key, value)
      if key == "data" then return rawset(self, key, value) end -- where it has become nil
      error(("hot has no field '%s' that can be set; keep it in hot.data"):format(tostring(key)), 2)
    end,
    __name = "hot",
  })
end

local function add_pack(state, hooks)
  local host, self = state.host, state.hot

  --- The ports go when the rest is sure to: those of a load that leaves nothing behind close with it.
  function hooks.pack()
    local document, lost, ports = documents.pack(host, rawget(self, "data"), state.persisted)
    for _, text in ipairs(lost) do host.log("warn", "not carried over, as it cannot be cloned: " .. text) end
    local encoded, why = host.encode(document)
    if not encoded then
      host.log("error", "the state of the scripts is not carried over: " .. why)
      return nil
    end
    for _, port in ipairs(ports) do host.release(port) end
    return encoded
  end

  --- What is carried goes before what this load has written; what it has not asked for yet waits until it does.
  function hooks.unpack(text)
    local data
    state.restoring, data, state.carried = documents.unpack(host, state.types, host.decode(text))
    for key, value in pairs(state.persisted) do restore(state, key, value) end
    if data ~= nil then rawset(self, "data", documents.restore(state.restoring, data, rawget(self, "data"))) end
    forget(state)
  end
end

local function add_calls(state, hooks)
  local function call_all(list, name, ...)
    for _, fn in ipairs(list) do
      local ok, why = xpcall(fn, debug.traceback, ...)
      if not ok then state.host.log("error", ("Error in %s: %s"):format(name, why)) end
    end
  end

  function hooks.dispose() call_all(state.disposers, "hot.dispose") end
  function hooks.failed(report) call_all(state.failures, 'hot.on("failed")', report) end
end

--- Makes `hot` and what the host calls.
-- @tparam table host `generation`, a number; `reloading()`; `decline()`; `log(level, text)`; `encode(value)`, a string
-- or nil and what is wrong; `decode(string)`; `clonable(value)`, true or nil and why not; `kind(value)`, the name of
-- the value type it is of, or nil; `port(value)`, the id of a port, or nil; `release(port)`, which hands it over;
-- `adopt(id)`, that port
-- @tparam table types the value types
-- @return hot
-- @treturn table `pack()`, the state as a string, or nil; `unpack(string)`; `dispose()`; `failed(report)`
function hot.new(host, types)
  local state, hooks = new_state(host, types), {}
  add_events(state)
  add_persist(state)
  add_pack(state, hooks)
  add_calls(state, hooks)
  protect(state)
  return state.hot, hooks
end

return hot
