-- The example application's smaller parts over real links; what needs none is in spec/scripts.
local support = require "spec.functional.support"
local scripts = require "spec.functional.scripts_support"

support.each_transport("the examples of scripts/", scripts.main, function(context)
  it("answer Electron's asynchronous-message by a message", function()
    local reply = context.message("asynchronous-reply")
    context.ipc.send("asynchronous-message", "ping")
    assert.equal("pong", reply()[1])
  end)

  it("answer Electron's synchronous-message by a value", function()
    assert.equal("pong", context.ipc.sendSync("synchronous-message", "ping"))
  end)

  it("tell the widget the time and who is there", function()
    local beat = context.invoke("widget:beat")
    assert.is_true(math.abs(beat.at:getTime() / 1000 - os.time()) < 60)
    assert.equal(1, beat.pages)
    assert.equal(1, beat.frames)
    assert.is_true(beat.memory > 0)
    local other = context.host:connect(context.transport)
    other:run(function() return require("async").await(other.ipcRenderer.invoke("widget:beat")) end)
    assert.equal(2, context.invoke("widget:beat").pages)
    other:close()
  end)
end)
