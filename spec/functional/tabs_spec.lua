-- What a browser's tab keeps over its documents; docs/protocol.md, sections 3 and 7. Pages are bare sockets here.
local core = require "ipchost.core"
local raw = require "spec.functional.raw"
local support = require "spec.functional.support"
local uv = require "luv"
local await = require("async").await

local function now() return uv.hrtime() // 1000000 end

local SCRIPT = [==[
  local async = require "async"
  local events, kept = {}, {}
  local function note(...) events[#events + 1] = table.concat({ ... }, " ") end
  app.on("web-contents-created", function(_, contents)
    kept[contents.id] = contents
    note("created", contents.id, contents:getType())
    contents:on("destroyed", function() note("destroyed", contents.id) end)
    contents:on("render-process-gone", function(_, details) note("gone", contents.id, details.reason) end)
  end)
  ipcMain.handle("events", function() local e = events events = {} return ipc.Array(e) end)
  ipcMain.handle("wait for", function(_, text)
    while true do
      for _, event in ipairs(events) do if event == text then return true end end
      async.sleep(1)
    end
  end)
  ipcMain.handle("id", function(event) return event.sender.id end)
  ipcMain.handle("about", function(_, id)
    local contents = kept[id]
    if contents:isDestroyed() then return "destroyed" end
    local frame = contents.mainFrame
    local sent, why = contents:send("hello")
    local to_frame, why_frame = frame:send("hello")
    return { found = webContents.fromId(id) == contents, url = contents:getURL(), title = contents:getTitle(),
      process = contents:getProcessId(), type = contents:getType(), sent = sent, why = why,
      frame = { detached = frame.detached, url = frame.url, name = frame.name, origin = frame.origin,
        destroyed = frame:isDestroyed(), node = frame.frameTreeNodeId, id = frame.routingId, token = frame.frameToken,
        frames = #frame.frames, sent = to_frame, why = why_frame, top = frame.top == frame } }
  end)
  ipcMain.handle("never", function(event)
    event.signal:onAbort(function(reason)
      local frame = event.senderFrame
      note("aborted", reason.code, tostring(frame.detached), tostring(frame == event.sender.mainFrame))
    end)
    async.sleep(60000)
  end)
  ipcMain.handle("ask", function(_, id)
    local ok, err = pcall(await, kept[id]:invoke("question"))
    return not ok and err.code
  end)
  ipcMain.handle("asking", function(_, id)
    kept[id]:invoke("question"):catch(function(err) note("answer", err.code) end)
    return true
  end)
  ipcMain.handle("close", function(_, id) kept[id]:close() return kept[id]:isDestroyed() end)
  ipcMain.handle("close when aborted", function(event)
    event.signal:onAbort(function() event.sender:close() note("closed") end)
    async.sleep(60000)
  end)
  ipcMain.handle("broadcast", function() return webContents.broadcast("news") end)
  ipcMain.handle("count", function() return #webContents.getAllWebContents() end)
  ipcMain.handle("frames", function(_, id) return #kept[id].mainFrame.frames end)
]==]

-- A page: one session over a bare WebSocket.
local Page = {}
Page.__index = Page

local opened = {} -- pages of the spec that runs

local function page(host, options)
  options = options or {}
  local origin = options.origin or host.address.http
  local headers = origin ~= "none" and { Origin = origin } or nil
  local self = setmetatable({ writer = core.writer(), packets = {}, calls = 0 }, Page)
  self.socket = raw.websocket(host.http_port, headers)
  self.session = { id = core.random(16), secret = core.random(16) }
  opened[#opened + 1] = self
  local details = { type = "page", url = host.address.http .. "/", title = "A page", name = "" }
  for key, value in pairs(options.details or {}) do details[key] = value end
  self:put("hello", 1, 0, self.session.id, self.session.secret, 0, 0, 0, details)
  return self
end

function Page:put(...)
  assert(self.writer:put(...))
  self.socket:write(raw.frame(0x82, self.writer:take():sub(5)))
end

--- Takes messages up to a packet of the kind.
function Page:packet(kind)
  while true do
    local packet = table.remove(self.packets, 1)
    if packet and packet[1] == kind then return packet end
    if not packet then
      local first, block = self.socket:frame()
      if first ~= 0x82 then error(("no %s but the frame %x %q"):format(kind, first, block), 2) end
      local reader = core.reader()
      reader:feed(string.pack("<I4", #block) .. block)
      for read in function() local read = table.pack(reader:next()) return read[1] and read end do
        self.packets[#self.packets + 1] = read
      end
    end
  end
end

--- Waits for welcome; `page.id` is the contents' then.
function Page:welcomed()
  self.welcome = self:packet("welcome")[5]
  self.id = self.welcome.webContentsId
  return self
end

function Page:start(...)
  self.calls = self.calls + 1
  self:put("invoke", 0, self.calls, 0, ...)
end

function Page:invoke(...)
  self:start(...)
  local reply = self:packet("reply")
  assert.same({ self.calls, 0 }, { reply[2], reply[3] })
  return reply[4]
end

--- Closes as a browser does.
function Page:close(code)
  self.socket:write(raw.frame(0x88, string.pack(">I2", code or 1001)))
end

local hosts = {}

local function start(config)
  local host = support.start(SCRIPT, { config = config })
  host.control = host:connect("unix")
  hosts[#hosts + 1] = host
  return host
end

local function ask(host, ...)
  local args = table.pack(...)
  return host.control:run(function() return await(host.control.ipcRenderer.invoke(table.unpack(args, 1, args.n))) end)
end

--- The events so far, once one is among them.
local function events_with(host, text)
  ask(host, "wait for", text)
  return ask(host, "events")
end

--- A host and a page that it knows; its events so far are taken.
local function with_page(config, options)
  local host = start(config)
  local found = page(host, options):welcomed()
  ask(host, "events")
  return host, found
end

local LONG = 'limits = { grace = "1min" }'
local SHORT = "limits = { grace = 30 }"

after_each(function()
  for _, each in ipairs(opened) do each.socket:close() end
  for _, host in ipairs(hosts) do
    host.control:close()
    host:stop()
  end
  opened, hosts = {}, {}
  uv.run("nowait") -- the handles that were closed
end)

local function wait_detached(host, id)
  support.wait_until(function() return ask(host, "about", id).frame.detached end, "the main frame to be detached")
end

describe("the grace of a page", function()
  for _, code in ipairs { 1000, 1001 } do
    it("begins with a clean close by " .. code, function()
      local host, found = with_page(LONG)
      local before = ask(host, "about", found.id)
      assert.is_false(before.frame.detached)
      assert.is_true(before.sent)
      found:close(code)
      wait_detached(host, found.id)
      local about = ask(host, "about", found.id)
      assert.same({ false, "detached" }, { about.sent, about.why })
      assert.same({ false, "detached" }, { about.frame.sent, about.frame.why })
      before.frame.detached, before.frame.sent, before.frame.why = true, false, "detached"
      before.sent, before.why = false, "detached"
      assert.same(before, about)
      assert.same({}, ask(host, "events"))
    end)
  end

  it("begins with a bye, and with an end of the page's own main frame", function()
    local host, said_bye = with_page(LONG)
    said_bye:put("bye", 1001, "the page unloads")
    wait_detached(host, said_bye.id)
    local closed_frame = page(host):welcomed()
    closed_frame:put("frame-close", 0)
    wait_detached(host, closed_frame.id)
  end)

  it("ends with `destroyed`, and nothing else", function()
    local host, found = with_page(SHORT)
    found:close()
    local id = found.id
    assert.same({ "destroyed " .. id }, events_with(host, "destroyed " .. id))
    assert.equal("destroyed", ask(host, "about", id))
  end)

  it("ends in the order in which it began", function()
    local host, first = with_page "limits = { grace = 300 }"
    local second = page(host):welcomed()
    ask(host, "events")
    first:close()
    wait_detached(host, first.id)
    second:close()
    assert.same({ "destroyed " .. first.id, "destroyed " .. second.id },
      events_with(host, "destroyed " .. second.id))
  end)

  it("lasts as long as limits.grace says", function()
    local host, found = with_page "limits = { grace = 300 }"
    local from = now()
    found:close()
    events_with(host, "destroyed " .. found.id)
    local took = now() - from
    assert.is_true(took >= 299, took .. " ms")
  end)

  it("aborts what the page waits for, and answers what waits for the page", function()
    local host, found = with_page(LONG)
    found:start("never")
    ask(host, "asking", found.id)
    found:packet("invoke")
    found:close()
    local events = events_with(host, "answer ERR_CLOSED")
    table.sort(events)
    assert.same({ "aborted ERR_DESTROYED true true", "answer ERR_CLOSED" }, events)
    assert.equal("ERR_CLOSED", ask(host, "ask", found.id))
  end)

  it("destroys the other frames at once", function()
    local host, found = with_page(LONG)
    found:put("frame-open", 1, 0, { name = "child" })
    found:put("frame-open", 2, 1, { name = "grandchild" })
    found:packet("frame-opened")
    found:packet("frame-opened")
    assert.equal(1, ask(host, "frames", found.id))
    found:close()
    wait_detached(host, found.id)
    assert.equal(0, ask(host, "frames", found.id))
  end)

  it("is left out of a broadcast, and counted among all contents", function()
    local host, found = with_page(LONG)
    assert.equal(2, ask(host, "broadcast"))
    found:close()
    wait_detached(host, found.id)
    assert.equal(1, ask(host, "broadcast"))
    assert.equal(2, ask(host, "count"))
  end)

  it("ends by contents:close()", function()
    local host, found = with_page(LONG)
    found:close()
    wait_detached(host, found.id)
    assert.is_true(ask(host, "close", found.id))
    assert.same({ "destroyed " .. found.id }, ask(host, "events"))
  end)

  it("ends at once where it is closed as it begins", function()
    local host, found = with_page(LONG)
    found:start("close when aborted")
    assert.equal(found.id, found:invoke("id"))
    found:close()
    assert.same({ "closed", "destroyed " .. found.id }, events_with(host, "destroyed " .. found.id))
  end)

  it("is not for a connection that breaks, nor for one that breaks the protocol", function()
    local host, broken = with_page(LONG)
    broken.socket:close()
    assert.same({ "gone " .. broken.id .. " abnormal-exit", "destroyed " .. broken.id },
      events_with(host, "destroyed " .. broken.id))
    local wrong = page(host):welcomed()
    wrong.socket:write(raw.frame(0x82, "\xff"))
    events_with(host, "gone " .. wrong.id .. " abnormal-exit")
  end)

  it("is not for native clients, on whatever transport, nor for workers", function()
    local host = start(LONG)
    for _, options in ipairs { { origin = "none" }, { details = { type = "native" } } } do
      local client = page(host, options):welcomed()
      client:close(1000)
      events_with(host, "destroyed " .. client.id)
    end
  end)

  it("is not where limits.grace is 0", function()
    local host, found = with_page "limits = { grace = 0 }"
    found:close()
    assert.same({ "destroyed " .. found.id }, events_with(host, "destroyed " .. found.id))
  end)

  it("is cut short for the oldest where more are in it than limits.connections", function()
    local host, first = with_page 'limits = { grace = "1min", connections = 2 }'
    first:close()
    wait_detached(host, first.id)
    for _ = 1, 2 do
      local next_one = page(host):welcomed()
      next_one:close()
      wait_detached(host, next_one.id)
    end
    assert.equal("destroyed", ask(host, "about", first.id))
    assert.equal(3, ask(host, "count"))
  end)

  it("keeps no host from ending", function()
    local host, found = with_page(LONG)
    found:close()
    wait_detached(host, found.id)
    local from = now()
    host.control:close()
    host:stop()
    table.remove(hosts)
    assert.is_true(now() - from < 30000)
  end)
end)
