-- WebSocket at /ipchost: packets in messages, RFC 6455 and its codes, and who may connect. The client is a bare socket.
local core = require "ipchost.core"
local raw = require "spec.functional.raw"
local support = require "spec.functional.support"
local uv = require "luv"

local STRANGER = 65533

local SCRIPT = [[
  ipcMain.handle("echo", function(_, ...) return ... end)
  ipcMain.handle("url", function(event) return event.senderFrame.url end)
  ipcMain.handle("who", function(event) return event.sender:getType() .. " " .. event.senderFrame.origin end)
]]

--- A session over a bare WebSocket.
local Bare = {}
Bare.__index = Bare

local function hello(port, headers, details)
  local self = setmetatable({ socket = raw.websocket(port, headers), writer = core.writer(), calls = 0 }, Bare)
  self:put("hello", 1, 0, core.random(16), core.random(16), 0, 0, 0, details or {})
  return self
end

--- Sends a packet as one message.
function Bare:put(...)
  assert(self.writer:put(...))
  self.socket:write(raw.frame(0x82, self.writer:take():sub(5)))
end

--- Takes messages up to a packet of the kind.
function Bare:packet(kind)
  local reader = core.reader()
  while true do
    local first, block = self.socket:frame()
    assert.equal(0x82, first)
    reader:feed(string.pack("<I4", #block) .. block)
    local packet = table.pack(reader:next())
    while packet[1] do
      if packet[1] == kind then return packet end
      packet = table.pack(reader:next())
    end
  end
end

function Bare:invoke(...)
  self.calls = self.calls + 1
  self:put("invoke", 0, self.calls, 0, ...)
  local reply = self:packet("reply")
  assert.same({ self.calls, 0 }, { reply[2], reply[3] })
  return reply[4]
end

describe("a WebSocket", function()
  local host, port

  local function start(config)
    host = support.start(SCRIPT, { config = config })
    port = host.http_port
  end

  after_each(function() host:stop() end)

  it("takes no URL of another origin from a page", function()
    start()
    local own = "http://127.0.0.1:" .. port
    local page_url = own .. "/a?b#c"
    local claims = { ["http://bank.example/"] = own, [page_url] = page_url, [own .. "0/"] = own, [own] = own }
    for claimed, taken in pairs(claims) do
      local page = hello(port, { Origin = own }, { url = claimed })
      page:packet("welcome")
      assert.equal(taken, page:invoke("url"))
      page.socket:close()
    end
  end)

  it("carries a session: a page's with its Origin, a native client's without one", function()
    start()
    local own = "http://127.0.0.1:" .. port
    local page = hello(port, { Origin = own }, { url = own .. "/notes" })
    page:packet("welcome")
    assert.equal("page " .. own, page:invoke("who"))
    local native = hello(port, nil, { url = "app://notes" })
    native:packet("welcome")
    assert.matches("^native ", native:invoke("who"))
    assert.equal("value", native:invoke("echo", "value"))
    local long = ("x"):rep(300000)
    assert.is_true(native:invoke("echo", long) == long)
    page.socket:close()
    native.socket:close()
  end)

  it("takes messages in fragments, and answers pings between them", function()
    start()
    local bare = hello(port)
    bare:packet("welcome")
    assert(bare.writer:put("invoke", 0, 1, 0, "echo", "whole"))
    local block = bare.writer:take():sub(5)
    bare.socket:write(raw.frame(0x02, block:sub(1, 3)))
    bare.socket:write(raw.frame(0x89, "are you there?"))
    bare.socket:write(raw.frame(0x00, ""))
    bare.socket:write(raw.frame(0x8a, "unasked"))
    assert.same({ 0x8a, "are you there?" }, { bare.socket:frame() })
    bare.socket:write(raw.frame(0x80, block:sub(4)))
    assert.equal("whole", bare:packet("reply")[4])
    bare.socket:close()
  end)

  it("reads frames in pieces of any size", function()
    start()
    local bare = hello(port)
    bare:packet("welcome")
    for size = 1, 9 do
      assert(bare.writer:put("invoke", 0, size, 0, "echo", "piece by piece"))
      local bytes = raw.frame(0x82, bare.writer:take():sub(5))
      for at = 1, #bytes, size do
        bare.socket:write(bytes:sub(at, at + size - 1))
        uv.run("nowait")
      end
      assert.equal("piece by piece", bare:packet("reply")[4])
    end
    bare.socket:close()
  end)

  it("answers a close with its code, and ends", function()
    start()
    for _, case in ipairs {
      { "\x03\xe8bye", 1000 }, { "\x03\xe9", 1001 }, { "\x0f\xa0", 4000 }, { "", 1000 },
      { "\x03", 1002 }, { "\x03\xed", 1002 }, { "\x03\xee", 1002 }, { "\x03\xe7", 1002 }, { "\x13\x88", 1002 },
      { "\x03\xe8\xff", 1007 }, { "\x03\xe8\xed\xa0\x80", 1007 },
    } do
      local bare = hello(port)
      bare:packet("welcome")
      bare.socket:write(raw.frame(0x88, case[1]))
      assert.equal(case[2], (bare.socket:closed()), ("%q"):format(case[1]))
      bare.socket:close()
    end
  end)

  it("closes what breaks the rules with its code, and nobody else", function()
    start("limits = { packet = '64KiB' },")
    local other = hello(port)
    other:packet("welcome")
    local ok = raw.frame(0x82, "")
    for name, case in pairs {
      ["not masked"] = { "\x82\x00", 1002 },
      ["reserved bit 1"] = { raw.frame(0xc2, ""), 1002 },
      ["reserved bit 2"] = { raw.frame(0xa2, ""), 1002 },
      ["reserved bit 3"] = { raw.frame(0x92, ""), 1002 },
      ["reserved data opcode"] = { raw.frame(0x83, ""), 1002 },
      ["reserved control opcode"] = { raw.frame(0x8b, ""), 1002 },
      ["a control frame in fragments"] = { raw.frame(0x09, ""), 1002 },
      ["a long control frame"] = { raw.frame(0x89, ("x"):rep(126)), 1002 },
      ["a length of 16 bits that fits in 7"] = { "\x82\xfe\0\1\0\0\0\0x", 1002 },
      ["a length of 64 bits that fits in 16"] = { "\x82\xff\0\0\0\0\0\0\1\0\0\0\0\0", 1002 },
      ["a length with the top bit"] = { "\x82\xff\x80\0\0\0\0\0\0\0\0\0\0\0", 1002 },
      ["nothing to continue"] = { raw.frame(0x80, ""), 1002 },
      ["a message inside of another"] = { raw.frame(0x02, "") .. ok, 1002 },
      ["text"] = { raw.frame(0x81, "text"), 1003 },
      ["too long"] = { "\x82\xff\0\0\0\0\0\1\0\1\0\0\0\0", 1009 },
      ["too long in sum"] = { raw.frame(0x02, ("x"):rep(40000)) .. raw.frame(0x80, ("x"):rep(40000)), 1009 },
      ["a malformed packet"] = { raw.frame(0x82, "\xff"), 1002 },
      ["not hello"] = { raw.frame(0x82, "\x82\x13\x01"), 1002 },
    } do
      local socket = raw.websocket(port)
      socket:write(case[1])
      assert.equal(case[2], (socket:closed()), name)
      socket:close()
    end
    assert.equal("alive", other:invoke("echo", "alive"))
    other.socket:close()
  end)

  it("hears the reason in the protocol's words before it is closed", function()
    start()
    local bare = hello(port)
    bare:packet("welcome")
    bare.socket:write(raw.frame(0x81, "text"))
    local bye = bare:packet("bye")
    assert.equal(1003, bye[2])
    local code, reason = bare.socket:closed()
    assert.equal(1003, code)
    assert.equal(bye[3], reason)
    bare.socket:close()
  end)

  it("must wait for the answer to its upgrade", function()
    start()
    local socket = raw.open(port)
    socket:write(raw.request(port, "GET /ipchost", raw.upgrade()) .. raw.frame(0x82, ""))
    assert.equal(400, socket:answer().status)
    assert.equal("", socket:rest())
    socket:close()
  end)

  it("is refused to another user at hello, with the key", function()
    start("security = { token = 'open-sesame' },")
    assert(uv.fs_chmod(host.folder, tonumber("755", 8)))
    support.write_file(host.folder .. "/client.lua", [[
      local raw, core = require "spec.functional.raw", require "ipchost.core"
      local writer, socket = core.writer(), raw.websocket(math.tointeger(arg[1]))
      writer:put("hello", 1, 0, core.random(16), core.random(16), 0, 0, 0, { token = arg[2] })
      socket:write(raw.frame(0x82, writer:take():sub(5)))
      local first, block = socket:frame()
      if block:find("processId", 1, true) then print "welcome" else print(socket:closed()) end
      os.exit(0)
    ]])
    local function client(token)
      local function absolute(paths) return (paths:gsub("%./", uv.cwd() .. "/")) end
      local process = support.spawn({ host.folder .. "/client.lua", tostring(port), token }, {
        command = "lua5.4", uid = STRANGER, env = {
          "LUA_PATH=" .. absolute("./?.lua;" .. package.path), "LUA_CPATH=" .. absolute(package.cpath),
          "PATH=" .. os.getenv("PATH"),
        },
      })
      assert.equal(0, process:wait(), process.err)
      return process.out
    end
    local text = ("403: peer uid %d is not %d; add it to security.uids or use the token"):format(STRANGER, uv.getuid())
    assert.equal("1008\t" .. text .. "\n", client())
    host:wait_log(text)
    assert.equal("welcome\n", client("open-sesame"))
  end)

  it("that never says hello is closed in time", function()
    start("limits = { handshake = '100ms' },")
    local socket = raw.websocket(port)
    local code, reason = socket:closed()
    assert.equal(4001, code)
    assert.matches("limits.handshake (100 ms) exceeded", reason, 1, true)
    socket:close()
  end)

  it("hears that the host is going", function()
    start()
    local bare = hello(port)
    bare:packet("welcome")
    host:kill()
    assert.equal(1001, bare:packet("bye")[2])
    assert.equal(1001, (bare.socket:closed()))
    bare.socket:close()
  end)
end)
