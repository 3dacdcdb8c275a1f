-- The command line: what it prints, where, and with which exit code.
local lanes = require "spec.functional.lane"
local shell = require "spec.shell"
local support = require "spec.functional.support"
local uv = require "luv"

describe("the command", function()
  local folder

  before_each(function() folder = support.folder() end)
  after_each(function() support.remove_folder(folder) end)

  local function write(name, text)
    support.write_file(folder .. "/" .. name, text)
    return folder .. "/" .. name
  end

  --- Runs it to its end: exit code, standard output, standard error.
  local function run(args, options)
    local process = support.spawn(args, options)
    local code = process:wait()
    return code, process.out, process.err
  end

  --- Runs it with a config of this source, and that option if it is given.
  local function run_config(source, option)
    local path = write("config.lua", source)
    return run(option and { option, path } or { path })
  end

  local function assert_refused(expected, source)
    local code, out, err = run_config(source)
    assert.equal(2, code, err)
    assert.equal("", out)
    assert.matches(expected, err, 1, true)
  end

  it("prints version and help on standard output", function()
    for _, flag in ipairs { "--version", "-v" } do
      local code, out = run { flag }
      assert.equal(0, code)
      assert.matches("^ipchost %d+%.%d+%.%d+\n$", out)
    end
    local code, out, errors = run { "--help" }
    assert.equal(0, code)
    assert.matches("Usage: ipchost", out)
    assert.equal("", errors)
  end)

  it("refuses a bad command line with the nearest name", function()
    local function refused(expected, ...)
      local code, out, err = run { ... }
      assert.equal(2, code)
      assert.equal("", out)
      assert.matches(expected, err, 1, true)
    end
    refused("--chekc: unknown option; did you mean --check?", "--chekc")
    refused("--log-level wran: expected debug, info, warn, error or off; did you mean warn?", "--log-level", "wran")
    refused("only one config is allowed", "a.lua", "b.lua")
  end)

  it("reads ./config.lua when none is named, and says so when there is none", function()
    local code, _, err = run({}, { cwd = folder })
    assert.equal(2, code)
    assert.matches("config.lua", err, 1, true)
    write("config.lua", "return { listen = { 'unix:a.sock' } }")
    assert.equal(0, (run({ "--check" }, { cwd = folder })))
  end)

  it("checks a config without starting anything", function()
    write("main.lua", "error('must not run')")
    local code, out, err = run_config("return { listen = { 'unix:run/a.sock' }, scripts = { 'main.lua' } }", "--check")
    assert.equal(0, code)
    assert.equal("", out)
    assert.equal("", err)
  end)

  it("names key, value, what is allowed and the nearest name", function()
    assert_refused("lisen: unknown key; did you mean 'listen'?", "return { lisen = {} }")
    assert_refused("listen is missing", "return {}")
    assert_refused("listen[1] = \"unx:a\":", "return { listen = { 'unx:a' } }")
    assert_refused("limits.pakcet: unknown key; did you mean 'packet'?",
      "return { listen = { 'unix:a' }, limits = { pakcet = 1 } }")
    assert_refused("limits.packet = \"64 apples\": expected a size such as \"64MiB\"",
      "return { listen = { 'unix:a' }, limits = { packet = '64 apples' } }")
    assert_refused("limits.drain = -1: allowed is 0ms to", "return { listen = { 'unix:a' }, limits = { drain = -1 } }")
    assert_refused([[log.level = "wran": expected "debug", "info", "warn", "error" or "off"; did you mean "warn"?]],
      "return { listen = { 'unix:a' }, log = { level = 'wran' } }")
    assert_refused("dev = \"yes\": expected true or false", "return { listen = { 'unix:a' }, dev = 'yes' }")
    assert_refused("scripts[1] = \"not/there.lua\":", "return { listen = { 'unix:a' }, scripts = { 'not/there.lua' } }")
    assert_refused("security.uids[1] = \"root\": expected a user id",
      "return { listen = { 'unix:a' }, security = { uids = { 'root' } } }")
  end)

  it("refuses two entries of listen that are one place, and names both", function()
    local refused = {
      { "unix:run/app.sock", "unix:./run/app.sock" },
      { "tcp://127.0.0.1:7000", "tcp://127.0.0.1:7000" },
      { "tcp://localhost:7000", "http://LOCALHOST:7000" },
    }
    for _, entries in ipairs(refused) do
      local first, second = table.unpack(entries)
      local why = 'listen[3] = "%s": listen[1] = "%s" is there already; leave one of them out'
      assert_refused(why:format(second, first),
        ("return { listen = { '%s', 'unix:b', '%s' } }"):format(first, second))
    end
    write("config.lua", [[return { listen = { "tcp://127.0.0.1:0", "tcp://127.0.0.1:0", "http://127.0.0.1:0",
      "tcp://127.0.0.1:7000", "tcp://[::1]:7000", "tcp://127.0.0.1:7001" } }]])
    assert.equal(0, (run({ "--check", "config.lua" }, { cwd = folder })))
  end)

  it("refuses by name what this version has not", function()
    assert_refused("public = \"none\":", "return { listen = { 'http://127.0.0.1:0' }, public = 'none' }")
    for _, limit in ipairs { "handler", "handler_abort", "reply", "memory" } do
      assert_refused(("limits.%s = 1: not limited by this version; leave it out"):format(limit),
        ("return { listen = { 'unix:a' }, limits = { %s = 1 } }"):format(limit))
    end
  end)

  it("shows Lua's own words for a config that does not run", function()
    assert_refused("config.lua:1:", "return { listen = ")
    assert_refused("boom", "error('boom')")
  end)

  it("recognises a script given as config", function()
    local code, _, err = run { write("main.lua", "ipcMain.handle('a', function() end)") }
    assert.equal(2, code)
    assert.matches("looks like a script, not a config", err, 1, true)
  end)

  it("prints one ready line with the addresses in listen order", function()
    local host = support.start("print('from the script')")
    assert.matches("^unix:/%S+/run/app%.sock tcp://127%.0%.0%.1:%d+ http://127%.0%.0%.1:%d+$", host.ready)
    host:wait_log("from the script")
    host:stop()
    assert.equal("ipchost ready " .. host.ready .. "\n", host.out)
  end)

  it("fails with 1 and the position when a script fails at start", function()
    write("main.lua", "local x = 1\nerror('broken at start')")
    local config = "return { listen = { 'unix:a.sock' }, scripts = { 'main.lua' } }"
    local code, out, err = run_config(config)
    assert.equal(1, code)
    assert.equal("", out)
    assert.matches("main.lua:2: broken at start", err, 1, true)
    assert.matches("stack traceback", err, 1, true)
    write("main.lua", "local x = = 1")
    local again, _, errors = run_config(config)
    assert.equal(1, again)
    assert.matches("main.lua:1:", errors, 1, true)
  end)

  it("runs and ends well, its processes too, where standard descriptors are closed", function()
    write("main.lua", [[
      local heard = {}
      local command = "echo out; read x; echo $x >&2"
      local child = app.spawn{ name = "x", command = "sh", args = { "-c", command }, stdio = "pipe" }
      child:on("stdout", function(_, text) heard[#heard + 1] = text child:write("in\n") end)
      child:on("stderr", function(_, text) heard[#heard + 1] = text end)
      child:on("exit", function(_, code)
        local file <close> = io.open(app.getAppPath() .. "/heard", "w")
        file:write(table.concat(heard), code)
        app.quit()
      end)
    ]])
    local config = write("config.lua", [[return { listen = { "unix:app.sock" }, scripts = { "main.lua" } }]])
    for _, closed in ipairs { "<&-", ">&-", "2>&-", "<&- >&-", "<&- >&- 2>&-" } do
      local command = ('exec "$0" "$1" %s'):format(closed)
      local code, _, err = run({ "-c", command, support.binary, config }, { command = "sh" })
      assert.equal(0, code, closed .. err)
      assert.equal("out\nin\n0", shell.read(folder .. "/heard"))
      os.remove(folder .. "/heard")
    end
  end)

  it("names the listen entry of a taken port, and of a living socket", function()
    local host = support.start("")
    local port = host.address.tcp:match(":(%d+)$")
    local function refused(entry, what, source, ...)
      local code, _, err = run_config(source:format(...))
      assert.equal(1, code)
      assert.matches(entry, err, 1, true)
      assert.matches(what, err, 1, true)
    end
    refused("listen[2]: ", port, "return { listen = { 'unix:b.sock', 'tcp://127.0.0.1:%s' } }", port)
    refused("listen[1]: ", "app.sock", "return { listen = { '%s' } }", host.address.unix)
    host:stop()
  end)

  it("replaces a stale socket, and removes its own at the end", function()
    local host = support.start("")
    host:kill("sigkill")
    host:wait()
    local socket = host.address.unix:match("^unix:(.*)")
    assert.truthy(io.popen("ls " .. socket):read("a"):find("app.sock"))
    local again = support.spawn { host.folder .. "/config.lua" }
    support.wait_until(function() return again.out:find("\n") or again.code end, "the ready line")
    again:kill("sigterm")
    assert.equal(0, again:wait())
    assert.is_nil(io.open(socket))
    support.remove_folder(host.folder)
  end)

  it("ends with 0 after SIGTERM and SIGINT, having answered what is in flight", function()
    for _, signal in ipairs { "sigterm", "sigint" } do
      local host = support.start([[
        local go = async.event()
        ipcMain.on("go", function() go:set() end)
        ipcMain.handle("slow", function() print("started") go:wait() return "done" end)
      ]])
      local renderer = host:connect("unix")
      local answer, refused
      renderer.ipcRenderer.invoke("slow"):next(function(value) answer = value end)
      host:wait_log("started")
      host:kill(signal)
      host:wait_log("closing")
      renderer.ipcRenderer.invoke("slow"):catch(function(err)
        refused = err.code
        renderer.ipcRenderer.send("go")
      end)
      support.wait_until(function() return answer and refused end, "the answers")
      assert.equal("done", answer)
      assert.equal("ERR_CLOSING", refused)
      renderer:close()
      assert.equal(0, host:wait())
      host:stop()
    end
  end)

  it("ends at once after a second signal", function()
    local host = support.start([[
      ipcMain.handle("hang", function() print("started") async.sleep(60000) end)
    ]])
    local renderer = host:connect("unix")
    renderer.ipcRenderer.invoke("hang"):catch(function() end)
    host:wait_log("started")
    host:kill("sigterm")
    host:wait_log("closing")
    host:kill("sigterm")
    host:wait()
    assert.equal(143, host.code)
    renderer:close()
    support.remove_folder(host.folder)
  end)

  it("gives up on what is in flight after limits.drain", function()
    local host = support.start([[
      ipcMain.handle("hang", function() print("started") async.sleep(60000) end)
    ]], { config = "limits = { drain = '50ms' }," })
    local renderer = host:connect("unix")
    local code
    renderer.ipcRenderer.invoke("hang"):catch(function(err) code = err.code end)
    host:wait_log("started")
    host:kill("sigterm")
    assert.equal(0, host:wait())
    host:wait_log("limits.drain exceeded")
    support.wait_until(function() return code end, "the rejection")
    assert.equal("ERR_CLOSED", code)
    renderer:close()
    host:stop()
  end)

  --- Takes all that comes, a part each few ms, until the connection ends.
  local function read_slowly(socket)
    local parts, timer, read = {}, uv.new_timer(), nil
    function read()
      socket.stream:read_start(function(_, chunk)
        if not chunk then socket.ended = true return end
        parts[#parts + 1] = chunk
        socket.stream:read_stop()
        timer:start(5, 0, read)
      end)
    end
    read()
    support.wait_until(function() return socket.ended end, "the end of the connection")
    timer:close()
    socket.bytes = table.concat(parts)
  end

  it("waits for an answer to be read, up to limits.drain", function()
    for _, transport in ipairs(support.transports) do
      local host = support.start([[
        ipcMain.handle("long", function() print("answered") return ("x"):rep(24000000) end)
      ]], { config = "limits = { drain = '25s' }," })
      local lane = lanes.connect(host, transport):hello(lanes.session(), 0):flush()
      lane:packet("welcome")
      lane.socket.stream:read_stop()
      lane:put("invoke", 0, 1, 0, "long"):flush()
      host:wait_log("answered")
      host:kill("sigterm")
      read_slowly(lane.socket)
      assert.equal(24000000, #lane:reply(1))
      assert.equal(1001, lane:packet("bye")[2])
      lane:close()
      assert.equal(0, host:wait())
      assert.is_nil(host.err:find("limits.drain", 1, true))
      host:stop()
    end
  end)

  it("says that an answer was not read in limits.drain", function()
    local host = support.start([[
      ipcMain.handle("long", function() print("answered") return ("x"):rep(24000000) end)
    ]], { config = "limits = { drain = '50ms' }," })
    local lane = lanes.connect(host, "unix"):hello(lanes.session(), 0):flush()
    lane:packet("welcome")
    lane.socket.stream:read_stop()
    lane:put("invoke", 0, 1, 0, "long"):flush()
    host:wait_log("answered")
    host:kill("sigterm")
    assert.equal(0, host:wait())
    host:wait_log("limits.drain exceeded: not all was read that clients were sent")
    lane:close()
    host:stop()
  end)

  it("refuses scripts what would stop the host, and says what to use", function()
    local host = support.start([[
      local uv = require "luv"
      local function text(fn, ...) return select(2, pcall(fn, ...)) end
      print("1 " .. text(os.exit))
      print("2 " .. text(io.read))
      print("3 " .. text(debug.sethook))
      for i, name in ipairs { "run", "stop", "walk", "loop_close" } do print(3 + i .. " " .. text(uv[name])) end
      print("8 " .. tostring(select(2, load("\27Lua"))))
      print("9 " .. text(function() io.stdin:read("l") end))
      print("10 " .. text(function() io.input():lines() end))
    ]])
    host:wait_log("10 ")
    for _, text in ipairs { "app.quit()", "io.read is refused", "debug.sethook is refused",
      "luv.run is refused", "luv.stop is refused", "luv.walk is refused", "luv.loop_close is refused",
      "attempt to load a binary chunk", "io.stdin:read is refused", "io.stdin:lines is refused" } do
      assert.matches(text, host.err, 1, true)
    end
    host:stop()
  end)

  it("lives on after an error in a callback of luv, and logs its traceback", function()
    local host = support.start([[
      local uv = require "luv"
      local timer = uv.new_timer()
      timer:start(0, 0, function() timer:close() error("in a timer") end)
      ipcMain.handle("alive", function() return true end)
    ]])
    host:wait_log("in a timer")
    host:wait_log("stack traceback")
    local renderer = host:connect("unix")
    assert.is_true(renderer:run(function() return require("async").await(renderer.ipcRenderer.invoke("alive")) end))
    renderer:close()
    host:stop()
  end)

  it("logs as JSON", function()
    local host = support.start([[print("a \"quoted\" text")]], { config = "log = { format = 'json' }," })
    host:wait_log([["text":"a \"quoted\" text"]])
    host:stop()
    local line = host.err:match("[^\n]*quoted[^\n]*")
    local entry = require("cjson").decode(line)
    assert.equal("info", entry.level)
    assert.equal("script", entry.where)
  end)
end)
