-- await: what it takes, where it may be called, what passes through it.
local async = require "async"
local uv = require "luv"
local support = require "spec.unit.async.support"
local await, Promise, task = async.await, async.Promise, support.task

local OUTSIDE = "await outside a task: wrap the callback in async.run(function() ... end)"

describe("await", function()
  it("returns the value of a promise, settled or pending", function()
    assert.equal(1, task(function() return await(Promise.resolve(1)) end))
    assert.equal(2, task(function()
      return await(Promise(function(resolve) uv.new_timer():start(1, 0, function() resolve(2) end) end))
    end))
  end)

  it("returns all results of a task", function()
    assert.same({ 1, nil, 3 }, { task(function()
      return await(async.run(function() return 1, nil, 3 end))
    end) })
  end)

  it("raises the reason as it is", function()
    local reason = {}
    local ok, got = pcall(task, function() await(Promise.reject(reason)) end)
    assert.is_false(ok)
    assert.equal(reason, got)
  end)

  it("raises outside a task", function()
    local ok, reason = pcall(await, Promise.resolve(1))
    assert.is_false(ok)
    assert.equal(OUTSIDE, reason)
  end)

  it("calls a function with a callback at a position", function()
    local err, stat = task(function() return await(2, uv.fs_stat, ".") end)
    assert.is_nil(err)
    assert.equal("directory", stat.type)
  end)

  it("returns what cannot be awaited", function()
    assert.same({ 1, "two", false }, { task(function() return await(1, "two", false) end) })
  end)
end)
