-- Live figures of this machine: asked for once by invoke, or pushed to who subscribes.
--
--   system:figures            invoke -> the latest { at, uptime, load = { over 1, 5 and 15 minutes },
--                                       cpu = { share, cores }, memory = { total, used, swap },
--                                       network = { received, sent }, disk = { read, written } };
--                                       shares are of 1, memory is bytes, rates are bytes a second
--   system:subscribe          invoke -> { interval, kept, machine, history }; then come `system:figures` with the
--                                       latest and `system:processes` with a list of { pid, name, cpu, memory }
--   system:unsubscribe        send
local uv = require "luv"
local counters = require "counters"
local now = require "now"
local processes = require "processes"

-- Change these, save, and look at the page.
local interval = app.settings.interval or 1000 -- ms from one look to the next
local kept = 120 -- looks that a page gets to draw when it opens
local listed = 6 -- processes

local look = counters.new()
local busiest = processes.new(listed)
local subscribers = {} -- frames by their token
local history = hot.persist("system", { history = {} }).history

local function machine()
  local system = uv.os_uname()
  local release = counters.read("/etc/os-release"):match('PRETTY_NAME="([^"\n]*)"')
  return {
    name = uv.os_gethostname(),
    system = release or system.sysname,
    kernel = system.sysname .. " " .. system.release,
    cores = #uv.cpu_info(),
  }
end

local function figures()
  local taken = look()
  taken.at = now()
  taken.uptime = uv.uptime()
  taken.load = { uv.loadavg() }
  return taken
end

local function keep(taken)
  if #history == kept then table.remove(history, 1) end
  history[#history + 1] = taken
end

local function push(channel, value)
  for token, frame in pairs(subscribers) do
    if frame:isDestroyed() then
      subscribers[token] = nil
    else
      frame:send(channel, value)
    end
  end
end

ipcMain.handle("system:figures", function() return history[#history] end)

ipcMain.handle("system:subscribe", function(event)
  local frame = event.senderFrame
  if frame then subscribers[frame.frameToken] = frame end
  return { interval = interval, kept = kept, machine = machine(), history = history }
end)

ipcMain.on("system:unsubscribe", function(event)
  local frame = event.senderFrame
  if frame then subscribers[frame.frameToken] = nil end
end)

-- Figures are always taken, so that a page has something to draw when it opens; processes only for who looks.
keep(figures())
async.run(function()
  while true do
    async.sleep(interval)
    keep(figures())
    push("system:figures", history[#history])
    if next(subscribers) then push("system:processes", busiest()) end
  end
end)
