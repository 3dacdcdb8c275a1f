---@meta ipchost.test

---@class ipchost.test.RendererOptions
---@field url? string `app://test` by default
---@field origin? string that of the page if it is one
---@field name? string
---@field title? string
---@field parent? ipchost.test.Renderer

---A renderer of a host under test.
---@class ipchost.test.Renderer
---@field ipcRenderer ipchost.renderer.Ipc
---@field webFrame ipchost.renderer.WebFrame
---@field webContentsId integer
---@field processId integer
---@field contents ipchost.WebContents the host's, of it
---@field frame ipchost.Frame the host's, of it
local Renderer = {}

---Invokes and waits: the result, or raises the error as a renderer sees it.
---@param channel string
---@param ... any
---@return any
function Renderer:invoke(channel, ...) end

---Sends; the listeners have run when it returns.
---@param channel string
---@param ... any
function Renderer:send(channel, ...) end

---@param channel string
---@param message any
---@param ports? ipchost.Port[]
function Renderer:postMessage(channel, message, ports) end

---Sends and waits for the answer, or raises.
---@param channel string
---@param ... any
---@return any
function Renderer:sendSync(channel, ...) end

---Listens to what the host sends.
---@param channel string
---@param fn fun(event: ipchost.renderer.Event, ...: any)
function Renderer:on(channel, fn) end

---@param channel string
---@param fn fun(event: ipchost.renderer.Event, ...: any)
function Renderer:once(channel, fn) end

---Answers what the host invokes of it.
---@param channel string
---@param fn fun(event: table, ...: any): any
function Renderer:handle(channel, fn) end

---Closes it, as a page that goes or a process that ends does.
function Renderer:close() end

---A host under test. Its other fields are the globals of its scripts.
---@class ipchost.test.Host
---@field ipcMain ipchost.IpcMain
---@field webContents ipchost.webContents
---@field webFrameMain ipchost.webFrameMain
---@field app ipchost.App
---@field [string] any
local Host = {}

---Runs `fn(...)` as a task of the host's until it is done; returns its results or raises its error.
---@param fn fun(...: any): any
---@param ... any
---@return any ...
function Host:run(fn, ...) end

---Starts `fn(...)` as a task of the host's; host:await gives its results.
---@param fn fun(...: any): any
---@param ... any
---@return Promise
function Host:start(fn, ...) end

---Waits for a promise, task or thenable: its value, or raises its reason.
---@param value any
---@param ... any
---@return any ...
function Host:await(value, ...) end

---Lets happen all that can happen without time passing.
function Host:tick() end

---Lets time pass for the host.
---@param ms number milliseconds
function Host:advance(ms) end

---Connects a renderer.
---@param options? ipchost.test.RendererOptions
---@return ipchost.test.Renderer
function Host:renderer(options) end

---Loads the scripts anew, as app.reload does; a load that fails leaves those that serve.
---@return ipchost.ReloadReport
function Host:reload() end

---Two ports that are joined, to be posted by a renderer.
---@return ipchost.Port port1
---@return ipchost.Port port2
function Host:channel() end

---Takes what scripts raised and nobody was told of.
---@return string[]
function Host:errors() end

---Takes what was logged.
---@return { level: string, text: string }[]
function Host:log() end

---Ends the host, and raises what its scripts raised and nobody took.
function Host:close() end

---@class ipchost.test.Options
---@field scripts? (string|function)[] paths, functions and sources, run in order
---@field path? string where `require` looks first: "spec/fakes/?.lua"
---@field settings? table

---@class ipchost.test
local test = {}

---Makes a host and runs its scripts; raises what they raise.
---@param options ipchost.test.Options
---@return ipchost.test.Host
function test.host(options) end

return test
