-- The example application's smaller parts: Electron's two examples, words counted without blocking, the widget.
local test = require "ipchost.test"

describe("the examples of scripts/", function()
  local host, page

  before_each(function()
    host = test.host { scripts = { "scripts/electron_examples.lua", "scripts/words.lua", "scripts/widget.lua" } }
    page = host:renderer()
  end)
  after_each(function() host:close() end)

  it("answer Electron's asynchronous-message by a message", function()
    local reply
    page:on("asynchronous-reply", function(_, text) reply = text end)
    page:send("asynchronous-message", "ping")
    assert.equal("pong", reply)
  end)

  it("answer Electron's synchronous-message by a value", function()
    assert.equal("pong", page:sendSync("synchronous-message", "ping"))
  end)

  it("count words, lines and bytes as wc does, over any number of chunks", function()
    local path = os.tmpname()
    for _, text in ipairs { "", "one", "one two\nthree\n", ("word "):rep(30000), ("x"):rep(70000) .. " y\n" } do
      local file = assert(io.open(path, "w"))
      file:write(text)
      file:close()
      local pipe = assert(io.popen("LC_ALL=C wc -lwc < '" .. path .. "'"))
      local lines, words, bytes = pipe:read("n", "n", "n")
      pipe:close()
      assert.same({ lines = lines, words = words, bytes = bytes }, page:invoke("words:count", path))
    end
    os.remove(path)
  end)

  it("reject with luv's codes and with their own", function()
    assert.rejects({ code = "ENOENT" }, page.invoke, page, "words:count", "/nowhere")
    assert.rejects({ code = "EISDIR" }, page.invoke, page, "words:count", "/")
    assert.rejects({ code = "ERR_ARGUMENT", name = "TypeError" }, page.invoke, page, "words:count", 7)
  end)

  it("tell the widget the time and who is there", function()
    local beat = page:invoke "widget:beat"
    assert.is_true(math.abs(beat.at:getTime() / 1000 - os.time()) < 60)
    assert.equal(1, beat.pages)
    assert.is_true(beat.memory > 0)
    local other = host:renderer()
    assert.equal(2, page:invoke("widget:beat").pages)
    other:close()
    assert.equal(1, page:invoke("widget:beat").pages)
  end)
end)
