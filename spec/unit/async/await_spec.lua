-- await: what it takes, where it may be called, and what it may be called through.
local async = require "async"
local uv = require "luv"
local support = require "spec.unit.async.support"
local await, Promise, task = async.await, async.Promise, support.task

local OUTSIDE = "await outside a task: wrap the callback in async.run(function() ... end)"

local function soon(value)
  return Promise(function(resolve)
    local timer = uv.new_timer()
    timer:start(1, 0, function()
      timer:close()
      resolve(value)
    end)
  end)
end

describe("await", function()
  it("returns the value of a promise, settled or pending", function()
    assert.equal(1, task(function() return await(Promise.resolve(1)) end))
    assert.equal(2, task(function() return await(soon(2)) end))
  end)

  it("goes on at once if there is nothing to wait for", function()
    local order = {}
    async.run(function()
      await(Promise.resolve())
      order[#order + 1] = "task"
    end)
    order[#order + 1] = "after"
    assert.same({ "task", "after" }, order)
    support.drive()
  end)

  it("returns all results of a task, also through a promise", function()
    local function results() async.sleep(1) return 1, nil, 3, nil end
    assert.equal(4, select("#", task(function() return await(async.run(results)) end)))
    assert.same({ 1, nil, 3 }, { task(function() return await(Promise.resolve(async.run(results))) end) })
    assert.equal(0, select("#", task(function() return await(async.run(function() end)) end)))
  end)

  it("takes thenables, also with a then that is a table with __call", function()
    assert.equal(1, task(function() return await { ["then"] = function(_, resolve) resolve(1) end } end))
    local callable = setmetatable({}, { __call = function(_, _, _, reject) reject("no") end })
    assert.same({ false, "no" }, { task(function() return pcall(await, { ["then"] = callable }) end) })
    local inherited = setmetatable({}, { __index = { ["then"] = function(_, resolve) resolve(soon(3)) end } })
    assert.equal(3, task(function() return await(inherited) end))
  end)

  it("raises the reason as it is", function()
    for _, reason in ipairs { {}, "text", 5, false } do
      assert.same({ false, reason }, { task(function() return pcall(await, Promise.reject(reason)) end) })
    end
    assert.same({ false, nil }, { task(function() return pcall(await, Promise.reject()) end) })
  end)

  it("keeps the position of an error that was raised elsewhere", function()
    local _, reason = task(function() return async.pawait(async.run(function() error("broken") end)) end)
    assert.matches("await_spec.lua:%d+: broken$", reason)
  end)

  it("returns what cannot be awaited", function()
    local plain = {}
    assert.same({ 1, "two", false }, { task(function() return await(1, "two", false) end) })
    assert.equal(plain, task(function() return await(plain) end))
    assert.equal(print, task(function() return await(print) end))
    assert.same({ 2, "no function" }, { task(function() return await(2, "no function") end) })
  end)

  it("raises outside a task, whatever it is given", function()
    for _, value in ipairs { Promise.resolve(1), soon(1), 5 } do
      assert.has_error(function() await(value) end, OUTSIDE)
    end
    local inside, reason
    local timer = uv.new_timer()
    timer:start(0, 0, function()
      timer:close()
      inside, reason = pcall(await, Promise.resolve(1))
    end)
    support.drive()
    assert.is_false(inside)
    assert.equal(OUTSIDE, reason)
    assert.equal(OUTSIDE, select(2, coroutine.resume(coroutine.create(function() await(soon(1)) end))))
    assert.equal(OUTSIDE, select(2, pcall(async.sleep, 1)))
    assert.equal(OUTSIDE, select(2, pcall(async.wrap(function() end))))
    support.drive()
  end)

  it("is not disturbed by a script that resumes the coroutine itself", function()
    local co
    local result = async.run(function()
      co = coroutine.running()
      return await(soon("right"))
    end)
    coroutine.resume(co, "wrong")
    assert.equal("awaiting", result:status())
    assert.equal("right", task(function() return await(result) end))
    coroutine.resume(co, "wrong")
    assert.equal(1, task(function() return 1 end))
  end)
end)

describe("await(argc, fn, ...)", function()
  it("puts a callback at that position and returns what it gets", function()
    local err, stat = task(function() return await(2, uv.fs_stat, ".") end)
    assert.is_nil(err)
    assert.equal("directory", stat.type)
    local function middle(a, callback, b) callback(a, b, nil) end
    assert.same({ "a", "b" }, { task(function() return await(2, middle, "a", "skipped", "b") end) })
    local function far(a, b, c, d, callback) callback(a, b, c, d) end
    assert.equal(4, select("#", task(function() return await(5, far, 1) end)))
    assert.same({ 1 }, { task(function() return await(1, function(callback) callback(1) end) end) })
  end)

  it("heeds the first call of the callback only", function()
    assert.equal(1, task(function()
      local value = await(1, function(callback)
        callback(1)
        callback(2)
      end)
      async.sleep(1)
      return value
    end))
  end)

  it("raises what the function raises, and what luv refuses", function()
    local ok, reason = task(function() return pcall(await, 1, function() error("broken", 0) end) end)
    assert.is_false(ok)
    assert.equal("broken", reason)
    ok, reason = task(function()
      return pcall(await, 1, function() return nil, "EBADF: bad file descriptor", "EBADF" end)
    end)
    assert.is_false(ok)
    assert.equal("EBADF: bad file descriptor", reason)
  end)

  it("closes the handle that the function returned, at the end and when the task is closed", function()
    local handle = { closed = 0 }
    function handle:close() self.closed = self.closed + 1 end
    task(function()
      await(1, function(callback)
        callback()
        return handle
      end)
    end)
    local waiting = async.run(function() await(1, function() return handle end) end)
    waiting:close()
    support.drive()
    assert.equal(1, handle.closed)
    assert.is_true(waiting:completed())
    waiting = async.run(function()
      await(1, function(callback)
        Promise.resolve():next(callback)
        return handle
      end)
    end)
    support.drive()
    assert.equal(2, handle.closed)
    assert.is_true(waiting:completed())
  end)
end)

describe("async.wrap", function()
  it("makes a function that awaits of one whose callback comes last", function()
    local stat = async.wrap(function(path, done) uv.fs_stat(path, done) end)
    local err, value = task(function() return stat(".") end)
    assert.is_nil(err)
    assert.equal("directory", value.type)
    local sum = async.wrap(function(a, b, c, done) done(a, b, c) end)
    assert.same({ 1, nil, 3 }, { task(function() return sum(1, nil, 3) end) })
    assert.equal("none", task(async.wrap(function(done) done("none") end)))
  end)

  it("or at a position, as vim.async's", function()
    local stat = async.wrap(2, uv.fs_stat)
    assert.equal("directory", select(2, task(function() return stat(".") end)).type)
  end)

  it("refuses what is no function", function()
    assert.has_error(function() async.wrap(5) end, "async.wrap: a function is needed")
    assert.has_error(function() async.wrap(0, print) end, "async.wrap: argc must be a positive integer")
  end)
end)

describe("pawait", function()
  it("returns whether it succeeded, and the values or the reason", function()
    assert.same({ true, 1, 2 }, { task(function()
      return async.pawait(async.run(function() async.sleep(1) return 1, 2 end))
    end) })
    assert.same({ false, "no" }, { task(function() return async.pawait(Promise.reject("no")) end) })
  end)

  it("tells of the close of its own task, which ends as closed nevertheless", function()
    local seen = {}
    local waiting = async.run(function()
      seen[1] = { async.pawait(Promise(function() end)) }
      seen[2] = { async.pawait(Promise.resolve(1)) }
      seen[3] = async.is_closing()
      return "cleaned up"
    end)
    waiting:close()
    support.drive()
    assert.same({ { false, "closed" }, { false, "closed" }, true }, seen)
    assert.same({ false, "closed" }, { waiting:pwait() })
  end)

  it("tells of a child's failure that nobody awaited, with which its task ends", function()
    local seen
    local parent = async.run(function()
      async.run(error, "of the child", 0)
      seen = { async.pawait(Promise(function() end)) }
    end)
    assert.same({ false, "of the child" }, { parent:pwait() })
    assert.same({ false, "of the child" }, seen)
  end)

  it("raises outside a task, before it calls anything", function()
    local called = false
    local ok, message = pcall(async.pawait, 1, function() called = true end)
    assert.is_false(ok)
    assert.matches("await outside a task", message, 1, true)
    assert.is_false(called)
  end)
end)

describe("await passes", function()
  it("pcall and xpcall", function()
    assert.same({ true, 1 }, { task(function() return pcall(function() return await(soon(1)) end) end) })
    local ok, reason = task(function()
      return xpcall(function()
        await(soon(1))
        error("after", 0)
      end, function(text) return "handled " .. text end)
    end)
    assert.is_false(ok)
    assert.equal("handled after", reason)
  end)

  it("metamethods", function()
    local object = setmetatable({}, {
      __index = function(_, key) return await(soon(key)) end,
      __newindex = function(t, key, value) rawset(t, key, await(soon(value))) end,
      __add = function(_, n) return await(soon(n + 1)) end,
      __concat = function(_, text) return await(soon("object" .. text)) end,
      __eq = function() return await(soon(true)) end,
      __lt = function() return await(soon(true)) end,
      __len = function() return await(soon(7)) end,
      __call = function(_, value) return await(soon(value)) end,
    })
    local other = setmetatable({}, getmetatable(object))
    assert.same({ "name", 3, "object!", true, true, 7, "called" }, { task(function()
      object.set = 5
      assert.equal(5, rawget(object, "set"))
      return object.name, object + 2, object .. "!", object == other, object < other, #object, object("called")
    end) })
  end)

  it("<close>, also while an error unwinds", function()
    local order = {}
    local function guard(name)
      return setmetatable({}, { __close = function(_, reason)
        await(soon(1))
        order[#order + 1] = name .. " " .. tostring(reason)
      end })
    end
    task(function()
      do local _ <close> = guard "left" end
      pcall(function()
        local _ <close> = guard "raised"
        error("no", 0)
      end)
    end)
    assert.same({ "left nil", "raised no" }, order)
    async.run(function()
      local _ <close> = guard "task"
      error("out", 0)
    end):catch(function() end)
    support.drive()
    assert.equal("task out", order[3])
  end)

  it("iterators of a generic for", function()
    local got = {}
    task(function()
      local function step(limit, i) if i < limit then return await(soon(i + 1)) end end
      for i in step, 3, 0 do got[#got + 1] = i end
    end)
    assert.same({ 1, 2, 3 }, got)
  end)

  it("the coroutines of async.coroutine that a task resumes", function()
    local got = {}
    task(function()
      local outer = async.coroutine.wrap(function()
        for value in async.coroutine.wrap(function()
          for i = 1, 3 do coroutine.yield(await(soon(i))) end
        end) do
          async.sleep(1)
          coroutine.yield(value * 10)
        end
      end)
      for value in outer do got[#got + 1] = value end
    end)
    assert.same({ 10, 20, 30 }, got)
  end)
end)

describe("async.coroutine", function()
  local co = async.coroutine

  it("is the standard library where nobody awaits", function()
    local step = co.wrap(function(a) return coroutine.yield(a) + 1 end)
    assert.equal(1, step(1))
    assert.equal(6, step(5))
    assert.has_error(step)
    assert.same({ true, 1, 2 }, { co.resume(co.create(function(...) return ... end), 1, 2) })
    assert.equal(coroutine.running, co.running)
  end)

  it("raises errors through wrap, and runs pending closes", function()
    local closed = false
    local step = co.wrap(function()
      local _ <close> = setmetatable({}, { __close = function() closed = true end })
      await(soon(1))
      error({ code = 5 })
    end)
    local ok, reason = task(function() return pcall(step) end)
    assert.is_false(ok)
    assert.equal(5, reason.code)
    assert.is_true(closed)
  end)

  it("makes a task that is started inside a child", function()
    local ended = false
    task(function()
      co.wrap(function() async.run(function() async.sleep(2) ended = true end) end)()
    end)
    assert.is_true(ended)
  end)

  it("closes an await inside with its task", function()
    local inner
    local waiting = async.run(function()
      co.wrap(function() inner = { pcall(await, Promise(function() end)) } end)()
    end)
    waiting:close()
    support.drive()
    assert.same({ false, "closed" }, inner)
    assert.same({ false, "closed" }, { waiting:pwait() })
  end)

  it("raises in coroutines that something else resumes", function()
    local ok, reason = task(function() return coroutine.resume(coroutine.create(function() await(soon(1)) end)) end)
    assert.is_false(ok)
    assert.equal(OUTSIDE, reason)
    local stale = co.create(function()
      coroutine.yield()
      await(soon(1))
    end)
    task(function() co.resume(stale) end)
    assert.equal(OUTSIDE, select(2, coroutine.resume(stale)))
  end)
end)

describe("await inside a C function that cannot be suspended", function()
  local function reason_of(fn)
    local ok, reason = task(function() return pcall(fn) end)
    assert.is_false(ok)
    return reason
  end

  it("names it", function()
    assert.matches("await inside table.sort: a C function cannot be suspended; await before it is called",
      reason_of(function() table.sort({ 1, 2, 3 }, function() await(soon(true)) end) end), 1, true)
    assert.matches("await inside string.gsub: ", reason_of(function()
      return ("x"):gsub("x", function() return await(soon("y")) end)
    end), 1, true)
    assert.matches("await inside tostring: ", reason_of(function()
      return tostring(setmetatable({}, { __tostring = function() return await(soon("y")) end }))
    end), 1, true)
    assert.matches("await inside table.sort: ", reason_of(function()
      local step = async.coroutine.wrap(function() return await(soon(true)) end)
      table.sort({ 1, 2 }, function() return step() end)
    end), 1, true)
  end)

  it("leaves the task as it was", function()
    assert.equal("fine", task(function()
      pcall(table.sort, { 1, 2 }, function() await(soon(true)) end)
      async.sleep(3)
      return await(soon("fine"))
    end))
  end)

  it("but a settled promise may be awaited there", function()
    assert.equal("y", task(function()
      return (("x"):gsub("x", function() return await(Promise.resolve("y")) end))
    end))
  end)
end)
