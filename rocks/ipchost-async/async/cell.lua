--- What a promise is: its states, its methods, and the promise resolution procedure of Promises/A+ 1.1.
-- The rest of this rock is built on it; for scripts there is `async.promise`.
-- @module async.cell
local errors = require "async.errors"
local scheduler = require "async.scheduler"
local worker = require "async.worker"

local post, watch = scheduler.post, scheduler.watch
local start, catch, caught = worker.start, worker.catch, worker.caught
local getmeta = debug.getmetatable
local xpcall, type, setmetatable, unpack = xpcall, type, setmetatable, table.unpack

local PENDING, FULFILLED, REJECTED = "pending", "fulfilled", "rejected"

--- The class. Fields: `state`; `value`, the value or the reason; `values`, all of a task's results where they are not
-- one; `first` and `rest`, who is told when it is settled; `handled`, whether anybody ever was; `trace`, where
-- it was rejected. Of one made by `next`: `on_fulfilled`, `on_rejected`, `on_settled`.
local Promise = {}
Promise.__index = Promise
Promise.__name, Promise.__clone = "Promise", false -- means nothing in another process

-- Metatables of promises: this one and Task's.
local classes = { [Promise] = true }

local function new()
  return setmetatable({ state = PENDING, value = nil, first = nil, handled = false }, Promise)
end

local function callable(value)
  if type(value) == "function" then return true end
  local meta = getmeta(value)
  return meta ~= nil and meta.__call ~= nil
end

local function tell(self)
  local first = self.first
  if not first then return end
  self.first = nil
  post(first.settled, first, self)
  local rest = self.rest
  if not rest then return end
  self.rest = nil
  for i = 1, #rest do post(rest[i].settled, rest[i], self) end
end

local function fulfil(self, value, values)
  self.state, self.value = FULFILLED, value
  if values then self.values = values end
  tell(self)
end

local function reject(self, reason, trace)
  self.state, self.value, self.trace = REJECTED, reason, trace
  if self.handled or self.held then tell(self) else watch(self) end
end

