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

--- Makes `hot` and what the host calls.
-- @tparam table host `generation`, a number; `reloading()`; `decline()`; `log(level, text)`; `encode(value)`, a string
-- or nil and what is wrong; `decode(string)`; `clonable(value)`, true or nil and why not; `is_class(value)`, whether a
-- table is one of the value types; `release(value)`, the id of a port that is handed over, or nil; `adopt(id)`, that
-- port
-- @return hot
-- @treturn table `pack()`, the state as a string, or nil; `unpack(string)`; `dispose()`; `failed(report)`
function hot.new(host)
  local persisted, carried, restoring = {}, {}, nil
  local disposers, failures = {}, {}
  local self = { data = {} }

  local function bare(fn)
    return function(first, ...)
      if rawequal(first, self) then return fn(...) end
      return fn(first, ...)
    end
  end

  local function check(fn, name)
    if type(fn) ~= "function" then error(("hot.%s: expected a function, not a %s"):format(name, type(fn)), 4) end
  end

  --- Has `fn()` called when another load takes over; it may not await.
  self.dispose = bare(function(fn)
    check(fn, "dispose")
    disposers[#disposers + 1] = fn
  end)

  --- Has `fn(report)` called when a load has failed, and this one goes on.
  self.on = bare(function(name, fn)
    if name ~= "failed" then
      error(("hot.on: there is no event %q; expected \"failed\""):format(tostring(name)), 3)
    end
    check(fn, "on")
    failures[#failures + 1] = fn
  end)

  --- From now on a change only logs that a restart is needed.
  self.decline = bare(function() host.decline() end)

  --- A table that the next load gets as this one leaves it.
  -- @string key
  -- @param init the table of the first time, or a function that makes it
  self.persist = bare(function(key, init)
    if type(key) ~= "string" then error(("hot.persist: expected a string, not a %s"):format(type(key)), 3) end
    if persisted[key] then return persisted[key] end
    local value = init
    if type(init) == "function" then value = init() end
    if value == nil then value = {} end
    if type(value) ~= "table" then
      error(("hot.persist: expected a table or a function that makes one, not a %s"):format(type(value)), 3)
    end
    if host.is_class(value) then error("hot.persist: expected a plain table; keep the value in a field of one", 3) end
    persisted[key] = value
    local from = carried[key]
    carried[key] = nil
    if from then fill(restoring, from, value, true) end
    return value
  end)

  local hooks = {}

  function hooks.pack()
    local state = { host = host, packed = {}, lost = {} }
    local document = { data = pack(state, self.data, "hot.data"), persisted = {} }
    for key, value in pairs(persisted) do
      document.persisted[key] = pack(state, value, ("hot.persist(%q)"):format(key))
    end
    for _, text in ipairs(state.lost) do host.log("warn", "not carried over, as it cannot be cloned: " .. text) end
    local encoded, why = host.encode(document)
    if not encoded then host.log("error", "the state of the scripts is not carried over: " .. why) end
    return encoded
  end

  --- What is carried goes before what this load has written; what it has not asked for yet waits until it does.
  function hooks.unpack(text)
    local document = host.decode(text)
    restoring = { host = host, restored = {}, taken = {} }
    carried = document.persisted
    for key, value in pairs(persisted) do
      if carried[key] then fill(restoring, carried[key], value, true) end
      carried[key] = nil
    end
    if type(document.data) ~= "table" then return end
    if type(self.data) ~= "table" then self.data = {} end
    fill(restoring, document.data, self.data, true)
  end

  function hooks.dispose()
    for _, fn in ipairs(disposers) do
      local ok, why = xpcall(fn, debug.traceback)
      if not ok then host.log("error", "Error in hot.dispose: " .. tostring(why)) end
    end
  end

  function hooks.failed(report)
    for _, fn in ipairs(failures) do
      local ok, why = xpcall(fn, debug.traceback, report)
      if not ok then host.log("error", "Error in hot.on(\"failed\"): " .. tostring(why)) end
    end
  end

  setmetatable(self, {
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
  return self, hooks
end

return hot
