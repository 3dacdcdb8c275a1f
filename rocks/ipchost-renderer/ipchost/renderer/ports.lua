--- MessagePorts of the Lua renderer: pairs in this process, and their ends at a host (docs/protocol.md, section 5.1).
-- A port is what a script holds; behind it is an end, which goes on when the port is transferred. An end is joined
-- to another of this process, or by a number of its session to one that is elsewhere.
-- @module ipchost.renderer.ports
local core = require "ipchost.core"
local promise = require "async.promise"
local scheduler = require "async.scheduler"
local turn = require "async.turn"
local errors = require "ipchost.renderer.errors"

-- What a message costs of a window beside its payload.
local PARCEL_COST = 64
-- The most that a packet has beside channel, ports and payload, and for a port's number.
local BESIDE, NUMBER_SIZE = 64, 9
-- What may wait between two ports of this process before posting says so.
local WINDOW = 1024 * 1024

local ports = {}

-- port -> its end, or false when it was transferred or closed
local ends = setmetatable({}, { __mode = "k" })

local End = {}
End.__index = End

local function new_end()
  return setmetatable({
    queue = {}, first = 1, last = 0, -- what came and was not handed out: { value, ends, cost, numbers if by a session }
    waiting = 0, -- what it costs
    holder = setmetatable({}, { __mode = "v" }), -- the port, and what tells that it was collected
  }, End)
end

-- ---- what is handed out ----

local function wrap(list)
  local out = {}
  for i, stop in ipairs(list) do out[i] = ports.port(stop) end
  return out
end

local function put(session, ...)
  if not session.gone then return session:put(...) end
end

--- Tells whoever waits until the reader has caught up.
function End:caught_up()
  local draining = self.draining
  self.draining = nil
  if draining then draining.resolve() end
end

--- Credits the sender of a message that was taken.
function End:taken(item)
  local peer, session = self.peer, self.session
  if peer and self.waiting <= WINDOW then peer:caught_up() end
  if not session or not item.numbers then return end
  self.owed = self.owed + item.cost
  if self.owed < session.window / 2 or session.links[self.number] ~= self then return end
  put(session, "port-credit", self.number, self.owed)
  self.owed = 0
end

local function take(self)
  local item = self.queue[self.first]
  self.queue[self.first] = nil
  self.first = self.first + 1
  self.waiting = self.waiting - item.cost
  return item
end

local function clear(self)
  self.first, self.last, self.queue, self.waiting = 1, 0, {}, 0
end

--- Takes an end from the port that holds it: nobody there waits for its reader any longer.
local function let_go(stop)
  local holder = stop.holder
  stop:caught_up()
  if holder.port then ends[holder.port] = false end
  if holder.guard then holder.guard.stop = nil end
  holder.port, holder.guard, stop.anchor, stop.started = nil, nil, nil, false
end

local function emit(port, name, event)
  local ok, failure = pcall(core.emit, port, name, event)
  if not ok then scheduler.log_error("Error in a port", failure) end
end

--- Hands out what can be.
function End:deliver()
  self.scheduled = false
  while self.started and self.first <= self.last do
    local item = take(self)
    emit(self.holder.port, "message", { data = item.value, ports = wrap(item.ends) })
    self:taken(item)
  end
  if not self.over or self.first <= self.last then return end
  self:tell_close()
end

--- Ends it, and tells its port.
function End:tell_close()
  local port = self.holder.port
  let_go(self)
  self:finish()
  if port then emit(port, "close", {}) end
end

--- Has it handed out in a later turn.
local function schedule(self)
  if self.scheduled then return end
  self.scheduled = true
  turn.next(self.deliver, self)
end

--- A message has come.
function End:accept(item)
  self.last = self.last + 1
  self.queue[self.last] = item
  self.waiting = self.waiting + item.cost
end

--- Closes the ends in messages that cannot leave any longer.
local function drop_held(stop)
  local held = stop.held
  if not held then return end
  stop.held = {}
  for _, item in ipairs(held) do
    for _, inner in ipairs(item.ends) do inner:close() end
  end
end

--- The other end is closed: told after what is queued.
function End:ended()
  self.over = true
  drop_held(self)
  self:caught_up()
  if self.session then self:deliver() else schedule(self) end
