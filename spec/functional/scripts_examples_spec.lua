-- The example application's smaller parts: Electron's two examples, words counted without blocking, the widget.
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

  it("count words, lines and bytes as wc does, over any number of chunks", function()
    local path = context.host.folder .. "/text"
    for _, text in ipairs { "", "one", "one two\nthree\n", ("word "):rep(30000), ("x"):rep(70000) .. " y\n" } do
      support.write_file(path, text)
      local pipe = assert(io.popen("LC_ALL=C wc -lwc < '" .. path .. "'"))
      local lines, words, bytes = pipe:read("n", "n", "n")
      pipe:close()
      assert.same({ lines = lines, words = words, bytes = bytes }, context.invoke("words:count", path))
    end
  end)

  it("reject with luv's codes and with their own", function()
    assert.equal("ENOENT", context.rejection("words:count", "/nowhere").code)
    assert.equal("EISDIR", context.rejection("words:count", "/").code)
    local err = context.rejection("words:count", 7)
    assert.equal("ERR_ARGUMENT", err.code)
    assert.equal("TypeError", err.name)
    assert.equal("number", err.data.got)
  end)

  it("tell the widget the time and who is there", function()
    local beat = context.invoke("widget:beat")
    assert.is_true(math.abs(beat.at:getTime() / 1000 - os.time()) < 60)
    assert.equal(1, beat.pages)
    assert.is_true(beat.memory > 0)
    local other = context.host:connect(context.transport)
    other:run(function() return require("async").await(other.ipcRenderer.invoke("widget:beat")) end)
    assert.equal(2, context.invoke("widget:beat").pages)
    other:close()
  end)
end)
