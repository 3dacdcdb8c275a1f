--- Raw sockets for specs: HTTP requests as bytes, answers in parts, and WebSocket frames in every shape.
local support = require "spec.functional.support"
local uv = require "luv"

local raw = {}

local Socket = {}
Socket.__index = Socket

local function connect(stream, ...)
  local self = setmetatable({ bytes = "", stream = stream }, Socket)
  local connected
  local args = table.pack(...)
  args[args.n + 1] = function(failed)
    assert(not failed, failed)
    connected = true
    self.stream:read_start(function(err, chunk)
      self.failed = err
      if chunk then self.bytes = self.bytes .. chunk else self.ended = true end
    end)
  end
  assert(stream:connect(table.unpack(args)))
  support.wait_until(function() return connected end, "the connection")
  return self
end

--- Connects to a port of this machine, by its loopback address unless another is given.
function raw.open(port, address) return connect(uv.new_tcp(), address or "127.0.0.1", port) end

--- An address of this machine by which a peer is not known to be on it; where there is none, the usual one.
function raw.outer_address()
  for _, addresses in pairs(uv.interface_addresses()) do
    for _, address in ipairs(addresses) do
      if address.family == "inet" and not address.internal then return address.ip end
    end
  end
  return "127.0.0.1"
end

--- Connects to a unix socket.
function raw.open_unix(path) return connect(uv.new_pipe(), path) end

function Socket:write(bytes) self.stream:write(bytes) end

--- Waits until `#bytes >= count`; takes them.
function Socket:take(count)
  support.wait_until(function() return #self.bytes >= count or self.ended end, count .. " bytes")
  if #self.bytes < count then error(("the connection ended after %q"):format(self.bytes), 2) end
  local taken = self.bytes:sub(1, count)
  self.bytes = self.bytes:sub(count + 1)
  return taken
end

--- Takes everything up to the end of the connection.
function Socket:rest()
  support.wait_until(function() return self.ended end, "the end of the connection")
  return self:take(#self.bytes)
end

function Socket:close()
  if not self.stream:is_closing() then self.stream:close() end
end

-- HTTP

--- Takes one answer: `{ status, headers (lower case), body, text }`; `head` says that it has no body.
function Socket:answer(head)
  support.wait_until(function() return self.bytes:find("\r\n\r\n", 1, true) or self.ended end, "an answer")
  local from = self.bytes:find("\r\n\r\n", 1, true)
  if not from then error(("no answer but %q"):format(self.bytes), 2) end
  local answer = { text = self:take(from + 3), headers = {} }
  answer.status = math.tointeger(answer.text:match("^HTTP/1.1 (%d%d%d) "))
  for name, value in answer.text:gmatch("\r\n([%w-]+): ([^\r]*)") do answer.headers[name:lower()] = value end
  answer.body = head and "" or self:take(math.tointeger(answer.headers["content-length"] or 0))
  return answer
end

--- The bytes of a request; a header that is not given is left out, `Host` is the server's own unless given.
function raw.request(port, line, headers)
  local out, host = { line .. " HTTP/1.1" }, "127.0.0.1:" .. port
  for name, value in pairs(headers or {}) do
    if name == "Host" then host = value else out[#out + 1] = name .. ": " .. value end
  end
  table.insert(out, 2, "Host: " .. host)
  return table.concat(out, "\r\n") .. "\r\n\r\n"
end

--- One request on a connection of its own.
function raw.ask(port, line, headers)
  local socket = raw.open(port)
  socket:write(raw.request(port, line, headers))
  local answer = socket:answer(line:find("^HEAD "))
  socket:close()
  return answer
end

-- WebSocket

local KEY, ACCEPT = "dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

--- The headers of an upgrade, with those of `more`.
function raw.upgrade(more)
  local headers = {
    Connection = "Upgrade", Upgrade = "websocket", ["Sec-WebSocket-Version"] = "13", ["Sec-WebSocket-Key"] = KEY,
  }
  for name, value in pairs(more or {}) do headers[name] = value end
  return headers
end

--- Opens a WebSocket.
function raw.websocket(port, headers)
  local socket = raw.open(port)
  socket:write(raw.request(port, "GET /ipchost", raw.upgrade(headers)))
  local answer = socket:answer()
  if answer.status ~= 101 then error(answer.text .. answer.body, 2) end
  assert(answer.headers["sec-websocket-accept"] == ACCEPT)
  return socket
end

local function xor(bytes, mask)
  local out = {}
  for i = 1, #bytes do out[i] = string.char(bytes:byte(i) ~ mask:byte((i - 1) % 4 + 1)) end
  return table.concat(out)
end

--- A client's frame; `first` is its whole first byte, 0x82 for a binary message.
function raw.frame(first, payload)
  local mask = "\x37\xfa\x21\x3d"
  local length = #payload < 126 and string.pack("B", 0x80 | #payload)
    or #payload < 65536 and string.pack(">BI2", 0xfe, #payload) or string.pack(">BI8", 0xff, #payload)
  return string.char(first) .. length .. mask .. xor(payload, mask)
end

--- Takes a frame of the server; returns its first byte and what it carries.
function Socket:frame()
  local first, length = self:take(2):byte(1, 2)
  if length == 126 then length = string.unpack(">I2", self:take(2)) end
  if length == 127 then length = string.unpack(">I8", self:take(8)) end
  return first, self:take(length)
end

--- Takes frames up to the close frame, and the end; returns its code and reason.
function Socket:closed()
  local first, payload
  repeat first, payload = self:frame() until first == 0x88
  assert(self:rest() == "")
  if payload == "" then return nil, "" end
  return string.unpack(">I2", payload), payload:sub(3)
end

return raw
