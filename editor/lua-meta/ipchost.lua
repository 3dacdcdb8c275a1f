---@meta ipchost

---@alias ipchost.Listener fun(event: ipchost.IpcMainEvent, ...: any)
---@alias ipchost.Handler fun(event: ipchost.IpcMainInvokeEvent, ...: any): any, any?, any?

---Node's EventEmitter. Registrations return the emitter.
---@class ipchost.EventEmitter
local EventEmitter = {}

---@param channel string
---@param listener function
---@return self
function EventEmitter:on(channel, listener) end

---@param channel string
---@param listener function
---@return self
function EventEmitter:addListener(channel, listener) end

---@param channel string
---@param listener function
---@return self
function EventEmitter:once(channel, listener) end

---@param channel string
---@param listener function
---@return self
function EventEmitter:prependListener(channel, listener) end

---@param channel string
---@param listener function
---@return self
function EventEmitter:prependOnceListener(channel, listener) end

---The instance added last; takes the original of a once.
---@param channel string
---@param listener function
---@return self
function EventEmitter:off(channel, listener) end

---@param channel string
---@param listener function
---@return self
function EventEmitter:removeListener(channel, listener) end

---@param channel? string
---@return self
function EventEmitter:removeAllListeners(channel) end

---@param channel string
---@param ... any
---@return boolean heard true if there were listeners
function EventEmitter:emit(channel, ...) end

---@param channel string
---@return function[]
function EventEmitter:listeners(channel) end

---Once wrappers are callable tables with `.listener`.
---@param channel string
---@return (function|table)[]
function EventEmitter:rawListeners(channel) end

---@param channel string
---@return integer
function EventEmitter:listenerCount(channel) end

---@return string[]
function EventEmitter:eventNames() end

---@param n integer 0 is no limit
---@return self
function EventEmitter:setMaxListeners(n) end

---@return integer
function EventEmitter:getMaxListeners() end

---ipcMain, every `contents.ipc` and every `frame.ipc`: methods with a dot or a colon.
---@class ipchost.IpcMain
local IpcMain = {}

---`listener(event, ...)` hears send, sendSync and postMessage.
---@param channel string
---@param listener ipchost.Listener
---@return ipchost.IpcMain
function IpcMain.on(channel, listener) end

---@param channel string
---@param listener ipchost.Listener
---@return ipchost.IpcMain
function IpcMain.addListener(channel, listener) end

---@param channel string
---@param listener ipchost.Listener
---@return ipchost.IpcMain
function IpcMain.once(channel, listener) end

---@param channel string
---@param listener ipchost.Listener
---@return ipchost.IpcMain
function IpcMain.prependListener(channel, listener) end

---@param channel string
---@param listener ipchost.Listener
---@return ipchost.IpcMain
function IpcMain.prependOnceListener(channel, listener) end

---@param channel string
---@param listener function
---@return ipchost.IpcMain
function IpcMain.off(channel, listener) end

---@param channel string
---@param listener function
---@return ipchost.IpcMain
function IpcMain.removeListener(channel, listener) end

---@param channel? string
---@return ipchost.IpcMain
function IpcMain.removeAllListeners(channel) end

---@param channel string
---@param ... any
---@return boolean heard
function IpcMain.emit(channel, ...) end

---@param channel string
---@return function[]
function IpcMain.listeners(channel) end

---@param channel string
---@return (function|table)[]
function IpcMain.rawListeners(channel) end

---@param channel string
---@return integer
function IpcMain.listenerCount(channel) end

---@return string[]
function IpcMain.eventNames() end

---@param n integer
---@return ipchost.IpcMain
function IpcMain.setMaxListeners(n) end

---@return integer
function IpcMain.getMaxListeners() end

---Answers invoke with the first result: a value, a promise, a task or a thenable. `return nil, "message", code` rejects, and so does
---what it raises: `error("text")` or `error { name =, message =, code =, data =, cause = }`.
---@param channel string
---@param handler ipchost.Handler
function IpcMain.handle(channel, handler) end

---Removed before it runs.
---@param channel string
---@param handler ipchost.Handler
function IpcMain.handleOnce(channel, handler) end

---@param channel string
function IpcMain.removeHandler(channel) end

---The channels that have a handler.
---@return string[]
function IpcMain.handlers() end

---@param channel string
---@return ipchost.Handler?
function IpcMain.getHandler(channel) end

