--- The Lua renderer's WebSocket: its frames, the upgrade and what may go wrong in it. The host is played by the spec.
local uv = require "luv"
local core = require "ipchost.core"
local renderer = require "ipchost.renderer"

local function block(bytes) return string.pack("<s4", bytes) end

--- A client's frame taken apart: its first byte, what it carries, and the rest.
local function unmask(bytes)
  local first, second = bytes:byte(1, 2)
  local length, at = second & 127, 3
  assert.equal(0x80, second & 0x80)
  if length == 126 then length, at = string.unpack(">I2", bytes, at) end
  if length == 127 then length, at = string.unpack(">I8", bytes, at) end
  local mask, out = bytes:sub(at, at + 3), {}
  for i = 1, length do out[i] = string.char(bytes:byte(at + 3 + i) ~ mask:byte((i - 1) % 4 + 1)) end
  return first, table.concat(out), bytes:sub(at + 4 + length)
end

describe("core.websocket", function()
  local codec
  before_each(function() codec = core.websocket() end)

  it("writes each block as a masked frame, each with a mask of its own", function()
    local long = ("x"):rep(70000)
    local frames = codec:frames(block("one") .. block("") .. block(long))
    local first, message, rest = unmask(frames)
    assert.same({ 0x82, "one" }, { first, message })
    first, message, rest = unmask(rest)
    assert.same({ 0x82, "" }, { first, message })
    first, message, rest = unmask(rest)
    assert.equal(0x82, first)
    assert.is_true(message == long)
    assert.equal("", rest)
    assert.not_equal(codec:frames(block("one")), codec:frames(block("one")))
    assert.error(function() codec:frames("\5\0\0\0cut") end)
  end)

  it("reads messages as blocks, in pieces of any size", function()
    local bytes = "\x82\3one" .. "\x02\1t" .. "\x89\4ping" .. "\x00\0" .. "\x80\2wo"
    for size = 1, #bytes do
      local reads = core.websocket()
      local blocks, frames = "", ""
      for at = 1, #bytes, size do
        local more, answer, code = reads:accept(bytes:sub(at, at + size - 1))
        blocks, frames = blocks .. more, frames .. answer
        assert.is_nil(code)
      end
      assert.equal(block("one") .. block("two"), blocks)
      assert.same({ 0x8a, "ping", "" }, { unmask(frames) })
    end
  end)

  it("answers a close, and reads nothing behind it", function()
    local blocks, frames, code = codec:accept("\x82\1a\x88\5\x03\xe8bye\x82\1b")
    assert.equal(block("a"), blocks)
    assert.same({ 0x88, "\x03\xe8", "" }, { unmask(frames) })
    assert.equal(1000, code)
    assert.same({ 0x88, "\x03\xe9", "" }, { unmask(codec:close(1001)) })
    assert.error(function() codec:close(1006) end)
  end)

  it("tells how the rules were broken, and then for ever", function()
    for bytes, code in pairs {
      ["\x82\x83abcdone"] = 1002, ["\x81\1t"] = 1003, ["\xc2\0"] = 1002, ["\x88\1x"] = 1002,
    } do
      local broken = core.websocket()
      for _ = 1, 2 do
        local result = table.pack(broken:accept(bytes))
        assert.is_nil(result[1])
        assert.equal(code, result[4])
        bytes = "\x82\0"
      end
    end
    codec:limit(10)
    assert.equal(1009, select(4, codec:accept("\x82\11")))
  end)

  it("makes keys and what accepts them", function()
    local key, accept = codec:key()
    assert.equal(24, #key)
    assert.equal(28, #accept)
    assert.not_equal(key, (codec:key()))
  end)
end)

describe("connecting to ws://", function()
  local server, port, clients

  --- Answers whatever comes first with the bytes, or with what they are for the request, and ends if it is to.
  local function serve(answer, ends)
    server, clients = uv.new_tcp(), {}
    assert(server:bind("127.0.0.1", 0))
    port = server:getsockname().port
    server:listen(8, function()
      local client = uv.new_tcp()
      server:accept(client)
      clients[#clients + 1] = client
      client:read_start(function(_, chunk)
        if not chunk then return client:is_closing() or client:close() end
        if client.answered then return end
        client:write(type(answer) == "function" and answer(chunk) or answer)
        if ends then client:shutdown() end
        client:read_stop()
        client:read_start(function(_, more) if not more and not client:is_closing() then client:close() end end)
      end)
    end)
  end

  after_each(function()
    server:close()
    for _, client in ipairs(clients) do if not client:is_closing() then client:close() end end
    uv.run("nowait")
  end)

  local function failure(address)
    local ok, err = pcall(renderer.connect, address or "ws://127.0.0.1:" .. port, { timeout = 10000 })
    assert.is_false(ok)
    return err
  end

  it("says why there is no upgrade", function()
    serve("HTTP/1.1 421 Misdirected Request\r\nContent-Length: 25\r\n\r\n421: Host 'h' is not yours")
    local err = failure()
    assert.equal("ERR_DENIED", err.code)
    assert.matches("421: Host 'h' is not your", err.message, 1, true)
  end)

  it("says that something else listens there", function()
    serve("HTTP/1.1 404 Not Found\r\n\r\n")
    assert.matches("HTTP/1.1 404 Not Found", failure().message, 1, true)
  end)

  it("says so, too, when that speaks no HTTP", function()
    serve(("x"):rep(20000))
    assert.equal("ERR_PROTOCOL", failure().code)
  end)

  it("says that the other end went away", function()
    serve("HTTP/1.1 101 Switching Protocols\r\n", true)
    assert.equal("ERR_CLOSED", failure().code)
  end)

  it("wants the answer to its own request", function()
    serve("HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
    local err = failure()
    assert.equal("ERR_PROTOCOL", err.code)
    assert.matches("somebody else", err.message, 1, true)
  end)

  it("asks for the socket of the host it was given, with or without its path", function()
    local asked
    serve(function(request)
      asked = request
      return "HTTP/1.1 403 Forbidden\r\nContent-Length: 3\r\n\r\nno."
    end)
    for _, path in ipairs { "", "/", "/ipchost" } do
      failure("ws://127.0.0.1:" .. port .. path)
      assert.matches("^GET /ipchost HTTP/1.1\r\nHost: 127.0.0.1:" .. port .. "\r\n", asked)
    end
    assert.matches("expected ws://host:port", failure("ws://127.0.0.1:" .. port .. "/other"), 1, true)
  end)
end)
