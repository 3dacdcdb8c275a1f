-- What the benchmark calls: the least that a handler can do.
ipcMain.handle("echo", function(_, value) return value end)
