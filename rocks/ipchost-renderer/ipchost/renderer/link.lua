--- One stream connection on luv: bytes in and out, through one socket or a pipe each. It knows no packet.
-- @module ipchost.renderer.link
local uv = require "luv"
local closing = require "async.closing"
local stdio = require "ipchost.renderer.stdio"

-- How long a closed link still listens once all is written, so that the last bytes reach a host that is still writing.
local LINGER_MS = 500
-- A host that is busy reads later: how long one may take nothing at all of what a closed link has left to write.
local STALL_MS = 10000

local Link = {}
Link.__index = Link

--- Opens a link; `owner` has the methods connected(), data(chunk), and lost(why), which is called once at most: with
-- libuv's name of the error, or nil at the end of the stream. None of them may raise.
function Link.new(owner)
  return setmetatable({ owner = owner, unsent = 0, handles = 0 }, Link)
end

--- Makes a handle that is counted: the link is gone when its handles are.
function Link:handle(new, ...)
  self.handles = self.handles + 1
  return (assert(new(...)))
end

local function start_timer(timer, ms, again, fn)
  uv.update_time() -- the loop's own time is that of the beginning of its turn
  timer:start(ms, again, fn)
end

--- A timer that calls fn once, `ms` from now.
function Link:after(ms, fn)
  local timer = self:handle(uv.new_timer)
  start_timer(timer, ms, 0, fn)
  return timer
end

--- Closes one of the handles.
function Link:release(handle)
  if not handle or handle:is_closing() then return end
  closing.close(handle, function()
    self.handles = self.handles - 1
    if self.handles == 0 and self.gone then self.gone() end
  end)
end

function Link:lost(why)
  if self.closing or self.is_lost then return end
  self.is_lost = true
  self.owner:lost(why)
end

local function start(self)
  self.stream:read_start(function(err, chunk)
    if self.closing then
      if not chunk then self:destroy() end
    elseif chunk then
      self:received(chunk)
    else
      self:lost(err)
    end
  end)
  self:opened()
end

-- What another kind of link does otherwise.
function Link:opened() self.owner:connected() end
function Link:received(chunk) self.owner:data(chunk) end

--- Connects to a parsed address.
function Link:connect(target)
  local function connected(err)
    if err then return self:lost(err) end
    if not self.closing and not self.is_lost then start(self) end
  end
  if target.kind == "stdio" then
    local input, output = stdio.open(self)
    if not input then return self:lost(output) end
    self.stream, self.output = input, output
    return start(self)
  end
  if target.kind == "unix" then
    self.stream = self:handle(uv.new_pipe, false)
    self.output = self.stream
    self.stream:connect(target.path, connected)
    return
  end
  self.stream = self:handle(uv.new_tcp)
  self.output = self.stream
  local function connect(host)
    local ok, _, name = self.stream:connect(host, target.port, connected)
    if not ok then self:lost(name) end
    self.stream:nodelay(true)
  end
  if target.host:find("^[%d.]+$") or target.host:find(":", 1, true) then return connect(target.host) end
  local name, _
  self.resolving, _, name = uv.getaddrinfo(target.host, nil, { socktype = "stream" }, function(err, found)
    self.resolving = nil
    if self.closing or self.is_lost then return end
    if err then return self:lost(err) end
    connect(found[1].addr)
  end)
  if not self.resolving then self:lost(name) end
end

--- Writes bytes, now as far as the socket takes them.
function Link:write(bytes)
  local written = self.output:try_write(bytes) or 0
  local left = #bytes - written
  if left == 0 then return end
  self.unsent = self.unsent + left
  self.output:write(written == 0 and bytes or bytes:sub(written + 1), function(err)
    self.unsent = self.unsent - left
    if not err then return end
    if self.closing then self:destroy() else self:lost(err) end
  end)
end

--- Gives up writing once the queue has not shrunk for long.
local function watch_queue(self)
  local left = self.output:get_write_queue_size()
  self.linger = self:handle(uv.new_timer)
  start_timer(self.linger, STALL_MS, STALL_MS, function()
    local now = self.output:get_write_queue_size()
    if now >= left then return self:destroy() end
    left = now
  end)
end

--- Ends it in order: what was written is delivered, and the other side's end is awaited.
function Link:close()
  if self.closing then return end
  self.closing = true
  if self.is_lost or not self.stream then return self:destroy() end
  watch_queue(self)
  local ends = self.output:shutdown(function() -- all is written, or will never be
    if self.linger:is_closing() then return end
    start_timer(self.linger, LINGER_MS, 0, function() self:destroy() end)
  end)
  if not ends then self:destroy() end
end

--- Ends it at once.
function Link:destroy()
  self.closing = true
  if self.resolving then uv.cancel(self.resolving) end
  self:release(self.stream)
  self:release(self.output)
  self:release(self.linger)
  self.owner:unlinked()
end

--- Calls fn when all handles are gone.
function Link:when_gone(fn)
  if self.handles == 0 then return fn() end
  local before = self.gone
  self.gone = function()
    if before then before() end
    fn()
  end
end

return Link
