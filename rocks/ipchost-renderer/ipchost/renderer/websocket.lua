--- A link over a WebSocket: an upgrade, then the same bytes in and out as on a stream, in messages.
-- @module ipchost.renderer.websocket
local core = require "ipchost.core"
local Link = require "ipchost.renderer.link"

local NORMAL, DENIED, BROKEN = 1000, 1008, 1002
local HEAD_MAX, BODY_MAX = 16384, 4096

local WebSocket = setmetatable({}, { __index = Link })
WebSocket.__index = WebSocket

--- As Link.new; `owner` has two methods more: refused(code, reason) when there is no upgrade, and failed(code, reason)
-- when the host breaks the rules.
function WebSocket.new(owner)
  local self = setmetatable(Link.new(owner), WebSocket)
  self.codec, self.answer = core.websocket(), ""
  return self
end

function WebSocket:connect(target)
  self.authority = target.authority
  Link.connect(self, target)
end

--- The longest message that is taken.
function WebSocket:limit(packet) self.codec:limit(packet) end

function WebSocket:opened()
  local key
  key, self.accepted = self.codec:key()
  Link.write(self, ("GET /ipchost HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" ..
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n\r\n"):format(self.authority, key))
end

-- Why there is no upgrade: the host says it in the first line of the body.
local function refuse(self, head, body)
  local length = math.tointeger(tonumber(head:lower():match("\r\ncontent%-length: *(%d+)\r\n"))) or 0
  if #body < math.min(length, BODY_MAX) then return end
  local status = head:match("^HTTP/1%.1 (%d%d%d) ")
  local why = body:match("^[^\r\n]+") or head:match("^[^\r\n]*")
  self.owner:refused((status == "403" or status == "421") and DENIED or BROKEN, why)
end

-- The answer to the upgrade, as far as it has come.
local function take_answer(self, chunk)
  self.answer = self.answer .. chunk
  local _, last = self.answer:find("\r\n\r\n", 1, true)
  if not last then
    if #self.answer > HEAD_MAX then self.owner:refused(BROKEN, "no answer to the upgrade") end
    return
  end
  local head, rest = self.answer:sub(1, last), self.answer:sub(last + 1)
  if not head:find("^HTTP/1%.1 101 ") then return refuse(self, head, rest) end
  if head:match("\r\n[Ss]ec%-[Ww]eb[Ss]ocket%-[Aa]ccept: *(%S+)") ~= self.accepted then
    return self.owner:refused(BROKEN, "the upgrade was answered for somebody else")
  end
  self.answer = nil
  self.owner:connected()
  if rest ~= "" then self:received(rest) end
end

function WebSocket:received(chunk)
  if self.answer then return take_answer(self, chunk) end
  local blocks, frames, code, close = self.codec:accept(chunk)
  if not blocks then return self.owner:failed(close, frames) end
  if frames ~= "" then Link.write(self, frames) end
  if blocks ~= "" then self.owner:data(blocks) end
  if code then self:lost() end
end

function WebSocket:write(bytes) Link.write(self, self.codec:frames(bytes)) end

function WebSocket:close()
  if not self.closing and not self.is_lost and not self.answer then Link.write(self, self.codec:close(NORMAL)) end
  Link.close(self)
end

return WebSocket
