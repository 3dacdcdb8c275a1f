--- Reload: how long after a save the new scripts answer, over the time for which a file must be still, and what an
-- invoke waits at worst meanwhile. Usage: reload.lua HOST FOLDER SAVES: the program, an empty folder, how many saves.
-- Prints key=value pairs. It needs the rocks and ipchost.core, as `make lua-path` sets them.
local uv = require "luv"
local async = require "async"
local await = async.await

local STILL_MS = 30 -- as host/watch.c has it
local MODULES = 19  -- and the entry

local program, folder, saves = arg[1], arg[2], tonumber(arg[3])

local function write(name, text)
  local path = folder .. "/" .. name
  local file = assert(io.open(path .. "~", "w"))
  file:write(text)
  file:close()
  assert(uv.fs_rename(path .. "~", path))
end

local MODULE = [[
local module = {}
for i = 1, 20 do
  module[i] = function(value) return { value = value, name = "part " .. i, at = os.time() } end
  ipcMain.handle("part %d/" .. i, function(_, value) return module[i](value) end)
end
return module
]]

local function main_of(version)
  local lines = {}
  for i = 1, MODULES do lines[i] = ("require 'part%d'"):format(i) end
  lines[#lines + 1] = ("ipcMain.handle('version', function() return %d end)"):format(version)
  return table.concat(lines, "\n")
end

local function start()
  for i = 1, MODULES do write(("part%d.lua"):format(i), (MODULE:gsub("%%d", i))) end
  write("main.lua", main_of(0))
  write("config.lua", [[return { listen = { "unix:app.sock" }, scripts = { "main.lua" }, watch = true }]])
  local out = uv.new_pipe()
  local handle, pid = assert(uv.spawn(program, { args = { "--log-level", "warn", folder .. "/config.lua" },
    stdio = { nil, out, 2 } }, function() end))
  local ready = false
  out:read_start(function(_, chunk) ready = ready or chunk ~= nil end)
  while not ready do uv.run("once") end
  return pid, { handle, out }
end

local function median(list)
  table.sort(list)
  return list[(#list + 1) // 2]
end

local pid, handles = start()
local renderer = require("ipchost.renderer").connect("unix:" .. folder .. "/app.sock")
local lives, worst = {}, {}
renderer:run(function()
  for version = 1, saves do
    write("main.lua", main_of(version))
    local saved, longest = uv.hrtime(), 0
    repeat
      local asked = uv.hrtime()
      local answer = await(renderer.ipcRenderer.invoke("version"))
      longest = math.max(longest, uv.hrtime() - asked)
    until answer == version
    lives[version] = (uv.hrtime() - saved) / 1e6 - STILL_MS
    worst[version] = longest / 1e6
    async.sleep(50) -- the directory has come to rest
  end
end)
renderer:close()
uv.kill(pid, "sigterm")
for _, handle in ipairs(handles) do handle:close() end
uv.run()
local p50 = median(lives)
print(("live_ms=%.2f invoke_p50_ms=%.2f invoke_max_ms=%.2f"):format(p50, median(worst), worst[#worst]))
