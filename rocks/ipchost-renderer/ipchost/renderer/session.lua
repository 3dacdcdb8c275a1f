--- A session at a host: one connection, its frames, its pending calls; docs/protocol.md. It cannot be resumed:
-- it ends with its connection. What it gives to users is in ipchost.renderer and ipchost.renderer.ipc.
-- @module ipchost.renderer.session
local uv = require "luv"
local core = require "ipchost.core"
local promise = require "async.promise"
local scheduler = require "async.scheduler"
local errors = require "ipchost.renderer.errors"
local answer = require "ipchost.renderer.answer"
local Link = require "ipchost.renderer.link"
local ports = require "ipchost.renderer.ports"
local receive = require "ipchost.renderer.receive"
local WebSocket = require "ipchost.renderer.websocket"

-- What is sent in one turn of the loop is one write, unless it grows past this.
local TURN_MAX = 256 * 1024
local VERSION, FEATURES, LANE_MAIN = 1, 0, 0
local NORMAL, LOST, BROKEN = 1000, 1006, 1011
local KEY_LENGTH = 16
local CLIENT = "ipchost-lua/0.1.0"

local Session = {}
Session.__index = Session

--- A session that is not connected yet.
function Session.new(target)
  local self = setmetatable({
    target = target, reader = core.reader(), writer = core.writer(),
    calls = {},     -- number -> { frame, channel, resolve, reject }
    asked = {},     -- number -> { frame, signal }: calls of the host that a handler answers
    frames = {},    -- number -> { number, parent, ipc, closed, resolve_closed }
    opening = {},   -- number -> { parent, resolve, reject }
    welcome = nil,  -- { resolve, reject } while it is awaited
    gone = nil,     -- { code, reason } once it has ended
    last_call = 0, last_frame = 0,
    waiting = 0,    -- bytes put and not flushed
    awake = false,  -- the idle handle runs: there is something to do in the next turn
    paused = false, -- packets wait for the next turn
    mark = math.huge, cap = math.huge,
    links = {},     -- number -> end of a port
    last_port = -1, window = 1 << 20, port_limit = math.huge, frame_limit = math.huge, packet = math.huge,
  }, Session)
  self.link = (target.link or target.kind == "ws" and WebSocket or Link).new(self)
  self.idle = self.link:handle(uv.new_idle)
  self.on_idle = function() self:guard(self.turn) end
  return self
end

-- ---- outwards ----

--- Has `turn` called in the next turn of the loop.
function Session:wake()
  if self.awake then return end
  self.awake = true
  self.idle:start(self.on_idle)
end

function Session:turn()
  self.paused = false
  self:flush()
  self:take()
end

--- Puts a packet into what this turn writes.
-- @return how many bytes wait for the socket; or nil, message, code, and nothing was put
function Session:put(...)
  local waiting, message, code = self.writer:put(...)
  if not waiting then return nil, message, code end
  self.waiting = waiting
  if waiting > TURN_MAX then self:flush() else self:wake() end
  return self.waiting + self.link.unsent
end

--- Writes what was put.
function Session:flush()
  if self.awake and not self.paused then
    self.awake = false
    self.idle:stop()
  end
  self.waiting = 0
  local bytes = self.writer:take()
  if bytes then self.link:write(bytes) end
end

--- True while so much waits for a slow host that no more is taken.
function Session:over_cap() return self.waiting + self.link.unsent > self.cap end

--- Opens a call, an invoke with a deadline or, without one, a sync.
-- @return its number; or nil, message, code
function Session:call(call, deadline, channel, ...)
  local number = self.last_call + 1
  local ok, message, code
  if deadline then
    ok, message, code = self:put("invoke", call.frame, number, deadline, channel, ...)
  else
    ok, message, code = self:put("sync", call.frame, number, self.writer:sent() + 1, channel, ...)
  end
  if not ok then return nil, message, code end
  self.last_call = number
  self.calls[number] = call
  return number
end

--- Gives a call up, with the wire's reason: 0 aborted, 1 timed out. False if it is not pending.
function Session:cancel(number, reason)
  if not self.calls[number] then return false end
  self.calls[number] = nil
  self:put("cancel", number, reason)
  return true
end

-- ---- frames ----

--- Adds a frame that the host has opened. It is closed already if its parent, or the session, ended meanwhile.
function Session:add_frame(number, parent, ipc)
  local closed, resolve_closed = promise.withResolvers()
  local frame = { number = number, parent = parent, ipc = ipc, closed = closed, resolve_closed = resolve_closed }
  if self.gone or parent and not self.frames[parent] then
    resolve_closed(self.gone or { code = NORMAL, reason = "" })
  else
    self.frames[number] = frame
  end
  return frame
end

local function count(set)
  local n = 0
  for _ in pairs(set) do n = n + 1 end
  return n
end

--- Opens a child frame; resolves with its details.
-- @return its number
function Session:open_frame(parent, details, resolve, reject)
  local number = self.last_frame + 1
  if not self.frames[parent] then return reject(errors.released()) end
  if count(self.frames) + count(self.opening) >= self.frame_limit then
    return reject(errors.refused(("limits.frames (%d) exceeded; close frames or raise limits.frames")
      :format(self.frame_limit), "ERR_LIMIT_FRAMES"))
  end
  local ok, message, code = self:put("frame-open", number, parent, details)
  if not ok then return reject(errors.refused(message, code)) end
  self.last_frame = number
  self.opening[number] = { parent = parent, resolve = resolve, reject = reject }
  return number
end

