-- ipcMain against Electron's document: https://www.electronjs.org/docs/latest/api/ipc-main
local support = require "spec.functional.support"
local async = require "async"
local await = async.await

support.each_transport("ipcMain.handle", [==[
  ipcMain.handle("echo", function(_, ...) return ... end)
  ipcMain.handle("nothing", function() end)
  ipcMain.handle("add", function(_, a, b) return a + b end)
  ipcMain.handleOnce("once", function() return "first" end)
  local gate = async.event()
  ipcMain.handle("wait at the gate", function(_, value) gate:wait() return value end)
  ipcMain.handle("open the gate", function(_, value) gate:set() return value end)
  ipcMain.handle("later", function(_, ms, value) async.sleep(ms) return value end)
  ipcMain.handle("promise", function(_, value) return Promise.resolve(value) end)
  ipcMain.handle("rejects", function(_, text) return Promise.reject(ipc.Error{ message = text, code = "NO" }) end)
  ipcMain.handle("task", function(_, value) return async.run(function() async.sleep(1) return value end) end)
  ipcMain.handle("thenable", function(_, value) return { ["then"] = function(_, resolve) resolve(value) end } end)
  ipcMain.handle("awaits", function(_, value) return await(Promise.resolve(value)) + await(Promise.resolve(value)) end)
  ipcMain.handle("raise", function(_, text) error(text) end)
  ipcMain.handle("raise value", function(_, value) error(value) end)
  ipcMain.handle("raise positioned", function() error("parse: 12: bad", 0) end)
  ipcMain.handle("raise object", function()
    local cause = ipc.Error { message = "disk" }
    error { name = "NoteError", message = "full", code = "E_FULL", data = { left = 0 }, cause = cause }
  end)
  ipcMain.handle("raise later", function() async.sleep(1) error { message = "later", code = "E_LATER" } end)
  ipcMain.handle("raise uncloneable", function() error { message = "x", data = { f = print } } end)
  ipcMain.handle("raise tostring", function()
    error(setmetatable({}, { __tostring = function() return "as text" end }))
  end)
  ipcMain.handle("returns nil, message", function() return nil, "not there", "ENOENT" end)
  ipcMain.handle("two results", function() return 1, 2 end)
  ipcMain.handle("more results", function() return 1, 2, 3 end)
  ipcMain.handle("function", function() return { rows = { { cb = print } } } end)
  ipcMain.handle("mixed keys", function() return { byId = { [2] = "a", [5] = "b" } } end)
  ipcMain.handle("second", function() ipcMain.handle("echo", function() end) end)
  ipcMain.handle("not a function", function() ipcMain.handle("x", nil) end)
  ipcMain.handle("no channel", function() ipcMain.handle(nil, function() end) end)
  ipcMain.handle("remove", function(_, channel) ipcMain.removeHandler(channel) return true end)
  ipcMain.handle("again", function() ipcMain.handle("removed", function() return "new" end) end)
  ipcMain.handle("never", function() await(Promise.new(function() end)) end)
  ipcMain.handle("identity", function(event)
    return { type = event.type, processId = event.processId, frameId = event.frameId, node = event.frameTreeNodeId,
             sender = event.sender.id, same = event.sender == webContents.fromId(event.sender.id),
             frame = event.senderFrame.routingId, main = event.sender.mainFrame == event.senderFrame,
             ports = #event.ports }
  end)
  ipcMain.handle("typo", function(event) return event.sendr end)
  ipcMain.handle("typo set", function(event) event.returnvalue = 1 end)
  ipcMain.handle("returnValue", function(event) event.returnValue = 1 end)
  ipcMain.handle("yields", function() coroutine.yield() end)
  ipcMain.handle("pcall await", function()
    local ok, err = pcall(await, Promise.reject(ipc.Error { message = "inner", code = "E_IN" }))
    return { ok = ok, text = tostring(err), code = err.code }
  end)
]==], function(context)
  it("answers with the first result", function()
    assert.equal(5, context.invoke("add", 2, 3))
    assert.equal("a", context.invoke("echo", "a", "b"))
    assert.is_nil(context.invoke("nothing"))
    assert.equal(1, context.invoke("two results"))
    assert.equal(1, context.invoke("more results"))
    for _, channel in ipairs { "two results", "more results" } do
      local text = ("the handler of '%s' returned more than one result"):format(channel)
      context.host:wait_log(text)
      assert.equal(1, context.invoke(channel))
      assert.equal(1, select(2, context.host.err:gsub(text, "")))
    end
  end)

  it("waits for what the handler awaits", function()
    assert.equal("x", context.invoke("later", 5, "x"))
    assert.equal(42, context.invoke("awaits", 21))
  end)

  it("waits for a returned promise, task or thenable", function()
    assert.equal("p", context.invoke("promise", "p"))
    assert.equal("t", context.invoke("task", "t"))
    assert.equal("n", context.invoke("thenable", "n"))
    local err = context.rejection("rejects", "no way")
    assert.equal("Error invoking remote method 'rejects': Error: no way", err.message)
    assert.equal("NO", err.code)
  end)

  it("interleaves only what follows an await", function()
    local order = {}
    context.run(function()
      local slow = context.ipc.invoke("wait at the gate", "slow")
      local quick = context.ipc.invoke("open the gate", "quick")
      slow:next(function(v) order[#order + 1] = v end)
      quick:next(function(v) order[#order + 1] = v end)
      await(slow) await(quick)
    end)
    assert.same({ "quick", "slow" }, order)
  end)

  it("rejects with what was raised, without its position", function()
    local err = context.rejection("raise", "broken")
    assert.equal("Error invoking remote method 'raise': Error: broken", err.message)
    assert.equal("Error", err.name)
    assert.is_nil(err.code)
    context.host:wait_log("Error occurred in handler for 'raise'")
    context.host:wait_log("main.lua")
  end)

  it("keeps what only looks like a position", function()
    assert.equal("Error invoking remote method 'raise positioned': Error: parse: 12: bad",
      context.rejection("raise positioned").message)
  end)

  it("makes an error of any raised value", function()
    assert.equal("Error invoking remote method 'raise value': Error: 42", context.rejection("raise value", 42).message)
    assert.equal("Error invoking remote method 'raise tostring': Error: as text",
      context.rejection("raise tostring").message)
  end)

  it("carries name, code, data and cause", function()
    local err = context.rejection("raise object")
    assert.equal("NoteError", err.name)
    assert.equal("Error invoking remote method 'raise object': NoteError: full", err.message)
    assert.equal("E_FULL", err.code)
    assert.equal(0, err.data.left)
    assert.equal("disk", err.cause.message)
    assert.equal("E_LATER", context.rejection("raise later").code)
    context.host:wait_log("Error occurred in handler for 'raise object': NoteError: full")
  end)

  it("leaves out data that cannot be cloned", function()
    local err = context.rejection("raise uncloneable")
    assert.matches("Error: x$", err.message)
    assert.is_nil(err.data)
    context.host:wait_log("error.data was left out")
  end)

  it("takes nil, message, code as a rejection", function()
    local err = context.rejection("returns nil, message")
    assert.matches("Error: not there$", err.message)
    assert.equal("ENOENT", err.code)
  end)

  it("refuses results that cannot be cloned, with their path", function()
    local err = context.rejection("function")
    assert.matches("An object could not be cloned: result.rows[1].cb (function)", err.message, 1, true)
    assert.equal("ERR_DATA_CLONE", err.code)
    assert.equal("DataCloneError", err.name)
    assert.matches("result.byId: integer keys 2, 5 are not 1..n; use ipc.Map, ipc.object or string keys",
      context.rejection("mixed keys").message, 1, true)
  end)

  it("says that no handler is registered, and what is near", function()
    local err = context.rejection("ad")
    assert.equal("Error invoking remote method 'ad': Error: No handler registered for 'ad'", err.message)
    assert.equal("ERR_NO_HANDLER", err.code)
    context.host:wait_log("nearest: 'add'")
  end)

  it("refuses a second handler, and what is none", function()
    assert.matches("Attempted to register a second handler for 'echo'", context.rejection("second").message, 1, true)
    assert.matches("Expected handler to be a function, but found type 'nil'",
      context.rejection("not a function").message, 1, true)
    assert.matches("Missing required channel argument", context.rejection("no channel").message, 1, true)
  end)

  it("removes handlers, silently also where there is none", function()
    assert.is_true(context.invoke("remove", "not there"))
    context.invoke("again")
    assert.equal("new", context.invoke("removed"))
    context.invoke("remove", "removed")
    assert.equal("ERR_NO_HANDLER", context.rejection("removed").code)
  end)

  it("identifies the sender", function()
    local got = context.invoke("identity")
    assert.equal("frame", got.type)
    assert.equal(context.renderer.processId, got.processId)
    assert.equal(context.renderer.webFrame.routingId, got.frameId)
    assert.equal(context.renderer.webContentsId, got.sender)
    assert.equal(got.frameId, got.frame)
    assert.is_true(got.same)
    assert.is_true(got.main)
    assert.equal(0, got.ports)
  end)

  it("explains a mistyped field and a misplaced one", function()
    assert.matches("event has no field 'sendr'; did you mean 'sender'?", context.rejection("typo").message, 1, true)
    assert.matches("event has no field 'returnvalue'; did you mean 'returnValue'?",
      context.rejection("typo set").message, 1, true)
    assert.matches("returnValue is for listeners", context.rejection("returnValue").message, 1, true)
    assert.matches("use await", context.rejection("yields").message, 1, true)
  end)

  it("gives error objects to pcall(await, promise)", function()
    local got = context.invoke("pcall await")
    assert.is_false(got.ok)
    assert.equal("Error: inner", got.text)
    assert.equal("E_IN", got.code)
  end)

  it("answers a call whose handler can never answer: the reply was never sent", function()
    local err = context.rejection("never")
    assert.equal("Error invoking remote method 'never': Error: reply was never sent", err.message)
    assert.equal("ERR_NO_REPLY", err.code)
  end)

  it("serves handleOnce once", function()
    assert.equal("first", context.invoke("once"))
    assert.equal("ERR_NO_HANDLER", context.rejection("once").code)
  end)
end)

support.each_transport("ipcMain.on", [==[
  local log = {}
  ipcMain.handle("log", function() local l = log log = {} return ipc.Array(l) end)
  ipcMain.on("note", function(_, ...) log[#log + 1] = table.concat({ ... }, " ") end)
  ipcMain.on("two", function(_, t) t.seen = (t.seen or 0) + 1 log[#log + 1] = "first " .. t.seen end)
  ipcMain.on("two", function(_, t) t.seen = (t.seen or 0) + 1 log[#log + 1] = "second " .. t.seen end)
  ipcMain.on("raises", function() error "in the first" end)
  ipcMain.on("raises", function() log[#log + 1] = "second ran" end)
  ipcMain.on("reply", function(event, ...) event.reply("answer", ...) event:reply("answer again", ...) end)
  ipcMain.once("once", function() log[#log + 1] = "once" end)
  ipcMain.on("awaiting", function(_, name)
    log[#log + 1] = name .. " in"
    async.sleep(1)
    log[#log + 1] = name .. " out"
  end)
  ipcMain.handle("wait log", function(_, n)
    while #log < n do async.sleep(1) end
    local all = log
    log = {}
    return ipc.Array(all)
  end)
  ipcMain.on("snapshot", function()
    ipcMain.on("snapshot", function() log[#log + 1] = "added" end)
    log[#log + 1] = "original"
  end)
  ipcMain.on("post", function(event, message)
    event.sender:postMessage("posted", { got = message, ports = #event.ports })
  end)
  ipcMain.on("error", function(_, text) log[#log + 1] = "error channel " .. text end)
  local order = {}
  ipcMain.on("ordered", function(_, n) order[#order + 1] = n end)
  ipcMain.handle("ordered", function(_, n) order[#order + 1] = n return n end)
  ipcMain.handle("order", function() local o = order order = {} return ipc.Array(o) end)
  ipcMain.on("burst", function(event, n) for i = 1, n do event.sender:send("burst", i) end end)
]==], function(context)
  before_each(function() context.invoke("log") end)

  it("calls every listener with the same values, in order", function()
    context.ipc.send("two", {})
    assert.same({ "first 1", "second 2" }, context.invoke("log"))
  end)

  it("lets no listener stop another", function()
    context.ipc.send("raises")
    assert.same({ "second ran" }, context.invoke("log"))
    context.host:wait_log("in the first")
    context.host:wait_log("stack traceback")
  end)

  it("replies to the frame that sent", function()
    local first, second = context.message("answer"), context.message("answer again")
    context.ipc.send("reply", 1, "two", true)
    assert.same({ 1, "two", true }, { table.unpack(first(), 1, 3) })
    assert.same({ 1, "two", true }, { table.unpack(second(), 1, 3) })
  end)

  it("runs a once listener once", function()
    context.ipc.send("once")
    context.ipc.send("once")
    assert.same({ "once" }, context.invoke("log"))
  end)

  it("starts each in arrival order, and only what follows an await interleaves", function()
    context.ipc.send("awaiting", "a")
    context.ipc.send("awaiting", "b")
    local log = context.invoke("wait log", 4)
    assert.same({ "a in", "b in" }, { log[1], log[2] })
  end)

  it("emits to a snapshot", function()
    context.ipc.send("snapshot")
    local log = context.invoke("log")
    assert.equal("original", log[1])
    assert.equal(1, #log)
  end)

  it("posts messages without ports", function()
    local posted = context.message("posted")
    context.ipc.postMessage("post", { text = "hi" })
    local got = posted()[1]
    assert.equal("hi", got.got.text)
    assert.equal(0, got.ports)
  end)

  it("treats the channel error as any other", function()
    context.ipc.send("error", "x")
    assert.same({ "error channel x" }, context.invoke("log"))
  end)

  it("keeps send and invoke in the order of the calls", function()
    context.run(function()
      local last
      for i = 1, 300 do
        if i % 3 == 0 then last = context.ipc.invoke("ordered", i) else context.ipc.send("ordered", i) end
      end
      await(last)
    end)
    local order = context.invoke("order")
    assert.equal(300, #order)
    for i = 1, 300 do assert.equal(i, order[i]) end
  end)

  it("delivers what a script sends in the order it sent", function()
    local got = {}
    context.ipc.on("burst", function(_, i) got[#got + 1] = i end)
    context.ipc.send("burst", 1000)
    support.wait_until(function() return #got == 1000 end, "the burst")
    for i = 1, 1000 do assert.equal(i, got[i]) end
  end)

  it("warns of a channel that nobody listens to", function()
    context.ipc.send("nite")
    context.host:wait_log("no listener for 'nite'; nearest: 'note'")
    context.ipc.send("wait log")
    context.host:wait_log("'wait log' has a handler, not a listener: use invoke")
  end)
end)

support.each_transport("ipcRenderer.sendSync", [==[
  ipcMain.on("double", function(event, n) event.returnValue = n * 2 end)
  ipcMain.on("first wins", function(event) event.returnValue = "first" event.returnValue = "second" end)
  ipcMain.on("first wins", function(event) event.returnValue = "third" end)
  ipcMain.on("later", function(event, value) async.sleep(2) event.returnValue = value end)
  ipcMain.on("raises", function() error "no" end)
  ipcMain.on("forgets", function() end)
  ipcMain.on("returns", function() return 5 end)
  ipcMain.on("one of two returns", function() end)
  ipcMain.on("one of two returns", function() return await("this") end)
  ipcMain.on("uncloneable", function(event)
    local ok, err = pcall(function() event.returnValue = print end)
    event.returnValue = { ok = ok, text = tostring(err) }
  end)
  local seen = {}
  ipcMain.on("mark", function(_, n) seen[#seen + 1] = n end)
  ipcMain.on("marks", function(event) event.returnValue = ipc.Array(seen) seen = {} end)
]==], function(context)
  it("returns what a listener sets, the first time", function()
    assert.equal(42, context.ipc.sendSync("double", 21))
    assert.equal("first", context.ipc.sendSync("first wins"))
    assert.equal("soon", context.ipc.sendSync("later", "soon"))
  end)

  it("works inside a task as well", function()
    assert.equal(8, context.run(function() return context.ipc.sendSync("double", 4) end))
  end)

  it("keeps its place among sends", function()
    for i = 1, 50 do context.ipc.send("mark", i) end
    local marks = context.ipc.sendSync("marks")
    assert.equal(50, #marks)
    for i = 1, 50 do assert.equal(i, marks[i]) end
  end)

  it("raises at once when nobody can answer", function()
    local ok, err = pcall(context.ipc.sendSync, "raises")
    assert.is_false(ok)
    assert.equal("ERR_NO_REPLY", err.code)
    ok, err = pcall(context.ipc.sendSync, "nobody")
    assert.is_false(ok)
    assert.equal("ERR_NO_LISTENER", err.code)
  end)

  it("raises when the event is forgotten unanswered", function()
    local ok, err = pcall(context.ipc.sendSync, "forgets")
    assert.is_false(ok)
    assert.equal("ERR_NO_REPLY", err.code)
    assert.matches("reply was never sent", err.message)
  end)

  it("points out a returned value", function()
    assert.is_false((pcall(context.ipc.sendSync, "returns")))
    context.host:wait_log("a listener of 'returns' returned a value to sendSync")
    assert.is_false((pcall(context.ipc.sendSync, "one of two returns")))
    context.host:wait_log("a listener of 'one of two returns' returned a value to sendSync")
  end)

  it("raises at the assignment of what cannot be cloned", function()
    local got = context.ipc.sendSync("uncloneable")
    assert.is_false(got.ok)
    assert.matches("could not be cloned", got.text)
  end)
end)