end

--- It is of no more use, on this side.
function End:finish()
  self.anchor, self.started = nil, false
  local session = self.session
  if session and session.links[self.number] == self then
    session.links[self.number] = nil
    put(session, "port-close", self.number)
  end
  self:caught_up()
end

--- Closes it: the other end hears of it after what was posted.
function End:close()
  if self.closed then return end
  self.closed = true
  for i = self.first, self.last do
    for _, stop in ipairs(self.queue[i].ends) do stop:close() end
  end
  clear(self)
  if self.peer then
    self.peer.peer = nil
    self.peer:ended()
    self.peer = nil
  elseif self.session and #self.held > 0 then
    return -- when what is held has left
  end
  self:finish()
end

-- ---- transfer ----

--- The ends of a list of ports; raises what stands against their transfer.
local function check(list, source, level)
  if list == nil then return {} end
  if type(list) ~= "table" then error("Invalid value for transfer", level + 1) end
  local out, seen = {}, {}
  for i = 1, #list do
    local stop = ends[list[i]]
    if stop == nil and not source then error("Invalid value for transfer", level + 1) end -- as ipcRenderer says it
    local wrong = stop == nil and "is not a valid port" or list[i] == source and "contains the source port"
      or seen[list[i]] and "is a duplicate" or not stop and "is already neutered"
    if wrong then error(("Port at index %d %s"):format(i - 1, wrong), level + 1) end
    seen[list[i]] = true
    out[i] = stop
  end
  return out
end

--- Sends on what the end has, and that it is over.
local function give_back(session, stop)
  stop.returning = true
  for i = stop.first, stop.last do
    local item = stop.queue[i]
    put(session, "port-message", stop.number, item.numbers, item.value)
    for _, inner in ipairs(item.ends) do give_back(session, inner) end
  end
  clear(stop)
  if stop.over then stop:finish() end
end

-- ---- ports that another end stands for ----

--- Whether an end cannot go by the session as it is: it is at another one, what it has posted waits to leave, or not
-- all that it has is the host's to have back.
local function needs_relay(stop, session)
  if not stop.session then return false end
  if stop.session ~= session or #stop.held > 0 then return true end
  for i = stop.first, stop.last do
    if not stop.queue[i].numbers then return true end
  end
  return false
end

--- Hands on what one port gets by another, no faster than that is read, and its close.
local function hand_on(from, to)
  from:on("message", function(event)
    local stop = ends[from]
    local ok, result, why = pcall(to.postMessage, to, event.data, event.ports)
    if not ok then
      from:close()
      to:close()
      error(result, 0)
    end
    if why ~= "mark" then return end
    stop.started = false
    to:drained():next(function()
      if ends[from] ~= stop then return end
      stop.started = true
      schedule(stop)
    end)
  end)
  from:on("close", function() to:close() end)
end

--- A new end that stands for one which stays: what goes through it is read and written again.
local function relay(stop)
  local near, far = new_end(), new_end()
  near.peer, far.peer = far, near
  local here, there = ports.port(stop), ports.port(near)
  hand_on(here, there)
  hand_on(there, here)
  here:start()
  there:start()
  return far
end

local function bind(session, stop, number)
  stop.session, stop.number = session, number
  stop.outstanding, stop.owed, stop.held = 0, 0, {}
  session.links[number] = stop
end

--- Takes back the number of an end whose packet could not be put: the end that it was for is lost.
local function unbind(session, kept, lost)
  session.links[kept.number] = nil
  kept.session, kept.number = nil, nil
  lost:close()
  kept:ended()
end

--- Numbers for ends that leave by the session.
-- @return the numbers, a function to be called when the packet with them was put, and one for when it could not be
local function number_ends(session, list)
  local numbers, after, failed = {}, {}, {}
  for i, stop in ipairs(list) do
    if needs_relay(stop, session) then stop = relay(stop) end
    local peer = stop.peer
    if stop.session == session then
      numbers[i] = stop.number
      after[i] = function() give_back(session, stop) end
      failed[i] = function() stop:close() end
    else
      session.last_port = session.last_port + 2
      numbers[i] = session.last_port
      local kept = peer or new_end()
      stop.peer, kept.peer = nil, nil
      bind(session, kept, numbers[i])
      after[i] = function()
        if kept.started then kept:open() end
        for at = stop.first, stop.last do kept:send(stop.queue[at].value, stop.queue[at].ends) end
        if not peer then kept:close() end
      end
      failed[i] = function() unbind(session, kept, stop) end
    end
  end
  local function each(fns)
    return function() for _, fn in ipairs(fns) do fn() end end
  end
  return numbers, each(after), each(failed)
