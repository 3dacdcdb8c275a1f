--- Names that scripts written for Electron's main process, for Node or for pages use, and what stands for them here.
-- @module ipchost.foreign
local nearby = "scripts have no windows: the page is the renderer; webContents has those that are connected"
local system = "the host shows nothing: ask a renderer with contents:invoke"
local timers = "in Lua on luv: async.run(function() async.sleep(ms) ... end), or require('luv').new_timer()"

local foreign = {}

local globals = {
  BrowserWindow = nearby, BrowserView = nearby, BaseWindow = nearby, WebContentsView = nearby,
  dialog = system, Menu = system, MenuItem = system, Tray = system, Notification = system, clipboard = system,
  nativeImage = system, nativeTheme = system, globalShortcut = system, desktopCapturer = system,
  powerMonitor = "require('luv') has what libuv tells of the system",
  autoUpdater = "updating is not the host's: restart it with another version",
  utilityProcess = "app.spawn{ name =, command = } starts processes",
  contextBridge = "it is a renderer's: the page's script has it from ipchost/electron",
  ipcRenderer = "it is a renderer's; in scripts it is ipcMain, and contents:send and contents:invoke the other way",
  setTimeout = timers, setInterval = timers, setImmediate = "async.checkpoint() waits for the loop's next turn",
  clearTimeout = timers, clearInterval = timers, queueMicrotask = "Promise.resolve():next(fn)",
  console = "print(...) writes to the log",
  process = "os.getenv, app.getAppPath(), app.quit(); require('luv').os_getpid()",
  exports = "a module returns its table",
  __dirname = "app.getAppPath() is the config's folder", __filename = "debug.getinfo(1, 'S').source",
  globalThis = "_G", undefined = "nil; in arrays, maps and sets ipc.undefined", null = "ipc.null",
  JSON = "values cross by structured clone; for text require('cjson')",
  fetch = "a renderer can fetch, or a rock for HTTP", structuredClone = "values are cloned where they are sent",
  Buffer = "ipc.Buffer(bytes)", Uint8Array = "ipc.Uint8Array(buffer)", BigInt = "ipc.BigInt(text)",
  Map = "ipc.Map(pairs)", Set = "ipc.Set(list)", Date = "ipc.Date(ms), os.time()", RegExp = "ipc.RegExp(source, flags)",
  TypeError = "error{ name = 'TypeError', message = ... }", RangeError = "error{ name = 'RangeError', message = ... }",
  new = "call the class: Promise(fn), ipc.Date(ms)", window = "it is a page's", document = "it is a page's",
}

local modules = {
  electron = "what there is of Electron's is global (ipcMain, webContents, webFrameMain, MessageChannelMain, app), "
    .. "and in require('ipchost')",
  fs = "async.uv.fs_stat(path) and so on, or io.open", path = "strings, and async.uv.fs_realpath",
  os = "the global os, and require('luv')", events = "ipcMain and its kin have an EventEmitter's methods",
  child_process = "app.spawn{ name =, command = }", timers = timers, net = "require('luv').new_tcp()",
  ["timers/promises"] = "async.sleep(ms)", ["fs/promises"] = "async.uv.fs_stat(path) and so on",
  util = "async.wrap(fn) for promisify, print(...) for inspect",
}
modules["electron/main"] = modules.electron

--- What stands for a module of Node's or Electron's.
-- @treturn ?string
function foreign.module(name) return modules[name:match("^node:(.*)$") or name] end

--- Has a read of a global that only Electron, Node or pages have explained, once a name; it is nil as ever.
-- @tparam table env the globals
-- @tparam function log(level, text)
function foreign.explain(env, log)
  local said = {}
  setmetatable(env, {
    __index = function(_, name)
      local advice = globals[name]
      if advice and not said[name] then
        said[name] = true
        local info = debug.getinfo(2, "Sl")
        local place = info and info.currentline > 0 and ("%s:%d: "):format(info.short_src, info.currentline) or ""
        log("warn", ("%sthere is no global '%s' in scripts: %s"):format(place, name, advice))
      end
    end,
  })
end

return foreign
