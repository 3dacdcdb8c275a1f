--- Pooled coroutines. Every function that this rock calls for a script runs in one, so that it may await.
-- A worker is held by the pool while it is idle and by nobody while it works: then only what it waits for
-- holds it.
-- @module async.worker
local scheduler = require "async.scheduler"

local create, resume, status = coroutine.create, coroutine.resume, coroutine.status
local yield, running, close = coroutine.yield, coroutine.running, coroutine.close
local traceback = debug.traceback
local contexts, top_level = scheduler.contexts, scheduler.top_level

local worker = {}

local POOLED = 256
local pool, pooled = {}, 0
-- Tells a resume by this module from one by a script, and its coroutines from the host's.
local MARK = {}

--- An error on its way: the value and where it was raised.
local Failure = {}
worker.Failure = Failure

--- @return a failure
function worker.failure(value, trace)
  return setmetatable({ value = value, trace = trace }, Failure)
end

--- Adds to a traceback the one of where an awaited error was raised first.
function worker.join(trace, origin)
  if not origin then return trace end
  if trace == "stack traceback:" then return origin end -- it awaited in a tail call: nothing is left of it
  return ("%s\nrejected at:\n%s"):format(trace, origin)
end

-- Frames of this rock, which tell nobody anything: below a script's function in a worker, and above what awaits.
local FOLDER = (debug.getinfo(1, "S").short_src:match("^(.-)worker[^/]*$") or "\n"):gsub("%p", "%%%0")
local BASE = "\n\t%[C%]: in function 'xpcall'\n\t[^\n]*\n\t" .. FOLDER .. "worker.*$"
local LAST = "\n\t" .. FOLDER .. "[^\n]*$"
local RAISED = "^stack traceback:\n\t%[C%]: in function 'error'(\n\t" .. FOLDER .. ".*)$"
local FIRST = { "^\n\t" .. FOLDER .. "[^\n]*", "^\n\t%(%.%.%.tail calls%.%.%.%)" }

local function without_base(text)
  local cut, found = text:gsub(BASE, "")
  return found == 0 and text or (cut:gsub(LAST, ""))
end

local function without_top(text)
  local rest = text:match(RAISED)
  if not rest then return text end
  local found
  repeat
    local own, tail
    rest, own = rest:gsub(FIRST[1], "")
    rest, tail = rest:gsub(FIRST[2], "")
    found = own + tail
  until found == 0
  return "stack traceback:" .. rest
end

local function without_own(text)
  text = text:gsub("\n\t%[C%]: in function 'xpcall'(\n\t" .. FOLDER .. ")", "%1")
  text = text:gsub("\n\t" .. FOLDER .. "[^\n]*\n\t%(%.%.%.tail calls%.%.%.%)", "")
  return (text:gsub("\n\t" .. FOLDER .. "[^\n]*", ""))
end

--- A traceback of the running coroutine without this rock's own frames; and where the reason was raised first, if it
-- was awaited here.
-- @int level as in debug.traceback
function worker.trace(reason, level)
  return worker.join(without_own(without_top(without_base(traceback(nil, level + 1)))), scheduler.origin(reason))
end

-- The last error that `catch` saw in a coroutine. It is not what `catch` returns, for scripts' `__close` see that.
local seen = setmetatable({}, { __mode = "k" })

--- The message handler of every call of a script's function: keeps the traceback for `caught`.
function worker.catch(value)
  seen[running()] = worker.failure(value, worker.trace(value, 2))
  return value
end

--- The failure for the error that xpcall with `catch` returned.
function worker.caught(value)
  local co = running()
  local failure = seen[co]
  seen[co] = nil
  -- A `__close` may have replaced the error; and some come past the message handler.
  if failure and rawequal(failure.value, value) then return failure end
  return worker.failure(value)
end

local function accept(mark, job, ...)
  if mark ~= MARK then return false end
  job(...)
  return true
end

local function work(...)
  local co = running()
  local done = accept(...)
  while true do
    if done then
      contexts[co] = nil
      if pooled >= POOLED then return end
      pooled = pooled + 1
      pool[pooled] = co
    end
    done = accept(yield())
  end
end

local function take()
  while pooled > 0 do
    local co = pool[pooled]
    pool[pooled] = nil
    pooled = pooled - 1
    if status(co) == "suspended" then return co end
  end
  local co = create(work)
  top_level[co] = MARK
  return co
end

--- An error has ended the coroutine: its task fails with it, or it is logged. Pending `__close`s are run.
local function lost(co, reason, trace)
  local context = contexts[co]
  close(co)
  if context and context.lost then return context:lost(worker.failure(reason, trace)) end
  scheduler.log_error("Error in a callback", reason, trace)
end

--- Resumes a worker, or a coroutine of the host's, and sees to how it ends.
local function run(co, ...)
  local ok, reason = resume(co, ...)
  if not ok then return lost(co, reason, traceback(co)) end
  if pool[pooled] == co or top_level[co] ~= MARK or status(co) ~= "suspended" then return end
  local context = contexts[co]
  if context and context.waiting then return end
  -- Nobody would ever resume it.
  lost(co, "coroutine.yield in a task: use await", traceback(co))
end
worker.resume = run

--- Runs `job(...)`, which must not raise, in a worker, until it ends or first waits.
function worker.start(job, ...) return run(take(), MARK, job, ...) end

local xpcall, catch = xpcall, worker.catch

local function called(where, ok, failure)
  if ok then return end
  failure = worker.caught(failure)
  scheduler.log_error(where, failure.value, failure.trace)
end

local function call(where, fn, ...) called(where, xpcall(fn, catch, ...)) end

--- Calls a script's function in a worker; what it raises is logged.
-- @string where names the call in the log
function worker.call(where, fn, ...) worker.start(call, where, fn, ...) end

return worker
