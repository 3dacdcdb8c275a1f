-- What scripts send: how it is encoded, and slow readers: marks, drains, caps.
local support = require "spec.functional.support"
local async = require "async"
local await = async.await

local SCRIPT = [==[
  local text = ("x"):rep(100000)
  ipcMain.handle("metrics", function() return app.metrics() end)
  ipcMain.handle("broadcast", function(event, all, ...)
    local before = app.metrics().encodings
    local count = all and webContents.broadcast("news", ...) or event.sender:broadcast("news", ...)
    return { count = count, encodings = app.metrics().encodings - before }
  end)
  --- Sends more than sockets take by themselves, so that more than the mark waits for whoever does not read.
  local function flood(target, contents)
    local _, why
    for _ = 1, 320 do _, why = target:send("flood", text) end
    return { why = why, sent = 320, waits = contents.bufferedAmount }
  end
  -- The renderer that asks is another than the one that is sent to.
  local target, kind, drains
  ipcMain.on("target", function(event, name)
    target, kind, drains = event.sender, name, 0
    target:on("drain", function(_, ...) drains = drains + 1 end)
  end)
  local function sink() return kind == "frame" and target.mainFrame or target end
  ipcMain.handle("flood", function() return flood(sink(), target) end)
  local pending
  ipcMain.handle("await drained", function()
    pending = sink():drained()
    return Promise.race { pending:next(function() return "at once" end), Promise.resolve():next(function()
      return Promise.resolve():next(function() return Promise.resolve():next(function() return "later" end) end)
    end) }
  end)
  ipcMain.handle("drained", function()
    local ok, err = pcall(await, pending)
    while ok and drains == 0 do async.sleep(1) end
    return { ok = ok, code = not ok and err.code or nil, drains = drains, waits = target.bufferedAmount }
  end)
  ipcMain.handle("drained of the gone", function()
    local ok, err = pcall(await, sink():drained())
    return { ok = ok, code = err.code, sent = ipc.Array { sink():send("x") } }
  end)
  ipcMain.handle("overflow", function()
    local results
    for _ = 1, 600 do results = { sink():send("flood", text) } end
    return ipc.Array(results)
  end)
  local leaver
  ipcMain.on("leaves", function(event, work)
    local uv = require "luv"
    local ended, resolve = Promise.withResolvers()
    leaver = { big = 0, ended = ended }
    event.sender:on("render-process-gone", function(_, details) leaver.gone = details.reason end)
    event.sender:once("destroyed", resolve)
    local began = uv.hrtime()
    while uv.hrtime() - began < work * 1000000 do end
  end)
  ipcMain.on("big", function() leaver.big = leaver.big + 1 end)
  ipcMain.handle("left", function()
    await(leaver.ended)
    return { big = leaver.big, gone = leaver.gone }
  end)
  ipcMain.handle("is gone", function() return target:isDestroyed() end)
]==]

support.each_transport("Sending", SCRIPT, function(context)
  local slow, got
  --- Another renderer, which reads nothing until it is told to.
  local function reader(kind)
    slow = context.host:connect(context.transport)
    got = 0
    slow.ipcRenderer.on("flood", function(_, text) got = got + #text end)
    slow.ipcRenderer.send("target", kind)
    slow:run(function() await(slow.ipcRenderer.invoke("metrics")) end)
    slow.session.link.stream:read_stop()
    return slow
  end
  local function read_on()
    slow.session.link.stream:read_start(function(_, chunk)
      local link = slow.session.link
      if link.closing then return not chunk and link:destroy() end
      if chunk then link:received(chunk) else link:lost() end
    end)
  end
  after_each(function()
    if slow then slow:close() end
    slow = nil
  end)

  it("encodes a broadcast once, however many hear it", function()
    local all, heard = {}, 0
    for i = 1, 20 do
      all[i] = context.host:connect(context.transport)
      all[i].ipcRenderer.on("news", function(_, first, second)
        assert.equal("a", first)
        assert.same({ 1, 2 }, second)
        heard = heard + 1
      end)
    end
    assert.same({ count = 21, encodings = 1 }, context.invoke("broadcast", true, "a", { 1, 2 }))
    support.wait_until(function() return heard == 20 end, "the news")
    assert.same({ count = 20, encodings = 1 }, context.invoke("broadcast", false, "a", { 1, 2 }))
    support.wait_until(function() return heard == 40 end, "the news")
    for _, renderer in ipairs(all) do renderer:close() end
  end)

  it("delivers what was sent before a close to a host that is busy", function()
    local leaver = context.host:connect(context.transport)
    leaver.ipcRenderer.send("leaves", 900)
    for _ = 1, 10 do leaver.ipcRenderer.send("big", ("x"):rep(1000000)) end
    leaver:close()
    assert.same({ big = 10 }, context.invoke("left"))
  end)

  for _, kind in ipairs { "contents", "frame" } do
    it("says when a reader is slow, and when it has read, " .. kind, function()
      reader(kind)
      assert.equal("at once", context.invoke("await drained"))
      local flood = context.invoke("flood")
      assert.equal("mark", flood.why)
      assert.is_true(flood.waits > 1 << 20)
      assert.equal("later", context.invoke("await drained"))
      read_on()
      local drained = context.invoke("drained")
      assert.is_true(drained.ok)
      assert.equal(1, drained.drains)
      assert.is_true(drained.waits <= 1 << 19)
      support.wait_until(function() return got == flood.sent * 100000 end, "all that was sent")
    end)

    it("rejects when who reads is gone, " .. kind, function()
      reader(kind)
      context.invoke("flood")
      assert.equal("later", context.invoke("await drained"))
      slow:close()
      slow = nil
      assert.equal("ERR_DESTROYED", context.invoke("drained").code)
      assert.same({ ok = false, code = "ERR_DESTROYED", sent = { false, "destroyed" } },
        context.invoke("drained of the gone"))
    end)
  end

  it("ends the connection of who falls behind by more than limits.outbound_max", function()
    reader("contents")
    context.invoke("overflow")
    context.host:wait_log("closed with 4003: limits.outbound_max (50331648 bytes) exceeded")
    support.wait_until(function() return context.invoke("is gone") end, "its end")
    read_on()
    slow:run(function() await(slow.closed) end)
  end)
end, { config = 'limits = { outbound_max = "48MiB" }' })
