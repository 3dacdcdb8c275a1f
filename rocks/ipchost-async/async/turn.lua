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

-- Two slots for each that waits: a function and its argument, which may be nil, so they are counted.
local waiting, count, ticker = {}, 0, nil

local function tick()
  local list, last = waiting, count
  waiting, count = {}, 0
  for i = 1, last, 2 do scheduler.post(list[i], list[i + 1]) end
  if not scheduler.has_host() then scheduler.drain() end
  if count == 0 then ticker:stop() end
end

--- Posts `fn(a)` in the next turn of the loop.
function turn.next(fn, a)
  if count == 0 then
    ticker = ticker or require("luv").new_idle()
    ticker:start(tick)
  end
  waiting[count + 1], waiting[count + 2] = fn, a
  count = count + 2
end

return turn
