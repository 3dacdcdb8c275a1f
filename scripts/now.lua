-- The time of day in milliseconds, as JavaScript's Date counts it.
local uv = require "luv"

return function()
  local seconds, microseconds = uv.gettimeofday()
  return seconds * 1000 + microseconds // 1000
end
