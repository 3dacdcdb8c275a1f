-- The test kit, rocks/ipchost-test: what a spec of a user's can do with a host in its own process.
local test = require "ipchost.test"

local function echo()
  ipcMain.handle("echo", function(_, ...) return ... end)
end

describe("a host under test", function()
  it("answers invoke, send and sendSync, and sends", function()
    local host <close> = test.host { scripts = { function()
      ipcMain.handle("greet", function(event, name)
        event.reply("greeted", name, event.processId)
        return ("Hello, %s!"):format(name)
      end)
      ipcMain.on("count", function(event, n) event.returnValue = n + 1 end)
      ipcMain.on("note", function(event, text) event.sender:send("noted", text) end)
    end } }
    local r, seen = host:renderer(), {}
    r:on("greeted", function(_, name, process) seen[#seen + 1] = { name, process } end)
    r:on("noted", function(_, text) seen[#seen + 1] = text end)
    assert.equal("Hello, Ada!", r:invoke("greet", "Ada"))
    assert.equal(5, r:sendSync("count", 4))
    r:send("note", "milk")
    assert.same({ { "Ada", r.processId }, "milk" }, seen)
  end)

  it("takes paths, functions and sources as scripts, run in order", function()
    local path = os.tmpname() .. ".lua"
    local file = assert(io.open(path, "w"))
    file:write("order = order .. 'b'\n")
    file:close()
    local host <close> = test.host { scripts = { "order = 'a'", path, function() order = order .. "c" end } }
    os.remove(path)
    assert.equal("abc", host.order)
    assert.is_nil(rawget(_G, "order"))
  end)

  it("raises what a script raises while it is loaded, with file and line", function()
    assert.error_matches(function() test.host { scripts = { "local x = 1\nerror 'broken'" } } end,
      "scripts%[1%]:2: broken")
    assert.error_matches(function() test.host { scripts = { "local = 1\n" } } end, "scripts%[1%]:1: ")
    assert.error_matches(function() test.host { scripts = { "spec/functional/nowhere.lua" } } end, "nowhere")
    assert.error_matches(function() test.host { script = {} } end, "unknown option 'script'")
    assert.error_matches(function() test.host { scripts = { 1 } } end, "scripts%[1%]: expected a path")
  end)

  it("gives scripts fakes before their own modules, and settings", function()
    local host <close> = test.host {
      path = "spec/functional/kit/?.lua", settings = { greeting = "Hi" },
      scripts = { function()
        local store = require "store"
        ipcMain.handle("what", function() return store.kind, app.settings.greeting end)
        ipcMain.handle("greeting", function() return app.settings.greeting end)
      end },
    }
    local r = host:renderer()
    assert.equal("fake", r:invoke "what")
    assert.equal("Hi", r:invoke "greeting")
    assert.is_nil(package.loaded.store)
  end)

  it("clones values as the wire does, and nothing else passes", function()
    local host <close> = test.host { scripts = { echo } }
    local r = host:renderer()
    local sent = { list = { 1, 2, 3 }, map = host.ipc.Map { { "a", 1 } }, none = host.ipc.null }
    sent.self = sent
    local back = r:invoke("echo", sent)
    assert.not_equal(sent, back)
    assert.equal(back, back.self)
    assert.same({ 1, 2, 3 }, { table.unpack(back.list) })
    assert.equal(1, back.map:get "a")
    assert.equal(host.ipc.null, back.none)
    assert.rejects({ name = "DataCloneError", code = "ERR_DATA_CLONE", message = "args%[1%]%.cb %(function%)" },
      function() return r:invoke("echo", { cb = print }) end)
  end)

  it("rejects with errors as a renderer sees them", function()
    local host <close> = test.host { scripts = { function()
      ipcMain.handle("refuse", function()
        error { name = "RangeError", message = "too much", code = "ERR_MUCH", data = { most = 3 } }
      end)
    end } }
    local r = host:renderer()
    local ok, err = pcall(r.invoke, r, "refuse")
    assert.is_false(ok)
    assert.equal("Error invoking remote method 'refuse': RangeError: too much", err.message)
    assert.same({ "RangeError", "ERR_MUCH", 3 }, { err.name, err.code, err.data.most })
    assert.rejects({ code = "ERR_MUCH" }, r.invoke, r, "refuse")
    assert.rejects({ code = "ERR_MUCH" }, r.ipcRenderer.invoke, "refuse")
    assert.rejects("too much", function() r:invoke "refuse" end)
    assert.not_rejects({ code = "ERR_LITTLE" }, r.invoke, r, "refuse")
    assert.rejects({ code = "ERR_NO_HANDLER", message = "No handler registered for 'nothing'" },
      r.invoke, r, "nothing")
  end)

  it("says what assert.rejects missed", function()
    local function raise() error { code = "ERR_B", message = "b" } end
    local ok, message = pcall(assert.rejects, { code = "ERR_A" }, raise)
    assert.is_false(ok)
    assert.matches('b was raised: its code is "ERR_B", not "ERR_A"', tostring(message), 1, true)
    ok, message = pcall(assert.rejects, { code = "ERR_A" }, function() end)
    assert.is_false(ok)
    assert.matches("nothing was raised", tostring(message), 1, true)
  end)

  it("keeps the order of calls, and interleaves only after an await", function()
    local host <close> = test.host { scripts = { function()
      order = {}
      ipcMain.on("a", function(_, n) order[#order + 1] = "a" .. n end)
      ipcMain.handle("b", function(_, n)
        order[#order + 1] = "b" .. n
        async.sleep(1)
        order[#order + 1] = "late" .. n
      end)
    end } }
    local ipc = host:renderer().ipcRenderer
    ipc.send("a", 1)
    local first = ipc.invoke("b", 2)
    ipc.send("a", 3)
    local second = ipc.invoke("b", 4)
    host:tick()
    assert.same({ "a1", "b2", "a3", "b4" }, host.order)
    host:advance(1)
    host:await(first)
    host:await(second)
    assert.same({ "a1", "b2", "a3", "b4", "late2", "late4" }, host.order)
  end)
end)

describe("the clock of a host under test", function()
  it("stands still until it is advanced", function()
    local host <close> = test.host { scripts = { function()
      ipcMain.handle("nap", function(_, ms)
        async.sleep(ms)
        return "up"
      end)
      ipcMain.handle("limited", function()
        return (async.timeout(50, async.run(function() async.sleep(100) end)))
      end)
    end } }
    local r = host:renderer()
    local nap, settled = r.ipcRenderer.invoke("nap", 60000), false
    nap:next(function() settled = true end)
    host:advance(59999)
    assert.is_false(settled)
    host:advance(1)
    assert.is_true(settled)
    assert.equal("up", host:await(nap))
    local limited = r.ipcRenderer.invoke "limited"
    host:advance(50)
    assert.rejects("timeout", function() return limited end)
  end)

  it("ends a sendSync that nobody answers, and one's own time-outs", function()
    local host <close> = test.host { scripts = { function()
      held = {}
      ipcMain.on("wait", function(event) held[#held + 1] = event end)
      ipcMain.handle("wait", function() async.sleep(1000) end)
    end } }
    local r = host:renderer()
    local call = host:start(r.sendSync, r, "wait")
    assert.equal(1, #host.held)
    host:advance(29999)
    assert.is_false(call:completed())
    host:advance(1)
    assert.rejects({ code = "ERR_TIMEOUT" }, function() return call end)
    local invoke = r.ipcRenderer.with({ timeout = 10 }).invoke "wait"
    host:advance(10)
    assert.rejects({ code = "ERR_TIMEOUT", name = "TimeoutError" }, function() return invoke end)
  end)

  it("fires timers in their order, and luv's own with them", function()
    local host <close> = test.host { scripts = { function()
      local uv = require "luv"
      fired = {}
      local function at(ms, again)
        local timer = uv.new_timer()
        timer:start(ms, again or 0, function() fired[#fired + 1] = ms .. "@" .. uv.now() - start end)
      end
      start = uv.now()
      at(30)
      at(10, 15)
      at(20)
    end } }
    host:advance(40)
    assert.same({ "10@10", "20@20", "10@25", "30@30", "10@40" }, host.fired)
  end)

  it("moves the time of day with it", function()
    local host <close> = test.host { scripts = { function()
      ipcMain.handle("time", function() return { os.time(), os.date("!%Y", 0), (require("luv").gettimeofday()) } end)
    end } }
    local r = host:renderer()
    local before = r:invoke "time"
    assert.is_true(math.abs(before[1] - os.time()) <= 1)
    assert.equal("1970", before[2])
    host:advance(3600 * 1000)
    local after = r:invoke "time"
    assert.same({ 3600, 3600 }, { after[1] - before[1], after[3] - before[3] })
  end)

  it("does not hold up a file of luv's", function()
    local host <close> = test.host { scripts = { function()
      ipcMain.handle("size", function(_, path) return (async.uv.fs_stat(path)).size end)
      ipcMain.handle("missing", function(_, path) return async.uv.fs_stat(path) end)
    end } }
    local r = host:renderer()
    assert.is_true(r:invoke("size", "spec/functional/kit_spec.lua") > 100)
    assert.rejects({ code = "ENOENT" }, r.invoke, r, "missing", "spec/functional/nowhere")
  end)

  it("says so where only time could help", function()
    local host <close> = test.host { scripts = { function()
      ipcMain.handle("nap", function() async.sleep(70) end)
    end } }
    local r = host:renderer()
    assert.error_matches(function() r:invoke "nap" end, "the next timer is due in 70 ms, see host:advance")
    host:advance(70)
    assert.error_matches(function() host:await(host.Promise(function() end)) end, "nothing is left that could settle")
  end)
end)

describe("calls that are answered later", function()
  it("are held by the spec", function()
    local held
    local host <close> = test.host {}
    host.ipcMain.on("ask", function(event) held = event end)
    host.ipcMain.handle("later", function() return host.Promise(function(resolve) held = resolve end) end)
    local r = host:renderer()
    local later = r.ipcRenderer.invoke "later"
    host:tick()
    held "now"
    assert.equal("now", host:await(later))
    local sync = host:start(r.sendSync, r, "ask")
    held.returnValue = 7
    assert.equal(7, host:await(sync))
  end)

  it("are rejected when nobody can answer any longer", function()
    local host <close> = test.host { scripts = { function()
      ipcMain.handle("lost", function() return (await(Promise(function() end))) end)
    end } }
    local r = host:renderer()
    assert.rejects({ code = "ERR_NO_REPLY", message = "reply was never sent" }, r.invoke, r, "lost")
  end)

  it("are aborted when the renderer goes", function()
    local host <close> = test.host { scripts = { function()
      ipcMain.handle("watch", function(event)
        event.signal:onAbort(function(reason) code = reason.code end)
        async.sleep(10)
      end)
    end } }
    local r = host:renderer()
    local call = r.ipcRenderer.invoke "watch"
    host:tick()
    r:close()
    assert.equal("ERR_DESTROYED", host.code)
    assert.rejects({ code = "ERR_CLOSED" }, function() return call end)
    assert.is_true(r.contents:isDestroyed())
    host:advance(10)
  end)
end)

describe("renderers of a host under test", function()
  it("are of any origin", function()
    local host <close> = test.host { scripts = { function()
      ipcMain.handle("who", function(event)
        return { event.sender:getType(), event.senderFrame.origin, event.senderFrame.url }
      end)
    end } }
    local function who(options) return { table.unpack(host:renderer(options):invoke "who") } end
    assert.same({ "native", "app://notes", "app://notes/list" }, who { url = "app://notes/list" })
    assert.same({ "page", "https://x.example", "https://x.example/a" },
      who { url = "https://x.example/a", origin = "https://x.example" })
    assert.same({ "page", "https://y.example", "https://y.example/" }, who { url = "https://y.example/" })
    assert.error_matches(function() host:renderer { url = "app://a", origin = "app://b" } end,
      "the origin app://b is not that of app://a")
  end)

  it("have frames", function()
    local host <close> = test.host { scripts = { echo } }
    local r = host:renderer { url = "app://x" }
    local child = host:renderer { url = "app://x/child", parent = r }
    assert.equal(r.webContentsId, child.webContentsId)
    assert.equal(r.frame, child.frame.parent)
    assert.equal(1, child:invoke("echo", 1))
    child:close()
    assert.is_true(child.frame:isDestroyed())
    assert.equal(2, r:invoke("echo", 2))
  end)

  it("have frames of other origins, which are sessions of their own", function()
    local host <close> = test.host { scripts = { echo } }
    local page = host:renderer { url = "https://x.example/" }
    local widget = host:renderer { url = "https://y.example/w", parent = page }
    local own = host:renderer { parent = page, name = "own" }
    assert.equal(page.webContentsId, widget.webContentsId)
    assert.not_equal(page.processId, widget.processId)
    assert.equal(page.frame, widget.frame.parent)
    assert.same({ "https://y.example", "https://x.example" }, { widget.frame.origin, own.frame.origin })
    assert.equal(3, #page.contents.mainFrame.framesInSubtree)
    assert.equal(1, widget:invoke("echo", 1))
    assert.error_matches(function() host:renderer { url = "app://x", parent = page } end, "either all of a page")
  end)

  it("keep a page's contents for its grace, by the host's clock", function()
    local host <close> = test.host { scripts = { echo } }
    local page = host:renderer { url = "https://x.example/" }
    page:close()
    assert.is_false(page.contents:isDestroyed())
    assert.same({ false, "detached" }, { page.contents:send "x" })
    host:advance(999)
    assert.is_false(page.contents:isDestroyed())
    host:advance(1)
    assert.is_true(page.contents:isDestroyed())
  end)

  it("answer what scripts invoke, and pass ports", function()
    local host <close> = test.host { scripts = { function()
      ipcMain.handle("ask", function(event, n) return await(event.sender:invoke("double", n)) end)
      ipcMain.on("port", function(event)
        event.ports[1]:on("message", function(message) event.ports[1]:postMessage(message.data .. "!") end)
        event.ports[1]:start()
      end)
    end } }
    local r, got = host:renderer(), nil
    r:handle("double", function(_, n) return 2 * n end)
    assert.equal(42, r:invoke("ask", 21))
    local port1, port2 = host:channel()
    port1:on("message", function(message) got = message.data end)
    port1:start()
    r:postMessage("port", nil, { port2 })
    port1:postMessage "hi"
    host:tick()
    assert.equal("hi!", got)
  end)
end)

describe("what scripts raise", function()
  local function raising()
    ipcMain.on("bad", function() error "in a listener" end)
    ipcMain.on("worse", function() Promise.reject { message = "of nobody" } end)
    ipcMain.handle("told", function() error "told" end)
  end

  it("fails the spec when the host is closed, unless it was taken", function()
    local host = test.host { scripts = { raising } }
    local r = host:renderer()
    r:send "bad"
    assert.error_matches(function() host:close() end, "the scripts raised:.*in a listener")

    host = test.host { scripts = { raising } }
    r = host:renderer()
    r:send "bad"
    r:send "worse"
    local errors = host:errors()
    assert.equal(2, #errors)
    assert.matches("in a listener", errors[1])
    assert.matches("kit_spec.lua:%d+", errors[1])
    assert.matches("of nobody", errors[2])
    assert.same({}, host:errors())
    host:close()
  end)

  it("fails it at the end of the scope too, but for what failed there before", function()
    assert.error_matches(function()
      local host <close> = test.host { scripts = { raising } }
      host:renderer():send "bad"
    end, "the scripts raised:.*in a listener")
    assert.error_matches(function()
      local host <close> = test.host { scripts = { raising } }
      host:renderer():send "bad"
      error "the spec's own"
    end, "the spec's own")
  end)

  it("is its caller's where a handler raises", function()
    local host = test.host { scripts = { raising } }
    assert.rejects({ message = "told" }, host:renderer().invoke, host:renderer(), "told")
    host:close()
  end)

  it("and what is logged can be read", function()
    local host <close> = test.host { scripts = { function() print("hello", 1) end } }
    local log = host:log()
    assert.same({ level = "info", text = "hello\t1" }, log[1])
  end)
end)

describe("host:reload()", function()
  it("has the scripts run again with new globals, and carries state and renderers over", function()
    local loads, disposed = 0, {}
    local host <close> = test.host { scripts = { function()
      loads = loads + 1
      local n = loads
      assert(fresh == nil)
      fresh = n
      counts = hot.persist("counts", { calls = 0 })
      hot.data.list = hot.data.list or {}
      hot.dispose(function() disposed[#disposed + 1] = n end)
      app.on("ready", function(event) replayed = event.replayed end)
      ipcMain.handle("call", function()
        counts.calls = counts.calls + 1
        table.insert(hot.data.list, n)
        return { n, counts.calls, table.unpack(hot.data.list) }
      end)
    end } }
    local r, told = host:renderer(), nil
    r:on("ipchost:reloaded", function(_, what) told = what.generation end)
    assert.same({ 1, 1, 1 }, { table.unpack(r:invoke "call") })
    local contents = r.contents
    local report = host:reload()
    assert.is_true(report.ok, report.error)
    assert.same({ 1 }, disposed)
    assert.equal(2, told)
    assert.same({ 2, true, 2 }, { host.fresh, host.replayed, host.hot.generation })
    assert.same({ 2, 2, 1, 2 }, { table.unpack(r:invoke "call") })
    assert.equal(contents.id, r.contents.id)
    local heard
    r:on("heard", function(_, what) heard = what end)
    r.contents:send("heard", 1)
    host:tick()
    assert.equal(1, heard)
  end)

  it("carries state into tables of any kind, and leaves out nothing but what cannot be cloned", function()
    local host <close> = test.host { scripts = { function()
      local Note = { __index = { title = function(note) return note.text end } }
      state = hot.persist("state", { notes = ipc.Array {}, last = setmetatable({}, Note) })
      notes, last = state.notes, state.last
      ipcMain.handle("add", function(_, text)
        last.text = text
        notes[#notes + 1] = last
        notes[#notes + 1] = print
        hot.data.odd = { 1, coroutine.create(print), [2.5] = "\xff" }
      end)
      ipcMain.handle("look", function()
        return { state.notes == notes and notes[1] == last and last:title(), #notes, hot.data.odd[2.5] == "\xff" }
      end)
    end } }
    local r = host:renderer()
    r:invoke("add", "milk")
    assert.is_true(host:reload().ok)
    assert.same({ "milk", 2, true }, { table.unpack(r:invoke "look") })
  end)

  it("leaves those that serve as they are where it fails, and says why", function()
    local broken = false
    local host <close> = test.host { scripts = { function()
      if broken then error "broken now" end
      failures = {}
      hot.on("failed", function(report) failures[#failures + 1] = report.error end)
      ipcMain.handle("alive", function() return true end)
    end } }
    local r = host:renderer()
    broken = true
    local report = host:reload()
    assert.is_false(report.ok)
    assert.matches("kit_spec.lua:%d+: broken now", report.error)
    assert.matches("broken now", host.failures[1])
    assert.is_true(r:invoke "alive")
    assert.same({}, host:errors())
    broken = false
    assert.is_true(host:reload().ok)
    assert.is_true(r:invoke "alive")
  end)

  it("reads paths again, and what they require", function()
    local folder = os.tmpname()
    os.remove(folder)
    assert(require("luv").fs_mkdir(folder, 448))
    local function write(name, text)
      local file = assert(io.open(folder .. "/" .. name, "w"))
      file:write(text)
      file:close()
    end
    write("main.lua", "local part = require 'part' ipcMain.handle('part', function() return part end)")
    write("part.lua", "return 1")
    local host <close> = test.host { scripts = { folder .. "/main.lua" } }
    local r = host:renderer()
    assert.equal(1, r:invoke "part")
    write("part.lua", "return 2")
    local report = host:reload()
    assert.is_true(report.ok, report.error)
    assert.equal(2, r:invoke "part")
    assert.same({ folder .. "/main.lua", folder .. "/part.lua" }, report.files)
    for _, name in ipairs { "main.lua", "part.lua", "" } do os.remove(folder .. "/" .. name) end
  end)

  it("lets calls in flight be answered where they began, and ends what nobody waits for", function()
    local loads, beats = 0, {}
    local host <close> = test.host { scripts = { function()
      loads = loads + 1
      local n = loads
      ipcMain.handle("slow", function()
        async.sleep(100)
        return n
      end)
      async.run(function()
        while true do
          async.sleep(30)
          beats[#beats + 1] = n
        end
      end)
    end } }
    local r = host:renderer()
    local before = r.ipcRenderer.invoke "slow"
    host:advance(30)
    assert.same({ 1 }, beats)
    local report = host:reload()
    assert.equal(1, report.leftovers)
    local after = r.ipcRenderer.invoke "slow"
    host:advance(60)
    assert.same({ 1, 2, 2 }, beats)
    host:advance(60)
    assert.equal(1, host:await(before))
    assert.equal(2, host:await(after))
  end)

  it("comes to rest while a call is in flight, also where the heap takes long to collect", function()
    local heap, held = {}, nil
    for i = 1, 500000 do heap[i] = { i } end
    local host <close> = test.host { scripts = { function()
      ipcMain.handle("slow", function()
        local promise
        promise, held = Promise.withResolvers()
        return promise
      end)
    end } }
    local call = host:renderer().ipcRenderer.invoke "slow"
    host:tick()
    local answer = held
    assert.equal(1, host:reload().leftovers)
    local now = require("luv").hrtime
    local before = now()
    repeat host:tick() until now() - before > 50000000
    answer(#heap)
    assert.equal(500000, host:await(call))
  end)

  it("cuts what has not been answered when the clock says that limits.drain is over", function()
    local reason, held
    local host <close> = test.host { scripts = { function()
      ipcMain.handle("never", function(event)
        event.signal:onAbort(function(why) reason = why.code end)
        local promise
        promise, held = Promise.withResolvers()
        return promise
      end)
    end } }
    local r = host:renderer()
    local call = r.ipcRenderer.invoke "never"
    host:tick():reload()
    host:advance(4999)
    assert.is_nil(reason)
    host:advance(1)
    assert.equal("ERR_GENERATION_RETIRED", reason)
    assert.rejects({ code = "ERR_GENERATION_RETIRED" }, function() host:await(call) end)
    local log = host:log()
    assert.matches("limits.drain exceeded: generation 1", log[#log].text)
    assert.is_function(held)
  end)
end)

describe("hosts in one state", function()
  it("know nothing of each other", function()
    local a <close> = test.host { scripts = { function()
      shared = "a"
      ipcMain.handle("who", function() return shared end)
      ipcMain.on("tell", function(event) event.sender:send("told", shared) end)
      string.extra = true
    end } }
    local b <close> = test.host { scripts = { function()
      shared = "b"
      extra = string.extra
      ipcMain.handle("who", function() return shared end)
      ipcMain.on("tell", function(event) event.sender:send("told", shared) end)
    end } }
    local ra, rb, told = a:renderer(), b:renderer(), {}
    ra:on("told", function(_, who) told[#told + 1] = "a:" .. who end)
    rb:on("told", function(_, who) told[#told + 1] = "b:" .. who end)
    assert.same({ "a", "b", "a" }, { ra:invoke "who", rb:invoke "who", ra:invoke "who" })
    ra:send "tell"
    rb:send "tell"
    a.webContents.broadcast("told", "all")
    a:tick()
    b:tick()
    assert.same({ "a:a", "b:b", "a:all" }, told)
    assert.is_nil(b.extra)
    assert.is_nil(string.extra)
    assert.is_nil(rawget(_G, "shared"))
  end)

  it("keep apart what they have made, also where the spec holds it", function()
    local held = {}
    local function script(name)
      return function()
        ipcMain.on("ask", function(event) held[name] = event end)
        app.on("told", function(_, what) told = what end)
      end
    end
    local a <close> = test.host { scripts = { script "a" } }
    local b <close> = test.host { scripts = { script "b" } }
    local ra, rb, heard = a:renderer(), b:renderer(), {}
    ra:on("heard", function(_, what) heard[#heard + 1] = "a:" .. what end)
    rb:on("heard", function(_, what) heard[#heard + 1] = "b:" .. what end)
    local asked_a, asked_b = a:start(ra.sendSync, ra, "ask"), b:start(rb.sendSync, rb, "ask")
    assert.equal(ra.webContentsId, rb.webContentsId)
    held.a.returnValue = "for a"
    held.b.returnValue = "for b"
    assert.same({ "for b", "for a" }, { b:await(asked_b), a:await(asked_a) })
    local contents_a, contents_b = ra.contents, rb.contents
    contents_a:send("heard", 1)
    contents_b:send("heard", 2)
    held.a.reply("heard", 3)
    contents_b.mainFrame:send("heard", 4)
    a:tick()
    b:tick()
    assert.same({ "a:1", "a:3", "b:2", "b:4" }, heard)
  end)

  it("say so where one's scripts use what is another's", function()
    local a <close> = test.host {}
    local b <close> = test.host {}
    local ra, rb = a:renderer(), b:renderer()
    a.ipcMain.handle("contents", function() return rb.contents:send "x" end)
    a.ipcMain.handle("renderer", function() return rb:invoke "x" end)
    assert.rejects("this is another host's", ra.invoke, ra, "contents")
    assert.rejects("this is another host's", ra.invoke, ra, "renderer")
  end)

  it("leave a renderer alone that is none of theirs", function()
    require "ipchost.renderer" -- which starts listeners where there is no host
    local core = require "ipchost.core"
    local emitter, heard = core.emitter("ipcRenderer", {}), nil
    local host = test.host {}
    host:close()
    emitter.on("x", function(_, what) heard = what end)
    core.emit(emitter, "x", {}, 1)
    assert.equal(1, heard)
  end)

  it("follow one another, and what is left of one says that it is gone", function()
    local host = test.host { scripts = { echo } }
    local r = host:renderer()
    local contents, frame, kept = r.contents, r.frame, setmetatable({ host.MessageChannelMain.pair() }, {})
    host:close()
    host:close()
    assert.is_true(contents:isDestroyed())
    assert.is_false((contents:send("x", 1)))
    assert.is_true(frame:isDestroyed())
    assert.error_matches(function() return host.ipcMain end, "the host was closed")
    assert.error_matches(function() r:invoke "echo" end, "the host was closed")
    local next_one <close> = test.host { scripts = { echo } }
    assert.equal(3, next_one:renderer():invoke("echo", 3))
    assert.equal(2, #kept)
    kept = nil -- luacheck: ignore 311
    collectgarbage()
  end)

  it("run lifecycle events of app", function()
    local host = test.host { scripts = { function()
      happened = {}
      app.on("ready", function() happened[#happened + 1] = "ready" end)
      app.on("web-contents-created", function(_, contents) happened[#happened + 1] = contents.id end)
      app.on("before-quit", function() happened[#happened + 1] = "quit" end)
    end } }
    local happened = host.happened
    local r = host:renderer()
    host:close()
    assert.same({ "ready", r.webContentsId, "quit" }, { table.unpack(happened) })
  end)

  it("cannot be closed from within", function()
    local host <close> = test.host {}
    host.ipcMain.handle("end", function() host:close() end)
    local r = host:renderer()
    assert.rejects("cannot be closed by its own scripts", r.invoke, r, "end")
    assert.rejects({ code = "ERR_NO_HANDLER" }, r.invoke, r, "nothing")
  end)
end)
