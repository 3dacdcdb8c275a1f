--- Error objects: tables with name, message and code that read as text.
-- @module async.errors
local errors = {}

local Error = {}
Error.__index = Error
Error.__name, Error.__clone = "Error", "Error" -- a JavaScript Error where it is sent

function Error:__tostring() return self.name .. ": " .. self.message end

function Error.__concat(a, b) return tostring(a) .. tostring(b) end

--- @string name as in JavaScript: "TypeError", "AbortError"
-- @string message
-- @string[opt] code stable, "ERR_ABORTED"
function errors.new(name, message, code)
  return setmetatable({ name = name, message = message, code = code }, Error)
end

return errors