--- Asks for a ticket, by which a document of that origin joins the tree below the frame (section 7.1).
-- @func resolve is given it, or an empty string
function Session:ask_ticket(frame, origin, resolve)
  self.tickets = self.tickets or {}
  self.tickets[#self.tickets + 1] = resolve
  self:put("ticket", #self.tickets, frame, origin, "")
end

--- Takes a frame and its descendants away: they are closed for that reason.
function Session:remove_frame(number, reason)
  local frame = self.frames[number]
  if not frame then return end
  self.frames[number] = nil
  for key, call in pairs(self.calls) do
    if call.frame == number then
      self.calls[key] = nil
      call.reject(errors.closed(call.channel, reason))
    end
  end
  answer.frame_gone(self, number)
  for key, opening in pairs(self.opening) do
    if opening.parent == number then
      self.opening[key] = nil
      opening.reject(errors.closed(nil, reason))
    end
  end
  for key, other in pairs(self.frames) do
    if other.parent == number then self:remove_frame(key, reason) end
  end
  frame.resolve_closed(reason)
end

--- Closes a child frame and its descendants.
function Session:close_frame(number)
  if not self.frames[number] then return end
  self:put("frame-close", number)
  self:remove_frame(number, { code = NORMAL, reason = "" })
end

-- ---- inwards: what the link calls ----

function Session:connected() self:flush() end

local function handle(self, chunk)
  -- After a pause, or inside a wait that was entered while packets were left.
  repeat
    self.paused = false
    self:take()
  until not self.paused
  if self.gone then return end
  self.reader:feed(chunk)
  self:take()
end

--- Calls fn(self, ...) for libuv: nothing may be raised through it.
function Session:guard(fn, ...)
  if self.gone then return end
  local ok, failure = xpcall(fn, debug.traceback, self, ...)
  if ok then return end
  scheduler.log_error("ipchost.renderer", failure)
  self:fail(BROKEN, "the renderer failed")
end

function Session:data(chunk)
  self:guard(handle, chunk)
  if scheduler.has_host() then return end
  scheduler.drain()
  if not self.gone then self:flush() end
end

function Session:lost(why)
  if self.welcome and why then self.refusal = errors.connect(self.target, why) end
  self:finish(LOST, why and ("the connection was lost: " .. why) or "the connection was lost")
  self.link:destroy()
end

--- The host did not let it in.
function Session:refused(code, reason)
  self.refusal = errors.refusal(self.target, code, reason)
  self:lost()
end

--- The host broke the rules of the link.
function Session:failed(code, reason) self:guard(self.fail, code, reason) end

--- Handles the packets that have arrived, unless paused.
function Session:take()
  local reader = self.reader
  while not self.gone and not self.paused do
    if not receive(self, reader:next()) then return end
  end
end

--- Lets packets wait for the next turn, so that whoever is told of a new frame can listen before them.
function Session:pause()
  self.paused = true
  self:wake()
end

-- ---- begin and end ----

--- Connects; resolves with the details of the host's welcome.
function Session:connect(details, timeout, resolve, reject)
  details.pid, details.client, details.type = uv.os_getpid(), CLIENT, "native"
  for key, value in pairs(self.target.details or {}) do details[key] = value end
  self.welcome = { resolve = resolve, reject = reject }
  local ok, message, code = self.writer:put("hello", VERSION, FEATURES, core.random(KEY_LENGTH),
    core.random(KEY_LENGTH), LANE_MAIN, 0, 0, details)
  if not ok then
    self.refusal = errors.refused(message, code)
    return self:lost()
  end
  self.timer = self.link:after(timeout, function()
    self.refusal = errors.connect_timeout(self.target, timeout)
    self:lost()
  end)
  self.link:connect(self.target)
end

--- The host's welcome has come.
function Session:established(details)
  local limits = details.limits
  self.web_contents_id, self.process_id = details.webContentsId, details.processId
  self.reader:limits(limits.packet, limits.nesting)
  self.writer:limits(limits.packet, limits.nesting)
  if self.link.limit then self.link:limit(limits.packet) end
  self.mark, self.cap = limits.outbound, limits.outbound_max
  self.window, self.port_limit = limits.window or self.window, limits.ports or self.port_limit
  self.packet, self.frame_limit = limits.packet, limits.frames or self.frame_limit
  self.link:release(self.timer)
  local welcome = self.welcome
  self.welcome = nil
  welcome.resolve(details)
  self:pause()
end

local function refuse_welcome(self, code, reason)
  local welcome, refusal = self.welcome, self.refusal or errors.refusal(self.target, code, reason)
  self.welcome = nil
  if welcome then self.link:when_gone(function() welcome.reject(refusal) end) end
end

--- Ends the session: nothing is sent or received any longer, and everybody is told. The link is the caller's to end.
function Session:finish(code, reason)
  if self.gone then return end
  self.gone = { code = code, reason = reason }
  self:remove_frame(0, self.gone)
  ports.finish(self)
  refuse_welcome(self, code, reason)
end

--- Ends it because the host broke the protocol, or this side failed: the host is told.
function Session:fail(code, reason)
  if self.gone then return end
  self:put("bye", code, reason)
  self:flush()
  self:finish(code, reason)
  self.link:close()
end

--- Ends it by the user's wish; `done` is called when all handles are gone.
function Session:close(done)
  self:fail(NORMAL, "")
  self.link:when_gone(done)
end

--- The link's handles close: so do the others.
function Session:unlinked()
  self.link:release(self.idle)
  self.link:release(self.timer)
end

return Session
