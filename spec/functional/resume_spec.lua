-- Sessions that outlive the loss of their connection; docs/protocol.md, section 4. The clients are bare sockets.
local core = require "ipchost.core"
local lanes = require "spec.functional.lane"
local raw = require "spec.functional.raw"
local support = require "spec.functional.support"

local RESUME = 1

local SCRIPT = [[
  local log, waiting, port = {}, nil, nil
  local function note(...) log[#log + 1] = table.concat({ ... }, " ") end
  ipcMain.on("note", function(_, text) note(text) end)
  ipcMain.on("tell", function(event, count)
    for i = 1, count do event.reply("told", i) end
  end)
  local counted = 0
  ipcMain.on("count", function(event, n)
    if n ~= counted + 1 then note(("%d after %d"):format(n, counted)) end
    counted = n
    event.reply("counted", n, ("x"):rep(n % 7 == 0 and 3000 or n % 50))
  end)
  ipcMain.on("wait sync", function(event) event.reply("waiting") end)
  ipcMain.handle("log", function() return table.concat(log, ", ") end)
  ipcMain.handle("forget", function() log = {} end)
  ipcMain.handle("contents", function(event) return event.sender.id end)
  ipcMain.handle("wait", function(event)
    event.signal:onAbort(function() note("aborted", event.signal.reason.code) end)
    local answer
    answer, waiting = Promise.withResolvers()
    return answer
  end)
  ipcMain.handle("port", function(event)
    local channel = MessageChannelMain.new()
    port = channel.port1
    port:on("message", function(message) note("port", message.data) end)
    port:on("close", function() note("port closed") end)
    port:start()
    event.senderFrame:postMessage("port", "here", { channel.port2 })
  end)
  -- Another session's orders, with the first's contents.
  ipcMain.handle("send", function(_, id, ...) return webContents.fromId(id):send("told", ...) end)
  ipcMain.handle("flood", function(_, id)
    local contents, sent, why = webContents.fromId(id)
    for _ = 1, 10 do sent, why = contents:send("told", ("x"):rep(60000)) end
    return sent or why
  end)
  ipcMain.handle("post", function(_, ...) port:postMessage(...) end)
  ipcMain.handle("ask", function(_, id, ...) return webContents.fromId(id):invoke("asked", ...) end)
  ipcMain.handle("answer", function(_, value) waiting(value) end)
  ipcMain.handle("close", function(_, id)
    local contents = webContents.fromId(id)
    if contents then contents:close() end
  end)
  ipcMain.handle("exists", function(_, id) return webContents.fromId(id) ~= nil end)
  ipcMain.handle("drained", function(_, id)
    local contents = webContents.fromId(id)
    local ok = contents:send("told", ("x"):rep(60000))
    contents:drained():next(function() note("drained") end)
    return ok
  end)
  app.on("web-contents-created", function(_, contents)
    contents:on("render-process-gone", function(_, details) note("gone", details.reason) end)
    contents:on("destroyed", function() note("destroyed") end)
  end)
]]

local CONFIG = [[
  log = { level = "debug" },
  limits = { resume = %q, outbound = "64KiB", outbound_max = "256KiB", handshake = "1s" }
]]

--- A session whose first hello was answered.
local function open(host, features)
  local session = lanes.session()
  session.features = features or RESUME
  local main = lanes.connect(host, "ws"):hello(session, 0):flush()
  return session, main, main:packet("welcome")
end

local function again(host, session, sent, received, headers)
  return lanes.connect(host, "ws", headers):hello(session, 0, sent, nil, received):flush()
end

--- Cuts the connection, and waits until the host knows.
local function cut(host, lane)
  local before = select(2, host.err:gsub(": lost: ", ""))
  lane:close()
  support.wait_until(function() return select(2, host.err:gsub(": lost: ", "")) > before end, "the loss")
end

--- Asks again and again until the answer is `expected`.
local function ask_until(expected, ask)
  local late, answer = os.time() + 30, ask()
  while answer ~= expected and os.time() < late do answer = ask() end
  assert.equal(expected, answer)
end

local function told(lane, from, to)
  for i = from, to do assert.equal(i, lane:packet("send")[4]) end
end

describe("a session that can be resumed", function()
  local host, other, session, main, contents

  setup(function() host = support.start(SCRIPT, { config = CONFIG:format("30s") }) end)
  teardown(function() host:stop() end)

  before_each(function()
    other = select(2, open(host, 0))
    other.calls = 0
    function other:call(...)
      self.calls = self.calls + 1
      return self:invoke(self.calls, ...)
    end
    local welcome
    session, main, welcome = open(host)
    assert.equal(RESUME, welcome[5].features)
    assert.equal(30000, welcome[5].limits.resume)
    contents = welcome[5].webContentsId
    other:call("forget")
  end)
  after_each(function()
    main:put("bye", 1000, ""):flush()
    main:close()
    other:close()
  end)

  it("is told what was missed, once and in order", function()
    main:put("send", 0, "tell", 5):flush()
    told(main, 1, 2)
    cut(host, main)
    for i = 6, 8 do assert.is_true(other:call("send", contents, i)) end
    main = again(host, session, 1, 2)
    local welcome = main:packet("welcome")
    assert.same({ true, 2, 1 }, { table.unpack(welcome, 2, 4) })
    assert.equal(contents, welcome[5].webContentsId)
    told(main, 3, 8)
    assert.equal(contents, main:invoke(1, "contents"))
    assert.equal("", other:call("log"))
  end)

  it("takes what is sent again, once and in order", function()
    main:put("send", 0, "note", "1"):put("send", 0, "note", "2"):flush()
    main:put("ping", 1):flush():packet("pong")
    cut(host, main)
    main = again(host, session, 0, 0)
    assert.equal(2, main:packet("welcome")[4])
    for i = 1, 4 do main:put("send", 0, "note", tostring(i)) end
    assert.equal("1, 2, 3, 4", main:invoke(1, "log"))
  end)

  it("keeps answers, and the calls that are not answered", function()
    main:put("invoke", 0, 1, 0, "wait"):put("invoke", 0, 2, 0, "contents"):flush()
    assert.equal(contents, main:reply(2))
    cut(host, main)
    other:call("answer", "late")
    assert.equal("", other:call("log"))
    main = again(host, session, 2, 1)
    assert.equal("late", main:reply(1))
  end)

  it("keeps what scripts ask of it, asked before the loss and meanwhile", function()
    other:put("invoke", 0, 101, 0, "ask", contents, "before"):flush()
    assert.equal("before", main:packet("invoke")[6])
    cut(host, main)
    other:put("invoke", 0, 102, 0, "ask", contents, "meanwhile"):flush()
    main = again(host, session, 0, 1)
    assert.equal("meanwhile", main:packet("invoke")[6])
    main:put("reply", 2, 0, "two"):put("reply", 1, 0, "one"):flush()
    assert.equal("two", other:reply(102))
    assert.equal("one", other:reply(101))
  end)

  it("keeps ports, what they carry and what was credited", function()
    main:invoke(1, "port")
    local number = 2
    cut(host, main)
    for i = 1, 3 do other:call("post", i) end
    main = again(host, session, 1, 0)
    assert.equal(number, main:packet("post")[4][1])
    main:put("port-open", number, 65):flush()
    assert.equal(1, main:packet("port-message")[4])
    cut(host, main)
    main = again(host, session, 1, 3)
    main:put("port-open", number, 65):put("port-credit", number, 65):put("port-message", number, {}, "hello"):flush()
    assert.equal(2, main:packet("port-message")[4])
    cut(host, main)
    main = again(host, session, 1, 3)
    assert.equal(2, main:packet("port-message")[4])
    main:put("port-open", number, 65):put("port-credit", number, 65):put("port-message", number, {}, "hello")
    main:put("port-credit", number, 65):flush()
    assert.equal(3, main:packet("port-message")[4])
    assert.equal("port hello", main:invoke(2, "log"))
  end)

  it("acknowledges 64 packets at once, and fewer after a while", function()
    for i = 1, 64 do main:put("send", 0, "note", tostring(i)) end
    assert.equal(64, main:flush():packet("ack")[2])
    main:put("send", 0, "note", "65"):flush()
    assert.equal(65, main:packet("ack")[2])
    main:put("send", 0, "note", ("x"):rep(300000)):flush()
    assert.equal(66, main:packet("ack")[2])
  end)

  it("acknowledges what waited on a sync lane for packets of the main lane", function()
    local sync = lanes.connect(host, "ws"):hello(session, 1, 64):put("send", 0, "note", "65"):flush()
    sync:packet("welcome")
    for i = 1, 64 do main:put("send", 0, "note", tostring(i)) end
    main:flush()
    assert.equal(65, main:packet("ack")[2])
    sync:close()
  end)

  it("keeps nothing that was acknowledged", function()
    main:put("send", 0, "tell", 3):flush()
    told(main, 1, 3)
    main:put("ack", 2):put("ack", 1):put("ping", 1):flush():packet("pong")
    local bye = again(host, session, 1, 1):packet("bye")
    assert.same({ 1002, "hello: sent 1, received 1: this host has received 1 and sent 3, of which the client had 2" },
      { bye[2], bye[3] })
    main:close()
    main = again(host, session, 1, 2)
    told(main, 3, 3)
  end)

  it("is refused counts that cannot be, and lives on", function()
    main:put("send", 0, "tell", 3):flush()
    told(main, 1, 3)
    for _, case in ipairs { { 2, 0 }, { 1, 4 } } do
      assert.equal(1002, again(host, session, case[1], case[2]):packet("bye")[2])
    end
    assert.equal(contents, main:invoke(1, "contents"))
    main:put("ack", 9):flush()
    assert.equal(1002, main:packet("bye")[2])
    main:close()
    ask_until(false, function() return other:call("exists", contents) end)
  end)

  it("is not given to another secret or Origin, and lives on", function()
    cut(host, main)
    local wrong = again(host, { id = session.id, secret = core.random(16), features = RESUME }, 0, 0):packet("bye")
    assert.same({ 1008, "hello: the secret is not that of the session" }, { wrong[2], wrong[3] })
    local foreign = again(host, session, 0, 0, { Origin = "http://127.0.0.1:" .. host.http_port }):packet("bye")
    assert.same({ 1008, "hello: the Origin is not that of the session" }, { foreign[2], foreign[3] })
    main = again(host, session, 0, 0)
    assert.equal(contents, main:invoke(1, "contents"))
  end)

  it("is taken over from a connection that looks alive", function()
    main:put("send", 0, "tell", 2):put("sync", 0, 1, 2, "wait sync"):flush()
    told(main, 1, 2)
    local old = main
    main = again(host, session, 2, 1)
    assert.is_true(main:packet("welcome")[2])
    told(main, 2, 2)
    assert.equal(4006, old:packet("bye")[2])
    old:put("send", 0, "note", "too late"):flush()
    old:close()
    assert.equal("", main:invoke(2, "log"))
  end)

  it("goes on over a sync lane while its main lane is lost", function()
    main:put("send", 0, "note", "1"):put("ping", 1):flush():packet("pong")
    cut(host, main)
    local sync = lanes.connect(host, "ws"):hello(session, 1, 1):put("send", 0, "note", "2")
    sync:put("sync", 0, 1, 3, "wait sync"):flush()
    assert.is_true(sync:packet("welcome")[2])
    main = again(host, session, 1, 0)
    assert.equal("waiting", main:packet("send")[3])
    sync:close()
    main:put("send", 0, "note", "2"):put("cancel", 1, 0):put("send", 0, "note", "3")
    assert.equal("1, 2, 3", main:invoke(2, "log"))
  end)

  it("ends at once when it is closed in good order", function()
    main:put("bye", 1000, ""):flush()
    ask_until("destroyed", function() return other:call("log") end)
    session, main, contents = open(host)
    main.socket:write(raw.frame(0x88, "\x03\xe9")) -- 1001
    ask_until("destroyed, destroyed", function() return other:call("log") end)
    assert.is_false(again(host, session, 0, 0):packet("welcome")[2])
  end)

  it("is told that scripts have closed it meanwhile", function()
    cut(host, main)
    other:call("close", contents)
    assert.equal("destroyed", other:call("log"))
    for _ = 1, 2 do
      local bye = again(host, session, 0, 0):packet("bye")
      assert.same({ 1000, "closed by the host" }, { bye[2], bye[3] })
    end
    -- Whoever does not know its secret does not hear of it.
    main = again(host, { id = session.id, secret = core.random(16), features = RESUME }, 0, 0)
    assert.is_false(main:packet("welcome")[2])
  end)

  it("tells who waits for its reader when that has caught up", function()
    cut(host, main)
    assert.is_true(other:call("drained", contents))
    assert.is_false(other:call("drained", contents))
    assert.equal("", other:call("log"))
    main = again(host, session, 0, 0)
    main:packet("send")
    main:packet("send")
    ask_until("drained, drained", function() return other:call("log") end)
  end)

  it("ends when more would be kept for it than limits.outbound_max", function()
    cut(host, main)
    for i = 1, 4 do assert.equal(i == 1, other:call("send", contents, ("x"):rep(60000))) end
    other:call("send", contents, ("x"):rep(60000))
    local bye = again(host, session, 0, 0):packet("bye")
    assert.equal(4003, bye[2])
    host:wait_log("ended with 4003: limits.outbound_max (262144 bytes) exceeded")
    ask_until("gone abnormal-exit, destroyed", function() return other:call("log") end)
    assert.equal(4003, again(host, session, 0, 0):packet("bye")[2])

    session, main, contents = open(host)
    contents = contents[5].webContentsId
    for _ = 1, 5 do
      other:call("send", contents, ("x"):rep(60000))
      main:packet("send") -- taken, and not acknowledged
    end
    assert.equal(4003, main:packet("bye")[2])
    host:wait_log("closed with 4003: limits.outbound_max (262144 bytes) exceeded by what the peer has not acknowledged")
    main:close()
    ask_until(false, function() return other:call("exists", contents) end)
  end)

  it("ends as one that was broken off when a page does not take what is sent, which is logged once", function()
    local page = lanes.session()
    page.features = RESUME
    local origin = "http://127.0.0.1:" .. host.http_port
    local lane = lanes.connect(host, "ws", { Origin = origin }):hello(page, 0, 0, { type = "page", url = origin })
    contents = lane:flush():packet("welcome")[5].webContentsId
    other:call("forget")
    local _, before = host.err:gsub("closed with 4003", "")
    assert.equal("destroyed", other:call("flood", contents))
    ask_until("gone abnormal-exit, destroyed", function() return other:call("log") end)
    cut(host, main) -- writes to the log behind all that was written before
    assert.equal(1, select(2, host.err:gsub("closed with 4003", "")) - before)
    lane:close()
  end)
end)

describe("a session whose time is up", function()
  local host

  setup(function() host = support.start(SCRIPT, { config = CONFIG:format("100ms") }) end)
  teardown(function() host:stop() end)

  it("ends as one that was broken off, and is another when it comes again", function()
    local _, other = open(host, 0)
    local session, main, welcome = open(host)
    main:put("send", 0, "note", "1"):put("invoke", 0, 1, 0, "wait"):put("ping", 1):flush():packet("pong")
    cut(host, main)
    local calls = 0
    ask_until("1, aborted ERR_DESTROYED, gone abnormal-exit, destroyed", function()
      calls = calls + 1
      return other:invoke(calls, "log")
    end)
    main = again(host, session, 2, 0)
    local anew = main:packet("welcome")
    assert.same({ false, 0, 2 }, { table.unpack(anew, 2, 4) })
    assert.are_not.equal(welcome[5].webContentsId, anew[5].webContentsId)
    assert.equal(tostring(welcome[5].host), tostring(anew[5].host))
    main:close()
    other:close()
  end)

  it("is not told for longer than that that scripts have closed it", function()
    local _, other = open(host, 0)
    local session, main, welcome = open(host)
    cut(host, main)
    other:invoke(1, "close", welcome[5].webContentsId)
    local late, first = os.time() + 30
    repeat
      main = again(host, session, 0, 0)
      first = main:packet("welcome", "bye")
      if first[1] == "bye" then main:close() end
    until first[1] == "welcome" or os.time() > late
    assert.is_false(first[2])
    main:close()
    other:close()
  end)
end)

describe("a session that cannot be resumed", function()
  it("has said nothing of it, or came over a stream, or to a host that keeps none", function()
    local host = support.start(SCRIPT, { config = CONFIG:format("1s") })
    for _, case in ipairs { { "ws", 0 }, { "unix", RESUME }, { "tcp", RESUME } } do
      local session = lanes.session()
      session.features = case[2]
      local main = lanes.connect(host, case[1]):hello(session, 0):flush()
      assert.equal(0, main:packet("welcome")[5].features)
      local second = lanes.connect(host, case[1]):hello(session, 0):flush():packet("bye")
      assert.same({ 1008, "hello: the session is connected already" }, { second[2], second[3] })
      main:put("send", 0, "tell", 1):flush()
      told(main, 1, 1)
      main:close()
    end
    host:stop()
    host = support.start(SCRIPT, { config = CONFIG:format("0s") })
    assert.equal(0, select(3, open(host))[5].features)
    host:stop()
  end)
end)

-- A client that keeps what is not acknowledged, and whose connection is cut within what it sends or hears.
local Cut = {}
Cut.__index = Cut

function Cut:add()
  self.count = self.count + 1
  self.writer:put("send", 0, "count", self.count, ("y"):rep(math.random(0, 200)))
  self.kept[self.count] = self.writer:take():sub(5)
end

--- A frame with hello, and one with what the host may lack.
function Cut:said()
  lanes.put_hello(self.writer, self.session, 0, self.acked, {}, self.received)
  local hello = self.writer:take():sub(5)
  return raw.frame(0x82, hello), raw.frame(0x82, table.concat(self.kept, "", self.acked + 1))
end

--- Takes one packet from the connection.
function Cut:hear(lane)
  local packet = lane:packet("send")
  self.heard = self.heard + 1
  if self.heard <= self.received then return end
  self.received = self.heard
  assert.equal(self.received, packet[4])
end

--- Connects, and writes `limit` bytes of what there is to say; hears as many messages if that is all of it.
function Cut:go(limit, hears)
  local lane = lanes.connect(self.host, "ws")
  local hello, rest = self:said()
  lane.socket:write(hello:sub(1, limit))
  if limit >= #hello then
    local welcome = lane:packet("welcome")
    if self.welcomed then assert.is_true(welcome[2]) end
    self.welcomed = true
    self.heard, self.acked = welcome[3], welcome[4]
    lane.socket:write(rest:sub(1, limit - #hello))
    if limit >= #hello + #rest then
      for _ = 1, math.min(hears, self.count - self.heard) do self:hear(lane) end
    end
  end
  lane:close()
end

describe("many cuts", function()
  it("lose nothing, double nothing, and change no order", function()
    local host = support.start(SCRIPT)
    local seed = tonumber(os.getenv("IPCHOST_SEED")) or os.time()
    math.randomseed(seed)
    local client = setmetatable({ host = host, session = lanes.session(), writer = core.writer(), kept = {},
      count = 0, acked = 0, received = 0, heard = 0 }, Cut)
    client.session.features = RESUME
    local ok, why = pcall(function()
      client:go(math.maxinteger, 0)
      for _ = 1, 300 do
        for _ = 1, math.random(0, 6) do client:add() end
        client:go(math.random(1, 1500), math.random(0, 5))
      end
      client:go(math.maxinteger, math.maxinteger)
      assert.equal(client.count, client.received)
      local other = select(2, open(host, 0))
      assert.equal("", other:invoke(1, "log"))
      other:close()
    end)
    host:stop()
    if not ok then error(("with the seed %d: %s"):format(seed, why), 0) end
  end)
end)
