-- What a browser's tab keeps over its documents; docs/protocol.md, sections 3 and 7. Pages are bare sockets here.
local core = require "ipchost.core"
local lanes = require "spec.functional.lane"
local pages = require "spec.functional.page"
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
    contents:on("frame-created", function(_, details)
      if contents.mainFrame == details.frame then note("frame", contents.id, details.frame.routingId) end
    end)
    local function navigated(name)
      contents:on(name, function(_, url, ...)
        local rest = table.pack(...)
        for i = 1, rest.n do rest[i] = tostring(rest[i]) end
        note(name, url:match("^%a+://[^/]*(.*)"), table.concat(rest, ","))
      end)
    end
    navigated "did-navigate"
    navigated "did-frame-navigate"
    navigated "did-navigate-in-page"
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
  local waiting
  ipcMain.handle("later", function(event)
    waiting = { event = event }
    waiting.promise, waiting.resolve = Promise.withResolvers()
    return waiting.promise
  end)
  ipcMain.handle("answer", function(_, value)
    local replied, why = waiting.event.reply("late", value)
    waiting.resolve(value)
    return ipc.Array { replied, why or ipc.null }
  end)
  ipcMain.handle("who", function(event)
    local frame = event.senderFrame
    return { id = event.sender.id, process = event.processId, frame = event.frameId, node = event.frameTreeNodeId,
      detached = frame.detached, url = frame.url, origin = frame.origin, top = frame.top == frame,
      main = event.sender.mainFrame == frame, frames = #frame.framesInSubtree }
  end)
  ipcMain.handle("frame", function(_, process, id)
    local frame = webFrameMain.fromId(process, id)
    return frame and { detached = frame.detached, state = frame.visibilityState, name = frame.name, url = frame.url }
  end)
  ipcMain.handle("scope", function(_, id)
    kept[id].ipc.handle("scoped", function() return "contents" end)
    kept[id].mainFrame.ipc.handle("framed", function() return "frame" end)
    return true
  end)
  ipcMain.handle("send", function(_, id, text) return kept[id]:send("news", text) end)
  ipcMain.handle("frames", function(_, id) return #kept[id].mainFrame.frames end)
  ipcMain.handle("post a port", function(_, id)
    local port1, port2 = MessageChannelMain.pair()
    local closed, resolve = Promise.withResolvers()
    port1:on("close", resolve)
    port1:start()
    local sent, why = kept[id]:postMessage("port", "for you", { port2 })
    await(closed)
    return ipc.Array { sent, why, app.metrics().ports }
  end)
]==]

local opened = {} -- documents of the spec that runs