---@class ipchost.IpcMainEvent
---@field type "frame"
---@field processId integer
---@field frameId integer
---@field frameTreeNodeId integer
---@field sender ipchost.WebContents
---@field senderFrame ipchost.Frame? nil once it is destroyed
---@field ports ipchost.Port[]
---@field returnValue any write-only: the answer to a sendSync; the first one counts
---@field reply fun(channel: string, ...: any): boolean, string? sends to the frame that sent; also `event:reply(...)`

---@class ipchost.IpcMainInvokeEvent
---@field type "frame"
---@field processId integer
---@field frameId integer
---@field frameTreeNodeId integer
---@field sender ipchost.WebContents
---@field senderFrame ipchost.Frame?
---@field ports ipchost.Port[]
---@field reply fun(channel: string, ...: any): boolean, string?
---@field signal AbortSignal set off when nobody waits for the answer any longer

---@class ipchost.Asking
---@field invoke fun(self: ipchost.Asking, channel: string, ...: any): Promise

---@class ipchost.AskOptions
---@field timeout? number milliseconds
---@field signal? AbortSignal

---@class ipchost.WebContents: ipchost.EventEmitter
---@field id integer
---@field ipc ipchost.IpcMain
---@field mainFrame ipchost.Frame?
---@field bufferedAmount integer bytes that wait to be read
local WebContents = {}

---@param channel string
---@param ... any
---@return boolean sent
---@return "destroyed"|"detached"|"mark"? why_not
function WebContents:send(channel, ...) end

---@param frame integer|integer[] a frameId, or {processId, frameId}
---@param channel string
---@param ... any
---@return boolean sent
---@return "destroyed"|"detached"|"mark"? why_not
function WebContents:sendToFrame(frame, channel, ...) end

---@param channel string
---@param message any
---@param ports? ipchost.Port[]
---@return boolean sent
---@return "destroyed"|"detached"|"mark"? why_not
function WebContents:postMessage(channel, message, ports) end

---To all but this one; encoded once.
---@param channel string
---@param ... any
---@return integer count
function WebContents:broadcast(channel, ...) end

---Calls a handler of the renderer's.
---@param channel string
---@param ... any
---@return Promise
function WebContents:invoke(channel, ...) end

---@param options ipchost.AskOptions
---@return ipchost.Asking
function WebContents:with(options) end

---Resolves when half of limits.outbound or less waits to be read.
---@return Promise
function WebContents:drained() end

function WebContents:close() end

---@return boolean
function WebContents:isDestroyed() end

---@return "page"|"native"|"child"
function WebContents:getType() end

---@return string
function WebContents:getURL() end

---@return string
function WebContents:getTitle() end

---@return integer
function WebContents:getProcessId() end

---@return integer
function WebContents:getOSProcessId() end

---@class ipchost.webContents
local webContents = {}

---@return ipchost.WebContents[]
function webContents.getAllWebContents() end

---@param id integer
---@return ipchost.WebContents?
function webContents.fromId(id) end

---@param frame ipchost.Frame
---@return ipchost.WebContents?
function webContents.fromFrame(frame) end

---@param channel string
---@param ... any
---@return integer count
function webContents.broadcast(channel, ...) end

---@class ipchost.Frame: ipchost.EventEmitter
---@field ipc ipchost.IpcMain
---@field url string
---@field name string
---@field origin string
---@field top ipchost.Frame
---@field parent ipchost.Frame? nil for a main frame
---@field frames ipchost.Frame[]
---@field framesInSubtree ipchost.Frame[] pre-order, with this one
---@field frameTreeNodeId integer
---@field frameToken string
---@field processId integer
---@field osProcessId integer
---@field routingId integer
---@field visibilityState "visible"|"hidden"
---@field detached boolean
local Frame = {}

---@param channel string
---@param ... any
---@return boolean sent
---@return "destroyed"|"detached"|"mark"? why_not
function Frame:send(channel, ...) end

---@param channel string
---@param message any
---@param ports? ipchost.Port[]
---@return boolean sent
---@return "destroyed"|"detached"|"mark"? why_not
function Frame:postMessage(channel, message, ports) end

---@param channel string
---@param ... any
---@return Promise
function Frame:invoke(channel, ...) end

---@param options ipchost.AskOptions
---@return ipchost.Asking
function Frame:with(options) end

