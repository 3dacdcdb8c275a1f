--- The time and the turns of a host under test: a luv for its scripts whose timers, idle, check and prepare handles
-- move by `turn` and `pass` alone. All else of luv is the spec's own, with callbacks that run as the host's.
-- @module ipchost.test.loop

-- While a host is set up `require` is not the spec's own.
local luv = require "luv"

-- ---- handles ----

local Handle = {}
Handle.__index = Handle
Handle.__name = "uv_handle"

function Handle:is_closing() return self.closed end
function Handle:is_active() return self.active end
function Handle:has_ref() return self.referenced end
function Handle:ref() self.referenced = true end
function Handle:unref() self.referenced = false end

function Handle:stop()
  self.active = false
  self.loop.handles[self] = nil
  return 0
end

function Handle:close(done)
  if self.closed then error("handle is closing already", 2) end
  self:stop()
  self.closed = true
  if done then self.loop:later(done) end
end

--- Puts it among those that are looked at, behind the others.
local function activate(self, callback)
  local loop = self.loop
  loop.order = loop.order + 1
  self.active, self.callback, self.order = true, callback, loop.order
  loop.handles[self] = true
end

-- An idle, check or prepare handle: called each turn.
local Turn = setmetatable({}, { __index = Handle })
Turn.__index = Turn

function Turn:start(callback)
  if self.closed then return nil, "EINVAL: invalid argument", "EINVAL" end
  if not self.active then activate(self, callback) end
  return 0
end

local Timer = setmetatable({}, { __index = Handle })
Timer.__index = Timer

function Timer:start(timeout, again, callback)
  if self.closed then return nil, "EINVAL: invalid argument", "EINVAL" end
  self.due, self.interval = self.loop:now() + timeout, again
  activate(self, callback)
  return 0
end

function Timer:again()
  if not self.callback then return nil, "EINVAL: invalid argument", "EINVAL" end
  if self.interval > 0 then self:start(self.interval, self.interval, self.callback) end
  return 0
end

function Timer:set_repeat(interval) self.interval = interval end
function Timer:get_repeat() return self.interval end
function Timer:get_due_in() return self.active and math.max(0, self.due - self.loop:now()) or 0 end

-- ---- the loop ----

local Loop = {}
Loop.__index = Loop

local KINDS = { timer = Timer, idle = Turn, check = Turn, prepare = Turn }
local SHARED = { "close", "is_closing", "is_active", "has_ref", "ref", "unref" }

--- Functions among the arguments run as callbacks of the host's.
local function with_callbacks(loop, fn)
  return function(...)
    local args = table.pack(...)
    for i = 1, args.n do
      local callback = args[i]
      if type(callback) == "function" then args[i] = function(...) return loop:call(callback, ...) end end
    end
    return fn(table.unpack(args, 1, args.n))
  end
end

local function remember(loop, fn)
  return function(...)
    local handle, message, code = fn(...)
    if handle then loop.opened[handle] = loop.core:scope() end
    return handle, message, code
  end
end

--- luv as the host's scripts see it.
local function new_uv(loop)
  local uv = {}
  for kind, class in pairs(KINDS) do
    uv["new_" .. kind] = function()
      return setmetatable({
        loop = loop, active = false, closed = false, referenced = true, interval = 0, scope = loop.core:scope(),
      }, class)
    end
    for _, name in ipairs { "start", "stop", "again", "set_repeat", "get_repeat", "get_due_in" } do
      if class[name] then uv[kind .. "_" .. name] = class[name] end
    end
  end
  for _, name in ipairs(SHARED) do
    uv[name] = function(handle, ...)
      if type(handle) == "table" then return handle[name](handle, ...) end
      return luv[name](handle, ...)
    end
  end
  function uv.now() return loop:now() end
  function uv.hrtime() return loop:now() * 1000000 end
  function uv.update_time() end
  function uv.gettimeofday() return loop:time_of_day() end
  return setmetatable(uv, {
    __index = function(_, name)
      local value = luv[name]
      if type(value) ~= "function" then return value end
      local wrapped = with_callbacks(loop, value)
      if type(name) == "string" and name:find("^new_") then wrapped = remember(loop, wrapped) end
      uv[name] = wrapped
      return wrapped
    end,
  })
end

--- @param core the host, whose clock it is
-- @int number of the generation whose it is; 0: of the one that serves
function Loop.new(core, number)
  local self = setmetatable({
    core = core, number = number, handles = {}, order = 0, closed = false,
    day = { luv.gettimeofday() }, began = core:now(),
    once = {},                                      -- functions for the next turn
    opened = setmetatable({}, { __mode = "k" }),    -- handles of the real luv
  }, Loop)
  self.uv = new_uv(self)
  return self
end

function Loop:now() return self.core:now() end

--- The time of day, which began as the real one and moves as the clock does: seconds and microseconds.
function Loop:time_of_day()
  local passed = self:now() - self.began
  local seconds, microseconds = self.day[1] + passed // 1000, self.day[2] + passed % 1000 * 1000
  return seconds + microseconds // 1000000, microseconds % 1000000
end

--- Calls a function as a callback of the host's.
function Loop:call(fn, ...)
  if not self.closed then return self.core:enter(self.number, fn, ...) end
end

function Loop:later(fn) self.once[#self.once + 1] = fn end

--- Active handles that `wanted` takes, in the order in which they were started.
local function select_handles(self, wanted)
  local list = {}
  for handle in pairs(self.handles) do
    if wanted(handle) then list[#list + 1] = handle end
  end
  table.sort(list, function(a, b)
    if a.due and b.due and a.due ~= b.due then return a.due < b.due end
    return a.order < b.order
  end)
  return list
end

local function fire(self, timer)
  timer:stop()
  if timer.interval > 0 then timer:start(timer.interval, timer.interval, timer.callback) end
  self:call(timer.callback)
end

--- Calls what is due now. True if there was something.
function Loop:turn()
  local once, now = self.once, self:now()
  local list = select_handles(self, function(handle) return not handle.due or handle.due <= now end)
  self.once = {}
  for _, fn in ipairs(once) do self:call(fn) end
  for _, handle in ipairs(list) do
    if handle.active then
      if handle.due then fire(self, handle) else self:call(handle.callback) end
    end
  end
  return #once + #list > 0
end

--- When the next timer is due, in milliseconds from now; nil if there is none.
function Loop:next_due()
  local due
  for handle in pairs(self.handles) do
    if handle.due and (not due or handle.due < due) then due = handle.due end
  end
  return due and due - self:now()
end

--- What repeats does so for no one dispatch.
local function is_kept(kept, scope, handle)
  if not kept or scope == 0 or handle.interval and handle.interval > 0 then return false end
  return scope < 0 or kept[scope] ~= nil
end

--- Ends the handles that no dispatch of those scopes needs; without them all.
function Loop:retire(kept)
  for handle in pairs(self.handles) do
    if not is_kept(kept, handle.scope, handle) then handle:stop() end
  end
  for handle, scope in pairs(self.opened) do
    local open = type(handle) == "userdata" and not handle:is_closing()
    if open and not is_kept(kept, scope, {}) then handle:close() end
  end
end

--- Ends them all; nothing is called any longer.
function Loop:close()
  self:retire()
  self.closed, self.once = true, {}
end

return Loop
