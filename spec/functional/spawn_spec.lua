--- app.spawn: processes that the host starts and owns.
local process = require "spec.functional.process"
local support = require "spec.functional.support"
local uv = require "luv"

local project = uv.cwd()

-- The specs ask for what happened to a child so far, in order; "news" says that there is more.
local SCRIPT = [[
local children, events = {}, {}
local function watch(name, child)
  children[name], events[name] = child, {}
  local seen = events[name]
  local function note(...)
    seen[#seen + 1] = { ... }
    webContents.broadcast("news")
  end
  child:on("stdout", function(event, text) note("stdout", text) end)
  if name ~= "unheard" then child:on("stderr", function(event, text) note("stderr", text) end) end
  child:on("exit", function(event, code, signal) note("exit", code or false, signal or false) end)
end
app.on("web-contents-created", function(event, contents)
  local pid = contents:getOSProcessId()
  local function note(...)
    for name, child in pairs(children) do if child.pid == pid then table.insert(events[name], { ... }) end end
  end
  contents:on("render-process-gone", function(event, details) note("gone", details.reason, details.exitCode) end)
  contents:on("destroyed", function() note("destroyed") end)
end)
ipcMain.handle("spawn", function(event, options)
  local child, message, code = app.spawn(options)
  if not child then return { message = message, code = code } end
  if children[options.name] ~= child then watch(options.name, child) end
  return { pid = child.pid }
end)
ipcMain.handle("restart", function(event, options)
  events.before = events[options.name]
  children[options.name]:kill()
  local child = app.spawn(options)
  if children[options.name] ~= child then watch(options.name, child) end
  return { pid = child.pid }
end)
ipcMain.handle("spawn and wait", function(event, options)
  local child = app.spawn(options)
  watch(options.name, child)
  repeat
    local file = assert(io.open(("/proc/%d/stat"):format(child.pid)))
    local stat = file:read("a")
    file:close()
  until stat:find("%) Z ")
  return { pid = child.pid }
end)
ipcMain.handle("refusal", function(event, options)
  local ok, why = pcall(app.spawn, options)
  return why
end)
ipcMain.handle("events", function(event, name) return ipc.Array(events[name]) end)
ipcMain.handle("write", function(event, name, text) return { children[name]:write(text) } end)
ipcMain.handle("kill", function(event, name, signal) return children[name]:kill(signal) end)
ipcMain.handle("raises", function(event, name, method, ...)
  local _, why = pcall(children[name][method], children[name], ...)
  return why
end)
ipcMain.handle("dot", function(event, name)
  local _, write = pcall(children[name].write, "a")
  local _, field = pcall(function() return children[name].pdi end)
  return { write, field }
end)
ipcMain.handle("contents", function(event, name)
  local contents = children[name].contents
  return contents and { contents.id, contents:isDestroyed(), not contents:isDestroyed() and contents:getType() }
end)
ipcMain.handle("who", function(event) return { event.sender:getType(), event.sender:getOSProcessId() } end)
ipcMain.on("said", function(event, ...) webContents.broadcast("said", ...) end)
ipcMain.handle("tell", function(event, name, ...) return children[name].contents:send("told", ...) end)
ipcMain.handle("ask", function(event, name)
  local _, why = pcall(await, children[name].contents:invoke("never"))
  return why.code
end)
ipcMain.handle("wait", function() async.sleep(1e6) end)
ipcMain.handle("kept", function() return app.metrics().references end)
ipcMain.handle("open", function() kept = assert(io.open("/dev/null")) end)
]]

local NODE = ([[
import { ipcRenderer } from '%s/renderer/index.js'
console.log('log of node')
ipcRenderer.on('told', (event, text) => {
  if (text === 'exit 0') process.exit(0)
  if (text === 'exit 3') process.exit(3)
  if (text === 'abort') process.abort()
  ipcRenderer.send('said', text.toUpperCase())
})
ipcRenderer.send('said', ...await ipcRenderer.invoke('who'), process.pid, process.env.IPCHOST_ADDRESS)
]]):format(project)

local LUA = [[
local renderer = require("ipchost.renderer").connect()
local await = require("async").await
print("print of lua")
renderer:run(function()
  local ipc, told = renderer.ipcRenderer, require("async.promise").withResolvers()
  ipc.send("said", await(ipc.invoke("who"))[1])
  if os.getenv("MODE") == "bye" then return end
  await(ipc.invoke("wait"))
end)
renderer:close()
if os.getenv("MODE") == "bye" then os.exit(4) end
]]

-- Only says hello, and how: it does not stay to hear the answer.
local HELLO = [[
local core = require "ipchost.core"
local packets = core.writer()
assert(packets:put("hello", 1, 0, core.random(16), core.random(16), 0, 0, 0, { name = "x" }))
if os.getenv("MODE") == "bye" then assert(packets:put("bye", 1000, "")) end
io.write(packets:take())
io.flush()
os.exit(0)
]]

local function lua_env()
  local rocks = {}
  for _, rock in ipairs { "ipchost-async", "ipchost-renderer" } do
    rocks[#rocks + 1] = ("%s/rocks/%s/?.lua;%s/rocks/%s/?/init.lua"):format(project, rock, project, rock)
  end
  return { LUA_PATH = table.concat(rocks, ";") .. ";;", LUA_CPATH = project .. "/build/lua/?.so;;" }
end

local function is_running(pid) return uv.kill(pid, 0) == 0 end

--- Processes whose parent it is.
local function children_of(pid) return (process.read(pid, ("task/%d/children"):format(pid)) or ""):gsub(" $", "") end

describe("app.spawn", function()
  local host, renderer, ipc, await, news

  local function start(config)
    host = support.start(SCRIPT, { config = config, files = { ["node.mjs"] = NODE, ["child.lua"] = LUA,
      ["hello.lua"] = HELLO } })
    renderer = host:connect()
    ipc, await, news = renderer.ipcRenderer, require("async").await, 0
    ipc.on("news", function() news = news + 1 end)
  end

  before_each(function() start() end)
  after_each(function()
    renderer:close()
    host:stop()
  end)

  local function invoke(...)
    local args = table.pack(...)
    return renderer:run(function() return await(ipc.invoke(table.unpack(args, 1, args.n))) end)
  end

  --- Waits until check(events) of that child.
  local function wait_events(name, check)
    while true do
      local before, events = news, invoke("events", name)
      if check(events) then return events end
      support.wait_until(function() return news ~= before end, "what the child does")
    end
  end

  local function has_ended(events) return #events > 0 and events[#events][1] == "exit" end

  --- All that the child wrote there.
  local function text_of(events, stream)
    local parts = {}
    for _, event in ipairs(events) do if event[1] == stream then parts[#parts + 1] = event[2] end end
    return table.concat(parts)
  end

  local function message(channel)
    local got
    ipc.once(channel, function(_, ...) got = { ... } end)
    return function()
      support.wait_until(function() return got end, "a message on " .. channel)
      return got
    end
  end

  local function spawn(options)
    local child = invoke("spawn", options)
    assert.is_nil(child.message)
    return child
  end

  --- Starts one and waits until its contents is there.
  local function spawn_node(name)
    local said = message "said"
    local child = spawn { name = name, command = "node", args = { "node.mjs" } }
    child.said = said()
    return child
  end

  local function spawn_lua(name)
    local said = message "said"
    local child = spawn { name = name, command = "lua5.4", args = { "child.lua" }, env = lua_env() }
    said()
    return child
  end

  describe("with packets", function()
    it("gives a Node process its host, and the script its contents", function()
      local child = spawn_node "worker"
      assert.same({ "child", child.pid, child.pid, "stdio:" }, child.said)
      local contents = invoke("contents", "worker")
      assert.equal("child", contents[3])
      local said = message "said"
      assert.is_true(invoke("tell", "worker", "milk"))
      assert.same({ "MILK" }, said())
      assert.equal("log of node\n", text_of(invoke("events", "worker"), "stderr"))
    end)

    it("gives a Lua process its host; one that says goodbye is not gone but destroyed", function()
      local env, said = lua_env(), message "said"
      env.MODE = "bye"
      spawn { name = "lua", command = "lua5.4", args = { "child.lua" }, env = env }
      assert.same({ "child" }, said())
      local events = wait_events("lua", has_ended)
      assert.equal("print of lua\n", text_of(events, "stderr"))
      assert.same({ "destroyed" }, events[#events - 1])
      assert.same({ "exit", 4, false }, events[#events])
      for _, event in ipairs(events) do assert.not_equal("gone", event[1]) end
    end)

    it("tells how it has ended before its contents is destroyed, and that before the process's end", function()
      local cases = {
        { say = "exit 0", { "gone", "clean-exit", 0 }, { "exit", 0, false } },
        { say = "exit 3", { "gone", "abnormal-exit", 3 }, { "exit", 3, false } },
        { say = "abort", { "gone", "crashed", 134 }, { "exit", false, "SIGABRT" } },
        { kill = "SIGKILL", { "gone", "killed", 137 }, { "exit", false, "SIGKILL" } },
        { kill = "segv", { "gone", "crashed", 139 }, { "exit", false, "SIGSEGV" } },
        { { "gone", "killed", 143 }, { "exit", false, "SIGTERM" } },
      }
      for i, case in ipairs(cases) do
        local name = "case" .. i
        if case.say then
          spawn_node(name)
          invoke("tell", name, case.say)
        else
          spawn_lua(name)
          assert.is_true(invoke("kill", name, case.kill))
        end
        local events = wait_events(name, has_ended)
        local tail = table.move(events, #events - 2, #events, 1, {})
        assert.same({ case[1], { "destroyed" }, case[2] }, tail)
        assert.is_true(invoke("contents", name)[2])
      end
    end)

    it("tells of a goodbye before the end, though both come while the host has no time", function()
      local env = lua_env()
      env.MODE = "bye"
      invoke("spawn and wait", { name = "brief", command = "lua5.4", args = { "hello.lua" }, env = env })
      assert.same({ { "destroyed" }, { "exit", 0, false } }, wait_events("brief", has_ended))
      assert.is_true(invoke("contents", "brief")[2])
    end)

    it("has no contents any more once the child has closed its ends, though it lives on", function()
      spawn { name = "mute", command = "sh", env = lua_env(),
        args = { "-c", "lua5.4 hello.lua; until [ -e asked ]; do sleep 0.01; done; exec sleep 1000 <&- >&-" } }
      support.wait_until(function() return invoke("contents", "mute") end, "its hello")
      local code
      ipc.invoke("ask", "mute"):next(function(got) code = got end, function() end)
      support.write_file(host.folder .. "/asked", "")
      support.wait_until(function() return code end, "an answer")
      assert.equal("ERR_CLOSED", code)
      wait_events("mute", function(events) return #events > 0 and events[#events][1] == "destroyed" end)
      assert.is_true(invoke("contents", "mute")[2])
      assert.is_true(invoke("kill", "mute"))
      local events = wait_events("mute", has_ended)
      assert.same({ { "destroyed" }, { "exit", false, "SIGTERM" } }, { events[#events - 1], events[#events] })
    end)

    it("may take longer to say hello than limits.handshake gives strangers", function()
      renderer:close()
      host:stop()
      start "limits = { handshake = '50ms' },"
      spawn { name = "slow", command = "sh", env = lua_env(),
        args = { "-c", "until [ -e go ]; do sleep 0.01; done; exec lua5.4 child.lua" } }
      -- A stranger that came later is not waited for any longer.
      local stranger, refused = uv.new_pipe(), false
      stranger:connect(host.address.unix:sub(#"unix:" + 1), function(failed)
        assert(not failed, failed)
        stranger:read_start(function(_, chunk) if not chunk then refused = true end end)
      end)
      support.wait_until(function() return refused end, "the stranger's end")
      stranger:close()
      local said = message "said"
      support.write_file(host.folder .. "/go", "")
      assert.same({ "child" }, said())
      assert.is_true(invoke("kill", "slow")) -- it waits for an answer, and so would the host
      wait_events("slow", has_ended)
    end)

    it("refuses to write between the packets", function()
      spawn_lua "worker"
      assert.matches("standard input carries packets", invoke("raises", "worker", "write", "text"), 1, true)
    end)

    it("logs what nobody hears on standard error", function()
      spawn { name = "unheard", command = "sh", args = { "-c", "echo first >&2; echo second >&2" } }
      host:wait_log("child: unheard: first\n")
      host:wait_log("child: unheard: second\n")
      assert.is_nil(invoke("contents", "unheard"))
    end)
  end)

  describe("with pipes", function()
    it("carries what is written and what comes out, to the last byte", function()
      spawn { name = "cat", command = "cat", stdio = "pipe" }
      assert.same({ true }, invoke("write", "cat", "one\0two"))
      wait_events("cat", function(events) return text_of(events, "stdout") == "one\0two" end)
      local large = ("x"):rep(3000000)
      assert.same({ false, "mark" }, invoke("write", "cat", large))
      assert.same({ true }, invoke("write", "cat", nil))
      local events = wait_events("cat", has_ended)
      assert.equal("one\0two" .. large, text_of(events, "stdout"))
      assert.same({ "exit", 0, false }, events[#events])
      assert.same({ false, "destroyed" }, invoke("write", "cat", "more"))
      assert.is_false(invoke("kill", "cat"))
    end)

    it("keeps output and errors apart, and has the host's address", function()
      spawn { name = "sh", command = "sh", stdio = "pipe",
        args = { "-c", 'echo "$IPCHOST_ADDRESS $GIVEN ${HOME-no home}"; echo wrong >&2; exit 7' },
        env = { GIVEN = "given", HOME = false } }
      local events = wait_events("sh", has_ended)
      assert.equal(host.address.unix .. " given no home\n", text_of(events, "stdout"))
      assert.equal("wrong\n", text_of(events, "stderr"))
      assert.same({ "exit", 7, false }, events[#events])
      assert.is_nil(invoke("contents", "sh"))
    end)

    it("survives a child that does not read", function()
      spawn { name = "deaf", command = "sh", args = { "-c", "exec <&-; echo closed; exec sleep 1000" }, stdio = "pipe" }
      wait_events("deaf", function(events) return text_of(events, "stdout") == "closed\n" end)
      invoke("write", "deaf", "lost")
      local answer
      repeat answer = invoke("write", "deaf", "lost") until answer[2] == "destroyed"
      assert.is_true(invoke("kill", "deaf", 9))
      assert.same({ "exit", false, "SIGKILL" }, wait_events("deaf", has_ended)[2])
    end)

    it("takes no more than limits.outbound_max for a child that does not read", function()
      renderer:close()
      host:stop()
      start "limits = { outbound = '256KiB', outbound_max = '1MiB' },"
      spawn { name = "late", command = "sh", stdio = "pipe",
        args = { "-c", "until [ -e go ]; do sleep 0.01; done; exec cat" } }
      local large = ("x"):rep(900 * 1024)
      assert.same({ false, "mark" }, invoke("write", "late", large))
      assert.same({ false, "limit" }, invoke("write", "late", large))
      host:wait_log "child: late: limits.outbound_max (1048576 bytes) exceeded: it reads too slowly"
      support.write_file(host.folder .. "/go", "")
      wait_events("late", function(events) return text_of(events, "stdout") == large end)
      assert.same({ true }, invoke("write", "late", "more"))
      wait_events("late", function(events) return text_of(events, "stdout") == large .. "more" end)
    end)

    it("ends with the process, whatever that leaves running", function()
      spawn { name = "parent", command = "sh", args = { "-c", "sleep 1000 & echo $!" }, stdio = "pipe" }
      local events = wait_events("parent", has_ended)
      local left = math.tointeger(text_of(events, "stdout"))
      assert.is_true(is_running(left))
      uv.kill(left, "sigkill")
    end)
  end)

  it("starts in the config's folder, or below it", function()
    uv.fs_mkdir(host.folder .. "/sub", tonumber("755", 8))
    spawn { name = "a", command = "pwd", stdio = "pipe" }
    spawn { name = "b", command = "pwd", stdio = "pipe", cwd = "sub" }
    spawn { name = "c", command = "pwd", stdio = "pipe", cwd = "/" }
    local folder = uv.fs_realpath(host.folder)
    for name, expected in pairs { a = folder, b = folder .. "/sub", c = "/" } do
      assert.equal(expected .. "\n", text_of(wait_events(name, has_ended), "stdout"))
    end
  end)

  it("gives the living one of that name and those options, and starts others anew", function()
    local options = { name = "sleeper", command = "sleep", args = { 1000 }, env = { A = "1" } }
    local first = spawn(options)
    assert.equal(first.pid, spawn(options).pid)
    options.env.A = "2"
    local second = spawn(options)
    assert.not_equal(first.pid, second.pid)
    support.wait_until(function() return not is_running(first.pid) end, "the first to end")
    assert.equal(second.pid, spawn(options).pid)
    invoke("kill", "sleeper")
    wait_events("sleeper", has_ended)
    assert.not_equal(second.pid, spawn(options).pid)
  end)

  it("starts anew what was killed, though it has not ended yet", function()
    local options = { name = "cat", command = "cat", stdio = "pipe" }
    local first = spawn(options)
    local second = invoke("restart", options)
    assert.not_equal(first.pid, second.pid)
    assert.same({ "exit", false, "SIGTERM" }, wait_events("before", has_ended)[1])
    assert.equal(second.pid, spawn(options).pid)
    assert.same({ true }, invoke("write", "cat", "milk"))
    wait_events("cat", function(events) return text_of(events, "stdout") == "milk" end)
  end)

  it("lets the other signals be the child's", function()
    local options = { name = "hup", command = "sh", stdio = "pipe",
      args = { "-c", "trap 'echo told' HUP; echo ready; until read line; do :; done" } }
    local pid = spawn(options).pid
    wait_events("hup", function(events) return text_of(events, "stdout") == "ready\n" end)
    assert.is_true(invoke("kill", "hup", "SIGHUP"))
    wait_events("hup", function(events) return text_of(events, "stdout") == "ready\ntold\n" end)
    assert.equal(pid, spawn(options).pid)
  end)

  it("ends for good what was told to end and is asked for again", function()
    renderer:close()
    host:stop()
    start "limits = { drain = '100ms' },"
    local options = { name = "stubborn", command = "sh", stdio = "pipe",
      args = { "-c", "trap 'echo told' TERM; echo ready; until read line; do :; done" } }
    local first = spawn(options)
    wait_events("stubborn", function(events) return text_of(events, "stdout") == "ready\n" end)
    assert.not_equal(first.pid, invoke("restart", options).pid)
    local events = wait_events("before", has_ended)
    assert.equal("ready\ntold\n", text_of(events, "stdout"))
    assert.same({ "exit", false, "SIGKILL" }, events[#events])
  end)

  it("answers nil, a message and a code where there is no such command or folder", function()
    local answer = invoke("spawn", { name = "x", command = "no-such-command" })
    local why = 'app.spawn: command = "no-such-command": No such file or directory'
    assert.same({ message = why, code = "ENOENT" }, answer)
    answer = invoke("spawn", { name = "x", command = "./main.lua" })
    assert.equal("EACCES", answer.code)
    answer = invoke("spawn", { name = "x", command = "true", cwd = "nowhere" })
    assert.matches('app.spawn: cwd = "' .. host.folder .. '/nowhere": No such file', answer.message, 1, true)
  end)

  it("refuses bad options with key, value and what is allowed, where it is called", function()
    local function refused(text, options)
      assert.matches(text, invoke("refusal", options), 1, true)
    end
    refused("app.spawn: expected a table with name and command, not nil")
    refused("app.spawn: name = nil: expected a string that is not empty", { command = "true" })
    refused('app.spawn: command = "": expected a string that is not empty', { name = "x", command = "" })
    refused("app.spawn: unknown key \"comand\": expected name, command, args, env, cwd, stdio; did you mean 'command'?",
      { name = "x", comand = "true" })
    refused([[app.spawn: stdio = "pip": expected "ipc" or "pipe"; did you mean 'pipe'?]],
      { name = "x", command = "true", stdio = "pip" })
    refused('app.spawn: args = "a": expected a list of strings', { name = "x", command = "true", args = "a" })
    refused("app.spawn: args[2] = true: expected a string", { name = "x", command = "true", args = { "a", true } })
    refused("app.spawn: env = \"a\": expected a table", { name = "x", command = "true", env = "a" })
    refused("app.spawn: env.A = true: expected a string, or false",
      { name = "x", command = "true", env = { A = true } })
    refused('app.spawn: env = "A=B": expected the name of a variable',
      { name = "x", command = "true", env = { ["A=B"] = "c" } })
    refused("app.spawn: cwd = 1: expected a string", { name = "x", command = "true", cwd = 1 })
    spawn { name = "cat", command = "cat", stdio = "pipe" }
    assert.matches('signal = SIGFOO: expected a name such as "SIGTERM", or a number of 1 to 31',
      invoke("raises", "cat", "kill", "SIGFOO"), 1, true)
    local dot = invoke("dot", "cat")
    assert.matches("child.write was called with '.'; write child:write(bytes)", dot[1], 1, true)
    assert.matches("child has no field 'pdi'; did you mean 'pid'?", dot[2], 1, true)
  end)

  it("lets no descriptor and no ignored signal through", function()
    invoke "open"
    spawn { name = "ls", command = "sh", stdio = "pipe",
      args = { "-c", "ls /proc/$$/fd; grep SigIgn /proc/$$/status" } }
    local text = text_of(wait_events("ls", has_ended), "stdout")
    assert.equal("0\n1\n2\n", text:match("^[%d\n]+"))
    local ignored = tonumber(text:match("SigIgn:%s*(%x+)"), 16)
    assert.equal(0, ignored & 1 << 12) -- SIGPIPE
  end)

  it("leaves nothing behind: no descriptor, no object, no process, after a hundred", function()
    local function round(prefix, stdio, count)
      for i = 1, count do
        invoke("spawn", { name = prefix .. i, command = "sh", stdio = stdio,
          args = { "-c", "echo out; echo err >&2" } })
      end
      for i = 1, count do wait_events(prefix .. i, has_ended) end
    end
    round("warm", "pipe", 3)
    round("warmipc", "ipc", 3)
    local before, references = #process.descriptors(host.pid), invoke "kept"
    round("pipe", "pipe", 50)
    round("ipc", "ipc", 50)
    assert.equal(before, #process.descriptors(host.pid))
    assert.equal(references, invoke "kept")
    assert.equal("", children_of(host.pid))
  end)

  describe("when the host ends", function()
    local function survivors(pids)
      local function any()
        for _, pid in ipairs(pids) do
          -- One that nobody has waited for yet is dead all the same.
          local stat = process.read(pid, "stat")
          if stat and not stat:find("%) Z ") then return true end
        end
      end
      local timer = uv.new_timer()
      timer:start(0, 5, function() end)
      support.wait_until(function() return not any() end, "the children to end")
      timer:close()
    end

    it("ends them by SIGTERM", function()
      renderer:close()
      host:stop()
      -- One of them waits for an answer that does not come: the host closes when that time is over.
      start "limits = { drain = '1s' },"
      local pids = { spawn_lua("worker").pid, spawn({ name = "cat", command = "cat", stdio = "pipe" }).pid }
      host:kill "sigterm"
      assert.equal(0, host:wait())
      for _, pid in ipairs(pids) do assert.is_false(is_running(pid)) end
    end)

    it("reads what they have to say until they have ended", function()
      local talks = "trap 'head -c 1000000 /dev/zero && echo > said; exit' TERM; "
      spawn { name = "talker", command = "sh", stdio = "pipe",
        args = { "-c", talks .. "echo ready; until read line; do :; done" } }
      wait_events("talker", function(events) return text_of(events, "stdout") == "ready\n" end)
      host:kill "sigterm"
      assert.equal(0, host:wait())
      assert.is_table(uv.fs_stat(host.folder .. "/said"))
    end)

    it("kills those that do not end within limits.drain", function()
      renderer:close()
      host:stop()
      start "limits = { drain = '100ms' },"
      local pid = spawn({ name = "stubborn", command = "sh", stdio = "pipe",
        args = { "-c", "trap '' TERM; echo ready; exec sleep 1000" } }).pid
      wait_events("stubborn", function(events) return text_of(events, "stdout") == "ready\n" end)
      host:kill "sigterm"
      assert.equal(0, host:wait())
      assert.is_false(is_running(pid))
    end)

    it("leaves none though it is killed itself", function()
      local pids = { spawn({ name = "sleep", command = "sleep", args = { "1000" } }).pid, spawn_lua("worker").pid }
      host:kill "sigkill"
      host:wait()
      survivors(pids)
      host.code, host.signal = 0, 0
    end)

    it("leaves none where a script fails at start", function()
      local folder = support.folder()
      support.write_file(folder .. "/main.lua", [[
        print("pid " .. app.spawn { name = "a", command = "sleep", args = { "1000" } }.pid)
        error("boom")
      ]])
      support.write_file(folder .. "/config.lua", "return { listen = { 'unix:a.sock' }, scripts = { 'main.lua' } }")
      local failed = support.spawn { folder .. "/config.lua" }
      assert.equal(1, failed:wait())
      assert.is_false(is_running(math.tointeger(failed.err:match("pid (%d+)"))))
      support.remove_folder(folder)
    end)
  end)
end)
