--- on_complete: callbacks of tasks and futures, which get an error or nil first.
-- @module async.observer
local cell = require "async.cell"
local worker = require "async.worker"

local Observer = {}
Observer.__index = Observer

local function call(callback, ...) return worker.call("Error in on_complete", callback, ...) end

local function observe(callback, source)
  if source.state == cell.REJECTED then return call(callback, source.value) end
  local values = source.values
  if values then return call(callback, nil, table.unpack(values, 1, values.n)) end
  return call(callback, nil, source.value)
end

function Observer:settled(source) return observe(self.callback, source) end

local function nothing() end

--- The method: has `callback(err, ...)` called once it has completed; at once if it has. It may await.
-- @tparam function callback gets the reason, or nil and the results
-- @treturn function ends the observation
return function(self, callback)
  if not cell.callable(callback) then error("on_complete: a function is needed", 2) end
  if self.state ~= cell.PENDING then
    self.handled = true
    observe(callback, self)
    return nothing
  end
  local observer = setmetatable({ callback = callback }, Observer)
  cell.subscribe(self, observer)
  return function() self:forsake(observer) end
end
