-- A script for a host: the main process of Electron's documents, as main_process_spec.lua asks it from Lua and
-- renderer/test/support/main-process.js from Node and from pages.
local heard = ipc.Array {}
local function note(...)
  local words = table.pack(...)
  for i = 1, words.n do words[i] = tostring(words[i]) end
  heard[#heard + 1] = table.concat(words, " ")
end
ipcMain.handle("heard", function()
  local all = heard
  heard = ipc.Array {}
  return all
end)

-- ---- delivery: docs/api/web-frame-main.md, frame.ipc; docs/api/web-contents.md, contents.ipc, ipc-message ----

--- Notes what reaches each emitter that a message of the sender's passes; the one that a message names answers it.
ipcMain.handle("listen", function(event)
  local contents, frame, main = event.sender, event.senderFrame, event.sender.mainFrame
  local function hear(place, e, ...)
    note(place, ...)
    assert(e.sender == contents and e.senderFrame == frame)
    if (...) == place or (...) == "all" then e.returnValue = place end
  end
  for _, name in ipairs { "ipc-message", "ipc-message-sync" } do
    contents:on(name, function(e, channel, ...)
      if channel == "where" then hear(name, e, ...) end
    end)
  end
  ipcMain.on("where", function(e, ...) hear("ipcMain", e, ...) end)
  contents.ipc.on("where", function(e, ...) hear("contents", e, ...) end)
  frame.ipc.on("where", function(e, ...) hear("frame", e, ...) end)
  if main ~= frame then main.ipc.on("where", function(e, ...) hear("main frame", e, ...) end) end
end)
ipcMain.handle("unlisten", function(event)
  for _, name in ipairs { "ipc-message", "ipc-message-sync" } do event.sender:removeAllListeners(name) end
  for _, emitter in ipairs { ipcMain, event.sender.ipc, event.senderFrame.ipc, event.sender.mainFrame.ipc } do
    emitter.removeAllListeners("where")
  end
end)

--- Has the place handle the channel `who`, as `how` says: handle, handleOnce or removeHandler.
ipcMain.handle("scope", function(event, place, how)
  local emitters = { frame = event.senderFrame.ipc, contents = event.sender.ipc, ipcMain = ipcMain }
  emitters[place][how]("who", how ~= "removeHandler" and function(_, ...) return ipc.Array { place, ... } end or nil)
end)

-- ---- registrations: docs/api/ipc-main.md ----

ipcMain.handle("register", function()
  local function noting(name)
    return function(_, ...) note(name, ...) end
  end
  local twice, off = noting "twice", noting "off"
  ipcMain.on("kept", twice)
  ipcMain.addListener("kept", twice)
  ipcMain.once("kept", noting "once")
  ipcMain.prependListener("kept", noting "first")
  ipcMain.on("kept", off)
  ipcMain.off("kept", off)
  ipcMain.addListener("kept", off)
  ipcMain.removeListener("kept", off)
  ipcMain.on("other", noting "other")
end)
ipcMain.handle("removeAllListeners", function(_, channel) ipcMain.removeAllListeners(channel) end)

--- Answers on any channel, by a message of the same name too.
ipcMain.handle("answer on", function(_, channel)
  ipcMain.handle(channel, function(_, value) return value end)
  ipcMain.on(channel, function(event, value) event.reply(channel, value) end)
end)
ipcMain.handle("silence", function(_, channel)
  ipcMain.removeHandler(channel)
  ipcMain.removeAllListeners(channel)
end)

-- ---- who is there: docs/api/app.md, web-contents-created; web-contents.md, frame-created and the like ----

local created = {}
app.on("web-contents-created", function(_, contents)
  local frames = ipc.Array {}
  created[contents.id] = frames
  contents:on("frame-created", function(_, details) frames[#frames + 1] = details.frame.routingId end)
  contents:on("did-frame-navigate", function(_, url, _, _, is_main, process, id)
    local frame = webFrameMain.fromId(process, id)
    assert(frame.url == url and process == contents:getProcessId())
    frame:send("navigated", is_main, frame == contents.mainFrame, id)
  end)
  contents:on("render-process-gone", function(_, details) note("gone", details.reason) end)
end)

-- ---- the event: docs/api/structures/ipc-main-event.md, ipc-main-invoke-event.md ----

local function ids(list, key)
  local all = ipc.Array {}
  for i, each in ipairs(list) do all[i] = each[key or "routingId"] end
  return all
end

local function about(event)
  local contents, frame = event.sender, event.senderFrame
  return {
    type = event.type, processId = event.processId, frameId = event.frameId, node = event.frameTreeNodeId,
    ports = #event.ports, id = contents.id, main = contents.mainFrame == frame, gone = contents:isDestroyed(),
    ofContents = contents:getProcessId(), pid = contents:getOSProcessId() == frame.osProcessId,
    routingId = frame.routingId, token = frame.frameToken, process = frame.processId, ofNode = frame.frameTreeNodeId,
    url = frame.url, origin = frame.origin, title = contents:getTitle(), name = frame.name,
    created = created[contents.id], state = frame.visibilityState,
    detached = frame.detached, destroyed = frame:isDestroyed(), top = frame.top.routingId,
    parent = frame.parent and frame.parent.routingId or 0, frames = ids(frame.frames),
    subtree = ids(frame.framesInSubtree), own = contents:getURL() == contents.mainFrame.url,
    found = webContents.fromId(contents.id) == contents and webContents.fromFrame(frame) == contents
      and webFrameMain.fromId(frame.processId, frame.routingId) == frame
      and webFrameMain.fromFrameToken(frame.processId, frame.frameToken) == frame,
    none = webContents.fromId(0) == nil and webFrameMain.fromId(0, 0) == nil
      and webFrameMain.fromId(frame.processId + 1000, frame.routingId) == nil
      and webFrameMain.fromFrameToken(frame.processId, "") == nil,
    all = ids(webContents.getAllWebContents(), "id"),
  }
end
ipcMain.handle("about", about)
ipcMain.on("about", function(event)
  event.reply("about", about(event))
  event.returnValue = about(event) -- of a sendSync
end)

--- What a document says as it is left: docs/breaking-changes.md, detached frames.
ipcMain.handle("hear last words", function(event)
  local words, last = ipc.Array {}, nil
  for place, emitter in pairs { frame = event.senderFrame.ipc, contents = event.sender.ipc, ipcMain = ipcMain } do
    emitter.on("last words", function(e, text)
      words[#words + 1] = ("%s %s %s"):format(place, text, e.senderFrame.routingId == e.frameId)
      last = e
    end)
  end
  ipcMain.handleOnce("last words", function(_, count)
    while #words < count or last.senderFrame do async.sleep(1) end
    ipcMain.removeAllListeners("last words")
    return { words = words, ids = ipc.Array { last.processId, last.frameId }, contents = last.sender.id }
  end)
end)

-- ---- from the scripts to a renderer: docs/api/web-contents.md, send, sendToFrame, postMessage; web-frame-main.md ----

ipcMain.on("send back", function(event, ...)
  local contents, frame = event.sender, event.senderFrame
  local function port() return { MessageChannelMain.pair() } end
  event.reply("event.reply", ...)
  contents:send("contents.send", ...)
  contents:sendToFrame(event.frameId, "sendToFrame", ...)
  contents:sendToFrame({ event.processId, event.frameId }, "sendToFrame of a process", ...)
  contents:postMessage("contents.postMessage", (...))
  contents:postMessage("contents.postMessage with a port", (...), { port()[1] })
  frame:send("frame.send", ...)
  frame:postMessage("frame.postMessage", (...), { port()[1], port()[2] })
  webFrameMain.fromId(event.processId, event.frameId):send("fromId", ...)
  webFrameMain.fromFrameToken(event.processId, frame.frameToken):send("fromFrameToken", ...)
  for _, each in ipairs(contents.mainFrame.framesInSubtree) do each:send("end") end
end)
ipcMain.handle("send to another", function(event, process, id, other)
  local sent = ipc.Array { event.sender:sendToFrame({ process, id }, "from another", event.sender.id) }
  sent[#sent + 1] = event.sender:sendToFrame(id, "nobody")
  sent[#sent + 1] = event.sender:sendToFrame({ process + 1000, id }, "nobody")
  sent[#sent + 1] = webContents.fromId(other):send("news", "of " .. event.sender.id)
  return sent
end)

--- The text of what each way of sending raises, by what it was to send.
ipcMain.handle("refused", function(event)
  local contents, frame = event.sender, event.senderFrame
  local function failure(...)
    local ok, err = pcall(...)
    return ok and "none" or (tostring(err):gsub("^.-:%d+: ", ""))
  end
  local refused, misused = ipc.Array {}, ipc.Array {}
  for _, value in ipairs { print, coroutine.create(print), Promise.resolve(1), contents, event } do
    refused[#refused + 1] = failure(contents.send, contents, "refused", "fine", { list = { value } })
    refused[#refused + 1] = failure(frame.send, frame, "refused", "fine", { list = { value } })
    refused[#refused + 1] = failure(contents.sendToFrame, contents, event.frameId, "refused", "", { list = { value } })
    refused[#refused + 1] = failure(event.reply, "refused", "fine", { list = { value } })
    refused[#refused + 1] = failure(webContents.broadcast, "refused", "fine", { list = { value } })
    refused[#refused + 1] = failure(contents.postMessage, contents, "refused", { list = { value } })
    refused[#refused + 1] = failure(frame.postMessage, frame, "refused", { list = { value } })
  end
  for _, target in ipairs { contents, frame } do
    local post, port, gone = target.postMessage, MessageChannelMain.pair()
    gone:close()
    for _, arguments in ipairs {
      { n = 0 }, { nil, "", {}, n = 3 }, { "refused", n = 1 }, { "", "", ipc.null, n = 3 },
      { "refused", "", { 123 }, n = 3 }, { "refused", ipc.null, { ipc.null }, n = 3 },
      { "refused", ipc.null, { port, port }, n = 3 }, { "refused", ipc.null, { gone }, n = 3 },
    } do
      misused[#misused + 1] = failure(post, target, table.unpack(arguments, 1, arguments.n))
    end
    misused[#misused + 1] = failure(target.send, target)
  end
  misused[#misused + 1] = failure(contents.sendToFrame, contents)
  misused[#misused + 1] = failure(contents.sendToFrame, contents, { event.processId })
  misused[#misused + 1] = failure(contents.sendToFrame, contents, event.frameId)
  misused[#misused + 1] = failure(event.reply)
  -- What a metatable lends is no part of a value.
  contents:send("plain", setmetatable({ own = 1 }, { __index = { lent = 2 } }))
  return { refused = refused, misused = misused }
end)

-- ---- what handlers answer: docs/api/ipc-main.md, handle, handleOnce, removeHandler; docs/tutorial/ipc.md ----

local answers = {}
function answers.value(_, ...) return ... end
function answers.promise(_, value) return Promise.resolve(value) end
function answers.later(_, value)
  await(Promise.resolve())
  return value
end
function answers.raises() error("some error") end
function answers.raises_later()
  await(Promise.resolve())
  error("some error")
end
function answers.rejects() return Promise.reject(ipc.Error { name = "TypeError", message = "no such thing" }) end
function answers.never() return Promise(function() end) end
ipcMain.handle("handle", function(_, kind, once)
  ipcMain[once and "handleOnce" or "handle"]("test", answers[kind])
end)
ipcMain.handle("removeHandler", function() ipcMain.removeHandler("test") end)

-- ---- the end: docs/api/web-contents.md, close, destroyed; web-frame-main.md; breaking-changes.md ----

local kept
ipcMain.on("keep", function(event)
  kept = { event = event, frame = event.senderFrame, contents = event.sender }
  event.sender:once("destroyed", function() note("destroyed", event.sender:isDestroyed()) end)
end)
ipcMain.handle("end of the kept", function(event)
  local old, frame = kept.event, kept.frame
  while not frame:isDestroyed() do async.sleep(1) end
  local _, url = pcall(function() return frame.url end)
  return {
    senderFrame = old.senderFrame == nil, contents = kept.contents:isDestroyed(),
    ids = ipc.Array { old.processId, old.frameId, frame.processId, frame.routingId, kept.contents.id },
    token = frame.frameToken, url = (url:gsub("^.-:%d+: ", "")), replied = ipc.Array { old.reply("late") },
    sent = ipc.Array { frame:send("late") }, posted = ipc.Array { frame:postMessage("late", 1) },
    toFrame = ipc.Array { event.sender:sendToFrame({ old.processId, old.frameId }, "late") },
    found = webFrameMain.fromId(old.processId, old.frameId) ~= nil
      or webFrameMain.fromFrameToken(old.processId, frame.frameToken) ~= nil
      or kept.contents:isDestroyed() and webContents.fromId(kept.contents.id) ~= nil,
  }
end)
ipcMain.handle("close the kept", function() kept.contents:close() end)
