--- Closing handles of luv's: the process may end right after. luv crashes at the end of one in which a handle was
-- closed and no turn of the loop followed, as when what was awaited last is a timer, or after an error.
-- @module async.closing
local scheduler = require "async.scheduler"

local closing = {}

-- What was made last is collected first: before the handle, a turn is run.
local count, last, uv = 0, nil, nil
local LastTurn = { __gc = function(self) if self == last and count > 0 then uv.run("nowait") end end }

local function closed() count = count - 1 end

--- Closes a handle; `done`, if given, is called when it is gone.
function closing.close(handle, done)
  -- A host has its loop run to the end by itself.
  if scheduler.has_host() then return handle:close(done) end
  uv = uv or require "luv"
  handle:close(not done and closed or function()
    closed()
    done()
  end)
  count = count + 1
  last = setmetatable({}, LastTurn)
end

return closing
