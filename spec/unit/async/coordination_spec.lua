-- What coordinates tasks: sleep, timeout, checkpoint, iter, all and its kin, queue, event, semaphore, future, uv.
local async = require "async"
local scheduler = require "async.scheduler"
local uv = require "luv"
local support = require "spec.unit.async.support"
local await, Promise, task = async.await, async.Promise, support.task

local function never() await(Promise(function() end)) end

local function after(ms, value)
  return async.run(function()
    async.sleep(ms)
    return value
  end)
end

describe("async.sleep", function()
  it("suspends for at least the time", function()
    local before = uv.hrtime()
    task(function() async.sleep(5) end)
    assert.is_true(uv.hrtime() - before >= 4e6)
    task(function()
      async.sleep(0)
      async.sleep(-1)
      async.sleep(0.5)
    end)
  end)

  it("refuses what is no number", function()
    local ok, reason = task(function() return pcall(function() async.sleep("5") end) end)
    assert.is_false(ok)
    assert.matches("coordination_spec.lua:%d+: async.sleep: milliseconds are needed, not a string", reason)
  end)

  it("uses the clock that a test sets", function()
    local new_timer, started = scheduler.new_timer, nil
    finally(function() scheduler.new_timer = new_timer end)
    scheduler.new_timer = function()
      return {
        start = function(_, ms, _, callback) started = { ms = ms, callback = callback } end,
        close = function() end,
        is_closing = function() return true end,
      }
    end
    local slept = async.run(function() async.sleep(1e6) return "slept" end)
    assert.equal(1e6, started.ms)
    started.callback()
    assert.equal("slept", slept:wait())
  end)
end)

