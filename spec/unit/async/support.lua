--- What the specs of async share: a loop that is driven to its end, and a log that is looked into.
local async = require "async"
local scheduler = require "async.scheduler"
local uv = require "luv"

local support = {}

--- Runs luv's loop until nothing is left in it.
function support.drive() uv.run("default") end

--- Runs fn as a task, and the loop to its end; returns its results or raises what it raised.
function support.task(fn, ...)
  local task = async.run(fn, ...)
  local results
  task:on_complete(function(...) results = table.pack(...) end)
  support.drive()
  if not results then error("the task has not ended", 2) end
  if results[1] ~= nil then error(results[1], 0) end
  return table.unpack(results, 2, results.n)
end

--- Calls fn, drives the loop, and returns what was logged meanwhile.
function support.logged(fn)
  local log = scheduler.log
  local lines = {}
  scheduler.log = function(text) lines[#lines + 1] = text end
  local ok, reason = pcall(function()
    fn()
    support.drive()
  end)
  scheduler.log = log
  if not ok then error(reason, 0) end
  return table.concat(lines, "\n")
end

return support
