--- Future: a result that is set by hand, from callbacks, and awaited as a promise is.
-- @module async.future
local cell = require "async.cell"
local on_complete = require "async.observer"
local worker = require "async.worker"

local Future = setmetatable({}, { __index = cell.Promise })
Future.__index = Future
Future.__name, Future.__clone = "Future", false -- means nothing in another process
cell.classes[Future] = true

--- Sets the result, once: an error, or nil and values.
function Future:complete(err, ...)
  if self.state ~= cell.PENDING then error("Future is already completed", 2) end
  if err ~= nil then return cell.reject(self, err, worker.trace(err, 2)) end
  if select("#", ...) == 1 then return cell.fulfil(self, (...)) end
  return cell.fulfil(self, (...), table.pack(...))
end

--- True once it has a result.
function Future:completed() return self.state ~= cell.PENDING end

--- The result, as pcall gives it; raises if there is none yet.
-- @treturn bool
-- @return the values, or the error
function Future:result()
  if self.state == cell.PENDING then error("Future has not completed", 2) end
  if self.state == cell.REJECTED then
    self.handled = true
    return false, self.value
  end
  local values = self.values
  if values then return true, table.unpack(values, 1, values.n) end
  return true, self.value
end

Future.on_complete = on_complete

--- @function async.future
-- @treturn Future
return function()
  return setmetatable({ state = cell.PENDING, value = nil, first = nil, handled = false }, Future)
end
