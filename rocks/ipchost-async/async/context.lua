--- Contexts: what may be suspended. A task is one; a top-level coroutine gets one when it first waits.
-- A context waits for one thing at a time: a promise, or an operation that a callback completes.
-- @module async.context
local closing = require "async.closing"
local scheduler = require "async.scheduler"
local worker = require "async.worker"

local running, isyieldable = coroutine.running, coroutine.isyieldable
local yield, status = coroutine.yield, coroutine.status
local contexts, top_level, post = scheduler.contexts, scheduler.top_level, scheduler.post
local unpack = table.unpack

local context = {}

--- Coroutines that a task's coroutine has resumed through `async.coroutine`: by which.
context.nested = setmetatable({}, { __mode = "kv" })

--- What a coroutine yields when it awaits, and what it is resumed with when what lies below cannot be suspended.
context.AWAITS, context.CANNOT = {}, {}
local nested, AWAITS, CANNOT = context.nested, context.AWAITS, context.CANNOT

local OUTSIDE = "await outside a task: wrap the callback in async.run(function() ... end)"

--- The class of contexts of top-level coroutines; tasks have its methods too.
-- Fields: `co`; `fresh`, whether a top-level coroutine was never suspended; `waiting`, what it waits for; `failure`,
-- what every await raises once it is closed; `raised`, the failure or promise whose reason was raised last.
local Context = {}
Context.__index = Context
context.Context = Context

--- The context of a coroutine (the running one if none is given), or nil where nothing may await.
function context.find(co)
  co = co or running()
  local found = contexts[co]
  if found then return found end
  if not top_level[co] then
    local below = nested[co]
    return below and status(below) == "normal" and context.find(below) or nil
  end
  found = setmetatable({ co = co, fresh = true, waiting = nil, failure = nil, raised = nil }, Context)
  contexts[co] = found
  return found
end

local function raise(self, failure)
  self.raised = failure
  error(failure.value, 0)
end
context.raise = raise

--- The context of the running coroutine; raises outside, and if the context was closed.
-- @param[opt] awaited a promise that is to be awaited: it is taken even so
function context.enter(awaited)
  local self = contexts[running()] or context.find()
  if not self then error(OUTSIDE, 0) end
  if not self.failure then return self end
  if awaited then awaited.handled = true end
  raise(self, self.failure)
end

-- Where functions of the standard libraries are looked for by value, to name them.
local LIBRARIES = { "string", "table", "coroutine", "math", "debug", "io", "os", "utf8" }

local function name_of(info)
  for _, library in ipairs(LIBRARIES) do
    for name, fn in pairs(package.loaded[library] or {}) do
      if fn == info.func then return library .. "." .. name end
    end
  end
  for name, fn in pairs(_G) do if fn == info.func then return name end end
  return info.name or "a C function"
end

--- Says which C function on the stack cannot be suspended.
function context.unyieldable()
  local passing = { [pcall] = true, [xpcall] = true, [error] = true }
  for level = 2, 200 do
    local info = debug.getinfo(level, "Snf")
    if not info then break end
    if info.what == "C" and not passing[info.func] then
      return ("await inside %s: a C function cannot be suspended; await before it is called"):format(name_of(info))
    end
  end
  return "await inside a C function, which cannot be suspended; await before it is called"
end

--- Suspends the context's coroutine, the running one, until it is woken from `target`.
-- Raises what it was closed with meanwhile.
function context.suspend(self, target)
  if not isyieldable() then
    target:forsake(self)
    error(context.unyieldable(), 0)
  end
  self.waiting = target
  if self.fresh then self.fresh = false end
  -- Whoever else resumes the coroutine gets it back at once.
  repeat
    local mark, reason = yield(AWAITS)
    if mark == CANNOT then
      self.waiting = nil
      target:forsake(self)
      error(reason, 0)
    end
  until not self.waiting
  if self.failure then raise(self, self.failure) end
end

--- Wakes the context if it still waits for `target`.
function Context:settled(target)
  if self.waiting ~= target then return end
  self.waiting = nil
  worker.resume(self.co)
end

--- Has the coroutine suspended once, if it is the host's and never was: from then on it serves nobody else.
function Context:settle_in()
  if not self.fresh then return end
  local operation = context.operation(self)
  post(operation.complete, operation)
  operation:wait()
end

--- Closes the context: what it waits for is left, and every await raises from now on.
-- Returns false if it was closed before.
function Context:interrupt(failure)
  if self.failure then return false end
  self.failure = failure
  local target = self.waiting
  if target then
    target:forsake(self)
    post(self.settled, self, target)
  end
  return true
end

--- An operation that a callback completes.
local Operation = {}
Operation.__index = Operation

--- @return an operation of the context's
function context.operation(self)
  return setmetatable({ context = self, done = false, value = nil, values = nil, handle = nil }, Operation)
end

--- Completes it with values, and wakes the context that waits. False if nobody waits for it any longer.
function Operation:complete(...)
  if self.done then return false end
  self.done = true
  if select("#", ...) == 1 then self.value = ... else self.values = table.pack(...) end
  local waiter = self.context
  if waiter.waiting == self then post(waiter.settled, waiter, self) end
  return true
end

local function index(value, key) return value[key] end

--- A method of a table or userdata, or nil; also of those that raise for names they do not know.
function context.method(value, name)
  local ok, found = pcall(index, value, name)
  return ok and found or nil
end
local method = context.method

--- Closes a handle, or cancels a request.
function context.end_handle(handle)
  local is_closing = method(handle, "is_closing")
  if is_closing and is_closing(handle) then return end
  local close = method(handle, "close") or method(handle, "cancel")
  if is_closing and type(handle) == "userdata" then close = closing.close end
  local ok, reason = pcall(close, handle)
  if not ok then scheduler.log_error("Error in closing what was awaited", reason) end
end

--- The context that waited has been closed: so is the handle that was started; an owner is told.
function Operation:forsake()
  if self.owner then self.owner:forsaken(self) end
  self.done = true
  if self.handle then context.end_handle(self.handle) end
end

--- Waits until it is complete; returns the values.
function Operation:wait()
  if not self.done then context.suspend(self.context, self) end
  local handle = self.handle
  if handle and method(handle, "close") then context.end_handle(handle) end
  local values = self.values
  if values then return unpack(values, 1, values.n) end
  return self.value
end

return context
