--- Queue: values from some tasks to others, first in, first out.
-- @module async.queue
local new_waiters = require "async.waiters"
local enter = require("async.context").enter

local Queue = {}
Queue.__index = Queue
Queue.__name, Queue.__clone = "Queue", false -- means nothing in another process

--- How many values are in it.
function Queue:size() return self.last - self.first + 1 end

--- How many it holds at most; nil if any number.
function Queue:max_size() return self.limit end

local function is_full(self) return self.limit ~= nil and self:size() >= self.limit end

local function append(self, value)
  if self.getters:wake(value) then return end
  self.last = self.last + 1
  self.items[self.last] = value
end

local function take(self)
  local first = self.first
  local value = self.items[first]
  self.items[first], self.first = nil, first + 1
  local woken, item = self.putters:wake()
  if woken then append(self, item) end
  return value
end

--- A getter was closed with a value on its way to it: that is the first again.
local function give_back(self, value)
  if self.getters:wake(value) then return end
  self.first = self.first - 1
  self.items[self.first] = value
end

--- Puts a value in; waits while the queue is full.
function Queue:put(value)
  if is_full(self) then return self.putters:wait(value) end
  enter()
  append(self, value)
end

--- Puts a value in, or raises "Queue is full".
function Queue:put_nowait(value)
  if is_full(self) then error("Queue is full", 2) end
  append(self, value)
end

--- Takes the first value out; waits while the queue is empty.
function Queue:get()
  if self:size() == 0 then return self.getters:wait() end
  enter()
  return take(self)
end

--- Takes the first value out, or raises "Queue is empty".
function Queue:get_nowait()
  if self:size() == 0 then error("Queue is empty", 2) end
  return take(self)
end

--- @function async.queue
-- @tparam[opt] integer max_size
-- @treturn Queue
return function(max_size)
  if max_size ~= nil and (math.type(max_size) ~= "integer" or max_size < 1) then
    error("async.queue: max_size must be a positive integer", 2)
  end
  local self = setmetatable({ items = {}, first = 1, last = 0, limit = max_size, putters = new_waiters() }, Queue)
  self.getters = new_waiters(function(value) give_back(self, value) end)
  return self
end
