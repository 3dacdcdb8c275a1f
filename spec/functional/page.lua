--- Documents of pages as the host sees them: WebSockets with an Origin, for specs that need no browser.
local core = require "ipchost.core"
local raw = require "spec.functional.raw"

local page = {}

local Page = {}
Page.__index = Page

--- Opens a WebSocket; `origin` is http://127.0.0.1 at the host's port unless given, false for none. Says nothing yet.
function page.connect(host, origin)
  local self = setmetatable({ reader = core.reader(), writer = core.writer(), calls = 0, requests = 0 }, Page)
  if origin == nil then origin = ("http://127.0.0.1:%d"):format(host.http_port) end
  self.id, self.secret = core.random(16), core.random(16)
  self.socket = raw.websocket(host.http_port, origin and { Origin = origin })
  return self
end

--- Opens a document whose hello has the details, of which bytes may be strings.
function page.open(host, details, origin)
  local self = page.connect(host, origin):hello(details)
  self.welcome = self:packet("welcome")[5]
  return self
end

local BYTES = { ticket = true, issuer = true, host = true }

function Page:hello(details, lane)
  local all = { type = "page" }
  for key, value in pairs(details or {}) do
    all[key] = BYTES[key] and type(value) == "string" and core.values.Buffer(value) or value
  end
  return self:put("hello", 1, self.features or 0, self.id, self.secret, lane or 0, 0, 0, all)
end

--- Sends a packet as one message.
function Page:put(...)
  assert(self.writer:put(...))
  self.socket:write(raw.frame(0x82, self.writer:take():sub(5)))
  return self
end

--- Takes packets up to one of the kind.
function Page:packet(kind)
  while true do
    local packet = table.pack(self.reader:next())
    if packet[1] == kind then return packet end
    if not packet[1] then
      local first, block = self.socket:frame()
      if first ~= 0x82 then error(("a frame %x instead of %s"):format(first, kind), 2) end
      self.reader:feed(string.pack("<I4", #block) .. block)
    end
  end
end

--- Invokes on the main frame, and waits for nothing.
function Page:start(channel, ...)
  self.calls = self.calls + 1
  return self:put("invoke", 0, self.calls, 0, channel, ...)
end

--- The status and the value of the answer to an invoke on the frame (0 unless given).
function Page:ask(channel, ...) return self:ask_in(0, channel, ...) end

function Page:ask_in(frame, channel, ...)
  self.calls = self.calls + 1
  self:put("invoke", frame, self.calls, 0, channel, ...)
  local reply
  repeat reply = self:packet("reply") until reply[2] == self.calls
  return reply[3], reply[4]
end

--- The result of an invoke.
function Page:invoke(...)
  local status, value = self:ask(...)
  if status ~= 0 then error(value.message, 2) end
  return value
end

--- A ticket for a document of the origin in a frame of this one's; an empty string where there is none.
function Page:ticket(origin, frame)
  self.requests = self.requests + 1
  self:put("ticket", self.requests, frame or 0, origin, "")
  local answer = self:packet("ticket")
  assert(answer[2] == self.requests and answer[3] == (frame or 0) and answer[4] == origin)
  return answer[5]
end

--- The arguments of the next message on the channel.
function Page:message(channel)
  local send
  repeat send = self:packet("send") until send[3] == channel
  return table.unpack(send, 4, send.n)
end

--- Waits for the end: the code and text of bye.
function Page:bye()
  local bye = self:packet("bye")
  return bye[2], bye[3]
end

--- Closes as a browser does that leaves the page.
function Page:leave(code) self.socket:write(raw.frame(0x88, string.pack(">I2", code or 1001))) end

function Page:close() self.socket:close() end

return page
