--- Turns of luv's loop: drains the microtasks where there is no host, and wakes what waits for a turn.
-- @module async.turn
local scheduler = require "async.scheduler"

local turn = {}
local idle, check -- made when first needed; active, and holding the loop, only while there is work

local function drain()
  idle:stop()
  check:stop()
  scheduler.drain()
end

--- Has the microtasks drained in this turn of the loop: before it polls, or right after.
function turn.request()
  if not idle then
    local uv = require "luv"
    idle, check = uv.new_idle(), uv.new_check()
  end
  idle:start(drain)
  check:start(drain)
end

local waiting, ticker = {}, nil

local function tick()
  local list = waiting
  waiting = {}
  for i = 1, #list, 2 do scheduler.post(list[i], list[i + 1]) end
  if not scheduler.has_host() then scheduler.drain() end
  if #waiting == 0 then ticker:stop() end
end

--- Posts `fn(a)` in the next turn of the loop.
function turn.next(fn, a)
  if #waiting == 0 then
    ticker = ticker or require("luv").new_idle()
    ticker:start(tick)
  end
  local n = #waiting
  waiting[n + 1], waiting[n + 2] = fn, a
end

return turn
