--- ipchost.core: values, packets, blocks and the emitter as the Lua renderer uses them.
local cjson = require "cjson"
local core = require "ipchost.core"

local values = core.values

local function bytes_of(hex)
  return (hex:gsub("%x%x", function(digits) return string.char(tonumber(digits, 16)) end))
end

local function block_of(bytes) return string.pack("<s4", bytes) end

local function vectors()
  local file = assert(io.open("spec/vectors/packets.json"))
  local text = file:read("a")
  file:close()
  return cjson.decode(text)
end

-- The header items of a kind in the protocol's order, by their names in the vectors.
local ITEMS = {
  hello = { "version", "features", "idHex", "secretHex", "lane", "sent", "received", "payloadHex" },
  welcome = { "resumed", "sent", "received", "payloadHex" },
  send = { "frame", "channel", "payloadHex" },
  invoke = { "frame", "call", "deadline", "channel", "payloadHex" },
  sync = { "frame", "call", "number", "channel", "payloadHex" },
  reply = { "call", "status", "payloadHex" },
  cancel = { "call", "reason" },
  post = { "frame", "channel", "ports", "payloadHex" },
  ["port-open"] = { "port", "window" },
  ["port-message"] = { "port", "ports", "payloadHex" },
  ["port-close"] = { "port" },
  ["port-credit"] = { "port", "bytes" },
  ["frame-open"] = { "frame", "parent", "payloadHex" },
  ["frame-opened"] = { "frame", "payloadHex" },
  ["frame-update"] = { "frame", "payloadHex" },
  ["frame-navigate"] = { "frame", "inPage", "payloadHex" },
  ["frame-close"] = { "frame" },
  ticket = { "request", "frame", "origin", "ticketHex" },
  ack = { "received" },
  ping = { "token" },
  pong = { "token" },
  bye = { "code", "text" },
  unknown = { "number" },
}
--- A copy in which what assert.same cannot compare, a buffer say, is its document.
local function comparable(value)
  local kind = values.type(value)
  if kind ~= "Object" and kind ~= "Array" then return type(value) == "userdata" and core.encode(value) or value end
  local copy = {}
  for key, item in pairs(value) do copy[key] = comparable(item) end
  return copy
end

local LISTS = { send = true, invoke = true, sync = true }

local function item_of(packet, name)
  local value = packet[name]
  if name:find("Hex$") then return bytes_of(value) end
  if type(value) == "number" then return math.tointeger(value) end
  return value
end

--- What a reader gives for a packet of the vectors, packed; nil where the payload is no document.
local function expected(packet)
  local list = { packet.kind, n = 1 }
  local function add(value)
    list.n = list.n + 1
    list[list.n] = value
  end
  for _, name in ipairs(ITEMS[packet.kind]) do
    local item = item_of(packet, name)
    if name ~= "payloadHex" then
      add(item)
    else
      local value, _, code = core.decode(item)
      if code or LISTS[packet.kind] and values.type(value) ~= "Array" then return nil end
      if not LISTS[packet.kind] then
        add(value)
      else
        for i = 1, #value do add(value[i] ~= values.undefined and value[i] or nil) end
      end
    end
  end
  return list
end

local function reader_of(limit)
  local reader = core.reader()
  reader:limits(limit or 64 << 20, 1000)
  return reader
end

