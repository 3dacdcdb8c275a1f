-- What goes wrong at the first try: it says what to write instead, in the error or in the log.
local support = require "spec.functional.support"

--- The log of a host whose main script fails to load.
local function log_of_failing(script, files)
  local ok, message = pcall(support.start, script, { files = files })
  assert.is_false(ok)
  return message
end

describe("a script with JavaScript's syntax", function()
  it("does not load, and the log has line and hint", function()
    assert.matches("main.lua:2: 'await f()' is two statements in Lua; write await(f())",
      log_of_failing("local function f() end\nlocal x = await f()"), 1, true)
    assert.matches("main.lua:1: 'then' expected near '!' (write ~= for !=)",
      log_of_failing("if a != b then end"), 1, true)
  end)

  it("says so of a module that it requires", function()
    local log = log_of_failing([[require "notes"]], { ["notes.lua"] = "p:then(print)" })
    assert.matches("notes.lua:1: <name> expected near 'then' ('then' is a word of Lua's; write promise:next(...))",
      log, 1, true)
    log = log_of_failing([[require "notes"]], { ["notes.lua"] = "\nreturn { x = 1 }, await f()" })
    assert.matches("error loading module 'notes'", log, 1, true)
    assert.matches("notes.lua:2: ", log, 1, true)
  end)
end)

local function count(text, part)
  local n, at = 0, 1
  while true do
    at = text:find(part, at, true)
    if not at then return n end
    n, at = n + 1, at + 1
  end
end

describe("a name of Electron's or Node's", function()
  it("that is no global is explained in the log, once, where it was read, and is nil as ever", function()
    local host = support.start([[
      for _ = 1, 2 do print(BrowserWindow == nil and dialog == nil, pcall(function() console.log("x") end)) end
      pcall(function() process.exit(1) end)
      print("other: " .. tostring(other))
      setTimeout = setTimeout or print
      setTimeout("done")
    ]])
    host:wait_log("done")
    for line, name in pairs { [1] = "console", [2] = "process", [4] = "setTimeout" } do
      assert.matches(("main.lua:%d: there is no global '%s' in scripts: "):format(line, name), host.err, 1, true)
    end
    assert.equal(1, count(host.err, "'BrowserWindow' in scripts: "))
    assert.equal(1, count(host.err, "'dialog' in scripts: "))
    assert.equal(2, count(host.err, "true\tfalse\t"))
    assert.matches("attempt to index a nil value (global 'console')", host.err, 1, true)
    assert.matches("other: nil", host.err, 1, true)
    assert.equal(0, count(host.err, "'other'"))
    host:stop()
  end)

  it("that is required says what there is instead", function()
    local log = log_of_failing([[local electron = require "electron"]])
    assert.matches("main.lua:1: module 'electron' is not there in scripts: what there is of Electron's is global",
      log, 1, true)
    assert.matches("module 'node:fs/promises' is not there in scripts: async.uv.fs_stat",
      log_of_failing([[require "node:fs/promises"]]), 1, true)
  end)

  it("is a module of one's own where there is one", function()
    local files = { ["timers.lua"] = "return 'timers'" }
    local host = support.start([[print("mine: " .. require "timers")]], { files = files })
    host:wait_log("mine: timers")
    host:stop()
  end)
end)