end

local function check_count(session, list)
  local count = #list
  if count == 0 then return end
  for _ in pairs(session.links) do count = count + 1 end
  if count > session.port_limit then
    error(errors.new("ERR_LIMIT_PORTS", ("limits.ports (%d) exceeded"):format(session.port_limit)), 0)
  end
end

--- Puts a packet that transfers ends: `write(numbers)` puts it and returns what session:put does.
local function put_with(session, list, write)
  local numbers, after, failed = number_ends(session, list)
  local waiting, message, code = write(numbers)
  if waiting then after() else failed() end
  return waiting, message, code
end

-- ---- out by a session ----

function End:open()
  if self.opened or not self.session then return end
  self.opened = true
  put(self.session, "port-open", self.number, self.session.window)
end

--- Ends it where a message cannot be sent, as one of this process that no limit of the session's held for.
local function break_off(stop)
  stop.closed = true
  drop_held(stop)
  turn.next(stop.tell_close, stop)
end

--- Sends what the host has room for. The value was encoded before.
function End:flush()
  local session = self.session
  while #self.held > 0 and self.outstanding < session.window do
    local item = table.remove(self.held, 1)
    self.outstanding = self.outstanding + item.cost
    local waiting = put_with(session, item.ends, function(numbers)
      return put(session, "port-message", self.number, numbers, item.value)
    end)
    if not waiting then return break_off(self) end
  end
  if #self.held > 0 then return end
  self:caught_up()
  if self.closed then self:finish() end
end

