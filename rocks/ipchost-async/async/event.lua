--- Event: a flag that tasks wait for.
-- @module async.event
local new_waiters = require "async.waiters"
local enter = require("async.context").enter

local Event = {}
Event.__index = Event
Event.__name, Event.__clone = "Event", false -- means nothing in another process

--- Sets the flag and wakes those that wait.
-- @tparam[opt] integer max_woken wake at most so many: if there are any, the flag stays unset, for it was theirs
function Event:set(max_woken)
  if self.is_set then return end
  local woken = 0
  while woken < (max_woken or math.huge) and self.waiters:wake() do woken = woken + 1 end
  self.is_set = not max_woken or woken == 0
end

--- Unsets the flag.
function Event:clear() self.is_set = false end

--- Waits until the flag is set.
function Event:wait()
  if self.is_set then
    enter()
    return
  end
  self.waiters:wait()
end

--- @function async.event
-- @treturn Event
return function()
  return setmetatable({ is_set = false, waiters = new_waiters() }, Event)
end