describe("a mistyped field", function()
  it("of a module names the nearest, at the script's line", function()
    local host = support.start([[
      local function try(fn) print((select(2, pcall(fn)))) end
      try(function() return app.whenready() end)
      try(function() return app.setings end)
      try(function() return app.om("ready", print) end)
      try(function() return ipcMain.handel("x", print) end)
      try(function() return webContents.fromid(1) end)
      try(function() return webFrameMain.fromID(1, 1) end)
      try(function() return MessageChannelMain.pairs() end)
      try(function() return MessageChannelMain.pair():postmessage(1) end)
      try(function() return async.slep(1) end)
      try(function() return async.uv.fs_sta("x") end)
      try(function() return Promise.allsettled {} end)
      try(function() return ipc.RegExpp("a") end)
      print(app["then"], async["then"], ipc["then"], Promise["then"], rawget(ipc, "nothing"), "end")
    ]])
    host:wait_log("nil\tnil\tnil\tnil\tnil\tend")
    local expected = {
      "app has no field 'whenready'; did you mean 'whenReady'?", "app has no field 'setings'; did you mean 'settings'?",
      "app has no field 'om'; did you mean 'on'?", "ipcMain has no field 'handel'; did you mean 'handle'?",
      "webContents has no field 'fromid'; did you mean 'fromId'?",
      "webFrameMain has no field 'fromID'; did you mean 'fromId'?",
      "MessageChannelMain has no field 'pairs'; did you mean 'pair'?",
      "port has no field 'postmessage'; did you mean 'postMessage'?",
      "async has no field 'slep'; did you mean 'sleep'?",
      "async.uv has no function 'fs_sta'; did you mean 'fs_stat'?",
      "Promise has no field 'allsettled'; did you mean 'allSettled'?",
      "ipc has no field 'RegExpp'; did you mean 'RegExp'?",
    }
    for i, text in ipairs(expected) do
      assert.matches(("main.lua:%d: %s"):format(i + 1, text), host.err, 1, true)
    end
    host:stop()
  end)
end)

describe("await", function()
  it("in a C function that cannot be suspended names that", function()
    local host = support.start([[
      local function try(fn) print((select(2, pcall(fn)))) end
      try(function() table.sort({ 2, 1 }, function(a, b) async.checkpoint() return a < b end) end)
      try(function() string.gsub("a", ".", function() async.checkpoint() end) end)
      try(function() tostring(setmetatable({}, { __tostring = function() async.checkpoint() return "" end })) end)
      print "that is all"
    ]])
    host:wait_log("that is all")
    for _, name in ipairs { "table.sort", "string.gsub", "tostring" } do
      assert.matches(("await inside %s: a C function cannot be suspended"):format(name), host.err, 1, true)
    end
    host:stop()
  end)

  it("in a raw callback of luv says what to wrap it in, and works there", function()
    local host = support.start([[
      local uv = require "luv"
      uv.new_timer():start(0, 0, function()
        async.run(function() print("wrapped", await(Promise.resolve(1))) end)
        await(Promise.resolve(1))
      end)
    ]])
    host:wait_log("await outside a task: wrap the callback in async.run(function() ... end)")
    host:wait_log("wrapped\t1")
    host:stop()
  end)

  it("works where the host calls: entry, required module, listener, handler, event, reaction, onAbort, port", function()
    local host = support.start([[
      local function wait(name) async.sleep(1) print("awaited in " .. name) end
      wait("the entry")
      require "waiting"
      app.on("ready", function() wait("app.on") end)
      app.on("web-contents-created", function(_, contents)
        wait("web-contents-created")
        contents:on("destroyed", function() wait("contents:on") end)
        contents.ipc.on("hear", function() wait("contents.ipc.on") end)
      end)
      ipcMain.on("hear", function() wait("ipcMain.on") end)
      ipcMain.handle("ask", function() wait("ipcMain.handle") return true end)
      Promise.resolve():next(function() wait("a reaction") end):finally(function() wait("a finally") end)
      local controller = AbortController()
      controller.signal:onAbort(function() wait("onAbort") end)
      controller:abort()
      local port1, port2 = MessageChannelMain.pair()
      port1:on("message", function() wait("port:on") end)
      port1:start()
      port2:postMessage(1)
      async.run(error, "lost")
      app.on("unhandled-rejection", function() wait("unhandled-rejection") end)
      local child = app.spawn { name = "true", command = "true", stdio = "pipe" }
      child:on("exit", function() wait("child:on") end)
    ]], { files = { ["waiting.lua"] = [[async.sleep(1) print("awaited in a module") return true]] } })
    local renderer = host:connect("unix")
    host:wait_log("awaited in web-contents-created")
    renderer.ipcRenderer.send("hear")
    assert.is_true(renderer:run(function() return require("async").await(renderer.ipcRenderer.invoke("ask")) end))
    renderer:close()
    for _, name in ipairs { "the entry", "a module", "app.on", "contents:on", "contents.ipc.on", "ipcMain.on",
      "ipcMain.handle", "a reaction", "a finally", "onAbort", "port:on", "unhandled-rejection", "child:on" } do
      host:wait_log("awaited in " .. name .. "\n")
    end
    host:stop()
  end)
end)

