-- MessagePorts: between scripts, and between scripts and renderers.
local support = require "spec.functional.support"
local wire = require "spec.functional.wire"
local async = require "async"
local promise = require "async.promise"
local renderer_module = require "ipchost.renderer"

local await = async.await
local SIZES = { 0, 1, 65535, 65536, 65537, 262147, 3145729 }

local script = [[
local kept = {}
-- Runs a named piece of the spec in the scripts.
local pieces = {}
ipcMain.handle("run", function(_, name, ...) return pieces[name](...) end)

local function collect(port, count)
  local got, promise, resolve = {}, Promise.withResolvers()
  port:on("message", function(event)
    got[#got + 1] = event.data
    if #got == count then resolve(ipc.Array(got)) end
  end)
  return promise
end

local function closing(port)
  local promise, resolve = Promise.withResolvers()
  port:on("close", function() resolve("closed") end)
  return promise
end

function pieces.queue()
  local port1, port2 = MessageChannelMain.pair()
  local all = collect(port2, 3)
  local sent = { port1:postMessage(1), port1:postMessage({ x = 2 }) }
  async.sleep(1)
  port2:start()
  port1:postMessage("three")
  return { sent = ipc.Array(sent), got = await(all) }
end

function pieces.kinds()
  local a, b = MessageChannelMain(), MessageChannelMain.new()
  return ipc.Array { tostring(a.port1):match("^port: ") ~= nil, a.port1 ~= b.port1, a.port2 ~= nil, b.port2 ~= nil }
end

local rallying = {}
function pieces.rally()
  local port1, port2 = MessageChannelMain.pair()
  for _, port in ipairs { port1, port2 } do
    port:on("message", function(event) port:postMessage(event.data) end)
    port:start()
  end
  rallying[1] = port1
  port1:postMessage("ball")
end
function pieces.rally_ends() rallying[1]:close() end

function pieces.started_late()
  local port1, port2 = MessageChannelMain.pair()
  local order = {}
  port2:on("message", function(event) order[#order + 1] = event.data end)
  port1:postMessage("a")
  async.sleep(5)
  order[#order + 1] = "start"
  local done = collect(port2, 1)
  port2:start()
  await(done)
  return ipc.Array(order)
end

function pieces.emitter()
  local port1, port2 = MessageChannelMain.pair()
  local got = {}
  local function note(event) got[#got + 1] = event.data end
  local done, resolve = Promise.withResolvers()
  port2:on("message", note):prependListener("message", function(event) got[#got + 1] = "first " .. event.data end)
  port2:once("message", note)
  got[#got + 1] = port2:listenerCount("message") .. " " .. table.concat(port2:eventNames(), ",")
  port2:start()
  port1:postMessage(1)
  port1:postMessage(2)
  port1:postMessage(3)
  port2:on("message", function(event)
    if event.data == 2 then port2:off("message", note) end
    if event.data == 3 then resolve() end
  end)
  await(done)
  port2:removeAllListeners("message")
  got[#got + 1] = port2:listenerCount("message")
  return ipc.Array(got)
end

function pieces.every_kind()
  local port1, port2 = MessageChannelMain.pair()
  local got, all, resolve = ipc.Array {}, Promise.withResolvers()
  port2:on("message", function(event)
    if event.data == nil then got[#got + 1] = "nil" else got[#got + 1] = event.data end
    if #got == 7 then resolve(got) end
  end)
  port1:postMessage()
  for _, value in ipairs { 42, false, ipc.Array {}, "hello", { hello = "goodbye" } } do port1:postMessage(value) end
  port1:postMessage(nil, {})
  port2:start()
  return await(all)
end

-- Nobody holds the port that reads, but for the listener's own closure.
function pieces.not_collected()
  local done, resolve = Promise.withResolvers()
  local port1 = (function()
    local one, two = MessageChannelMain.pair()
    two:on("message", function(event) resolve(event.data) end)
    two:start()
    return one
  end)()
  collectgarbage()
  collectgarbage()
  async.sleep(1)
  port1:postMessage("hello")
  return await(done)
end

function pieces.close()
  local port1, port2 = MessageChannelMain.pair()
  local order, count = {}, 0
  port2:on("message", function(event) order[#order + 1] = event.data end)
  local closed = closing(port2)
  port2:on("close", function() count = count + 1; order[#order + 1] = "close" end)
  port1:postMessage("last")
  port1:close()
  port1:close()
  local after = table.pack(port1:postMessage("late"))
  port2:start()
  await(closed)
  local other = table.pack(port2:postMessage("nobody"))
  async.sleep(2)
  return { order = ipc.Array(order), count = count, after = ipc.Array { after[1], after[2] },
           other = ipc.Array { other[1], other[2] } }
end

function pieces.collected()
  local port1, port2 = MessageChannelMain.pair()
  local closed = closing(port2)
  local got = collect(port2, 1)
  port2:start()
  port1:postMessage("kept")
  port1 = nil
  return ipc.Array { await(got)[1], await(closed) }
end

function pieces.nested()
  local a1, a2 = MessageChannelMain.pair()
  local b1, b2 = MessageChannelMain.pair()
  local got, resolve = Promise.withResolvers()
  a2:once("message", function(event)
    local port = event.ports[1]
    port:on("message", function(inner) resolve { inner.data, #event.ports, #inner.ports } end)
    port:start()
  end)
  b1:postMessage("before the transfer")
  a1:postMessage("carrier", { b2 })
  a2:start()
  kept.b1 = b1
  return ipc.Array(await(got))
end

function pieces.through_itself()
  local port1, port2 = MessageChannelMain.pair()
  local closed = closing(port1)
  port1:postMessage("x", { port2 })
  port1:start()
  return await(closed)
end

function pieces.crosswise()
  local a1, a2 = MessageChannelMain.pair()
  local b1, b2 = MessageChannelMain.pair()
  local c1, c2 = MessageChannelMain.pair()
  local closed = ipc.Array { closing(a1), closing(b1), closing(c1) }
  a1:postMessage("x", { b2 })
  b1:postMessage("y", { c2 })
  c1:postMessage("z", { a2 })
  for _, port in ipairs { a1, b1, c1 } do port:start() end
  for i = 1, 3 do closed[i] = await(closed[i]) end
  return closed
end

local function refusal(fn, ...)
  local ok, message = pcall(fn, ...)
  return ok and "none" or tostring(message):gsub("^.-:%d+: ", "")
end

function pieces.refused(id)
  local contents = webContents.fromId(id)
  local port1, port2 = MessageChannelMain.pair()
  local other, gone = MessageChannelMain.pair()
  gone:close()
  local post, send = port1.postMessage, contents.postMessage
  return ipc.Array {
    refusal(post, port1, 1, { port1 }), refusal(post, port1, 1, { other, other }),
    refusal(post, port1, 1, { gone }), refusal(post, port1, 1, { "x" }), refusal(post, port1, 1, "x"),
    refusal(post, port1, print, { other }),
    refusal(send, contents), refusal(send, contents, 1, 1), refusal(send, contents, "ch"),
    refusal(send, contents, "ch", 1, 5), refusal(send, contents, "ch", 1, { 5 }),
    refusal(send, contents, "ch", 1, { other, other }), refusal(send, contents, "ch", 1, { gone }),
    refusal(send, contents, "ch", print, { other }),
    refusal(function() port1.postMessage(1) end), refusal(function() return port1.psotMessage end),
    refusal(post, port1, "still good", { other }),
  }
end

function pieces.drained()
  local port1, port2 = MessageChannelMain.pair()
  local big = ("x"):rep(700000)
  local results = { port1:postMessage(big), port1:postMessage(big) }
  local drained = false
  local promise = port1:drained():next(function() drained = true end)
  await(Promise.resolve())
  results[#results + 1] = drained
  port2:start()
  await(promise)
  await(port1:drained())
  results[#results + 1] = drained
  return ipc.Array(results)
end

-- Nobody reads what the port is behind with.
function pieces.drained_elsewhere(id)
  local function behind()
    local port1, port2 = MessageChannelMain.pair()
    port1:postMessage(("x"):rep(1100000))
    return port1, port1:drained(), port2
  end
  local contents, unread = webContents.fromId(id), {}
  local through = MessageChannelMain.pair()
  local ways = {
    function(port) contents:postMessage("elsewhere", 1, { port }) end,
    function(port) through:postMessage(1, { port }) end,
    function(port) port:close() end,
  }
  local settled = {}
  for i, way in ipairs(ways) do
    local port, drained
    port, drained, unread[i] = behind()
    drained:next(function() settled[#settled + 1] = i end)
    way(port)
  end
  async.sleep(1)
  return ipc.Array(settled)
end

function pieces.many(count)
  local port1, port2 = MessageChannelMain.pair()
  local next_one, promise, resolve = 1, Promise.withResolvers()
  port2:on("message", function(event)
    assert(event.data == next_one)
    next_one = next_one + 1
    if next_one > count then resolve(count) end
  end)
  port2:start()
  for i = 1, count do port1:postMessage(i) end
  return await(promise)
end

function pieces.ports() collectgarbage() collectgarbage() return app.metrics().ports end

-- With renderers.
function pieces.give(id, channel, name)
  local port1, port2 = MessageChannelMain.pair()
  kept[name] = port1
  return webContents.fromId(id):postMessage(channel, "for you", { port2 })
end
function pieces.join(one, other, channel)
  local port1, port2 = MessageChannelMain.pair()
  webContents.fromId(one).mainFrame:postMessage(channel, "join", { port1 })
  webContents.fromId(other):postMessage(channel, "join", { port2 })
end
function pieces.say(name, ...) return kept[name]:postMessage(...) end
function pieces.say_with_ports(name, count)
  local list = {}
  for i = 1, count do list[i] = MessageChannelMain.pair() end
  return kept[name]:postMessage("with ports", list)
end
function pieces.hear(name, count)
  local all = collect(kept[name], count)
  kept[name]:start()
  return await(all)
end
local watched = {}
function pieces.watch(name)
  watched[name] = closing(kept[name])
  kept[name]:start()
end
function pieces.closed(name) return await(watched[name]) end
function pieces.close_port(name) kept[name]:close() end
function pieces.forget(name) kept[name] = nil end
function pieces.pass_on(name, id) return webContents.fromId(id):postMessage("passed", "on", { kept[name] }) end
function pieces.pass_through(name, through) return kept[through]:postMessage("through", { kept[name] }) end
ipcMain.on("keep", function(event, names)
  for i, port in ipairs(event.ports) do kept[names[i] ] = port end
end)
ipcMain.on("tell of close", function(event, name, channel)
  kept[name]:on("close", function() event:reply(channel) end)
  kept[name]:start()
end)
ipcMain.on("to other", function(event, id) webContents.fromId(id):postMessage("joined", "on", event.ports) end)
ipcMain.on("echo ports", function(event, message)
  local port = event.ports[1]
  port:on("message", function(inner) port:postMessage(inner.data, inner.ports) end)
  port:start()
  port:postMessage(message)
end)
]]

--- Has the scripts run one of theirs, by its name.
local function run_in_scripts(renderer, ...)
  local args = table.pack(...)
  return renderer:run(function() return await(renderer.ipcRenderer.invoke("run", table.unpack(args, 1, args.n))) end)
end

describe("ports between scripts", function()
  local host, renderer

  setup(function()
    host = support.start(script)
    renderer = host:connect()
  end)
  teardown(function()
    renderer:close()
    host:stop()
  end)

  local function run(...) return run_in_scripts(renderer, ...) end

  it("queue until start, in order", function()
    assert.same({ sent = { true, true }, got = { 1, { x = 2 }, "three" } }, run("queue"))
  end)

  it("are not started by a listener", function()
    assert.same({ "start", "a" }, run("started_late"))
  end)

  it("keep nobody from being served, though they answer each other for ever", function()
    run("rally")
    assert.same({ true, true, true, true }, run("kinds"))
    run("rally_ends")
  end)

  it("are made in three ways", function()
    assert.same({ true, true, true, true }, run("kinds"))
  end)

  it("are emitters, which have what Node's have", function()
    assert.same({ "3 message", "first 1", 1, 1, "first 2", 2, "first 3", 0 }, run("emitter"))
  end)

  it("take every kind of message, and none", function()
    assert.same({ "nil", 42, false, {}, "hello", { hello = "goodbye" }, "nil" }, run("every_kind"))
  end)

  it("are not collected while they could still hear", function()
    assert.equal("hello", run("not_collected"))
  end)

  it("tell once of the other's close, after what was queued", function()
    local gone = { false, "destroyed" }
    assert.same({ order = { "last", "close" }, count = 1, after = gone, other = gone }, run("close"))
  end)

  it("close when the other was collected", function()
    assert.same({ "kept", "closed" }, run("collected"))
  end)

  it("travel through ports, with what is queued", function()
    assert.same({ "before the transfer", 1, 0 }, run("nested"))
  end)

  it("close when sent through themselves", function()
    assert.equal("closed", run("through_itself"))
  end)

  it("close when each was sent through the next, and leave nothing behind", function()
    local before = run("ports")
    assert.same({ "closed", "closed", "closed" }, run("crosswise"))
    assert.is_true(run("ports") <= before)
  end)

  it("refuse what Electron refuses, and neuter nothing by it", function()
    assert.same({
      "Port at index 0 contains the source port", "Port at index 1 is a duplicate",
      "Port at index 0 is already neutered", "Port at index 0 is not a valid port", "Invalid value for transfer",
      "DataCloneError: An object could not be cloned: message (function)",
      "Insufficient number of arguments", "Error processing argument at index 0, conversion failure from number",
      "Insufficient number of arguments", "Invalid value for transfer", "Invalid value for transfer",
      "Port at index 1 is a duplicate", "Port at index 0 is already neutered",
      "DataCloneError: An object could not be cloned: message (function)",
      "port.postMessage was called with '.'; write port:postMessage(message, ports)",
      "port has no field 'psotMessage'; did you mean 'postMessage'?", "none",
    }, run("refused", renderer.webContentsId))
  end)

  it("say when the reader is behind, and when it has caught up", function()
    assert.same({ true, false, "mark", false, true }, run("drained"))
  end)

  it("say so also when they are the scripts' no longer", function()
    assert.same({ 1, 2, 3 }, run("drained_elsewhere", renderer.webContentsId))
  end)

  it("keep the order of many messages", function()
    assert.equal(20000, run("many", 20000))
  end)

  it("leave nothing behind", function()
    local before = run("ports")
    for _ = 1, 50 do run("close") run("collected") end
    assert.is_true(run("ports") <= before + 8)
  end)
end)

describe("ports on the wire", function()
  local host, renderer, client, other

  setup(function()
    host = support.start(script, { config = 'limits = { window = "1000B", ports = 8 }' })
    renderer = host:connect()
  end)
  teardown(function()
    renderer:close()
    host:stop()
  end)
  before_each(function() client, other = wire.connect(host), wire.connect(host) end)
  after_each(function()
    client:close()
    other:close()
  end)

  local function run(...) return run_in_scripts(renderer, ...) end
  --- A port of the scripts' at the client.
  local function given(to, name)
    assert(run("give", to.welcome.webContentsId, "port", name))
    local post = to:take("post")
    assert.equal("for you", post[5])
    return post[4][1]
  end
  --- Two ports that are joined.
  local function joined()
    run("join", client.welcome.webContentsId, other.welcome.webContentsId, "port")
    return client:take("post")[4][1], other:take("post")[4][1]
  end

  it("have even numbers from the host, and send nothing before port-open", function()
    local port = given(client, "even")
    assert.equal(2, port)
    run("say", "even", "queued")
    client:quiet()
    client:put("port-open", port, 1000)
    assert.same({ "port-message", 2, {}, "queued", n = 4 }, client:take("port-message"))
    client:put("port-message", port, {}, "answer")
    assert.same({ "answer" }, run("hear", "even", 1))
  end)

  it("have odd numbers from the client, which may send at once", function()
    client:put("post", 0, "echo ports", { 1 }, "hello")
    client:put("port-message", 1, {}, { 1, 2 })
    client:put("port-open", 1, 1000)
    assert.equal("hello", client:take("port-message")[4])
    assert.same({ 1, 2 }, client:take("port-message")[4])
  end)

  it("send no more than the window, and go on with credit", function()
    local port = given(client, "slow")
    client:put("port-open", port, 150)
    for i = 1, 5 do run("say", "slow", i) end
    -- Each costs 64 and its payload: the window is full with the third.
    for i = 1, 3 do assert.equal(i, client:take("port-message")[4]) end
    client:quiet()
    client:put("port-credit", port, 65)
    assert.equal(4, client:take("port-message")[4])
    client:quiet()
    client:put("port-credit", port, 4 * 65)
    assert.equal(5, client:take("port-message")[4])
  end)

  it("are credited by the host when the scripts have taken what was sent", function()
    client:put("post", 0, "keep", { 1 }, { "credited" })
    for i = 1, 8 do client:put("port-message", 1, {}, i) end
    client:quiet()
    assert.same({ 1, 2, 3, 4, 5, 6, 7, 8 }, run("hear", "credited", 8))
    assert.same({ "port-credit", 1, 8 * 65, n = 3 }, client:take("port-credit"))
  end)

  it("end the connection of a client that sends over its window", function()
    client:put("post", 0, "keep", { 1 }, { "greedy" })
    for i = 1, 17 do client:put("port-message", 1, {}, i) end
    local bye = client:take("bye")
    assert.equal(4005, bye[2])
    assert.equal("limits.window (1000 bytes) exceeded on port 1", bye[3])
  end)

  it("join two clients, and forward what it does not look at", function()
    local mine, theirs = joined()
    client:put("port-open", mine, 1000)
    other:put("port-open", theirs, 1000)
    for i = 1, 10 do
      client:put("port-message", mine, {}, i)
      assert.equal(i, other:take("port-message")[4])
    end
    assert.same({ "port-credit", mine, n = 3, [3] = 8 * 65 }, client:take("port-credit"))
    other:put("port-message", theirs, {}, "back")
    assert.equal("back", client:take("port-message")[4])
  end)

  it("credit a client by what the other has room for", function()
    local mine, theirs = joined()
    other:put("port-open", theirs, 65)
    for i = 1, 12 do client:put("port-message", mine, {}, i) end
    assert.equal(1, other:take("port-message")[4])
    other:quiet()
    client:quiet()
    for i = 2, 12 do
      other:put("port-credit", theirs, 65)
      assert.equal(i, other:take("port-message")[4])
    end
    assert.equal(8 * 65, client:take("port-credit")[3])
  end)

  it("close once, after what was queued, and forget the number by a close each way", function()
    local mine, theirs = joined()
    client:put("port-message", mine, {}, "last")
    client:put("port-close", mine)
    client:take("port-close")
    other:quiet()
    other:put("port-open", theirs, 1000)
    assert.equal("last", other:take("port-message")[4])
    other:take("port-close")
    other:put("port-message", theirs, {}, "nobody")
    other:put("port-close", theirs)
    other:quiet()
    client:quiet()
  end)

  it("close when the other's process is gone", function()
    local _, theirs = joined()
    client:close()
    assert.equal(theirs, other:take("port-close")[2])
    other:quiet()
  end)

  it("close at the scripts when the client closes or is gone, and at the client when the scripts do", function()
    local port = given(client, "a")
    given(client, "b")
    local third = given(client, "c")
    run("watch", "a")
    client:put("port-close", port)
    assert.equal("closed", run("closed", "a"))
    assert.equal(port, client:take("port-close")[2])
    run("close_port", "c")
    assert.equal(third, client:take("port-close")[2])
    run("watch", "b")
    client:close()
    assert.equal("closed", run("closed", "b"))
  end)

  it("close what was posted where nobody listens, and where nobody holds it", function()
    client:put("post", 0, "nobody listens here", { 1 }, 1)
    assert.equal(1, client:take("port-close")[2])
    client:put("post", 5, "no such frame", { 3 }, 1)
    assert.equal(3, client:take("port-close")[2])
    client:put("post", 0, "keep", { 5 }, { "held" })
    run("forget", "held")
    assert.equal(5, client:take("port-close")[2])
  end)

  it("move from one client to the other with what was under way", function()
    local port = given(client, "moving")
    client:put("port-open", port, 1000)
    for i = 1, 4 do run("say", "moving", i) end
    for i = 1, 4 do assert.equal(i, client:take("port-message")[4]) end
    -- It has handed out the first two, and transfers the port.
    client:put("port-credit", port, 65)
    client:put("port-message", port, {}, "before")
    client:put("post", 0, "keep", { port }, { "returned" })
    assert.equal(port, client:take("port-close")[2])
    run("say", "moving", 5)
    run("pass_on", "returned", other.welcome.webContentsId)
    local passed = other:take("post")[4][1]
    other:put("port-open", passed, 1000)
    other:quiet()
    client:put("port-message", port, {}, 3)
    client:put("port-message", port, {}, 4)
    client:put("port-close", port)
    for i = 3, 5 do assert.equal(i, other:take("port-message")[4]) end
    other:put("port-message", passed, {}, "after")
    assert.same({ "before", "after" }, run("hear", "moving", 2))
    client:quiet()
  end)

  it("move from a client back to the scripts, with nothing under way", function()
    local port = given(client, "home")
    client:put("post", 0, "keep", { port }, { "back home" })
    client:take("port-close")
    client:put("port-close", port)
    run("say", "home", "hello")
    assert.same({ "hello" }, run("hear", "back home", 1))
  end)

  it("move through ports between clients, and are closed with a message that is dropped", function()
    local mine, theirs = joined()
    other:put("port-open", theirs, 1000)
    client:put("port-message", mine, { 1 }, "nested")
    client:put("port-message", 1, {}, "inside")
    local nested = other:take("port-message")
    assert.equal("nested", nested[4])
    local port = nested[3][1]
    other:put("port-open", port, 1000)
    assert.equal("inside", other:take("port-message")[4])
    other:put("port-close", theirs)
    other:take("port-close")
    client:take("port-close")
    client:put("port-message", mine, { 3 }, "too late")
    assert.equal(3, client:take("port-close")[2])
  end)

  it("keep what waits in a port while it waits itself", function()
    local mine, theirs = joined()
    client:put("port-message", mine, { 1 }, "carrier")
    client:put("port-message", 1, {}, "one")
    client:put("port-close", 1)
    assert.equal(1, client:take("port-close")[2])
    other:put("port-open", theirs, 1000)
    local port = other:take("port-message")[3][1]
    other:put("port-open", port, 1000)
    assert.equal("one", other:take("port-message")[4])
    assert.equal(port, other:take("port-close")[2])
  end)

  it("close when a client's and one of the scripts' were sent through each other", function()
    client:put("post", 0, "keep", { 1, 3 }, { "outer", "inner" })
    client:quiet()
    run("watch", "inner")
    client:put("port-message", 1, { 3 }, "the client's end of inner waits in outer")
    assert.equal(3, client:take("port-close")[2])
    client:put("port-close", 3)
    run("pass_through", "outer", "inner")
    assert.equal("closed", run("closed", "inner"))
    assert.equal(1, client:take("port-close")[2])
    client:quiet()
  end)

  it("close a port of the scripts' whose message cannot be read, and no more", function()
    client:put("post", 0, "keep", { 1 }, { "garbled" })
    client:quiet()
    run("watch", "garbled")
    -- A port-message whose payload is the lone break of an indefinite item.
    client.stream:write(string.pack("<s4", "\x84\x09\x01\x80\x41\xff"))
    assert.equal("closed", run("closed", "garbled"))
    assert.equal(1, client:take("port-close")[2])
    client:quiet()
  end)

  local malformed = {
    { "a number of the host's that was not given", 1002, "ports: port 2 is not at this session",
      { "post", 0, "keep", { 2 }, {} } },
    { "a number twice", 1002, "ports: port 1 is not at this session",
      { "post", 0, "keep", { 1 }, { "twice" } }, { "post", 0, "keep", { 1, 1 }, {} } },
    { "a new number twice", 1002, "ports: port 1 is not at this session", { "post", 0, "keep", { 1, 1 }, {} } },
    { "a number below one that was used", 1002, "ports: port 1 is not at this session",
      { "post", 0, "keep", { 3, 1 }, {} } },
    { "a port through itself", 1002, "ports: port 1 cannot be sent through itself",
      { "post", 0, "keep", { 1 }, { "self" } }, { "port-message", 1, { 1 }, 1 } },
    { "back more than was sent", 1002, "port-message: more comes back on port 1 than was sent",
      { "post", 0, "keep", { 1 }, { "back" } }, { "post", 0, "keep", { 1 }, { "back" } },
      { "port-message", 1, {}, 1 } },
    { "more ports than limits.ports at once", 4005, "limits.ports (8) exceeded",
      { "post", 0, "keep", { 1, 3, 5, 7, 9, 11, 13, 15, 17 }, {} } },
    { "more ports than limits.ports", 4005, "limits.ports (8) exceeded",
      { "post", 0, "keep", { 1, 3, 5, 7, 9, 11, 13, 15 }, { "a", "b", "c", "d", "e", "f", "g", "h" } },
      { "post", 0, "keep", { 17 }, { "i" } } },
  }
  for _, case in ipairs(malformed) do
    it("end the connection of a client that sends " .. case[1], function()
      for i = 4, #case do client:put(table.unpack(case[i])) end
      support.wait_until(function() return client.ended end, "the end of the connection")
      local bye = client.packets[#client.packets]
      assert.same({ "bye", case[2], case[3], n = 3 }, bye)
      run("ports")
    end)
  end

  it("are given no more of than limits.ports", function()
    for i = 1, 8 do given(client, "n" .. i) end
    local ok, failure = pcall(given, client, "n9")
    assert.is_false(ok)
    assert.equal("ERR_LIMIT_PORTS", failure.code)
    run("say", "n1", "still there")
  end)
end)

describe("ports that a limit of the receiver's closes", function()
  local host, renderer, from, to

  setup(function()
    host = support.start(script, { config = 'limits = { packet = "64KiB", ports = 20 }' })
    renderer, from, to = host:connect(), wire.connect(host), wire.connect(host)
  end)
  teardown(function()
    for _, each in ipairs { renderer, from, to } do each:close() end
    host:stop()
  end)

  local function give(name)
    assert(run_in_scripts(renderer, "give", to.welcome.webContentsId, "port", name))
    return to:take("post")[4][1]
  end
  --- Two ports that are joined, of which the receiver's is open.
  local function joined()
    run_in_scripts(renderer, "join", from.welcome.webContentsId, to.welcome.webContentsId, "port")
    local mine, theirs = from:take("post")[4][1], to:take("post")[4][1]
    to:put("port-open", theirs, 1000000)
    to:quiet()
    return mine, theirs
  end

  -- From 24 on a number takes a byte more.
  it("get a message that is too long with its numbers, and leave the connection", function()
    for i = 1, 12 do give("n" .. i) end
    local mine, theirs = joined()
    assert.same({ 2, 26 }, { mine, theirs })
    from:put("port-message", mine, {}, ("x"):rep(65525))
    assert.equal(65525, #to:take("port-message")[4])
    from:put("port-message", mine, {}, ("x"):rep(65526))
    assert.equal(theirs, to:take("port-close")[2])
    assert.equal(mine, from:take("port-close")[2])
    host:wait_log("port 26 is closed: limits.packet (65536 bytes) exceeded by a message that was forwarded")
    mine, theirs = joined()
    from:put("port-message", mine, { 1, 3 }, ("x"):rep(65524))
    assert.equal(theirs, to:take("port-close")[2])
    local closed = { from:take("port-close")[2], from:take("port-close")[2], from:take("port-close")[2] }
    table.sort(closed)
    assert.same({ 1, 3, mine }, closed)
    from:quiet()
    to:quiet()
  end)

  it("get a message with more ports than it may have, of which the log tells", function()
    local port = give("full")
    to:put("port-open", port, 1000000)
    assert.is_true(run_in_scripts(renderer, "say_with_ports", "full", 21))
    assert.equal(port, to:take("port-close")[2])
    host:wait_log(("port %d is closed: limits.ports (20) exceeded by a message with 21 of them"):format(port))
    to:quiet()
  end)
end)

--- The port of the next post on a channel.
local function expect(renderer, channel)
  local result, resolve = promise.withResolvers()
  renderer.ipcRenderer.once(channel, function(event) resolve(event.ports[1]) end)
  return result
end

--- A function that awaits the next message of a port.
local function reading(port)
  local events = async.queue()
  port:on("message", function(event) events:put(event) end)
  port:start()
  return function() return events:get() end
end

--- A promise that a port closes: how often it has.
local function closing(port)
  local count, result, resolve = 0, promise.withResolvers()
  port:on("close", function()
    count = count + 1
    resolve(count)
  end)
  return result
end

support.each_transport("ports of the Lua renderer", script, function(context)
  local other

  before_each(function() other = context.host:connect(context.transport) end)
  after_each(function() other:close() end)

  local function invoke(...) return await(context.ipc.invoke("run", ...)) end

  local function given(name)
    local port = expect(context.renderer, "given")
    invoke("give", context.renderer.webContentsId, "given", name)
    return await(port)
  end
  local function joined()
    local mine, theirs = expect(context.renderer, "joined"), expect(other, "joined")
    invoke("join", context.renderer.webContentsId, other.webContentsId, "joined")
    return await(mine), await(theirs)
  end

  it("come from the scripts with what was queued, and answer", function()
    context.run(function()
      local port = given("given")
      invoke("say", "given", "one")
      local read = reading(port)
      assert.equal("one", read().data)
      assert.is_true(port:postMessage({ x = 1 }))
      assert.same({ { x = 1 } }, invoke("hear", "given", 1))
      port:close()
    end)
  end)

  it("of its own go to the scripts, with every size", function()
    context.run(function()
      local port1, port2 = renderer_module.MessageChannel.pair()
      port2:postMessage("before")
      context.ipc.postMessage("echo ports", "hello", { port1 })
      local read = reading(port2)
      assert.equal("hello", read().data)
      assert.equal("before", read().data)
      for _, size in ipairs(SIZES) do
        local bytes = ("x"):rep(size)
        port2:postMessage(bytes)
        assert.is_true(read().data == bytes)
      end
      local inner1, inner2 = renderer_module.MessageChannel.pair()
      port2:postMessage("nested", { inner1 })
      local back = reading(read().ports[1])
      inner2:postMessage("round")
      assert.equal("round", back().data)
      assert.same({ false, "destroyed", n = 2 }, table.pack(port1:postMessage("neutered")))
      port2:close()
    end)
  end)

  it("work between two of this process", function()
    context.run(function()
      local channel = renderer_module.MessageChannel()
      local closed = closing(channel.port2)
      channel.port1:postMessage("a")
      channel.port1:postMessage("b")
      channel.port1:close()
      local read = reading(channel.port2)
      assert.equal("a", read().data)
      assert.equal("b", read().data)
      assert.equal(1, await(closed))
    end)
  end)

  it("are refused as the host refuses them", function()
    context.run(function()
      local port1, port2 = renderer_module.MessageChannel.pair()
      local port, gone = given("refusing"), renderer_module.MessageChannel.new()
      gone.port1:close()
      local function refusal(fn, ...)
        local ok, failure = pcall(fn, ...)
        return ok and "none" or tostring(failure):gsub("^.-:%d+: ", "")
      end
      local post = context.ipc.postMessage
      assert.equal("Port at index 1 is a duplicate", refusal(post, "keep", 1, { port1, port1 }))
      assert.equal("Port at index 0 is already neutered", refusal(post, "keep", 1, { gone.port1 }))
      assert.equal("Invalid value for transfer", refusal(post, "keep", 1, { 5 }))
      assert.equal("Insufficient number of arguments", refusal(post, "keep"))
      assert.equal("Port at index 0 is not a valid port", refusal(port.postMessage, port, 1, { 5 }))
      assert.equal("Invalid value for transfer", refusal(post, "keep", 1, 5))
      assert.equal("Port at index 0 contains the source port", refusal(port.postMessage, port, 1, { port }))
      assert.matches("DataCloneError", refusal(post, "keep", print, { port1 }), 1, true)
      assert.matches("longer than 65535 bytes", refusal(post, ("x"):rep(65536), 1, { port1 }), 1, true)
      assert.matches("DataCloneError", refusal(port.postMessage, port, print, { port1 }), 1, true)
      assert.equal("port.postMessage was called with '.'; write port:postMessage(message, ports)",
        refusal(port.postMessage, "x"))
      post("echo ports", "still good", { port1 })
      assert.equal("still good", reading(port2)().data)
      port2:close()
      port:close()
    end)
  end)

  it("that were joined carry many messages in order past a window", function()
    context.run(function()
      local mine, theirs = joined()
      local marked = false
      for i = 1, 20000 do
        local _, why = mine:postMessage(i)
        marked = marked or why == "mark"
      end
      assert.is_true(marked)
      local read = reading(theirs)
      for i = 1, 20000 do assert.equal(i, read().data) end
      await(mine:drained())
      theirs:postMessage("back")
      assert.equal("back", reading(mine)().data)
      local closed = closing(theirs)
      mine:close()
      assert.equal(1, await(closed))
    end)
  end)

  it("go by another connection, which is not faster than its reader, and close with it", function()
    context.run(function()
      local post = other.ipcRenderer.postMessage
      local port, nested = given("near"), given("nested")
      post("keep", { "far" }, { port })
      assert.same({ false, "destroyed", n = 2 }, table.pack(port:postMessage("neutered")))
      local text = ("x"):rep(300000)
      local keeps_up
      for i = 1, 30 do keeps_up = invoke("say", "near", i .. text) end
      assert.is_false(keeps_up)
      for i, got in ipairs(invoke("hear", "far", 30)) do assert.is_true(got == i .. text) end
      invoke("say", "far", "back")
      assert.same({ "back" }, invoke("hear", "near", 1))
      local closed = expect(context.renderer, "closed through both")
      post("echo ports", "through both", { nested })
      assert.same({ "through both" }, invoke("hear", "nested", 1))
      context.ipc.send("tell of close", "far", "closed through both")
      invoke("close_port", "near")
      await(closed)
    end)
  end)

  it("move on with what was not handed out", function()
    context.run(function()
      local port = given("moving")
      local read = reading(port)
      for i = 1, 20 do invoke("say", "moving", i) end
      for i = 1, 5 do assert.equal(i, read().data) end
      local passed = expect(other, "joined")
      for i = 21, 40 do context.ipc.invoke("run", "say", "moving", i) end
      port:removeAllListeners("message")
      local seen = 20
      context.ipc.postMessage("to other", other.webContentsId, { port })
      local there = reading(await(passed))
      for i = seen + 1, 40 do assert.equal(i, there().data) end
    end)
  end)

  it("close when the other connection is gone, and when nobody listens or holds them", function()
    context.run(function()
      local mine, theirs = joined()
      assert.is_truthy(theirs)
      local closed = closing(mine)
      mine:start()
      other:close()
      assert.equal(1, await(closed))
      local one, two = renderer_module.MessageChannel.pair()
      closed = closing(two)
      context.ipc.postMessage("nobody there", 1, { one })
      assert.equal(1, await(closed))
      invoke("give", context.renderer.webContentsId, "nobody listens", "unheard")
      invoke("watch", "unheard")
      assert.equal("closed", invoke("closed", "unheard"))
      local held = { given("collected") }
      invoke("watch", "collected")
      assert.is_truthy(held[1])
      held[1] = nil
      collectgarbage()
      collectgarbage()
      assert.equal("closed", invoke("closed", "collected"))
    end)
  end)
end)

describe("ports of the Lua renderer within small limits", function()
  local pair = renderer_module.MessageChannel.pair
  local host, renderer, other, post

  setup(function() host = support.start(script, { config = 'limits = { window = "4KiB", packet = "64KiB" }' }) end)
  teardown(function() host:stop() end)
  before_each(function()
    renderer, other = host:connect(), host:connect()
    post = renderer.ipcRenderer.postMessage
  end)
  after_each(function()
    renderer:close()
    other:close()
  end)

  local function invoke(...) return await(renderer.ipcRenderer.invoke("run", ...)) end
  local function joined()
    local mine, theirs = expect(renderer, "joined"), expect(other, "joined")
    invoke("join", renderer.webContentsId, other.webContentsId, "joined")
    return await(mine), await(theirs)
  end
  --- Transfers a port to the other renderer, where it arrives.
  local function pass(port)
    local passed = expect(other, "joined")
    post("to other", other.webContentsId, { port })
    return await(passed)
  end
  --- More than leaves without being read.
  local function fill(port)
    for i = 1, 5 do port:postMessage(i .. ("x"):rep(2000)) end
  end

  it("are not taken for a message whose channel or ports go past limits.packet", function()
    renderer:run(function()
      local mine = joined()
      local one, two = pair()
      local text = ("x"):rep(65536 - 64 - 9 - 5)
      local ok, failure = pcall(post, ("y"):rep(300), text, { one })
      assert.same({ false, "ERR_LIMIT_PACKET" }, { ok, failure.code })
      ok, failure = pcall(mine.postMessage, mine, text, { one, (pair()) })
      assert.same({ false, "ERR_LIMIT_PACKET" }, { ok, failure.code })
      post("echo ports", "still good", { one })
      assert.equal("still good", reading(two)().data)
    end)
  end)

  it("close when they wait in a message that nobody can get any longer", function()
    renderer:run(function()
      local function waiting(port)
        local one, two = pair()
        fill(port)
        port:postMessage("waits", { two })
        one:start()
        return closing(one)
      end
      local mine, theirs = joined()
      local told = waiting(mine)
      theirs:close()
      assert.equal(1, await(told))
      told = waiting(select(2, joined()))
      other:close()
      assert.equal(1, await(told))
    end)
  end)

  it("close, and those in it, where a message of this process is too long to leave", function()
    renderer:run(function()
      local far, near = pair()
      local one, two = pair()
      far:postMessage("first")
      far:postMessage(("x"):rep(65536), { two })
      far:postMessage("behind it")
      for _, port in ipairs { far, one } do port:start() end
      local told, told_inside = closing(far), closing(one)
      local there = pass(near)
      local read, told_there = reading(there), closing(there)
      assert.equal("first", read().data)
      for _, each in ipairs { told, told_inside, told_there } do assert.equal(1, await(each)) end
      far, near = pair()
      post("echo ports", "still there", { near })
      assert.equal("still there", reading(far)().data)
    end)
  end)

  it("let go of who waits for their reader when they are transferred", function()
    renderer:run(function()
      local one, two = pair()
      local big = ("x"):rep(600 * 1024)
      one:postMessage(big)
      assert.same({ false, "mark", n = 2 }, table.pack(one:postMessage(big)))
      local drained = one:drained()
      post("keep", { "let go" }, { one })
      await(drained)
      two:close()
    end)
  end)

  it("leave in a message that was not read, each with messages of its own, after the other of theirs", function()
    renderer:run(function()
      local outer_far, outer_near = pair()
      local inner, left = pair()
      for i = 1, 5 do left:postMessage("to inner " .. i) end
      fill(inner)
      outer_far:postMessage("carries", { inner })
      post("keep", { "left" }, { left })
      invoke("say", "left", "to inner 6")
      local there = reading(reading(pass(outer_near))().ports[1])
      for i = 1, 6 do assert.equal("to inner " .. i, there().data) end
      for i, text in ipairs(invoke("hear", "left", 5)) do assert.is_true(text == i .. ("x"):rep(2000)) end
    end)
  end)

  it("leave in a message in a message that was not read", function()
    renderer:run(function()
      local a_far, a_near = pair()
      local b_far, b_near = pair()
      local c_far, c_near = pair()
      c_far:postMessage("deepest")
      b_far:postMessage("deeper", { c_near })
      a_far:postMessage("deep", { b_near })
      post("keep", { "b", "c" }, { b_far, c_far })
      local first = reading(pass(a_near))()
      local second = reading(first.ports[1])()
      local third = reading(second.ports[1])
      assert.same({ "deep", "deeper", "deepest" }, { first.data, second.data, third().data })
      invoke("say", "c", "and more")
      assert.equal("and more", third().data)
      local closed = closing(first.ports[1])
      invoke("close_port", "b")
      assert.equal(1, await(closed))
    end)
  end)
end)
