--- Reload: a change is loaded beside the scripts that serve, and takes their place from one turn to the next.
local async = require "async"
local support = require "spec.functional.support"
local ipchost_renderer = require "ipchost.renderer"
local await = async.await

--- Replaces the main script and has it loaded; waits for the generation.
local function reload(host, script, generation)
  if script then support.write_file(host.folder .. "/main.lua", script) end
  host:kill("sighup")
  host:wait_log(("generation %d serves"):format(generation))
end

local function with_host(script, options, fn)
  local host = support.start(script, options)
  local ok, why = xpcall(fn, debug.traceback, host)
  if not ok and not host.code then host:kill("sigkill") host:wait() error(why, 0) end
  if not ok then error(why, 0) end
  host:stop()
end

local VERSION = [[
  ipcMain.handle("version", function() return %d end)
  ipcMain.handle("slow", function() await(async.sleep(300)) return %d end)
  ipcMain.handle("ever", function(event)
    event.signal:onAbort(function(reason) print("signal", reason.code) end)
    local stuck, resolve = Promise.withResolvers()
    held[#held + 1] = resolve
    await(stuck)
  end)
]]
local function version(n) return "local held = {}\n" .. VERSION:format(n, n) end

for _, transport in ipairs(support.transports) do
  describe("A reload over " .. transport, function()
    it("answers what had begun from the code before, and all else from the new", function()
      with_host(version(1), { config = [[limits = { drain = "400ms" }]] }, function(host)
        local renderer = host:connect(transport)
        local ipc, told = renderer.ipcRenderer, nil
        ipc.on("ipchost:reloaded", function(_, about) told = about.generation end)
        renderer:run(function()
          assert.equal(1, await(ipc.invoke("version")))
          local slow, ever = ipc.invoke("slow"), ipc.invoke("ever")
          await(ipc.invoke("version")) -- both have begun
          support.write_file(host.folder .. "/main.lua", version(2))
          host:kill("sighup")
          repeat local now = await(ipc.invoke("version")) until now == 2
          assert.equal(1, await(slow))
          local ok, err = pcall(await, ever)
          assert.is_false(ok)
          assert.equal("ERR_GENERATION_RETIRED", err.code)
          local text = "Error: the scripts were reloaded before this was answered"
          assert.equal("Error invoking remote method 'ever': " .. text, err.message)
          assert.equal(2, await(ipc.invoke("version")))
        end)
        assert.equal(2, told)
        host:wait_log("limits.drain exceeded: generation 1 is cut")
        host:wait_log("signal\tERR_GENERATION_RETIRED")
        renderer:close()
      end)
    end)
  end)
end

describe("A reload", function()
  it("tells the new scripts of every living contents, and that they are ready", function()
    local script = [[
      app.on("web-contents-created", function(event, contents)
        print("created", hot.generation, contents.id, event.replayed)
      end)
      app.on("ready", function(event) print("ready", hot.generation, event.replayed, app.isReady()) end)
      print("loading", hot.generation, app.isReady())
      ipcMain.on("hello", function() end)
    ]]
    with_host(script, {}, function(host)
      local first, second = host:connect(), host:connect("tcp")
      host:wait_log("created\t1\t2\tfalse")
      reload(host, nil, 2)
      host:wait_log("ready\t2\ttrue\ttrue")
      local log = host.err
      assert.matches("ready\t1\tfalse\ttrue", log, 1, true)
      local loading = log:find("loading\t2\tfalse", 1, true)
      local one, two = log:find("created\t2\t1\ttrue", 1, true), log:find("created\t2\t2\ttrue", 1, true)
      assert.is_true(loading < one and one < two and two < log:find("ready\t2\ttrue", 1, true))
      first:close()
      second:close()
    end)
  end)

  it("that fails leaves the scripts as they were, and says where it failed", function()
    local script = [[
      hot.on("failed", function(report) print("failed", report.ok, report.error) end)
      ipcMain.handle("version", function() return hot.generation end)
      ipcMain.handle("reload", function() return await(app.reload()) end)
    ]]
    with_host(script, { files = { ["lib/part.lua"] = "return 1", ["lib/broken.lua"] = "\nif" } }, function(host)
      local renderer = host:connect()
      local ipc = renderer.ipcRenderer
      local function attempt(text)
        support.write_file(host.folder .. "/main.lua", text)
        return renderer:run(function() return await(ipc.invoke("reload")) end)
      end
      local cases = {
        { "x = = 1", "/main.lua:1: unexpected symbol near '='" },
        { "\n\nerror('at load')", "/main.lua:3: at load" },
        { "\nawait(async.sleep(1)) local x = nil + 1", "/main.lua:2: attempt to perform arithmetic on a nil value" },
        { "\nerror { message = 'a table', code = 'X' }", "/main.lua:2: Error: a table" },
        { "\nerror('no position', 0)", "/main.lua:2: no position" },
        { "\napp.spawn {}", "/main.lua:2: " },
        { "\nhot.persist(1, print)", "/main.lua:2: " },
        { "\nawait(async.run(error, 'late', 0))", "/main.lua:2: late" },
        { "require 'lib.none'", "module 'lib.none' not found" },
        { "require 'lib.broken'", "/lib/broken.lua:2: unexpected symbol near <eof>" },
        { "  \n", "/main.lua: the file is empty" },
      }
      for _, case in ipairs(cases) do
        local report = attempt(case[1])
        assert.is_false(report.ok)
        assert.matches(case[2], report.error, 1, true)
        assert.equal(host.folder .. "/main.lua", report.files[1])
        host:wait_log("reload failed, generation 1 goes on: ")
        host:wait_log("failed\tfalse\t" .. report.error)
        assert.equal(1, renderer:run(function() return await(ipc.invoke("version")) end))
      end
      assert.matches("lib/broken.lua:2: [^\n]*\n%s*stack traceback:\n%s*[^\n]*/main.lua:1: in main chunk\n%S", host.err)
      assert.not_matches("[ipchost.", host.err, 1, true) -- no frame of the host's own
      local report = attempt(script .. "\nrequire 'lib.part'")
      assert.is_true(report.ok)
      assert.is_nil(report.error)
      assert.equal("table", type(report.disposed))
      assert.equal(1, report.leftovers) -- the very handler
      assert.is_true(report.ms >= 0)
      assert.same({ host.folder .. "/main.lua", host.folder .. "/lib/part.lua" }, { report.files[1], report.files[2] })
      assert.equal(2, renderer:run(function() return await(ipc.invoke("version")) end))
      renderer:close()
    end)
  end)

  it("reads an entry once: what an editor does meanwhile is not mistaken for it", function()
    with_host("return 1", {}, function(host)
      local path = host.folder .. "/main.lua"
      os.remove(path)
      assert(os.execute("mkfifo " .. path))
      host:kill("sighup")
      support.write_file(path, "print('from the only reading')") -- waits for the reader
      host:wait_log("generation 2 serves")
      assert.matches("from the only reading", host.err, 1, true)
    end)
  end)

  it("that wants what only one can have says where to open it", function()
    local script = [[
      local server = require("luv").new_tcp()
      assert(server:bind("127.0.0.1", %d))
      assert(server:listen(1, function() end))
      port = server:getsockname().port
      ipcMain.handle("port", function() return port end)
      ipcMain.handle("reload", function() return await(app.reload()) end)
    ]]
    with_host(script:format(0), {}, function(host)
      local renderer = host:connect()
      local ipc = renderer.ipcRenderer
      renderer:run(function()
        support.write_file(host.folder .. "/main.lua", script:format(await(ipc.invoke("port"))))
        local report = await(ipc.invoke("reload"))
        assert.matches("main.lua:%d: EADDRINUSE: .*open it in app.on%(\"ready\"%)", report.error)
      end)
      renderer:close()
    end)
  end)

  it("cuts what the generation before the one before had not answered", function()
    with_host(version(1), { config = [[limits = { drain = "20s" }]] }, function(host)
      local renderer = host:connect()
      local ipc = renderer.ipcRenderer
      renderer:run(function()
        local first = ipc.invoke("ever")
        await(ipc.invoke("version"))
        reload(host, version(2), 2)
        local second = ipc.invoke("ever")
        await(ipc.invoke("version"))
        reload(host, version(3), 3)
        assert.equal("ERR_GENERATION_RETIRED", select(2, pcall(await, first)).code)
        assert.equal(3, await(ipc.invoke("version")))
        reload(host, version(4), 4)
        assert.equal("ERR_GENERATION_RETIRED", select(2, pcall(await, second)).code)
      end)
      renderer:close()
    end)
  end)

  it("leaves `drain` to the listeners of the code that serves", function()
    local script = version(1) .. [[
      local generation = hot.generation
      app.on("web-contents-created", function(_, contents)
        contents:on("drain", function() print("drain heard by " .. generation) end)
      end)
      ipcMain.handle("flood", function(event)
        local text = ("x"):rep(200000)
        for _ = 1, 10 do event.sender:send("text", text) end
      end)
    ]]
    with_host(script, { config = [[limits = { drain = "20s", outbound = "64KiB" }]] }, function(host)
      local renderer = host:connect()
      local ipc = renderer.ipcRenderer
      renderer:run(function()
        ipc.invoke("ever"):catch(function() end)
        await(ipc.invoke("version"))
        reload(host, nil, 2)
        await(ipc.invoke("flood"))
        host:wait_log("drain heard by 2")
        await(ipc.invoke("version"))
      end)
      assert.is_nil(host.err:find("drain heard by 1", 1, true))
      reload(host, nil, 3)
      renderer:close()
    end)
  end)

  it("stops tickers, listeners and loops at once, and keeps what an answer waits for", function()
    local script = [[
      local uv = require "luv"
      local generation = hot.generation
      app.on("ready", function()
        local server = uv.new_tcp()
        assert(server:bind("127.0.0.1", hot.data.port or 0))
        assert(server:listen(1, function() end))
        hot.data.port = server:getsockname().port
      end)
      local ticker = uv.new_timer()
      ticker:start(1, 1, function() webContents.broadcast("tick", generation) end)
      async.run(function()
        while true do
          pcall(function() await(async.sleep(1)) end)
          webContents.broadcast("tick", generation)
        end
      end)
      app.on("ready", function()
        while true do
          await(async.checkpoint())
          await(async.sleep(1))
          webContents.broadcast("tick", generation)
        end
      end)
      ipcMain.handle("slow", function()
        local timer, done = uv.new_timer(), nil
        local waited = Promise(function(resolve) done = resolve end)
        timer:start(200, 0, function() timer:close() done(generation) end)
        local task = async.run(function() await(async.sleep(100)) return await(waited) end)
        return await(task)
      end)
      ipcMain.handle("reload", function() return await(app.reload()) end)
    ]]
    with_host(script, {}, function(host)
      local renderer = host:connect()
      local ipc, ticks, stale, current = renderer.ipcRenderer, 0, 0, 1
      ipc.on("tick", function(_, generation)
        ticks = ticks + 1
        if generation < current then stale = stale + 1 end
      end)
      ipc.on("ipchost:reloaded", function(_, about) current = about.generation end)
      renderer:run(function()
        local slow = ipc.invoke("slow")
        local report = await(ipc.invoke("reload"))
        assert.is_true(report.ok)
        assert.equal(1, report.disposed.tcp)
        assert.equal(1, report.disposed.timer)
        assert.equal(2, report.disposed.task)
        assert.equal(2, report.leftovers)
        assert.equal(1, await(slow))
      end)
      assert.equal(0, stale)
      assert.is_true(ticks > 0)
      renderer:close()
    end)
  end)

  it("sends and asks nothing before it serves", function()
    local script = [[
      ipcMain.handle("reload", function() return await(app.reload()) end)
      ipcMain.handle("answer", function() return hot.data.answer end)
      if hot.generation == 1 then return end
      webContents.broadcast("news", "broadcast")
      for _, contents in ipairs(webContents.getAllWebContents()) do
        assert(contents:send("news", "send") == true)
        assert(contents.mainFrame:postMessage("news", "post") == true)
        contents:invoke("question", 2):next(function(value) hot.data.answer = value end)
      end
      await(async.sleep(20))
      if FAIL then error("after it has sent") end
    ]]
    with_host(script, {}, function(host)
      local renderer = host:connect()
      local ipc, news, asked = renderer.ipcRenderer, {}, 0
      ipc.on("news", function(_, what) news[#news + 1] = what end)
      ipc.handle("question", function(_, n) asked = asked + 1 return n * 21 end)
      ipc.on("ipchost:reloaded", function() news[#news + 1] = "reloaded" end)
      renderer:run(function()
        support.write_file(host.folder .. "/main.lua", "FAIL = true\n" .. script)
        assert.is_false(await(ipc.invoke("reload")).ok)
        assert.same({}, news)
        support.write_file(host.folder .. "/main.lua", script)
        assert.is_true(await(ipc.invoke("reload")).ok)
        local answer
        repeat answer = await(ipc.invoke("answer")) until answer
        assert.equal(42, answer)
      end)
      assert.same({ "broadcast", "send", "post", "reloaded" }, news)
      assert.equal(1, asked)
      renderer:close()
    end)
  end)

  it("may take as long as limits.load says, waiting or running", function()
    local script = version(1) .. [[ ipcMain.handle("reload", function() return await(app.reload()) end) ]]
    with_host(script, { config = [[limits = { load = "100ms" }]] }, function(host)
      local renderer = host:connect()
      local ipc = renderer.ipcRenderer
      renderer:run(function()
        support.write_file(host.folder .. "/main.lua", "\nawait(async.sleep(60000))")
        local report = await(ipc.invoke("reload"))
        assert.matches("main.lua:2: the scripts had not loaded after limits.load (100 ms)", report.error, 1, true)
        support.write_file(host.folder .. "/main.lua", "\n\nwhile true do end")
        report = await(ipc.invoke("reload"))
        assert.matches("main.lua:3: the scripts ran for limits.load (100 ms)", report.error, 1, true)
        assert.equal(1, await(ipc.invoke("version")))
      end)
      renderer:close()
    end)
  end)

  it("at the start too: the host says where the scripts wait, and fails", function()
    local folder = support.folder()
    support.write_file(folder .. "/main.lua", "\nawait(async.sleep(60000))")
    support.write_file(folder .. "/config.lua",
      [[return { scripts = { "main.lua" }, listen = { "unix:run/app.sock" }, limits = { load = "50ms" } }]])
    local process = support.spawn { folder .. "/config.lua" }
    assert.equal(1, process:wait())
    assert.matches("main.lua:2: the scripts had not loaded after limits.load (50 ms)", process.err, 1, true)
    support.remove_folder(folder)
  end)

  it("is in time, or too late, and not both, while the scripts that serve are busy", function()
    local busy = version(1) .. [[
      ipcMain.handle("busy", function()
        local until_then = os.clock() + 0.4
        repeat local now = os.clock() until now > until_then
      end)
    ]]
    with_host(busy, { config = [[limits = { load = "300ms" }]] }, function(host)
      local renderer = host:connect()
      support.write_file(host.folder .. "/main.lua", [[print("waits") await(async.sleep(200)) ]] .. version(2))
      host:kill("sighup")
      host:wait_log("waits")
      renderer:run(function() await(renderer.ipcRenderer.invoke("busy")) end)
      local function in_time() return host.err:find("generation 2 serves", 1, true) ~= nil end
      local function late() return host.err:find("generation 1 goes on", 1, true) ~= nil end
      support.wait_until(function() return in_time() or late() end, "either")
      local served = in_time()
      renderer:run(function()
        assert.equal(served and 2 or 1, await(renderer.ipcRenderer.invoke("version")))
      end)
      reload(host, version(3), served and 3 or 2)
      assert.equal(served, not late())
      renderer:close()
    end)
  end)

  it("begins anew when another is wanted meanwhile", function()
    local waiting = [[print("waits", hot.generation) await(async.sleep(60000))]]
    with_host(version(1), {}, function(host)
      support.write_file(host.folder .. "/main.lua", waiting)
      host:kill("sighup")
      host:wait_log("waits\t2")
      reload(host, version(2), 2)
      local renderer = host:connect()
      assert.equal(2, renderer:run(function() return await(renderer.ipcRenderer.invoke("version")) end))
      renderer:close()
    end)
  end)

  it("is reported to whoever asked before it began, and to nobody who asked since", function()
    local script = [[
      local generation = hot.generation
      if generation == 3 then error("the third fails") end
      local asked = false
      hot.on("failed", function()
        if asked then return end
        asked = true
        hot.decline()
        app.reload():next(function(report) print("asked when it failed", report.error) end)
      end)
      app.on("ready", function()
        if generation == 2 then app.reload():next(function(report) print("asked when ready", report.error) end) end
      end)
      ipcMain.handle("reload", function()
        local reports = await(Promise.all { app.reload(), app.reload() })
        return reports[1].ok and reports[2].ok
      end)
    ]]
    with_host(script, {}, function(host)
      local renderer = host:connect()
      assert.is_true(renderer:run(function() return await(renderer.ipcRenderer.invoke("reload")) end))
      host:wait_log("asked when it failed\tthe scripts have called hot.decline()")
      assert.matches("asked when ready\t" .. host.folder .. "/main.lua:2: the third fails", host.err, 1, true)
      renderer:close()
    end)
  end)

  it("is not done where the scripts decline", function()
    with_host([[hot.decline() ipcMain.handle("reload", function() return await(app.reload()) end)]], {}, function(host)
      local renderer = host:connect()
      local report = renderer:run(function() return await(renderer.ipcRenderer.invoke("reload")) end)
      assert.is_false(report.ok)
      assert.matches("hot.decline()", report.error, 1, true)
      host:wait_log("restart to load them anew")
      renderer:close()
    end)
  end)

  it("runs what hot.dispose was given, which may not await, and says when a load is under way", function()
    local script = [[
      print("loads", hot.reloading)
      hot.dispose(function() await(async.sleep(1)) end)
      hot.dispose(function() print("disposed", hot.generation, hot.reloading) end)
      app.on("ready", function() print("serves", hot.reloading) end)
    ]]
    with_host(script, {}, function(host)
      reload(host, nil, 2)
      host:wait_log("disposed\t1")
      assert.matches("Error in hot.dispose: await outside a task", host.err, 1, true)
      assert.matches("loads\tfalse", host.err, 1, true)
      assert.matches("loads\ttrue", host.err, 1, true)
      assert.matches("serves\tfalse", host.err:match("loads\ttrue.*"), 1, true)
    end)
  end)
end)

describe("State", function()
  it("is carried in hot.data and by hot.persist, into the tables that the new scripts hold", function()
    local script = [[
      local state = hot.persist("state", function() return { list = { 1 }, by_id = {}, added = hot.generation } end)
      local list, by_id = state.list, state.by_id
      hot.data.first = hot.data.first or hot.generation
      ipcMain.handle("add", function()
        list[#list + 1] = #list + 1
        by_id[#list * 1000] = { n = #list }
        hot.data.list, hot.data.when = list, ipc.Date(5)
        hot.data.fn = print
        hot.data.deep = { items = { { cb = function() end, n = 7 } } }
      end)
      ipcMain.handle("look", function()
        return { n = #list, same = state.list == list and state.by_id == by_id, at = by_id[2000] and by_id[2000].n,
          shared = hot.data.list == list, when = hot.data.when and hot.data.when:getTime(), first = hot.data.first,
          fn = hot.data.fn ~= nil, deep = hot.data.deep and hot.data.deep.items[1].n, added = state.added,
          new = state.new, other = hot.persist("other", { n = 3 }).n }
      end)
    ]]
    with_host(script, {}, function(host)
      local renderer = host:connect()
      local ipc = renderer.ipcRenderer
      local function invoke(channel) return renderer:run(function() return await(ipc.invoke(channel)) end) end
      invoke("add")
      reload(host, (script:gsub("added = hot", "new = true, added = hot")), 2)
      local seen = invoke("look")
      assert.same({ n = 2, same = true, at = 2, shared = true, when = 5, first = 1, fn = false, deep = 7, added = 1,
        new = true, other = 3 }, seen)
      host:wait_log("not carried over, as it cannot be cloned: hot.data.fn (function)")
      host:wait_log("not carried over, as it cannot be cloned: hot.data.deep.items[1].cb (function)")
      invoke("add")
      reload(host, nil, 3)
      assert.equal(3, invoke("look").n)
      reload(host, [[ipcMain.handle("look", function() return 1 end)]], 4) -- does not ask for it
      reload(host, script, 5)
      assert.equal(1, invoke("look").n)
      assert.equal(1, invoke("look").first)
      renderer:close()
    end)
  end)

  it("may hold a port, which lives on; others close", function()
    local script = [[
      local function use(port)
        port:on("message", function(event) port:postMessage(event.data .. hot.generation) end)
        port:start()
      end
      ipcMain.on("port", function(event) hot.data.port = event.ports[1] use(event.ports[1]) end)
      ipcMain.on("lost", function(event) lost = event.ports[1] lost:start() end)
      ipcMain.handle("drained", function()
        local unread, other = MessageChannelMain.pair()
        hot.data.unread, hot.data.other = unread, other
        unread:postMessage(("x"):rep(1100000))
        local drained = unread:drained()
        print("behind")
        await(drained)
        return "drained"
      end)
      app.on("ready", function() if hot.data.port then use(hot.data.port) end end)
    ]]
    with_host(script, {}, function(host)
      local renderer = host:connect()
      local ipc, got, closed = renderer.ipcRenderer, {}, false
      local mine, theirs = ipchost_renderer.MessageChannel.pair()
      local lost, other = ipchost_renderer.MessageChannel.pair()
      mine:on("message", function(event) got[#got + 1] = event.data end)
      mine:on("close", function() got[#got + 1] = "closed" end)
      lost:on("close", function() closed = true end)
      mine:start()
      lost:start()
      ipc.postMessage("port", nil, { theirs })
      ipc.postMessage("lost", nil, { other })
      mine:postMessage("a")
      support.wait_until(function() return #got == 1 end, "the first")
      local drained
      ipc.invoke("drained"):next(function(value) drained = value end)
      host:wait_log("behind")
      reload(host, nil, 2)
      support.wait_until(function() return drained end, "who waited for a port that was handed over")
      mine:postMessage("b")
      support.wait_until(function() return #got == 2 and closed end, "the second, and the end of the other")
      assert.same({ "a1", "b2" }, got)
      renderer:close()
    end)
  end)
end)

describe("Processes", function()
  it("asked for again live on, changed ones are started anew, and others end", function()
    local script = [[
      local function child(name, seconds)
        local child = app.spawn { name = name, command = "sleep", args = { seconds }, stdio = "pipe" }
        child:on("exit", function() print("exit", name, hot.generation) end)
        return child
      end
      local kept, changed = child("kept", 1000), child("changed", 1000 + hot.generation)
      local gone = hot.generation == 1 and child("gone", 1000)
      ipcMain.handle("pids", function() return { kept.pid, changed.pid, gone and gone.pid or 0 } end)
    ]]
    with_host(script, {}, function(host)
      local renderer = host:connect()
      local ipc = renderer.ipcRenderer
      local function pids() return renderer:run(function() return await(ipc.invoke("pids")) end) end
      local before = pids()
      reload(host, nil, 2)
      local after = pids()
      assert.equal(before[1], after[1])
      assert.is_true(before[2] ~= after[2])
      local uv = require "luv"
      local function ended(pid) return not uv.kill(pid, 0) end
      support.wait_until(function() return ended(before[2]) and ended(before[3]) end, "their end")
      assert.is_false(ended(after[1]) or ended(after[2]))
      renderer:close()
    end)
  end)

  it("are not started by a load that fails", function()
    local script = [[
      local path = app.getAppPath() .. "/started"
      local child = app.spawn { name = "touch", command = "touch", args = { path }, stdio = "pipe" }
      assert(child.pid == nil)
      error("after it was asked for")
    ]]
    with_host("local x = 1", {}, function(host)
      support.write_file(host.folder .. "/main.lua", script)
      host:kill("sighup")
      host:wait_log("reload failed")
      assert.is_nil(io.open(host.folder .. "/started"))
    end)
  end)
end)
