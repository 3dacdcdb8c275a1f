--- Lanes of sessions as bare sockets, for specs that say which packet goes where: streams and WebSockets.
local core = require "ipchost.core"
local assert = require "luassert"
local raw = require "spec.functional.raw"

local lane = {}

local Lane = {}
Lane.__index = Lane

--- The keys of a session; `features` of its hellos may be set.
function lane.session() return { id = core.random(16), secret = core.random(16) } end

--- Puts a hello for the session.
function lane.put_hello(writer, session, kind, sent, details, received)
  assert(writer:put("hello", 1, session.features or 0, session.id, session.secret, kind, sent, received or 0,
    details or {}))
end

--- Opens a connection; nothing is said yet. Over TCP another address of this machine may be given.
function lane.connect(host, transport, headers, address)
  local self = setmetatable({ writer = core.writer(), reader = core.reader(), ws = transport == "ws" }, Lane)
  if self.ws then
    self.socket = raw.websocket(host.http_port, headers)
  elseif transport == "tcp" then
    self.socket = raw.open(math.tointeger(host.address.tcp:match(":(%d+)$")), address)
  else
    self.socket = raw.open_unix(host.address.unix:match("^unix:(.*)$"))
  end
  return self
end

function Lane:put(...)
  assert(self.writer:put(...))
  return self
end

--- Sends what was put as one block.
function Lane:flush()
  local bytes = self.writer:take()
  self.socket:write(self.ws and raw.frame(0x82, bytes:sub(5)) or bytes)
  return self
end

function Lane:hello(session, kind, sent, details, received)
  lane.put_hello(self.writer, session, kind, sent or 0, details, received)
  return self
end

--- Takes packets up to one of the kind, or of the other.
function Lane:packet(kind, other)
  while true do
    local packet = table.pack(self.reader:next())
    if packet[1] and (packet[1] == kind or packet[1] == other) then return packet end
    if not packet[1] then
      if self.ws then
        local first, block = self.socket:frame()
        if first ~= 0x82 then error(("a frame %x instead of %s"):format(first, kind), 2) end
        self.reader:feed(string.pack("<I4", #block) .. block)
      else
        local length = self.socket:take(4)
        self.reader:feed(length .. self.socket:take(string.unpack("<I4", length)))
      end
    end
  end
end

--- The answer to a sync or invoke: its value.
function Lane:reply(call)
  local reply = self:packet("reply")
  assert.equal(call, reply[2])
  assert.equal(0, reply[3], tostring(reply[4] and type(reply[4]) == "table" and reply[4].message))
  return reply[4]
end

function Lane:invoke(call, ...)
  self:put("invoke", 0, call, 0, ...):flush()
  return self:reply(call)
end

function Lane:close() self.socket:close() end

return lane
