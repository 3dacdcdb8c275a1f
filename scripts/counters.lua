-- What the kernel counts, as shares and rates since the last look: processors through luv, memory, network and
-- disks from /proc. A read of /proc is a read of memory, so it need not be awaited.
local uv = require "luv"

local SECTOR = 512 -- the unit of /proc/diskstats, whatever the disk's own is

local counters = {}

--- The text of a file, empty where there is none.
function counters.read(path)
  local file = io.open(path)
  if not file then return "" end
  local text = file:read("a")
  file:close()
  return text or ""
end

local function processor_times()
  local cores = {}
  for i, cpu in ipairs(uv.cpu_info()) do
    local t = cpu.times
    local busy = t.user + t.nice + t.sys + t.irq
    cores[i] = { busy = busy, all = busy + t.idle }
  end
  return cores
end

--- Bytes received and sent by all interfaces but loopback.
local function network_bytes()
  local received, sent = 0, 0
  for line in counters.read("/proc/net/dev"):gmatch("[^\n]+") do
    local name, into, out = line:match("^ *(%S+): *(%d+) +%d+ +%d+ +%d+ +%d+ +%d+ +%d+ +%d+ +(%d+)")
    if name and name ~= "lo" then received, sent = received + into, sent + out end
  end
  return { received = received, sent = sent }
end

--- Loop and RAM disks are no disks, and what a device mapper does is done by the disks below it.
local function is_disk(name)
  if name:find("^loop") or name:find("^z?ram") or name:find("^dm%-") then return false end
  -- Partitions are not listed there.
  return uv.fs_stat("/sys/block/" .. name) ~= nil
end

--- Bytes read and written by whole disks.
local function disk_bytes()
  local read, written = 0, 0
  for line in counters.read("/proc/diskstats"):gmatch("[^\n]+") do
    local name, into, out = line:match("^ *%d+ +%d+ (%S+) %d+ %d+ (%d+) %d+ %d+ %d+ (%d+)")
    if name and is_disk(name) then read, written = read + into * SECTOR, written + out * SECTOR end
  end
  return { read = read, written = written }
end

local function share(now, before)
  local all = now.all - (before and before.all or 0)
  return all > 0 and (now.busy - (before and before.busy or 0)) / all or 0
end

local function processor_shares(now, before)
  local cores, sum = ipc.Array {}, { busy = 0, all = 0 }
  local sum_before = { busy = 0, all = 0 }
  for i, core in ipairs(now) do
    local last = before and before[i] or { busy = 0, all = 0 }
    cores[i] = share(core, last)
    sum = { busy = sum.busy + core.busy, all = sum.all + core.all }
    sum_before = { busy = sum_before.busy + last.busy, all = sum_before.all + last.all }
  end
  return { share = share(sum, sum_before), cores = cores }
end

--- Each number's growth a second; none where there was no look before.
local function rates(now, before, seconds)
  local result = {}
  for key, value in pairs(now) do
    result[key] = before and seconds > 0 and math.max(0, value - before[key]) / seconds or 0
  end
  return result
end

function counters.memory()
  local text = counters.read("/proc/meminfo")
  local function bytes(name) return (tonumber(text:match(name .. ":%s*(%d+) kB")) or 0) * 1024 end
  return {
    total = bytes("MemTotal"),
    used = bytes("MemTotal") - bytes("MemAvailable"),
    swap = bytes("SwapTotal") - bytes("SwapFree"),
  }
end

--- A function that takes a look: what happened since its last call, or since the machine's start at the first.
function counters.new()
  local before = {}
  return function()
    local now = {
      time = uv.hrtime() / 1e9,
      processors = processor_times(),
      network = network_bytes(),
      disk = disk_bytes(),
    }
    local seconds = before.time and now.time - before.time or 0
    local figures = {
      cpu = processor_shares(now.processors, before.processors),
      network = rates(now.network, before.network, seconds),
      disk = rates(now.disk, before.disk, seconds),
      memory = counters.memory(),
    }
    before = now
    return figures
  end
end

return counters
