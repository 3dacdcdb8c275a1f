--- What is left of scripts that were reloaded: nothing; or what does not end, which nobody waits for.
local process = require "spec.functional.process"
local shell = require "spec.shell"
local support = require "spec.functional.support"
local uv = require "luv"
local await = require("async").await

local BUSY = [[
  local uv = require "luv"
  local folder = app.getAppPath()
  local function nothing() end
  uv.fs_stat(folder, nothing)
  uv.fs_open(folder .. "/main.lua", "r", 438, function(_, fd)
    if fd then uv.fs_read(fd, 65536, 0, function() uv.fs_close(fd, nothing) end) end
  end)
  uv.getaddrinfo("localhost", nil, {}, nothing)
  local out = uv.new_pipe()
  local handle = uv.spawn("sleep", { args = { "0.05" }, stdio = { nil, out } }, nothing)
  out:read_start(nothing)
  uv.new_timer():start(10, 0, nothing)
  uv.new_timer():start(1, 1, nothing)
  uv.new_fs_event():start(folder, {}, nothing)
  local server = uv.new_tcp()
  server:bind("127.0.0.1", 0)
  server:listen(8, nothing)
  async.run(function() while true do await(async.uv.fs_stat(folder)) await(async.sleep(1)) end end)
  async.run(function() await(async.uv.getaddrinfo("localhost", nil, {})) await(Promise(function() end)) end)
  local first
  first, second = MessageChannelMain.pair()
  first:on("message", nothing)
  first:start()
  app.on("web-contents-created", function(_, contents)
    contents.ipc.on("x", nothing)
    contents:on("destroyed", nothing)
    contents.mainFrame.ipc.handle("y", nothing)
  end)
  ipcMain.on("x", function() await(async.sleep(1)) end)
  ipcMain.handle("metrics", function() return app.metrics() end)
  ipcMain.handle("reload", function() return await(app.reload()) end)
]]

--- Waits until the host has no children: all have ended, and were waited for.
local function wait_for_children(pid)
  local list = ("ps --no-headers -o ppid,pid,stat,wchan,etimes,args --pid %d --ppid %d"):format(pid, pid)
  local seen
  local ok = pcall(support.wait_until, function()
    seen = "\n" .. shell.run(list)
    return not seen:find(("\n%%s*%d%%s"):format(pid))
  end, "children")
  assert(ok, "children that run, or that nobody waited for:" .. seen)
end

