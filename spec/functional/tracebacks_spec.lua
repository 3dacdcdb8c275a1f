-- An error that was awaited: the log has where it was raised and where it was awaited, the renderer its text alone.
local support = require "spec.functional.support"

local SCRIPT = [[
  local function fails() async.sleep(1) error("deep") end
  local function awaits() local x = await(async.run(fails)) return x end
  ipcMain.handle("awaits", function() awaits() return 1 end)
  ipcMain.handle("returns", function() return async.run(awaits) end)
  ipcMain.handle("raises again", function() local _, reason = pcall(awaits) error(reason, 0) end)
  ipcMain.handle("rejects", function() local p = Promise.reject { name = "NoteError", message = "full" } return p end)
  ipcMain.handle("closed", function() local t = async.run(async.sleep, 100) t:close() await(t) return 1 end)
  ipcMain.handle("looks like it", function() await(async.run(error, "notes.lua:12: bad", 0)) return 1 end)
  ipcMain.on("awaits", function() awaits() return 1 end)
  ipcMain.handle("in onAbort", function()
    local controller = AbortController()
    controller.signal:onAbort(function() awaits() end)
    controller:abort()
    async.run(fails):on_complete(function() awaits() end)
  end)
  ipcMain.handle("executor", function()
    local p = Promise(function(_, reject) reject("plain") end)
    return p
  end)
]]

local BOTH = "main.lua:1: deep\n.-main.lua:2:.-main.lua:%d:.-rejected at:.-main.lua:1:"

support.each_transport("an error that was awaited", SCRIPT, function(context)
  local function rejects(channel, message)
    local err = context.rejection(channel)
    assert.equal(("Error invoking remote method '%s': %s"):format(channel, message), err.message)
    assert.is_nil(err.stack and err.stack:find("rejected at", 1, true))
    return err
  end

  local function logged(pattern)
    support.wait_until(function() return context.host.err:find(pattern) end, pattern)
  end

  it("in a handler is logged with both tracebacks, and rejects without a position", function()
    rejects("awaits", "Error: deep")
    logged("Error occurred in handler for 'awaits': [^\n]*" .. BOTH:format(3))
  end)

  it("in a listener is logged so too", function()
    context.ipc.send("awaits")
    logged("Error occurred in listener for 'awaits': [^\n]*" .. BOTH:format(9))
  end)

  it("in a task that the handler returned is logged so too", function()
    rejects("returns", "Error: deep")
    logged("Error occurred in handler for 'returns': .-main.lua:2:.-rejected at:.-main.lua:1:")
  end)

  it("and raised again is logged so too", function()
    rejects("raises again", "Error: deep")
    logged("Error occurred in handler for 'raises again': .-main.lua:5:.-rejected at:.-main.lua:1:")
  end)

  it("shows where a promise was rejected, and no frames of the library", function()
    rejects("rejects", "NoteError: full")
    logged("Error occurred in handler for 'rejects': NoteError: full\n.-rejected at:.-main.lua:6:")
    rejects("closed", "Error: closed")
    logged("Error occurred in handler for 'closed': closed\n.-main.lua:7:")
    rejects("executor", "Error: plain")
    logged("Error occurred in handler for 'executor': plain\n.-rejected at:.-main.lua:17:.-main.lua:17:")
    assert.is_nil(context.host.err:find("[async.", 1, true))
  end)

  it("keeps what only looks like a position", function()
    rejects("looks like it", "Error: notes.lua:12: bad")
  end)

  it("in a callback of a signal or a task is logged so too", function()
    context.invoke("in onAbort")
    logged("Error in onAbort: [^\n]*main.lua:1: deep\n.-main.lua:2:.-rejected at:.-main.lua:1:")
    logged("Error in on_complete: [^\n]*main.lua:1: deep\n.-main.lua:2:.-rejected at:.-main.lua:1:")
  end)
end)

describe("with dev", function()
  it("the renderer has both tracebacks", function()
    local host = support.start(SCRIPT, { config = "dev = true," })
    local renderer = host:connect("unix")
    local _, err = renderer:run(function()
      return require("async").pawait(renderer.ipcRenderer.invoke("awaits"))
    end)
    assert.matches("main.lua:3:.-rejected at:.-main.lua:1:", err.stack)
    renderer:close()
    host:stop()
  end)
end)

describe("a script that fails at load by what it awaited", function()
  it("is logged with both tracebacks", function()
    local ok, log = pcall(support.start, [[
      local function fails() async.sleep(1) error("deep") end
      local x = await(async.run(fails))
      print(x)
    ]])
    assert.is_false(ok)
    assert.matches("main.lua:1: deep\n.-main.lua:2:.-rejected at:.-main.lua:1:", log)
    ok, log = pcall(support.start, [[error { name = "NoteError", message = "full" }]])
    assert.is_false(ok)
    assert.matches("NoteError: full\n", log, 1, true)
  end)
end)
