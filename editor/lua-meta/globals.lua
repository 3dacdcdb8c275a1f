---@meta _
-- The globals that scripts of ipchost start with.

---@type ipchost.IpcMain
ipcMain = nil

---@type ipchost.webContents
webContents = nil

---@type ipchost.Hot
hot = nil

---@type ipchost.webFrameMain
webFrameMain = nil

---@type ipchost.MessageChannelMain
MessageChannelMain = nil

---@type ipchost.App
app = nil

---@type Promise
Promise = nil

---@type fun(): AbortController
AbortController = nil

---@type async
async = nil

---Waits for a promise, task, future or thenable: its value, or raises its reason. `await(argc, fn, ...)` calls the function with a
---callback at that position and returns what that gets. Anything else is returned.
---@param value any
---@param ... any
---@return any ...
function await(value, ...) end

---@type ipchost
ipc = nil
