-- Sync lanes: a second connection of a session, or an HTTP post, that carries a blocking call; docs/protocol.md,
-- sections 3, 4 and 9. The clients are bare sockets, so that each packet goes where the spec says.
local core = require "ipchost.core"
local lanes = require "spec.functional.lane"
local raw = require "spec.functional.raw"
local support = require "spec.functional.support"
local uv = require "luv"

local SCRIPT = [[
  local log, waiting = {}, nil
  ipcMain.on("note", function(_, text) log[#log + 1] = text end)
  ipcMain.on("sync", function(event, text)
    log[#log + 1] = text
    event.reply("heard", text)
    event.returnValue = table.concat(log, " ")
  end)
  ipcMain.on("wait", function(event) waiting = event event.reply("waiting") end)
  ipcMain.on("answer", function(_, value) waiting.returnValue = value waiting = nil end)
  ipcMain.on("size", function(event) event.returnValue = #table.concat(log) end)
  ipcMain.on("forget", function() log = {} end)
  ipcMain.handle("log", function() return table.concat(log, " ") end)
  ipcMain.handle("type", function(event) return event.sender:getType() .. " " .. event.senderFrame.origin end)
  app.on("web-contents-created", function(_, contents)
    contents:on("destroyed", function() log[#log + 1] = "destroyed" end)
    contents:on("render-process-gone", function() log[#log + 1] = "gone" end)
  end)
]]

local connect, new_session, put_hello = lanes.connect, lanes.session, lanes.put_hello

-- HTTP

local function packets_of(body)
  local reader, packets = core.reader(), {}
  if body ~= "" then reader:feed(string.pack("<s4", body)) end
  local packet = table.pack(reader:next())
  while packet[1] do
    packets[#packets + 1] = packet
    packet = table.pack(reader:next())
  end
  return packets
end

--- Begins a post; its answer comes with `finish`.
local function post(host, build, headers)
  local writer = core.writer()
  build(writer)
  local body = writer:take():sub(5)
  local all = { ["Content-Length"] = #body }
  for name, value in pairs(headers or {}) do all[name] = value or nil end
  local socket = raw.open(host.http_port)
  socket:write(raw.request(host.http_port, "POST /ipchost/sync", all) .. body)
  return socket
end

local function finish(socket)
  local text = socket:rest()
  socket:close()
  local head, body = text:match("^(.-\r\n)\r\n(.*)$")
  return { status = math.tointeger(head:match("^HTTP/1.1 (%d+)")), head = head, body = body,
    packets = head:find("^HTTP/1.1 200") and packets_of(body) }
end

local function ask(...) return finish(post(...)) end

for _, transport in ipairs { "unix", "tcp", "ws" } do
  describe("a sync lane over " .. transport, function()
    local host, session, main

    setup(function() host = support.start(SCRIPT, { config = 'limits = { handshake = "1s", sync_reply = "1s" }' }) end)
    teardown(function() host:stop() end)

    before_each(function()
      session = new_session()
      main = connect(host, transport):hello(session, 0):put("send", 0, "forget"):flush()
      assert.is_false(main:packet("welcome")[2])
    end)
    after_each(function() main:close() end)

    local function lane(sent)
      return connect(host, transport):hello(session, 1, sent)
    end

    it("answers on the lane that asked, and the main lane carries the rest", function()
      local sync = lane(1):put("sync", 0, 1, 2, "sync", "a"):flush()
      assert.is_true(sync:packet("welcome")[2])
      assert.equal("a", sync:reply(1))
      assert.equal("heard", main:packet("send")[3])
      sync:close()
      main:put("cancel", 1, 0):put("send", 0, "note", "b")
      assert.equal("a b", main:invoke(2, "log"))
    end)

    it("drops what was received on the other lane, and keeps the order of numbers", function()
      main:put("send", 0, "note", "2"):flush()
      local sync = lane(1):put("send", 0, "note", "2"):put("send", 0, "note", "3")
      sync:put("sync", 0, 1, 4, "sync", "4"):flush()
      assert.equal("2 3 4", sync:reply(1))
      main:put("send", 0, "note", "3"):put("cancel", 1, 0):put("send", 0, "note", "5")
      assert.equal("2 3 4 5", main:invoke(2, "log"))
      sync:close()
    end)

    it("waits for what the main lane has not brought, and takes the next sync", function()
      local sync = lane(2):put("send", 0, "note", "3"):put("sync", 0, 1, 4, "sync", "4"):flush()
      sync:packet("welcome")
      assert.equal("", main:invoke(5, "log")) -- number 2
      assert.equal("3 4", sync:reply(1))
      main:put("send", 0, "note", "3"):put("cancel", 1, 0):put("send", 0, "note", "5"):flush()
      sync:put("sync", 0, 2, 6, "sync", "6"):flush()
      assert.equal("3 4 5 6", sync:reply(2))
      sync:put("sync", 0, 3, 8, "sync", "8"):flush()
      main:put("cancel", 2, 0):put("send", 0, "note", "7"):flush()
      assert.equal("3 4 5 6 7 8", sync:reply(3))
      sync:close()
    end)

    it("gives up a lane whose packets wait too long, and not the session", function()
      local sync = lane(1):put("sync", 0, 1, 9, "sync", "9"):flush()
      local bye = sync:packet("bye")
      assert.equal(4005, bye[2])
      assert.matches("limits.sync_reply %(1000 ms%) exceeded", bye[3])
      assert.equal("", main:invoke(2, "log"))
      sync:close()
    end)

    it("answers a call that was received before with an error", function()
      local one = lane(1):put("sync", 0, 1, 2, "sync", "a"):flush()
      one:reply(1)
      local two = lane(1):put("sync", 0, 1, 2, "sync", "a"):flush()
      local reply = two:packet("reply")
      assert.same({ 1, 1, "ERR_CLOSED" }, { reply[2], reply[3], reply[4].code })
      main:put("cancel", 1, 0)
      assert.equal("a", main:invoke(2, "log"))
      one:close()
      two:close()
    end)

    it("costs its call when it is lost, and the session its end", function()
      local sync = lane(1):put("sync", 0, 1, 2, "wait"):flush()
      main:packet("send")
      sync:close()
      main:put("cancel", 1, 0)
      assert.equal("", main:invoke(2, "log"))
      local other = lane(3):put("sync", 0, 3, 4, "wait"):flush()
      main:packet("send")
      main:close()
      assert.equal(4007, other:packet("bye")[2])
      other:close()
    end)

    it("is refused to another's secret, another Origin, and a session that is gone", function()
      local wrong = connect(host, transport)
        :hello({ id = session.id, secret = core.random(16) }, 1, 1):flush():packet("bye")
      assert.same({ 1008, "hello: the secret is not that of the session" }, { wrong[2], wrong[3] })
      local gone = connect(host, transport):hello(new_session(), 1, 0, { host = core.random(16) }):flush():packet("bye")
      assert.equal(4007, gone[2])
      if transport == "ws" then
        local foreign = connect(host, "ws", { Origin = "http://127.0.0.1:" .. host.http_port })
          :hello(session, 1, 1):flush():packet("bye")
        assert.same({ 1008, "hello: the Origin is not that of the session" }, { foreign[2], foreign[3] })
      end
    end)

    it("may open the session before the main lane, which then takes its place", function()
      local early = new_session()
      local sync = connect(host, transport):hello(early, 1, 1):put("sync", 0, 1, 2, "sync", "2"):flush()
      assert.is_false(sync:packet("welcome")[2])
      local late = connect(host, transport):hello(early, 0):put("send", 0, "note", "1"):flush()
      local welcome = late:packet("welcome")
      assert.is_true(welcome[2])
      assert.equal(0, welcome[3])
      assert.equal("1 2", sync:reply(1))
      assert.equal("heard", late:packet("send")[3])
      late:put("cancel", 1, 0)
      assert.equal("1 2", late:invoke(2, "log"))
      late:close()
      sync:close()
    end)

    it("ends the session that it has opened if no main lane comes", function()
      local early = new_session()
      local sync = connect(host, transport):hello(early, 1, 0):put("sync", 0, 1, 1, "sync", "1"):flush()
      assert.equal("1", sync:reply(1))
      assert.equal(4007, sync:packet("bye")[2])
      assert.equal("1 gone destroyed", main:invoke(1, "log"))
      sync:close()
    end)
  end)
end

describe("a sync post", function()
  local host, origin

  setup(function()
    host = support.start(SCRIPT, {
      config = 'security = { origins = { "https://app.example" } }, limits = { handshake = "2s", packet = "1MiB" }',
    })
    origin = { Origin = "http://127.0.0.1:" .. host.http_port }
  end)
  teardown(function() host:stop() end)

  local function main_lane(session, headers)
    local main = connect(host, "ws", headers):hello(session, 0):put("send", 0, "forget"):flush()
    main:packet("welcome")
    return main
  end

  it("is answered by welcome and the reply", function()
    local session = new_session()
    local main = main_lane(session, origin)
    local answer = ask(host, function(writer)
      put_hello(writer, session, 1, 1)
      writer:put("send", 0, "note", "2")
      writer:put("sync", 0, 1, 3, "sync", "3")
    end, origin)
    assert.equal(200, answer.status)
    assert.matches("\r\nContent%-Type: text/plain; charset=x%-user%-defined\r\n", answer.head)
    assert.matches("\r\nConnection: close\r\n", answer.head)
    assert.matches("\r\nAccess%-Control%-Allow%-Origin: http://127.0.0.1", answer.head)
    assert.equal(2, #answer.packets)
    assert.same({ "welcome", true }, { answer.packets[1][1], answer.packets[1][2] })
    assert.same({ "reply", 1, 0, "2 3" }, { table.unpack(answer.packets[2], 1, 4) })
    assert.is_true(answer.body:byte(1) >= 0x80 and answer.body:byte(1) <= 0x97)
    main:put("send", 0, "note", "2"):put("cancel", 1, 0):put("send", 0, "note", "4")
    assert.equal("2 3 4", main:invoke(2, "log"))
    main:close()
  end)

  it("may be the first of its page, and waits for an answer that comes late", function()
    local session = new_session()
    local socket = post(host, function(writer)
      put_hello(writer, session, 1, 0, { url = origin.Origin .. "/" })
      writer:put("sync", 0, 1, 1, "wait")
    end, origin)
    local main = connect(host, "ws", origin):hello(session, 0):flush()
    assert.is_true(main:packet("welcome")[2])
    assert.equal("waiting", main:packet("send")[3])
    main:put("cancel", 1, 0):put("send", 0, "answer", "late"):flush()
    local answer = finish(socket)
    assert.same({ "reply", 1, 0, "late" }, { table.unpack(answer.packets[2], 1, 4) })
    assert.equal("page " .. origin.Origin, main:invoke(2, "type"))
    main:close()
  end)

  it("may be several, kept packets first", function()
    local session, long = new_session(), ("x"):rep(600000)
    local main = main_lane(session, origin)
    for i = 1, 3 do
      local answer = ask(host, function(writer)
        put_hello(writer, session, 1, i)
        writer:put("send", 0, "note", long)
      end, origin)
      assert.equal(1, #answer.packets)
      assert.equal(i, answer.packets[1][4]) -- what was received before it
    end
    local answer = ask(host, function(writer)
      put_hello(writer, session, 1, 4)
      writer:put("sync", 0, 1, 5, "size")
    end, origin)
    assert.equal(3 * #long, answer.packets[2][4])
    main:close()
  end)

  it("is taken in pieces of any size", function()
    local session = new_session()
    local main = main_lane(session)
    local writer = core.writer()
    put_hello(writer, session, 1, 1)
    writer:put("sync", 0, 1, 2, "sync", ("y"):rep(3000))
    local body = writer:take():sub(5)
    local bytes = raw.request(host.http_port, "POST /ipchost/sync", { ["Content-Length"] = #body }) .. body
    local socket = raw.open(host.http_port)
    for at = 1, #bytes, 701 do
      socket:write(bytes:sub(at, at + 700))
      uv.run("nowait")
    end
    assert.equal(("y"):rep(3000), finish(socket).packets[2][4])
    main:close()
  end)

  it("aborts its call when the client goes away", function()
    local session = new_session()
    local main = main_lane(session)
    local socket = post(host, function(writer)
      put_hello(writer, session, 1, 1)
      writer:put("sync", 0, 1, 2, "wait")
    end)
    main:packet("send")
    socket:close()
    main:put("cancel", 1, 0)
    assert.equal("", main:invoke(2, "log"))
    main:close()
  end)

  it("says in the answer why the protocol refuses it", function()
    local session = new_session()
    local main = main_lane(session, origin)
    for _, case in ipairs {
      { 1008, function(writer) put_hello(writer, { id = session.id, secret = core.random(16) }, 1, 1) end, origin },
      { 1008, function(writer) put_hello(writer, session, 1, 1) end },
      { 4007, function(writer) put_hello(writer, new_session(), 1, 0, { host = core.random(16) }) end, origin },
      { 1002, function(writer) writer:put("sync", 0, 1, 1, "sync") end, origin },
    } do
      local answer = ask(host, case[2], case[3])
      assert.equal(200, answer.status)
      assert.same({ "bye", case[1] }, { table.unpack(answer.packets[#answer.packets], 1, 2) })
    end
    main:close()
  end)

  it("is refused by HTTP as every request is", function()
    local function status(line, headers) return raw.ask(host.http_port, line, headers).status end
    local post_line = "POST /ipchost/sync"
    assert.equal(403, status(post_line, { Origin = "https://evil.example" }))
    assert.equal(421, status(post_line, { Host = "evil.example" }))
    assert.equal(411, status(post_line, { ["Transfer-Encoding"] = "chunked" }))
    assert.equal(413, status(post_line, { ["Content-Length"] = 1048577 }))
    assert.equal(400, status(post_line))
    local get = raw.ask(host.http_port, "GET /ipchost/sync")
    assert.same({ 405, "POST" }, { get.status, get.headers.allow })
    local answer = ask(host, function(writer) put_hello(writer, new_session(), 1, 0) end,
      { Origin = "https://app.example" })
    assert.matches("\r\nAccess%-Control%-Allow%-Origin: https://app.example\r\n", answer.head)
    assert.same({ "welcome", false }, { table.unpack(answer.packets[1], 1, 2) })
  end)
end)