--- Has `reaction:settled(self)` called, from the queue, once the promise is settled.
local function listen(self, reaction)
  if self.state ~= PENDING then
    post(reaction.settled, reaction, self)
  elseif not self.first then
    self.first = reaction
  elseif self.rest then
    self.rest[#self.rest + 1] = reaction
  else
    self.rest = { reaction }
  end
end

--- The same by one who sees to a rejection.
local function subscribe(self, reaction)
  self.handled = true
  return listen(self, reaction)
end

local function copy(self, source)
  if source.state == FULFILLED then return fulfil(self, source.value, source.values) end
  return reject(self, source.value, source.trace)
end

local resolve

--- A pair of functions of which the first call settles the promise.
local function resolvers(self)
  local done = false
  return function(value)
    if done then return end
    done = true
    resolve(self, value)
  end, function(reason)
    if done then return end
    done = true
    reject(self, reason, worker.trace(reason, 2))
  end
end

--- Calls the executor of a promise, or a thenable's `then`, with its resolvers.
local function execute(self, fn, thenable)
  local fulfil_it, reject_it = resolvers(self)
  local ok, failure
  if thenable then
    ok, failure = xpcall(fn, catch, thenable, fulfil_it, reject_it)
  else
    ok, failure = xpcall(fn, catch, fulfil_it, reject_it)
  end
  if ok then return end
  failure = caught(failure)
  -- Through the resolver, which knows whether it was called before; its traceback is replaced.
  if self.state == PENDING then
    reject_it(failure.value)
    if self.state == REJECTED then self.trace = failure.trace end
  end
end

local function get_then(value) return value["then"] end

--- Follows a table whose `then` can be called: that is called from the queue. Any other table is a value.
local function assimilate(self, value, method)
  if not callable(method) then return fulfil(self, value) end
  post(function() start(execute, self, method, value) end)
end

--- The promise resolution procedure.
function resolve(self, value)
  if type(value) ~= "table" then return fulfil(self, value) end
  if not classes[getmeta(value)] then
    local ok, method = xpcall(get_then, catch, value)
    if ok then return assimilate(self, value, method) end
    method = caught(method)
    return reject(self, method.value, method.trace)
  end
  if value == self then
    return reject(self, errors.new("TypeError", "Chaining cycle detected for promise"))
  end
  -- From the queue, as JavaScript calls the `then` of a promise.
  return post(subscribe, value, self)
end

--- Resolves with the result of a reaction, or rejects with what it raised.
local function finish(self, ok, result)
  if ok then return resolve(self, result) end
  result = caught(result)
  return reject(self, result.value, result.trace)
end

local function react(self, handler, source)
  local values = source.values
  if values then return finish(self, xpcall(handler, catch, unpack(values, 1, values.n))) end
  return finish(self, xpcall(handler, catch, source.value))
end

--- Passes on how `source` was settled once what a `finally` returned is fulfilled, or else the rejection of that.
local Passing = {}
Passing.__index = Passing

function Passing:settled(awaited)
  if awaited.state == FULFILLED then return copy(self.promise, self.source) end
  return copy(self.promise, awaited)
end

--- In the steps that JavaScript takes, so that the order of reactions is the same.
local function react_finally(self, handler, source)
  local ok, result = xpcall(handler, catch)
  if not ok then return finish(self, false, result) end
  local awaited, promise = result, new()
  if type(result) ~= "table" or not classes[getmeta(result)] then
    awaited = new()
    resolve(awaited, result)
  end
  subscribe(awaited, setmetatable({ promise = promise, source = source }, Passing))
  return resolve(self, promise)
end

--- The promise that this one follows is settled.
function Promise:settled(source)
  local finalizer = self.on_settled
  if finalizer then
    self.on_settled = nil
    start(react_finally, self, finalizer, source)
    return
  end
  local handler
  if source.state == FULFILLED then handler = self.on_fulfilled else handler = self.on_rejected end
  self.on_fulfilled, self.on_rejected = nil, nil
  if not handler then return copy(self, source) end
  start(react, self, handler, source)
end

--- Registers reactions. What is not callable is passed over.
-- @param on_fulfilled called with the value
-- @param on_rejected called with the reason
-- @return a promise of what the reaction returns
function Promise:next(on_fulfilled, on_rejected)
  local derived = setmetatable({
    state = PENDING, value = nil, first = nil, handled = false,
    on_fulfilled = callable(on_fulfilled) and on_fulfilled or nil,
    on_rejected = callable(on_rejected) and on_rejected or nil,
  }, Promise)
  subscribe(self, derived)
  return derived
end

--- @function Promise:then
-- The same, callable as `promise["then"](promise, on_fulfilled, on_rejected)`.
Promise["then"] = Promise.next

--- Registers a reaction to a rejection.
-- @return a promise of what it returns
function Promise:catch(on_rejected) return self:next(nil, on_rejected) end

--- Has `fn()` called when the promise is settled, whichever way.
-- @return a promise with the same outcome, once what `fn` returned is settled; `fn` can only make it fail
function Promise:finally(fn)
  if not callable(fn) then return self:next(fn, fn) end
  local derived = new()
  derived.on_settled = fn
  subscribe(self, derived)
  return derived
end

--- Whoever waited does no longer; see `async.context`.
function Promise:forsake(reaction)
  local rest = self.rest
  if self.first == reaction then
    self.first = rest and table.remove(rest, 1)
  else
    for i = 1, rest and #rest or 0 do
      if rest[i] == reaction then
        table.remove(rest, i)
        break
      end
    end
  end
  if rest and #rest == 0 then self.rest = nil end
end

function Promise:__tostring()
  return ("Promise (%s): %p"):format(self.state, self)
end

--- A promise for what can be awaited: the promise or task itself, a new one for a thenable, nil for anything else.
local function of(value)
  if type(value) ~= "table" then return nil end
  if classes[getmeta(value)] then return value end
  local method = value["then"]
  if not callable(method) then return nil end
  local self = new()
  assimilate(self, value, method)
  return self
end

return {
  Promise = Promise, classes = classes,
  PENDING = PENDING, FULFILLED = FULFILLED, REJECTED = REJECTED,
  new = new, of = of, callable = callable, execute = execute, resolvers = resolvers,
  resolve = resolve, fulfil = fulfil, reject = reject, copy = copy,
  listen = listen, subscribe = subscribe,
}
