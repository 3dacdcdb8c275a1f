--- Tasks: functions that run in coroutines of their own, and the structure between them.
-- A task is a promise of what its function returns, and a scope: a task made inside of it is its child. A parent
-- ends only after its children; a child's failure that nobody awaits is its parent's; to close a parent closes
-- its children. A task made at top level has no parent.
-- @module async.task
local await = require "async.await"
local context = require "async.context"
local cell = require "async.cell"
local scheduler = require "async.scheduler"
local worker = require "async.worker"

local contexts, post, nested = scheduler.contexts, scheduler.post, context.nested
local start, catch, caught, Failure = worker.start, worker.catch, worker.caught, worker.Failure
local interrupt = context.Context.interrupt
local PENDING, REJECTED = cell.PENDING, cell.REJECTED
local fulfil, reject, callable = cell.fulfil, cell.reject, cell.callable
local running, unpack, pack, getmeta = coroutine.running, table.unpack, table.pack, debug.getmetatable

local M = {}

--- Beside a promise's fields and a context's: `parent`, `older` and `younger` siblings, `eldest` and `youngest` child;
-- `outcome`, what the function ended with while children are waited for; `fn`, `args` until it is started.
local Task = setmetatable({}, { __index = cell.Promise })
Task.__index = Task
Task.__name, Task.__clone = "Task", false -- means nothing in another process
cell.classes[Task] = true

-- A task is woken as a context is.
for name, method in pairs(context.Context) do
  if name ~= "__index" then Task[name] = method end
end

local CLOSED = "closed"

local function attach(self, parent)
  local last = parent.youngest
  self.parent, self.older = parent, last
  if last then last.younger = self else parent.eldest = self end
  parent.youngest = self
end

local function leave(self)
  local parent, older, younger = self.parent, self.older, self.younger
  if older then older.younger = younger else parent.eldest = younger end
  if younger then younger.older = older else parent.youngest = older end
  self.parent, self.older, self.younger = nil, nil, nil
end

local function close_children(self)
  local child = self.eldest
  while child do
    local younger = child.younger
    child:close_with(CLOSED)
    child = younger
  end
end

local function failed(outcome) return getmeta(outcome) == Failure end

--- Whether somebody minds the failure: who awaited it, who closed the task, or the parent, which fails then.
local function minded(self, outcome, parent)
  if self.handled or self.closed and rawequal(outcome.value, self.closed.value) then return true end
  return parent ~= nil and parent:interrupt(outcome)
end

--- Settles the promise and tells the parent, once the function and all children have ended.
local function complete(self)
  local outcome, parent = self.outcome, self.parent
  if not outcome or self.eldest then return end
  if self.failure and not failed(outcome) then outcome = self.failure end
  self.outcome = nil
  if parent then leave(self) end
  if failed(outcome) then
    if self.held then self.scope = parent else self.handled = minded(self, outcome, parent) end
    reject(self, outcome.value, outcome.trace)
  else
    fulfil(self, outcome[1], outcome.n ~= 1 and outcome or nil)
  end
  if parent then return complete(parent) end
end

--- The function has ended: with packed results or a failure.
local function ended(self, outcome)
  self.co, self.outcome = nil, outcome
  if failed(outcome) and not self.failure then self.failure = outcome end
  if self.failure then close_children(self) end
  return complete(self)
end

local function finish(self, ok, ...)
  if not ok then return ended(self, caught((...))) end
  if self.eldest or self.failure or select("#", ...) ~= 1 then return ended(self, pack(...)) end
  -- The common end: one result, nobody to wait for.
  local parent = self.parent
  self.co = nil
  if parent then leave(self) end
  fulfil(self, (...))
  if parent then return complete(parent) end
end

--- A task whose result is awaitable ends as that does.
local function flatten(...)
  local first = ...
  if type(first) == "table" and select("#", ...) == 1 then return await.await(first) end
  return ...
end

local function call(fn, ...) return flatten(fn(...)) end

local function body(self, fn, ...)
  local co = running()
  self.co, contexts[co] = co, self
  return finish(self, xpcall(call, catch, fn, ...))
end

--- Starts a child, from the queue.
local function start_child(self)
  local fn, args = self.fn, self.args
  self.fn, self.args = nil, nil
  if self.failure then return ended(self, self.failure) end
  if args then return start(body, self, fn, unpack(args, 1, args.n)) end
  return start(body, self, fn)
