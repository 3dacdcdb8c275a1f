--- A client that speaks packets, for specs of what renderers do not say by themselves.
local support = require "spec.functional.support"
local core = require "ipchost.core"
local uv = require "luv"

local wire = {}

local Client = {}
Client.__index = Client

--- Connects to the host's unix socket and says hello; `client.welcome` is what it answered.
function wire.connect(host)
  local self = setmetatable({ reader = core.reader(), writer = core.writer(), packets = {} }, Client)
  local connected
  self.stream = uv.new_pipe()
  self.stream:connect(host.address.unix:match("^unix:(.*)$"), function(failed)
    assert(not failed, failed)
    connected = true
    self.stream:read_start(function(_, chunk)
      if not chunk then self.ended = true return end
      self.reader:feed(chunk)
      local packet = table.pack(self.reader:next())
      while packet[1] do
        self.packets[#self.packets + 1] = packet
        packet = table.pack(self.reader:next())
      end
    end)
  end)
  support.wait_until(function() return connected end, "the connection")
  self:put("hello", 1, 0, core.random(16), core.random(16), 0, 0, 0, { type = "native", pid = uv.os_getpid() })
  self.welcome = self:take("welcome")[5]
  return self
end

function Client:put(...)
  assert(self.writer:put(...))
  self.stream:write(self.writer:take())
end

--- Takes the next packet, which must be of the kind.
function Client:take(kind)
  support.wait_until(function() return self.packets[1] or self.ended end, kind)
  local packet = table.remove(self.packets, 1)
  if not packet then error("the connection ended before " .. kind, 2) end
  if packet[1] ~= kind then error(("expected %s, not %s %s"):format(kind, packet[1], packet[3] or packet[2]), 2) end
  return packet
end

--- Has the host answer what was sent so far, and checks that nothing came before that but `count` packets.
function Client:quiet(count)
  self:put("ping", 7)
  local function pong() return self.packets[#self.packets] and self.packets[#self.packets][1] == "pong" end
  support.wait_until(pong, "pong")
  table.remove(self.packets)
  assert(#self.packets == (count or 0), "packets came: " .. #self.packets)
end

function Client:close()
  if not self.stream:is_closing() then self.stream:close() end
end

return wire
