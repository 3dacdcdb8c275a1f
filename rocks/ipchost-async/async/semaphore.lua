--- Semaphore: so many tasks may be in a section at once.
-- @module async.semaphore
local new_waiters = require "async.waiters"
local enter = require("async.context").enter

local Semaphore = {}
Semaphore.__index = Semaphore
Semaphore.__name, Semaphore.__clone = "Semaphore", false -- means nothing in another process

--- Takes a permit; waits while there is none.
function Semaphore:acquire()
  if self.permits == 0 then return self.waiters:wait() end
  enter()
  self.permits = self.permits - 1
end

--- Gives a permit back: to the task that waits longest, if any.
function Semaphore:release()
  if self.permits >= self.limit then error("Semaphore value is greater than max permits", 2) end
  if not self.waiters:wake() then self.permits = self.permits + 1 end
end

function Semaphore:__close() self:release() end

--- Runs a function while holding a permit, which is given back however that ends.
-- @return its results
function Semaphore:with(fn)
  self:acquire()
  local _ <close> = self
  return fn()
end

--- @function async.semaphore
-- @tparam[opt] integer permits 1 if nil
-- @treturn Semaphore
return function(permits)
  permits = permits or 1
  if math.type(permits) ~= "integer" or permits < 1 then
    error("async.semaphore: permits must be a positive integer", 2)
  end
  local self = setmetatable({ permits = permits, limit = permits }, Semaphore)
  self.waiters = new_waiters(function() self:release() end)
  return self
end