end

--- The task that is running, or nil.
local function current()
  local co = running()
  local self = contexts[co] or nested[co] and context.find(co)
  if self and getmeta(self) == Task then return self end
end

-- Both tables are as large as their constructors say, so that no field set later makes them grow.
local function new_task()
  return setmetatable({
    state = PENDING, handled = false, value = nil, first = nil, co = nil, waiting = nil, failure = nil, raised = nil,
  }, Task)
end

local function new_child(fn, args)
  return setmetatable({
    state = PENDING, handled = false, value = nil, first = nil, co = nil, waiting = nil, failure = nil, raised = nil,
    fn = fn, args = args, parent = nil, older = nil, younger = nil,
  }, Task)
end

local function run(name, fn, ...)
  if not callable(fn) then error(("async.run: a function is needed, not a %s"):format(type(fn)), 2) end
  local parent = current()
  if parent then
    local self = new_child(fn, select("#", ...) > 0 and pack(...) or nil)
    self.name = name
    attach(self, parent)
    post(start_child, self)
    return self
  end
  local self = new_task()
  self.name = name
  start(body, self, fn, ...)
  return self
end

--- Runs a function as a task. At top level it starts at once; inside a task it becomes a child, which starts when
-- the parent next waits, or has returned.
-- @string[opt] name shown in tracebacks
-- @tparam function fn
-- @param ... its arguments
-- @treturn Task
function M.run(name, ...)
  if type(name) == "string" then return run(name, ...) end
  return run(nil, name, ...)
end

--- The coroutine ended in a way that its function did not see.
function Task:lost(failure)
  if self.state ~= PENDING or self.outcome then return end
  ended(self, failure)
end

--- As a context is, and its children are closed. False if it had failed before.
function Task:interrupt(failure)
  if self.state ~= PENDING or not interrupt(self, failure) then return false end
  close_children(self)
  return true
end

--- Closes it for a reason, which its awaits raise and it is rejected with. Nothing happens if it is done.
function Task:close_with(reason)
  if self.state ~= PENDING or self.failure then return end
  self.closed = worker.failure(reason)
  self:interrupt(self.closed)
end

--- Asks the task to end: what it waits for is left, its awaits raise "closed", its children are closed.
-- @tparam[opt] function callback called once it has ended
function Task:close(callback)
  self:close_with(CLOSED)
  if callback then self:on_complete(function() callback() end) end
end

--- True once it and its children have ended.
function Task:completed() return self.state ~= PENDING end

--- "running" (it runs now), "normal" (it has resumed another coroutine), "awaiting" or "completed".
function Task:status()
  if self.state ~= PENDING then return "completed" end
  local status = self.co and coroutine.status(self.co)
  if status == "running" or status == "normal" then return status end
  return "awaiting"
end

--- Takes the task out of its parent: it goes on by itself.
-- @return the task
function Task:detach()
  local parent = self.parent
  if parent then
    leave(self)
    complete(parent)
  end
  return self
end

--- Keeps a failure from travelling until `release`; tells the reaction when the task has completed.
function Task:hold(reaction)
  self.held = (self.held or 0) + 1
  cell.listen(self, reaction)
end

--- Whoever held it has had the time to await it: a failure travels now.
function Task:release()
  self.held = self.held > 1 and self.held - 1 or nil
  if self.held or self.state ~= REJECTED or self.handled then return end
  self.handled = minded(self, worker.failure(self.value, self.trace), self.scope)
  if not self.handled then scheduler.watch(self) end
end

Task.on_complete = require "async.observer"

--- A traceback: of a task that failed, where; of one that waits, where, and where what it waits for waits.
-- @string[opt] message goes before it
function Task:traceback(message)
  local text = self.trace
  if not text then
    text = self.co and debug.traceback(self.co) or "stack traceback:"
    local awaited = self.waiting
    if awaited and getmeta(awaited) == Task then
      text = ("%s\nawaiting %s:\n%s"):format(text, awaited.name or "a task", awaited:traceback())
    end
  end
  return message and ("%s\n%s"):format(message, text) or text
end

--- @treturn string
function Task:__tostring()
  return ("Task%s (%s): %p"):format(self.name and " " .. self.name or "", self:status(), self)
end

M.Task = Task
M.current = current

return M
