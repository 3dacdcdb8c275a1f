-- AbortController and signals: said once, and ending only what asked for it.
local async = require "async"
local abort = require "async.abort"
local scheduler = require "async.scheduler"
local uv = require "luv"
local support = require "spec.unit.async.support"
local await, Promise, task = async.await, async.Promise, support.task

local function never() await(Promise(function() end)) end

describe("AbortController", function()
  it("aborts its signal once", function()
    local controller = async.AbortController()
    local signal = controller.signal
    assert.is_false(signal.aborted)
    assert.is_nil(signal.reason)
    signal:throwIfAborted()
    controller:abort("first")
    controller:abort("second")
    assert.is_true(signal.aborted)
    assert.equal("first", signal.reason)
    assert.has_error(function() signal:throwIfAborted() end, "first")
  end)

  it("has a reason with a code where none is given", function()
    local controller = async.AbortController()
    controller:abort()
    local reason = controller.signal.reason
    assert.equal("AbortError", reason.name)
    assert.equal("ERR_ABORTED", reason.code)
    assert.equal("AbortError: This operation was aborted", tostring(reason))
  end)
end)

describe("signals of the host", function()
  it("are made and aborted by function", function()
    local signal = abort.new_signal()
    assert.is_false(signal.aborted)
    abort.abort_signal(signal, "gone")
    assert.equal("gone", signal.reason)
    local aborted = abort.new_signal("before")
    assert.is_true(aborted.aborted)
    assert.equal("before", aborted.reason)
  end)
end)

describe("signal:onAbort", function()
  it("calls in order, with the reason; at once if it is aborted", function()
    local controller = async.AbortController()
    local order = {}
    controller.signal:onAbort(function(reason) order[#order + 1] = "a " .. reason end)
    local stop = controller.signal:onAbort(function() order[#order + 1] = "never" end)
    controller.signal:onAbort(function(reason) order[#order + 1] = "b " .. reason end)
    stop()
    controller:abort("x")
    controller.signal:onAbort(function(reason) order[#order + 1] = "c " .. reason end)
    assert.same({ "a x", "b x", "c x" }, order)
  end)

  it("may await, and lets none stop another", function()
    local controller = async.AbortController()
    local order = {}
    controller.signal:onAbort(function()
      async.sleep(1)
      order[#order + 1] = "awaited"
    end)
    controller.signal:onAbort(function() error "broken" end)
    controller.signal:onAbort(function() order[#order + 1] = "next" end)
    local logged = support.logged(function() controller:abort() end)
    assert.matches("Error in onAbort: .*broken\nstack traceback:", logged)
    assert.same({ "next", "awaited" }, order)
  end)

  it("calls all of them when each takes itself back, and none that another has taken back", function()
    local controller = async.AbortController()
    local signal, order, stop = controller.signal, {}, {}
    for i = 1, 6 do
      stop[i] = signal:onAbort(function()
        order[#order + 1] = i
        stop[i]()
        if i == 3 then stop[1]() stop[5]() end
      end)
    end
    controller:abort()
    assert.same({ 1, 2, 3, 4, 6 }, order)
  end)

  it("refuses what is no function", function()
    assert.has_error(function() abort.new_signal():onAbort(5) end, "onAbort: a function is needed")
  end)
end)

describe("signal:closes", function()
  it("closes a task, with the reason, and returns it", function()
    local controller = async.AbortController()
    local waiting = async.run(never)
    assert.equal(waiting, controller.signal:closes(waiting))
    local reason = { code = "ERR_ABORTED" }
    controller:abort(reason)
    local ok, got = waiting:pwait()
    assert.is_false(ok)
    assert.equal(reason, got)
  end)

  it("closes a handle, and cancels a request", function()
    local controller = async.AbortController()
    local timer = controller.signal:closes(uv.new_timer())
    local cancelled = false
    controller.signal:closes { cancel = function() cancelled = true end }
    controller:abort()
    assert.is_true(timer:is_closing())
    assert.is_true(cancelled)
    local late = controller.signal:closes(uv.new_timer())
    assert.is_true(late:is_closing())
    support.drive()
  end)

  it("without an argument closes what is running, at its next await", function()
    local controller = async.AbortController()
    local ran, reason = nil, { code = "ERR_ABORTED" }
    local waiting = async.run(function()
      controller.signal:closes()
      ran = true
      never()
    end)
    assert.is_true(ran)
    controller:abort(reason)
    assert.equal(reason, select(2, waiting:pwait()))
    local before = async.run(function()
      controller.signal:closes()
      ran = "again"
      async.sleep(1)
      ran = "too far"
    end)
    assert.equal(reason, select(2, before:pwait()))
    assert.equal("again", ran)
  end)

  it("does not close who comes after in a coroutine that the host uses again", function()
    local co
    local function pooled(fn)
      co = coroutine.create(function(...)
        local job = ...
        while true do
          job()
          job = coroutine.yield()
        end
      end)
      scheduler.top_level[co] = true
      coroutine.resume(co, fn)
    end
    local controller = async.AbortController()
    pooled(function() controller.signal:closes() end)
    -- It was suspended: from now on the host does not use it again.
    assert.is_not_nil(scheduler.contexts[co].waiting)
    support.drive()
    local quick = abort.new_signal()
    pooled(function() quick:closes() end)
    assert.is_nil(scheduler.contexts[co].waiting)
  end)

  it("holds neither tasks nor handlers", function()
    local signal = abort.new_signal()
    local weak = setmetatable({ async.run(function()
      signal:closes()
      never()
    end) }, { __mode = "v" })
    signal:closes(weak[1])
    collectgarbage()
    collectgarbage()
    assert.is_nil(weak[1])
  end)

  it("refuses what cannot be closed, nil above all", function()
    local signal = abort.new_signal()
    assert.has_error(function() signal:closes(nil) end, "signal:closes: a task or a handle is needed, not a nil")
    assert.has_error(function() signal:closes({}) end, "signal:closes: a task or a handle is needed, not a table")
    assert.has_error(function() signal:closes() end, "signal:closes() outside a task or handler")
  end)

  it("logs what closing raises", function()
    local controller = async.AbortController()
    controller.signal:closes { close = function() error "stuck" end }
    assert.matches("stuck", support.logged(function() controller:abort() end))
  end)

  it("may be used in a task", function()
    local controller = async.AbortController()
    assert.equal("stop", task(function()
      local child = controller.signal:closes(async.run(never))
      async.run(function() controller:abort("stop") end)
      return select(2, async.pawait(child))
    end))
  end)
end)
