-- Electron's tutorial of inter-process communication with the Lua renderer; with Node and with pages:
-- ipc-tutorial.test.js in renderer/test. https://www.electronjs.org/docs/latest/tutorial/ipc
local shell = require "spec.shell"
local support = require "spec.functional.support"

local SCRIPT = shell.read "spec/functional/ipc_tutorial.lua"

support.each_transport("Electron's tutorial of IPC", SCRIPT, function(context)
  it("sends to main, asks it, and hears it", function()
    local title, reply = context.message("title"), context.message("asynchronous-reply")
    context.ipc.send("set-title", "Notes")
    assert.equal("Notes", title()[1])
    assert.equal("/a", context.invoke("dialog:openFile", false))
    assert.is_nil(context.invoke("dialog:openFile", true))
    context.ipc.send("asynchronous-message", "ping")
    assert.equal("pong", reply()[1])
    assert.equal("pong", context.ipc.sendSync("synchronous-message", "ping"))
    local counter = 0
    context.ipc.on("update-counter", function(event, by)
      counter = counter + by
      event.sender.send("counter-value", counter)
    end)
    for _, by in ipairs { 1, 1, -1 } do context.ipc.send("click", nil, by) end
    assert.same({ 1, 2, 1 }, context.invoke("counted", 3))
  end)

  it("reaches another renderer through main, and by a port", function()
    local other = context.host:connect(context.transport)
    local told, ports = nil, {}
    other.ipcRenderer.on("told", function(_, ...) told = { ... } end)
    other.ipcRenderer.on("port", function(event) ports[1] = event.ports[1] end)
    context.ipc.on("port", function(event) ports[2] = event.ports[1] end)
    context.ipc.send("tell", other.webContentsId, "hello")
    context.ipc.send("connect", other.webContentsId)
    support.wait_until(function() return told and ports[1] and ports[2] end, "the ports")
    assert.same({ context.renderer.webContentsId, "hello" }, told)
    local got
    ports[1]:on("message", function(event) ports[1]:postMessage(event.data * 2) end)
    ports[1]:start()
    ports[2]:on("message", function(event) got = event.data end)
    ports[2]:start()
    ports[2]:postMessage(21)
    support.wait_until(function() return got end, "the answer")
    assert.equal(42, got)
    other:close()
  end)
end)
