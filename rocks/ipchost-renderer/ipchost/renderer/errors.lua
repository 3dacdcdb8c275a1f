--- The errors that a renderer raises and rejects with: objects with name, message, code, data, cause.
-- @module ipchost.renderer.errors
local core = require "ipchost.core"

local Error = core.values.Error
local errors = {}

function errors.new(code, message, name)
  return Error { name = name or "Error", message = message, code = code }
end

--- What came with a reply that is an error: a map of docs/protocol.md, section 6.
function errors.remote(channel, value)
  if type(value) ~= "table" or type(value.message) ~= "string" then value = { message = "unknown error" } end
  local name = type(value.name) == "string" and value.name or "Error"
  return Error {
    name = name, message = ("Error invoking remote method '%s': %s: %s"):format(channel, name, value.message),
    code = value.code, data = value.data, cause = value.cause, stack = value.stack,
  }
end

--- What a pending call, or the opening of a frame (without a channel), gives when its frame or connection ends.
function errors.closed(channel, gone)
  local why = gone.reason == "" and "the renderer was closed" or gone.reason
  if not channel then return errors.new("ERR_CLOSED", why) end
  return errors.new("ERR_CLOSED", ("Error invoking remote method '%s': Error: %s"):format(channel, why))
end

--- What a call on a closed renderer gives.
function errors.released() return errors.new("ERR_CLOSED", "IPC method called after context was released") end

--- What a value that could not be put on the wire gives.
function errors.refused(message, code)
  return errors.new(code, message, code == "ERR_DATA_CLONE" and "DataCloneError" or "Error")
end

local hints = {
  ENOENT = "there is no such socket (ENOENT); is the host running?",
  ECONNREFUSED = "nobody listens there (ECONNREFUSED); is the host running?",
  EACCES = "no permission to use the socket (EACCES); is it another user's?",
}

--- Why connecting failed; `why` is libuv's name of the error.
function errors.connect(target, why)
  return errors.new("ERR_CONNECT", ("cannot connect to %s: %s"):format(target.text, hints[why] or why))
end

--- Why the host ended the connection before it said welcome.
function errors.not_welcome(target, code, reason)
  if code == 1008 then
    return errors.new("ERR_DENIED", ("cannot connect to %s: the host refused: %s"):format(target.text, reason))
  end
  return errors.new("ERR_CLOSED", ("cannot connect to %s: %s (%d)"):format(target.text, reason, code))
end

function errors.timeout(message) return errors.new("ERR_TIMEOUT", message, "TimeoutError") end

return errors
