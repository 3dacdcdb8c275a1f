-- Trees of frames over several sessions: documents in frames of a page, which join it by tickets; docs/protocol.md,
-- section 7. The documents are bare WebSockets; renderer/test/browser/trees.test.js has them in a browser.
local core = require "ipchost.core"
local page = require "spec.functional.page"
local support = require "spec.functional.support"
local wire = require "spec.functional.wire"

local SCRIPT = [==[
  local events = {}
  local function note(...) events[#events + 1] = table.concat({ ... }, " ") end
  app.on("web-contents-created", function(_, contents)
    note("contents", contents:getURL())
    contents:on("frame-created", function(_, details) note("frame", details.frame.name) end)
    contents:on("destroyed", function() note("destroyed") end)
    contents:on("render-process-gone", function(_, details) note("gone", details.reason) end)
  end)
  ipcMain.handle("events", function() local e = events events = {} return ipc.Array(e) end)

  local function describe(frame)
    return ("%s %s<%s"):format(frame.name, frame.origin, frame.parent and frame.parent.name or "")
  end
  local function tree(contents)
    local names = {}
    for i, frame in ipairs(contents.mainFrame.framesInSubtree) do names[i] = describe(frame) end
    return ipc.Array(names)
  end
  ipcMain.handle("tree", function(event) return tree(event.sender) end)
  ipcMain.handle("trees", function()
    local all = {}
    for i, contents in ipairs(webContents.getAllWebContents()) do all[i] = #contents.mainFrame.framesInSubtree end
    return ipc.Array(all)
  end)
  ipcMain.handle("about", function(event)
    local frame = event.senderFrame
    return { contents = event.sender.id, process = event.processId, frame = frame.routingId, top = frame.top.name,
      parent = frame.parent and frame.parent.name, frames = #frame.frames, url = frame.url, own = event.sender:getURL(),
      byId = webFrameMain.fromId(frame.processId, frame.routingId) == frame,
      byToken = webFrameMain.fromFrameToken(frame.processId, frame.frameToken) == frame,
      sameContents = webContents.fromFrame(frame) == event.sender }
  end)
  ipcMain.handle("by token", function(_, process, token)
    local frame = webFrameMain.fromFrameToken(process, token)
    return frame and frame.name
  end)
  ipcMain.on("greet", function(event)
    event:reply("reply", event.senderFrame.name)
    event.sender:send("contents", event.senderFrame.name)
    event.senderFrame:send("frame", event.senderFrame.name)
    event.sender:sendToFrame({ event.processId, event.frameId }, "sendToFrame", event.senderFrame.name)
  end)
  ipcMain.handle("broadcast", function() return webContents.broadcast("news") end)
  local scoped = 0
  ipcMain.handle("scope", function(event)
    event.sender.ipc.on("scoped", function() scoped = scoped + 1 end)
    event.sender:on("ipc-message", function(_, channel) if channel == "scoped" then scoped = scoped + 10 end end)
  end)
  ipcMain.handle("scoped", function() return scoped end)
  ipcMain.handle("close", function(event) event.sender:close() end)
  ipcMain.handle("close on end", function(event, name)
    -- What hears of a frame's end ends the rest.
    for _, frame in ipairs(event.sender.mainFrame.framesInSubtree) do
      if frame.name == name then
        frame:invoke("never"):catch(function() event.sender:close() end)
        frame:drained()
      end
    end
  end)
  local waiting
  ipcMain.handle("wait", function(event)
    local promise, resolve = Promise.withResolvers()
    event.signal:onAbort(function() waiting = event.signal.reason.code resolve() end)
    waiting = "waiting"
    return promise
  end)
  ipcMain.handle("waiting", function() return waiting end)
  local posted
  ipcMain.handle("post when aborted", function(event)
    local port1, port2 = MessageChannelMain.pair()
    port1:on("close", function() posted.closed = true end)
    port1:start()
    event.signal:onAbort(function()
      local sent, why = event.sender:postMessage("port", "for you", { port2 })
      posted = { sent = sent, why = why }
    end)
    await(Promise(function() end))
  end)
  ipcMain.handle("posted", function() return posted end)
  local kept
  ipcMain.handle("keep", function(event) kept = event.senderFrame end)
  ipcMain.handle("kept", function()
    return { destroyed = kept:isDestroyed(), sent = ipc.Array(table.pack(kept:send("x"))), id = kept.routingId > 0,
      found = webFrameMain.fromId(kept.processId, kept.routingId) ~= nil }
  end)
]==]

describe("a tree of documents", function()
  local host, top, own, localhost, opened

  setup(function()
    host = support.start(SCRIPT, { config = 'security = { origins = { "null" } }, limits = { frames = 20 }' })
    own = "http://127.0.0.1:" .. host.http_port
    localhost = "http://localhost:" .. host.http_port
  end)
  teardown(function() host:stop() end)

  local function open(details, origin)
    local document = page.open(host, details, origin)
    opened[#opened + 1] = document
    return document
  end

  --- Opens a document in a frame of `parent`.
  local function below(parent, name, origin, frame)
    origin = origin or own
    local ticket = parent:ticket(origin, frame)
    return open({ name = name, url = origin .. "/" .. name, ticket = ticket, issuer = parent.welcome.host }, origin)
  end

  --- What refuses a document with the details.
  local function refusal(details, origin)
    local document = page.connect(host, origin):hello(details)
    opened[#opened + 1] = document
    return document:bye()
  end

  before_each(function()
    opened = {}
    top = open { name = "top", url = own .. "/top" }
    top:invoke("events")
  end)
  after_each(function()
    for _, document in ipairs(opened) do document:close() end
    local asker = page.open(host)
    repeat local left = asker:invoke("trees") until #left == 1
    asker:close()
  end)

  it("has the document of a frame below the page's, in its contents", function()
    local child = below(top, "child")
    local about, main = child:invoke("about"), top:invoke("about")
    assert.equal(top.welcome.webContentsId, child.welcome.webContentsId)
    assert.equal(main.contents, about.contents)
    assert.not_equal(main.process, about.process)
    assert.same({ "top", "top", 0 }, { about.top, about.parent, about.frames })
    assert.same({ own .. "/child", own .. "/top" }, { about.url, about.own })
    assert.same({ true, true, true }, { about.byId, about.byToken, about.sameContents })
    assert.equal(1, main.frames)
    assert.same({ "frame child" }, { table.unpack(top:invoke("events")) })
    assert.equal("child", top:invoke("by token", child.welcome.processId, child.welcome.frame.frameToken))
    assert.is_nil(top:invoke("by token", top.welcome.processId, child.welcome.frame.frameToken))
  end)

  it("has documents of all origins, at any depth, in pre-order", function()
    local a = below(top, "a")
    local b = below(top, "b", localhost)
    below(b, "ba", own)
    below(a, "aa", "null")
    local ab = below(a, "ab", localhost)
    below(ab, "aba", "null")
    assert.same({ "top " .. own .. "<", "a " .. own .. "<top", "aa null<a", "ab " .. localhost .. "<a", "aba null<ab",
      "b " .. localhost .. "<top", "ba " .. own .. "<b" }, { table.unpack(top:invoke("tree")) })
    assert.same({ 7 }, { table.unpack(b:invoke("trees")) })
    assert.same({ "frame a", "frame b", "frame ba", "frame aa", "frame ab", "frame aba" },
      { table.unpack(top:invoke("events")) })
  end)

  it("has documents in frames that a session opened itself", function()
    top:put("frame-open", 4, 0, { name = "four" })
    local child = below(top, "child", own, 4)
    assert.same({ "top " .. own .. "<", "four " .. own .. "<top", "child " .. own .. "<four" },
      { table.unpack(top:invoke("tree")) })
    top:put("frame-close", 4)
    assert.equal(4007, (child:bye()))
    assert.same({ "top " .. own .. "<" }, { table.unpack(top:invoke("tree")) })
  end)

  it("is answered where it asks, and spoken to at its top", function()
    local child = below(top, "child")
    child:put("send", 0, "greet")
    assert.equal("child", child:message("reply"))
    assert.equal("child", child:message("frame"))
    assert.equal("child", child:message("sendToFrame"))
    assert.equal("child", top:message("contents"))
    assert.equal(1, top:invoke("broadcast"))
    top:invoke("scope")
    child:put("send", 0, "scoped")
    assert.equal(11, child:invoke("scoped"))
  end)

  it("opens by a sync lane too, which brings the ticket first", function()
    local lane = page.connect(host)
    local details = { name = "child", ticket = top:ticket(own) }
    lane:hello(details, 1):packet("welcome")
    assert.same({ 2 }, { table.unpack(top:invoke("trees")) })
    local main = page.connect(host)
    main.id, main.secret = lane.id, lane.secret
    assert.is_true(main:hello(details):packet("welcome")[2])
    assert.equal("top", main:invoke("about").parent)
    lane:close()
    main:close()
  end)

  describe("is not joined", function()
    after_each(function() assert.same({ 1 }, { table.unpack(top:invoke("trees")) }) end)

    it("with a ticket that was never given", function()
      local code, text = refusal { ticket = core.random(16) }
      assert.same({ 1008, "hello: the ticket was used, has expired, or was never given" }, { code, text })
      host:wait_log("closed with 1008: hello: the ticket was used, has expired, or was never given")
      for _, ticket in ipairs { ("\0"):rep(16), "short", top:ticket(own):sub(1, 15), top:ticket(own) .. "\0" } do
        assert.equal(1008, (refusal { ticket = ticket }))
      end
      local real = top:ticket(own)
      assert.equal(1008, (refusal { ticket = real:sub(1, 15) .. string.char(real:byte(16) ~ 1) }))
    end)

    it("with a ticket a second time", function()
      local ticket = top:ticket(own)
      local child = open { ticket = ticket }
      assert.equal(top.welcome.webContentsId, child.welcome.webContentsId)
      assert.equal(1008, (refusal { ticket = ticket }))
      child:close()
      repeat local left = top:invoke("trees") until left[1] == 1
      assert.equal(1008, (refusal { ticket = ticket }))
    end)

    it("with a ticket for another origin, which is used up by that", function()
      local ticket = top:ticket(localhost)
      local code, text = refusal { ticket = ticket }
      assert.equal(1008, code)
      assert.equal(("hello: the ticket is for a document of '%s', and this one is of '%s'"):format(localhost, own),
        text)
      assert.equal(1008, (refusal({ ticket = ticket }, localhost)))
      assert.equal(1008, (refusal({ ticket = top:ticket(own) }, "null")))
      assert.equal(1008, (refusal({ ticket = top:ticket("null") })))
    end)

    it("when the frame that asked is gone", function()
      local second = open { name = "second" }
      second:put("frame-open", 1, 0, {})
      local ticket = second:ticket(own, 1)
      second:put("frame-close", 1)
      second:invoke("events")
      local code, text = refusal { ticket = ticket }
      assert.same({ 1008, "hello: the frame that has asked for the ticket is gone" }, { code, text })
      ticket = second:ticket(own)
      second:close()
      repeat local left = top:invoke("trees") until #left == 1
      assert.equal(1008, (refusal { ticket = ticket }))
    end)

    it("with a ticket of another host", function()
      local other = open { ticket = core.random(16), issuer = core.random(16) }
      assert.not_equal(top.welcome.webContentsId, other.welcome.webContentsId)
      other:close()
      repeat local left = top:invoke("trees") until #left == 1
    end)

    it("by a native client", function()
      local client = wire.connect(host)
      client:put("ticket", 9, 0, own, "")
      assert.same({ "ticket", 9, 0, own, "", n = 5 }, client:take("ticket"))
      client:close()
      repeat local left = top:invoke("trees") until #left == 1
      assert.same({ 1008, "hello: a ticket is for the document of a page, which has an Origin" },
        { refusal({ ticket = top:ticket("null") }, false) })
    end)
  end)

  it("gives no ticket for a frame that is not there", function()
    assert.equal("", top:ticket(own, 7))
    assert.equal("", top:ticket(("x"):rep(600)))
    top:put("ticket", 1, 0, own, "full")
    local code, text = top:bye()
    assert.same({ 1002, "ticket: item 4 (ticket): the one that asks must be empty" }, { code, text })
  end)

  it("keeps a bounded number of tickets for a session", function()
    local first = top:ticket(own)
    for _ = 1, 255 do top:ticket(own) end
    local last = top:ticket(own)
    assert.equal(1008, (refusal { ticket = first }))
    assert.equal(top.welcome.webContentsId, open({ ticket = last }).welcome.webContentsId)
  end)

  describe("ends", function()
    it("a document with its session, and those below", function()
      local a = below(top, "a")
      local aa = below(a, "aa", localhost)
      local aaa = below(aa, "aaa", "null")
      below(top, "b")
      aa:invoke("keep")
      top:invoke("events")
      a:close()
      assert.same({ 4007, "the frame above has ended" }, { aa:bye() })
      assert.same({ 4007, "the frame above has ended" }, { aaa:bye() })
      repeat local tree = top:invoke("tree") until #tree == 2
      assert.same({ "top " .. own .. "<", "b " .. own .. "<top" }, { table.unpack(top:invoke("tree")) })
      local kept = top:invoke("kept")
      assert.same({ true, false, true, false }, { kept.destroyed, kept.sent[1], kept.id, kept.found })
      assert.equal("destroyed", kept.sent[2])
      assert.same({}, { table.unpack(top:invoke("events")) }) -- the contents goes on
    end)

    it("all with the page", function()
      local a, b = below(top, "a"), below(top, "b", localhost)
      local aa = below(a, "aa")
      top:put("frame-close", 0)
      for _, document in ipairs { a, b, aa } do assert.equal(4007, (document:bye())) end
    end)

    it("all when scripts close the contents", function()
      local a = below(top, "a")
      local aa = below(a, "aa", "null")
      local other = open { name = "other" }
      a:put("invoke", 0, 1, 0, "wait")
      aa:put("invoke", 0, 1, 0, "close") -- by one of them
      assert.same({ 1000, "closed by the host" }, { top:bye() })
      assert.equal(4007, (a:bye()))
      assert.equal(4007, (aa:bye()))
      assert.same({ "frame a", "frame aa", "contents ", "frame other", "destroyed" }, other:invoke("events"))
      assert.equal("ERR_DESTROYED", other:invoke("waiting"))
    end)

    it("ports that who hears of it posts to a document above", function()
      local a, other = below(top, "a"), open { name = "other" }
      a:put("invoke", 0, 1, 0, "post when aborted")
      top:put("invoke", 0, 1, 0, "close")
      assert.equal(1000, (top:bye()))
      repeat local posted = other:invoke("posted") until posted and posted.closed
      assert.same({ sent = false, why = "destroyed", closed = true }, other:invoke("posted"))
      other:invoke("events")
    end)

    it("calls of a document in it", function()
      local child = below(top, "child")
      child:put("invoke", 0, 1, 0, "wait")
      repeat local waiting = top:invoke("waiting") until waiting == "waiting"
      child:close()
      repeat local waiting = top:invoke("waiting") until waiting ~= "waiting"
      assert.equal("ERR_DESTROYED", top:invoke("waiting"))
    end)

    it("safely, when what hears of one end ends the rest", function()
      for _, which in ipairs { "a", "aa", "b", "top" } do
        local main = open { name = "top" }
        local a = below(main, "a")
        local aa = below(a, "aa", localhost)
        local b = below(main, "b")
        main:invoke("close on end", which)
        if which == "top" then main:put("frame-close", 0) else ({ a = a, aa = aa, b = b })[which]:close() end
        repeat local left = top:invoke("trees") until #left == 1
      end
    end)
  end)
end)

describe("a session that is to be found", function()
  local RESUME, AGAIN = 1, 2
  local host

  setup(function() host = support.start(SCRIPT, { config = 'limits = { resume = "100ms" }' }) end)
  teardown(function() host:stop() end)

  local function connect(features)
    local document = page.connect(host)
    document.features = features
    return document
  end

  it("is not opened by a hello that means one that was there", function()
    local code, text = connect(RESUME + AGAIN):hello():bye()
    assert.same({ 4008, "hello: the session is not there any longer" }, { code, text })
    local top = connect(RESUME):hello()
    assert.is_false(top:packet("welcome")[2])
    local again = connect(RESUME + AGAIN)
    again.id, again.secret = top.id, top.secret
    assert.is_true(again:hello():packet("welcome")[2])
    assert.same({ 1 }, again:invoke("trees"))
    again:put("bye", 1000, "")
  end)

  it("may come again below another one, whose time was up", function()
    local top = connect(RESUME):hello { name = "top" }
    local host_id = top:packet("welcome")[5].host
    local ticket = top:ticket("http://127.0.0.1:" .. host.http_port)
    local below = connect(RESUME):hello { name = "below", ticket = ticket, issuer = host_id }
    below:packet("welcome")
    top:close()
    local code, text = below:bye()
    assert.same({ 4008, "the frame above has ended" }, { code, text })
  end)
end)
