--- The microtask queue: jobs that run when no script code is on the stack, and rejections nobody took.
-- It knows neither promises nor tasks beyond the fields that it reports, and no loop: a host, or else
-- `async.turn`, has it drained.
-- @module async.scheduler
local scheduler = {}

--- Coroutines in which code may await at top level. The host marks its own here.
scheduler.top_level = setmetatable({}, { __mode = "k" })

--- What a coroutine runs: a task, or the context of a top-level coroutine that has awaited. Private to this rock.
scheduler.contexts = setmetatable({}, { __mode = "k" })

local contexts, top_level = scheduler.contexts, scheduler.top_level
local running = coroutine.running

-- A buffer of this many slots is given back after a burst.
local KEEP = 3 * 4096

-- Three slots a job: a function and its two arguments. Jobs are posted to `incoming`; `current` is being run.
local incoming, posted = {}, 0
local current, count, position = {}, 0, 0
local unhandled, unhandled_count = {}, 0
local draining, requested = false, false
local host

local function request()
  requested = true
  if host then return host.request() end
  require("async.turn").request()
end

local function push(fn, a, b)
  local at = posted
  incoming[at + 1], incoming[at + 2], incoming[at + 3] = fn, a, b or false
  posted = at + 3
end

--- Queues `fn(a, b)`. It must not raise.
function scheduler.post(fn, a, b)
  push(fn, a, b)
  if not requested then request() end
end

--- The same for finalizers, which must not touch the loop: without a host it runs with the next job.
function scheduler.defer(fn, a)
  push(fn, a)
  if host and not requested then request() end
end

--- Remembers a rejected promise: once the queue is empty it is reported, unless it is `handled` by then.
function scheduler.watch(promise)
  unhandled_count = unhandled_count + 1
  unhandled[unhandled_count] = promise
  if not requested then request() end
end

local function run_jobs()
  while true do
    while position < count do
      local at = position
      local fn, a, b = current[at + 1], current[at + 2], current[at + 3]
      current[at + 1], current[at + 2], current[at + 3] = false, false, false
      position = at + 3
      fn(a, b)
    end
    if posted == 0 then break end
    if count > KEEP then current = {} end
    current, incoming = incoming, current
    count, position, posted = posted, 0, 0
  end
  if count > KEEP then current, count, position = {}, 0, 0 end
end

--- A reason in words.
-- @return string
function scheduler.describe(reason)
  local meta = debug.getmetatable(reason)
  if type(reason) == "table" and not (meta and meta.__tostring) then
    local message = rawget(reason, "message")
    if type(message) == "string" then return tostring(rawget(reason, "name") or "Error") .. ": " .. message end
  end
  local ok, text = pcall(tostring, reason)
  return ok and text or "an error of type " .. type(reason)
end

--- Hook: sees an unhandled rejection before it is logged.
-- @function scheduler.on_unhandled
-- @param reason what the promise was rejected with
-- @string report the reason and the tracebacks, as text
-- @treturn bool true if it is dealt with
scheduler.on_unhandled = nil

--- Hook: where errors go that nobody took.
-- @string text
function scheduler.log(text) io.stderr:write(text, "\n") end

local function log(text) pcall(scheduler.log, text) end

--- Logs an error that a callback raised.
-- @string where what raised it
-- @param reason the error
-- @string[opt] trace its traceback
function scheduler.log_error(where, reason, trace)
  log(("%s: %s%s"):format(where, scheduler.describe(reason), trace and "\n" .. trace or ""))
end

local function report(promise)
  local text = "Unhandled rejection: " .. scheduler.describe(promise.value)
  if promise.trace then text = text .. "\n" .. promise.trace end
  local hook = scheduler.on_unhandled
  if hook then
    local ok, dealt = pcall(hook, promise.value, text)
    if ok and dealt then return end
    if not ok then scheduler.log_error("Error in scheduler.on_unhandled", dealt) end
  end
  log(text)
end

local function report_unhandled()
  local list, n = unhandled, unhandled_count
  unhandled, unhandled_count = {}, 0
  for i = 1, n do
    if not list[i].handled then
      list[i].handled = true
      report(list[i])
    end
  end
end

local function drain_all()
  repeat
    run_jobs()
    if unhandled_count > 0 then report_unhandled() end
  until posted == 0 and unhandled_count == 0
end

--- Runs jobs until there are none. Never raises; inside of itself it does nothing.
function scheduler.drain()
  if draining then return end
  draining, requested = true, true
  while true do
    -- Jobs do not raise; but a limit of the host may, anywhere.
    local ok, reason = pcall(drain_all)
    if ok then break end
    scheduler.log_error("Error in the microtask queue", reason)
  end
  draining, requested = false, false
end

--- True while nothing is queued.
function scheduler.is_idle()
  return posted == 0 and position >= count and unhandled_count == 0
end

--- Sets who drains the queue. `request` is called when the queue goes from empty to non-empty; then `drain` is
-- to be called once no script code is on the stack. Without a host a handle on luv's loop does it.
-- @tparam ?table new `{ request = function }`
function scheduler.set_host(new)
  host = new
  if requested and not draining then request() end
end

--- True if there is a host, which must not be blocked.
function scheduler.has_host() return host ~= nil end

--- True if code in the coroutine (the running one if none is given) may await.
-- @tparam ?thread co
function scheduler.is_task(co)
  co = co or running()
  return contexts[co] ~= nil or top_level[co] ~= nil
end

--- The traceback of where an error that `await` raised in this coroutine was raised first, if it is known.
-- For message handlers.
-- @param reason the error
-- @treturn ?string
function scheduler.origin(reason)
  local context = contexts[running()]
  local raised = context and context.raised
  if raised and rawequal(raised.value, reason) then return raised.trace end
end

return scheduler
