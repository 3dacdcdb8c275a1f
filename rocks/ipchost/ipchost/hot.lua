--- The global `hot`: what a script keeps, and hears, across a reload. State goes from one load of the scripts to the
-- next as a document; what the document is made of, and how it is filled in place, is here.
-- @module ipchost.hot
local hot = {}

-- Keys of tables that stand for something that is no plain table of strings or of 1..n.
local PAIRS, PORT, CLASS = "\0pairs", "\0port", "\0class"

--- True if the keys are all strings, or are 1..n.
local function is_plain(value)
  local first = next(value)
  if type(first) == "string" then
    for key in next, value do if type(key) ~= "string" or key:sub(1, 1) == "\0" then return false end end
    return true
  end
  local count = 0
  for _ in next, value do count = count + 1 end
  return count == #value
end

local function join(path, key)
  if type(key) == "string" and key:find("^[%a_][%w_]*$") then return path .. "." .. key end
  return ("%s[%s]"):format(path, type(key) == "string" and ("%q"):format(key) or tostring(key))
end

local pack

local function pack_table(state, value, path)
  local out = {}
  state.packed[value] = out
  if is_plain(value) then
    for key, item in next, value do out[key] = pack(state, item, join(path, key)) end
    return out
  end
  local list = {}
  for key, item in next, value do
    local packed = pack(state, item, join(path, key))
    local name = pack(state, key, join(path, key))
    if packed ~= nil and name ~= nil then list[#list + 1] = { name, packed } end
  end
  out[PAIRS] = list
  return out
end

local function lose(state, path, why) state.lost[#state.lost + 1] = ("%s (%s)"):format(path, why) end

local function pack_object(state, value, path)
  local port = state.host.release(value)
  local ok, why = true, nil
  if not port then ok, why = state.host.clonable(value) end
  if not ok then return lose(state, path, why) end
  local out = port and { [PORT] = port } or { [CLASS] = value }
  state.packed[value] = out
  return out
end

--- What goes into the document in the place of a value; nil for what cannot be cloned, which is noted.
function pack(state, value, path)
  local kind = type(value)
  if kind == "function" or kind == "thread" then return lose(state, path, kind) end
  if kind ~= "table" and kind ~= "userdata" then return value end
  if state.packed[value] then return state.packed[value] end
  if kind == "userdata" or state.host.is_class(value) then return pack_object(state, value, path) end
  return pack_table(state, value, path)
end

local function is_table(value) return type(value) == "table" and getmetatable(value) == nil end

local fill

--- A value of the document, in its final form; `into` is the table that has its place now, if there is one.
local function restore(state, value, into)
  if type(value) ~= "table" then return value end
  local port, object = rawget(value, PORT), rawget(value, CLASS)
  if port then return state.host.adopt(port) end
  if object ~= nil then return object end
  if state.restored[value] then return state.restored[value] end
  if not is_table(into) or state.taken[into] then into = {} end
  return fill(state, value, into, false)
end

--- Fills a table in place with the items of one of the document: deep, so that tables which are there stay the same.
function fill(state, from, into, keeps)
  state.restored[from], state.taken[into] = into, true
  local items = {}
  for _, pair in ipairs(rawget(from, PAIRS) or {}) do items[#items + 1] = { restore(state, pair[1]), pair[2] } end
  if #items == 0 then
    for key, item in next, from do items[#items + 1] = { key, item } end
  end
  local old = {}
  for key, item in next, into do old[key] = item end
  if not keeps then for key in next, old do into[key] = nil end end
  for _, item in ipairs(items) do into[item[1]] = restore(state, item[2], old[item[1]]) end
  return into
end

-- What one `hot` has: the host's functions, and what the load has asked for and was given.
local function new_state(host)
  return { host = host, persisted = {}, carried = {}, disposers = {}, failures = {}, hot = { data = {} } }
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
  if state.host.is_class(value) then
    error("hot.persist: expected a plain table; keep the value in a field of one", 3)
  end
  return value
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
    local from = state.carried[key]
    state.carried[key] = nil
    if from then fill(state.restoring, from, value, true) end
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
    __newindex = function(_, key)
      error(("hot has no field '%s' that can be set; keep it in hot.data"):format(tostring(key)), 2)
    end,
    __name = "hot",
  })
end

local function add_pack(state, hooks)
  local host, self = state.host, state.hot

  function hooks.pack()
    local walk = { host = host, packed = {}, lost = {} }
    local document = { data = pack(walk, self.data, "hot.data"), persisted = {} }
    for key, value in pairs(state.persisted) do
      document.persisted[key] = pack(walk, value, ("hot.persist(%q)"):format(key))
    end
    for _, text in ipairs(walk.lost) do host.log("warn", "not carried over, as it cannot be cloned: " .. text) end
    local encoded, why = host.encode(document)
    if not encoded then host.log("error", "the state of the scripts is not carried over: " .. why) end
    return encoded
  end

  --- What is carried goes before what this load has written; what it has not asked for yet waits until it does.
  function hooks.unpack(text)
    local document = host.decode(text)
    state.restoring = { host = host, restored = {}, taken = {} }
    state.carried = document.persisted
    for key, value in pairs(state.persisted) do
      if state.carried[key] then fill(state.restoring, state.carried[key], value, true) end
      state.carried[key] = nil
    end
    if type(document.data) ~= "table" then return end
    if type(self.data) ~= "table" then self.data = {} end
    fill(state.restoring, document.data, self.data, true)
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
-- or nil and what is wrong; `decode(string)`; `clonable(value)`, true or nil and why not; `is_class(value)`, whether a
-- table is one of the value types; `release(value)`, the id of a port that is handed over, or nil; `adopt(id)`, that
-- port
-- @return hot
-- @treturn table `pack()`, the state as a string, or nil; `unpack(string)`; `dispose()`; `failed(report)`
function hot.new(host)
  local state, hooks = new_state(host), {}
  add_events(state)
  add_persist(state)
  add_pack(state, hooks)
  add_calls(state, hooks)
  protect(state)
  return state.hot, hooks
end

return hot
