--- Task:wait and Task:pwait: for code outside of tasks, which has nothing better to do than to drive the loop.
-- @module async.wait
local await = require "async.await"
local cell = require "async.cell"
local clock = require "async.clock"
local closing = require "async.closing"
local scheduler = require "async.scheduler"
local Task = require("async.task").Task

local function check_blocking(uv)
  if scheduler.has_host() then error("task:wait would block the host: await the task inside async.run", 4) end
  if uv.loop_mode() then error("task:wait in a callback of the loop: await the task inside async.run", 4) end
end

--- Runs luv's loop until the task has completed, or the time is up.
local function drive(self, timeout)
  local uv = require "luv"
  check_blocking(uv)
  local late = false
  if timeout then uv.update_time() end -- it is that of the beginning of the loop's last turn
  local timer = timeout and uv.new_timer()
  if timer then timer:start(timeout, 0, function() late = true end) end
  while self.state == cell.PENDING and not late and uv.loop_alive() do uv.run("once") end
  if timer then closing.close(timer) end
  if self.state ~= cell.PENDING then return end
  if late then error("timeout", 0) end
  error("task:wait: nothing is left in the loop that could complete the task", 3)
end

--- Waits for the task: outside of tasks by driving luv's loop, inside of one as await does.
-- @tparam[opt] number timeout milliseconds; after them "timeout" is raised, and the task goes on
-- @return the results; raises the reason
function Task:wait(timeout)
  timeout = timeout and clock.milliseconds(timeout, "task:wait")
  self.handled = true
  if self.state == cell.PENDING then
    if scheduler.is_task() then
      if timeout then return clock.within(self, timeout, false) end
      return await.await(self)
    end
    drive(self, timeout)
  end
  if self.state == cell.REJECTED then error(self.value, 0) end
  local values = self.values
  if values then return table.unpack(values, 1, values.n) end
  return self.value
end

--- The same, protected.
-- @treturn bool
-- @return the results, or the reason
function Task:pwait(timeout) return pcall(self.wait, self, timeout) end
