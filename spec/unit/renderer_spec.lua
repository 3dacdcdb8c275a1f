--- The Lua renderer against a host that the spec plays itself, packet by packet, on a unix socket of this process.
local uv = require "luv"
local async = require "async"
local core = require "ipchost.core"
local renderer = require "ipchost.renderer"
local scheduler = require "async.scheduler"

local await = async.await
local LONGEST = (1 << 53) - 1 -- of JavaScript's integers
local LIMITS = { packet = 1 << 20, nesting = 100, outbound = 1000, outbound_max = 100000 }

--- A peer that the renderer takes for a host. `on[kind](host, items...)` answers; hello is welcomed.
local Peer = {}
Peer.__index = Peer

function Peer:put(...)
  assert(self.writer:put(...))
  return self
end

--- Writes what was put, as one block.
function Peer:flush()
  local bytes = self.writer:take()
  if bytes then self.stream:write(bytes) end
end

function Peer:welcome()
  return self:put("welcome", false, 0, 0, {
    processId = 7, webContentsId = 8, frame = { routingId = 9, frameToken = ("f"):rep(32) }, limits = self.limits,
  })
end

local function take(self)
  repeat
    local packet = table.pack(self.reader:next())
    if packet.n > 0 then
      self.got[#self.got + 1] = packet
      local answer = self.on[packet[1]]
      if answer then answer(self, table.unpack(packet, 2, packet.n)) end
    end
  until packet.n == 0
end

local function accept(self)
  self.stream = uv.new_pipe(false)
  self.server:accept(self.stream)
  self.stream:read_start(function(_, chunk)
    if not chunk then
      self.ended = true
      return not self.on.stays and self.stream:close()
    end
    self.reads = self.reads + 1
    self.reader:feed(chunk)
    take(self)
    if not self.stream:is_closing() then self:flush() end
  end)
end

local function new_peer(on, limits)
  local folder = assert(uv.fs_mkdtemp("/tmp/ipchost-spec-XXXXXX"))
  local self = setmetatable({
    folder = folder, path = folder .. "/s", reader = core.reader(), writer = core.writer(), got = {}, reads = 0,
    limits = limits or LIMITS, on = on or {}, server = uv.new_pipe(false),
  }, Peer)
  self.on.hello = self.on.hello or Peer.welcome
  self.on.bye = self.on.bye or function(peer) peer.stream:close() end
  assert(self.server:bind(self.path))
  self.server:listen(8, function() accept(self) end)
  self.address = "unix:" .. self.path
  return self
end

function Peer:stop()
  for _, handle in ipairs { self.stream, self.server } do
    if not handle:is_closing() then handle:close() end
  end
  uv.run("nowait")
  uv.fs_unlink(self.path)
  uv.fs_rmdir(self.folder)
end

local function drive_until(check)
  local late = false
  local timer = uv.new_timer()
  timer:start(30000, 0, function() late = true end)
  while not check() and not late do uv.run("once") end
  timer:close()
  assert.is_true(check() and true)
end

local function error_of(fn, ...)
  local ok, err = pcall(fn, ...)
  assert.is_false(ok)
  return err
end

describe("renderer", function()
  local peer, r

  local function start(on, options, limits)
    peer = new_peer(on, limits)
    r = renderer.connect(peer.address, options)
    return r.ipcRenderer
  end

  after_each(function()
    if r then r:close() end
    if peer then peer:stop() end
    r, peer = nil, nil
  end)

  describe("connect", function()
    it("says hello with what it claims, and has what welcome told", function()
      start(nil, { url = "app://a", name = "n", title = "t", token = "secret" })
      local hello = peer.got[1]
      assert.same({ "hello", 1, 0 }, { table.unpack(hello, 1, 3) })
      assert.same({ 16, 16, 0, 0, 0 }, { #hello[4], #hello[5], hello[6], hello[7], hello[8] })
      local details = hello[9]
      assert.same({ "app://a", "n", "t", "secret", uv.os_getpid(), "native" },
        { details.url, details.name, details.title, details.token, details.pid, details.type })
      assert.same({ routingId = 9, frameToken = ("f"):rep(32) }, r.webFrame)
      assert.same({ 7, 8 }, { r.processId, r.webContentsId })
    end)

    it("counts its time from where it is called, and so does a call", function()
      uv.update_time()
      uv.sleep(500)
      local ipc = start({ invoke = function(host, _, call) host:put("reply", call, 0, "late") end }, { timeout = 400 })
      uv.sleep(500)
      assert.equal("late", r:run(function() return await(ipc.with { timeout = 400 }.invoke("x")) end))
    end)

    it("awaits inside a task", function()
      peer = new_peer()
      local order = {}
      local task = async.run(function()
        r = renderer.connect(peer.address)
        order[#order + 1] = "connected"
      end)
      order[#order + 1] = "started"
      task:next(function() order[#order + 1] = "done" end)
      drive_until(function() return #order == 3 end)
      assert.same({ "started", "connected", "done" }, order)
    end)

    it("explains where nobody is", function()
      local err = error_of(renderer.connect, "unix:/nowhere/app.sock")
      assert.equal("Cannot connect to unix:/nowhere/app.sock: ENOENT, there is no such socket; is the host running?",
        err.message)
      assert.equal("ENOENT", err.code)
      local server = uv.new_tcp()
      server:bind("127.0.0.1", 0)
      local address = ("tcp://127.0.0.1:%d"):format(server:getsockname().port)
      assert.equal(("Cannot connect to %s: ECONNREFUSED, nobody listens there; is the host running?"):format(address),
        error_of(renderer.connect, address).message)
      server:close()
      uv.run("nowait")
    end)

    it("explains what is no address", function()
      for text, why in pairs {
        ["stdio:x"] = "nothing may follow stdio:",
        ["app.sock"] = "expected unix:/path, tcp://host:port, ws://host:port or stdio:",
        ["unix:"] = "the path is missing",
        ["tcp://host"] = "expected tcp://host:port", ["tcp://host:0"] = "port of 1 to 65535",
        ["unix:/" .. ("x"):rep(107)] = "the path has 108 bytes",
      } do
        assert.matches(why, error_of(renderer.connect, text), 1, true)
      end
      assert.matches("expected an address", error_of(renderer.connect), 1, true)
    end)

    it("decodes a percent-encoded path", function()
      peer = new_peer()
      r = renderer.connect("unix:" .. peer.path:gsub("s$", "%%73"))
      assert.equal(7, r.processId)
    end)

    it("says that it was refused, and why", function()
      peer = new_peer { hello = function(host) host:put("bye", 1008, "the token is wrong; see security.token") end }
      local err = error_of(renderer.connect, peer.address)
      assert.matches("the token is wrong; see security.token", err.message, 1, true)
      assert.equal("ERR_DENIED", err.code)
    end)

    it("says that the other end went away, or speaks something else", function()
      peer = new_peer { hello = function(host) host.stream:close() end }
      assert.equal("ERR_CLOSED", error_of(renderer.connect, peer.address).code)
      peer:stop()
      peer = new_peer { hello = function(host) host.stream:write("HTTP/1.1 400 Bad Request\r\n\r\n") end }
      assert.equal("ERR_LIMIT_PACKET", error_of(renderer.connect, peer.address).code)
      peer:stop()
      peer = new_peer { hello = function(host) host:put("welcome", false, 0, 0, {}) end }
      assert.matches("welcome: details are missing", error_of(renderer.connect, peer.address).message)
    end)

    it("times out", function()
      peer = new_peer { hello = function() end }
      local err = error_of(renderer.connect, peer.address, { timeout = 20 })
      assert.equal("TimeoutError", err.name)
      assert.equal("ERR_TIMEOUT", err.code)
    end)

    it("leaves no handle behind when it fails", function()
      local function open_handles()
        local count = 0
        uv.walk(function(handle) if not handle:is_closing() then count = count + 1 end end)
        return count
      end
      pcall(renderer.connect, "unix:/nowhere/app.sock")
      local before = open_handles()
      for _ = 1, 10 do pcall(renderer.connect, "unix:/nowhere/app.sock") end
      assert.equal(before, open_handles())
    end)

    it("refuses options that cannot be sent", function()
      peer = new_peer()
      local err = error_of(renderer.connect, peer.address, { url = print })
      assert.equal("ERR_DATA_CLONE", err.code)
      peer.stream = uv.new_pipe(false)
    end)
  end)

  describe("messages", function()
    it("of one turn are one write", function()
      local ipc = start()
      local reads = peer.reads
      for i = 1, 100 do ipc.send("n", i) end
      drive_until(function() return #peer.got == 101 end)
      assert.equal(reads + 1, peer.reads)
      assert.same({ "send", 0, "n", 100, n = 4 }, peer.got[101])
    end)

    it("reach listeners with an event, and no listener stops another", function()
      local ipc = start()
      local got = {}
      local log, text = scheduler.log, ""
      ipc.on("a", function() error "in the first" end)
      ipc:on("a", function(event, ...) got[#got + 1] = table.pack(event.sender == ipc, #event.ports, ...) end)
      function scheduler.log(line) text = text .. line end
      peer:put("send", 0, "a", 1, nil):put("post", 0, "a", {}, "message"):put("send", 5, "a", "of no frame"):flush()
      drive_until(function() return #got == 2 end)
      scheduler.log = log
      assert.same({ { true, 0, 1, n = 4 }, { true, 0, "message", n = 3 } }, got)
      assert.matches("in the first", text)
      assert.matches("stack traceback", text)
    end)

    it("start listeners as tasks, which may await", function()
      local ipc = start()
      local got = {}
      ipc.on("a", function(_, n)
        async.sleep(1)
        got[#got + 1] = n
      end)
      peer:put("send", 0, "a", 1):put("send", 0, "a", 2):flush()
      drive_until(function() return #got == 2 end)
      assert.same({ 1, 2 }, got)
    end)

    it("right behind welcome wait for who connects", function()
      local ipc = start { hello = function(host) host:welcome():put("send", 0, "early", 1) end }
      local got
      ipc.on("early", function(_, n) got = n end)
      drive_until(function() return got end)
      assert.equal(1, got)
    end)

    it("want a channel", function()
      local ipc = start()
      assert.equal("Missing required channel argument", error_of(ipc.send).message)
      assert.equal("Missing required channel argument", error_of(ipc.sendSync, 5).message)
      assert.equal("Missing required channel argument", error_of(ipc.postMessage).message)
      assert.equal("TypeError", error_of(r.run, r, function() await(ipc.invoke()) end).name)
    end)

    it("that cannot be cloned are not sent", function()
      local ipc = start()
      local err = error_of(ipc.send, "a", { f = print })
      assert.equal("DataCloneError", err.name)
      assert.equal("ERR_DATA_CLONE", err.code)
      assert.equal("An object could not be cloned: args[1].f (function)", err.message)
      assert.equal("ERR_DATA_CLONE", error_of(r.run, r, function() await(ipc.invoke("a", print)) end).code)
      assert.equal("ERR_DATA_CLONE", error_of(ipc.sendSync, "a", print).code)
      assert.matches("Invalid value for transfer", error_of(ipc.postMessage, "a", 1, { {} }), 1, true)
      assert.equal(1, #peer.got)
    end)

    it("say when they wait behind the mark, and end at the cap", function()
      local ipc = start()
      assert.is_true(ipc.send("a", "small"))
      assert.same({ false, "mark" }, { ipc.send("a", ("x"):rep(2000)) })
      ipc.send("a", ("x"):rep(LIMITS.outbound_max))
      assert.equal("ERR_LIMIT_OUTBOUND", error_of(ipc.send, "a").code)
      assert.equal("ERR_LIMIT_OUTBOUND", error_of(r.run, r, function() await(ipc.invoke("a")) end).code)
      drive_until(function() return #peer.got == 4 end)
      assert.is_true(ipc.send("a"))
    end)

    it("over limits.packet are refused", function()
      local ipc = start(nil, nil, { packet = 1000, nesting = 100, outbound = 1 << 20, outbound_max = 1 << 20 })
      assert.equal("ERR_LIMIT_PACKET", error_of(ipc.send, "a", ("x"):rep(1000)).code)
      ipc.send("a", ("x"):rep(900))
      ipc.send("a", ("x"):rep(900))
      drive_until(function() return #peer.got == 3 end)
    end)
  end)

  describe("calls", function()
    it("are answered by number", function()
      local calls = {}
      local ipc = start { invoke = function(host, frame, call, deadline, channel, ...)
        calls[#calls + 1] = { frame, call, deadline, channel, ... }
        if #calls < 2 then return end
        host:put("reply", 99, 0, "of no call"):put("reply", calls[2][2], 0, "second")
        host:put("reply", calls[1][2], 1, { name = "NoteError", message = "full", code = "E", data = { left = 0 } })
      end }
      r:run(function()
        local first, second = ipc.invoke("a", 1), ipc:invoke("b", 2)
        assert.equal("second", await(second))
        local ok, err = pcall(await, first)
        assert.is_false(ok)
        assert.equal("NoteError: Error invoking remote method 'a': NoteError: full", tostring(err))
        assert.same({ "NoteError", "E", 0 }, { err.name, err.code, err.data.left })
      end)
      assert.same({ { 0, 1, 0, "a", 1 }, { 0, 2, 0, "b", 2 } }, calls)
    end)

    it("that are sync state their place", function()
      local ipc = start { sync = function(host, _, call, number) host:put("reply", call, 0, number) end }
      ipc.send("a")
      ipc.send("b")
      assert.equal(3, ipc.sendSync("c"))
      assert.equal(4, r:run(function() return ipc:sendSync("d") end))
    end)

    it("can be sync in a callback of the loop, while packets wait", function()
      local ipc = start { sync = function(host, _, call) host:put("reply", call, 0, "answer") end }
      local got
      local timer = uv.new_timer()
      timer:start(0, 0, function()
        got = ipc.sendSync("a")
        -- The turn that this callback is in polls after it.
        timer:start(0, 0, function() timer:close() end)
      end)
      ipc.invoke("never"):catch(function() end)
      drive_until(function() return got end)
      assert.equal("answer", got)
    end)

    it("time out, and tell the host", function()
      local ipc = start()
      local err = error_of(r.run, r, function() await(ipc.with { timeout = 20 }.invoke("a", 1)) end)
      assert.same({ "TimeoutError", "ERR_TIMEOUT" }, { err.name, err.code })
      assert.equal("Error invoking remote method 'a': TimeoutError: no answer within 20 ms", err.message)
      drive_until(function() return #peer.got == 3 end)
      assert.same({ "invoke", 0, 1, 20, "a", 1, n = 6 }, peer.got[2])
      assert.same({ "cancel", 1, 1, n = 3 }, peer.got[3])
      peer:put("reply", 1, 0, "too late"):flush()
    end)

    it("may take longer than a packet can say", function()
      local ipc = start { invoke = function(host, _, call) host:put("reply", call, 0, "in time") end }
      for call, timeout in ipairs { LONGEST, LONGEST + 1, math.maxinteger } do
        assert.equal("in time", r:run(function() return await(ipc.with { timeout = timeout }.invoke("a")) end))
        assert.same({ "invoke", 0, call, LONGEST, "a", n = 5 }, peer.got[call + 1])
      end
    end)

    it("abort with a signal, and tell the host", function()
      local ipc = start()
      local controller = async.AbortController()
      local bound = ipc.with { signal = controller.signal, timeout = 1000 }
      local call = bound:invoke("a")
      drive_until(function() return #peer.got == 2 end)
      controller:abort()
      assert.equal("ERR_ABORTED", error_of(r.run, r, function() await(call) end).code)
      drive_until(function() return #peer.got == 3 end)
      assert.same({ "cancel", 1, 0, n = 3 }, peer.got[3])
      assert.equal("ERR_ABORTED", error_of(r.run, r, function() await(bound.invoke("b")) end).code)
      assert.equal(3, #peer.got)
    end)

    it("take only what with knows", function()
      local ipc = start()
      assert.matches("timeout must be a positive integer", error_of(ipc.with, { timeout = 0 }))
      assert.matches("signal must be", error_of(ipc.with, { signal = {} }))
      assert.matches("expected { timeout", error_of(ipc.with), 1, true)
    end)

    it("of the host are answered: nobody handles them", function()
      start()
      peer:put("invoke", 0, 4, 0, "what"):flush()
      drive_until(function() return #peer.got == 2 end)
      local reply = peer.got[2]
      assert.same({ "reply", 4, 1 }, { table.unpack(reply, 1, 3) })
      assert.equal("ERR_NO_HANDLER", reply[4].code)
      assert.equal("No handler registered for 'what'", reply[4].message)
    end)

    it("answer a ping", function()
      start()
      peer:put("ping", 5):flush()
      drive_until(function() return #peer.got == 2 end)
      assert.same({ "pong", 5, n = 2 }, peer.got[2])
    end)
  end)

  describe("frames", function()
    local opened = { ["frame-open"] = function(host, number)
      host:put("frame-opened", number, { routingId = 100 + number, frameToken = ("c"):rep(32) })
    end }

    it("open, hear their own, and close with their descendants", function()
      start { ["frame-open"] = opened["frame-open"], invoke = function() end }
      local child = r:createFrame { url = "app://c", name = "c" }
      local grandchild = child:createFrame()
      assert.same({ 101, 102, 8, 7 },
        { child.webFrame.routingId, grandchild.webFrame.routingId, child.webContentsId, child.processId })
      assert.same({ "frame-open", 2, 1 }, { table.unpack(peer.got[3], 1, 3) })
      local got
      grandchild.ipcRenderer.on("a", function(_, n) got = n end)
      r.ipcRenderer.on("a", function() got = "wrong" end)
      peer:put("send", 2, "a", 1):flush()
      drive_until(function() return got end)
      assert.equal(1, got)
      local pending = grandchild.ipcRenderer.invoke("b")
      child:close()
      child:close()
      local err = error_of(r.run, r, function() await(pending) end)
      assert.equal("ERR_CLOSED", err.code)
      assert.same({ code = 1000, reason = "" }, r:run(function() return await(grandchild.closed) end))
      assert.equal("ERR_CLOSED", error_of(grandchild.ipcRenderer.send, "a").code)
      assert.equal("ERR_CLOSED", error_of(child.createFrame, child).code)
      assert.is_true(r.ipcRenderer.send("c"))
    end)

    it("close when the host closes them", function()
      start(opened)
      local child = r:createFrame()
      peer:put("frame-close", 1):flush()
      assert.equal(1000, r:run(function() return await(child.closed) end).code)
    end)
  end)

  describe("run", function()
    it("returns all results, and raises what fn raised", function()
      start()
      assert.same({ 1, nil, 3, n = 3 }, table.pack(r:run(function(...) return ... end, 1, nil, 3)))
      local reason = { code = "E" }
      assert.equal(reason, error_of(r.run, r, function() error(reason) end))
      assert.equal(5, r:run(function() return r:run(function() return 5 end) end))
    end)

    it("ends when nothing is left to wait for", function()
      start()
      r:close()
      peer:stop()
      local _, err = pcall(r.run, r, function() await(async.Promise.withResolvers()) end)
      assert.matches("nothing is left on the loop", err)
    end)
  end)

  describe("a process", function()
    --- Runs a script with the peer's address as its argument; returns its exit code and signal.
    local function run(script)
      local path = peer.folder .. "/script.lua"
      local file = assert(io.open(path, "w"))
      file:write(script)
      file:close()
      local code, signal
      local process
      process = uv.spawn("lua5.4", {
        args = { path, peer.address }, env = { "LUA_PATH=" .. package.path, "LUA_CPATH=" .. package.cpath },
      }, function(...)
        code, signal = ...
        process:close()
      end)
      drive_until(function() return code end)
      uv.fs_unlink(path)
      return { code, signal }
    end

    it("may end in an error while a handle closes", function()
      peer = new_peer()
      assert.same({ 1, 0 }, run [[
        local async, renderer = require "async", require "ipchost.renderer"
        local controller = async.AbortController()
        local bound = renderer.connect(arg[1]).ipcRenderer.with { timeout = 10000, signal = controller.signal }
        bound.invoke("a"):catch(print)
        controller:abort()
        error "as it should"
      ]])
    end)

    it("may end right after a sleep", function()
      peer = new_peer()
      assert.same({ 0, 0 }, run [[
        local async, renderer = require "async", require "ipchost.renderer"
        renderer.connect(arg[1]):run(async.sleep, 1)
      ]])
    end)

    it("may end with a close after a sleep when the host has ended the session", function()
      peer = new_peer { send = function(host) host:put("bye", 1000, "") end }
      assert.same({ 0, 0 }, run [[
        local async, renderer = require "async", require "ipchost.renderer"
        local r = renderer.connect(arg[1])
        r:run(function()
          r.ipcRenderer.send("the end")
          async.await(r.closed)
          async.sleep(1)
        end)
        r:close()
      ]])
    end)
  end)

  describe("close", function()
    it("delivers what was sent, says bye, and is done once", function()
      local ipc = start()
      ipc.send("last")
      r:close()
      r:close()
      assert.same({ "send", 0, "last", n = 3 }, peer.got[2])
      assert.same({ "bye", 1000, "", n = 3 }, peer.got[3])
      assert.same({ code = 1000, reason = "" }, r:run(function() return await(r.closed) end))
    end)

    it("rejects what is pending and what comes after", function()
      local ipc = start()
      local pending = ipc.invoke("a")
      pending:catch(function() end)
      r:close()
      local err = error_of(r.run, r, function() await(pending) end)
      assert.equal("Error invoking remote method 'a': Error: the renderer was closed", err.message)
      assert.equal("ERR_CLOSED", err.code)
      for _, name in ipairs { "send", "sendSync", "postMessage" } do
        err = error_of(ipc[name], "a")
        assert.equal("IPC method called after context was released", err.message)
        assert.equal("ERR_CLOSED", err.code)
      end
      assert.equal("ERR_CLOSED", error_of(r.run, r, function() await(ipc.invoke("a")) end).code)
      assert.equal("ERR_CLOSED", error_of(r.createFrame, r).code)
    end)

    it("does not wait for a host that does not end", function()
      start { bye = function() end, stays = true }
      r:close()
      assert.is_false(peer.stream:is_closing())
    end)

    it("by the host gives code and reason", function()
      local ipc = start()
      local pending = ipc.invoke("a")
      pending:catch(function() end)
      peer:put("bye", 1001, "the host stops"):flush()
      assert.same({ code = 1001, reason = "the host stops" }, r:run(function() return await(r.closed) end))
      assert.equal("Error invoking remote method 'a': Error: the host stops",
        error_of(r.run, r, function() await(pending) end).message)
    end)

    it("raises a pending sendSync, and a pending createFrame", function()
      local function leave(host) host.stream:close() end
      local ipc = start { sync = leave }
      local err = error_of(ipc.sendSync, "a")
      assert.equal("Error invoking remote method 'a': Error: the connection was lost", err.message)
      assert.equal("ERR_CLOSED", err.code)
      assert.equal(1006, r:run(function() return await(r.closed) end).code)
      peer:stop()
      start { ["frame-open"] = leave }
      assert.equal("ERR_CLOSED", error_of(r.createFrame, r).code)
    end)

    it("follows when the host breaks the protocol", function()
      for _, case in ipairs {
        { "\1\0\0\0\3", 1002 }, { "\0\0\0\x80", 1002 }, { "\xff\xff\xff\x7f", 1009 },
        { string.pack("<s4", "\x84\x02\x00\x61a\x41\xff"), 1007 },
      } do
        start()
        peer.stream:write(case[1])
        local closed = r:run(function() return await(r.closed) end)
        assert.equal(case[2], closed.code)
        drive_until(function() return #peer.got == 2 end)
        assert.same({ "bye", case[2] }, { table.unpack(peer.got[2], 1, 2) })
        r:close()
        peer:stop()
      end
      r, peer = nil, nil
    end)
  end)
end)