describe("async.timeout", function()
  it("returns the results of what is in time", function()
    assert.same({ 1, 2 }, { task(function()
      return async.timeout(1000, async.run(function() async.sleep(1) return 1, 2 end))
    end) })
    assert.equal(3, task(function() return async.timeout(1000, Promise.resolve(3)) end))
    assert.same({ false, "no" }, { task(function()
      return pcall(async.timeout, 1000, async.run(function() async.sleep(1) error("no", 0) end))
    end) })
    assert.is_false(uv.loop_alive())
  end)

  it("closes a task that is late, and raises timeout once it has ended", function()
    local order = {}
    local late
    local ok, reason = task(function()
      late = async.run(function()
        order[#order + 1] = select(2, pcall(never))
        error("closed", 0)
      end)
      late:on_complete(function() order[#order + 1] = "ended" end)
      local ok, reason = pcall(async.timeout, 1, late)
      order[#order + 1] = "timeout"
      return ok, reason
    end)
    assert.is_false(ok)
    assert.equal("timeout", reason)
    assert.same({ "closed", "ended", "timeout" }, order)
  end)

  it("waits no longer for a promise", function()
    local promise = Promise(function() end)
    assert.same({ false, "timeout" }, { task(function() return pcall(async.timeout, 1, promise) end) })
    assert.is_nil(promise.first)
  end)

  it("leaves no timer behind when its task is closed", function()
    local waiting = async.run(function() async.timeout(60000, Promise(function() end)) end)
    waiting:close()
    support.drive()
    assert.is_false(uv.loop_alive())
    assert.same({ false, "closed" }, { waiting:pwait() })
  end)

  it("refuses what cannot be awaited", function()
    assert.is_false(task(function() return (pcall(async.timeout, 1, 5)) end))
  end)
end)

describe("async.checkpoint", function()
  it("gives the loop a turn", function()
    local order = {}
    local timer = uv.new_timer()
    local stop = false
    timer:start(1, 0, function()
      timer:close()
      stop = true
    end)
    task(function()
      local turns = 0
      while not stop do
        async.checkpoint()
        turns = turns + 1
      end
      order[#order + 1] = turns > 0
    end)
    assert.same({ true }, order)
    assert.is_false(uv.loop_alive())
  end)

  it("lets tasks take turns", function()
    local order = {}
    for i = 1, 2 do
      async.run(function()
        for turn = 1, 2 do
          async.checkpoint()
          order[#order + 1] = turn .. "/" .. i
        end
      end)
    end
    support.drive()
    assert.same({ "1/1", "1/2", "2/1", "2/2" }, order)
  end)
end)

describe("async.turn", function()
  it("posts what has no argument, and what follows it", function()
    local turn = require "async.turn"
    local order = {}
    turn.next(function() order[#order + 1] = "first" end)
    turn.next(function(a) order[#order + 1] = a end, "second")
    turn.next(function() order[#order + 1] = "third" end, nil)
    support.drive()
    assert.same({ "first", "second", "third" }, order)
  end)
end)

describe("async.is_closing", function()
  it("is false where nothing is closed", function()
    assert.is_false(async.is_closing())
    assert.is_false(task(async.is_closing))
  end)
end)

describe("async.all, all_settled, any, race", function()
  it("wait for a list", function()
    assert.same({ 1, 2, "plain" }, task(function() return async.all { after(2, 1), after(1, 2), "plain" } end))
    assert.same({ { status = "fulfilled", value = 1 }, { status = "rejected", reason = "no" } },
      task(function() return async.all_settled { after(1, 1), Promise.reject("no") } end))
    assert.equal("quick", task(function()
      return async.any { Promise.reject("no"), after(100, "slow"), after(1, "quick") }
    end))
    assert.equal("quick", task(function() return async.race { after(100, "slow"), after(1, "quick") } end))
  end)

  it("raise", function()
    assert.same({ false, "no" }, { task(function() return pcall(async.all, { Promise.reject("no") }) end) })
    assert.same({ false, "no" }, { task(function() return pcall(async.race, { Promise.reject("no") }) end) })
    local _, reason = task(function() return pcall(async.any, { Promise.reject("a"), Promise.reject("b") }) end)
    assert.same({ "a", "b" }, reason.errors)
  end)
end)

describe("async.iter", function()
  it("gives tasks in the order in which they complete", function()
    local order = {}
    task(function()
      local done, slow, quick = after(0, "done"), after(100, "slow"), after(1, "quick")
      await(done)
      for finished in async.iter { slow, done, quick, quick } do order[#order + 1] = await(finished) end
    end)
    assert.same({ "done", "quick", "slow" }, order)
    task(function() assert.is_nil(async.iter({})()) end)
  end)

  it("lets the loop see to failures", function()
    local results = {}
    task(function()
      local tasks = {}
      for i = 1, 3 do
        tasks[i] = async.run(function()
          async.sleep(i)
          if i == 2 then error("no", 0) end
          return i
        end)
      end
      for finished in async.iter(tasks) do
        local _, result = async.pawait(finished)
        async.sleep(3)
        results[#results + 1] = result
      end
    end)
    assert.same({ 1, "no", 3 }, results)
  end)

  it("loses no failure that the loop does not look at", function()
    assert.same({ false, "unseen" }, { async.run(function()
      for _ in async.iter { async.run(function() error("unseen", 0) end), after(5) } do async.sleep(1) end
    end):pwait() })
    assert.same({ false, "left" }, { async.run(function()
      local failing = async.run(function() async.sleep(2) error("left", 0) end)
      for first in async.iter { after(1), failing } do
        if first then break end
      end
      never()
    end):pwait() })
    local logged = support.logged(function()
      local failing = async.run(function() async.sleep(1) error("at top level", 0) end)
      async.run(function() for _ in async.iter { failing } do async.sleep(1) end end)
    end)
    assert.matches("Unhandled rejection: at top level", logged)
    logged = support.logged(function()
      local failing = async.run(function() async.sleep(1) error("dropped", 0) end)
      async.run(function() local _ = async.iter { failing }() end)
      support.drive()
      collectgarbage()
      collectgarbage()
      after(0)
    end)
    assert.matches("Unhandled rejection: dropped", logged)
  end)

  it("refuses what is no task", function()
    assert.has_error(function() async.iter { 5 } end, "async.iter: item 1 is no task")
  end)
end)

describe("async.queue", function()
  it("hands values on, first in, first out, nil too", function()
    local queue = async.queue()
    local got = {}
    async.run(function() for i = 1, 3 do got[i] = table.pack(queue:get()) end end)
    queue:put_nowait(1)
    queue:put_nowait(nil)
    queue:put_nowait(3)
    support.drive()
    assert.same({ { n = 1, 1 }, { n = 1 }, { n = 1, 3 } }, got)
    assert.equal(0, queue:size())
  end)

  it("lets put wait while it is full", function()
    local queue = async.queue(1)
    assert.equal(1, queue:max_size())
    local order = {}
    async.run(function()
      for i = 1, 3 do
        queue:put(i)
        order[#order + 1] = "put " .. i
      end
    end)
    assert.same({ "put 1" }, order)
    assert.has_error(function() queue:put_nowait(5) end, "Queue is full")
    task(function() for i = 1, 3 do assert.equal(i, queue:get()) end end)
    assert.equal(3, #order)
    assert.has_error(function() queue:get_nowait() end, "Queue is empty")
  end)

  it("loses nothing to a getter that is closed with a value on its way", function()
    local queue = async.queue()
    local closed = async.run(function() queue:get() end)
    queue:put_nowait("kept")
    closed:close()
    support.drive()
    assert.equal(1, queue:size())
    assert.equal("kept", queue:get_nowait())
    closed = async.run(function() queue:get() end)
    local other = async.run(function() return queue:get() end)
    queue:put_nowait("handed on")
    closed:close()
    assert.equal("handed on", other:wait())
  end)

  it("skips who has been closed before", function()
    local queue = async.queue()
    local closed = async.run(function() queue:get() end)
    local other = async.run(function() return queue:get() end)
    closed:close()
    support.drive()
    queue:put_nowait("value")
    assert.equal("value", other:wait())
  end)

  it("refuses a size that is none", function()
    assert.has_error(function() async.queue(0) end, "async.queue: max_size must be a positive integer")
  end)
end)

describe("async.event", function()
  it("wakes all that wait, and lets through while it is set", function()
    local event = async.event()
    local woken = 0
    for _ = 1, 3 do
      async.run(function()
        event:wait()
        woken = woken + 1
      end)
    end
    support.drive()
    assert.equal(0, woken)
    event:set()
    support.drive()
    assert.equal(3, woken)
    task(function() event:wait() end)
    event:clear()
    local waiting = async.run(function() event:wait() end)
    assert.is_false(waiting:completed())
  end)

  it("wakes so many as are asked for, and is then unset", function()
    local event = async.event()
    local first = async.run(function() event:wait() end)
    local second = async.run(function() event:wait() end)
    event:set(1)
    support.drive()
    assert.is_true(first:completed())
    assert.is_false(second:completed())
    event:set(5)
    event:set(1)
    support.drive()
    assert.is_true(second:completed())
    task(function() event:wait() end)
  end)
end)

describe("async.semaphore", function()
  it("lets so many in", function()
    local semaphore = async.semaphore(2)
    local inside, most = 0, 0
    task(function()
      for _ = 1, 6 do
        async.run(function()
          semaphore:with(function()
            inside = inside + 1
            most = math.max(most, inside)
            async.sleep(1)
            inside = inside - 1
          end)
        end)
      end
    end)
    assert.equal(2, most)
    assert.equal(0, inside)
  end)

  it("with returns the results, and gives the permit back whatever happens", function()
    local semaphore = async.semaphore()
    assert.same({ 1, nil, 3 }, { task(function() return semaphore:with(function() return 1, nil, 3 end) end) })
    assert.same({ false, "no" }, { task(function()
      return pcall(semaphore.with, semaphore, function() error("no", 0) end)
    end) })
    local closed = async.run(function() semaphore:with(never) end)
    closed:close()
    support.drive()
    assert.equal("free", task(function() return semaphore:with(function() return "free" end) end))
  end)

  it("hands a permit on when who should have it is closed", function()
    local semaphore = async.semaphore()
    task(function() semaphore:acquire() end)
    local closed = async.run(function() semaphore:acquire() end)
    local other = async.run(function() semaphore:acquire() return "got it" end)
    semaphore:release()
    closed:close()
    assert.equal("got it", other:wait())
    semaphore:release()
    assert.has_error(function() semaphore:release() end, "Semaphore value is greater than max permits")
    assert.has_error(function() async.semaphore(0) end, "async.semaphore: permits must be a positive integer")
  end)
end)

describe("async.future", function()
  it("is completed once, by hand, and awaited", function()
    local future = async.future()
    assert.is_false(future:completed())
    assert.has_error(function() future:result() end, "Future has not completed")
    local seen
    future:on_complete(function(...) seen = table.pack(...) end)
    local waiting = async.run(function() return await(future) end)
    future:complete(nil, 1, 2)
    assert.same({ 1, 2 }, { waiting:wait() })
    assert.same({ true, 1, 2 }, { future:result() })
    assert.same({ n = 3, nil, 1, 2 }, seen)
    assert.is_true(future:completed())
    assert.has_error(function() future:complete(nil) end, "Future is already completed")
  end)

  it("may fail", function()
    local future = async.future()
    future:complete("no")
    assert.same({ false, "no" }, { future:result() })
    assert.same({ false, "no" }, { task(function() return async.pawait(future) end) })
    local one = async.future()
    one:complete(nil, 1)
    assert.same({ true, 1 }, { one:result() })
    assert.equal(1, task(function() return await(one:next()) end))
  end)
end)

describe("async.uv", function()
  local folder
  before_each(function() folder = assert(uv.fs_mkdtemp((os.getenv("TMPDIR") or "/tmp") .. "/async-XXXXXX")) end)
  after_each(function() os.execute("rm -rf '" .. folder .. "'") end)

  it("gives the value of luv's functions, arguments left out or not", function()
    task(function()
      local fs = async.uv
      local path = folder .. "/file"
      local fd = fs.fs_open(path, "w+", 384)
      assert.equal(5, fs.fs_write(fd, "hello", 0))
      assert.equal(5, fs.fs_write(fd, "world"))
      assert.is_true(fs.fs_ftruncate(fd, 4))
      assert.equal("worl", fs.fs_read(fd, 100, 0))
      assert.equal("", fs.fs_read(fd, 100))
      assert.equal(4, fs.fs_fstat(fd).size)
      assert.is_true(fs.fs_close(fd))
      assert.equal("file", fs.fs_stat(path).type)
      assert.is_true(fs.fs_access(path, "R"))
      assert.is_true(fs.fs_rename(path, path .. "2"))
      assert.is_true(fs.fs_symlink("file2", folder .. "/link"))
      assert.equal("file2", fs.fs_readlink(folder .. "/link"))
      assert.is_true(fs.fs_copyfile(path .. "2", folder .. "/copy"))
      local directory = fs.fs_opendir(folder, 10)
      assert.equal(3, #fs.fs_readdir(directory))
      assert.is_true(fs.fs_closedir(directory))
      local scan, count = fs.fs_scandir(folder), 0
      while uv.fs_scandir_next(scan) do count = count + 1 end
      assert.equal(3, count)
      assert.is_true(fs.fs_mkdir(folder .. "/new", 448))
      assert.is_true(fs.fs_rmdir(folder .. "/new"))
      assert.is_true(fs.fs_unlink(path .. "2"))
    end)
  end)

  it("gives nil, a message and a code", function()
    local value, message, code = task(function() return async.uv.fs_stat(folder .. "/none") end)
    assert.is_nil(value)
    assert.matches("^ENOENT: no such file or directory", message)
    assert.equal("ENOENT", code)
    assert.equal("ENOTDIR", select(3, task(function() return async.uv.fs_opendir("/dev/null") end)))
  end)

  it("looks names up", function()
    local addresses = task(function() return async.uv.getaddrinfo("127.0.0.1", nil, { socktype = "stream" }) end)
    assert.equal("127.0.0.1", addresses[1].addr)
    assert.equal("127.0.0.1", task(function() return async.uv.getaddrinfo("127.0.0.1") end)[1].addr)
    local host, service = task(function() return async.uv.getnameinfo { ip = "127.0.0.1", port = 80 } end)
    assert.is_string(host)
    assert.is_string(service)
  end)

  it("knows every function of luv's that takes a callback", function()
    for name in pairs(uv) do
      local other = name:find("^fs_event") or name:find("^fs_poll") or name == "fs_scandir_next"
      if name:find("^fs_") and not other then assert.is_function(async.uv[name]) end
    end
    assert.has_error(function() return async.uv.fs_nothing end, "async.uv has no function 'fs_nothing'")
    assert.has_error(function() return async.uv.new_timer end, "async.uv has no function 'new_timer'")
  end)

  it("refuses arguments too many", function()
    assert.is_false(task(function() return (pcall(async.uv.fs_close, 1, 2)) end))
  end)
end)
