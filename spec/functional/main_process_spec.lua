-- The main process of Electron's documents as the Lua renderer finds it; from Node and from pages:
-- renderer/test/support/main-process.js. https://www.electronjs.org/docs/latest/api/web-frame-main
local shell = require "spec.shell"
local support = require "spec.functional.support"
local ports = require "ipchost.renderer"
local await = require("async").await

local SCRIPT = shell.read "spec/functional/main_process.lua"

local GONE = { false, "destroyed" }

support.each_transport("The main process", SCRIPT, function(context)
  local main, child
  local function invoke(frame, ...)
    local args = table.pack(...)
    return context.run(function() return await(frame.ipcRenderer.invoke(table.unpack(args, 1, args.n))) end)
  end
  before_each(function()
    main = context.renderer
    child = context.run(function() return main:createFrame { url = "app://main/child", name = "child" } end)
    invoke(main, "heard")
  end)

  it("gives messages to the frame, the contents and ipcMain, in this order, and the first answers", function()
    for _, frame in ipairs { main, child } do
      local ipc = frame.ipcRenderer
      invoke(frame, "listen")
      for _, place in ipairs { "ipc-message-sync", "frame", "contents", "ipcMain" } do
        assert.equal(place, ipc.sendSync("where", place))
      end
      assert.equal("ipc-message-sync", ipc.sendSync("where", "all"))
      invoke(frame, "heard")
      ipc.send("where", "sent", 1)
      ipc.sendSync("where", "ipcMain", true)
      ipc.postMessage("where", "posted", { (ports.MessageChannel.pair()) })
      assert.same({
        "ipc-message sent 1", "frame sent 1", "contents sent 1", "ipcMain sent 1",
        "ipc-message-sync ipcMain true", "frame ipcMain true", "contents ipcMain true", "ipcMain ipcMain true",
        -- As in Electron, `ipc-message` is for send alone.
        "frame posted", "contents posted", "ipcMain posted",
      }, invoke(frame, "heard"))
      invoke(frame, "unlisten")
    end
  end)

  it("has the first handler of the frame, the contents and ipcMain answer", function()
    for _, step in ipairs {
      { "ipcMain", "handle", "ipcMain", "ipcMain" }, { "contents", "handle", "contents", "contents" },
      { "frame", "handle", "frame", "contents" }, { "frame", "removeHandler", "contents", "contents" },
      { "contents", "removeHandler", "ipcMain", "ipcMain" }, { "frame", "handleOnce", "frame", "ipcMain" },
    } do
      local place, how, ofMain, ofChild = table.unpack(step)
      invoke(main, "scope", place, how)
      assert.same({ ofMain, 1 }, invoke(main, "who", 1))
      assert.same({ ofChild, 2 }, invoke(child, "who", 2))
    end
    invoke(main, "scope", "ipcMain", "removeHandler")
    local ok, err = pcall(invoke, main, "who")
    assert.is_false(ok)
    assert.equal("Error invoking remote method 'who': Error: No handler registered for 'who'", err.message)
  end)

  it("names channels as one likes, both ways", function()
    for _, channel in ipairs { "dialog:openFile", " ", "", "error", "on", "zażółć 😀", "a\0b", ("x"):rep(5000) } do
      invoke(main, "answer on", channel)
      local replied = context.message(channel)
      main.ipcRenderer.send(channel, "sent")
      assert.equal("invoked", invoke(main, channel, "invoked"))
      assert.equal("sent", replied()[1])
      invoke(main, "silence", channel)
    end
  end)

  it("tells by the event of every kind of message who sent it", function()
    local ids = invoke(main, "about").frameId
    for _, frame in ipairs { main, child } do
      local invoked = invoke(frame, "about")
      local told = {}
      frame.ipcRenderer.on("about", function(_, about) told[#told + 1] = about end)
      local answered = frame.ipcRenderer.sendSync("about")
      frame.ipcRenderer.send("about")
      frame.ipcRenderer.postMessage("about", nil, { (ports.MessageChannel.pair()) })
      support.wait_until(function() return #told == 3 end, "what is told")
      assert.equal(1, told[3].ports)
      told[3].ports, told[4] = 0, answered
      for _, about in ipairs(told) do assert.same(invoked, about) end
      local is_main = frame == main
      local subtree = is_main and { ids, child.webFrame.routingId } or { child.webFrame.routingId }
      assert.same({
        type = "frame", processId = main.processId, frameId = frame.webFrame.routingId, node = invoked.node, ports = 0,
        id = main.webContentsId, main = is_main, gone = false, ofContents = main.processId, pid = true,
        routingId = frame.webFrame.routingId, token = frame.webFrame.frameToken, process = main.processId,
        ofNode = invoked.node, url = is_main and "" or "app://main/child", title = "",
        name = is_main and "" or "child", state = "visible",
        detached = false, destroyed = false, top = ids, parent = is_main and 0 or ids,
        frames = is_main and { child.webFrame.routingId } or {}, subtree = subtree, own = true, found = true,
        none = true, all = invoked.all, origin = is_main and "null" or "app://main",
        created = { ids, child.webFrame.routingId },
      }, invoked)
    end
  end)

  it("sends to a frame, and to a contents at its main frame", function()
    for _, asking in ipairs { main, child } do
      local heard, ended = { [main] = {}, [child] = {} }, 0
      for frame, list in pairs(heard) do
        for _, channel in ipairs {
          "event.reply", "sendToFrame", "sendToFrame of a process", "frame.send", "frame.postMessage", "fromId",
          "fromFrameToken", "contents.send", "contents.postMessage", "contents.postMessage with a port",
        } do
          frame.ipcRenderer.removeAllListeners(channel)
          frame.ipcRenderer.on(channel, function(event, first, second)
            assert.equal("first", first)
            list[#list + 1] = ("%s %s %d"):format(channel, second or "", #event.ports)
          end)
        end
        frame.ipcRenderer.once("end", function() ended = ended + 1 end)
      end
      asking.ipcRenderer.send("send back", "first", 2)
      support.wait_until(function() return ended == 2 end, "the end")
      local of_frame = {
        "event.reply 2 0", "sendToFrame 2 0", "sendToFrame of a process 2 0", "frame.send 2 0", "frame.postMessage  2",
        "fromId 2 0", "fromFrameToken 2 0",
      }
      local of_main = { "contents.send 2 0", "contents.postMessage  0", "contents.postMessage with a port  1" }
      if asking == child then
        assert.same({ of_main, of_frame }, { heard[main], heard[child] })
      else
        table.move(of_main, 2, 3, 8)
        table.insert(of_frame, 2, of_main[1])
        assert.same({ {}, #of_frame + 2 }, { heard[child], #heard[main] })
        for i, channel in ipairs { "event.reply 2 0", "contents.send 2 0", "sendToFrame 2 0" } do
          assert.equal(channel, heard[main][i])
        end
      end
    end
  end)

  it("refuses where it is sent what cannot be cloned or is misused", function()
    local came = {}
    for _, channel in ipairs { "refused", "" } do context.ipc.on(channel, function() came[#came + 1] = channel end) end
    local plain = context.message("plain")
    local got = invoke(main, "refused")
    assert.equal(35, #got.refused)
    for _, text in ipairs(got.refused) do
      assert.matches("^DataCloneError: An object could not be cloned: [am][re][gs]s.*%.list%[1%] %(.+%)$", text)
    end
    local posts = {
      "Insufficient number of arguments", "Error processing argument at index 0, conversion failure from nil",
      "Insufficient number of arguments", "Invalid value for transfer", "Invalid value for transfer",
      "Invalid value for transfer", "Port at index 1 is a duplicate", "Port at index 0 is already neutered",
      "Missing required channel argument",
    }
    local expected = { table.unpack(posts) }
    table.move(posts, 1, #posts, #posts + 1, expected)
    local frame = "Missing required frame argument (must be number or [processId, frameId])"
    for _, text in ipairs { frame, frame, "Missing required channel argument", "Missing required channel argument" } do
      expected[#expected + 1] = text
    end
    assert.same(expected, got.misused)
    assert.same({ own = 1 }, plain()[1])
    assert.same({}, came)
  end)

  it("keeps the ids of a frame that is gone, and of a contents that it closes", function()
    child.ipcRenderer.send("keep")
    invoke(child, "heard")
    child:close()
    local ended = invoke(main, "end of the kept")
    local id = child.webFrame.routingId
    assert.same({
      senderFrame = true, contents = false, ids = { main.processId, id, main.processId, id, main.webContentsId },
      token = child.webFrame.frameToken, url = "Render frame was disposed before WebFrameMain could be accessed",
      found = false, replied = GONE, sent = GONE, posted = GONE, toFrame = GONE,
    }, ended)
    local other = context.host:connect(context.transport)
    local heard = {}
    for _, channel in ipairs { "from another", "nobody", "news" } do
      other.ipcRenderer.on(channel, function(_, what) heard[#heard + 1] = what end)
    end
    other.ipcRenderer.send("keep")
    other:run(function() await(other.ipcRenderer.invoke("heard")) end)
    assert.same({ true, false, false, true },
      invoke(main, "send to another", other.processId, other.webFrame.routingId, other.webContentsId))
    support.wait_until(function() return #heard == 2 end, "the news")
    assert.same({ main.webContentsId, "of " .. main.webContentsId }, heard)
    invoke(main, "close the kept")
    ended = invoke(main, "end of the kept")
    assert.same({ true, false, GONE }, { ended.contents, ended.found, ended.replied })
    assert.same({ "destroyed true" }, invoke(main, "heard"))
    other:close()
  end)
end)
