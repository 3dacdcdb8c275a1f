-- webContents, frames and app, as far as they need no page.
local support = require "spec.functional.support"
local async = require "async"
local await = async.await

support.each_transport("webContents and frames", [==[
  local events = {}
  local function note(...) events[#events + 1] = table.concat({ ... }, " ") end
  app.on("web-contents-created", function(_, contents)
    contents:on("frame-created", function(_, details) note("frame-created", details.frame.name) end)
    contents:on("destroyed", function() note("destroyed", contents.id, tostring(contents:isDestroyed())) end)
    contents:on("render-process-gone", function(_, details) note("gone", details.reason) end)
  end)
  ipcMain.handle("events", function() local e = events events = {} return ipc.Array(e) end)
  ipcMain.handle("wait for", function(_, text)
    while true do
      for _, event in ipairs(events) do if event:find(text, 1, true) then return true end end
      async.sleep(1)
    end
  end)
  ipcMain.handle("about", function(event)
    local contents, frame = event.sender, event.senderFrame
    return { id = contents.id, type = contents:getType(), url = contents:getURL(), title = contents:getTitle(),
             process = contents:getProcessId(), pid = contents:getOSProcessId(), destroyed = contents:isDestroyed(),
             frame = { url = frame.url, name = frame.name, origin = frame.origin, token = frame.frameToken,
                       top = frame.top == frame, parent = frame.parent == nil, frames = #frame.frames,
                       detached = frame.detached, state = frame.visibilityState },
             found = webFrameMain.fromId(frame.processId, frame.routingId) == frame,
             byToken = webFrameMain.fromFrameToken(frame.processId, frame.frameToken) == frame,
             fromFrame = webContents.fromFrame(frame) == contents,
             none = webContents.fromId(123456) == nil and webFrameMain.fromId(1, 123456) == nil }
  end)
  ipcMain.handle("tree", function(event)
    local names = {}
    for _, frame in ipairs(event.sender.mainFrame.framesInSubtree) do
      names[#names + 1] = frame.name .. "<" .. (frame.parent and frame.parent.name or "")
    end
    return ipc.Array(names)
  end)
  ipcMain.on("whoami", function(event)
    event.reply("you are", event.senderFrame.name)
    event.sender:send("main hears", event.senderFrame.name)
    event.sender:sendToFrame(event.frameId, "to frame", 1)
    event.sender:sendToFrame({ event.processId, event.frameId }, "to frame", 2)
  end)
  ipcMain.handle("ids", function()
    local ids = {}
    for _, contents in ipairs(webContents.getAllWebContents()) do ids[#ids + 1] = contents.id end
    return ipc.Array(ids)
  end)
  ipcMain.handle("broadcast", function(event, all)
    if all then return webContents.broadcast("news", "to all") end
    return event.sender:broadcast("news", "to others")
  end)
  ipcMain.handle("close", function(event) event.sender:close() end)
  ipcMain.handle("scoped", function(event)
    event.sender.ipc.handle("who", function() return "contents" end)
    ipcMain.removeHandler("who")
    ipcMain.handle("who", function() return "ipcMain" end)
    return true
  end)
  ipcMain.handle("scope frame", function(event)
    event.senderFrame.ipc.handle("who", function() return "frame" end)
    return true
  end)
  ipcMain.handle("listen everywhere", function(event)
    local list = {}
    local contents, frame = event.sender, event.senderFrame
    contents:on("ipc-message", function(_, channel) if channel == "where" then list[#list + 1] = "ipc-message" end end)
    contents:on("ipc-message-sync", function(_, channel) list[#list + 1] = "ipc-message-sync " .. channel end)
    frame.ipc.on("where", function() list[#list + 1] = "frame" end)
    contents.ipc.on("where", function() list[#list + 1] = "contents" end)
    ipcMain.on("where", function() list[#list + 1] = "ipcMain" end)
    ipcMain.handle("everywhere", function()
      ipcMain.removeAllListeners("where").removeHandler("everywhere")
      return ipc.Array(list)
    end)
    frame.ipc.on("sync", function(e) e.returnValue = "answered" end)
  end)
  local kept
  ipcMain.handle("keep", function(event) kept = { contents = event.sender, frame = event.senderFrame } end)
  ipcMain.handle("kept", function()
    local sent = table.pack(kept.contents:send("x"))
    local framesent = table.pack(kept.frame:send("x"))
    return { destroyed = kept.contents:isDestroyed(), frame = kept.frame:isDestroyed(), sent = sent[1], why = sent[2],
             framesent = framesent[1], id = kept.contents.id, token = #kept.frame.frameToken,
             url = select(2, pcall(function() return kept.frame.url end)),
             found = webContents.fromId(kept.contents.id) == nil }
  end)
  ipcMain.handle("dots", function(event)
    local _, contents = pcall(event.sender.send, "channel")
    local _, frame = pcall(event.senderFrame.send, "channel")
    return ipc.Array { contents, frame }
  end)
  ipcMain.on("hold", function(event) local signal end)
  local signals = {}
  ipcMain.handle("until aborted", function(event)
    local done, resolve = Promise.withResolvers()
    event.signal:onAbort(function() resolve(event.signal.reason.code) end)
    signals[#signals + 1] = "started"
    local code = await(done)
    signals[#signals + 1] = code .. " " .. tostring(event.signal.aborted)
  end)
  ipcMain.handle("pending", function() return app.metrics().pendingCalls end)
  ipcMain.handle("signals", function(_, n)
    while #signals < n do async.sleep(1) end
    local all = signals
    signals = {}
    return ipc.Array(all)
  end)
]==], function(context)
  it("tells who is there", function()
    context.renderer:close()
    context.renderer = context.host:connect(context.transport, {
      url = "app://notes/index", name = "main", title = "Notes",
    })
    context.ipc = context.renderer.ipcRenderer
    local about = context.invoke("about")
    assert.equal(context.renderer.webContentsId, about.id)
    assert.equal("native", about.type)
    assert.equal("app://notes/index", about.url)
    assert.equal("Notes", about.title)
    assert.equal(context.renderer.processId, about.process)
    assert.is_false(about.destroyed)
    assert.equal("main", about.frame.name)
    assert.equal("app://notes", about.frame.origin)
    assert.equal(context.renderer.webFrame.frameToken, about.frame.token)
    assert.is_true(about.frame.top)
    assert.is_true(about.frame.parent)
    assert.equal(0, about.frame.frames)
    assert.is_true(about.found)
    assert.is_true(about.byToken)
    assert.is_true(about.fromFrame)
    assert.is_true(about.none)
  end)

  it("does not believe a native client that it is a web page", function()
    context.renderer:close()
    context.renderer = context.host:connect(context.transport, { url = "https://bank.example/" })
    context.ipc = context.renderer.ipcRenderer
    assert.equal("null", context.invoke("about").frame.origin)
  end)

  it("has several frames in one session", function()
    context.invoke("events")
    context.run(function()
      local child = context.renderer:createFrame { url = "app://x/child", name = "child" }
      local grandchild = child:createFrame { url = "app://x/grandchild", name = "grandchild" }
      context.renderer:createFrame { name = "sibling" }
      assert.same({ "<", "child<", "grandchild<child", "sibling<" }, await(context.ipc.invoke("tree")))
      assert.not_equal(child.webFrame.routingId, grandchild.webFrame.routingId)
      local heard = {}
      child.ipcRenderer.on("you are", function(_, name) heard[#heard + 1] = "child " .. name end)
      child.ipcRenderer.on("to frame", function(_, n) heard[#heard + 1] = "child " .. n end)
      context.ipc.on("you are", function() heard[#heard + 1] = "wrong" end)
      context.ipc.on("main hears", function(_, name) heard[#heard + 1] = "main " .. name end)
      child.ipcRenderer.send("whoami")
      await(child.ipcRenderer.invoke("ids"))
      assert.same({ "child child", "main child", "child 1", "child 2" }, heard)
      child:close()
      assert.same({ "<", "sibling<" }, await(context.ipc.invoke("tree")))
    end)
    assert.same({ "frame-created child", "frame-created grandchild", "frame-created sibling" },
      context.invoke("events"))
  end)

  it("aborts the calls of a frame that is closed, and of those below, and of no other", function()
    context.run(function()
      local child = context.renderer:createFrame { name = "child" }
      local grandchild = child:createFrame { name = "grandchild" }
      local controller = async.AbortController()
      local rejected = {}
      for _, frame in ipairs { child, grandchild } do
        frame.ipcRenderer.invoke("until aborted"):catch(function() rejected[#rejected + 1] = true end)
      end
      local mine = context.ipc.with { signal = controller.signal }.invoke("until aborted")
      assert.same({ "started", "started", "started" }, await(context.ipc.invoke("signals", 3)))
      child:close()
      assert.same({ "ERR_DESTROYED true", "ERR_DESTROYED true" }, await(context.ipc.invoke("signals", 2)))
      assert.same({ true, true }, rejected)
      assert.equal(2, await(context.ipc.invoke("pending"))) -- its own, and the other frame's
      controller:abort()
      pcall(await, mine)
      assert.same({ "ERR_ABORTED true" }, await(context.ipc.invoke("signals", 1)))
    end)
  end)

  it("broadcasts, to all or to all others", function()
    local other = context.host:connect(context.transport)
    local here, there = {}, {}
    context.ipc.on("news", function(_, text) here[#here + 1] = text end)
    other.ipcRenderer.on("news", function(_, text) there[#there + 1] = text end)
    assert.equal(1, context.invoke("broadcast", false))
    assert.equal(2, context.invoke("broadcast", true))
    support.wait_until(function() return #there == 2 end, "the news")
    assert.same({ "to others", "to all" }, there)
    assert.same({ "to all" }, here)
    other:close()
  end)

  it("lists all contents, and says when one is destroyed", function()
    local other = context.host:connect(context.transport)
    local id = other.webContentsId
    local ids = context.invoke("ids")
    assert.equal(id, ids[#ids])
    context.invoke("events")
    other:close()
    assert.is_true(context.invoke("wait for", ("destroyed %d true"):format(id)))
    for _, left in ipairs(context.invoke("ids")) do assert.not_equal(id, left) end
  end)

  it("keeps the ids of the destroyed, and answers send with a reason", function()
    local other = context.host:connect(context.transport)
    local id = other.webContentsId
    other:run(function() await(other.ipcRenderer.invoke("keep")) end)
    other:close()
    context.invoke("wait for", "destroyed " .. id)
    local kept = context.invoke("kept")
    assert.is_true(kept.destroyed)
    assert.is_true(kept.frame)
    assert.is_false(kept.sent)
    assert.is_false(kept.framesent)
    assert.equal("destroyed", kept.why)
    assert.equal(id, kept.id)
    assert.equal(32, kept.token)
    assert.matches("Render frame was disposed before WebFrameMain could be accessed", kept.url, 1, true)
    assert.is_true(kept.found)
  end)

  it("closes a contents", function()
    local other = context.host:connect(context.transport)
    local closed
    other.closed:next(function(reason) closed = reason end)
    other.ipcRenderer.invoke("close"):catch(function() end)
    support.wait_until(function() return closed end, "the close")
    assert.equal(1000, closed.code)
    other:close()
  end)

  it("invokes the first handler of frame, contents, ipcMain", function()
    context.invoke("scoped")
    assert.equal("contents", context.invoke("who"))
    context.invoke("scope frame")
    assert.equal("frame", context.invoke("who"))
    local other = context.host:connect(context.transport)
    assert.equal("ipcMain", other:run(function() return await(other.ipcRenderer.invoke("who")) end))
    other:close()
  end)

  it("delivers to contents event, frame.ipc, contents.ipc, ipcMain, in this order", function()
    context.invoke("listen everywhere")
    context.ipc.send("where")
    assert.equal("answered", context.ipc.sendSync("sync"))
    assert.same({ "ipc-message", "frame", "contents", "ipcMain", "ipc-message-sync sync" },
      context.invoke("everywhere"))
  end)

  it("says how to call what was called with a dot", function()
    local texts = context.invoke("dots")
    assert.matches("contents.send was called with '.'; write contents:send(channel, ...)", texts[1], 1, true)
    assert.matches("frame.send was called with '.'; write frame:send(channel, ...)", texts[2], 1, true)
  end)

  it("sets event.signal off when the caller cancels, times out or is gone", function()
    local ok, err = pcall(context.run, function()
      return await(context.ipc.with { timeout = 20 }.invoke("until aborted"))
    end)
    assert.is_false(ok)
    assert.equal("ERR_TIMEOUT", err.code)
    assert.same({ "started", "ERR_TIMEOUT true" }, context.invoke("signals", 2))
    context.run(function()
      local controller = async.AbortController()
      local call = context.ipc.with { signal = controller.signal }.invoke("until aborted")
      await(context.ipc.invoke("signals", 1))
      controller:abort()
      assert.is_false((pcall(await, call)))
      assert.same({ "ERR_ABORTED true" }, await(context.ipc.invoke("signals", 1)))
    end)
    local other = context.host:connect(context.transport)
    other.ipcRenderer.invoke("until aborted"):catch(function() end)
    assert.same({ "started" }, context.invoke("signals", 1))
    other:close()
    assert.same({ "ERR_DESTROYED true" }, context.invoke("signals", 1))
  end)
end)

describe("app", function()
  it("quits well in the first ready too, after before-quit", function()
    local host = support.start [[
      local count = 0
      app.on("before-quit", function()
        count = count + 1
        print("before quit " .. count)
        app.quit()
      end)
      app.on("ready", function()
        app.quit()
        app.quit()
        print "went on"
      end)
    ]]
    assert.equal(0, host:wait())
    assert.matches("went on.*before quit 1", host.err)
    assert.is_nil(host.err:find("before quit 2", 1, true))
    host:stop()
  end)

  it("has ready, settings, its path, and quits", function()
    local host = support.start([[
      local order = {}
      order[#order + 1] = "load " .. tostring(app.isReady())
      app.on("ready", function() order[#order + 1] = "ready " .. tostring(app.isReady()) end)
      app.whenReady():next(function() order[#order + 1] = "whenReady" end)
      app.on("before-quit", function() print("before quit") end)
      ipcMain.handle("order", function() return ipc.Array(order) end)
      ipcMain.handle("settings", function()
        return { title = app.settings.title, nested = app.settings.list[2],
                 write = select(2, pcall(function() app.settings.title = "x" end)) }
      end)
      ipcMain.handle("path", function() return app.getAppPath() end)
      ipcMain.handle("metrics", function() return app.metrics() end)
      ipcMain.on("quit", function() app.quit() end)
    ]], { config = [[settings = { title = "Notes", list = { 1, 2 } },]] })
    local renderer = host:connect("unix")
    local function invoke(...)
      local args = { ... }
      return renderer:run(function() return await(renderer.ipcRenderer.invoke(table.unpack(args))) end)
    end
    local order = invoke("order")
    assert.equal("load false", order[1])
    assert.equal("ready true", order[2] == "whenReady" and order[3] or order[2])
    assert.equal(3, #order)
    local settings = invoke("settings")
    assert.equal("Notes", settings.title)
    assert.equal(2, settings.nested)
    assert.matches("read%-only", settings.write)
    assert.equal(host.folder, invoke("path"))
    assert.equal(1, invoke("metrics").webContents)
    renderer.ipcRenderer.send("quit")
    assert.equal(0, host:wait())
    assert.matches("before quit", host.err)
    renderer:close()
    host:stop()
  end)
end)

describe("a renderer", function()
  it("has limits.frames at most, and is told so before the host is", function()
    local host = support.start([[ipcMain.handle("echo", function(_, value) return value end)]],
      { config = "limits = { frames = 2 }" })
    local renderer = host:connect("unix")
    renderer:run(function()
      local child = renderer:createFrame { name = "child" }
      local ok, err = pcall(renderer.createFrame, renderer, { name = "one more" })
      assert.is_false(ok)
      assert.equal("ERR_LIMIT_FRAMES", err.code)
      assert.equal("limits.frames (2) exceeded; close frames or raise limits.frames", err.message)
      child:close()
      local other = renderer:createFrame { name = "another" }
      assert.equal("on", await(other.ipcRenderer.invoke("echo", "on")))
    end)
    renderer:close()
    host:stop()
  end)
end)
