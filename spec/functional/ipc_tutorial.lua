-- A script for a host: the main process of Electron's tutorial of inter-process communication, docs/tutorial/ipc.md,
-- for ipc_tutorial_spec.lua and ipc-tutorial.test.js in renderer/test.

-- Pattern 1: renderer to main. The title is the page's to set here.
ipcMain.on("set-title", function(event, title)
  local contents = event.sender
  contents:send("title", title)
end)
ipcMain.handle("title", function(event) return event.sender:getTitle() end)

-- Pattern 2: renderer to main and back; there is no dialog here.
local function showOpenDialog(canceled) return Promise.resolve { canceled = canceled, filePaths = { "/a", "/b" } } end
ipcMain.handle("dialog:openFile", function(_, canceled)
  local dialog = await(showOpenDialog(canceled))
  if not dialog.canceled then return dialog.filePaths[1] end
end)

-- Pattern 2, as it was before `invoke`.
ipcMain.on("asynchronous-message", function(event, arg) event.reply("asynchronous-reply", arg == "ping" and "pong") end)
ipcMain.on("synchronous-message", function(event, arg) event.returnValue = arg == "ping" and "pong" end)

-- Pattern 3: main to renderer, which answers by a message. What clicks in the menu is a message of the spec's.
local counted = ipc.Array {}
ipcMain.on("click", function(event, id, by) webContents.fromId(id or event.sender.id):send("update-counter", by) end)
ipcMain.on("counter-value", function(_, value) counted[#counted + 1] = value end)
ipcMain.handle("counted", function(_, count)
  while #counted < count do async.sleep(1) end
  local all = counted
  counted = ipc.Array {}
  return all
end)

-- Pattern 4: renderer to renderer, by the main process, or by a pair of ports that it gives to both.
ipcMain.on("tell", function(event, id, ...) webContents.fromId(id):send("told", event.sender.id, ...) end)
ipcMain.on("connect", function(event, id)
  local channel = MessageChannelMain()
  event.sender:postMessage("port", nil, { channel.port1 })
  webContents.fromId(id):postMessage("port", nil, { channel.port2 })
end)
