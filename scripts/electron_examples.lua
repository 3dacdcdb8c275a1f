-- The two examples of Electron's ipcMain document, as they stand there.

-- Answered by a message of its own.
ipcMain.on("asynchronous-message", function(event, arg)
  print(arg) -- prints "ping"
  event.reply("asynchronous-reply", "pong")
end)

-- Answered by the return value of ipcRenderer.sendSync.
ipcMain.on("synchronous-message", function(event, arg)
  print(arg) -- prints "ping"
  event.returnValue = "pong"
end)
