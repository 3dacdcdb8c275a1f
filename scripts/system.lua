-- Live figures of this machine, through luv: asked for once by invoke, or pushed to who subscribes.
--
--   system:figures            invoke -> { uptime, load, memory = { total, free }, cpu }
--   system:subscribe          invoke -> the interval in ms; the figures then come as `system:figures`
--   system:unsubscribe        send
local uv = require "luv"

local interval = app.settings.interval or 1000
local subscribers = {} -- webContents by id
local timer
local before

--- Share of all processors' time that was not idle since the last call, 0 to 1.
local function cpu_share()
  local busy, all = 0, 0
  for _, cpu in ipairs(uv.cpu_info()) do
    local t = cpu.times
    local used = t.user + t.nice + t.sys + t.irq
    busy, all = busy + used, all + used + t.idle
  end
  local last = before or { busy = 0, all = 0 }
  before = { busy = busy, all = all }
  return all > last.all and (busy - last.busy) / (all - last.all) or 0
end

local function figures()
  local one, five, fifteen = uv.loadavg()
  return {
    uptime = uv.uptime(),
    load = { one, five, fifteen },
    memory = { total = uv.get_total_memory(), free = uv.get_free_memory() },
    cpu = cpu_share(),
  }
end

local function stop_when_unused()
  if timer and not next(subscribers) then
    timer:close()
    timer = nil
  end
end

local function push()
  local now = figures()
  for _, contents in pairs(subscribers) do contents:send("system:figures", now) end
end

local function start()
  if timer then return end
  timer = uv.new_timer()
  timer:start(interval, interval, push)
end

local function unsubscribe(id)
  subscribers[id] = nil
  stop_when_unused()
end

ipcMain.handle("system:figures", figures)

ipcMain.handle("system:subscribe", function(event)
  local contents = event.sender
  if not subscribers[contents.id] then
    subscribers[contents.id] = contents
    contents:once("destroyed", function() unsubscribe(contents.id) end)
  end
  start()
  return interval
end)

ipcMain.on("system:unsubscribe", function(event) unsubscribe(event.sender.id) end)
