--- Electron's ipcRenderer for Lua 5.4: connects a process to an ipchost host.
-- Works under plain lua5.4, in busted and inside the host's own scripts. What waits for the other side blocks
-- outside a task (it drives luv's loop) and awaits inside one.
--
--    local renderer = require("ipchost.renderer").connect("unix:run/app.sock")
--    renderer:run(function()
--      print(await(renderer.ipcRenderer.invoke("greet", "Ada")))
--    end)
--    renderer:close()
-- @module ipchost.renderer
local async = require "async"
local address = require "ipchost.renderer.address"
local ipc = require "ipchost.renderer.ipc"
local scheduler = require "async.scheduler"
local ports = require "ipchost.renderer.ports"
local Session = require "ipchost.renderer.session"
local stdio = require "ipchost.renderer.stdio"
local wait = require "ipchost.renderer.wait"

local CONNECT_MS = 10000

-- Before the process prints anything.
if os.getenv("IPCHOST_ADDRESS") == "stdio:" and not scheduler.has_host() then stdio.claim() end

--- A frame of this process at the host: the main frame, which `connect` gives, or one of its children.
-- @type Renderer
-- @field ipcRenderer an EventEmitter with send, sendSync, invoke, postMessage and with
-- @field webFrame `{ routingId, frameToken }`
-- @field webContentsId
-- @field processId
-- @field closed a promise of `{ code, reason }`
local Renderer = {}
Renderer.__index = Renderer
Renderer.__name = "ipchost.renderer"

local function new_renderer(session, number, parent, details)
  local emitter = ipc.new(session, number)
  local frame = session:add_frame(number, parent, emitter)
  return setmetatable({
    session = session, number = number, ipcRenderer = emitter, closed = frame.closed,
    webFrame = { routingId = details.routingId, frameToken = details.frameToken },
    webContentsId = session.web_contents_id, processId = session.process_id,
  }, Renderer)
end

--- What a frame claims of itself, from a table of options.
local function claim(options)
  return { url = options.url, name = options.name, title = options.title, token = options.token }
end

--- Opens a child frame in the same session.
-- @tparam[opt] table options `url`, `name`, `title`
-- @treturn Renderer
function Renderer:createFrame(options)
  local session, number = self.session, nil
  local details = wait.for_callback(session, function(resolve, reject)
    number = session:open_frame(self.number, claim(options or {}), resolve, reject)
  end)
  return new_renderer(session, number, self.number, details)
end

--- Runs `fn(...)` as a task, drives the loop until it is done (inside a task: awaits it), and returns its results
-- or raises its error.
function Renderer:run(fn, ...) -- luacheck: no self
  return wait.for_task(self.session, async.run(fn, ...))
end

--- Closes the frame, or with the main frame the connection; then it returns when all handles are gone. What was
-- sent before is delivered; pending calls reject with ERR_CLOSED.
function Renderer:close()
  if self.number ~= 0 then return self.session:close_frame(self.number) end
  wait.for_callback(self.session, function(resolve) self.session:close(resolve) end)
end

local renderer = {}

--- Connects to a host.
-- @tparam[opt] string where `unix:/path`, `tcp://host:port`, `ws://host:port` or `stdio:`, which is the process's own
--   standard input and output; $IPCHOST_ADDRESS by default
-- @tparam[opt] table options `url`, `name`, `title`: what the main frame claims to be; `token`: the host's shared
--   secret; `timeout`: milliseconds until connecting fails, 10000 by default
-- @treturn Renderer
function renderer.connect(where, options)
  options = options or {}
  if where == nil then where = os.getenv("IPCHOST_ADDRESS") end
  local target = where -- a table has a link of its own: the test kit's
  if type(where) ~= "table" then
    local why
    if type(where) ~= "string" then error("connect: expected an address such as unix:/path or tcp://host:port", 2) end
    target, why = address.parse(where)
    if not target then error(("connect: %s: %s"):format(where, why), 2) end
  end
  if target.kind == "stdio" and scheduler.has_host() then
    error("connect: stdio: is the host's own here; name another address of its listen", 2)
  end
  local session = Session.new(target)
  local welcome = wait.for_callback(session, function(resolve, reject)
    session:connect(claim(options), options.timeout or CONNECT_MS, resolve, reject)
  end)
  return new_renderer(session, 0, nil, welcome.frame)
end

--- Two ports that are joined, to be transferred by `postMessage`: `MessageChannel()` and `MessageChannel.new()` give
-- `{ port1, port2 }`, `MessageChannel.pair()` both. Ports are as MessageChannelMain's in the host.
renderer.MessageChannel = setmetatable({
  pair = ports.pair,
  new = function()
    local port1, port2 = ports.pair()
    return { port1 = port1, port2 = port2 }
  end,
}, { __call = function(class) return class.new() end })

return renderer
