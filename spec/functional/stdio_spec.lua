--- `stdio:` as an entry of listen: a host whose standard input and output carry packets.
local core = require "ipchost.core"
local support = require "spec.functional.support"
local uv = require "luv"

local project = uv.cwd()

local SCRIPT = [[
print("printed")
io.stdout:write("written\n")
io.stdout:flush()
ipcMain.handle("echo", function(event, ...) return { ... } end)
ipcMain.handle("size", function(event, text) return #text end)
ipcMain.handle("who", function(event) return { event.sender:getType(), event.sender:getOSProcessId() } end)
ipcMain.handle("slow", function(event) async.sleep(50) return "late" end)
ipcMain.handle("sleep", function(event) async.sleep(1e6) end)
ipcMain.on("ask", function(event) event:reply("answer", ("x"):rep(3000000)) end)
ipcMain.on("sum", function(event, a, b) event.returnValue = a + b end)
app.on("web-contents-created", function(event, contents)
  contents:on("destroyed", function() print("contents destroyed") end)
end)
]]

local NODE = [[
import { connect, ipcRenderer, renderer } from '%s/renderer/index.js'
import { writeSync } from 'node:fs'
console.log('console.log of the child')
process.stdout.write('stdout of the child\n')
const answer = new Promise((resolve) => ipcRenderer.once('answer', (event, text) => resolve(text.length)))
ipcRenderer.send('ask')
const [type, pid] = await ipcRenderer.invoke('who')
const said = [await ipcRenderer.invoke('echo', 1, 'two'), await ipcRenderer.invoke('size', 'y'.repeat(5000000))]
said.push(await answer, type, pid === process.pid)
await connect('stdio:').catch((error) => said.push(error.code))
writeSync(2, `said ${JSON.stringify(said)}\n`)
renderer.close()
]]

local LUA = [[
local renderer = require("ipchost.renderer").connect()
local await = require("async").await
print("print of the child")
io.write("io.write of the child\n")
io.stdout:write("io.stdout of the child\n")
local said = renderer:run(function()
  local ipc = renderer.ipcRenderer
  local size
  ipc.once("answer", function(event, text) size = #text end)
  ipc.send("ask")
  local echo = await(ipc.invoke("echo", 1, "two"))
  local who = await(ipc.invoke("who"))
  return table.concat({ echo[1], echo[2], await(ipc.invoke("size", ("y"):rep(5000000))), size, who[1] }, " ")
end)
local _, again = pcall(require("ipchost.renderer").connect, "stdio:")
io.stderr:write("said ", said, " ", renderer.ipcRenderer.sendSync("sum", 2, 3), "\nagain ", tostring(again), "\n")
renderer:close()
]]

describe("listen = { 'stdio:' }", function()
  local folder, opened

  before_each(function()
    folder, opened = support.folder(), {}
    support.write_file(folder .. "/main.lua", SCRIPT)
  end)
  after_each(function()
    for _, handle in ipairs(opened) do if not handle:is_closing() then handle:close() end end
    uv.run("nowait")
    support.remove_folder(folder)
  end)

  local function config(listen)
    support.write_file(folder .. "/config.lua", ("return { listen = { %s }, scripts = { 'main.lua' } }"):format(listen))
  end

  --- The shell joins a host and a command, by a pipe in one direction and a fifo in the other.
  local function join(command)
    support.write_file(folder .. "/join.sh", ([[
      cd '%s' && mkfifo back
      { '%s' config.lua < back; echo "host ended with $?" >&2; } | IPCHOST_ADDRESS=stdio: %s > back
    ]]):format(folder, support.binary, command))
    local shell = support.spawn({ folder .. "/join.sh" }, { command = "sh" })
    assert.equal(0, shell:wait(), shell.err)
    return shell
  end

  --- A host at pipes of this process.
  local function start(listen)
    config(listen or "'stdio:'")
    local input = uv.new_pipe()
    opened[#opened + 1] = input
    local host = support.spawn({ folder .. "/config.lua" }, { input = input })
    host.input, host.writer, host.reader, host.taken = input, core.writer(), core.reader(), 0
    function host:put(...)
      assert(self.writer:put(...))
      self.input:write(self.writer:take())
    end
    --- Waits for the next packet.
    function host:packet()
      local packet
      support.wait_until(function()
        if self.taken < #self.out then
          self.reader:feed(self.out:sub(self.taken + 1))
          self.taken = #self.out
        end
        if not packet or not packet[1] then packet = table.pack(self.reader:next()) end
        return packet[1] or self.code
      end, "a packet")
      assert.is_not_nil(packet[1], self.err)
      return table.unpack(packet, 1, packet.n)
    end
    host:wait_log("ipchost ready")
    return host
  end

  local function greet(host)
    host:put("hello", 1, 0, core.random(16), core.random(16), 0, 0, 0, { type = "native" })
    assert.equal("welcome", (host:packet()))
  end

  it("serves a Node process of the package, whose prints go to standard error", function()
    config "'stdio:'"
    support.write_file(folder .. "/client.mjs", NODE:format(project))
    local shell = join "node client.mjs"
    assert.matches([==[said [[1,"two"],5000000,3000000,"native",true,"ERR_ADDRESS"]]==] .. "\n", shell.err, 1, true)
    for _, text in ipairs { "console.log of the child", "stdout of the child", "host ended with 0" } do
      assert.matches(text, shell.err, 1, true)
    end
    assert.equal("", shell.out)
  end)

  it("serves a Lua process, whose prints go to standard error", function()
    config "'stdio:'"
    support.write_file(folder .. "/client.lua", LUA)
    local rocks = {}
    for _, rock in ipairs { "ipchost-async", "ipchost-renderer" } do
      rocks[#rocks + 1] = ("%s/rocks/%s/?.lua;%s/rocks/%s/?/init.lua"):format(project, rock, project, rock)
    end
    local shell = join(("env LUA_PATH='%s;;' LUA_CPATH='%s/build/lua/?.so;;' lua5.4 client.lua"):format(
      table.concat(rocks, ";"), project))
    assert.matches("said 1 two 5000000 3000000 native 5\n", shell.err, 1, true)
    local again = "again Error: Cannot connect to stdio:: EALREADY, this process has a renderer there already"
    assert.matches(again, shell.err, 1, true)
    for _, text in ipairs {
      "print of the child", "io.write of the child", "io.stdout of the child", "host ended with 0",
    } do
      assert.matches("\n" .. text, shell.err, 1, true)
    end
  end)

  it("keeps standard output for packets: the ready line and all that scripts print are on standard error", function()
    local host = start()
    assert.matches("\nipchost ready stdio:\n", host.err, 1, true)
    assert.matches("written\n", host.err, 1, true)
    host:wait_log("printed")
    assert.equal("", host.out)
    greet(host)
    host.input:close()
    assert.equal(0, host:wait())
  end)

  it("ends with standard input, once what has arrived is answered", function()
    local host = start()
    greet(host)
    host:put("invoke", 0, 1, 0, "slow")
    host.input:shutdown()
    assert.same({ "reply", 1, 0, "late" }, { host:packet() })
    assert.equal(0, host:wait())
    assert.matches("contents destroyed", host.err, 1, true)
  end)

  it("ends at once when nobody reads the answers any more", function()
    local host = start()
    greet(host)
    host:put("invoke", 0, 1, 0, "sleep")
    host.input:close()
    host.pipes.out:close()
    host.out_ended = true
    assert.equal(0, host:wait())
  end)

  it("ends when the peer says bye, or breaks the protocol", function()
    local host = start()
    greet(host)
    host:put("bye", 1000, "")
    assert.equal(0, host:wait())
    host = start()
    host.input:write("GET / HTTP/1.1\r\n\r\n")
    assert.equal(0, host:wait())
    assert.matches("stdio: closed with", host.err, 1, true)
  end)

  it("says bye when it ends first", function()
    local host = start()
    greet(host)
    host:kill("sigterm")
    assert.same({ "bye", 1001, "the host is closing" }, { host:packet() })
    assert.equal(0, host:wait())
  end)

  it("serves other entries on when standard input has ended", function()
    local host = start("'stdio:', 'unix:run/app.sock'")
    assert.matches("\nipchost ready stdio: unix:", host.err, 1, true)
    greet(host)
    host.input:close()
    host:wait_log("contents destroyed")
    local renderer = require("ipchost.renderer").connect("unix:" .. folder .. "/run/app.sock")
    assert.equal(5, renderer.ipcRenderer.sendSync("sum", 2, 3))
    renderer:close()
    host:kill("sigterm")
    assert.equal(0, host:wait())
  end)

  it("is refused where standard input is no pipe, and a second time", function()
    config "'stdio:'"
    local host = support.spawn({ folder .. "/config.lua" })
    assert.equal(1, host:wait())
    assert.matches("listen[1]: stdio: standard input is neither a pipe nor a socket", host.err, 1, true)
    config "'stdio:', 'unix:a', 'stdio:'"
    host = support.spawn({ folder .. "/config.lua" })
    assert.equal(2, host:wait())
    local why = 'listen[3] = "stdio:": the host has one standard input and output; stdio: may stand once'
    assert.matches(why, host.err, 1, true)
  end)

  it("is not for the host's own scripts", function()
    support.write_file(folder .. "/main.lua", [[
      print(pcall(require("ipchost.renderer").connect, "stdio:"))
    ]])
    local host = start()
    host:wait_log "stdio: is the host's own here"
    host.input:close()
    assert.equal(0, host:wait())
  end)
end)
