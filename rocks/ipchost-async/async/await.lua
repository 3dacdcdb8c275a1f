--- await: suspends the running coroutine until what it is given is settled.
-- @module async.await
local cell = require "async.cell"
local context = require "async.context"

local enter, raise, suspend = context.enter, context.raise, context.suspend
local classes, subscribe = cell.classes, cell.subscribe
local PENDING, FULFILLED = cell.PENDING, cell.FULFILLED
local getmeta, unpack, pack = debug.getmetatable, table.unpack, table.pack
local integer = math.type

local M = {}

--- Waits for a promise or task in the context that is running. Returns its state.
local function wait(self, awaited)
  if awaited.state == PENDING then
    if awaited == self then error("a task cannot await itself", 0) end
    subscribe(awaited, self)
    suspend(self, awaited)
  end
  awaited.handled = true
  return awaited.state
end

local function await_promise(self, awaited)
  if wait(self, awaited) ~= FULFILLED then return raise(self, awaited) end
  local values = awaited.values
  if values then return unpack(values, 1, values.n) end
  return awaited.value
end

--- A handle or request that can be closed while it is waited for.
local function closable(value)
  local kind = type(value)
  if kind ~= "table" and kind ~= "userdata" then return false end
  return cell.callable(context.method(value, "close")) or cell.callable(context.method(value, "cancel"))
end

--- luv's functions return nil, a message and a code when they could not start: the callback never comes.
local function refused(handle, message, code)
  return handle == nil and type(message) == "string" and type(code) == "string" and message:find(code, 1, true) == 1
end

local function started(operation, handle, message, code)
  if operation.done then return end
  if refused(handle, message, code) then error(message, 0) end
  if closable(handle) then operation.handle = handle end
end

--- Calls fn with a callback at position `at` of its arguments, and waits for that to be called.
local function await_callback(self, at, fn, ...)
  local operation = context.operation(self)
  local function callback(...) operation:complete(...) end
  local given = select("#", ...)
  if given == at - 1 then
    -- The callback comes last: no table is needed for one or two arguments before it.
    if at == 1 then
      started(operation, fn(callback))
    elseif at == 2 then
      started(operation, fn((...), callback))
    else
      local arguments = pack(...)
      arguments[at] = callback
      started(operation, fn(unpack(arguments, 1, at)))
    end
  else
    local arguments = pack(...)
    arguments[at] = callback
    started(operation, fn(unpack(arguments, 1, math.max(given, at))))
  end
  return operation:wait()
end
M.callback = await_callback

--- Waits for a promise, a task or a thenable and returns its value, or raises its reason as it is.
-- With an integer and a function it calls the function with the further arguments and a callback at that
-- position, and returns what the callback gets: `await(2, uv.fs_stat, path)`. A handle that the function returns is
-- closed, or a request cancelled, when the task is closed; a handle also at the end. Anything else is returned.
-- Raises where nothing may await, and once the task is closed.
-- @return the value, or values
function M.await(value, ...)
  if type(value) == "table" then
    if classes[getmeta(value)] then return await_promise(enter(value), value) end
    local self = enter()
    local awaited = cell.of(value)
    if awaited then return await_promise(self, awaited) end
  elseif integer(value) == "integer" and type((...)) == "function" then
    return await_callback(enter(), value, ...)
  end
  enter()
  return value, ...
end

--- As pcall(await, ...), raising only where nothing may await. That this task is closed, or has failed by a child, is
-- false as well, again and again: it can clean up, and ends as closed or failed nevertheless; see `is_closing`.
-- @treturn bool whether it succeeded
-- @return the values, or the reason
function M.pawait(...)
  if not context.find() then context.enter() end
  return pcall(M.await, ...)
end

--- Makes a function that awaits of one that takes a callback: as its last argument, or at position `argc`.
-- @tparam[opt] integer argc
-- @tparam function fn
-- @treturn function takes the other arguments and returns what the callback gets
function M.wrap(argc, fn)
  if fn == nil then
    fn = argc
    if not cell.callable(fn) then error("async.wrap: a function is needed", 2) end
    return function(...) return await_callback(enter(), select("#", ...) + 1, fn, ...) end
  end
  if integer(argc) ~= "integer" or argc < 1 then error("async.wrap: argc must be a positive integer", 2) end
  if not cell.callable(fn) then error("async.wrap: a function is needed", 2) end
  return function(...) return await_callback(enter(), argc, fn, ...) end
end

return M
