--- Waiting from anywhere: a task awaits; other code drives luv's loop, where there is no host that does.
-- @module ipchost.renderer.wait
local uv = require "luv"
local async = require "async"
local promise = require "async.promise"
local scheduler = require "async.scheduler"

local wait = {}

--- True where a wait is an await. Outside a task inside the host that await explains itself.
local function awaits() return scheduler.is_task() or scheduler.has_host() end

local function drive(session, state)
  while not state.settled do
    session:take()
    scheduler.drain()
    if not state.settled and not uv.run("once") and not state.settled and scheduler.is_idle() then
      error("nothing is left on the loop that could end this wait", 0)
    end
  end
end

--- Calls `start(resolve, reject)` and returns what it resolves with, or raises what it rejects with.
function wait.for_callback(session, start)
  if awaits() then
    local settled, resolve, reject = promise.withResolvers()
    start(resolve, reject)
    return async.await(settled)
  end
  -- No promise here: this wait may hold up those who would settle it.
  local state = { settled = false, ok = false, value = nil }
  local function settle(ok, value)
    if not state.settled then state.settled, state.ok, state.value = true, ok, value end
  end
  start(function(value) settle(true, value) end, function(reason) settle(false, reason) end)
  drive(session, state)
  if not state.ok then error(state.value, 0) end
  return state.value
end

--- Waits for a task: returns its results, or raises its error.
function wait.for_task(session, task)
  if awaits() then return async.await(task) end
  local state = { settled = false }
  task:next(function(...) state.settled, state.values = true, table.pack(...) end,
    function(reason) state.settled, state.reason = true, reason end)
  drive(session, state)
  if not state.values then error(state.reason, 0) end
  return table.unpack(state.values, 1, state.values.n)
end

return wait
