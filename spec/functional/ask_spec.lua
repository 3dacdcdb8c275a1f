-- Scripts that ask renderers: contents:invoke, frame:invoke, with; and the renderers' handlers.
local support = require "spec.functional.support"
local wire = require "spec.functional.wire"
local async = require "async"
local scheduler = require "async.scheduler"
local await = async.await

local LONGEST = (1 << 53) - 1 -- of JavaScript's integers

local SCRIPT = [==[
  local function target(event, name)
    if name == "frame" then return event.senderFrame end
    if name ~= "child" then return event.sender end
    for _, frame in ipairs(event.senderFrame.framesInSubtree) do if frame.name == "child" then return frame end end
  end
  local function describe(err)
    if type(err) ~= "table" then return { message = tostring(err) } end
    return { name = err.name, message = err.message, code = err.code, data = err.data, cause = err.cause }
  end
  ipcMain.handle("ask", function(event, name, channel, ...) return target(event, name):invoke(channel, ...) end)
  ipcMain.handle("fails", function(event, name, channel, ...)
    local ok, err = pcall(await, target(event, name):invoke(channel, ...))
    assert(not ok)
    return describe(err)
  end)
  ipcMain.handle("uncloneable", function(event)
    local ok, err = pcall(await, event.sender:invoke("echo", { cb = print }))
    return describe(err)
  end)
  ipcMain.handle("misuse", function(event)
    local results = {}
    local function try(fn, ...) results[#results + 1] = tostring(select(2, pcall(fn, ...))) end
    try(function() await(event.sender:invoke()) end)
    try(function() await(event.sender:invoke(("c"):rep(70000))) end)
    try(event.sender.invoke, "channel")
    try(event.senderFrame.with, {})
    try(function() event.sender:with { timeout = "soon" } end)
    try(function() event.sender:with { signal = {} } end)
    return ipc.Array(results)
  end)
  ipcMain.handle("times out", function(event, name)
    local ok, err = pcall(await, target(event, name):with { timeout = 10 }:invoke("slow"))
    return describe(err)
  end)
  ipcMain.handle("times out after work", function(event, work, timeout)
    local uv = require "luv"
    local began = uv.hrtime()
    while uv.hrtime() - began < work * 1000000 do end
    began = uv.hrtime()
    local ok, err = pcall(await, event.sender:with { timeout = timeout }:invoke("slow"))
    return { code = err.code, ms = (uv.hrtime() - began) // 1000000 }
  end)
  ipcMain.handle("aborts", function(event, name, before)
    local controller = AbortController()
    local bound = target(event, name):with { signal = controller.signal, timeout = 60000 }
    if before then controller:abort(ipc.Error { message = "early", code = "E_EARLY" }) end
    local promise = bound.invoke("slow")
    local started = false
    ipcMain.once("started", function() started = true end)
    while not before and not started do async.sleep(1) end
    controller:abort(ipc.Error { message = "enough", code = "E_ENOUGH" })
    local ok, err = pcall(await, promise)
    return describe(err)
  end)
  ipcMain.handle("aborts many", function(event, name, count)
    local controller, started, left, codes = AbortController(), async.event(), count, {}
    local bound = target(event, name):with { signal = controller.signal }
    local function hear()
      left = left - 1
      if left == 0 then started:set() end
    end
    ipcMain.on("started", hear)
    for i = 1, count do
      codes[i] = "pending"
      bound.invoke("slow"):catch(function(err) codes[i] = err.code end)
    end
    started:wait()
    ipcMain.off("started", hear)
    controller:abort(ipc.Error { message = "enough", code = "E_ENOUGH" })
    async.checkpoint()
    return codes
  end)
  local held
  ipcMain.handle("hold", function(event, name, channel)
    held = target(event, name):invoke(channel)
    held:catch(function() end)
  end)
  ipcMain.handle("held", function()
    local ok, err = pcall(await, held)
    return describe(err)
  end)
  local gone = {}
  ipcMain.on("remember", function(event, name) gone[name] = target(event, name) end)
  ipcMain.handle("ask the gone", function(_, name)
    local ok, err = pcall(await, gone[name]:invoke("echo"))
    return describe(err)
  end)
  ipcMain.handle("counts", function()
    collectgarbage() collectgarbage()
    local m = app.metrics()
    return { calls = m.outgoingCalls, handles = m.handles, references = m.references }
  end)
  ipcMain.handle("many", function(event, count)
    local all, refused = {}, 0
    for i = 1, count do all[i] = event.sender:invoke("echo", i) end
    for i, result in ipairs(Promise.allSettled(all) and await(Promise.allSettled(all))) do
      if result.status == "rejected" then
        refused = refused + 1
        assert(result.reason.code == "ERR_LIMIT_INVOKES", result.reason.message)
      else
        assert(result.value == i)
      end
    end
    return refused
  end)
  ipcMain.handle("order", function(event)
    event.sender:send("note", 1)
    local answer = event.sender:invoke("note")
    event.sender:send("note", 3)
    return await(answer)
  end)
  ipcMain.handle("close and ask", function(event, id)
    local contents = webContents.fromId(id)
    local pending = contents:invoke("slow")
    contents:close()
    local ok, err = pcall(await, pending)
    return describe(err)
  end)
]==]

support.each_transport("Asking a renderer", SCRIPT, function(context)
  local function handle(channel, fn) return context.ipc.handle(channel, fn) end
  local function counts() return context.invoke("counts") end
  local signals, logged
  local log = scheduler.log
  teardown(function() scheduler.log = log end)
  before_each(function()
    signals, logged = {}, ""
    function scheduler.log(text) logged = logged .. text .. "\n" end
    handle("echo", function(_, ...) return ... end)
    handle("slow", function(event)
      context.ipc.send("started")
      signals[#signals + 1] = event.signal
      await(async.future())
    end)
  end)

  for _, name in ipairs { "contents", "frame" } do
    it("resolves with what the handler returned, " .. name, function()
      handle("sum", function(event, a, b)
        assert.equal(context.ipc, event.sender)
        assert.same({}, event.ports)
        assert.is_false(event.signal.aborted)
        return a + b, "ignored"
      end)
      handle("later", function(_, value) async.sleep(1) return { value } end)
      handle("task", function(_, value) return async.run(function() async.sleep(1) return value end) end)
      assert.equal(5, context.invoke("ask", name, "sum", 2, 3))
      assert.same({ "x" }, context.invoke("ask", name, "later", "x"))
      assert.equal(7, context.invoke("ask", name, "task", 7))
      assert.is_nil(context.invoke("ask", name, "echo"))
    end)

    it("gives up after a time, and tells the renderer, " .. name, function()
      local err = context.invoke("times out", name)
      assert.equal("Error invoking remote method 'slow': TimeoutError: no answer within 10 ms", err.message)
      assert.equal("TimeoutError", err.name)
      assert.equal("ERR_TIMEOUT", err.code)
      support.wait_until(function() return signals[1].aborted end, "the cancel")
      assert.equal("ERR_TIMEOUT", signals[1].reason.code)
      assert.equal(0, counts().calls)
    end)

    it("gives up when a signal aborts, and tells the renderer, " .. name, function()
      assert.equal("E_EARLY", context.invoke("aborts", name, true).code)
      assert.same({}, signals)
      assert.equal("E_ENOUGH", context.invoke("aborts", name).code)
      support.wait_until(function() return signals[1].aborted end, "the cancel")
      assert.equal("ERR_ABORTED", signals[1].reason.code)
      assert.equal(0, counts().calls)
    end)
  end

  it("counts the time from the call, not from what ran before it", function()
    local given_up = context.invoke("times out after work", 200, 100)
    assert.equal("ERR_TIMEOUT", given_up.code)
    assert.is_true(given_up.ms >= 50, given_up.ms .. " ms")
  end)

  it("gives up all calls of a signal", function()
    local codes = context.invoke("aborts many", "contents", 4)
    assert.same({ "E_ENOUGH", "E_ENOUGH", "E_ENOUGH", "E_ENOUGH" }, codes)
    for i = 1, 4 do
      support.wait_until(function() return signals[i].aborted end, "the cancel of call " .. i)
    end
    assert.equal(0, counts().calls)
  end)

  it("rejects with name, message, code, data and cause of what was raised", function()
    handle("object", function()
      error { name = "NoteError", message = "full", code = "E_FULL", data = { left = 0 }, cause = { disk = 1 } }
    end)
    handle("text", function() error("broken") end)
    handle("returned", function() return nil, "no such note", "E_NONE" end)
    handle("number", function() error(42) end)
    handle("awaited", function() await(async.run(function() async.sleep(1) error({ message = "late" }) end)) end)
    local err = context.invoke("fails", "contents", "object")
    assert.same({ name = "NoteError", message = "Error invoking remote method 'object': NoteError: full",
      code = "E_FULL", data = { left = 0 }, cause = { disk = 1 } }, err)
    err = context.invoke("fails", "contents", "text")
    assert.same({ name = "Error", message = "Error invoking remote method 'text': Error: broken" }, err)
    assert.matches("Error occurred in handler for 'text': broken\nstack traceback:\n.*ask_spec.lua:%d+:", logged)
    err = context.invoke("fails", "contents", "returned")
    assert.equal("Error invoking remote method 'returned': Error: no such note", err.message)
    assert.equal("E_NONE", err.code)
    for name, text in pairs { number = "42", awaited = "late" } do
      err = context.invoke("fails", "contents", name)
      assert.equal(("Error invoking remote method '%s': Error: %s"):format(name, text), err.message)
    end
  end)

  it("rejects at once where there is no handler", function()
    local err = context.invoke("fails", "contents", "nothing")
    assert.equal("Error invoking remote method 'nothing': Error: No handler registered for 'nothing'", err.message)
    assert.equal("ERR_NO_HANDLER", err.code)
  end)

  it("refuses what cannot be cloned, on both sides", function()
    handle("function", function() return { rows = { print } } end)
    handle("data", function() error { message = "odd", data = { print } } end)
    local err = context.invoke("fails", "contents", "function")
    assert.equal("Error invoking remote method 'function': DataCloneError: " ..
      "An object could not be cloned: result.rows[1] (function)", err.message)
    assert.equal("ERR_DATA_CLONE", err.code)
    err = context.invoke("fails", "contents", "data")
    assert.equal("Error invoking remote method 'data': Error: odd", err.message)
    assert.is_nil(err.data)
    assert.matches("error.data of the handler for 'data' was left out: An object could not be cloned", logged)
    err = context.invoke("uncloneable")
    assert.equal("ERR_DATA_CLONE", err.code)
    assert.equal("An object could not be cloned: args[1].cb (function)", err.message)
    assert.equal(0, counts().calls)
  end)

  it("says what was called wrongly", function()
    local results = context.invoke("misuse")
    assert.equal("TypeError: Missing required channel argument", results[1])
    assert.equal("Error: channel: longer than 65535 bytes", results[2])
    assert.equal("contents.invoke was called with '.'; write contents:invoke(channel, ...)", results[3])
    assert.equal("frame.with was called with '.'; write frame:with({ timeout = ms, signal = signal })", results[4])
    assert.matches("main.lua:%d+: with: timeout must be a positive integer, in milliseconds$", results[5])
    assert.matches("main.lua:%d+: with: signal must be the signal of an AbortController$", results[6])
  end)

  it("keeps one handler a channel, once or until it is removed", function()
    handle("once", function() end)
    assert.has_error(function() handle("once", function() end) end,
      "Attempted to register a second handler for 'once'")
    assert.has_error(function() handle("none") end,
      "Expected handler to be a function, but found type 'nil'")
    context.ipc.removeHandler("once")
    context.ipc.removeHandler("once")
    context.ipc:handleOnce("once", function() return 1 end)
    assert.equal(1, context.invoke("ask", "contents", "once"))
    assert.equal("ERR_NO_HANDLER", context.invoke("fails", "contents", "once").code)
    assert.same({ "echo", "slow" }, context.ipc.handlers())
  end)

  it("keeps the order of sends and asks", function()
    local seen = {}
    context.ipc.on("note", function(_, n) seen[#seen + 1] = n end)
    handle("note", function() seen[#seen + 1] = 2 return "done" end)
    assert.equal("done", context.invoke("order"))
    assert.same({ 1, 2, 3 }, seen)
  end)

  it("asks a child frame, and rejects when that goes", function()
    local child = context.renderer:createFrame { name = "child" }
    local started
    child.ipcRenderer.handle("who", function() return "child" end)
    child.ipcRenderer.handle("slow", function(event)
      started = event.signal
      await(async.future())
    end)
    assert.equal("child", context.invoke("ask", "child", "who"))
    assert.equal("ERR_NO_HANDLER", context.invoke("fails", "frame", "who").code)
    context.ipc.send("remember", "child")
    context.invoke("hold", "child", "slow")
    support.wait_until(function() return started end, "the handler")
    child:close()
    assert.equal("ERR_DESTROYED", started.reason.code)
    local err = context.invoke("held")
    assert.equal("Error invoking remote method 'slow': Error: the frame was destroyed", err.message)
    assert.equal("ERR_DESTROYED", err.code)
    assert.equal("ERR_DESTROYED", context.invoke("ask the gone", "child").code)
    assert.equal(0, counts().calls)
  end)

  it("rejects when the session ends, on either side's wish", function()
    local other = context.host:connect(context.transport)
    local started
    other.ipcRenderer.handle("slow", function(event) started = event.signal await(async.future()) end)
    other.ipcRenderer.send("remember", "contents")
    other:run(function() await(other.ipcRenderer.invoke("hold", "contents", "slow")) end)
    support.wait_until(function() return started end, "the handler")
    other:close()
    assert.is_true(started.aborted)
    local err = context.invoke("held")
    assert.equal("Error invoking remote method 'slow': Error: the connection was closed", err.message)
    assert.equal("ERR_CLOSED", err.code)
    assert.equal("ERR_DESTROYED", context.invoke("ask the gone", "contents").code)

    other = context.host:connect(context.transport)
    other.ipcRenderer.handle("slow", function(event) started = event.signal await(async.future()) end)
    assert.equal("ERR_CLOSED", context.invoke("close and ask", other.webContentsId).code)
    other:close()
    assert.equal(0, counts().calls)
  end)

  it("leaves nothing behind", function()
    context.invoke("times out", "contents")
    local before = counts()
    for _ = 1, 20 do
      context.invoke("times out", "contents")
      context.invoke("aborts", "frame")
      context.invoke("aborts", "frame", true)
      context.invoke("ask", "contents", "echo", 1)
      context.invoke("fails", "contents", "nothing")
    end
    assert.same(before, counts())
    local session = context.renderer.session
    support.wait_until(function() return next(session.asked) == nil end, "the last cancel")
  end)
end)

support.each_transport("Asking too much of a renderer", SCRIPT, function(context)
  it("is bounded by limits.invokes", function()
    context.ipc.handle("echo", function(_, value) async.sleep(1) return value end)
    assert.equal(0, context.invoke("many", 10))
    assert.equal(5, context.invoke("many", 15))
    assert.equal(0, context.invoke("many", 10))
  end)

  it("rejects a result that is over a limit", function()
    context.ipc.handle("large", function() return ("x"):rep(100000) end)
    local err = context.invoke("fails", "contents", "large")
    assert.equal("ERR_LIMIT_PACKET", err.code)
    assert.equal(1, context.invoke("ask", "contents", "one"))
  end)
  before_each(function() context.ipc.handle("one", function() return 1 end) end)
end, { config = 'limits = { invokes = 10, packet = "64KiB" }' })

describe("The deadline of what scripts ask", function()
  it("is one that every renderer can read", function()
    local host = support.start [[
      ipcMain.on("ask", function(event, timeout)
        event.reply("got", (await(event.sender:with { timeout = timeout }:invoke("what"))))
      end)
    ]]
    local client = wire.connect(host)
    for call, timeout in ipairs { 5000, LONGEST, LONGEST + 1, math.maxinteger } do
      client:put("send", 0, "ask", timeout)
      assert.same({ "invoke", 0, call, math.min(timeout, LONGEST), "what", n = 5 }, client:take("invoke"))
      client:put("reply", call, 0, "in time")
      assert.same({ "send", 0, "got", "in time", n = 4 }, client:take("send"))
    end
    client:close()
    host:stop()
  end)
end)
