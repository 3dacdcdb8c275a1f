--- Calls that the host makes: a handler of the frame's ipcRenderer answers each, in a coroutine of its own.
-- @module ipchost.renderer.answer
local core = require "ipchost.core"
local abort = require "async.abort"
local await = require("async").await
local scheduler = require "async.scheduler"
local worker = require "async.worker"
local errors = require "ipchost.renderer.errors"

local OK, ERROR = 0, 1
local TIMED_OUT = 1

local answer = {}

-- ---- errors on their way out: docs/protocol.md, section 6 ----

--- The text without the `file:line: ` in front, where that is the position of a function on the stack.
local function without_position(text)
  for level = 2, 64 do
    local info = debug.getinfo(level, "Sl")
    if not info then break end
    local position = ("%s:%d: "):format(info.short_src, info.currentline)
    if text:sub(1, #position) == position then return text:sub(#position + 1) end
  end
  return text
end

--- The message handler of a handler's call: the error value without its position, and the traceback.
local function catch(value)
  local plain = type(value) == "string" and without_position(value) or value
  return worker.failure(plain, worker.trace(value, 2))
end

local function text_of(value)
  local ok, text = pcall(tostring, value)
  return ok and text or "an error was raised that cannot be described"
end

--- The field if it can be sent.
local function loose(channel, value, field)
  if value == nil then return nil end
  local document, why = core.encode(value)
  if document then return value end
  scheduler.log(("error.%s of the handler for '%s' was left out: %s"):format(field, channel, why))
end

local function map_of(channel, value)
  if type(value) ~= "table" then return { name = "Error", message = text_of(value) } end
  local name, message, code = value.name, value.message, value.code
  if type(code) ~= "string" and math.type(code) ~= "integer" then code = nil end
  return {
    name = type(name) == "string" and name or "Error",
    message = type(message) == "string" and message or text_of(value),
    code = code, data = loose(channel, value.data, "data"), cause = loose(channel, value.cause, "cause"),
  }
end

-- ---- answering ----

local function refuse(session, number, message, code)
  session:put("reply", number, ERROR, { name = "Error", message = message, code = code })
end

local function reject(session, number, map)
  local put, why, code = session:put("reply", number, ERROR, map)
  if not put then refuse(session, number, why, code) end
end

local function resolve(session, number, channel, value)
  if session:over_cap() then
    return refuse(session, number, "limits.outbound_max exceeded: the host does not keep up", "ERR_LIMIT_OUTBOUND")
  end
  local put, why, code = session:put("reply", number, OK, value)
  if not put then reject(session, number, map_of(channel, errors.refused(why, code))) end
end

--- Calls the handler: its first result, awaited; or nil, "message", code.
local function call(handler, ...)
  local value, message, code = handler(...)
  return (await(value)), value == nil and message or nil, code
end

local function run(session, number, channel, handler, event, ...)
  local ok, value, message, code = xpcall(call, catch, handler, event, ...)
  local waits = session.asked[number]
  if not ok then
    local failure = getmetatable(value) == worker.Failure and value or worker.failure(value)
    scheduler.log_error(("Error occurred in handler for '%s'"):format(channel), failure.value, failure.trace)
    value = failure.value
  end
  if not waits then return end
  session.asked[number] = nil
  if not ok then
    reject(session, number, map_of(channel, value))
  elseif type(message) == "string" then
    reject(session, number, map_of(channel, { message = message, code = code }))
  else
    resolve(session, number, channel, value)
  end
end

--- A call of the host.
function answer.invoke(session, frame, number, channel, ...)
  local target = session.frames[frame]
  if not target then return refuse(session, number, "the frame was closed", "ERR_DESTROYED") end
  local handler = core.handler(target.ipc, channel)
  if not handler then
    return refuse(session, number, ("No handler registered for '%s'"):format(channel), "ERR_NO_HANDLER")
  end
  local signal = abort.new_signal()
  session.asked[number] = { frame = frame, signal = signal }
  worker.call("Error in a handler", run, session, number, channel, handler,
    { sender = target.ipc, ports = {}, signal = signal }, ...)
end

--- Nobody waits for the answer any longer.
local function give_up(session, number, reason)
  local waits = session.asked[number]
  if not waits then return end
  session.asked[number] = nil
  abort.abort_signal(waits.signal, reason)
end

function answer.cancel(session, number, reason)
  local late = reason == TIMED_OUT
  give_up(session, number, late and errors.new("ERR_TIMEOUT", "The caller's time-out has passed", "TimeoutError")
    or errors.new("ERR_ABORTED", "The call was cancelled by the caller", "AbortError"))
end

--- The frame is gone, and with it who would answer.
function answer.frame_gone(session, frame)
  for number, waits in pairs(session.asked) do
    if waits.frame == frame then
      give_up(session, number, errors.new("ERR_DESTROYED", "the frame was closed"))
    end
  end
end

return answer
