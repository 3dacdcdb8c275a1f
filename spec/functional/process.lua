--- What /proc says of a process.
local uv = require "luv"

local process = {}

--- A file of the process's: nil when there is no such process.
function process.read(pid, what)
  local file = io.open(("/proc/%d/%s"):format(pid, what))
  if not file then return nil end
  local text = file:read("a")
  file:close()
  return text
end

--- The names of its open descriptors.
function process.descriptors(pid)
  local names = {}
  local scan = assert(uv.fs_scandir(("/proc/%d/fd"):format(pid)))
  for name in uv.fs_scandir_next, scan do names[#names + 1] = name end
  return names
end

--- Its memory, KiB.
function process.resident(pid) return tonumber(process.read(pid, "status"):match("VmRSS:%s*(%d+)")) end

return process
