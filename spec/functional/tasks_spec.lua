-- Tasks in a running host: what belongs to whom, what ends with what, and what is left afterwards.
local async = require "async"
local support = require "spec.functional.support"

local SCRIPT = [[
  local uv = require "luv"
  local log = {}
  local noted = async.event()
  local function note(text)
    log[#log + 1] = text
    noted:set()
  end
  local function taken()
    local text = table.concat(log, " ")
    log = {}
    return text
  end
  ipcMain.handle("log", taken)
  ipcMain.handle("logged", function(_, text)
    while not table.concat(log, " "):find(text, 1, true) do
      noted:clear()
      noted:wait()
    end
    return taken()
  end)
  ipcMain.handle("handles", function() return app.metrics().handles end)
  ipcMain.handle("ping", function() note("ping") return "pong" end)

  local go_on = async.event()
  ipcMain.handle("go on", function() go_on:set() end)
  ipcMain.handle("run in a handler", function()
    async.run(function() note("started") go_on:wait() note("ended") end)
    note("returned")
    return true
  end)
  ipcMain.handle("structure", function()
    local task = async.run(function()
      async.run(function() async.sleep(10) note("child") end)
      note("parent")
    end)
    await(task)
    note("both")
  end)
  ipcMain.handle("children fail", function()
    return async.run(function()
      async.run(function() async.sleep(1) error { message = "of the child", code = "E_CHILD" } end)
      async.run(function()
        local _ <close> = setmetatable({}, { __close = function() note("sibling closed") end })
        async.sleep(60000)
      end)
      async.sleep(60000)
    end)
  end)

  local function forever(name)
    local _ <close> = setmetatable({}, { __close = function() note(name .. " closed") end })
    -- The timer that start is given is closed with who waits.
    await(1, function(callback)
      local timer = uv.new_timer()
      timer:start(60000, 0, callback)
      return timer
    end)
  end
  ipcMain.handle("until cancelled", function(event)
    event.signal:closes()
    note("waits")
    forever("handler")
  end)
  ipcMain.handle("a task until cancelled", function(event)
    local task = async.run(function() forever("task") end)
    event.signal:closes(task)
    note("waits")
    local _, reason = async.pawait(task)
    note(reason.code)
  end)
  local kept
  ipcMain.handle("start", function()
    kept = async.run(function()
      async.run(forever, "child")
      forever("parent")
    end)
  end)
  ipcMain.handle("close", function()
    kept:close()
    return select(2, async.pawait(kept))
  end)
  ipcMain.handle("timeout", function()
    local ok, reason = pcall(async.timeout, 5, async.run(forever, "late"))
    return { ok = ok, reason = reason }
  end)
  ipcMain.handle("turns", function(event)
    event.sender:send("turning")
    for _ = 1, 100000 do
      if #log > 0 then return true end
      async.checkpoint()
    end
    return false
  end)
  ipcMain.handle("files", function()
    local stat = async.uv.fs_stat(app.getAppPath() .. "/main.lua")
    local none, message, code = async.uv.fs_stat("/not/there")
    return { type = stat.type, none = none == nil, message = message, code = code,
      host = async.uv.getaddrinfo("127.0.0.1", nil, { socktype = "stream" })[1].addr }
  end)
]]

support.each_transport("tasks in scripts", SCRIPT, function(context)
  local function logged(text) return context.invoke("logged", text) end

  it("a task of a handler's starts at once and is by itself: the reply goes when the function returns", function()
    assert.is_true(context.invoke("run in a handler"))
    assert.equal("started returned", context.invoke("log"))
    context.invoke("go on")
    logged("ended")
  end)

  it("inside of a task a parent ends after its children", function()
    context.invoke("structure")
    assert.equal("parent child both", context.invoke("log"))
  end)

  it("a child's failure closes its siblings and is the parent's, with its code", function()
    local err = context.rejection("children fail")
    assert.equal("Error invoking remote method 'children fail': Error: of the child", err.message)
    assert.equal("E_CHILD", err.code)
    assert.equal("sibling closed", context.invoke("log"))
  end)

  it("a cancelled call ends its handler at the await that it asked for, and the handle that it waited for", function()
    local before = context.invoke("handles")
    local controller = async.AbortController()
    local call = context.ipc.with { signal = controller.signal }.invoke("until cancelled")
    logged("waits")
    assert.is_true(context.invoke("handles") > before)
    controller:abort()
    context.run(function() async.pawait(call) end)
    logged("handler closed")
    assert.equal(before, context.invoke("handles"))
  end)

  it("a time-out ends the task that the signal closes, with the reason's code", function()
    local before = context.invoke("handles")
    local call = context.ipc.with { timeout = 30 }.invoke("a task until cancelled")
    context.run(function() async.pawait(call) end)
    logged("task closed ERR_TIMEOUT")
    assert.equal(before, context.invoke("handles"))
  end)

  it("closing a task closes its children, and the handles that they wait for", function()
    local before = context.invoke("handles")
    context.invoke("start")
    assert.equal(before + 2, context.invoke("handles"))
    assert.equal("closed", context.invoke("close"))
    assert.equal(before, context.invoke("handles"))
    local log = context.invoke("log")
    assert.matches("child closed", log, 1, true)
    assert.matches("parent closed", log, 1, true)
  end)

  it("a late task is closed, with its handle", function()
    local before = context.invoke("handles")
    assert.same({ ok = false, reason = "timeout" }, context.invoke("timeout"))
    assert.equal("late closed", context.invoke("log"))
    assert.equal(before, context.invoke("handles"))
  end)

  it("a checkpoint lets others be served", function()
    local other = context.host:connect(context.transport)
    local turning = context.message("turning")
    local turns = context.ipc.invoke("turns")
    turning()
    other.ipcRenderer.invoke("ping")
    assert.is_true(context.run(function() return async.await(turns) end))
    context.invoke("log")
    other:close()
  end)

  it("async.uv gives the value, or nil, a message and a code", function()
    assert.same({
      type = "file", none = true, message = "ENOENT: no such file or directory: /not/there", code = "ENOENT",
      host = "127.0.0.1",
    }, context.invoke("files"))
  end)
end)
