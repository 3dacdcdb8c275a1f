-- What the benchmark calls: the least that a handler and a listener can do.
ipcMain.handle("echo", function(_, value) return value end)
ipcMain.on("echo", function(event, value) event.returnValue = value end)
-- Joins the sender's port to whoever else is there.
ipcMain.on("join", function(event)
  for _, contents in ipairs(webContents.getAllWebContents()) do
    if contents ~= event.sender then return contents:postMessage("joined", 0, event.ports) end
  end
end)
