-- Promises/A+ 1.1, https://promisesaplus.com: each spec is named by its clause. `then` is `next` here.
local async = require "async"
local scheduler = require "async.scheduler"
local uv = require "luv"
local support = require "spec.unit.async.support"
local Promise, drive = async.Promise, support.drive

local DUMMY, OTHER, SENTINEL = { "dummy" }, { "other" }, { "sentinel" }

local function later(fn) -- in a later turn of the loop
  local timer = uv.new_timer()
  timer:start(1, 0, function()
    timer:close()
    fn()
  end)
end

-- Ways to make a settled promise: before `next` is called, soon after, in a later turn.
local function each_settled(settle, check)
  local function already()
    local promise, resolve, reject = Promise.withResolvers()
    settle(resolve, reject)
    check(promise)
  end
  local function soon()
    local promise, resolve, reject = Promise.withResolvers()
    scheduler.post(function() settle(resolve, reject) end)
    check(promise)
  end
  local function in_a_later_turn()
    local promise, resolve, reject = Promise.withResolvers()
    later(function() settle(resolve, reject) end)
    check(promise)
  end
  for _, way in ipairs { already, soon, in_a_later_turn } do
    way()
    drive()
  end
end

local function each_fulfilled(value, check) each_settled(function(resolve) resolve(value) end, check) end
local function each_rejected(reason, check) each_settled(function(_, reject) reject(reason) end, check) end

-- Counts calls and keeps the arguments of the last.
local function recorder(result)
  local record = { count = 0 }
  function record.call(...)
    record.count, record.n, record.value = record.count + 1, select("#", ...), (...)
    return result
  end
  return record
end

local function outcome(promise)
  local result = {}
  promise:next(function(value) result.state, result.value = "fulfilled", value end,
    function(reason) result.state, result.value = "rejected", reason end)
  drive()
  return result
end

local function assert_fulfilled(value, promise)
  local got = outcome(promise)
  assert.equal("fulfilled", got.state)
  assert.equal(value, got.value)
end

local function assert_rejected(reason, promise)
  local got = outcome(promise)
  assert.equal("rejected", got.state)
  assert.equal(reason, got.value)
end

--- How often each of the promise's reactions is called.
local function assert_calls(fulfilled, rejected, promise)
  local ok, bad = recorder(), recorder()
  promise:next(ok.call, bad.call)
  drive()
  assert.equal(fulfilled, ok.count)
  assert.equal(rejected, bad.count)
end

describe("Promises/A+ 2.1 states", function()
  describe("2.1.1 a pending promise", function()
    it("2.1.1.1 a pending promise may become fulfilled or rejected", function()
      local promise, resolve = Promise.withResolvers()
      assert.is_nil(outcome(promise).state)
      resolve(DUMMY)
      assert_fulfilled(DUMMY, promise)
      local other, _, reject = Promise.withResolvers()
      assert.is_nil(outcome(other).state)
      reject(DUMMY)
      assert_rejected(DUMMY, other)
    end)
  end)

  describe("2.1.2 a fulfilled promise", function()
    it("2.1.2.1 a fulfilled promise does not change its state", function()
      local function settle(resolve, reject) resolve(DUMMY) reject(OTHER) end
      each_settled(settle, function(promise) assert_calls(1, 0, promise) end)
    end)

    it("2.1.2.2 a fulfilled promise does not change its value", function()
      local promise, resolve = Promise.withResolvers()
      resolve(DUMMY)
      resolve(OTHER)
      assert_fulfilled(DUMMY, promise)
    end)
  end)

  describe("2.1.3 a rejected promise", function()
    it("2.1.3.1 a rejected promise does not change its state", function()
      local function settle(resolve, reject) reject(DUMMY) resolve(OTHER) end
      each_settled(settle, function(promise) assert_calls(0, 1, promise) end)
    end)

    it("2.1.3.2 a rejected promise does not change its reason", function()
      local promise, _, reject = Promise.withResolvers()
      reject(DUMMY)
      reject(OTHER)
      assert_rejected(DUMMY, promise)
    end)
  end)
end)

