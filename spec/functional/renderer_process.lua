-- A script for a host: what Electron's documents of the renderer's side are held against (docs/api/ipc-renderer.md,
-- docs/tutorial/message-ports.md), for renderer_process_spec.lua and renderer-process.test.js in renderer/test.

ipcMain.on("push", function(event, channel, ...) event:reply(channel, ...) end)
ipcMain.handle("turn", function() end)
ipcMain.handle("keys", function(_, value)
  local keys = ipc.Array {}
  for key in pairs(value) do keys[#keys + 1] = key end
  table.sort(keys)
  return keys
end)
ipcMain.on("count ports", function(event, channel) event:reply(channel, #event.ports) end)
ipcMain.on("push sync", function(event, channel)
  event.sender:send(channel, "before the answer")
  event.returnValue = "answer"
end)
ipcMain.handle("refuse", function() error { name = "TypeError", message = "no", code = "E_NO" } end)

-- The brief example: a port of the renderer's, to which it has posted before.
ipcMain.on("port", function(event)
  local port = event.ports[1]
  port:on("message", function(message) event:reply("heard", message.data.answer) end)
  port:start()
end)

-- A channel between two renderers.
ipcMain.on("join", function(event, id)
  local channel = MessageChannelMain()
  event.sender:postMessage("joined", nil, { channel.port1 })
  webContents.fromId(id):postMessage("joined", nil, { channel.port2 })
end)

-- A renderer that works for others, which ask for a channel to it.
app.on("web-contents-created", function(_, contents)
  contents.mainFrame.ipc.on("request-worker-channel", function(event, id)
    local port1, port2 = MessageChannelMain.pair()
    webContents.fromId(id):postMessage("new-client", nil, { port1 })
    event.senderFrame:postMessage("provide-worker-channel", nil, { port2 })
  end)
end)

-- Reply streams: one that is closed, and one whose port is collected.
ipcMain.on("give-me-a-stream", function(event, message)
  local port = event.ports[1]
  for _ = 1, message.count do port:postMessage(message.element) end
  if message.closes then port:close() end
end)

-- A port that is queued for before anybody has it.
ipcMain.on("main world", function(event)
  local port1, port2 = MessageChannelMain.pair()
  port2:postMessage({ test = 21 })
  port2:on("message", function(message) event:reply("from renderer main world", message.data) end)
  port2:start()
  event.sender:postMessage("main-world-port", nil, { port1 })
end)
