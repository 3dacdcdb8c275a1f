--- The Lua renderer inside a host's scripts, where the loop is the host's: it awaits.
local support = require "spec.functional.support"

support.each_transport("the Lua renderer in a script", [==[
  local renderer = require "ipchost.renderer"
  ipcMain.handle("echo", function(_, ...) return ... end)
  ipcMain.on("double", function(event, n) event.returnValue = n * 2 end)
  ipcMain.on("greet", function(event, name) event.reply("greeting", "hello, " .. name) end)
  ipcMain.handle("relay", function(_, address, n)
    local r = renderer.connect(address, { name = "inner" })
    local pushed, resolve = Promise.withResolvers()
    r.ipcRenderer.on("greeting", function(_, text)
      async.sleep(1)
      resolve(text)
    end)
    r.ipcRenderer.send("greet", "Ada")
    local result = {
      invoked = await(r.ipcRenderer.invoke("echo", n)), sync = r.ipcRenderer.sendSync("double", n),
      ran = r:run(function(x) async.sleep(1) return x + 1 end, n), pushed = await(pushed),
      child = r:createFrame { name = "child" }.ipcRenderer.sendSync("double", n + 1),
      isArray = ipc.type(await(r.ipcRenderer.invoke("echo", { 1 }))),
    }
    r:close()
    result.reason = await(r.closed).code
    result.after = select(2, pcall(r.ipcRenderer.send, "x")).code
    return result
  end)
  ipcMain.handle("raises in a listener", function(_, address)
    local r = renderer.connect(address)
    local seen, resolve = Promise.withResolvers()
    r.ipcRenderer.on("greeting", function() error "raised in a renderer's listener" end)
    r.ipcRenderer.on("greeting", resolve)
    r.ipcRenderer.send("greet", "Ada")
    await(seen)
    r:close()
  end)
  ipcMain.handle("outside a task", function(_, address)
    local result, resolve = Promise.withResolvers()
    local timer = require("luv").new_timer()
    timer:start(0, 0, function()
      timer:close()
      resolve(select(2, pcall(renderer.connect, address)))
    end)
    return await(result)
  end)
  ipcMain.handle("nobody there", function() return renderer.connect("unix:/nowhere/app.sock") end)
  ipcMain.handle("metrics", function() return app.metrics() end)
]==], function(context)
  local function address() return context.host.address[context.transport] end

  it("does all that it does elsewhere", function()
    local got = context.invoke("relay", address(), 20)
    assert.same({
      invoked = 20, sync = 40, ran = 21, pushed = "hello, Ada", child = 42, isArray = "Array", reason = 1000,
      after = "ERR_CLOSED",
    }, got)
  end)

  it("leaves what its listeners raise in the host's log", function()
    context.invoke("raises in a listener", address())
    context.host:wait_log("raised in a renderer's listener")
  end)

  it("says how to use it in a raw callback", function()
    assert.matches("await outside a task: wrap the callback in async.run(function() ... end)",
      context.invoke("outside a task", address()), 1, true)
  end)

  it("rejects with the failure to connect", function()
    local err = context.rejection("nobody there")
    assert.equal("ENOENT", err.code)
    assert.matches("is the host running", err.message, 1, true)
  end)

  it("keeps no handle", function()
    context.invoke("relay", address(), 1)
    local before = context.invoke("metrics").handles
    for n = 1, 20 do context.invoke("relay", address(), n) end
    assert.equal(before, context.invoke("metrics").handles)
  end)
end)

describe("a Lua renderer whose host was killed", function()
  it("writes to nobody, and lives on", function()
    local host = support.start("")
    local input = require("luv").new_pipe()
    local program = ("local address = %q\n"):format(host.address.unix) .. [[
      local r = require("ipchost.renderer").connect(address)
      io.stderr:write("connected")
      io.read()
      for _ = 1, 3 do pcall(r.ipcRenderer.send, "x", ("x"):rep(100000)) end
      io.stderr:write(", closed with " .. r:run(function() return require("async").await(r.closed).code end))
    ]]
    local process = support.spawn({ "-e", program }, {
      command = "lua5.4", input = input,
      env = { "LUA_PATH=" .. package.path, "LUA_CPATH=" .. package.cpath, "PATH=" .. os.getenv("PATH") },
    })
    process:wait_log("connected")
    host:kill("sigkill")
    host:wait()
    input:write("\n", function() input:close() end)
    assert.equal(0, process:wait())
    assert.equal(0, process.signal)
    assert.matches("^connected, closed with %d+$", process.err)
    support.remove_folder(host.folder)
  end)
end)

describe("make lua-path", function()
  it("prints what finds the rocks and the module from anywhere", function()
    local script = [[eval "$(make -s lua-path)" && cd / && lua5.4 -e 'print(pcall(require, "ipchost.renderer"))']]
    local process = support.spawn({ "-c", script }, { command = "sh" })
    assert.equal(0, process:wait())
    assert.matches("^true\ttable", process.out)
  end)
end)