function End:send(value, list, cost)
  if self.over or self.closed then
    for _, stop in ipairs(list) do stop:close() end
    return
  end
  self.held[#self.held + 1] = { value = value, ends = list, cost = cost or PARCEL_COST + #core.encode(value) }
  self:flush()
end

-- ---- the port class ----

--- The document of a message with so many ports, and a channel of so many bytes if it has one; raises why it
-- cannot be sent: once its ports are taken it is too late.
local function encode(message, session, count, channel)
  local document, text, code = core.encode(message)
  if not document then error(errors.refused(text, code), 0) end
  local size = #document + NUMBER_SIZE * count + (channel or 0) + BESIDE
  if session and size > session.packet then
    error(errors.new("ERR_LIMIT_PACKET", ("limits.packet (%d bytes) exceeded by a packet of up to %d")
      :format(session.packet, size)), 0)
  end
  return document
end

local function includes(list, stop)
  for _, each in ipairs(list) do
    if each == stop then return true end
  end
  return false
end

local function close_all(list)
  for _, stop in ipairs(list) do stop:close() end
end

--- Posts to the other port of this process.
local function post_here(peer, value, transferred, cost)
  -- It could never be taken out of itself again.
  if includes(transferred, peer) then return close_all(transferred) end
  peer:accept { value = value, ends = transferred, cost = cost }
  schedule(peer)
  return peer.waiting > WINDOW
end

local function post(port, message, list)
  local stop = ends[port]
  local session = stop and stop.session
  local transferred = check(list, port, 3)
  if session then check_count(session, transferred) end
  local document = encode(message, session, #transferred)
  for _, each in ipairs(transferred) do let_go(each) end
  if not stop or stop.over or not (stop.peer or session) then
    close_all(transferred)
    return false, "destroyed"
  end
  local cost, value = PARCEL_COST + #document, core.decode(document)
  local behind
  if session then
    stop:send(value, transferred, cost)
    behind = #stop.held > 0
  else
    behind = post_here(stop.peer, value, transferred, cost)
  end
  if behind then return false, "mark" end
  return true
end

local function start(port)
  local stop = ends[port]
  if not stop or stop.started then return end
  stop.started, stop.anchor = true, port
  stop:open()
  schedule(stop)
end

local function close(port)
  local stop = ends[port]
  if not stop then return end
  let_go(stop)
  stop:close()
end

local function drained(port)
  local stop = ends[port]
  local behind = stop and (stop.held and #stop.held > 0 or stop.peer and stop.peer.waiting > WINDOW)
  if not behind then return promise.resolve() end
  if not stop.draining then
    stop.draining = {}
    stop.draining.promise, stop.draining.resolve = promise.withResolvers()
  end
  return stop.draining.promise
end

local function method(name, arguments, fn)
  return function(port, ...)
    if ends[port] == nil then
      error(("port.%s was called with '.'; write port:%s(%s)"):format(name, name, arguments), 2)
    end
    return fn(port, ...)
  end
end

local methods = {
  start = method("start", "", start), close = method("close", "", close), drained = method("drained", "", drained),
  postMessage = function(port, ...)
    if ends[port] == nil then
      error("port.postMessage was called with '.'; write port:postMessage(message, ports)", 2)
    end
    return post(port, ...)
  end,
}

local function collected(stop) stop:close() end

-- Of what a port alone holds. A finalizer only enqueues.
local guard_class = { __gc = function(guard)
  if guard.stop then scheduler.defer(collected, guard.stop) end
end }

--- A new port for the end. It is closed when nobody holds the port, unless it was started.
function ports.port(stop)
  local guard = setmetatable({ stop = stop }, guard_class)
  local own = { [guard_class] = guard }
  for name, fn in pairs(methods) do own[name] = fn end
  local port = core.emitter("port", own, true)
  ends[port], stop.holder.port, stop.holder.guard = stop, port, guard
  return port
end

--- Two ports that are joined.
function ports.pair()
  local one, other = new_end(), new_end()
  one.peer, other.peer = other, one
  return ports.port(one), ports.port(other)
end

-- ---- what sessions do ----

local scratch = core.writer()

--- Raises why nothing can be posted on a channel.
local function check_channel(channel)
  local ok, text, code = scratch:put("post", 0, channel, {}, nil)
  if not ok then error(errors.refused(text, code), 0) end
  scratch:take()
end

--- Posts with ports to a frame; returns what session:put does. Raises what stands against it.
function ports.post(session, frame, channel, message, list, level)
  local transferred = check(list, nil, level + 1)
  check_count(session, transferred)
  check_channel(channel)
  encode(message, session, #transferred, #channel)
  for _, stop in ipairs(transferred) do let_go(stop) end
  return put_with(session, transferred, function(numbers)
    return session:put("post", frame, channel, numbers, message)
  end)
end

--- Ends for numbers that the host has given.
local function adopt(session, numbers)
  local out = {}
  for i, number in ipairs(numbers) do
    out[i] = new_end()
    bind(session, out[i], number)
  end
  return out
end

--- Ports for such numbers.
function ports.receive(session, numbers) return wrap(adopt(session, numbers)) end

--- Closes ports that nobody was there for.
function ports.refuse(list)
  for _, port in ipairs(list) do close(port) end
end

--- A port-message whose payload had so many bytes; nil, and it could not be decoded.
function ports.message(session, number, numbers, value, bytes)
  local stop, inner = session.links[number], adopt(session, numbers)
  if stop and stop.returning then
    put(session, "port-message", number, numbers, value)
    for _, each in ipairs(inner) do give_back(session, each) end
  elseif not stop or stop.closed then
    close_all(inner)
  elseif not bytes then
    close_all(inner)
    stop.closed = true
    stop:tell_close()
  else
    stop:accept { value = value, ends = inner, numbers = numbers, cost = PARCEL_COST + bytes }
    stop:deliver()
  end
end

function ports.credit(session, number, bytes)
  local stop = session.links[number]
  if not stop then return end
  stop.outstanding = math.max(0, stop.outstanding - bytes)
  stop:flush()
end

function ports.close(session, number)
  local stop = session.links[number]
  if not stop then return end
  if stop.returning then
    session.links[number] = nil
    put(session, "port-close", number)
  else
    stop:ended()
  end
end

--- The session is over.
function ports.finish(session)
  local links = session.links
  session.links = {}
  for _, stop in pairs(links) do stop:ended() end
end

return ports
