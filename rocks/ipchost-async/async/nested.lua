--- coroutine.resume and coroutine.wrap whose coroutines may await when a task resumes them: the await suspends the
-- task as well. `async.coroutine` has them beside the other functions of the standard library. Tasks, and the
-- coroutines of a host, are resumed by what they await only.
-- @module async.coroutine
local context = require "async.context"
local scheduler = require "async.scheduler"

local raw_resume, yield, close = coroutine.resume, coroutine.yield, coroutine.close
local running, isyieldable, create = coroutine.running, coroutine.isyieldable, coroutine.create
local nested, is_task = context.nested, scheduler.is_task

local nested_coroutine = setmetatable({}, { __index = coroutine })

--- Hands on what the coroutine yielded; when it awaits, waits with it.
local function pass(co, ok, mark, ...)
  if not ok or mark ~= context.AWAITS then return ok, mark, ... end
  -- It is woken by what it awaits, and whoever waited with it never would be.
  if is_task(co) then return false, "cannot resume a coroutine that awaits: await what it answers" end
  if not isyieldable() then return pass(co, raw_resume(co, context.CANNOT, context.unyieldable())) end
  return pass(co, raw_resume(co, yield(mark)))
end

--- As coroutine.resume.
local function resume(co, ...)
  local below = running()
  if not nested[below] and not is_task(below) then return raw_resume(co, ...) end
  nested[co] = below
  return pass(co, raw_resume(co, ...))
end
nested_coroutine.resume = resume

local function unwrap(co, ok, ...)
  if ok then return ... end
  close(co)
  error(..., 0)
end

--- As coroutine.wrap.
function nested_coroutine.wrap(fn)
  local co = create(fn)
  return function(...) return unwrap(co, resume(co, ...)) end
end

return nested_coroutine
