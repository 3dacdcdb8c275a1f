--- Time and turns: sleep, timeout, checkpoint.
-- @module async.clock
local await = require "async.await"
local context = require "async.context"
local cell = require "async.cell"
local closing = require "async.closing"
local scheduler = require "async.scheduler"
local turn = require "async.turn"

local enter, operation = context.enter, context.operation

local clock = {}

--- Makes the timers of this rock: luv's, unless a test sets a clock of its own.
-- @function scheduler.new_timer
scheduler.new_timer = scheduler.new_timer or function()
  local uv = require "luv"
  -- The loop's time is that of the start of its turn: a timer would be early by what ran since.
  uv.update_time()
  return uv.new_timer()
end

--- A duration for a timer; raises at the caller of the function that is named.
function clock.milliseconds(ms, name)
  if type(ms) ~= "number" or ms ~= ms then
    error(("%s: milliseconds are needed, not a %s"):format(name, type(ms)), 3)
  end
  return ms <= 0 and 0 or math.ceil(math.min(ms, 2 ^ 53))
end
local milliseconds = clock.milliseconds

local function stop(timer)
  if not timer:is_closing() then closing.close(timer) end
end

--- Suspends the task for a time.
-- @number ms milliseconds
function clock.sleep(ms)
  ms = milliseconds(ms, "async.sleep")
  local op = operation(enter())
  local timer = scheduler.new_timer()
  op.handle = timer
  timer:start(ms, 0, function()
    op.handle = nil
    closing.close(timer)
    op:complete()
  end)
  op:wait()
end

--- Lets the loop run once, so that others have their turn. Raises if the task was closed.
function clock.checkpoint()
  local op = operation(enter())
  turn.next(op.complete, op)
  op:wait()
end

--- True if the running task was closed or has failed, so that its next await raises.
function clock.is_closing()
  local self = context.find()
  return self ~= nil and self.failure ~= nil
end

local Deadline = {}
Deadline.__index = Deadline

function Deadline:settled(source)
  stop(self.timer)
  cell.copy(self.promise, source)
end

--- A task that is to be closed settles by itself; anything else is waited for no longer.
local function passed(self)
  self.timed_out = true
  stop(self.timer)
  if self.closes and self.awaited.close_with then return self.awaited:close() end
  if self.promise.state ~= cell.PENDING then return end
  self.awaited:forsake(self)
  cell.reject(self.promise, "timeout")
end

function Deadline:__close()
  stop(self.timer)
  self.awaited:forsake(self)
end

--- Waits for a promise at most so long.
-- @param awaited a promise or task
-- @number ms milliseconds
-- @bool closes whether a task is closed when the time is up
function clock.within(awaited, ms, closes)
  enter()
  if awaited.state ~= cell.PENDING then return await.await(awaited) end
  local deadline <close> = setmetatable({
    promise = cell.new(), awaited = awaited, timer = scheduler.new_timer(), closes = closes,
  }, Deadline)
  cell.subscribe(awaited, deadline)
  deadline.timer:start(ms, 0, function() passed(deadline) end)
  local results = table.pack(await.pawait(deadline.promise))
  if deadline.timed_out then error("timeout", 0) end
  if not results[1] then return await.await(deadline.promise) end
  return table.unpack(results, 2, results.n)
end

--- Waits for a task, promise or thenable, but not longer than a time: then a task is closed and, once it has ended,
-- "timeout" is raised.
-- @number ms milliseconds
-- @param task what to wait for
-- @return its results
function clock.timeout(ms, task)
  ms = milliseconds(ms, "async.timeout")
  local awaited = cell.of(task)
  if not awaited then error("async.timeout: a task, promise or thenable is needed", 2) end
  return clock.within(awaited, ms, true)
end

return clock