---@return Promise
function Frame:drained() end

---@return boolean
function Frame:isDestroyed() end

---@class ipchost.webFrameMain
local webFrameMain = {}

---@param processId integer
---@param routingId integer
---@return ipchost.Frame?
function webFrameMain.fromId(processId, routingId) end

---@param processId integer
---@param token string
---@return ipchost.Frame?
function webFrameMain.fromFrameToken(processId, token) end

---Events: `message(event)` with `event.data` and `event.ports`; `close`.
---@class ipchost.Port: ipchost.EventEmitter
local Port = {}

---@param message any
---@param ports? ipchost.Port[]
---@return boolean sent
---@return "destroyed"|"mark"? why_not
function Port:postMessage(message, ports) end

---Lets the queued messages come.
function Port:start() end

function Port:close() end

---Resolves when no more than limits.window waits for the reader.
---@return Promise
function Port:drained() end

---@class ipchost.Channel
---@field port1 ipchost.Port
---@field port2 ipchost.Port

---@class ipchost.MessageChannelMain
---@overload fun(): ipchost.Channel
local MessageChannelMain = {}

---@return ipchost.Channel
function MessageChannelMain.new() end

---@return ipchost.Port port1
---@return ipchost.Port port2
function MessageChannelMain.pair() end

---Events: `stdout(event, bytes)`, `stderr(event, bytes)`, `exit(event, code, signal)`.
---@class ipchost.Child: ipchost.EventEmitter
---@field pid integer
---@field contents ipchost.WebContents? nil until it has said hello
local Child = {}

---For its standard input, with stdio = "pipe"; nil ends it.
---@param bytes string?
---@return boolean sent
---@return "destroyed"|"limit"|"mark"? why_not
function Child:write(bytes) end

---@param signal? string|integer "SIGTERM"
---@return boolean
function Child:kill(signal) end

---@class ipchost.SpawnOptions
---@field name string what the child is known by
---@field command string found in $PATH; with a slash relative to cwd
---@field args? string[]
---@field env? table<string, string|false> added to the host's environment
---@field cwd? string the config's folder
---@field stdio? "ipc"|"pipe"

---@class ipchost.Metrics
---@field sessions integer
---@field webContents integer
---@field frames integer
---@field pendingCalls integer
---@field outgoingCalls integer
---@field encodings integer
---@field ports integer
---@field waitingHandlers integer
---@field handles integer
---@field references integer
---@field memory integer bytes
---@field generations integer
---@field remnants integer

---Methods with a dot or a colon. Events: `ready`, `web-contents-created(event, contents)`, `before-quit`,
---`unhandled-rejection(event, reason, report)`.
---@class ipchost.App: ipchost.EventEmitter
---@field settings table the config's, read-only
local App = {}

---@param event "ready"|"web-contents-created"|"before-quit"|"unhandled-rejection"|string
---@param listener function
---@return ipchost.App
function App.on(event, listener) end

---@return Promise
function App.whenReady() end

---@return boolean
function App.isReady() end

function App.quit() end

---The config's folder.
---@return string
function App.getAppPath() end

---@return ipchost.Metrics
function App.metrics() end

---Loads the scripts anew; the promise is of an ipchost.ReloadReport and never rejects.
---@return Promise
function App.reload() end

---Starts a process that the host owns, or gives the living one of that name.
---@param options ipchost.SpawnOptions
---@return ipchost.Child?
---@return string? message
---@return string? code
function App.spawn(options) end

---@class ipchost.ReloadReport
---@field ok boolean
---@field error? string
---@field files string[] those that were read
---@field ms integer
---@field disposed table<string, integer> handles by kind, and `task`
---@field leftovers integer messages that the old scripts still work on

---What scripts keep across a reload. Methods with a dot or a colon.
---@class ipchost.Hot
---@field data table what the next load gets
---@field generation integer 1, and one more with every reload
---@field reloading boolean
local Hot = {}

---A table that the next load gets as this one leaves it.
---@param key string
---@param init? table|fun(): table that of the first time
---@return table
function Hot.persist(key, init) end

---Calls it when another load takes over; it may not await.
---@param fn fun()
function Hot.dispose(fn) end

---@param event "failed"
---@param fn fun(report: ipchost.ReloadReport)
function Hot.on(event, fn) end