describe("Promises/A+ 2.2 the then method", function()
  it("2.2 takes two arguments, under both its names", function()
    assert.equal(Promise.resolve().next, Promise.resolve()["then"])
  end)

  describe("2.2.1 both arguments are optional", function()
    it("2.2.1.1 ignores an onFulfilled that is not a function", function()
      for _, nonfunction in ipairs { false, 5, "text", {} } do
        local bad = recorder(SENTINEL)
        assert_fulfilled(SENTINEL, Promise.reject(DUMMY):next(nonfunction, bad.call))
      end
      assert_fulfilled(SENTINEL, Promise.reject(DUMMY):next(nil, recorder(SENTINEL).call))
    end)

    it("2.2.1.2 ignores an onRejected that is not a function", function()
      for _, nonfunction in ipairs { false, 5, "text", {} } do
        assert_fulfilled(SENTINEL, Promise.resolve(DUMMY):next(recorder(SENTINEL).call, nonfunction))
      end
      assert_fulfilled(SENTINEL, Promise.resolve(DUMMY):next(recorder(SENTINEL).call, nil))
    end)
  end)

  describe("2.2.2 onFulfilled", function()
    it("2.2.2.1 calls onFulfilled after fulfilment, with the value as its first argument", function()
      each_fulfilled(SENTINEL, function(promise)
        local ok = recorder()
        promise:next(ok.call)
        drive()
        assert.equal(SENTINEL, ok.value)
      end)
    end)

    it("2.2.2.2 does not call onFulfilled before fulfilment", function()
      local promise, resolve = Promise.withResolvers()
      local ok = recorder()
      promise:next(ok.call)
      drive()
      assert.equal(0, ok.count)
      resolve()
      drive()
      assert.equal(1, ok.count)
    end)

    it("2.2.2.3 calls onFulfilled at most once", function()
      each_settled(function(resolve) resolve(DUMMY) resolve(DUMMY) end, function(promise)
        local ok = recorder()
        promise:next(ok.call)
        drive()
        drive()
        assert.equal(1, ok.count)
      end)
    end)
  end)

  describe("2.2.3 onRejected", function()
    it("2.2.3.1 calls onRejected after rejection, with the reason as its first argument", function()
      each_rejected(SENTINEL, function(promise)
        local bad = recorder()
        promise:next(nil, bad.call)
        drive()
        assert.equal(SENTINEL, bad.value)
      end)
    end)

    it("2.2.3.2 does not call onRejected before rejection", function()
      local promise, _, reject = Promise.withResolvers()
      local bad = recorder()
      promise:next(nil, bad.call)
      drive()
      assert.equal(0, bad.count)
      reject()
      drive()
      assert.equal(1, bad.count)
    end)

    it("2.2.3.3 calls onRejected at most once", function()
      each_settled(function(_, reject) reject(DUMMY) reject(DUMMY) end, function(promise)
        local bad = recorder()
        promise:next(nil, bad.call)
        drive()
        drive()
        assert.equal(1, bad.count)
      end)
    end)
  end)

  it("2.2.4 calls neither while script code is on the stack", function()
    local order = {}
    local function note(text) return function() order[#order + 1] = text end end
    Promise.resolve():next(note "fulfilled")
    Promise.reject():next(nil, note "rejected")
    note "script" ()
    drive()
    assert.same({ "script", "fulfilled", "rejected" }, order)
    -- A promise settled in a reaction, and one settled in a callback of the loop.
    order = {}
    local promise, resolve = Promise.withResolvers()
    promise:next(note "inner")
    Promise.resolve():next(function()
      resolve()
      note "outer" ()
    end)
    drive()
    assert.same({ "outer", "inner" }, order)
    order = {}
    later(function()
      Promise.resolve():next(note "reaction")
      note "callback" ()
    end)
    drive()
    assert.same({ "callback", "reaction" }, order)
  end)

  it("2.2.5 calls both as functions, without a self", function()
    local ok, bad = recorder(), recorder()
    Promise.resolve(DUMMY):next(ok.call)
    Promise.reject(DUMMY):next(nil, bad.call)
    drive()
    assert.equal(1, ok.n)
    assert.equal(1, bad.n)
  end)

  describe("2.2.6 may be called many times", function()
    it("2.2.6.1 calls all onFulfilled in the order of their then calls", function()
      each_fulfilled(DUMMY, function(promise)
        local order = {}
        for i = 1, 4 do
          promise:next(function()
            order[#order + 1] = i
            if i == 2 then
              promise:next(function() order[#order + 1] = "added" end)
              error("does not stop the others")
            end
          end):catch(function() end)
          promise:next(nil, function() order[#order + 1] = "wrong" end)
        end
        drive()
        assert.same({ 1, 2, 3, 4, "added" }, order)
      end)
    end)

    it("2.2.6.2 calls all onRejected in the order of their then calls", function()
      each_rejected(DUMMY, function(promise)
        local order = {}
        for i = 1, 4 do
          promise:next(nil, function()
            order[#order + 1] = i
            if i == 2 then promise:next(nil, function() order[#order + 1] = "added" end) end
          end)
        end
        drive()
        assert.same({ 1, 2, 3, 4, "added" }, order)
      end)
    end)
  end)

  describe("2.2.7 what then returns", function()
    it("2.2.7 returns a promise", function()
      local promise = Promise.resolve()
      local derived = promise:next(function() end)
      assert.is_function(derived.next)
      assert.not_equal(promise, derived)
    end)

    it("2.2.7.1 resolves it with what onFulfilled or onRejected returns", function()
      each_fulfilled(DUMMY, function(promise) assert_fulfilled(SENTINEL, promise:next(recorder(SENTINEL).call)) end)
      each_rejected(DUMMY, function(promise) assert_fulfilled(SENTINEL, promise:next(nil, recorder(SENTINEL).call)) end)
      assert_fulfilled(SENTINEL, Promise.resolve(DUMMY):next(function() return Promise.resolve(SENTINEL) end))
    end)

    it("2.2.7.2 rejects it with what onFulfilled or onRejected raises", function()
      for _, reason in ipairs { SENTINEL, 5, "text", false } do
        each_fulfilled(DUMMY, function(promise)
          assert_rejected(reason, promise:next(function() error(reason, 0) end))
        end)
        each_rejected(DUMMY, function(promise)
          assert_rejected(reason, promise:next(nil, function() error(reason, 0) end))
        end)
      end
      assert_rejected(nil, Promise.resolve(DUMMY):next(function() error(nil) end))
    end)

    it("2.2.7.3 fulfils it with the same value if onFulfilled is no function", function()
      for _, nonfunction in ipairs { false, 5, {} } do
        each_fulfilled(SENTINEL, function(promise) assert_fulfilled(SENTINEL, promise:next(nonfunction)) end)
      end
    end)

    it("2.2.7.4 rejects it with the same reason if onRejected is no function", function()
      for _, nonfunction in ipairs { false, 5, {} } do
        each_rejected(SENTINEL, function(promise) assert_rejected(SENTINEL, promise:next(nil, nonfunction)) end)
      end
    end)
  end)
end)

describe("Promises/A+ 2.3 the promise resolution procedure", function()
  -- Resolves a promise with x in each place where the procedure runs.
  local function each_resolution(make, check)
    check(Promise(function(resolve) resolve(make()) end))
    check(Promise.resolve(DUMMY):next(function() return make() end))
    check(Promise.reject(DUMMY):next(nil, function() return make() end))
  end

  local function thenable(fn) return { ["then"] = fn } end

  it("2.3.1 rejects with a TypeError when a promise is resolved with itself", function()
    local promise
    promise = Promise.resolve():next(function() return promise end)
    local got = outcome(promise)
    assert.equal("rejected", got.state)
    assert.equal("TypeError", got.value.name)
    assert.equal("TypeError: Chaining cycle detected for promise", tostring(got.value))
  end)

  describe("2.3.2 a promise is followed", function()
    it("2.3.2.1 stays pending while the promise it follows is", function()
      each_resolution(function() return Promise(function() end) end, function(promise)
        assert.is_nil(outcome(promise).state)
      end)
    end)

    it("2.3.2.2 is fulfilled with the value of the promise it follows", function()
      each_resolution(function() return Promise.resolve(SENTINEL) end, function(promise)
        assert_fulfilled(SENTINEL, promise)
      end)
      each_resolution(function() return Promise(function(resolve) later(function() resolve(SENTINEL) end) end) end,
        function(promise) assert_fulfilled(SENTINEL, promise) end)
    end)

    it("2.3.2.3 is rejected with the reason of the promise it follows", function()
      each_resolution(function() return Promise.reject(SENTINEL) end, function(promise)
        assert_rejected(SENTINEL, promise)
      end)
      each_resolution(function() return Promise(function(_, reject) later(function() reject(SENTINEL) end) end) end,
        function(promise) assert_rejected(SENTINEL, promise) end)
    end)
  end)

  describe("2.3.3 a table", function()
    it("2.3.3.1 reads then once", function()
      local reads = 0
      each_resolution(function()
        reads = 0
        return setmetatable({}, { __index = function(_, key)
          assert.equal("then", key)
          reads = reads + 1
          return function(_, resolve) resolve(SENTINEL) end
        end })
      end, function(promise)
        assert_fulfilled(SENTINEL, promise)
        assert.equal(1, reads)
      end)
    end)

    it("2.3.3.2 rejects with what reading then raises", function()
      each_resolution(function()
        return setmetatable({}, { __index = function() error(SENTINEL) end })
      end, function(promise) assert_rejected(SENTINEL, promise) end)
    end)

    it("2.3.3.3 calls then with the thenable and two functions", function()
      local seen
      local function make()
        seen = nil
        local x = {}
        x["then"] = function(...)
          seen = { n = select("#", ...), self = (...) == x, resolve = type((select(2, ...))),
            reject = type((select(3, ...))) }
          select(2, ...)()
        end
        return x
      end
      each_resolution(make, function()
        drive()
        assert.same({ n = 3, self = true, resolve = "function", reject = "function" }, seen)
      end)
    end)

    it("2.3.3.3 takes a then that is a table with __call", function()
      local callable = setmetatable({}, { __call = function(_, _, resolve) resolve(SENTINEL) end })
      each_resolution(function() return thenable(callable) end,
        function(promise) assert_fulfilled(SENTINEL, promise) end)
    end)

    it("2.3.3.3.1 runs the procedure on what resolvePromise is called with", function()
      local function nested(x) return thenable(function(_, resolve) resolve(x) end) end
      each_resolution(function() return nested(SENTINEL) end, function(p) assert_fulfilled(SENTINEL, p) end)
      each_resolution(function() return nested(nested(nested(SENTINEL))) end,
        function(p) assert_fulfilled(SENTINEL, p) end)
      each_resolution(function() return nested(Promise.reject(SENTINEL)) end,
        function(p) assert_rejected(SENTINEL, p) end)
      each_resolution(function()
        return thenable(function(_, resolve) later(function() resolve(nested(SENTINEL)) end) end)
      end, function(p) assert_fulfilled(SENTINEL, p) end)
    end)

    it("2.3.3.3.2 rejects with what rejectPromise is called with, as it is", function()
      local reason = thenable(function() error "must not be called" end)
      each_resolution(function() return thenable(function(_, _, reject) reject(reason) end) end,
        function(promise) assert_rejected(reason, promise) end)
    end)

    it("2.3.3.3.3 heeds only the first call of either", function()
      local function check(fn, state, value)
        each_resolution(function() return thenable(fn) end, function(promise)
          local got = outcome(promise)
          drive()
          assert.equal(state, got.state)
          assert.equal(value, got.value)
        end)
      end
      check(function(_, resolve, reject) resolve(SENTINEL) reject(OTHER) end, "fulfilled", SENTINEL)
      check(function(_, resolve, reject) reject(SENTINEL) resolve(OTHER) end, "rejected", SENTINEL)
      check(function(_, resolve) resolve(SENTINEL) resolve(OTHER) end, "fulfilled", SENTINEL)
      check(function(_, _, reject) reject(SENTINEL) reject(OTHER) end, "rejected", SENTINEL)
      check(function(_, resolve, reject)
        resolve(Promise(function(settle) later(function() settle(SENTINEL) end) end))
        reject(OTHER)
        resolve(OTHER)
      end, "fulfilled", SENTINEL)
      check(function(_, resolve, reject)
        later(function() resolve(SENTINEL) end)
        later(function() reject(OTHER) end)
      end, "fulfilled", SENTINEL)
    end)

    describe("2.3.3.3.4 a then that raises", function()
      it("2.3.3.3.4.1 ignores what then raises after one of them was called", function()
        each_resolution(function()
          return thenable(function(_, resolve) resolve(SENTINEL) error(OTHER) end)
        end, function(promise) assert_fulfilled(SENTINEL, promise) end)
        each_resolution(function()
          return thenable(function(_, _, reject) reject(SENTINEL) error(OTHER) end)
        end, function(promise) assert_rejected(SENTINEL, promise) end)
        each_resolution(function()
          return thenable(function(_, resolve)
            resolve(Promise(function(settle) later(function() settle(SENTINEL) end) end))
            error(OTHER)
          end)
        end, function(promise) assert_fulfilled(SENTINEL, promise) end)
      end)

      it("2.3.3.3.4.2 rejects with what then raises otherwise", function()
        each_resolution(function()
          return thenable(function(_, resolve)
            later(function() resolve(OTHER) end)
            error(SENTINEL)
          end)
        end, function(promise) assert_rejected(SENTINEL, promise) end)
      end)
    end)

    it("2.3.3.4 fulfils with a table whose then is no function", function()
      for _, value in ipairs { 5, "text", {}, false } do
        local x = thenable(value)
        each_resolution(function() return x end, function(promise) assert_fulfilled(x, promise) end)
      end
    end)
  end)

  it("2.3.4 fulfils with anything that is no table", function()
    for _, x in ipairs { false, true, 0, "text", print, coroutine.create(print) } do
      each_resolution(function() return x end, function(promise) assert_fulfilled(x, promise) end)
    end
    each_resolution(function() return nil end, function(promise) assert_fulfilled(nil, promise) end)
  end)
end)

describe("Promises/A+ 1.1", function()
  it("has a spec named by each of its clauses", function()
    local file = assert(io.open("spec/unit/async/promises_aplus_spec.lua"))
    local text = file:read("a")
    file:close()
    local missing = {}
    for clause in ([[2.1 2.1.1 2.1.1.1 2.1.2 2.1.2.1 2.1.2.2 2.1.3 2.1.3.1 2.1.3.2 2.2 2.2.1 2.2.1.1 2.2.1.2 2.2.2
      2.2.2.1 2.2.2.2 2.2.2.3 2.2.3 2.2.3.1 2.2.3.2 2.2.3.3 2.2.4 2.2.5 2.2.6 2.2.6.1 2.2.6.2 2.2.7 2.2.7.1 2.2.7.2
      2.2.7.3 2.2.7.4 2.3 2.3.1 2.3.2 2.3.2.1 2.3.2.2 2.3.2.3 2.3.3 2.3.3.1 2.3.3.2 2.3.3.3 2.3.3.3.1 2.3.3.3.2
      2.3.3.3.3 2.3.3.3.4 2.3.3.3.4.1 2.3.3.3.4.2 2.3.3.4 2.3.4]]):gmatch("%S+") do
      local title = clause:gsub("%.", "%%.")
      if not text:find('it%("' .. title .. " ") and not text:find('describe%("[^"%d]*' .. title .. " ")
        and not text:find('describe%("Promises/A%+ ' .. title .. " ") then
        missing[#missing + 1] = clause
      end
    end
    assert.same({}, missing)
  end)
end)
