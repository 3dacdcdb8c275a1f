--- Who waits for something, first come, first served. A waiter whose task is closed leaves by itself.
-- @module async.waiters
local context = require "async.context"

local Waiters = {}
Waiters.__index = Waiters

--- @tparam[opt] function give_back takes what was given to a waiter that was closed before it ran again
local function new(give_back)
  return setmetatable({ first = 1, last = 0, give_back = give_back }, Waiters)
end

--- Suspends the running task until it is its turn.
-- @param[opt] item what it brings
-- @return what it is given
function Waiters:wait(item)
  local operation = context.operation(context.enter())
  local at = self.last + 1
  self.last, self[at] = at, operation
  operation.owner, operation.at, operation.item = self, at, item
  return operation:wait()
end

--- Wakes the first with a value.
-- @treturn bool whether there was one
-- @return what it brought
function Waiters:wake(value)
  while self.first <= self.last do
    local at = self.first
    local operation = self[at]
    self.first, self[at] = at + 1, nil
    if operation then
      operation:complete(value)
      return true, operation.item
    end
  end
  return false
end

--- Called when a waiter's task is closed.
function Waiters:forsaken(operation)
  if not operation.done then
    self[operation.at] = nil
  elseif self.give_back then
    self.give_back(operation.value)
  end
end

return new