---From now on a change only logs that a restart is needed.
function Hot.decline() end

---@class ipchost.BigInt
---@operator add(ipchost.BigInt|integer): ipchost.BigInt
---@operator sub(ipchost.BigInt|integer): ipchost.BigInt
---@operator mul(ipchost.BigInt|integer): ipchost.BigInt
---@operator idiv(ipchost.BigInt|integer): ipchost.BigInt
---@operator mod(ipchost.BigInt|integer): ipchost.BigInt
---@operator pow(ipchost.BigInt|integer): ipchost.BigInt
---@operator unm: ipchost.BigInt
local BigInt = {}

---@return integer? value nil where it does not fit
function BigInt:tointeger() end

---@return number
function BigInt:tonumber() end

---@class ipchost.Date
local Date = {}

---@return number ms
function Date:getTime() end

---@return string
function Date:toISOString() end

---@class ipchost.RegExp
---@field source string
---@field flags string

---@class ipchost.Boxed
---@field value any

---@class ipchost.Error
---@field name string
---@field message string
---@field stack string?
---@field cause any
---@field code string?
---@field data any

---@class ipchost.Map
---@field size integer
local Map = {}

---@param key any
---@return any
function Map:get(key) end

---@param key any
---@param value any
---@return ipchost.Map
function Map:set(key, value) end

---@param key any
---@return boolean
function Map:has(key) end

---@param key any
---@return boolean
function Map:delete(key) end

function Map:clear() end

---@return fun(): any
function Map:keys() end

---@return fun(): any
function Map:values() end

---@return fun(): any, any
function Map:entries() end

---@class ipchost.Set
---@field size integer
local Set = {}

---@param value any
---@return ipchost.Set
function Set:add(value) end

---@param value any
---@return boolean
function Set:has(value) end

---@param value any
---@return boolean
function Set:delete(value) end

function Set:clear() end

---@return fun(): any
function Set:keys() end

---@return fun(): any
function Set:values() end

---@return fun(): any, any
function Set:entries() end

---An ArrayBuffer: `#buffer`, tostring.
---@class ipchost.Buffer
---@field byteLength integer
---@field maxByteLength integer
---@field resizable boolean
local Buffer = {}

---@param length integer
function Buffer:resize(length) end

---Byte offsets count from 0.
---@param from? integer
---@param to? integer
---@return ipchost.Buffer
function Buffer:slice(from, to) end

---A typed array: elements from 1, `#`, tostring.
---@class ipchost.TypedArray
---@field buffer ipchost.Buffer
---@field byteOffset integer
---@field byteLength integer
---@field length integer
---@field [integer] number|ipchost.BigInt

---Byte offsets count from 0.
---@class ipchost.DataView
---@field buffer ipchost.Buffer
---@field byteOffset integer
---@field byteLength integer
---@field getInt8 fun(self: ipchost.DataView, offset: integer): integer
---@field setInt8 fun(self: ipchost.DataView, offset: integer, value: integer)
---@field getUint8 fun(self: ipchost.DataView, offset: integer): integer
---@field setUint8 fun(self: ipchost.DataView, offset: integer, value: integer)
---@field getInt16 fun(self: ipchost.DataView, offset: integer, little_endian?: boolean): integer
---@field setInt16 fun(self: ipchost.DataView, offset: integer, value: integer, little_endian?: boolean)
---@field getUint16 fun(self: ipchost.DataView, offset: integer, little_endian?: boolean): integer
---@field setUint16 fun(self: ipchost.DataView, offset: integer, value: integer, little_endian?: boolean)
---@field getInt32 fun(self: ipchost.DataView, offset: integer, little_endian?: boolean): integer
---@field setInt32 fun(self: ipchost.DataView, offset: integer, value: integer, little_endian?: boolean)
---@field getUint32 fun(self: ipchost.DataView, offset: integer, little_endian?: boolean): integer
---@field setUint32 fun(self: ipchost.DataView, offset: integer, value: integer, little_endian?: boolean)
---@field getFloat16 fun(self: ipchost.DataView, offset: integer, little_endian?: boolean): number
---@field setFloat16 fun(self: ipchost.DataView, offset: integer, value: number, little_endian?: boolean)
---@field getFloat32 fun(self: ipchost.DataView, offset: integer, little_endian?: boolean): number
---@field setFloat32 fun(self: ipchost.DataView, offset: integer, value: number, little_endian?: boolean)
---@field getFloat64 fun(self: ipchost.DataView, offset: integer, little_endian?: boolean): number
---@field setFloat64 fun(self: ipchost.DataView, offset: integer, value: number, little_endian?: boolean)
---@field getBigInt64 fun(self: ipchost.DataView, offset: integer, little_endian?: boolean): ipchost.BigInt
---@field setBigInt64 fun(self: ipchost.DataView, offset: integer, value: ipchost.BigInt|integer, little_endian?: boolean)
---@field getBigUint64 fun(self: ipchost.DataView, offset: integer, little_endian?: boolean): ipchost.BigInt
---@field setBigUint64 fun(self: ipchost.DataView, offset: integer, value: ipchost.BigInt|integer, little_endian?: boolean)

