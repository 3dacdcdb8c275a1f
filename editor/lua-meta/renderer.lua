---@meta ipchost.renderer

---@class ipchost.renderer.Event
---@field sender ipchost.renderer.Ipc
---@field ports ipchost.Port[]

---@class ipchost.renderer.Asking
---@field invoke fun(channel: string, ...: any): Promise

---An EventEmitter; methods with a dot or a colon.
---@class ipchost.renderer.Ipc: ipchost.IpcMain
local Ipc = {}

---@param channel string
---@param ... any
---@return boolean sent false over the mark
function Ipc.send(channel, ...) end

---@param channel string
---@param ... any
---@return Promise
function Ipc.invoke(channel, ...) end

---@param channel string
---@param ... any
---@return any
function Ipc.sendSync(channel, ...) end

---@param channel string
---@param message any
---@param ports? ipchost.Port[]
---@return boolean sent
function Ipc.postMessage(channel, message, ports) end

---@param options ipchost.AskOptions
---@return ipchost.renderer.Asking
function Ipc.with(options) end

---@class ipchost.renderer.WebFrame
---@field routingId integer
---@field frameToken string

---@class ipchost.renderer.Renderer
---@field ipcRenderer ipchost.renderer.Ipc
---@field webFrame ipchost.renderer.WebFrame
---@field webContentsId integer
---@field processId integer
---@field closed Promise of `{ code, reason }`
local Renderer = {}

---@class ipchost.renderer.FrameOptions
---@field url? string
---@field name? string
---@field title? string

---@class ipchost.renderer.Options: ipchost.renderer.FrameOptions
---@field token? string the host's shared secret
---@field timeout? number milliseconds until connecting fails

---Opens a child frame in the same session.
---@param options? ipchost.renderer.FrameOptions
---@return ipchost.renderer.Renderer
function Renderer:createFrame(options) end

---Runs `fn(...)` as a task, drives the loop until it is done (inside a task: awaits it), and returns its results.
---@param fn fun(...: any): any
---@param ... any
---@return any ...
function Renderer:run(fn, ...) end

---Closes it, and returns when all handles are gone.
function Renderer:close() end

---@class ipchost.renderer
---@field MessageChannel ipchost.MessageChannelMain
local renderer = {}

---Connects to a host.
---@param address? string `unix:/path`, `tcp://host:port`, `ws://host:port` or `stdio:`; $IPCHOST_ADDRESS by default
---@param options? ipchost.renderer.Options
---@return ipchost.renderer.Renderer
function renderer.connect(address, options) end

return renderer
