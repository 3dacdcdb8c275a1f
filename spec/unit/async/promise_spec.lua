-- Promise beyond Promises/A+: JavaScript's constructors, combinators, catch and finally.
local async = require "async"
local support = require "spec.unit.async.support"
local Promise, await, task = async.Promise, async.await, support.task

local function rejection(promise)
  local ok, reason = pcall(task, function() return await(promise) end)
  assert.is_false(ok)
  return reason
end

local function value(promise) return task(function() return await(promise) end) end

describe("Promise", function()
  it("is the module, and is called or has new", function()
    assert.equal(require "async.promise", Promise)
    assert.equal(1, value(Promise(function(resolve) resolve(1) end)))
    assert.equal(2, value(Promise.new(function(resolve) resolve(2) end)))
  end)

  it("runs its executor at once, and rejects with what that raises", function()
    local ran = false
    local promise = Promise(function() ran = true error("no", 0) end)
    assert.is_true(ran)
    assert.equal("no", rejection(promise))
  end)

  it("keeps what was resolved before the executor raised", function()
    assert.equal(1, value(Promise(function(resolve) resolve(1) error("late") end)))
  end)

  it("refuses an executor that is no function, at the caller's line", function()
    for _, make in ipairs { Promise, Promise.new } do
      local ok, reason = pcall(function() make(5) end)
      assert.is_false(ok)
      assert.matches("promise_spec.lua:%d+: Promise resolver 5 is not a function", reason)
    end
  end)

  it("resolve hands a promise through, and follows thenables and tasks", function()
    local promise = Promise.resolve(1)
    assert.equal(promise, Promise.resolve(promise))
    assert.equal(2, value(Promise.resolve { ["then"] = function(_, resolve) resolve(2) end }))
    assert.equal(3, value(Promise.resolve(async.run(function() return 3 end))))
    assert.is_nil(value(Promise.resolve()))
  end)

  it("reject does not follow", function()
    local inner = Promise.resolve(1)
    assert.equal(inner, rejection(Promise.reject(inner)))
  end)

  it("withResolvers returns promise, resolve, reject", function()
    local promise, resolve = Promise.withResolvers()
    resolve(1)
    assert.equal(1, value(promise))
    local other, _, reject = Promise.withResolvers()
    reject("no")
    assert.equal("no", rejection(other))
  end)

  it("shows its state as text", function()
    local promise, resolve = Promise.withResolvers()
    assert.matches("^Promise %(pending%)", tostring(promise))
    resolve()
    assert.matches("^Promise %(fulfilled%)", tostring(promise))
  end)

  it("runs long chains flat", function()
    local promise = Promise.resolve(0)
    for _ = 1, 20000 do promise = promise:next(function(n) return n + 1 end) end
    assert.equal(20000, value(promise))
    promise = Promise.resolve(0)
    for _ = 1, 20000 do promise = promise:next() end
    assert.equal(0, value(promise))
  end)

  it("lets reactions await", function()
    assert.equal(3, value(Promise.resolve(1):next(function(n)
      async.sleep(1)
      return n + await(Promise.resolve(2))
    end)))
  end)
end)

describe("Promise:catch and :finally", function()
  it("catch handles a rejection only", function()
    assert.equal("caught no", value(Promise.reject("no"):catch(function(reason) return "caught " .. reason end)))
    assert.equal(1, value(Promise.resolve(1):catch(function() return 2 end)))
  end)

  it("finally sees neither value nor reason, and passes them on", function()
    local seen
    assert.equal(1, value(Promise.resolve(1):finally(function(...) seen = select("#", ...) return 5 end)))
    assert.equal(0, seen)
    assert.equal("no", rejection(Promise.reject("no"):finally(function() return 5 end)))
  end)

  it("finally waits for what it returns, and can only make it fail", function()
    local order = {}
    assert.equal(1, value(Promise.resolve(1):finally(function()
      return async.run(function()
        async.sleep(1)
        order[#order + 1] = "waited"
      end)
    end)))
    assert.same({ "waited" }, order)
    assert.equal("bad", rejection(Promise.resolve(1):finally(function() error("bad", 0) end)))
    assert.equal(1, value(Promise.resolve(1):finally(function() return 1, function() end end)))
    assert.equal("bad", rejection(Promise.resolve(1):finally(function() return Promise.reject("bad") end)))
  end)

  it("finally passes over what is no function", function()
    assert.equal(1, value(Promise.resolve(1):finally(nil)))
  end)
end)

describe("Promise.all", function()
  it("gives the values in order", function()
    local slow = async.run(function() async.sleep(2) return "slow" end)
    local thenable = { ["then"] = function(_, resolve) resolve("thenable") end }
    assert.same({ "slow", "quick", "plain", "thenable" },
      value(Promise.all { slow, Promise.resolve("quick"), "plain", thenable }))
    assert.same({}, value(Promise.all {}))
  end)

  it("rejects with the first reason, and takes the others", function()
    local logged = support.logged(function()
      assert.equal("a", rejection(Promise.all { Promise(function() end), Promise.reject("a"), Promise.reject("b") }))
    end)
    assert.equal("", logged)
  end)

  it("refuses what is no list", function()
    assert.has_error(function() Promise.all(5) end)
  end)
end)

describe("Promise.allSettled", function()
  it("says how each was settled", function()
    assert.same({
      { status = "fulfilled", value = 1 },
      { status = "rejected", reason = "no" },
      { status = "fulfilled", value = "plain" },
    }, value(Promise.allSettled { Promise.resolve(1), Promise.reject("no"), "plain" }))
    assert.same({}, value(Promise.allSettled {}))
  end)
end)

describe("Promise.any", function()
  it("gives the first value, whatever was rejected before", function()
    assert.equal("late", value(Promise.any {
      Promise.reject("no"), async.run(function() async.sleep(1) return "late" end), Promise(function() end),
    }))
  end)

  it("rejects with an AggregateError of all reasons", function()
    local reason = rejection(Promise.any { Promise.reject("a"), Promise.reject("b") })
    assert.equal("AggregateError", reason.name)
    assert.same({ "a", "b" }, reason.errors)
    assert.equal("AggregateError: All promises were rejected", tostring(reason))
    assert.equal("it: AggregateError: All promises were rejected", "it: " .. reason)
    assert.same({}, rejection(Promise.any {}).errors)
  end)
end)

describe("Promise.race", function()
  it("is settled as the first", function()
    local never = Promise(function() end)
    assert.equal(1, value(Promise.race { never, Promise.resolve(1), Promise.reject("no") }))
    assert.equal("no", rejection(Promise.race { never, Promise.reject("no"), Promise.resolve(1) }))
  end)

  it("of nobody is never settled", function()
    local settled = false
    Promise.race({}):finally(function() settled = true end)
    support.drive()
    assert.is_false(settled)
  end)
end)
