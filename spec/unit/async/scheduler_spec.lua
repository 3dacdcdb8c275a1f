-- The scheduler: who drains it and when, what a host sees of it, what it reports, and what it must not hold.
local async = require "async"
local scheduler = require "async.scheduler"
local uv = require "luv"
local support = require "spec.unit.async.support"
local await, Promise = async.await, async.Promise

describe("the queue on plain luv", function()
  it("is drained in the turn of the loop in which it was filled", function()
    local order = {}
    local check, timer = uv.new_check(), uv.new_timer()
    check:start(function()
      if #order == 0 then return end
      check:close()
      order[#order + 1] = "the turn ends"
    end)
    timer:start(1, 0, function()
      timer:close()
      order[#order + 1] = "timer"
      Promise.resolve():next(function() order[#order + 1] = "reaction" end)
    end)
    support.drive()
    assert.same({ "timer", "reaction", "the turn ends" }, order)
  end)

  it("holds the loop only while there is work", function()
    local ran = false
    Promise.resolve():next(function() ran = true end)
    assert.is_true(uv.loop_alive())
    support.drive()
    assert.is_true(ran)
    assert.is_false(uv.loop_alive())
    assert.is_true(scheduler.is_idle())
  end)

  it("drains what reactions add, before the loop goes on", function()
    local order = {}
    local timer = uv.new_timer()
    timer:start(0, 0, function()
      timer:close()
      order[#order + 1] = "timer"
    end)
    local function chain(n)
      order[#order + 1] = n
      if n < 3 then Promise.resolve(n + 1):next(chain) end
    end
    Promise.resolve(1):next(chain)
    support.drive()
    local position = {}
    for i, what in ipairs(order) do position[what] = i end
    assert.equal(position[1] + 2, position[3])
  end)

  it("gives the memory of a burst back, and keeps the order in it", function()
    local sum, last, ordered = 0, 0, true
    for i = 1, 20000 do
      scheduler.post(function(n)
        sum, ordered, last = sum + 1, ordered and n == last + 1, n
      end, i)
    end
    support.drive()
    assert.equal(20000, sum)
    assert.is_true(ordered)
  end)

  it("logs a job that raises, and goes on", function()
    local ran = false
    local logged = support.logged(function()
      scheduler.post(function() error "limit" end)
      scheduler.post(function() ran = true end)
    end)
    assert.matches("Error in the microtask queue: .*limit", logged)
    assert.is_true(ran)
  end)
end)

describe("scheduler.set_host", function()
  after_each(function() scheduler.set_host(nil) end)

  it("has request called when the queue goes from empty to not empty, and drain run the jobs", function()
    local requests = 0
    scheduler.set_host { request = function() requests = requests + 1 end }
    local order = {}
    Promise.resolve():next(function()
      order[#order + 1] = 1
      Promise.resolve():next(function() order[#order + 1] = 2 end)
    end)
    Promise.resolve():next(function() order[#order + 1] = "1b" end)
    assert.equal(1, requests)
    assert.same({}, order)
    scheduler.drain()
    assert.same({ 1, "1b", 2 }, order)
    assert.equal(1, requests)
    scheduler.post(function() scheduler.drain() end)
    assert.equal(2, requests)
    scheduler.drain()
    assert.is_true(scheduler.is_idle())
  end)

  it("requests for what was queued before, and for a rejection", function()
    local requests = 0
    local host = { request = function() requests = requests + 1 end }
    Promise.resolve():next(function() end)
    scheduler.set_host(host)
    assert.equal(1, requests)
    scheduler.drain()
    local logged = support.logged(function()
      Promise.reject("lost")
      assert.equal(2, requests)
      scheduler.drain()
    end)
    assert.matches("lost", logged)
  end)

  it("forbids to block", function()
    scheduler.set_host { request = function() end }
    local ok, reason = async.run(function() await(Promise(function() end)) end):pwait()
    assert.is_false(ok)
    assert.matches("task:wait would block the host: await the task inside async.run", reason)
    assert.equal(1, async.run(function() return 1 end):wait())
    scheduler.drain()
  end)

  it("knows a checkpoint", function()
    scheduler.set_host { request = function() end }
    local passed = false
    async.run(function()
      async.checkpoint()
      passed = true
    end)
    scheduler.drain()
    assert.is_false(passed)
    uv.run("nowait")
    scheduler.drain()
    assert.is_true(passed)
    uv.run("nowait")
  end)
end)

describe("scheduler.top_level", function()
  local function host_coroutine(fn)
    local co = coroutine.create(fn)
    scheduler.top_level[co] = true
    return co
  end

  it("marks coroutines of the host's, in which code may await and run starts at once", function()
    local order = {}
    local promise, resolve = Promise.withResolvers()
    local co = host_coroutine(function()
      async.run(function() async.sleep(1) order[#order + 1] = "task" end)
      async.run(function() order[#order + 1] = "at once" end)
      order[#order + 1] = await(promise)
    end)
    coroutine.resume(co)
    assert.equal("suspended", coroutine.status(co))
    assert.is_true(scheduler.is_task(co))
    resolve("value")
    support.drive()
    assert.same({ "at once", "value", "task" }, order)
    assert.equal("dead", coroutine.status(co))
  end)

  it("logs what such a coroutine raises after an await", function()
    local closed = false
    local co = host_coroutine(function()
      local _ <close> = setmetatable({}, { __close = function() closed = true end })
      async.sleep(1)
      error "escaped"
    end)
    coroutine.resume(co)
    assert.matches("Error in a callback: .*escaped.*\nstack traceback:", support.logged(function() end))
    assert.is_true(closed)
  end)

  it("is told from other coroutines by is_task", function()
    assert.is_false(scheduler.is_task())
    assert.is_false(scheduler.is_task(coroutine.create(print)))
    local inside, nested
    async.run(function()
      inside = scheduler.is_task()
      coroutine.wrap(function() nested = scheduler.is_task() end)()
    end)
    assert.is_true(inside)
    assert.is_false(nested)
  end)

  it("keeps a pooled coroutine of this rock from a script that resumes it", function()
    local co
    async.run(function() co = coroutine.running() end)
    coroutine.resume(co, "junk")
    coroutine.close(co)
    assert.equal(1, async.run(function() return 1 end):wait())
  end)
end)

describe("unhandled rejections", function()
  after_each(function() scheduler.on_unhandled = nil end)

  it("are reported once, after the queue is empty, with where they were rejected", function()
    local function rejects() local _ = Promise.reject("lost") end
    local logged = support.logged(function() rejects() end)
    assert.matches("^Unhandled rejection: lost\nstack traceback:.*rejects", logged)
    assert.equal("", support.logged(function() end))
  end)

  it("tell also where the reason was awaited", function()
    local function raises() error("deep", 0) end
    local function awaits(promise) await(promise) end
    local logged = support.logged(function()
      local inner = async.run(function()
        async.sleep(1)
        raises()
      end)
      async.run(function() awaits(inner) end)
    end)
    assert.matches("^Unhandled rejection: deep\nstack traceback:.*awaits.*\nrejected at:\nstack traceback:.*raises",
      logged)
    assert.equal(1, select(2, logged:gsub("Unhandled rejection", "")))
  end)

  it("tell it of a promise that is rejected with what was awaited", function()
    local function origin()
      local promise = Promise.reject("passed on")
      return promise
    end
    local logged = support.logged(function()
      async.run(function()
        local _, reason = pcall(await, origin())
        Promise.reject(reason)
      end)
    end)
    assert.matches("rejected at:\nstack traceback:.*origin", logged)
  end)

  it("are not reported if somebody takes them in time", function()
    assert.equal("", support.logged(function()
      local promise = Promise.reject("taken")
      Promise.resolve():next(function() promise:catch(function() end) end)
      async.run(function() async.pawait(Promise.reject("awaited")) end)
      async.run(function() error "observed" end):on_complete(function() end)
      async.run(function() error "waited" end):pwait()
    end))
  end)

  it("are reported of the last promise of a chain", function()
    local logged = support.logged(function()
      Promise.reject("first"):next(function() end):finally(function() end)
    end)
    assert.equal(1, select(2, logged:gsub("Unhandled rejection", "")))
  end)

  it("go to the hook first", function()
    local seen = {}
    scheduler.on_unhandled = function(reason, report)
      seen[#seen + 1] = { reason = reason, report = report }
      return reason == "dealt with"
    end
    local logged = support.logged(function()
      Promise.reject("dealt with")
      Promise.reject("passed")
    end)
    assert.equal(2, #seen)
    assert.matches("^Unhandled rejection: dealt with\nstack traceback:", seen[1].report)
    assert.not_matches("dealt with", logged)
    assert.matches("Unhandled rejection: passed", logged)
  end)

  it("are logged if the hook raises, and so is that", function()
    scheduler.on_unhandled = function() error "hook broken" end
    local logged = support.logged(function() Promise.reject("lost") end)
    assert.matches("Error in scheduler.on_unhandled: .*hook broken", logged)
    assert.matches("Unhandled rejection: lost", logged)
  end)

  it("put the reason in words, whatever it is", function()
    local logged = support.logged(function()
      Promise.reject { name = "NoteError", message = "full" }
      Promise.reject { message = "plain" }
      Promise.reject(setmetatable({}, { __tostring = function() return "as text" end }))
      Promise.reject(setmetatable({}, { __tostring = function() error "no text" end }))
      Promise.reject(42)
      Promise.reject(nil)
    end)
    for _, text in ipairs { "NoteError: full", "Error: plain", "as text", "an error of type table", "42", "nil" } do
      assert.matches("Unhandled rejection: " .. text .. "\n", logged, 1, true)
    end
  end)

  it("name where an error came from to message handlers", function()
    local origin
    async.run(function()
      xpcall(function()
        await(Promise.reject("x"))
      end, function(reason) origin = scheduler.origin(reason) end)
      assert.is_nil(scheduler.origin("other"))
    end):wait()
    assert.matches("stack traceback:.*scheduler_spec", origin)
  end)
end)

describe("what waits for what nobody can settle", function()
  local function collected(make)
    local weak = setmetatable({ make() }, { __mode = "v" })
    support.drive()
    collectgarbage()
    collectgarbage()
    return next(weak) == nil
  end

  it("is garbage: a handler", function()
    assert.is_true(collected(function()
      local event = {}
      local co = coroutine.create(function(e)
        await(Promise(function() end))
        return e
      end)
      scheduler.top_level[co] = true
      coroutine.resume(co, event)
      return event, co
    end))
  end)

  it("is garbage: a task, its children and its reactions", function()
    assert.is_true(collected(function()
      local token, child = {}, nil
      local parent = async.run(function()
        child = async.run(function()
          async.sleep(1)
          await(Promise(function() end))
          return token
        end)
        await(child)
      end)
      parent:next(function() return token end)
      support.drive()
      return token, parent, child
    end))
  end)

  it("is garbage: who waits for a queue, an event, a semaphore, a callback or in a nested coroutine", function()
    for _, wait in ipairs {
      function() async.queue():get() end,
      function() async.event():wait() end,
      function()
        local semaphore = async.semaphore()
        semaphore:acquire()
        semaphore:acquire()
      end,
      function() await(1, function() end) end,
      function() async.coroutine.wrap(function() await(Promise(function() end)) end)() end,
      function() async.all { Promise(function() end) } end,
      function() for _ in async.iter { async.run(function() await(Promise(function() end)) end) } do end end,
    } do
      assert.is_true(collected(function()
        local token = {}
        return token, async.run(function(_)
          wait()
          return token
        end, token)
      end))
    end
  end)

  it("stays while a handle of the loop holds it", function()
    local weak = setmetatable({}, { __mode = "v" })
    weak[1] = async.run(function() async.sleep(5) end)
    collectgarbage()
    collectgarbage()
    assert.is_table(weak[1])
    support.drive()
  end)

  it("leaves flat memory behind", function()
    local function round()
      for _ = 1, 200 do
        async.run(function()
          local child = async.run(function() async.sleep(0) return 1 end)
          await(child)
          await(Promise.resolve(1):next(function() end))
        end)
      end
      support.drive()
      collectgarbage()
      collectgarbage()
      return collectgarbage("count")
    end
    round()
    local before = round()
    for _ = 1, 5 do round() end
    assert.is_true(round() - before < 20, "memory grows")
  end)
end)
