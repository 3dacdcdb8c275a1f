--- Promises of many: all, allSettled, any, race. They take a list of values, promises, tasks and thenables.
-- @module async.combinators
local cell = require "async.cell"
local errors = require "async.errors"

local PENDING, FULFILLED = cell.PENDING, cell.FULFILLED
local new, fulfil, reject = cell.new, cell.fulfil, cell.reject

local combinators = {}

--- Tells `collector` how the promise at an index of the list was settled.
local Item = {}
Item.__index = Item

function Item:settled(source) return self.collector:item(self.index, source) end

--- Subscribes a collector to every item of the list; returns its promise.
local function collect(class, list)
  if type(list) ~= "table" then error(("a list is needed, not a %s"):format(type(list)), 3) end
  local count = #list
  local collector = setmetatable({ promise = new(), left = count, results = {} }, class)
  if count == 0 and collector.empty then collector:empty() end
  for index = 1, count do
    local item = list[index]
    if type(item) ~= "table" or not cell.classes[debug.getmetatable(item)] then
      item = new()
      cell.resolve(item, list[index])
    end
    cell.subscribe(item, setmetatable({ collector = collector, index = index }, Item))
  end
  return collector.promise
end

local function class()
  local made = {}
  made.__index = made
  --- One more item is done; when it was the last, `empty` settles the promise.
  function made:count(index, result)
    self.results[index] = result
    self.left = self.left - 1
    if self.left == 0 then self:empty() end
  end
  return made
end

local All, AllSettled, Any, Race = class(), class(), class(), class()

function All:empty() fulfil(self.promise, self.results) end

function All:item(index, source)
  if self.promise.state ~= PENDING then return end
  if source.state == FULFILLED then return self:count(index, source.value) end
  reject(self.promise, source.value, source.trace)
end

AllSettled.empty = All.empty

function AllSettled:item(index, source)
  if source.state == FULFILLED then
    self:count(index, { status = "fulfilled", value = source.value })
  else
    self:count(index, { status = "rejected", reason = source.value })
  end
end

function Any:empty()
  local reason = errors.new("AggregateError", "All promises were rejected")
  reason.errors = self.results
  reject(self.promise, reason, self.trace)
end

function Any:item(index, source)
  if self.promise.state ~= PENDING then return end
  if source.state == FULFILLED then return fulfil(self.promise, source.value, source.values) end
  self.trace = self.trace or source.trace
  self:count(index, source.value)
end

function Race:item(_, source)
  if self.promise.state ~= PENDING then return end
  if source.state == FULFILLED then return fulfil(self.promise, source.value, source.values) end
  reject(self.promise, source.value, source.trace)
end
-- A race of nobody is never settled.
Race.empty = nil

--- Fulfilled with the list of all values, or rejected with the first reason.
function combinators.all(list) return collect(All, list) end

--- Fulfilled with a list of `{ status = "fulfilled", value = }` and `{ status = "rejected", reason = }`.
function combinators.allSettled(list) return collect(AllSettled, list) end

--- Fulfilled with the first value, or rejected with an AggregateError whose `errors` are all reasons.
function combinators.any(list) return collect(Any, list) end

--- Settled as the first that is settled.
function combinators.race(list) return collect(Race, list) end

return combinators
