-- Tasks: how they start and end, the structure between them, closing, and what their tracebacks tell.
local async = require "async"
local uv = require "luv"
local support = require "spec.unit.async.support"
local await, Promise, task = async.await, async.Promise, support.task

local function never() await(Promise(function() end)) end

describe("async.run", function()
  it("starts at once at top level, with its arguments", function()
    local got
    async.run(function(...) got = table.pack(...) end, 1, nil, 3, nil)
    assert.same({ n = 4, 1, nil, 3 }, got)
    local n
    async.run(function(...) n = select("#", ...) end)
    assert.equal(0, n)
  end)

  it("takes a name first, and anything that can be called", function()
    local named = async.run("loader", function(n) return n end, 5)
    assert.equal(5, named:wait())
    assert.matches("^Task loader %(completed%)", tostring(named))
    assert.equal(6, async.run(setmetatable({}, { __call = function(_, n) return n end }), 6):wait())
  end)

  it("refuses what cannot be called, at the caller's line", function()
    local ok, reason = pcall(function() async.run(5) end)
    assert.is_false(ok)
    assert.matches("task_spec.lua:%d+: async.run: a function is needed, not a number", reason)
  end)

  it("starts children once the parent waits or has returned", function()
    local order = {}
    task(function()
      async.run(function(n) order[#order + 1] = "child " .. n end, 1)
      order[#order + 1] = "parent"
      async.sleep(1)
      async.run(function(n) order[#order + 1] = "child " .. n end, 2)
      order[#order + 1] = "end"
    end)
    assert.same({ "parent", "child 1", "end", "child 2" }, order)
  end)

  it("ends as the awaitable that its function returned", function()
    assert.equal(1, task(function() return Promise.resolve(1) end))
    assert.same({ 1, 2 }, { task(function() return async.run(function() return 1, 2 end) end) })
    assert.same({ false, "no" }, { async.run(function() return Promise.reject("no") end):pwait() })
  end)

  it("in a reaction or a callback is at top level", function()
    local order = {}
    task(function()
      await(Promise.resolve():next(function()
        async.run(function() order[#order + 1] = "at once" end)
        order[#order + 1] = "reaction"
      end))
    end)
    assert.same({ "at once", "reaction" }, order)
  end)
end)

describe("a task", function()
  it("is a promise", function()
    local got
    async.run(function() return 5 end):next(function(value) got = value end)
    support.drive()
    assert.equal(5, got)
    async.run(function() error("no", 0) end):catch(function(reason) got = reason end):finally(function() end)
    support.drive()
    assert.equal("no", got)
  end)

  it("has a status", function()
    local inside, normal
    local self
    self = async.run(function()
      async.sleep(1)
      inside = self:status()
      coroutine.wrap(function() normal = self:status() end)()
    end)
    assert.equal("awaiting", self:status())
    assert.is_false(self:completed())
    support.drive()
    assert.equal("running", inside)
    assert.equal("normal", normal)
    assert.equal("completed", self:status())
    assert.is_true(self:completed())
  end)

  it("that yields by itself fails, for nobody would resume it", function()
    local ok, reason = async.run(function() coroutine.yield() end):pwait()
    assert.is_false(ok)
    assert.equal("coroutine.yield in a task: use await", reason)
    ok, reason = async.run(function()
      async.sleep(1)
      coroutine.yield()
    end):pwait()
    assert.is_false(ok)
    assert.equal("coroutine.yield in a task: use await", reason)
  end)

  it("cannot await itself", function()
    local self
    self = async.run(function()
      async.sleep(1)
      await(self)
    end)
    assert.same({ false, "a task cannot await itself" }, { self:pwait() })
  end)

  it("whose coroutine a script closes fails", function()
    local co
    local closed = async.run(function()
      co = coroutine.running()
      async.sleep(1)
    end)
    coroutine.close(co)
    local ok, reason = closed:pwait()
    assert.is_false(ok)
    assert.matches("dead coroutine", reason)
  end)
end)

describe("Task:on_complete", function()
  it("gets nil and the results, or the reason", function()
    local good, bad
    async.run(function() async.sleep(1) return 1, nil, 3 end):on_complete(function(...) good = table.pack(...) end)
    async.run(function() async.sleep(1) error("no", 0) end):on_complete(function(...) bad = table.pack(...) end)
    support.drive()
    assert.same({ n = 4, nil, 1, nil, 3 }, good)
    assert.same({ n = 1, "no" }, bad)
  end)

  it("is called at once by a completed task, and may await", function()
    local order = {}
    async.run(function() return 1 end):on_complete(function(_, value)
      order[#order + 1] = value
      async.sleep(1)
      order[#order + 1] = "awaited"
    end)
    order[#order + 1] = "after"
    support.drive()
    assert.same({ 1, "after", "awaited" }, order)
  end)

  it("can be taken back", function()
    local called = false
    local stop = async.run(function() async.sleep(1) end):on_complete(function() called = true end)
    stop()
    support.drive()
    assert.is_false(called)
  end)

  it("logs what the callback raises", function()
    assert.matches("Error in on_complete: .*broken.*\nstack traceback:", support.logged(function()
      async.run(function() end):on_complete(function() error "broken" end)
    end))
  end)
end)

describe("Task:wait", function()
  it("drives the loop, and returns the results or raises the reason", function()
    assert.same({ 1, 2 }, { async.run(function() async.sleep(1) return 1, 2 end):wait() })
    local reason = {}
    local ok, got = pcall(function() async.run(function() async.sleep(1) error(reason) end):wait() end)
    assert.is_false(ok)
    assert.equal(reason, got)
    assert.same({ true, 5 }, { async.run(function() return 5 end):pwait() })
  end)

  it("counts the time from where it is called, not from the loop's last turn", function()
    support.drive()
    require("luv").sleep(500)
    local quick = async.run(function() for _ = 1, 3 do async.checkpoint() end return "done" end)
    assert.same({ true, "done" }, { quick:pwait(400) })
  end)

  it("raises timeout, and the task goes on", function()
    local gate = async.event()
    local function pass() gate:wait() return "done" end
    local slow = async.run(pass)
    assert.same({ false, "timeout" }, { slow:pwait(1) })
    gate:set()
    assert.equal("done", slow:wait())
    gate:clear()
    slow = async.run(pass)
    task(function()
      assert.same({ false, "timeout" }, { slow:pwait(1) })
      gate:set()
      assert.equal("done", slow:wait(1000))
    end)
  end)

  it("awaits inside a task", function()
    assert.same({ 1, 2 }, { task(function()
      return async.run(function() async.sleep(1) return 1, 2 end):wait()
    end) })
  end)

  it("raises when nothing is left that could complete the task", function()
    local ok, reason = async.run(never):pwait()
    assert.is_false(ok)
    assert.matches("nothing is left in the loop", reason)
  end)

  it("refuses to run the loop inside of itself", function()
    local ok, reason
    local timer = uv.new_timer()
    local waited = async.run(function() async.sleep(5) end)
    timer:start(0, 0, function()
      timer:close()
      ok, reason = waited:pwait()
    end)
    support.drive()
    assert.is_false(ok)
    assert.matches("task:wait in a callback of the loop", reason)
  end)
end)

describe("structure", function()
  it("a parent ends after its children", function()
    local order, gate = {}, async.event()
    local parent = async.run(function()
      async.run(function() gate:wait() order[#order + 1] = "slow" end)
      async.run(function() async.sleep(1) order[#order + 1] = "quick" gate:set() end)
      return "result"
    end)
    parent:on_complete(function(_, result) order[#order + 1] = result end)
    support.drive()
    assert.same({ "quick", "slow", "result" }, order)
  end)

  it("a task at top level has no parent", function()
    local order = {}
    local child
    local first = async.run(function() child = async.run(function() async.sleep(1) order[#order + 1] = "child" end) end)
    local other = async.run(function() order[#order + 1] = "other" end)
    assert.is_true(other:completed())
    assert.is_false(first:completed())
    support.drive()
    assert.is_true(child:completed())
    assert.same({ "other", "child" }, order)
  end)

  it("a child's failure that nobody awaits interrupts the parent and closes its siblings", function()
    local sibling, seen
    local parent = async.run(function()
      sibling = async.run(never)
      async.run(function() async.sleep(1) error("child", 0) end)
      seen = { pcall(never) }
      never()
    end)
    local logged = support.logged(function() assert.same({ false, "child" }, { parent:pwait() }) end)
    assert.same({ false, "child" }, seen)
    assert.same({ false, "closed" }, { sibling:pwait() })
    assert.equal("", logged)
  end)

  it("a failure is the parent's also after it has returned", function()
    assert.same({ false, "late" }, { async.run(function()
      async.run(function() async.sleep(1) error("late", 0) end)
      return "result"
    end):pwait() })
  end)

  it("a failure that is awaited stays with who awaits", function()
    assert.equal("recovered no", task(function()
      local _, reason = async.pawait(async.run(function() error("no", 0) end))
      return "recovered " .. reason
    end))
    assert.equal("recovered no", task(function()
      local child = async.run(function() async.sleep(1) error("no", 0) end)
      local _, reason = pcall(async.all, { child, async.run(function() async.sleep(2) end) })
      return "recovered " .. reason
    end))
  end)

  it("a parent that raises closes its children, and those not started never run", function()
    local ran, child = false, nil
    local parent = async.run(function()
      child = async.run(function() ran = true end)
      error("parent", 0)
    end)
    assert.same({ false, "parent" }, { parent:pwait() })
    assert.is_false(ran)
    assert.same({ false, "closed" }, { child:pwait() })
  end)

  it("tells of a second child's failure too", function()
    local logged = support.logged(function()
      async.run(function()
        async.run(function() async.sleep(1) error("first", 0) end)
        async.run(function() pcall(never) error("second", 0) end)
        never()
      end):catch(function() end)
    end)
    assert.matches("Unhandled rejection: second", logged)
    assert.not_matches("first", logged)
  end)

  it("detach takes a task out of it", function()
    local gate, open = Promise.withResolvers()
    local child
    local parent = async.run(function()
      child = async.run(function() return await(gate) end):detach()
      async.run(function() async.sleep(1) end)
      return "result"
    end)
    assert.equal("result", parent:wait())
    assert.is_false(child:completed())
    open("went on")
    assert.equal("went on", child:wait())
    local logged = support.logged(function()
      assert.equal("fine", task(function()
        async.run(function() error("alone", 0) end):detach()
        async.sleep(1)
        return "fine"
      end))
    end)
    assert.matches("Unhandled rejection: alone", logged)
  end)

  it("detach lets a parent go that only waits for it", function()
    local child
    local parent = async.run(function() child = async.run(never) end)
    support.drive()
    assert.is_false(parent:completed())
    child:detach()
    assert.is_true(parent:completed())
  end)
end)

describe("Task:close", function()
  it("raises closed from the await, at once and ever after", function()
    local seen = {}
    local waiting = async.run(function()
      seen[1] = select(2, pcall(never))
      seen[2] = select(2, pcall(async.sleep, 1))
      seen[3] = select(2, pcall(await, Promise.resolve(1)))
      seen[4] = async.is_closing()
      async.checkpoint()
    end)
    local called
    waiting:close(function() called = waiting:completed() end)
    support.drive()
    assert.same({ "closed", "closed", "closed", true }, seen)
    assert.is_true(called)
    assert.same({ false, "closed" }, { waiting:pwait() })
  end)

  it("closes what is waited for, so that the loop has nothing left", function()
    local waiting = async.run(function() async.sleep(60000) end)
    waiting:close()
    local before = uv.hrtime()
    support.drive()
    assert.is_true(uv.hrtime() - before < 10e9)
    assert.is_true(waiting:completed())
  end)

  it("travels to the children", function()
    local child, grandchild
    local parent = async.run(function()
      child = async.run(function()
        grandchild = async.run(never)
        never()
      end)
      never()
    end)
    support.drive()
    parent:close()
    support.drive()
    for _, closed in ipairs { parent, child, grandchild } do assert.same({ false, "closed" }, { closed:pwait() }) end
  end)

  it("of a task that has returned closes the children that it waits for", function()
    local child
    local parent = async.run(function() child = async.run(never) end)
    support.drive()
    parent:close()
    support.drive()
    assert.same({ false, "closed" }, { parent:pwait() })
    assert.is_true(child:completed())
  end)

  it("wins over a result that was returned in spite of it", function()
    local waiting = async.run(function()
      pcall(never)
      return "result"
    end)
    waiting:close()
    assert.same({ false, "closed" }, { waiting:pwait() })
  end)

  it("of a completed task does nothing, but calls back", function()
    local done = async.run(function() return 1 end)
    local called = false
    done:close(function() called = true end)
    assert.is_true(called)
    assert.equal(1, done:wait())
  end)

  it("takes also what the task would have awaited next", function()
    local self
    assert.equal("", support.logged(function()
      self = async.run(function()
        async.sleep(1)
        self:close()
        pcall(await, Promise.reject("not looked at"))
        pcall(async.all, { Promise.reject("nor this") })
      end)
    end))
  end)

  it("is no unhandled rejection, but another error in the wake of it is", function()
    assert.equal("", support.logged(function() async.run(never):close() end))
    assert.matches("Unhandled rejection: cleanup", support.logged(function()
      async.run(function()
        pcall(never)
        error("cleanup", 0)
      end):close()
    end))
  end)

  it("runs pending closes", function()
    local closed
    local waiting = async.run(function()
      local _ <close> = setmetatable({}, { __close = function(_, reason) closed = reason end })
      never()
    end)
    waiting:close()
    support.drive()
    assert.equal("closed", closed)
  end)

  it("of itself is seen at the next await", function()
    local self, went_on
    self = async.run(function()
      async.sleep(1)
      self:close()
      went_on = true
      async.sleep(1)
      went_on = "too far"
    end)
    assert.same({ false, "closed" }, { self:pwait() })
    assert.is_true(went_on)
  end)

  it("leaves nothing of the waiting behind at what was waited for", function()
    local promise = Promise(function() end)
    for _ = 1, 10 do async.run(function() await(promise) end):close() end
    support.drive()
    assert.is_nil(promise.first)
    assert.is_nil(promise.rest)
  end)
end)

describe("Task:traceback", function()
  local function inner_wait() async.sleep(5) end
  local function outer_wait(child) await(child) end

  it("of a waiting task shows where it waits, and where what it waits for does", function()
    local child = async.run("child", function() inner_wait() end)
    local parent = async.run(function() outer_wait(child) end)
    local text = parent:traceback("now")
    assert.matches("^now\nstack traceback:", text)
    assert.matches("outer_wait.*awaiting child:.*inner_wait", text)
    support.drive()
  end)

  it("of a failed task shows where it was raised and where it was awaited", function()
    local function raises() error("deep") end
    local parent = async.run(function()
      outer_wait(async.run(function()
        async.sleep(1)
        raises()
      end))
    end)
    parent:pwait()
    assert.matches("outer_wait.*\nrejected at:\nstack traceback:.*raises", parent:traceback())
  end)

  it("has only frames of the script's", function()
    local failed = async.run(function() error "x" end)
    failed:pwait()
    assert.matches("^stack traceback:\n\t%[C%]: in function 'error'\n\t[^\n]*task_spec.lua[^\n]*$", failed:traceback())
    failed = async.run(function()
      local queue = async.queue()
      local value = async.timeout(1000, async.run(function() return await(Promise.reject("x")) end))
      return queue, value
    end)
    failed:pwait()
    assert.not_matches("async/%a+.lua", failed:traceback():match("^(.-)\nrejected at:"))
    assert.matches("^stack traceback:\n\t[^\n]*task_spec.lua", failed:traceback())
  end)
end)

describe("async.coroutine in a task", function()
  it("makes children of the tasks that are run inside", function()
    local child
    local parent = async.run(function()
      async.coroutine.wrap(function() child = async.run(never) end)()
      never()
    end)
    parent:close()
    support.drive()
    assert.is_true(child:completed())
  end)
end)
