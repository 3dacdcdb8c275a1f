--- iter: tasks in the order in which they complete.
-- @module async.iter
local cell = require "async.cell"
local new_queue = require "async.queue"
local scheduler = require "async.scheduler"

local Iterator = {}

--- A task given out is the caller's from now on: its failure is looked after no longer.
local function release(task)
  if task and task.release then task:release() end
end

local function finish(self)
  release(self.given)
  self.given = nil
  for task in pairs(self.waiting) do
    task:forsake(self)
    release(task)
  end
  self.waiting = {}
end

Iterator.__index = Iterator
Iterator.__close = finish
function Iterator:__gc() scheduler.defer(finish, self) end

function Iterator:settled(task) self.queue:put_nowait(task) end

local function next_task(self)
  release(self.given)
  self.given = nil
  if not next(self.waiting) then return nil end
  local task = self.queue:get()
  self.waiting[task] = nil
  self.given = task
  return task
end

--- Iterates over tasks, or other promises, as they complete. It gives the tasks themselves: await or pawait one for
-- its result. A failed child that the loop leaves without awaiting it is its parent's failure, as ever.
-- @tparam table tasks a list
-- @treturn function the iterator, for a generic for
return function(tasks)
  local self = setmetatable({ queue = new_queue(), waiting = {} }, Iterator)
  for index, task in ipairs(tasks) do
    if not cell.classes[debug.getmetatable(task)] then
      error(("async.iter: item %d is no task"):format(index), 2)
    end
    if not self.waiting[task] then
      self.waiting[task] = true
      if task.hold then task:hold(self) else cell.subscribe(task, self) end
    end
  end
  return function() return next_task(self) end, nil, nil, self
end