--- A document that has said hello. `options`: origin ("none" for none), details, session and lane.
local function page(host, options)
  options = options or {}
  local origin = options.origin
  if origin == "none" then origin = false end
  local self = pages.connect(host, origin)
  opened[#opened + 1] = self
  self.features = options.features
  if options.session then self.id, self.secret = options.session.id, options.session.secret end
  local details = { url = host.address.http .. "/", title = "A page", name = "" }
  for key, value in pairs(options.details or {}) do details[key] = value end
  return self:hello(details, options.lane)
end

--- Waits for welcome; gives the document with its contents' id.
local function welcomed(of)
  of.welcome = of:packet("welcome")[5]
  of.contents = of.welcome.webContentsId
  return of
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
  local found = welcomed(page(host, options))
  ask(host, "events")
  return host, found
end

local LONG = 'limits = { grace = "1min" }'
-- For documents that answer, on a machine that may stand still meanwhile.
local ASKED = 'limits = { grace = "1min", answer = "1min" }'
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
  support.wait_until(function()
    local about = ask(host, "about", id)
    return about == "destroyed" or about.frame.detached
  end, "the main frame to be detached")
end

describe("the grace of a page", function()
  for _, code in ipairs { 1000, 1001 } do
    it("begins with a clean close by " .. code, function()
      local host, found = with_page(LONG)
      local before = ask(host, "about", found.contents)
      assert.is_false(before.frame.detached)
      assert.is_true(before.sent)
      found:leave(code)
      wait_detached(host, found.contents)
      local about = ask(host, "about", found.contents)
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
    wait_detached(host, said_bye.contents)
    local closed_frame = welcomed(page(host))
    closed_frame:put("frame-close", 0)
    wait_detached(host, closed_frame.contents)
  end)

  it("ends with `destroyed`, and nothing else", function()
    local host, found = with_page(SHORT)
    found:leave()
    local id = found.contents
    assert.same({ "destroyed " .. id }, events_with(host, "destroyed " .. id))
    assert.equal("destroyed", ask(host, "about", id))
  end)

  it("ends in the order in which it began", function()
    local host, first = with_page "limits = { grace = 300 }"
    local second = welcomed(page(host))
    ask(host, "events")
    first:leave()
    wait_detached(host, first.contents)
    second:leave()
    assert.same({ "destroyed " .. first.contents, "destroyed " .. second.contents },
      events_with(host, "destroyed " .. second.contents))
  end)

  it("lasts as long as limits.grace says", function()
    local host, found = with_page "limits = { grace = 300 }"
    local from = now()
    found:leave()
    events_with(host, "destroyed " .. found.contents)
    local took = now() - from
    assert.is_true(took >= 299, took .. " ms")
  end)

  it("aborts what the page waits for, and answers what waits for the page", function()
    local host, found = with_page(LONG)
    found:start("never")
    ask(host, "asking", found.contents)
    found:packet("invoke")
    found:leave()
    local events = events_with(host, "answer ERR_CLOSED")
    table.sort(events)
    assert.same({ "aborted ERR_DESTROYED true true", "answer ERR_CLOSED" }, events)
    assert.equal("ERR_CLOSED", ask(host, "ask", found.contents))
  end)

  it("destroys the other frames at once", function()
    local host, found = with_page(LONG)
    found:put("frame-open", 1, 0, { name = "child" })
    found:put("frame-open", 2, 1, { name = "grandchild" })
    found:packet("frame-opened")
    found:packet("frame-opened")
    assert.equal(1, ask(host, "frames", found.contents))
    found:leave()
    wait_detached(host, found.contents)
    assert.equal(0, ask(host, "frames", found.contents))
  end)

  it("closes the ports that are posted to the page", function()
    local host, found = with_page(LONG)
    found:leave()
    wait_detached(host, found.contents)
    assert.same({ false, "detached", 0 }, ask(host, "post a port", found.contents))
  end)

  it("is left out of a broadcast, and counted among all contents", function()
    local host, found = with_page(LONG)
    assert.equal(2, ask(host, "broadcast"))
    found:leave()
    wait_detached(host, found.contents)
    assert.equal(1, ask(host, "broadcast"))
    assert.equal(2, ask(host, "count"))
  end)

  it("ends by contents:close()", function()
    local host, found = with_page(LONG)
    found:leave()
    wait_detached(host, found.contents)
    assert.is_true(ask(host, "close", found.contents))
    assert.same({ "destroyed " .. found.contents }, ask(host, "events"))
  end)

  it("ends at once where it is closed as it begins", function()
    local host, found = with_page(LONG)
    found:start("close when aborted")
    assert.equal(found.contents, found:invoke("id"))
    found:leave()
    assert.same({ "closed", "destroyed " .. found.contents }, events_with(host, "destroyed " .. found.contents))
  end)

  it("is not for a connection that breaks, nor for one that breaks the protocol", function()
    local host, broken = with_page(LONG)
    broken.socket:close()
    assert.same({ "gone " .. broken.contents .. " abnormal-exit", "destroyed " .. broken.contents },
      events_with(host, "destroyed " .. broken.contents))
    local wrong = welcomed(page(host))
    wrong.socket:write(raw.frame(0x82, "\xff"))
    events_with(host, "gone " .. wrong.contents .. " abnormal-exit")
  end)

  it("is not for native clients, on whatever transport, nor for workers", function()
    local host = start(LONG)
    for _, options in ipairs { { origin = "none" }, { details = { type = "native" } } } do
      local client = welcomed(page(host, options))
      client:leave(1000)
      events_with(host, "destroyed " .. client.contents)
    end
  end)

  it("is not where limits.grace is 0", function()
    local host, found = with_page "limits = { grace = 0 }"
    found:leave()
    assert.same({ "destroyed " .. found.contents }, events_with(host, "destroyed " .. found.contents))
  end)

  it("is cut short for the oldest where more are in it than limits.connections", function()
    local host, first = with_page 'limits = { grace = "1min", connections = 2 }'
    first:leave()
    wait_detached(host, first.contents)
    for _ = 1, 2 do
      local next_one = welcomed(page(host))
      next_one:leave()
      wait_detached(host, next_one.contents)
    end
    assert.equal("destroyed", ask(host, "about", first.contents))
    assert.equal(3, ask(host, "count"))
  end)

  it("keeps no host from ending", function()
    local host, found = with_page(LONG)
    found:leave()
    wait_detached(host, found.contents)
    local from = now()
    host.control:close()
    host:stop()
    table.remove(hosts)
    assert.is_true(now() - from < 30000)
  end)
end)

-- The next document

local function token() return (core.random(16):gsub(".", function(byte) return ("%02x"):format(byte:byte()) end)) end

--- A page of that tab.
local function tab_page(host, tab, options)
  options = options or {}
  options.details = options.details or {}
  options.details.tab = tab
  return page(host, options)
end

--- A page that follows another in its tab, and says so.
local function follow(host, tab, url)
  return tab_page(host, tab, { details = { handover = true, url = host.address.http .. (url or "/next") } })
end

--- A host and the page of a tab; its events so far are taken.
local function with_tab(config)
  local host, tab = start(config), token()
  local found = welcomed(tab_page(host, tab))
  ask(host, "events")
  return host, found, tab
end

local function new_events(next_one)
  local frame = next_one.welcome.frame.routingId
  local navigated = ("did-frame-navigate /next -1,,true,%d,%d"):format(next_one.welcome.processId, frame)
  return { "frame " .. next_one.contents .. " " .. frame, navigated, "did-navigate /next -1," }
end

local function assert_followed(host, first, next_one)
  assert.same({ first.contents, first.welcome.frame.frameTreeNodeId, first.welcome.tab },
    { next_one.contents, next_one.welcome.frame.frameTreeNodeId, next_one.welcome.tab })
  assert.not_equal(first.welcome.processId, next_one.welcome.processId)
  assert.not_equal(first.welcome.frame.routingId, next_one.welcome.frame.routingId)
  assert.not_equal(first.welcome.frame.frameToken, next_one.welcome.frame.frameToken)
  local who = next_one:invoke("who")
  assert.same({ first.contents, next_one.welcome.frame.routingId }, { who.id, who.frame })
  assert.same({ false, true }, { who.detached, who.main })
  assert.is_true(ask(host, "about", first.contents).sent)
end

--- Whether the frame is there still.
local function frame_of(host, of)
  return ask(host, "frame", of.welcome.processId, of.welcome.frame.routingId)
end

--- Waits for the close frame, behind a bye; returns the code.
local function bye_code(of)
  local code = of:packet("bye")[2]
  of.socket:closed()
  return code
end

describe("the next document of a tab", function()
  it("takes over in grace, with a mark and without one", function()
    local host, first, tab = with_tab(LONG)
    assert.equal(tab, first.welcome.tab)
    for _, handover in ipairs { true, false } do
      first:leave()
      wait_detached(host, first.contents)
      local next_one = tab_page(host, tab, { details = { handover = handover, url = host.address.http .. "/next" } })
      welcomed(next_one)
      assert_followed(host, first, next_one)
      assert.same(new_events(next_one), ask(host, "events"))
      assert.is_nil(frame_of(host, first))
      first = next_one
    end
    assert.equal(2, ask(host, "count"))
  end)

  it("takes over with a mark while the one before is connected, which is heard until it ends", function()
    local host, first, tab = with_tab(LONG)
    first:start("later")
    local next_one = welcomed(follow(host, tab))
    assert_followed(host, first, next_one)
    assert.same(new_events(next_one), ask(host, "events"))
    local who, url = first:invoke("who"), host.address.http .. "/"
    assert.same({ id = first.contents, process = first.welcome.processId, frame = first.welcome.frame.routingId,
      node = first.welcome.frame.frameTreeNodeId, detached = true, url = url, origin = host.address.http, top = true,
      main = false, frames = 1 }, who)
    assert.is_true(frame_of(host, first).detached)
    assert.same({ false, "detached" }, ask(host, "answer", "to the first"))
    assert.same({ "reply", 1, 0, "to the first", n = 4 }, first:packet("reply"))
    ask(host, "send", first.contents, "to the second")
    assert.equal("to the second", next_one:message("news"))
    first:leave()
    support.wait_until(function() return not frame_of(host, first) end, "the end of the first")
    assert.equal(next_one.contents, next_one:invoke("id"))
    assert.same({}, ask(host, "events"))
  end)

  it("gets no reply that is for another", function()
    local host, first, tab = with_tab(LONG)
    first:start("later")
    assert.equal(first.contents, first:invoke("id"))
    first:leave()
    wait_detached(host, first.contents)
    local next_one = welcomed(tab_page(host, tab))
    ask(host, "answer", "to nobody")
    assert.equal(next_one.contents, next_one:invoke("id"))
    assert.is_nil(next_one.reader:next())
  end)

  it("keeps its contents over any number of them, with contents.ipc and without frame.ipc", function()
    local host, first, tab = with_tab(LONG)
    ask(host, "scope", first.contents)
    assert.same({ "contents", "frame" }, { first:invoke("scoped"), first:invoke("framed") })
    local last = first
    for round = 1, 20 do
      local next_one = welcomed(follow(host, tab))
      assert.equal(first.contents, next_one.contents)
      if round % 2 == 0 then last:leave() else last.socket:close() end
      last = next_one
    end
    assert.equal("contents", last:invoke("scoped"))
    last:start("framed")
    assert.equal("ERR_NO_HANDLER", last:packet("reply")[4].code)
    assert.equal(2, ask(host, "count"))
    for _, event in ipairs(ask(host, "events")) do assert.is_nil(event:match("^gone") or event:match("^destroyed")) end
  end)

  it("destroys the frames of the one before at once, and ends the sessions below", function()
    local host, first, tab = with_tab(LONG)
    first:put("frame-open", 1, 0, { name = "own" })
    first:packet("frame-opened")
    first:put("ticket", 1, 0, host.address.http, "")
    local ticket = first:packet("ticket")[5]
    first:put("ticket", 2, 0, host.address.http, "")
    local unused = first:packet("ticket")[5]
    local below = welcomed(tab_page(host, tab, { details = { ticket = ticket, handover = true } }))
    assert.equal(first.contents, below.contents)
    assert.is_nil(below.welcome.tab)
    assert.equal(2, ask(host, "frames", first.contents))
    local next_one = welcomed(follow(host, tab))
    assert_followed(host, first, next_one)
    assert.equal(4007, bye_code(below))
    assert.equal(1, first:invoke("who").frames)
    assert.equal(0, ask(host, "frames", first.contents))
    assert.equal(1008, bye_code(page(host, { details = { ticket = unused } })))
    first:put("ticket", 3, 0, host.address.http, "")
    assert.equal("", first:packet("ticket")[5])
  end)

  it("is another contents when the grace is over", function()
    local host, first, tab = with_tab(SHORT)
    first:leave()
    events_with(host, "destroyed " .. first.contents)
    local next_one = welcomed(follow(host, tab))
    assert.not_equal(first.contents, next_one.contents)
    assert.equal(tab, next_one.welcome.tab)
  end)

  it("is another contents after a connection that broke", function()
    local host, first, tab = with_tab(LONG)
    first.socket:close()
    events_with(host, "destroyed " .. first.contents)
    assert.not_equal(first.contents, welcomed(follow(host, tab)).contents)
  end)

  for _, handover in ipairs { true, false } do
    it("takes over from one that is waited for to resume" .. (handover and "" or ", after 250 ms"), function()
      local host, tab = start('limits = { grace = "1min", resume = "1min" }'), token()
      local first = welcomed(tab_page(host, tab, { features = 1 }))
      first:invoke("id")
      first.socket:close()
      -- Its connection may still be there for the host, which then asks it in vain.
      local next_one = welcomed(tab_page(host, tab, { details = { handover = handover } }))
      assert_followed(host, first, next_one)
      support.wait_until(function() return not handover or not frame_of(host, first) end, "the end of the first")
      for _, event in ipairs(ask(host, "events")) do
        assert.is_nil(event:match("^gone") or event:match("^destroyed"))
      end
    end)
  end

  it("may come by a sync lane first", function()
    local host, first, tab = with_tab(LONG)
    local session = { id = core.random(16), secret = core.random(16) }
    local sync = welcomed(tab_page(host, tab, { session = session, lane = 1, details = { handover = true } }))
    local main = welcomed(tab_page(host, tab, { session = session, details = { handover = true } }))
    assert.same({ first.contents, tab }, { sync.contents, sync.welcome.tab })
    assert.same({ first.contents, tab }, { main.contents, main.welcome.tab })
    assert.equal(first.contents, main:invoke("id"))
    assert.is_true(first:invoke("who").detached)
  end)

  it("puts an end to the one before when limits.grace has passed", function()
    local host, first, tab = with_tab(SHORT)
    local next_one = welcomed(follow(host, tab))
    assert.equal(4006, bye_code(first))
    assert.equal(next_one.contents, next_one:invoke("id"))
    assert.is_nil(frame_of(host, first))
  end)

  it("ends with the one before by contents:close()", function()
    local host, first, tab = with_tab(LONG)
    local next_one = welcomed(follow(host, tab))
    assert.is_true(ask(host, "close", first.contents))
    assert.same({ 1000, 4006 }, { bye_code(next_one), bye_code(first) })
    assert.equal(1, ask(host, "count"))
  end)

  it("ends with the one before where its connection breaks", function()
    local host, first, tab = with_tab(LONG)
    local next_one = welcomed(follow(host, tab))
    next_one.socket:close()
    events_with(host, "gone " .. first.contents .. " abnormal-exit")
    assert.equal(4006, bye_code(first))
  end)

  it("may be closed by who hears that the one before ends, whatever ends that", function()
    local function ends_with(host, first, next_one)
      local destroyed = "destroyed " .. first.contents
      local events = events_with(host, destroyed)
      assert.same({ destroyed, "closed" }, { events[#events - 1], events[#events] })
      assert.equal(1000, bye_code(next_one))
      assert.equal(1, ask(host, "count"))
      assert.is_nil(frame_of(host, first))
    end
    local host, first, tab = with_tab(LONG)
    first:start("close when aborted")
    local next_one = welcomed(follow(host, tab))
    first:leave()
    ends_with(host, first, next_one)
    host, first, tab = with_tab(SHORT)
    first:start("close when aborted")
    next_one = welcomed(follow(host, tab))
    ends_with(host, first, next_one)
    host, first, tab = with_tab(LONG)
    first:put("frame-open", 1, 0, { url = host.address.http })
    first:start("close when aborted")
    next_one = welcomed(follow(host, tab))
    next_one:leave()
    wait_detached(host, first.contents)
    ask(host, "events")
    assert.is_true(ask(host, "close", first.contents))
    assert.same({ "closed", "destroyed " .. first.contents }, ask(host, "events"))
    assert.equal(1, ask(host, "count"))
  end)

  it("keeps no host from ending", function()
    local host, first, tab = with_tab(LONG)
    welcomed(follow(host, tab))
    tab_page(host, tab)
    first:invoke("who")
    host.control:close()
    host:stop()
    table.remove(hosts)
  end)
end)

describe("a document that names the tab of another without a mark", function()
  --- It has asked the other, which has the question now.
  local function newcomer(host, tab, asked, options)
    local new = tab_page(host, tab, options)
    return new, asked:packet("ping")[2]
  end

  it("is another contents with a token of its own, if the other answers", function()
    local host, first, tab = with_tab(ASKED)
    local new, question = newcomer(host, tab, first)
    new:start("who") -- waits behind hello
    first:put("pong", question)
    welcomed(new)
    assert.not_equal(first.contents, new.contents)
    assert.not_equal(tab, new.welcome.tab)
    assert.equal(new.contents, new:packet("reply")[4].id)
    assert.is_false(first:invoke("who").detached)
    assert.same({ "created " .. new.contents .. " page",
      ("frame %d %d"):format(new.contents, new.welcome.frame.routingId) }, ask(host, "events"))
    new:leave()
    wait_detached(host, new.contents)
    assert.equal(new.contents, welcomed(tab_page(host, new.welcome.tab)).contents)
  end)

  it("is acknowledged what waited behind its hello, though it says no more", function()
    local host, first, tab = with_tab(ASKED)
    local session = lanes.session()
    session.features = 1
    local new = lanes.connect(host, "ws", { Origin = host.address.http })
    new:hello(session, 0, 0, { type = "page", tab = tab })
    for i = 1, 2 do new:put("invoke", 0, i, 0, "who") end
    new:flush()
    first:put("pong", first:packet("ping")[2])
    assert.equal(2, new:packet("ack")[2])
    new:close()
  end)

  it("takes over if the other does not answer in 250 ms", function()
    local host, first, tab = with_tab(LONG)
    local from = now()
    local new = newcomer(host, tab, first, { details = { url = host.address.http .. "/next" } })
    welcomed(new)
    local took = now() - from
    assert.is_true(took >= 249, took .. " ms")
    assert_followed(host, first, new)
    assert.same(new_events(new), ask(host, "events"))
    assert.is_true(first:invoke("who").detached)
  end)

  it("takes over at once if the other leaves meanwhile", function()
    local host, first, tab = with_tab(ASKED)
    local new = newcomer(host, tab, first)
    first:leave()
    assert.equal(first.contents, welcomed(new).contents)
  end)

  it("is another contents if the other's connection breaks meanwhile", function()
    local host, first, tab = with_tab(ASKED)
    local new = newcomer(host, tab, first)
    first.socket:close()
    assert.not_equal(first.contents, welcomed(new).contents)
    assert.equal(tab, new.welcome.tab)
  end)

  it("gives way to one that comes with the mark meanwhile, and asks that", function()
    local host, first, tab = with_tab(ASKED)
    local new = newcomer(host, tab, first)
    local next_one = welcomed(follow(host, tab))
    assert.equal(first.contents, next_one.contents)
    next_one:put("pong", next_one:packet("ping")[2])
    assert.not_equal(first.contents, welcomed(new).contents)
  end)

  it("may be one of several, each of which is another", function()
    local host, first, tab = with_tab(ASKED)
    local one, question = newcomer(host, tab, first)
    local two = newcomer(host, tab, first)
    first:put("pong", question)
    welcomed(one)
    welcomed(two)
    local tokens = { [tab] = true, [one.welcome.tab] = true, [two.welcome.tab] = true }
    local ids = { [first.contents] = true, [one.contents] = true, [two.contents] = true }
    for _, set in ipairs { tokens, ids } do
      local count = 0
      for _ in pairs(set) do count = count + 1 end
      assert.equal(3, count)
    end
  end)

  it("may be one of several, of which only one takes over", function()
    local host, one, tab = with_tab('limits = { grace = "1min", answer = "2s" }')
    local silent = newcomer(host, tab, one)
    local other = newcomer(host, tab, one)
    assert.equal(one.contents, welcomed(silent).contents)
    silent:put("pong", silent:packet("ping")[2])
    assert.not_equal(one.contents, welcomed(other).contents)
  end)

  it("may leave while it waits", function()
    local host, first, tab = with_tab(ASKED)
    local new, question = newcomer(host, tab, first)
    new.socket:close()
    local other = tab_page(host, tab)
    first:packet("ping")
    first:put("pong", question)
    assert.not_equal(first.contents, welcomed(other).contents)
    support.wait_until(function() return ask(host, "count") == 3 end, "the one that left to be gone")
  end)

  it("may be a sync lane, whose call waits as well", function()
    local host, first, tab = with_tab(ASKED)
    local session = { id = core.random(16), secret = core.random(16) }
    local sync, question = newcomer(host, tab, first, { session = session, lane = 1 })
    local main = newcomer(host, tab, first, { session = session })
    sync:put("sync", 0, 1, 1, "nobody")
    first:put("pong", question)
    welcomed(sync)
    assert.equal("ERR_NO_LISTENER", sync:packet("reply")[4].code)
    assert.same({ sync.contents, sync.welcome.tab }, { welcomed(main).contents, main.welcome.tab })
    assert.not_equal(first.contents, sync.contents)
  end)

  it("is forgotten with its connection, also where that became one of a session that was there", function()
    local host, first, tab = with_tab(ASKED)
    local mains = {}
    for i = 1, 10 do
      local session = { id = core.random(16), secret = core.random(16) }
      local sync = newcomer(host, tab, first, { session = session, lane = 1 })
      mains[i] = newcomer(host, tab, first, { session = session })
      first:put("pong", 2)
      welcomed(sync)
      welcomed(mains[i])
    end
    for _, main in ipairs(mains) do main.socket:close() end
    support.wait_until(function() return ask(host, "count") == 2 end, "all but two to be gone")
    for _ = 1, 10 do newcomer(host, tab, first) end -- their connections may have the places of the others'
  end)
end)

describe("the token of a tab", function()
  it("means something to pages of its origin only", function()
    local host = start('security = { origins = { "http://other.example" } }, ' .. LONG)
    local tab, other = token(), "http://other.example"
    local first = welcomed(tab_page(host, tab))
    local stranger = welcomed(tab_page(host, tab, { origin = other, details = { handover = true, url = other } }))
    assert.not_equal(first.contents, stranger.contents)
    assert.equal(tab, stranger.welcome.tab)
    assert.is_false(first:invoke("who").detached)
    first:leave()
    wait_detached(host, first.contents)
    local again = welcomed(tab_page(host, tab, { origin = other, details = { handover = true, url = other } }))
    assert.equal(stranger.contents, again.contents)
    assert.equal(first.contents, welcomed(tab_page(host, tab)).contents)
  end)

  it("is none of a native client's, nor of a worker's", function()
    local host, first, tab = with_tab(LONG)
    for _, options in ipairs { { origin = "none" }, { details = { type = "native" } } } do
      options.details = options.details or {}
      options.details.handover = true
      local client = welcomed(tab_page(host, tab, options))
      assert.not_equal(first.contents, client.contents)
      assert.is_nil(client.welcome.tab)
    end
    assert.is_false(first:invoke("who").detached)
  end)

  it("may be any text that is not too long", function()
    local host = start(LONG)
    for _, tab in ipairs { "t", "ünïcode", ("x"):rep(128) } do
      local first = welcomed(tab_page(host, tab))
      assert.equal(tab, first.welcome.tab)
      assert.equal(first.contents, welcomed(follow(host, tab)).contents)
    end
    assert.is_nil(welcomed(tab_page(host, "")).welcome.tab)
    for wrong, text in pairs { [("x"):rep(129)] = "tab is too long", [12] = "must be text" } do
      local bad = tab_page(host, wrong)
      local bye = bad:packet("bye")
      assert.equal(1007, bye[2])
      assert.matches(text, bye[3], 1, true)
    end
    assert.equal(1007, bye_code(page(host, { details = { handover = "yes" } })))
  end)
end)

describe("a document", function()
  it("changes title, name and visibilityState, also to nothing", function()
    local host = start()
    local found = welcomed(page(host, { details = { name = "a", visibilityState = "hidden" } }))
    local url = host.address.http .. "/"
    local function check(title, name, state)
      found:invoke("id")
      assert.equal(title, ask(host, "about", found.contents).title)
      assert.same({ detached = false, state = state, name = name, url = url }, frame_of(host, found))
    end
    check("A page", "a", "hidden")
    found:put("frame-update", 0, { visibilityState = "visible", title = "Another" })
    check("Another", "a", "visible")
    found:put("frame-update", 0, { visibilityState = "prerender", title = "", name = "", url = "" })
    check("", "", "visible")
    ask(host, "events")
  end)

  it("goes elsewhere in the page, or to another document, also in its frames", function()
    local host, found = with_page()
    local process, id = found.welcome.processId, found.welcome.frame.routingId
    local own = host.address.http
    found:put("frame-open", 1, 0, { url = own .. "/child" })
    local child = found:packet("frame-opened")[3].routingId
    found:put("frame-navigate", 0, true, { url = own .. "/#part" })
    found:put("frame-navigate", 0, false, { url = own .. "/other", title = "Other" })
    found:put("frame-navigate", 1, true, { url = own .. "/child?more" })
    found:put("frame-navigate", 1, false, { url = "http://bank.example/" })
    found:put("frame-navigate", 7, false, { url = own })
    found:invoke("id")
    local function line(text, ...) return text:format(...) end
    assert.same({
      line("did-navigate-in-page /#part true,%d,%d", process, id),
      line("did-frame-navigate /other -1,,true,%d,%d", process, id),
      "did-navigate /other -1,",
      line("did-navigate-in-page /child?more false,%d,%d", process, child),
      line("did-frame-navigate  -1,,false,%d,%d", process, child),
    }, ask(host, "events"))
    local about = ask(host, "about", found.contents)
    assert.same({ own .. "/other", "Other" }, { about.url, about.title })
  end)
end)
