-- What scripts and clients do at the edges: odd errors and results, ends in the middle of things, hostile packets.
local support = require "spec.functional.support"
local await = require("async").await

support.each_transport("Odd errors and results", [==[
  ipcMain.handle("ok", function() return "ok" end)
  ipcMain.handle("raise", function(_, value) error(value, 0) end)
  ipcMain.handle("raise null", function() error(ipc.null) end)
  ipcMain.handle("raise hostile", function()
    error(setmetatable({}, { __index = function() error("trap") end, __tostring = error, __name = {} }))
  end)
  ipcMain.handle("raise awaiting", function()
    error(setmetatable({}, { __tostring = function() async.sleep(1) return "slept" end }))
  end)
  ipcMain.handle("raise code", function(_, code) error { message = "x", code = code } end)
  ipcMain.handle("raise table code", function() error { message = "x", code = { 1 } } end)
  ipcMain.handle("raise bytes", function() error { message = "a\xffb", name = "N\xff", code = "C\xff" } end)
  ipcMain.handle("returned bytes", function() return nil, "not \xff text", "C\xff" end)
  ipcMain.handle("deep", function()
    local function down(n) return n == 0 and error("bottom") or 1 + down(n - 1) end
    return down(80000)
  end)
  ipcMain.handle("overflow", function()
    local function down() return 1 + down() end
    return down()
  end)
  ipcMain.handle("strict", function()
    return setmetatable({ a = 1 }, { __index = function(_, key) error("no field " .. key, 0) end })
  end)
  ipcMain.handle("strict later", function()
    async.sleep(1)
    return setmetatable({ a = 1 }, { __index = function(_, key) error("no field " .. key, 0) end })
  end)
  ipcMain.handle("long path", function() return { a = { [("é"):rep(400)] = print } } end)
  ipcMain.handle("count", function(_, ...) return select("#", ...) end)
  ipcMain.handle("huge", function() return ("x"):rep(1024 * 1024) end)
  ipcMain.handle("send huge", function(event)
    local ok, err = pcall(event.sender.send, event.sender, "x", ("x"):rep(1024 * 1024))
    return { ok = ok, code = not ok and err.code }
  end)
  ipcMain.handle("channels", function()
    ipcMain.handle("nul\0a", print)
    ipcMain.handle("nul\0b", print)
    ipcMain.on("newListener\0x", print)
    local names = { handlers = ipcMain.handlers(), events = ipcMain.eventNames() }
    ipcMain.removeHandler("nul\0a") ipcMain.removeHandler("nul\0b") ipcMain.removeAllListeners("newListener\0x")
    return names
  end)
]==], function(context)
  local function message(...)
    return context.rejection(...).message:match("^Error invoking remote method '.-': (.*)$")
  end

  it("describes whatever was raised", function()
    assert.equal("Error: nil", message("raise", nil))
    assert.equal("Error: true", message("raise", true))
    assert.equal("Error: null", message("raise null"))
    assert.equal("Error: an error was raised that cannot be described", message("raise hostile"))
    assert.equal("Error: an error was raised that cannot be described", message("raise awaiting"))
    assert.equal("ok", context.invoke("ok"))
  end)

  it("keeps the bytes of a message", function()
    assert.equal("Error: a\0b", message("raise", "a\0b"))
    assert.equal(#"Error: " + 300000, #message("raise", ("m"):rep(300000)))
  end)

  it("sends text only where the protocol wants text", function()
    local err = context.rejection("raise bytes")
    assert.equal("Error invoking remote method 'raise bytes': N\u{fffd}: a\u{fffd}b", err.message)
    assert.equal("C\u{fffd}", err.code)
    assert.equal("Error: not \u{fffd} text", message("returned bytes"))
    assert.equal(7, context.rejection("raise code", 7).code)
    assert.is_nil(context.rejection("raise table code").code)
    assert.is_nil(context.rejection("raise code", 1.5).code)
  end)

  it("cuts a long text between characters", function()
    local err = context.rejection("long path")
    assert.equal("ERR_DATA_CLONE", err.code)
    assert.truthy(utf8.len(err.message))
    assert.matches("An object could not be cloned: result%.a", err.message)
  end)

  it("survives deep and endless recursion", function()
    assert.equal("Error: bottom", message("deep"))
    assert.matches("stack overflow", message("overflow"))
    assert.equal("ok", context.invoke("ok"))
  end)

  it("rejects with what looking for a result's `then` raised", function()
    assert.equal("Error: no field then", message("strict"))
    assert.equal("Error: no field then", message("strict later"))
  end)

  it("takes as many arguments as there are", function()
    local args = {}
    for i = 1, 10000 do args[i] = i end
    assert.equal(10000, context.invoke("count", table.unpack(args)))
  end)

  it("refuses a result that is over limits.packet, and keeps the connection", function()
    local err = context.rejection("huge")
    assert.equal("ERR_LIMIT_PACKET", err.code)
    assert.same({ ok = false, code = "ERR_LIMIT_PACKET" }, context.invoke("send huge"))
    assert.equal("ok", context.invoke("ok"))
  end)

  it("knows channels with a NUL byte by all of their name", function()
    local names = context.invoke("channels")
    assert.truthy(table.concat(names.handlers, ","):find("nul\0a,nul\0b", 1, true))
    assert.same({ "newListener\0x" }, names.events)
  end)
end, { config = 'limits = { packet = "1MiB" }' })

support.each_transport("Ends in the middle of things", [==[
  local kept
  ipcMain.handle("close me", function(event)
    event.sender:close()
    return event.sender:send("x", 1) == false and event.reply("x") == false
  end)
  local seen = {}
  ipcMain.handle("seen", function(_, key) return seen[key] end)
  ipcMain.handle("close and look", function(event)
    event.sender:close()
    seen.read_after = event.signal.aborted and event.signal.reason.code
  end)
  ipcMain.handle("look and close", function(event)
    local signal = event.signal
    signal:onAbort(function() seen.on_abort = true end)
    event.sender:close()
    seen.read_before = signal.aborted and signal.reason.code
    async.sleep(1)
    seen.after_await = event.signal.aborted
  end)
  ipcMain.handle("close late", function(event)
    local contents = event.sender
    async.sleep(1)
    contents:close()
    seen.main_frame = contents.mainFrame == nil and "none"
    seen.closed_late = event.signal.aborted and not contents:send("x") and contents:isDestroyed()
  end)
  ipcMain.on("close in listener", function(event)
    event.sender:close()
    event.returnValue = 1
    seen.listener = { event.reply("x") }
  end)
  ipcMain.handle("capture", function() kept = coroutine.running() async.sleep(20) return "done" end)
  ipcMain.handle("capture idle", function() kept = coroutine.running() return true end)
  ipcMain.handle("close captured", function() return coroutine.close(kept), coroutine.status(kept) end)
  ipcMain.handle("resume captured", function() return (coroutine.resume(kept, 1, 2, 3)) end)
  ipcMain.handle("close self", function() return coroutine.close(coroutine.running()) end)
  ipcMain.handle("resume self", function() return select(2, coroutine.resume(coroutine.running())) end)
  ipcMain.handle("recurse", function(_, n)
    local depth = 0
    ipcMain.on("deeper", function(level) depth = level ipcMain.emit("deeper", level + 1) end)
    ipcMain.emit("deeper", 1)
    ipcMain.removeAllListeners("deeper")
    return depth
  end)
  ipcMain.handle("collect", function()
    setmetatable({}, { __gc = function() webContents.broadcast("collected") end })
    collectgarbage() collectgarbage()
    return true
  end)
  ipcMain.handle("finalizers", function(event)
    -- Every turn of the collector sends, also those in the middle of an encoding.
    local function arm()
      setmetatable({}, { __gc = function() event.sender:send("finalizer", ("f"):rep(100)) arm() end })
    end
    local rows = {}
    for i = 1, 800 do rows[i] = ipc.object { [i] = i, [i + 0.5] = { tostring(i) } } end
    local pause = collectgarbage("setpause", 100)
    local step = collectgarbage("setstepmul", 400)
    arm()
    for _ = 1, 4 do event.sender:send("rows", rows) end
    arm = function() end
    collectgarbage("setpause", pause) collectgarbage("setstepmul", step)
    return rows
  end)
]==], function(context)
  local function watcher()
    local other = context.host:connect(context.transport)
    finally(function() other:close() end)
    return function(...)
      local args = table.pack(...)
      return other:run(function() return await(other.ipcRenderer.invoke(table.unpack(args, 1, args.n))) end)
    end
  end

  it("lets a handler close its own sender", function()
    local ask = watcher()
    assert.equal("ERR_CLOSED", context.rejection("close me").code)
    assert.is_nil(ask("seen", "nothing"))
  end)

  it("aborts the handler that closes its own sender", function()
    local ask = watcher()
    context.rejection("close and look")
    assert.equal("ERR_DESTROYED", ask("seen", "read_after"))
  end)

  it("aborts a signal that was read before", function()
    local ask = watcher()
    context.rejection("look and close")
    assert.equal("ERR_DESTROYED", ask("seen", "read_before"))
    support.wait_until(function() return ask("seen", "after_await") ~= nil end, "the handler")
    assert.is_true(ask("seen", "after_await"))
    assert.is_true(ask("seen", "on_abort"))
  end)

  it("lets a handler close its sender after an await", function()
    local ask = watcher()
    context.rejection("close late")
    assert.is_true(ask("seen", "closed_late"))
    assert.equal("none", ask("seen", "main_frame"))
  end)

  it("lets a listener close its sender", function()
    local ask = watcher()
    context.ipc.send("close in listener")
    support.wait_until(function() return ask("seen", "listener") end, "the listener")
    assert.same({ false, "destroyed" }, ask("seen", "listener"))
  end)

  it("answers a call whose coroutine was closed or resumed by a script", function()
    local closed = context.ipc.invoke("capture")
    assert.is_true(context.invoke("close captured"))
    local ok, err = pcall(context.run, function() return await(closed) end)
    assert.is_false(ok)
    assert.equal("ERR_NO_REPLY", err.code)
    local resumed = context.ipc.invoke("capture")
    assert.is_false(context.invoke("resume captured"))
    assert.equal("done", context.run(function() return await(resumed) end))
    context.invoke("capture idle")
    pcall(context.invoke, "close captured") -- which may run in that very coroutine
    assert.is_false(context.invoke("resume captured"))
    assert.matches("cannot close a running coroutine", context.rejection("close self").message)
    assert.matches("cannot resume non%-suspended coroutine", context.invoke("resume self"))
    assert.is_true(context.invoke("capture idle"))
  end)

  it("ends a recursion of emits", function()
    assert.is_true(context.invoke("recurse") > 50)
    assert.is_true(context.invoke("capture idle"))
  end)

  it("sends from finalizers", function()
    local collected = context.message("collected")
    assert.is_true(context.invoke("collect"))
    collected()
    local count = 0
    context.ipc.on("finalizer", function(_, text)
      assert(text == ("f"):rep(100))
      count = count + 1
    end)
    local rows = 0
    context.ipc.on("rows", function(_, list)
      assert(#list == 800)
      for i = 1, 800 do assert(list[i][tostring(i)] == i and list[i][tostring(i + 0.5)][1] == tostring(i)) end
      rows = rows + 1
    end)
    assert.equal(800, #context.invoke("finalizers"))
    assert.equal(4, rows)
    assert.is_true(count > 0)
  end)
end)

-- Under the sanitizer an allocation that cannot be would end the process.
local sanitizer = ("ASAN_OPTIONS=%s:allocator_may_return_null=1"):format(os.getenv("ASAN_OPTIONS") or "")

support.each_transport("Without memory", [==[
  ipcMain.handle("ok", function() return "ok" end)
  ipcMain.handle("starve", function() return ipc.Buffer(1 << 46) end)
  ipcMain.handle("starve later", function() async.sleep(1) return ipc.Buffer(1 << 46) end)
  ipcMain.on("starve", function() ipc.Buffer(1 << 46) end)
]==], function(context)
  it("rejects, and goes on", function()
    for _, channel in ipairs { "starve", "starve later" } do
      assert.equal("Error invoking remote method '" .. channel .. "': Error: not enough memory",
        context.rejection(channel).message)
    end
    assert.equal("ok", context.invoke("ok"))
  end)

  it("logs it for a listener", function()
    context.ipc.send("starve")
    context.host:wait_log("Error occurred in listener for 'starve': not enough memory")
    assert.equal("ok", context.invoke("ok"))
  end)
end, { env = { sanitizer, "UBSAN_OPTIONS=" .. (os.getenv("UBSAN_OPTIONS") or "") } })

describe("The collector", function()
  for _, kind in ipairs { "incremental", "generational" } do
    it("finds the answers that can never come, gc = " .. kind, function()
      local host = support.start([==[
        ipcMain.handle("never", function() await(Promise.new(function() end)) end)
        ipcMain.handle("ok", function() return app.metrics().waitingHandlers end)
      ]==], { config = ('gc = "%s"'):format(kind) })
      local renderer = host:connect("unix")
      finally(function() renderer:close() host:stop() end)
      local function invoke(channel)
        return renderer:run(function() return await(renderer.ipcRenderer.invoke(channel)) end)
      end
      for _ = 1, 3 do
        local ok, err = pcall(invoke, "never")
        assert.is_false(ok)
        assert.equal("ERR_NO_REPLY", err.code)
      end
      assert.equal(0, invoke("ok"))
    end)
  end
end)

describe("luv's timers", function()
  it("count from where they are started, also when nothing has happened for long", function()
    local host = support.start([==[
      local uv = require "luv"
      ipcMain.handle("wait", function(_, ms)
        local start, over, resolve = uv.hrtime(), Promise.withResolvers()
        local timer = uv.new_timer()
        timer:start(ms, 0, function()
          timer:close()
          resolve((uv.hrtime() - start) / 1e6)
        end)
        return over
      end)
    ]==])
    local renderer = host:connect("unix")
    finally(function() renderer:close() host:stop() end)
    renderer:run(function()
      for _ = 1, 2 do
        require("async").sleep(200)
        assert.is_true(await(renderer.ipcRenderer.invoke("wait", 100)) > 95)
      end
    end)
  end)
end)

describe("Finalizers at the end", function()
  it("may use luv, tasks and the host's modules", function()
    local host = support.start([==[
      local uv = require "luv"
      local old = uv.new_idle()
      local function at_the_end(fn) Kept = { Kept, setmetatable({}, { __gc = fn }) } end
      at_the_end(function() print("the last says " .. app.metrics().sessions) end)
      at_the_end(function() uv.new_timer():start(0, 10, print) uv.new_tcp():bind("127.0.0.1", 0) end)
      at_the_end(function() uv.new_timer():unref() end)
      at_the_end(function() uv.fs_stat("/", print) end)
      at_the_end(function() async.run(function() async.sleep(1000) end) end)
      at_the_end(function() webContents.broadcast("end") ipcMain.on("x", error) ipcMain.emit("x") app.quit() end)
      at_the_end(function() old:start(print) old:close() end)
    ]==])
    host:stop()
    assert.matches("the last says 0", host.err, 1, true)
  end)
end)

support.each_transport("Misuse of userdata", [==[
  local uv = require "luv"
  local makers = {
    idle = uv.new_idle, check = uv.new_check, prepare = uv.new_prepare, tcp = uv.new_tcp, pipe = uv.new_pipe,
    udp = uv.new_udp, fs_event = uv.new_fs_event, fs_poll = uv.new_fs_poll, timer = uv.new_timer,
  }
  ipcMain.handle("start closed", function(_, kind, ...)
    local calls = {
      idle = { "start", print }, check = { "start", print }, prepare = { "start", print },
      timer = { "start", 1, 0, print },
      tcp = { "connect", "127.0.0.1", 1, print }, pipe = { "connect", "/", print }, udp = { "bind", "127.0.0.1", 0 },
      fs_event = { "start", "/", {}, print }, fs_poll = { "start", "/", 1000, print },
    }
    local handle, call = makers[kind](), calls[kind]
    handle:close()
    async.sleep(1)
    local _, _, code = handle[call[1]](handle, table.unpack(call, 2))
    local _, _, same = uv[kind .. "_" .. call[1]](handle, table.unpack(call, 2))
    handle = nil
    collectgarbage() collectgarbage()
    async.sleep(1)
    return code == same and code
  end)
  ipcMain.handle("metatables", function(event)
    ipcMain.once("a", print)
    local objects = { event, event.sender, event.senderFrame, ipcMain, app, ipcMain.rawListeners("a")[1] }
    ipcMain.removeAllListeners("a")
    for i, object in ipairs(objects) do assert(getmetatable(object) == false, i) end
    return true
  end)
]==], function(context)
  it("does not start handles of luv that are closed", function()
    for _, kind in ipairs { "idle", "check", "prepare", "timer", "tcp", "pipe", "udp", "fs_event", "fs_poll" } do
      assert.equal("EINVAL", context.invoke("start closed", kind), kind)
    end
  end)

  it("keeps the metamethods of the host's objects from being called on others", function()
    assert.is_true(context.invoke("metatables"))
  end)
end)

describe("app.quit while the scripts load", function()
  it("ends the host whatever is opened behind it", function()
    local folder = support.folder()
    support.write_file(folder .. "/config.lua", 'return { scripts = { "main.lua" }, listen = { "unix:a.sock" } }')
    support.write_file(folder .. "/main.lua", [[
      app.quit()
      local timer = require("luv").new_timer()
      timer:start(1000000, 0, function() end)
    ]])
    local host = support.spawn { folder .. "/config.lua" }
    assert.equal(0, host:wait())
    support.remove_folder(folder)
  end)
end)