describe("require", function()
  it("loads a module that awaits once, whoever requires it meanwhile, and again after it has failed", function()
    local host = support.start([[
      local list = {}
      for i = 1, 3 do list[i] = async.run(require, "slow") end
      local a, b, c = table.unpack(async.all(list))
      print("same: " .. tostring(a == b and b == c and a == require "slow"))
      for i = 1, 3 do list[i] = async.run(function() return (select(2, pcall(require, "failing"))) end) end
      print("failed: " .. table.concat(async.all(list), ", "))
    ]], { files = {
      ["slow.lua"] = [[print "loading" async.sleep(5) return {}]],
      ["failing.lua"] = [[failures = (failures or 0) + 1 async.sleep(1) error("failure " .. failures, 0)]],
    } })
    host:wait_log("failed: failure 1, failure 2, failure 3")
    assert.matches("same: true", host.err, 1, true)
    assert.equal(1, count(host.err, "loading"))
    host:stop()
  end)

  it("refuses a circle", function()
    local log = log_of_failing([[require "one"]], {
      ["one.lua"] = [[local two = require "two" return two]],
      ["two.lua"] = [[async.sleep(1) local one = require "one" return one]],
    })
    assert.matches("two.lua:1: module 'one' requires itself, or what it requires does", log, 1, true)
  end)
end)

describe("an unhandled rejection", function()
  local script = [[
    local function rejects() async.sleep(1) error("lost") end
    ipcMain.on("lose", function() async.run(function() await(async.run(rejects)) end) end)
  ]]

  local function lose(host)
    local renderer = host:connect("unix")
    renderer.ipcRenderer.send("lose")
    return renderer
  end

  it("is logged once, with where it was raised and where it was awaited", function()
    local host = support.start(script)
    local renderer = lose(host)
    host:wait_log("rejected at:")
    assert.matches("Unhandled rejection: [^\n]*main.lua:1: lost\n.-main.lua:2:.-rejected at:.-main.lua:1:", host.err)
    renderer:close()
    host:stop()
    assert.equal(1, count(host.err, "Unhandled rejection"))
  end)

  it("goes to app's listeners instead, once, with the report", function()
    local host = support.start(script .. [[
      app.on("unhandled-rejection", function(_, reason, report)
        print("heard " .. reason)
        print((report:find("rejected at:", 1, true)) and "both" or report)
      end)
    ]])
    local renderer = lose(host)
    host:wait_log("both")
    renderer:close()
    host:stop()
    assert.equal(1, count(host.err, "heard "))
    assert.equal(0, count(host.err, "Unhandled rejection"))
  end)

  it("that a listener raises over is logged nevertheless, and ends nothing", function()
    local host = support.start(script .. [[app.on("unhandled-rejection", function() error("in the listener") end)]])
    local renderer = lose(host)
    host:wait_log("in the listener")
    renderer:close()
    host:stop()
  end)
end)

describe("coroutine.yield", function()
  it("in a handler raises there", function()
    local host = support.start([[ipcMain.handle("yield", function() coroutine.yield() end)]])
    local renderer = host:connect("unix")
    local ok, err = renderer:run(function()
      return require("async").pawait(renderer.ipcRenderer.invoke("yield"))
    end)
    assert.is_false(ok)
    assert.matches("coroutine.yield outside of a coroutine of your own: use await", err.message, 1, true)
    renderer:close()
    host:stop()
  end)
end)
