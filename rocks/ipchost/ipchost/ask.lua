--- Calls that scripts make of renderers: contents:invoke, frame:invoke and with{ timeout, signal }.
-- It returns a function of the ways to the core, the class of errors and `hold`, which returns what the host calls.
-- start(object, deadline, channel, ...) gives an id, or nil, text and code, and raises what cannot be sent;
-- cancel(id, reason) gives a call up; hold(fn) is true where nothing may be asked yet: fn is called once it may.
local uv = require "luv"
local promise = require "async.promise"

local ABORTED, TIMED_OUT = 0, 1
local LONGEST = (1 << 53) - 1 -- in ms: what every renderer can read

local function check_options(options)
  if type(options) ~= "table" then error("with: expected { timeout = ms, signal = signal }", 4) end
  local timeout, signal = options.timeout, options.signal
  if timeout ~= nil and (math.type(timeout) ~= "integer" or timeout < 1) then
    error("with: timeout must be a positive integer, in milliseconds", 4)
  end
  if signal ~= nil and (type(signal) ~= "table" or not signal.onAbort) then
    error("with: signal must be the signal of an AbortController", 4)
  end
end

local serves = false -- nothing is held any more
local start, cancel, Error, hold -- given below
local pending = {} -- id -> { channel, resolve, reject, timer, release }

local function failure(channel, text, code, name)
  name = name or "Error"
  local message = ("Error invoking remote method '%s': %s: %s"):format(channel, name, text)
  return Error { name = name, message = message, code = code }
end

--- What a renderer says is wrong: a map of docs/protocol.md, section 6.
local function remote(channel, value)
  if type(value) ~= "table" or type(value.message) ~= "string" then value = { message = "unknown error" } end
  local name, code = value.name, value.code
  if type(code) ~= "string" and math.type(code) ~= "integer" then code = nil end
  local err = failure(channel, value.message, code, type(name) == "string" and name or "Error")
  err.data, err.cause = value.data, value.cause
  return err
end

local function take(id)
  local call = pending[id]
  if not call then return end
  pending[id] = nil
  if call.timer then call.timer:close() end
  if call.release then call.release() end
  return call
end

local function give_up(id, reason, err)
  local call = take(id)
  if not call then return end
  cancel(id, reason)
  call.reject(err)
end

local function time_out(id, call, timeout)
  uv.update_time() -- the loop's time is that of the beginning of its turn: what ran since would count
  call.timer = uv.new_timer()
  call.timer:start(timeout, 0, function()
    local text = ("no answer within %d ms"):format(timeout)
    give_up(id, TIMED_OUT, failure(call.channel, text, "ERR_TIMEOUT", "TimeoutError"))
  end)
end

local invoke_with

--- A promise, if the scripts do not serve yet: it is asked once they do.
local function invoke_later(...)
  local arguments = table.pack(...)
  local result, resolve, reject = promise.withResolvers()
  local held = hold(function()
    invoke_with(table.unpack(arguments, 1, arguments.n)):next(resolve, reject)
  end)
  if held then return result end
  serves = true
end

function invoke_with(object, options, channel, ...)
  local timeout, signal = options.timeout, options.signal
  local later = not serves and invoke_later(object, options, channel, ...)
  if later then return later end
  if signal and signal.aborted then return promise.reject(signal.reason) end
  local ok, id, text, code = pcall(start, object, timeout or 0, channel, ...)
  if not ok then return promise.reject(type(id) == "string" and failure(channel, id) or id) end
  if not id then return promise.reject(failure(channel, text, code)) end
  local result, resolve, reject = promise.withResolvers()
  local call = { channel = channel, resolve = resolve, reject = reject }
  pending[id] = call
  if timeout then time_out(id, call, timeout) end
  if signal then call.release = signal:onAbort(function(reason) give_up(id, ABORTED, reason) end) end
  return result
end

local none = {}
local ask = { pending = pending }

--- Nobody waits for them any longer.
function ask.cancel_all()
  for id in pairs(pending) do
    take(id)
    cancel(id, ABORTED)
  end
end

function ask.invoke(object, channel, ...) return invoke_with(object, none, channel, ...) end

function ask.with(object, options)
  check_options(options)
  options = { timeout = options.timeout and math.min(options.timeout, LONGEST), signal = options.signal }
  local bound
  bound = {
    invoke = function(first, ...)
      if rawequal(first, bound) then return invoke_with(object, options, ...) end
      return invoke_with(object, options, first, ...)
    end,
  }
  return bound
end

--- The answer: a result, or a map that says what is wrong.
function ask.settle(id, fine, value)
  local call = take(id)
  if not call then return end
  if fine then call.resolve(value) else call.reject(remote(call.channel, value)) end
end

--- There will be no answer.
function ask.fail(id, text, code)
  local call = take(id)
  if call then call.reject(failure(call.channel, text, code)) end
end

return function(...)
  start, cancel, Error, hold = ...
  return ask
end
