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

local explanations = {
  ENOENT = "there is no such socket; is the host running?",
  ECONNREFUSED = "nobody listens there; is the host running?",
  EACCES = "the socket belongs to somebody else; the host must run as the same user, or name it in security.uids",
  EAI_NONAME = "there is no such machine",
  ENOTSOCK = "standard input and output are not both pipes or sockets; a host starts a process with such ones",
  EALREADY = "this process has a renderer there already",
}

--- Why connecting failed; `why` is libuv's name of the error, and the code.
function errors.connect(target, why)
  local explanation = explanations[why]
  local text = explanation and why .. ", " .. explanation or why
  return errors.new(why, ("Cannot connect to %s: %s"):format(target.text, text))
end

-- By the close code; every other close is ERR_CLOSED.
local refusals = {
  [1002] = "ERR_PROTOCOL", [1007] = "ERR_PAYLOAD", [1008] = "ERR_DENIED", [1009] = "ERR_LIMIT_PACKET",
  [4000] = "ERR_VERSION", [4001] = "ERR_LIMIT_HANDSHAKE", [4004] = "ERR_LIMIT_CONNECTIONS",
  [4005] = "ERR_LIMIT_MEMORY",
}

--- Why the host ended the connection before it said welcome.
function errors.refusal(target, code, reason)
  local why = reason == "" and ("it was closed (%d)"):format(code) or reason
  return errors.new(refusals[code] or "ERR_CLOSED", ("Cannot connect to %s: %s"):format(target.text, why))
end

--- Connecting took too long.
function errors.connect_timeout(target, ms)
  return errors.new("ERR_TIMEOUT", ("Cannot connect to %s: no welcome within %d ms"):format(target.text, ms),
    "TimeoutError")
end

--- A call was not answered in time.
function errors.call_timeout(channel, ms)
  local message = ("Error invoking remote method '%s': TimeoutError: no answer within %d ms"):format(channel, ms)
  return errors.new("ERR_TIMEOUT", message, "TimeoutError")
end

return errors
