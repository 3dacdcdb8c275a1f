--- ipcRenderer: an EventEmitter of the host's class (dot and colon both) with what a renderer can send.
-- @module ipchost.renderer.ipc
local core = require "ipchost.core"
local promise = require "async.promise"
local scheduler = require "async.scheduler"
local worker = require "async.worker"
local errors = require "ipchost.renderer.errors"
local ports = require "ipchost.renderer.ports"
local wait = require "ipchost.renderer.wait"

local ABORTED, TIMED_OUT = 0, 1
local LONGEST = (1 << 53) - 1 -- in ms: the largest number of a packet
local NO_CHANNEL = "Missing required channel argument"

-- Where there is a host it starts listeners, and logs what they raise.
if core.set_runner then
  core.set_runner(function(listener, ...) worker.call("Error in a listener", listener, ...) end,
    function(text) scheduler.log(text) end)
end

local ipc = {}

--- What stands against sending on the channel now: an error object, or nil.
local function obstacle(session, number, channel)
  if not session.frames[number] then return errors.released() end
  if type(channel) ~= "string" then return errors.new(nil, NO_CHANNEL, "TypeError") end
  if session:over_cap() then
    return errors.new("ERR_LIMIT_OUTBOUND", "limits.outbound_max exceeded: the host does not keep up")
  end
end

--- Puts a message; true, or false and "mark" when it is queued behind more than the mark. Raises what stands against
-- it.
local function put(session, kind, number, channel, ...)
  local problem = obstacle(session, number, channel)
  if problem then error(problem, 0) end
  local waiting, message, code = session:put(kind, number, channel, ...)
  if not waiting then error(errors.refused(message, code), 0) end
  if waiting > session.mark then return false, "mark" end
  return true
end

--- Posts a message, with ports perhaps; returns as put does.
local function post(session, number, channel, message, transfer)
  if transfer == nil or type(transfer) == "table" and #transfer == 0 then
    return put(session, "post", number, channel, nil, message)
  end
  local problem = obstacle(session, number, channel)
  if problem then error(problem, 0) end
  local waiting, text, code = ports.post(session, number, channel, message, transfer, 3)
  if not waiting then error(errors.refused(text, code), 0) end
  if waiting > session.mark then return false, "mark" end
  return true
end

--- Opens an invoke.
-- @return its promise, and, while it is pending, the call and its number
local function invoke(session, number, deadline, channel, ...)
  local result, resolve, reject = promise.withResolvers()
  local problem = obstacle(session, number, channel)
  if problem then
    reject(problem)
    return result
  end
  local call = { frame = number, channel = channel, resolve = resolve, reject = reject }
  local opened, message, code = session:call(call, deadline, channel, ...)
  if opened then return result, call, opened end
  reject(errors.refused(message, code))
  return result
end

local function send_sync(session, number, channel, ...)
  local problem = obstacle(session, number, channel)
  if problem then error(problem, 0) end
  local args = table.pack(...)
  return wait.for_callback(session, function(resolve, reject)
    local call, message, code = session:call(
      { frame = number, channel = channel, resolve = resolve, reject = reject }, nil, channel,
      table.unpack(args, 1, args.n))
    if not call then reject(errors.refused(message, code)) end
  end)
end

-- ---- with{ timeout, signal } ----

--- Has fn called when the call ends, before whoever waits for it is told.
local function at_end(call, fn)
  local resolve, reject = call.resolve, call.reject
  function call.resolve(value)
    fn()
    resolve(value)
  end
  function call.reject(reason)
    fn()
    reject(reason)
  end
end

local function time_out(session, call, number, timeout)
  local timer = session.link:after(timeout, function()
    if not session:cancel(number, TIMED_OUT) then return end
    call.reject(errors.call_timeout(call.channel, timeout))
  end)
  at_end(call, function() session.link:release(timer) end)
end

local function abort_with(session, call, number, signal)
  at_end(call, signal:onAbort(function(reason)
    if session:cancel(number, ABORTED) then call.reject(reason) end
  end))
end

local function invoke_with(session, frame, options, channel, ...)
  local timeout, signal = options.timeout, options.signal
  if timeout then timeout = math.min(timeout, LONGEST) end
  if signal and signal.aborted then return promise.reject(signal.reason) end
  local result, call, number = invoke(session, frame, timeout or 0, channel, ...)
  if call and timeout then time_out(session, call, number, timeout) end
  if call and signal then abort_with(session, call, number, signal) end
  return result
end

local function check_options(options)
  if type(options) ~= "table" then error("with: expected { timeout = ms, signal = signal }", 3) end
  local timeout = options.timeout
  if timeout ~= nil and (math.type(timeout) ~= "integer" or timeout < 1) then
    error("with: timeout must be a positive integer, in milliseconds", 3)
  end
  local signal = options.signal
  if signal ~= nil and not signal.onAbort then error("with: signal must be the signal of an AbortController", 3) end
end

--- The ipcRenderer of a frame.
function ipc.new(session, number)
  local emitter
  -- A method called with a colon has the emitter itself before its arguments.
  local function method(fn)
    return function(first, ...)
      if first == emitter then return fn(...) end
      return fn(first, ...)
    end
  end
  emitter = core.emitter("ipcRenderer", {
    send = method(function(channel, ...) return put(session, "send", number, channel, ...) end),
    postMessage = method(function(channel, ...)
      if select("#", ...) == 0 and not obstacle(session, number, channel) then
        error("Insufficient number of arguments", 3)
      end
      return post(session, number, channel, ...)
    end),
    invoke = method(function(channel, ...) return (invoke(session, number, 0, channel, ...)) end),
    sendSync = method(function(channel, ...) return send_sync(session, number, channel, ...) end),
    with = method(function(options)
      check_options(options)
      local bound
      bound = {
        invoke = function(first, ...)
          if first == bound then return invoke_with(session, number, options, ...) end
          return invoke_with(session, number, options, first, ...)
        end,
      }
      return bound
    end),
  })
  return emitter
end

return ipc