--- All that a reader gives for the bytes, fed in pieces of `step`: a list of packed results, the last of them the
-- fault if there was one.
local function read_all(reader, bytes, step)
  local found = {}
  for from = 1, math.max(#bytes, 1), step do
    reader:feed(bytes:sub(from, from + step - 1))
    repeat
      local packet = table.pack(reader:next())
      if packet.n > 0 then found[#found + 1] = packet end
      if packet.n > 0 and packet[1] == nil then return found end
    until packet.n == 0
  end
  return found
end

describe("core.reader", function()
  it("reads the packets of the vectors", function()
    for _, vector in ipairs(vectors().valid) do
      local found = read_all(reader_of(), block_of(bytes_of(vector.hex)), 1 << 20)
      for i, packet in ipairs(vector.packets) do
        local wanted = expected(packet)
        if wanted then
          assert.same(comparable(wanted), comparable(found[i]), vector.name)
        else
          assert.equal(1007, found[i][4], vector.name)
        end
      end
      assert.equal(#vector.packets, #found, vector.name)
    end
  end)

  it("refuses the malformed of the vectors before anything of their block", function()
    for _, vector in ipairs(vectors().invalid) do
      local found = read_all(reader_of(), block_of(bytes_of(vector.hex)), 1 << 20)
      assert.equal(1, #found, vector.name)
      assert.is_nil(found[1][1], vector.name)
      assert.equal("string", type(found[1][2]), vector.name)
      assert.equal("ERR_PROTOCOL", found[1][3], vector.name)
      assert.equal(tonumber(vector.error), found[1][4], vector.name)
    end
  end)

  it("refuses every proper prefix of a packet", function()
    for _, vector in ipairs(vectors().valid) do
      local bytes = bytes_of(vector.hex)
      if #vector.packets == 1 then
        for length = 1, #bytes - 1 do
          local found = read_all(reader_of(), block_of(bytes:sub(1, length)), 1 << 20)
          assert.equal(1002, found[1][4], vector.name)
        end
      end
    end
  end)

  it("reads a stream the same however it is cut", function()
    for _, vector in ipairs(vectors().streams) do
      local bytes, limit = bytes_of(vector.streamHex), math.tointeger(vector.limit)
      local reader = reader_of(limit)
      local whole = read_all(reader, bytes, 1 << 20)
      local partial = reader:partial()
      for step = 1, 9 do
        reader = reader_of(limit)
        assert.same(whole, read_all(reader, bytes, step), vector.name)
        if not vector.error then assert.equal(partial, reader:partial(), vector.name) end
      end
    end
  end)

  it("ends a stream with the vector's code", function()
    for _, vector in ipairs(vectors().streams) do
      local readable = true
      for _, block in ipairs(vector.blocks) do
        local found = read_all(reader_of(), block_of(bytes_of(block)), 1 << 20)
        readable = readable and not (found[1] and found[1][1] == nil)
      end
      local reader = reader_of(math.tointeger(vector.limit))
      local found = read_all(reader, bytes_of(vector.streamHex), 1 << 20)
      local last = found[#found]
      if readable then
        assert.equal(tonumber(vector.error), last and last[1] == nil and last[4] or nil, vector.name)
        if not vector.error then assert.equal(vector.partial or false, reader:partial(), vector.name) end
      end
    end
  end)

  it("stays broken once it is", function()
    local reader = reader_of()
    reader:feed(block_of "\x03")
    local first = table.pack(reader:next())
    assert.equal(1002, first[4])
    reader:feed(block_of(bytes_of "821301"))
    assert.same(first, table.pack(reader:next()))
  end)

  it("refuses a payload that is no document", function()
    local found = read_all(reader_of(), block_of(bytes_of "840500" .. "\0" .. bytes_of "41ff"), 1 << 20)
    assert.is_nil(found[1][1])
    assert.equal("ERR_PAYLOAD", found[1][3])
    assert.equal(1007, found[1][4])
  end)

  it("wants its packets taken before it is fed again", function()
    local reader = reader_of()
    reader:feed(block_of(bytes_of "821301821302"))
    assert.equal("ping", (reader:next()))
    assert.has_error(function() reader:feed("x") end, "feed: take the packets of the last chunk first")
    assert.same({ "ping", 2 }, { reader:next() })
    assert.equal(0, select("#", reader:next()))
    reader:feed("x")
  end)

  it("survives any bytes", function()
    math.randomseed(7)
    local seeds = vectors().valid
    for _ = 1, 3000 do
      local bytes = block_of(bytes_of(seeds[math.random(#seeds)].hex))
      for _ = 1, math.random(4) do
        local at = math.random(#bytes)
        bytes = bytes:sub(1, at - 1) .. string.char(math.random(0, 255)) .. bytes:sub(at + 1)
      end
      for _, packet in ipairs(read_all(reader_of(4096), bytes, math.random(9))) do
        assert.is_true(packet[1] ~= nil or math.type(packet[4]) == "integer")
      end
    end
  end)
end)

describe("core.writer", function()
  it("writes what a reader reads, in one block", function()
    local writer = core.writer()
    assert.is_nil(writer:take())
    for _, vector in ipairs(vectors().valid) do
      for _, packet in ipairs(vector.packets) do
        local wanted = expected(packet)
        if wanted and packet.kind ~= "unknown" then
          writer:put(table.unpack(wanted, 1, wanted.n))
          local bytes = writer:take()
          assert.equal(#bytes - 4, (string.unpack("<I4", bytes)))
          local found = read_all(reader_of(), bytes, 1 << 20)
          assert.equal(1, #found, vector.name)
          assert.same(comparable(wanted), comparable(found[1]), vector.name)
        end
      end
    end
  end)

  it("puts what was put in a turn into one block, and says how much waits", function()
    local writer = core.writer()
    local first = writer:put("ping", 1)
    local second = writer:put("send", 0, "note", "a", nil, nil)
    local bytes = writer:take()
    assert.is_true(second > first)
    assert.equal(#bytes, second)
    assert.equal(#bytes - 4, (string.unpack("<I4", bytes)))
    assert.same({ { "ping", 1, n = 2 }, { "send", 0, "note", "a", n = 6 } }, read_all(reader_of(), bytes, 1 << 20))
    assert.is_nil(writer:take())
  end)

  it("keeps what is put from what finalizers put meanwhile", function()
    local writer, reader, count, rows = core.writer(), core.reader(), 0, {}
    for i = 1, 800 do rows[i] = values.object { [i] = { i } } end
    local function arm()
      setmetatable({}, { __gc = function()
        count = count + 1
        assert(writer:put("send", 0, "finalizer", count))
        arm()
      end })
    end
    local pause, step = collectgarbage("setpause", 100), collectgarbage("setstepmul", 400)
    arm()
    for _ = 1, 20 do assert(writer:put("send", 0, "rows", rows)) end
    arm = function() end
    collectgarbage("setpause", pause)
    collectgarbage("setstepmul", step)
    reader:feed(writer:take())
    local finalizers, all = 0, 0
    for kind, _, channel, value in function() return reader:next() end do
      assert.equal("send", kind)
      if channel == "rows" then
        all = all + 1
        for i = 1, 800 do assert(value[i][tostring(i)][1] == i) end
      else
        finalizers = finalizers + 1
      end
    end
    assert.equal(20, all)
    assert.is_true(finalizers > 0)
  end)

  it("counts what is numbered", function()
    local writer = core.writer()
    writer:put("ping", 1)
    writer:put("send", 0, "a")
    writer:put("bye", 1000, "")
    writer:put("cancel", 1, 0)
    assert.equal(2, writer:sent())
    assert.is_nil(writer:put("send", 0, "a", print))
    assert.equal(2, writer:sent())
  end)

  it("begins a new block where one would be over the limit", function()
    local writer = core.writer()
    writer:limits(40, 1000)
    for i = 1, 20 do assert(writer:put("send", 0, "channel", i)) end
    local bytes, blocks, at = writer:take(), 0, 1
    while at <= #bytes do
      local length = string.unpack("<I4", bytes, at)
      assert.is_true(length <= 40)
      at, blocks = at + 4 + length, blocks + 1
    end
    assert.is_true(blocks > 1)
    local found = read_all(reader_of(40), bytes, 1 << 20)
    assert.equal(20, #found)
    for i = 1, 20 do assert.equal(i, found[i][4]) end
  end)

  it("refuses what is over the limit, and takes the next", function()
    local writer = core.writer()
    writer:limits(40, 1000)
    writer:put("ping", 1)
    local ok, message, code = writer:put("send", 0, "a", ("x"):rep(50))
    assert.is_nil(ok)
    assert.matches("limits.packet (40 bytes) exceeded", message, 1, true)
    assert.equal("ERR_LIMIT_PACKET", code)
    writer:put("ping", 2)
    assert.same({ { "ping", 1, n = 2 }, { "ping", 2, n = 2 } }, read_all(reader_of(40), writer:take(), 1 << 20))
  end)

  it("refuses values that cannot be cloned, with their path", function()
    local ok, message, code = core.writer():put("send", 0, "a", 1, { rows = { { cb = print } } })
    assert.is_nil(ok)
    assert.equal("An object could not be cloned: args[2].rows[1].cb (function)", message)
    assert.equal("ERR_DATA_CLONE", code)
  end)

  it("refuses values deeper than the other side reads", function()
    local writer = core.writer()
    writer:limits(1 << 20, 3)
    assert.is_number(writer:put("send", 0, "a", { { 1 } }))
    assert.is_nil((writer:put("send", 0, "a", { { { 1 } } })))
  end)

  it("refuses channels that the wire does not carry", function()
    local writer = core.writer()
    assert.is_number(writer:put("send", 0, ("x"):rep(65535)))
    for _, channel in ipairs { ("x"):rep(65536), "\xff" } do
      local ok, message, code = writer:put("send", 0, channel)
      assert.is_nil(ok)
      assert.matches("^channel: ", message)
      assert.equal("ERR_INVALID_CHANNEL", code)
    end
  end)

  it("raises what is misuse", function()
    local writer = core.writer()
    assert.error_matches(function() writer:put("nothing") end, "no kind of packet")
    assert.error_matches(function() writer:put("ping", -1) end, "expected 0 to 2^53 - 1", 1, true)
    assert.error_matches(function() writer:put("ping", 1 << 53) end, "expected 0 to 2^53 - 1", 1, true)
    assert.error_matches(function() writer:put("ping") end, "number expected")
    assert.error_matches(function() writer:put("hello", 1, 0, "short", "", 0, 0, 0, {}) end, "expected 16 bytes")
    assert.is_nil(writer:take())
  end)
end)

describe("core.encode and core.decode", function()
  it("carry values there and back", function()
    for _, value in ipairs { 1, -1, 2.5, "text", true, values.null, { a = { 1, 2 } } } do
      assert.same(value, (core.decode(core.encode(value))))
    end
    assert.is_nil((core.decode(core.encode(nil))))
  end)

  it("say why they do not", function()
    local ok, message, code = core.encode { f = print }
    assert.is_nil(ok)
    assert.equal("An object could not be cloned: value.f (function)", message)
    assert.equal("ERR_DATA_CLONE", code)
    ok, message, code = core.decode "\xff"
    assert.is_nil(ok)
    assert.is_string(message)
    assert.equal("ERR_PAYLOAD", code)
  end)
end)

describe("core.random", function()
  it("gives as many bytes as asked for, never the same", function()
    assert.equal(16, #core.random(16))
    assert.equal("", core.random(0))
    assert.not_equal(core.random(16), core.random(16))
    assert.has_error(function() core.random(4097) end)
  end)
end)

describe("core.emitter", function()
  it("is an emitter with methods of its own, by dot and colon", function()
    local emitter = core.emitter("ipcRenderer", { send = function(...) return select("#", ...) end })
    local got = {}
    local function listener(...) got[#got + 1] = table.pack(...) end
    assert.equal(emitter, emitter:on("a", listener))
    assert.equal(emitter, emitter.once("a", listener))
    assert.equal(2, core.emit(emitter, "a", 1, nil))
    assert.equal(1, core.emit(emitter, "a", 2))
    assert.same({ { 1, n = 2 }, { 1, n = 2 }, { 2, n = 1 } }, got)
    assert.equal(2, emitter.send(1, 2))
    assert.error_matches(function() return emitter.sned end, "ipcRenderer has no field 'sned'; did you mean 'send'?")
  end)

  it("has its own events, which no peer sets off", function()
    local emitter = core.emitter("ipcRenderer", {})
    local added = {}
    emitter.on("newListener", function(channel) added[#added + 1] = channel end)
    emitter.on("a", print)
    assert.same({ "a" }, added)
    assert.equal(0, core.emit(emitter, "newListener", "b"))
    assert.same({ "a" }, added)
  end)
end)
