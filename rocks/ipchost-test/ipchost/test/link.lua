--- A renderer's link to a host in the same process, in the place of ipchost.renderer.link.
-- @module ipchost.test.link
local Link = {}
Link.__index = Link

function Link.new(owner)
  return setmetatable({ owner = owner, unsent = 0, handles = 0, waiting = {}, writing = false }, Link)
end

function Link:handle(new, ...)
  self.handles = self.handles + 1
  return (new(...))
end

function Link:after(ms, fn)
  local timer = self:handle(self.owner.target.uv.new_timer)
  timer:start(ms, 0, fn)
  return timer
end

function Link:release(handle)
  if not handle or handle:is_closing() then return end
  handle:close()
  self.handles = self.handles - 1
  if self.handles == 0 and self.gone then self.gone() end
end

function Link:connect(target)
  self.wire = target.host:connect(target.origin)
  target.links[self] = true
  self.owner:connected()
end

--- What the scripts do meanwhile may write as well.
function Link:write(bytes)
  local waiting = self.waiting
  waiting[#waiting + 1] = bytes
  if self.writing then return end
  self.writing = true
  while #waiting > 0 and self.wire do self.wire:write(table.remove(waiting, 1)) end
  self.writing = false
end

--- Hands on what the host has written. True if there was something.
function Link:poll()
  if not self.wire then return false end
  local bytes, closed = self.wire:take()
  if bytes then self.owner:data(bytes) end
  if not closed or not self.wire then return bytes ~= nil end
  self.owner:lost()
  return true
end

function Link:close() self:destroy() end

function Link:destroy()
  if self.wire then
    self.wire:close()
    self.owner.target.links[self] = nil
  end
  self.wire = nil
  self.owner:unlinked()
end

Link.when_gone = require("ipchost.renderer.link").when_gone -- of the same fields

return Link