describe("200 reloads with everything in flight", function()
  it("leave no handle, no file, no listener, no process and no memory behind", function()
    local host = support.start(BUSY)
    local renderer = host:connect()
    local ipc = renderer.ipcRenderer
    local function round(n)
      for _ = 1, n do
        ipc.send("x")
        local report = await(ipc.invoke("reload"))
        assert(report.ok, report.error)
      end
      local found
      repeat found = await(ipc.invoke("metrics")) until found.generations == 1
      return { metrics = found, files = #process.descriptors(host.pid), memory = process.resident(host.pid) }
    end
    local before, after
    renderer:run(function()
      before = round(60)
      after = round(140)
    end)
    for _, key in ipairs { "generations", "remnants", "ports", "sessions", "webContents", "frames", "outgoingCalls" } do
      assert.equal(before.metrics[key], after.metrics[key], key)
    end
    assert.equal(2, after.metrics.ports)
    assert.is_true(math.abs(after.metrics.handles - before.metrics.handles) <= 3)
    assert.is_true(math.abs(after.metrics.references - before.metrics.references) <= 20)
    assert.is_true(math.abs(after.files - before.files) <= 4, ("%d, %d"):format(before.files, after.files))
    -- A checked build keeps what was freed for a while.
    if not os.getenv("ASAN_OPTIONS") then
      assert.is_true(after.memory - before.memory < 3000, ("%d, %d KiB"):format(before.memory, after.memory))
    end
    wait_for_children(host.pid)
    renderer:close()
    host:stop()
  end)
end)

describe("A process of a script's whose handle is closed while it lives", function()
  it("is waited for", function()
    local host = support.start [[
      local uv = require "luv"
      local function sleeper() return (uv.spawn("sleep", { args = { "0.1" } }, function() end)) end
      sleeper():close()
      uv.close(sleeper())
      local done = sleeper()
      done:close(function() print("closed", pcall(done.close, done)) end)
      print("not done", pcall(done.close, done))
      local still = sleeper()
      print("refused", pcall(still.close, still, "not a function"))
      if hot.generation == 1 then
        last = setmetatable({}, { __gc = function() last = sleeper() print("finalized", last:get_pid()) end })
      end
    ]]
    host:kill("sighup")
    host:wait_log("generation 2 serves")
    host:wait_log("finalized")
    host:wait_log("closed\tfalse")
    assert.matches("not done\tfalse", host.err, 1, true)
    assert.matches("refused\tfalse", host.err, 1, true)
    wait_for_children(host.pid)
    host:stop()
  end)

  it("is nobody's when the host ends", function()
    local folder = support.folder()
    support.write_file(folder .. "/main.lua", [[
      app.quit()
      require("luv").spawn("sleep", { args = { "0.1" } }, function() end)
    ]])
    support.write_file(folder .. "/config.lua",
      [[return { scripts = { "main.lua" }, listen = { "unix:run/app.sock" } }]])
    local host = support.spawn { folder .. "/config.lua" }
    assert.equal(0, host:wait())
    assert.equal("", host.err)
    support.remove_folder(folder)
  end)
end)

describe("A reload for which there are no descriptors", function()
  it("fails, and leaves nothing", function()
    local host = support.start [[
      local open = {}
      assert(os.execute("prlimit --nofile=128:128 --pid $PPID"))
      local function reload()
        local report = await(app.reload())
        print("report", report.ok, report.error)
      end
      app.on("ready", function()
        if hot.generation > 1 then
          repeat async.sleep(1) until app.metrics().generations == 1
          return print "alone"
        end
        repeat local file = io.open("/dev/null") open[#open + 1] = file until not file
        reload()
        for _, file in ipairs(open) do file:close() end
        repeat async.sleep(1) until app.metrics().generations == 1
        reload()
      end)
    ]]
    host:wait_log("too many open files")
    host:wait_log("alone")
    host:stop()
  end)
end)

describe("A request that does not end", function()
  it("is not meant where the end itself takes long", function()
    local host = support.start [[
      keep = setmetatable({}, { __gc = function()
        local until_then = os.clock() + 0.7
        repeat local now = os.clock() until now > until_then
        print "has ended"
      end })
    ]]
    host:stop()
    assert.matches("has ended", host.err, 1, true)
    assert.not_matches("left behind", host.err, 1, true)
  end)

  local script = [[
    local uv = require "luv"
    if hot.generation == 1 then uv.fs_open(app.getAppPath() .. "/fifo", "r", 438, function() print("opened") end) end
    ipcMain.handle("metrics", function() return app.metrics() end)
  ]]

  local function start()
    local host = support.start("return 1")
    assert(os.execute("mkfifo " .. host.folder .. "/fifo"))
    support.write_file(host.folder .. "/main.lua", (script:gsub("hot.generation == 1", "hot.generation == 2")))
    host:kill("sighup")
    host:wait_log("generation 2 serves")
    host:kill("sighup")
    host:wait_log("generation 3 serves")
    host:wait_log("generation 2 is kept")
    return host
  end

  it("keeps its scripts as a remnant, until it does end", function()
    local host = start()
    local renderer = host:connect()
    local ipc = renderer.ipcRenderer
    local found = renderer:run(function() return await(ipc.invoke("metrics")) end)
    assert.equal(1, found.remnants)
    assert.equal(2, found.generations)
    local writer = assert(io.open(host.folder .. "/fifo", "w"))
    renderer:run(function() repeat found = await(ipc.invoke("metrics")) until found.generations == 1 end)
    assert.equal(0, found.remnants)
    assert.is_nil(host.err:find("opened", 1, true))
    writer:close()
    renderer:close()
    host:stop()
  end)

  it("does not keep the host from ending", function()
    local host = start()
    local began = uv.hrtime()
    host:stop()
    assert.is_true((uv.hrtime() - began) / 1e9 < 5)
    assert.matches("do not end: left behind", host.err, 1, true)
  end)

  it("in the scripts that serve does not keep the host from ending either", function()
    local host = support.start("return 1")
    assert(os.execute("mkfifo " .. host.folder .. "/fifo"))
    support.write_file(host.folder .. "/main.lua", (script:gsub("hot.generation == 1", "hot.generation == 2")))
    host:kill("sighup")
    host:wait_log("generation 2 serves")
    host:stop()
    assert.matches("do not end: left behind", host.err, 1, true)
  end)
end)
