-- The renderer's side as Electron's documents state it, with the Lua renderer; with Node and with pages:
-- renderer-process.test.js in renderer/test. docs/api/ipc-renderer.md, docs/tutorial/message-ports.md.
local shell = require "spec.shell"
local support = require "spec.functional.support"
local await = require("async").await
local promise = require "async.promise"
local MessageChannel = require("ipchost.renderer").MessageChannel

local SCRIPT = shell.read "spec/functional/renderer_process.lua"

support.each_transport("Electron's documents of the renderer", SCRIPT, function(context)
  --- Has the host send, and waits until all it sent is heard.
  local function say(...)
    context.ipc.send("push", ...)
    context.invoke("turn")
  end
  --- A promise of the next event on a channel, and of its first argument.
  local function next_event(ipc, channel)
    local result, resolve = promise.withResolvers()
    ipc.once(channel, function(event, value) resolve { event = event, value = value } end)
    return result
  end

  it("listeners come and go", function()
    local ipc, heard = context.ipc, {}
    local function note(name)
      return function(event, ...)
        table.insert(heard, { name, event.sender == ipc, #event.ports, ... })
      end
    end
    local a, b = note("a"), note("b")
    assert.same({}, ipc.eventNames())
    ipc.on("x", a).addListener("x", b).once("x", note("once"))
    say("x", 1, "two")
    ipc.off("x", a)
    say("x", 2)
    ipc.removeListener("x", b)
    say("x", 3)
    assert.same({ { "a", true, 0, 1, "two" }, { "b", true, 0, 1, "two" }, { "once", true, 0, 1, "two" },
      { "b", true, 0, 2 } }, heard)
    ipc.on("y", a).on("y", b).on("z", b)
    ipc.removeAllListeners("y")
    assert.same({ "z" }, ipc.eventNames())
    say("y", 4)
    say("z", 5)
    ipc.removeAllListeners()
    say("z", 6)
    assert.same({}, ipc.eventNames())
    assert.same({ "b", true, 0, 5 }, heard[5])
    assert.is_nil(heard[6])
  end)

  it("what cannot be sent is refused by all ways, and classes are not sent", function()
    local ipc = context.ipc
    local one, other = MessageChannel.pair()
    for _, value in ipairs { print, coroutine.create(print), promise.resolve(), io.stdout, one } do
      assert.error_matches(function() ipc.send("push", value) end, "An object could not be cloned: args[1] ", 1, true)
      assert.error_matches(function() ipc.sendSync("push sync", value) end, "An object could not be cloned: args[1] ",
        1, true)
      assert.error_matches(function() ipc.postMessage("push", value) end, "An object could not be cloned: message ",
        1, true)
      assert.matches("An object could not be cloned: args[1] ", context.rejection("turn", value).message, 1, true)
    end
    other:close()
    local point = setmetatable({ x = 1 }, { __index = { y = 2 } })
    assert.same({ "x" }, context.invoke("keys", point))
  end)

  it("a post without ports has none, and what is no port is refused", function()
    local counted = context.message("counted")
    context.ipc.postMessage("count ports", "counted")
    assert.equal(0, counted()[1])
    for _, list in ipairs { { 5 }, { {} }, "port" } do
      assert.error_matches(function() context.ipc.postMessage("push", 1, list) end, "Invalid value for transfer", 1,
        true)
    end
  end)

  it("an error of a handler is another one here", function()
    local err = context.rejection("refuse")
    assert.equal("Error invoking remote method 'refuse': TypeError: no", err.message)
    assert.equal("E_NO", err.code)
  end)

  it("nothing can be sent once the context is released", function()
    local other = context.host:connect(context.transport)
    other:close()
    local ipc, text = other.ipcRenderer, "IPC method called after context was released"
    for _, name in ipairs { "send", "sendSync", "postMessage" } do
      local ok, err = pcall(ipc[name], "push", 1)
      assert.is_false(ok)
      assert.equal(text, err.message)
    end
    assert.error_matches(function() other:run(function() await(ipc.invoke("turn")) end) end, text, 1, true)
  end)

  it("a port is heard from before it was sent, and a stream ends", function()
    context.run(function()
      local heard = next_event(context.ipc, "heard")
      local port1, port2 = MessageChannel.pair()
      port2:postMessage({ answer = 42 })
      context.ipc.postMessage("port", nil, { port1 })
      assert.equal(42, await(heard).value)
      for _, closes in ipairs { true, false } do
        local mine, theirs = MessageChannel.pair()
        local got, ended, resolve = {}, promise.withResolvers()
        context.ipc.postMessage("give-me-a-stream", { element = 7, count = 10, closes = closes }, { theirs })
        mine:on("message", function(event) got[#got + 1] = event.data end)
        mine:on("close", resolve)
        mine:start()
        await(ended)
        assert.same({ 7, 7, 7, 7, 7, 7, 7, 7, 7, 7 }, got)
      end
    end)
  end)

  it("a port leads to a renderer that works for others, and to one that it is given to", function()
    local other = context.host:connect(context.transport)
    context.run(function()
      other.ipcRenderer.on("new-client", function(event)
        local port = event.ports[1]
        port:on("message", function(message) port:postMessage(message.data * 2) end)
        port:start()
      end)
      local joined = next_event(other.ipcRenderer, "joined")
      local channel = next_event(context.ipc, "provide-worker-channel")
      context.ipc.send("request-worker-channel", other.webContentsId)
      local port = await(channel).event.ports[1]
      local result, resolve = promise.withResolvers()
      port:on("message", function(event) resolve(event.data) end)
      port:start()
      port:postMessage(21)
      assert.equal(42, await(result))
      local mine = next_event(context.ipc, "joined")
      context.ipc.send("join", other.webContentsId)
      local pinged, ping = promise.withResolvers()
      local theirs = await(joined).event.ports[1]
      theirs:on("message", function(event) ping(event.data) end)
      theirs:start()
      await(mine).event.ports[1]:postMessage("ping")
      assert.equal("ping", await(pinged))
      local world = next_event(context.ipc, "main-world-port")
      local answered = next_event(context.ipc, "from renderer main world")
      context.ipc.send("main world")
      local main = await(world).event.ports[1]
      main:on("message", function(event) main:postMessage(event.data.test * 2) end)
      main:start()
      assert.equal(42, await(answered).value)
    end)
    other:close()
  end)
end)
