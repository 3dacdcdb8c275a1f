-- The processes that used most of the processors since the last look, from /proc. Hundreds of files are read, so
-- others get a turn in between.
local uv = require "luv"
local read = require("counters").read

local TICKS = 100 -- a second, in /proc/PID/stat
local AT_ONCE = 8 -- files read before others get a turn

local processes = {}

--- Name and ticks used by a process; nil once it is gone.
local function look_at(pid)
  -- The name stands in parentheses and may contain some; user and system time are the fields 14 and 15.
  local name, rest = read("/proc/" .. pid .. "/stat"):match("%((.*)%) %a (.*)")
  if not name then return nil end
  local user, system = rest:match("^%S+ %S+ %S+ %S+ %S+ %S+ %S+ %S+ %S+ %S+ (%d+) (%d+)")
  return name, user + system
end

local function all_pids()
  local pids = {}
  local scan = uv.fs_scandir("/proc")
  if not scan then return pids end
  for name in function() return uv.fs_scandir_next(scan) end do
    if name:find("^%d+$") then pids[#pids + 1] = name end
  end
  return pids
end

local function resident_bytes(pid)
  return (tonumber(read("/proc/" .. pid .. "/status"):match("VmRSS:%s*(%d+)")) or 0) * 1024
end

local function busiest(found, count)
  table.sort(found, function(a, b) return a.cpu > b.cpu or a.cpu == b.cpu and a.pid < b.pid end)
  local list = ipc.Array {}
  for i = 1, math.min(count, #found) do
    list[i] = found[i]
    list[i].memory = resident_bytes(found[i].pid)
  end
  return list
end

--- A function that takes a look: the `count` busiest as { pid, name, cpu, memory }; cpu is a share of one
-- processor. Nothing is busy at the first look.
function processes.new(count)
  local before, before_time = {}, nil
  return function()
    local now, time, found = {}, uv.hrtime() / 1e9, {}
    for i, pid in ipairs(all_pids()) do
      if i % AT_ONCE == 0 then async.checkpoint() end
      local name, ticks = look_at(pid)
      if name then
        now[pid] = ticks
        -- One that was not there before has used all of its time since.
        local used = before_time and math.max(0, ticks - (before[pid] or 0)) or 0
        if used > 0 then
          found[#found + 1] = { pid = math.tointeger(pid), name = name, cpu = used / TICKS / (time - before_time) }
        end
      end
    end
    before, before_time = now, time
    return busiest(found, count)
  end
end

return processes
