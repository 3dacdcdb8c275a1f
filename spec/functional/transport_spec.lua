-- How a link ends: a half close is answered, a broken block gets a word of farewell, a peer that leaves is let go.
-- The client here is a bare socket.
local core = require "ipchost.core"
local support = require "spec.functional.support"
local uv = require "luv"
local await = require("async").await

local SCRIPT = [[
  local go
  local asked, resolve_asked = Promise.withResolvers()
  local gone, resolve_gone = Promise.withResolvers()
  ipcMain.handle("wait", function(event, value)
    event.sender:once("destroyed", function() resolve_gone("gone") end)
    resolve_asked("asked")
    await(Promise.new(function(resolve) go = resolve end))
    return value
  end)
  ipcMain.handle("asked", function() return asked end)
  ipcMain.handle("gone", function() return gone end)
  ipcMain.handle("go", function() go() end)
]]

local Bare = {}
Bare.__index = Bare

--- Connects and says hello; waits for the welcome.
local function connect(address)
  local self = setmetatable({ reader = core.reader(), writer = core.writer(), packets = {} }, Bare)
  local path, port = address:match("^unix:(.+)$"), address:match(":(%d+)$")
  self.stream = path and uv.new_pipe() or uv.new_tcp()
  local function connected(failed)
    assert(not failed, failed)
    self.stream:read_start(function(err, chunk)
      self.ended = not chunk
      self.failed = err
      if not chunk then return end
      self.reader:feed(chunk)
      local packet = table.pack(self.reader:next())
      while packet[1] do
        self.packets[#self.packets + 1] = packet
        packet = table.pack(self.reader:next())
      end
    end)
  end
  if path then self.stream:connect(path, connected) else self.stream:connect("127.0.0.1", tonumber(port), connected) end
  self:put("hello", 1, 0, core.random(16), core.random(16), 0, 0, 0, {})
  return self
end

function Bare:put(...)
  assert(self.writer:put(...))
  self.bytes = (self.bytes or "") .. self.writer:take()
end

function Bare:write(bytes) self.stream:write(bytes) end

--- Waits for a packet of the kind.
function Bare:packet(kind)
  local found
  support.wait_until(function()
    for _, packet in ipairs(self.packets) do if packet[1] == kind then found = packet end end
    return found or self.ended
  end, kind)
  assert.is_truthy(found, "the link ended without " .. kind)
  return found
end

function Bare:close()
  if not self.stream:is_closing() then self.stream:close() end
end

for _, transport in ipairs(support.streams) do
  describe("a link over " .. transport, function()
    local host, bare, renderer

    before_each(function()
      host = support.start(SCRIPT, { config = "limits = { packet = '64KiB' }" })
      renderer = host:connect(transport)
      bare = connect(host.address[transport])
      support.wait_until(function() return uv.is_writable(bare.stream) end, "the connection")
      bare:write(bare.bytes)
      bare:packet("welcome")
      bare.bytes = nil
    end)
    after_each(function()
      bare:close()
      renderer:close()
      host:stop()
    end)

    local function invoke(channel)
      return renderer:run(function() return await(renderer.ipcRenderer.invoke(channel)) end)
    end

    local function ask()
      bare:put("invoke", 0, 1, 0, "wait", "value")
      bare:write(bare.bytes)
      assert.equal("asked", invoke("asked"))
    end

    it("answers after a half close, however late, and then ends", function()
      ask()
      bare.stream:shutdown()
      invoke("asked")
      invoke("asked")
      assert.is_falsy(bare.ended)
      invoke("go")
      local reply = bare:packet("reply")
      assert.same({ "reply", 1, 0, "value" }, { table.unpack(reply, 1, 4) })
      support.wait_until(function() return bare.ended end, "the end")
      assert.is_nil(bare.failed)
    end)

    it("is let go when its peer has left, though a call is pending", function()
      ask()
      bare:close()
      assert.equal("gone", invoke("gone"))
    end)

    it("hears why its block was refused", function()
      bare:write("\0\0\0\x80")
      local bye = bare:packet("bye")
      assert.equal(1002, bye[2])
      assert.matches("top bit", bye[3], 1, true)
    end)

    it("hears which limit a block exceeds before it is sent", function()
      bare:write("\1\0\1\0")
      local bye = bare:packet("bye")
      assert.equal(1009, bye[2])
      assert.matches("limits.packet (65536 bytes)", bye[3], 1, true)
    end)
  end)
end
