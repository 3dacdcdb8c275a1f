-- ipcMain and its scoped siblings as Node's EventEmitter, and what an event tells: of messages that renderers send.
local support = require "spec.functional.support"
local page = require "spec.functional.page"

support.each_transport("ipcMain as an EventEmitter", [==[
  local log = {}
  local function noting(name) return function(_, ...) log[#log + 1] = table.concat({ name, ... }, " ") end end
  local pieces = {}
  --- Runs a piece on ipcMain, the sender's ipc or its frame's.
  ipcMain.handle("run", function(event, which, name, ...)
    local emitters = { ipcMain = ipcMain, contents = event.sender.ipc, frame = event.senderFrame.ipc, app = app,
                       webContents = event.sender, webFrameMain = event.senderFrame }
    return pieces[name](emitters[which], ...)
  end)
  ipcMain.handle("log", function() local all = log log = {} return ipc.Array(all) end)

  local kept = noting "kept"
  function pieces.register(emitter)
    local same = emitter.on("a", noting "on") == emitter and emitter:addListener("a", noting "addListener") == emitter
      and emitter.prependListener("a", noting "prepended") == emitter and emitter:once("a", noting "once") == emitter
      and emitter.prependOnceListener("a", noting "first once") == emitter and emitter.off("a", kept) == emitter
      and emitter:setMaxListeners(20) == emitter
    return same
  end
  function pieces.clear(emitter, ...) emitter.removeAllListeners(...).setMaxListeners(10) end
  function pieces.instances(emitter)
    for _ = 1, 3 do emitter.on("b", kept) end
    emitter.once("b", noting "between")
    emitter.off("b", kept):removeListener("b", kept)
    return emitter.listenerCount("b")
  end
  function pieces.once_wrapper(emitter)
    emitter.once("c", kept)
    local raw, plain = emitter.rawListeners("c")[1], emitter.listeners("c")[1]
    local same = raw.listener == kept and plain == kept
    raw(nil, "called by itself")
    emitter.once("c", kept)
    emitter.removeListener("c", kept)
    return ipc.Array { same, emitter.listenerCount("c") }
  end
  function pieces.names(emitter)
    local before = table.concat(emitter.eventNames(), " ")
    for _, name in ipairs { "d2", "d1", "d2" } do emitter.on(name, kept) end
    return { before = before, names = ipc.Array(emitter.eventNames()) }
  end
  function pieces.emit(emitter)
    emitter.on("e", noting "emitted")
    return ipc.Array { emitter.emit("e", 0, "x"), emitter:emit("nobody") }
  end
  function pieces.meta(emitter)
    emitter.on("newListener", function(name, listener) if listener == kept then log[#log + 1] = "new " .. name end end)
    emitter.on("removeListener", function(name, listener)
      if listener == kept then log[#log + 1] = "removed " .. name end
    end)
    emitter.on("f", kept).off("f", kept)
  end
  function pieces.many(emitter, count)
    for _ = 1, count do emitter.on("g", kept) end
    return emitter.getMaxListeners()
  end
  --- https://nodejs.org/api/events.html: what is added or removed from within.
  function pieces.within(emitter)
    local order, names, nested = ipc.Array {}, {}, false
    local function write(...) order[#order + 1] = table.concat({ ... }, " ") end
    local function writing(name)
      local function listener() write(name) end
      names[listener] = name
      return listener
    end
    local first, second, third = writing "first", writing "second", writing "third"
    emitter:on("w", function() emitter:off("w", second):on("w", third) write("taken off, put on") end):on("w", second)
    emitter:emit("w")
    emitter:emit("w")
    emitter:once("o", function() write("once of", emitter:listenerCount("o")) emitter:emit("o") end):emit("o")
    emitter:on("newListener", function(name, listener)
      if name ~= "n" or nested then return end
      nested = true
      write("before", names[listener], emitter:listenerCount(name))
      emitter:on(name, first)
    end)
    emitter:on("removeListener", function(name, listener)
      if names[listener] then write("without", names[listener], name, emitter:listenerCount(name)) end
    end)
    emitter:on("n", second):emit("n")
    emitter:once("n", third):emit("n")
    emitter:on("n", first):once("n", first)
    write("counts", emitter:listenerCount("n", first), emitter:listenerCount("n", third), emitter:listenerCount("n"))
    local copies = { emitter:listeners("n"), emitter:rawListeners("n") }
    copies[1][1], copies[2][1] = nil, nil
    write("as many", emitter:listenerCount("n"), tostring(emitter:emit("error")))
    emitter:removeAllListeners("n"):removeAllListeners("newListener")
    emitter:removeAllListeners("removeListener"):removeAllListeners("w")
    return order
  end
  function pieces.all(emitter)
    emitter.on("a", kept).on("removeListener", function(name) log[#log + 1] = "removed " .. name end)
    emitter.on("b", kept).removeAllListeners()
    return #emitter.eventNames()
  end
  function pieces.unlimited(emitter)
    for i, max in ipairs { 0, math.huge } do
      emitter.setMaxListeners(max)
      for _ = 1, 30 do emitter.on("unlimited " .. i, kept) end
      emitter.removeAllListeners("unlimited " .. i)
    end
    emitter.setMaxListeners(10)
  end
  function pieces.misused(emitter)
    local function failure(...) return (select(2, pcall(...)):gsub("^.-:%d+: ", "")) end
    return ipc.Array {
      failure(emitter.on, nil, kept), failure(emitter.on, "x", nil), failure(emitter.setMaxListeners, -1),
    }
  end
  function pieces.handlers(emitter)
    emitter.handle("h1", kept)
    emitter.handleOnce("h2", kept)
    local names = emitter.handlers()
    local got = emitter.getHandler("h1") == kept and emitter.getHandler("nothing") == nil
    emitter.removeHandler("h1").removeHandler("h2")
    return { got = got, names = ipc.Array(names) }
  end
]==], function(context)
  for _, which in ipairs { "ipcMain", "contents", "frame" } do
    describe("(" .. which .. ")", function()
      local function run(...) return context.invoke("run", which, ...) end
      --- What a message on the channel set off.
      local function sent(...)
        context.ipc.send(...)
        return context.invoke("log")
      end
      before_each(function() context.invoke("log") end)
      after_each(function()
        for _, name in ipairs { "a", "b", "c", "d1", "d2", "e", "f", "g" } do run("clear", name) end
      end)

      it("calls listeners in their order, those of once once", function()
        assert.is_true(run("register"))
        assert.same({ "first once x", "prepended x", "on x", "addListener x", "once x" }, sent("a", "x"))
        assert.same({ "prepended y", "on y", "addListener y" }, sent("a", "y"))
        run("clear", "a")
        assert.same({}, sent("a", "z"))
      end)

      it("takes off the instance that was added last", function()
        assert.equal(2, run("instances"))
        assert.same({ "kept", "between" }, sent("b"))
      end)

      it("has wrappers of once that are called and taken off like what they wrap", function()
        assert.same({ true, 0 }, run("once_wrapper"))
        assert.same({ "kept called by itself" }, context.invoke("log"))
      end)

      it("names its channels as they were first registered", function()
        local got = run("names")
        -- Electron listens to `error` itself, lest it throws; here it is a channel as any other.
        assert.is_nil(got.before:find("error"))
        assert.same({ "d2", "d1" }, { table.unpack(got.names, #got.names - 1) })
      end)

      it("emits for scripts as well", function()
        assert.same({ true, false }, run("emit"))
        assert.same({ "emitted x" }, context.invoke("log"))
      end)

      it("tells of its listeners, and no renderer sets that off", function()
        run("meta")
        assert.same({ "new f", "removed f" }, context.invoke("log"))
        context.ipc.send("newListener", "x")
        context.ipc.send("removeListener", "x")
        assert.same({}, context.invoke("log"))
        run("clear", "newListener")
        run("clear", "removeListener")
      end)

      it("warns once of more listeners than setMaxListeners, if that is not 0 or without end", function()
        run("unlimited")
        assert.equal(10, run("many", 10))
        assert.equal(10, run("many", 3))
        context.host:wait_log("main.lua")
        context.host:wait_log("11 'g' listeners added")
        assert.not_matches("unlimited", context.host.err)
      end)

      it("refuses what is no channel and no listener", function()
        local failures = run("misused")
        assert.equal("Missing required channel argument", failures[1])
        assert.matches("listener", failures[2])
        assert.equal('The value of "n" is out of range. It must be a non-negative number. Received -1', failures[3])
      end)

      it("lists its handlers", function()
        local listed = run("handlers")
        assert.is_true(listed.got)
        assert.matches("h1 h2", table.concat(listed.names, " "), 1, true)
      end)
    end)
  end

  for _, which in ipairs { "ipcMain", "contents", "frame", "app", "webContents", "webFrameMain" } do
    it("keeps to what an emit began with, and tells before it adds and after it removes: " .. which, function()
      assert.same({
        "taken off, put on", "second", "taken off, put on", "third", "once of 0",
        "before second 0", "first", "second",
        "first", "second", "without third n 2", "third",
        "counts 3 0 4", "as many 4 false",
        "without first n 3", "without first n 2", "without second n 1", "without first n 0",
      }, context.invoke("run", which, "within"))
    end)
  end

  it("has no channels when all listeners are removed", function()
    context.invoke("log")
    assert.equal(0, context.invoke("run", "contents", "all"))
    assert.same({ "removed a", "removed b" }, context.invoke("log"))
  end)
end)

support.each_transport("An event", [==[
  local events, first = {}, nil
  ipcMain.on("keep", function(event, name) events[name] = event end)
  ipcMain.handle("tell", function(_, name)
    local event = events[name]
    local frame = event.senderFrame
    return { type = event.type, processId = event.processId, frameId = event.frameId, node = event.frameTreeNodeId,
             sender = event.sender.id, gone = frame == nil, ports = #event.ports,
             same = frame and frame.frameTreeNodeId == event.frameTreeNodeId and frame.processId == event.processId
               and frame.routingId == event.frameId and frame.osProcessId == event.sender:getOSProcessId(),
             replied = ipc.Array { event.reply("reply", name) },
             sent = frame and ipc.Array { frame:send("sent", name), frame:postMessage("posted", name) } }
  end)
  ipcMain.handle("wait for the end of", function(_, name)
    while events[name].senderFrame do async.sleep(1) end
  end)
  ipcMain.handle("keep the frame", function(event) first = event.senderFrame end)
  ipcMain.handle("the frame", function()
    local texts = {}
    for _, key in ipairs { "url", "origin", "name", "top", "parent", "frames", "framesInSubtree", "osProcessId",
                           "visibilityState", "detached" } do
      texts[#texts + 1] = key .. ": " .. select(2, pcall(function() return first[key] end)):gsub("^.-:%d+: ", "")
    end
    return { ids = ipc.Array { first.processId, first.routingId, first.frameTreeNodeId, #first.frameToken },
             destroyed = first:isDestroyed(), texts = ipc.Array(texts) }
  end)
  ipcMain.handle("misused", function(event)
    local function failure(...) return (tostring(select(2, pcall(...))):gsub("^.-:%d+: ", "")) end
    local contents = event.sender
    return ipc.Array {
      failure(event.reply), failure(event.reply, event), failure(contents.send, contents),
      failure(contents.sendToFrame, contents, 1), failure(contents.broadcast, contents),
      failure(function() event.type = "worker" end), failure(function() return event.signl end),
      tostring(contents:sendToFrame(987654, "x")),
    }
  end)
]==], function(context)
  it("names who sent, also when that is gone", function()
    local child
    local heard = {}
    context.run(function()
      child = context.renderer:createFrame { name = "child" }
      for _, channel in ipairs { "reply", "sent", "posted" } do
        child.ipcRenderer.on(channel, function(_, text) heard[#heard + 1] = channel .. " " .. text end)
        context.ipc.on(channel, function() heard[#heard + 1] = "the main frame heard " .. channel end)
      end
      child.ipcRenderer.send("keep", "child's")
    end)
    local told = context.invoke("tell", "child's")
    assert.same({
      type = "frame", processId = context.renderer.processId, frameId = child.webFrame.routingId, node = told.node,
      sender = context.renderer.webContentsId, gone = false, ports = 0, same = true, replied = { true },
      sent = { true, true },
    }, told)
    support.wait_until(function() return #heard == 3 end, "what was sent to the frame")
    assert.same({ "reply child's", "sent child's", "posted child's" }, heard)
    child:close()
    context.invoke("wait for the end of", "child's")
    local after = context.invoke("tell", "child's")
    assert.is_true(after.gone)
    assert.same({ false, "destroyed" }, after.replied)
    for _, key in ipairs { "type", "processId", "frameId", "node", "sender" } do assert.equal(told[key], after[key]) end
  end)

  it("has a frame whose ids can be read for ever, and nothing else", function()
    local frame
    context.run(function()
      frame = context.renderer:createFrame { name = "gone" }
      require("async").await(frame.ipcRenderer.invoke("keep the frame"))
      frame:close()
      local got = require("async").await(context.ipc.invoke("the frame"))
      assert.is_true(got.destroyed)
      assert.same({ context.renderer.processId, frame.webFrame.routingId, got.ids[3], 32 }, got.ids)
      assert.equal(10, #got.texts)
      for _, text in ipairs(got.texts) do
        assert.matches(": Render frame was disposed before WebFrameMain could be accessed$", text)
      end
    end)
  end)

  it("says what it is misused for", function()
    assert.same({
      "Missing required channel argument", "Missing required channel argument", "Missing required channel argument",
      "Missing required channel argument", "Missing required channel argument", "event.type is read-only",
      "event has no field 'signl'; did you mean 'signal'?", "false",
    }, context.invoke("misused"))
  end)
end)

describe("The contents of a page", function()
  it("has its type, URL, title and name, and the origin that its browser says", function()
    local host = support.start [[
      ipcMain.handle("about", function(event)
        local contents, frame = event.sender, event.senderFrame
        return { type = contents:getType(), url = contents:getURL(), title = contents:getTitle(), name = frame.name,
                 frameUrl = frame.url, origin = frame.origin, visible = frame.visibilityState,
                 detached = frame.detached }
      end)
    ]]
    local origin = ("http://127.0.0.1:%d"):format(host.http_port)
    local url = origin .. "/notes?list=1#last"
    local document = page.open(host, { url = url, title = "Notes", name = "main" })
    assert.same({ type = "page", url = url, title = "Notes", name = "main", frameUrl = url, origin = origin,
                  visible = "visible", detached = false }, document:invoke("about"))
    document:close()
    local other = page.open(host, { url = "https://bank.example/" })
    assert.equal(origin, other:invoke("about").url:match("^[^/]+//[^/]+"))
    other:close()
    host:stop()
  end)
end)
