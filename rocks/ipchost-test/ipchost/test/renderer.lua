--- A renderer of a host under test: the Lua renderer, linked in memory.
-- @module ipchost.test.renderer
local Link = require "ipchost.test.link"

--- @type Renderer
-- @field ipcRenderer as in a renderer: send, sendSync, invoke, postMessage, on, handle ...; invoke gives a promise
-- @field webFrame `{ routingId, frameToken }`
-- @field webContentsId
-- @field processId
-- @field contents the host's webContents of it
-- @field frame the host's frame of it
local Renderer = { __name = "ipchost.test.renderer" }
local methods = {}

-- Those of the scripts that serve; of one that is destroyed, the last.
local looks = {}
function looks.contents(env, self) return env.webContents.fromId(self.webContentsId) end
function looks.frame(env, self) return env.webFrameMain.fromId(self.processId, self.webFrame.routingId) end

function Renderer:__index(key)
  if not looks[key] then return methods[key] end
  local env = self.engine:serving()
  self.last[key] = env and looks[key](env, self) or self.last[key]
  return self.last[key]
end

local function is_page(origin) return origin ~= nil and (origin == "null" or origin:find("^https?://") ~= nil) end

local function origin_of(url) return url:match("^%a[%w+.-]*://[^/?#]*") end

--- What the options say: url, and the origin that a browser would have sent, if it is one. A frame is of its parent's.
local function identity(options, parent)
  local url, origin = options.url, options.origin
  if not origin and not url and parent then origin = parent.origin end
  if not origin and url and url:find("^https?://") then origin = origin_of(url) end
  url = url or origin or parent and parent.url or "app://test"
  if origin and not is_page(origin) and origin ~= origin_of(url) then
    local text = "renderer: the origin %s is not that of %s: a native client's origin is its own scheme"
    error(text:format(origin, url), 3)
  end
  return url, is_page(origin) and origin or nil
end

--- Wraps a renderer of the rock's.
local function wrap(host, engine, inner, url, origin)
  local self = setmetatable({
    host = host, engine = engine, inner = inner, url = url, origin = origin, last = {},
    ipcRenderer = inner.ipcRenderer, webFrame = inner.webFrame,
    webContentsId = inner.webContentsId, processId = inner.processId,
  }, Renderer)
  for key in pairs(looks) do self.last[key] = self[key] end
  return self
end

local renderer = {}

--- Connects one; a page with a ticket is a frame of who asked for that.
local function connect(host, engine, url, origin, options, ticket)
  local target = {
    kind = "memory", text = "the host under test", link = Link, host = engine.core, links = engine.links,
    uv = engine.client.loop.uv, origin = origin, details = { type = origin and "page", ticket = ticket },
  }
  local open = engine.client.env.require("ipchost.renderer").connect
  local inner = host:run(open, target, { url = url, name = options.name, title = options.title })
  return wrap(host, engine, inner, url, origin)
end

function renderer.connect(host, engine, options)
  local url, origin = identity(options)
  return connect(host, engine, url, origin, options)
end

--- A document in a frame of a page: as there, a session of its own, which the page vouches for.
local function open_document(host, engine, url, origin, options)
  local inner, async = options.parent.inner, engine.client.async
  local ticket = host:run(function()
    local given, resolve = async.Promise.withResolvers()
    inner.session:ask_ticket(inner.number, origin, resolve)
    return async.await(given)
  end)
  return connect(host, engine, url, origin, options, engine:environment().ipc.Buffer(ticket))
end

--- Opens a frame within another.
function renderer.open_child(host, engine, options)
  local parent = options.parent
  if getmetatable(parent) ~= Renderer then error("renderer: parent must be a renderer of this host", 3) end
  local url, origin = identity(options, parent)
  if origin and parent.origin then return open_document(host, engine, url, origin, options) end
  if origin or parent.origin then
    error("renderer: frames are either all of a page or all of a native client", 3)
  end
  local inner = host:run(parent.inner.createFrame, parent.inner, { url = url, name = options.name })
  return wrap(host, engine, inner, url, origin)
end

--- Invokes and waits: the result, or raises the error as a renderer sees it.
function methods:invoke(channel, ...) return self.host:await(self.ipcRenderer.invoke(channel, ...)) end

--- Sends; the listeners have run when it returns.
function methods:send(channel, ...)
  local sent, why = self.ipcRenderer.send(channel, ...)
  self.host:tick()
  return sent, why
end

--- Posts a message, with ports perhaps.
function methods:postMessage(channel, message, ports)
  local sent, why = self.ipcRenderer.postMessage(channel, message, ports)
  self.host:tick()
  return sent, why
end

--- Sends and waits for the answer, or raises.
function methods:sendSync(channel, ...) return self.host:run(self.ipcRenderer.sendSync, channel, ...) end

--- Listens to what the host sends: fn(event, ...).
function methods:on(channel, fn)
  self.ipcRenderer.on(channel, fn)
  return self
end

function methods:once(channel, fn)
  self.ipcRenderer.once(channel, fn)
  return self
end

--- Answers what the host invokes of it.
function methods:handle(channel, fn)
  self.ipcRenderer.handle(channel, fn)
  return self
end

--- Closes it, as a page that goes or a process that ends does.
function methods:close()
  self.host:run(self.inner.close, self.inner)
  self.host:tick()
end

return renderer
