--- What each packet of the host means to a session.
-- @module ipchost.renderer.receive
local core = require "ipchost.core"
local answer = require "ipchost.renderer.answer"
local errors = require "ipchost.renderer.errors"
local ports = require "ipchost.renderer.ports"

local MALFORMED = 1002
local OK = 0

local packets = {}

local function is_frame(details)
  return type(details) == "table" and math.type(details.routingId) == "integer" and
    type(details.frameToken) == "string"
end

local function is_welcome(details)
  if type(details) ~= "table" or not is_frame(details.frame) or type(details.limits) ~= "table" then return false end
  for _, key in ipairs { "packet", "nesting", "outbound", "outbound_max" } do
    if math.type(details.limits[key]) ~= "integer" or details.limits[key] < 1 then return false end
  end
  return math.type(details.webContentsId) == "integer" and math.type(details.processId) == "integer"
end

packets["welcome"] = function(session, _, _, _, details)
  if not session.welcome then return session:fail(MALFORMED, "welcome: not expected now") end
  if not is_welcome(details) then return session:fail(MALFORMED, "welcome: details are missing") end
  session:established(details)
end

packets["send"] = function(session, number, channel, ...)
  local frame = session.frames[number]
  if frame then core.emit(frame.ipc, channel, { sender = frame.ipc, ports = {} }, ...) end
end

packets["post"] = function(session, number, channel, numbers, message)
  local frame, received = session.frames[number], ports.receive(session, numbers)
  local count = frame and core.emit(frame.ipc, channel, { sender = frame.ipc, ports = received }, message)
  if not count or count == 0 then ports.refuse(received) end
end

packets["port-message"] = function(session, number, numbers, value)
  ports.message(session, number, numbers, value, session.reader:payload())
end

packets["port-credit"] = ports.credit
packets["port-close"] = ports.close

packets["reply"] = function(session, number, status, value)
  local call = session.calls[number]
  if not call then return end
  session.calls[number] = nil
  if status == OK then return call.resolve(value) end
  call.reject(errors.remote(call.channel, value))
end

packets["invoke"] = function(session, frame, number, _, channel, ...)
  answer.invoke(session, frame, number, channel, ...)
end

packets["cancel"] = function(session, number, reason) answer.cancel(session, number, reason) end

packets["frame-opened"] = function(session, number, details)
  local opening = session.opening[number]
  if not opening then return end
  if not is_frame(details) then return session:fail(MALFORMED, "frame-opened: details are missing") end
  session.opening[number] = nil
  opening.resolve(details)
  session:pause()
end

packets["frame-close"] = function(session, number)
  -- That of the main frame is followed by bye, which has the reason.
  if number ~= 0 then session:remove_frame(number, { code = 1000, reason = "closed by the host" }) end
end

packets["ticket"] = function(session, number, _, _, ticket)
  local resolve = session.tickets and session.tickets[number]
  if resolve then resolve(ticket) end
end

packets["ping"] = function(session, token) session:put("pong", token) end

packets["bye"] = function(session, code, text)
  session:finish(code, text)
  session.link:destroy()
end

--- Handles what reader:next() returned; false when there was nothing, or the protocol was broken.
local function receive(session, kind, message_or_item, code_or_item, close_or_item, ...)
  if not kind then
    if message_or_item then session:fail(close_or_item, message_or_item) end
    return false
  end
  local packet = packets[kind]
  if packet then packet(session, message_or_item, code_or_item, close_or_item, ...) end
  return true
end

return receive
