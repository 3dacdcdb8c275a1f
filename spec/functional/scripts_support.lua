--- Hosts that run the example application of scripts/.
local uv = require "luv"

local scripts = {}

--- A main script that is the application's, found where it lies.
scripts.main = ([[package.path = "%s/scripts/?.lua;" .. package.path require "main"]]):format(uv.cwd())

--- Options of a host with these settings, as Lua source.
function scripts.settings(source) return { config = ("settings = { %s },"):format(source) } end

return scripts
