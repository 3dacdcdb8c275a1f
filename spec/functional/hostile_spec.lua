-- Clients that do not keep to the protocol, as bare sockets: each hears why it is refused, and a client beside them
-- notices nothing.
local core = require "ipchost.core"
local lanes = require "spec.functional.lane"
local raw = require "spec.functional.raw"
local support = require "spec.functional.support"
local uv = require "luv"
local await = require("async").await

local SCRIPT = [[
  local calls, aborted = 0, {}
  ipcMain.handle("calls", function() return calls end)
  ipcMain.handle("aborted", function() return aborted end)
  ipcMain.on("count", function() calls = calls + 1 end)
  ipcMain.on("wait", function() end)
  ipcMain.on("slow", function(event, ms) async.sleep(ms) event.returnValue = "done" end)
  ipcMain.handle("wait", function(event, name)
    event.signal:onAbort(function(reason) aborted[#aborted + 1] = name .. " " .. reason.code end)
    await(Promise.new(function() end))
  end)
]]

local ID, SECRET = core.random(16), core.random(16)

local function hello(writer, version, lane, id, secret, details)
  writer:put("hello", version or 1, 0, id or core.random(16), secret or core.random(16), lane or 0, 0, 0, details or {})
end

--- Sends what `build(writer)` puts, and the bytes that it returns behind it; gives the packets that come until the
-- end, which the host brings about.
local function exchange(path, build)
  local writer, reader, packets, gone = core.writer(), core.reader(), {}, false
  local stream = uv.new_pipe()
  local function receive(_, chunk)
    if not chunk then return stream:close(function() gone = true end) end
    reader:feed(chunk)
    local packet = table.pack(reader:next())
    while packet[1] do
      packets[#packets + 1] = packet
      packet = table.pack(reader:next())
    end
  end
  stream:connect(path, function(failed)
    assert(not failed, failed)
    stream:read_start(receive)
    local more = build(writer)
    stream:write((writer:take() or "") .. (more or ""))
    stream:shutdown()
  end)
  support.wait_until(function() return gone end, "the end of the connection")
  return packets
end

local function block(packet) return ("<s4"):pack(packet) end

-- What is sent, the code that answers it, and a part of its text.
local REFUSED = {
  { "a packet before hello", 1002, "the first packet must be hello",
    function(writer) writer:put("send", 0, "count") hello(writer) end },
  { "a ping before hello", 1002, "the first packet must be hello", function(writer) writer:put("ping", 1) end },
  { "a second hello", 1002, "hello: not expected", function(writer) hello(writer) hello(writer) end },
  { "another version", 4000, "this host speaks 1", function(writer) hello(writer, 2) end },
  { "an unknown lane", 1002, "lane", function(writer) hello(writer, 1, 2) end },
  { "a sync lane to a session that is gone", 4007, "is gone",
    function(writer) hello(writer, 1, 1, nil, nil, { host = core.random(16) }) end },
  { "another's session with a wrong secret", 1008, "secret", function(writer) hello(writer, 1, 0, ID) end },
  { "a living session's main lane", 1008, "connected already", function(writer) hello(writer, 1, 0, ID, SECRET) end },
  { "the host's own packets", 1002, "not expected",
    function(writer) hello(writer) writer:put("welcome", false, 0, 0, {}) end },
  { "a channel that is no text", 1002, "channel",
    function(writer) hello(writer) return block("\x84\x02\x00\x41a\x41\x80") end },
  { "too few items", 1002, "expected at least", function(writer) hello(writer) return block("\x82\x02\x00") end },
  { "a packet cut by the end of its block", 1002, "",
    function(writer) hello(writer) return block("\x84\x02\x00\x65a") end },
  { "no packet", 1002, "array", function(writer) hello(writer) return block("\xff") end },
  { "arguments that are no list", 1007, "arguments",
    function(writer) hello(writer) return block("\x84\x02\x00\x65count\x41\x01") end },
  { "arguments that end early", 1007, "",
    function(writer) hello(writer) return block("\x84\x02\x00\x65count\x43\x83\x01\x02") end },
  { "bytes behind the arguments", 1007, "",
    function(writer) hello(writer) return block("\x84\x02\x00\x65count\x42\x80\x00") end },
  { "a frame's number twice", 1002, "used already",
    function(writer) hello(writer) writer:put("frame-open", 3, 0, {}) writer:put("frame-open", 3, 0, {}) end },
  { "too many frames", 4005, "limits.frames (4) exceeded",
    function(writer) hello(writer) for i = 1, 4 do writer:put("frame-open", i, 0, {}) end end },
  { "a sync out of turn", 1002, "does not follow",
    function(writer) hello(writer) writer:put("sync", 0, 1, 7, "count") end },
}

describe("a client that breaks the protocol", function()
  local host, renderer

  setup(function()
    host = support.start(SCRIPT, { config = "limits = { frames = 4, invokes = 3 }" })
    renderer = host:connect("unix")
  end)
  teardown(function()
    renderer:close()
    host:stop()
  end)

  local function invoke(...)
    local args = table.pack(...)
    return renderer:run(function() return await(renderer.ipcRenderer.invoke(table.unpack(args, 1, args.n))) end)
  end

  local function path() return host.address.unix:match("^unix:(.+)$") end

  for _, case in ipairs(REFUSED) do
    local what, code, text, build = table.unpack(case)
    it("is refused " .. what, function()
      local before = invoke("calls")
      local keeper
      if what:find("session", 1, true) and code == 1008 then
        keeper = uv.new_pipe()
        local welcome = false
        keeper:connect(path(), function()
          keeper:read_start(function() welcome = true end)
          local writer = core.writer()
          hello(writer, 1, 0, ID, SECRET)
          keeper:write(writer:take())
        end)
        support.wait_until(function() return welcome end, "the other's session")
      end
      local packets = exchange(path(), build)
      if keeper then keeper:close() end
      local bye = packets[#packets]
      assert.same({ "bye", code }, { bye[1], bye[2] })
      assert.truthy(bye[3]:find(text, 1, true), bye[3])
      assert.equal(before, invoke("calls"))
    end)
  end

  it("is heard in what came before", function()
    local before = invoke("calls")
    local packets = exchange(path(), function(writer)
      hello(writer)
      writer:put("send", 0, "count")
      writer:put("send", 9, "count") -- no such frame
      writer:put("cancel", 77, 0)
      writer:put("reply", 5, 0, 1)
      writer:put("frame-close", 8)
      writer:put("port-close", 1)
      writer:put("ping", 3)
      return block("\x83\x18\x63\x01\x02") .. block("") .. block("\xff") -- an unknown kind, nothing, nonsense
    end)
    assert.same({ "welcome", "pong", "bye" }, { packets[1][1], packets[2][1], packets[3][1] })
    assert.equal(3, #packets)
    assert.equal(before + 1, invoke("calls"))
  end)

  it("may give a number twice, cancel what is not there, and ask for too much", function()
    local packets = exchange(path(), function(writer)
      hello(writer)
      writer:put("invoke", 0, 1, 0, "wait", "first")
      writer:put("invoke", 0, 1, 0, "wait", "second")
      writer:put("invoke", 0, 2, 0, "wait", "third")
      writer:put("invoke", 0, 3, 0, "calls")
      writer:put("cancel", 1, 0)
      writer:put("cancel", 1, 1)
      writer:put("cancel", 1, 0)
      writer:put("cancel", 2, 0)
      writer:put("invoke", 0, 3, 0, "calls")
      writer:put("bye", 1000, "")
    end)
    assert.same({ "reply", 3, 1 }, { table.unpack(packets[2], 1, 3) })
    assert.equal("ERR_LIMIT_INVOKES", packets[2][4].code)
    assert.same({ "reply", 3, 0 }, { table.unpack(packets[3], 1, 3) })
    local aborted = invoke("aborted")
    table.sort(aborted)
    assert.same({ "first ERR_TIMEOUT", "second ERR_ABORTED", "third ERR_ABORTED" }, aborted)
  end)
end)

describe("a peer beyond this machine", function()
  local host, stream, timer, reader, gone
  local TOKEN <const> = "open-sesame"

  local function start(limits)
    host = support.start(SCRIPT, { config = ([[
      listen = { "unix:run/app.sock", "tcp://0.0.0.0:0", "http://127.0.0.1:0" },
      security = { token = %q }, limits = { %s },
    ]]):format(TOKEN, limits) })
    stream, timer, reader, gone = uv.new_tcp(), uv.new_timer(), core.reader(), false
    local connected
    stream:connect(raw.outer_address(), math.tointeger(host.address.tcp:match(":(%d+)$")), function(failed)
      assert(not failed, failed)
      connected = true
      stream:read_start(function(_, chunk)
        if chunk then reader:feed(chunk) else gone = true end
      end)
    end)
    support.wait_until(function() return connected end, "the connection")
  end

  after_each(function()
    timer:close()
    stream:close()
    host:stop()
  end)

  --- Writes the bytes one by one, one each 20 ms; over and over if `forever`.
  local function trickle(bytes, forever)
    local at = 0
    timer:start(0, 20, function()
      at = at % #bytes + 1
      stream:write(bytes:sub(at, at))
      if at == #bytes and not forever then timer:stop() end
    end)
  end

  local function packet()
    local got = {}
    support.wait_until(function()
      if not got[1] then got = table.pack(reader:next()) end
      return got[1] or gone
    end, "a packet")
    return got
  end

  it("must say hello in its time, even if it sends nothing in many blocks", function()
    start("handshake = '500ms'")
    trickle(block(""), true)
    local bye = packet()
    assert.same({ "bye", 4001 }, { bye[1], bye[2] })
    support.wait_until(function() return gone end, "the end")
  end)

  it("is heard while a long packet is on its way", function()
    start("idle = '600ms'")
    local writer = core.writer()
    writer:put("hello", 1, 0, core.random(16), core.random(16), 0, 0, 0, { token = TOKEN })
    stream:write(writer:take())
    assert.equal("welcome", packet()[1])
    writer:put("invoke", 0, 1, 0, "calls", ("x"):rep(100))
    trickle(writer:take())
    assert.same({ "reply", 1, 0 }, { table.unpack(packet(), 1, 3) })
  end)

  it("need not answer pings while it waits in a sendSync, and must again after that", function()
    start("idle = '1s', sync_reply = '20s'")
    local session = lanes.session()
    local function lane(kind) return lanes.connect(host, "tcp", nil, raw.outer_address())
      :hello(session, kind, 0, { token = TOKEN }):flush() end
    local main = lane(0)
    main:packet("welcome")
    local sync = lane(1):put("sync", 0, 1, 1, "slow", 4000):flush()
    assert.equal("done", sync:reply(1))
    main:put("cancel", 1, 0)
    assert.equal(0, main:invoke(2, "calls"))
    if raw.outer_address() ~= "127.0.0.1" then
      main:packet("ping")
      local bye = main:packet("bye")
      assert.same({ 4002, "limits.idle (1000 ms) exceeded: pings are not answered" }, { bye[2], bye[3] })
    end
    sync:close()
    main:close()
  end)
end)
