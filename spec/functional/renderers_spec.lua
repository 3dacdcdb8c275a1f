-- What renderers of every language must do alike; renderer/test/support/sync-tests.js is the same for JavaScript.
local support = require "spec.functional.support"
local page = require "spec.functional.page"
local core = require "ipchost.core"
local async = require "async"
local promise = require "async.promise"
local MessageChannel = require("ipchost.renderer").MessageChannel

local await = async.await
local values = core.values
local function uint8_array(bytes) return values.Uint8Array(values.Buffer(bytes)) end

local SCRIPT = [==[
  ipcMain.handle("echo", function(_, value) return value end)
  ipcMain.on("echo sync", function(event, value) event.returnValue = value end)
  ipcMain.on("echo back", function(event, value) event:reply("echoed", value) end)
  ipcMain.on("echo port", function(event)
    local port = event.ports[1]
    port:on("message", function(message) port:postMessage(message.data) end)
    port:start()
  end)
  local seen = ipc.Array {}
  ipcMain.on("note", function(_, number) seen[#seen + 1] = number end)
  ipcMain.handle("note", function(_, number) seen[#seen + 1] = number return number end)
  ipcMain.on("note sync", function(event, number) seen[#seen + 1] = number event.returnValue = number end)
  ipcMain.handle("seen", function() local all = seen seen = ipc.Array {} return all end)
  ipcMain.handle("broadcast", function(_, value)
    local before = app.metrics().encodings
    local count = webContents.broadcast("news", value)
    return { count = count, encodings = app.metrics().encodings - before }
  end)
]==]

--- Another seed each time, which the spec says; $IPCHOST_SEED gives one again.
local function seed()
  local number = tonumber(os.getenv("IPCHOST_SEED")) or math.random(1 << 31)
  print(("\nIPCHOST_SEED=%d"):format(number))
  math.randomseed(number)
end

--- Ways by which a value goes to the host and back.
local function ways_of(ipc)
  local port1, port2 = MessageChannel.pair()
  ipc.postMessage("echo port", 0, { port2 })
  local came = async.queue()
  port1:on("message", function(event) came:put(event.data) end)
  port1:start()
  local function echoed(how)
    return function(value)
      local answer, resolve = promise.withResolvers()
      ipc.once("echoed", function(_, back) resolve(back) end)
      ipc[how]("echo back", value)
      return await(answer)
    end
  end
  return {
    invoke = function(value) return await(ipc.invoke("echo", value)) end,
    sendSync = function(value) return ipc.sendSync("echo sync", value) end,
    send = echoed("send"), postMessage = echoed("postMessage"),
    ports = function(value)
      port1:postMessage(value)
      return came:get()
    end,
  }, port1
end

local function payloads_of(size)
  local text = ("x"):rep(size)
  local bytes = ("\7\255\0é"):rep(size // 5 + 1):sub(1, size)
  local function same_bytes(back) return values.type(back) == "Uint8Array" and tostring(back) == bytes end
  return {
    string = { text, function(back) return back == text end },
    bytes = { uint8_array(bytes), same_bytes },
    nested = { { deep = { { text = text, bytes = uint8_array(bytes), size = size } } }, function(back)
      local deep = back.deep[1]
      return deep.text == text and same_bytes(deep.bytes) and deep.size == size
    end },
  }
end

support.each_transport("The Lua renderer", SCRIPT, function(context)
  for _, size in ipairs { 0, 1, 65535, 65536, 65537, 262147, 3145729 } do
    it("takes payloads of " .. size .. " there and back, by all ways", function()
      context.run(function()
        local ways, port = ways_of(context.ipc)
        for shape, payload in pairs(payloads_of(size)) do
          for name, goes in pairs(ways) do
            assert.is_true(payload[2](goes(payload[1])), ("%s by %s"):format(shape, name))
          end
        end
        port:close()
      end)
    end)
  end

  it("has 1,000 calls of all kinds arrive in the order in which they were made", function()
    seed()
    local ipc = context.ipc
    context.run(function()
      local pending = {}
      for i = 1, 1000 do
        local kind = math.random(8)
        if kind <= 3 then ipc.send("note", i)
        elseif kind <= 5 then pending[#pending + 1] = ipc.invoke("note", i)
        elseif kind == 6 then ipc.postMessage("note", i)
        else assert.equal(i, ipc.sendSync("note sync", i)) end
        if math.random(20) == 1 then await(ipc.invoke("echo")) end
      end
      for _, call in ipairs(pending) do await(call) end
      local seen = await(ipc.invoke("seen"))
      assert.equal(1000, #seen)
      for i = 1, 1000 do assert.equal(i, seen[i]) end
    end)
  end)
end)

describe("A broadcast to 1,000 pages", function()
  it("is encoded once, and heard by all", function()
    local host = support.start(SCRIPT)
    local pages = {}
    for i = 1, 1000 do pages[i] = page.open(host) end
    local asking = page.open(host)
    assert.same({ count = 1001, encodings = 1 }, asking:invoke("broadcast", { 1, "two" }))
    asking:close()
    for _, each in ipairs(pages) do
      assert.same({ 1, "two" }, (each:message("news")))
      each:close()
    end
    host:stop()
  end)
end)