---What `require "ipchost"` gives, and the global `ipc`: the modules, and the value types of JavaScript.
---@class ipchost
---@field ipcMain ipchost.IpcMain
---@field app ipchost.App
---@field hot ipchost.Hot
---@field webContents ipchost.webContents
---@field webFrameMain ipchost.webFrameMain
---@field MessageChannelMain ipchost.MessageChannelMain
---@field Promise Promise
---@field AbortController fun(): AbortController
---@field async async
---@field await fun(value: any, ...: any): any
---@field null lightuserdata JavaScript's null: truthy, and equal to cjson.null
---@field undefined userdata JavaScript's undefined as an element of arrays, maps and sets
---@field Array fun(list?: table): table makes the table an Array: `{}` is `[]`
---@field SparseArray fun(length: integer): table
---@field BigInt fun(value: string|integer): ipchost.BigInt
---@field Date fun(ms: number): ipchost.Date
---@field RegExp fun(source: string, flags?: string): ipchost.RegExp
---@field Map fun(pairs?: any[][]): ipchost.Map
---@field Set fun(list?: any[]): ipchost.Set
---@field Error fun(t: table): ipchost.Error
---@field Boxed fun(value: boolean|string|number|ipchost.BigInt): ipchost.Boxed
---@field Buffer fun(bytes: string|integer, max?: integer): ipchost.Buffer
---@field DataView fun(buffer: ipchost.Buffer, offset?: integer, length?: integer): ipchost.DataView
---@field object fun(t: table): table makes the table an object, whatever its keys
---@field Int8Array fun(from: ipchost.Buffer|string|integer|table, offset?: integer, length?: integer): ipchost.TypedArray
---@field Uint8Array fun(from: ipchost.Buffer|string|integer|table, offset?: integer, length?: integer): ipchost.TypedArray
---@field Uint8ClampedArray fun(from: ipchost.Buffer|string|integer|table, offset?: integer, length?: integer): ipchost.TypedArray
---@field Int16Array fun(from: ipchost.Buffer|string|integer|table, offset?: integer, length?: integer): ipchost.TypedArray
---@field Uint16Array fun(from: ipchost.Buffer|string|integer|table, offset?: integer, length?: integer): ipchost.TypedArray
---@field Int32Array fun(from: ipchost.Buffer|string|integer|table, offset?: integer, length?: integer): ipchost.TypedArray
---@field Uint32Array fun(from: ipchost.Buffer|string|integer|table, offset?: integer, length?: integer): ipchost.TypedArray
---@field BigInt64Array fun(from: ipchost.Buffer|string|integer|table, offset?: integer, length?: integer): ipchost.TypedArray
---@field BigUint64Array fun(from: ipchost.Buffer|string|integer|table, offset?: integer, length?: integer): ipchost.TypedArray
---@field Float16Array fun(from: ipchost.Buffer|string|integer|table, offset?: integer, length?: integer): ipchost.TypedArray
---@field Float32Array fun(from: ipchost.Buffer|string|integer|table, offset?: integer, length?: integer): ipchost.TypedArray
---@field Float64Array fun(from: ipchost.Buffer|string|integer|table, offset?: integer, length?: integer): ipchost.TypedArray
local ipc = {}

---A kind by its JavaScript class or primitive: "Array", "Object", "Uint8Array", "null", "number".
---@param value any
---@return string
function ipc.type(value) end

---The value, or the other where it is nil, undefined or null.
---@generic T
---@param value any
---@param other T
---@return T
function ipc.default(value, other) end

return ipc
