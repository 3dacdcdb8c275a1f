--- Promise, to Promises/A+ 1.1, with JavaScript's names: `next` stands for `then`, a word of Lua's.
--
--     local p = Promise(function(resolve, reject) ... end)
--     p:next(on_fulfilled, on_rejected):catch(on_rejected):finally(fn)
--
-- Reactions run in coroutines of their own, once no script code is on the stack, and may await.
-- @module async.promise
local cell = require "async.cell"
local combinators = require "async.combinators"
local scheduler = require "async.scheduler"
local worker = require "async.worker"

local promise = {
  all = combinators.all,
  allSettled = combinators.allSettled,
  any = combinators.any,
  race = combinators.race,
}

local function construct(executor)
  if not cell.callable(executor) then
    error(("Promise resolver %s is not a function"):format(scheduler.describe(executor)), 2)
  end
  local self = cell.new()
  cell.execute(self, executor)
  return self
end

--- Makes a promise; `Promise(executor)` is the same.
-- @tparam function executor called at once with `resolve` and `reject`, of which the first call counts
-- @treturn Promise
function promise.new(executor) return construct(executor) end

setmetatable(promise, { __call = function(_, executor) return construct(executor) end, __name = "Promise" })

--- A promise of the value; the value itself if it is a promise.
-- @treturn Promise
function promise.resolve(value)
  if type(value) == "table" and debug.getmetatable(value) == cell.Promise then return value end
  local self = cell.new()
  cell.resolve(self, value)
  return self
end

--- A promise that is rejected with the reason.
-- @treturn Promise
function promise.reject(reason)
  local self = cell.new()
  cell.reject(self, reason, worker.trace(reason, 2))
  return self
end

--- @treturn Promise a promise
-- @treturn function resolves it
-- @treturn function rejects it
function promise.withResolvers()
  local self = cell.new()
  return self, cell.resolvers(self)
end

return promise
