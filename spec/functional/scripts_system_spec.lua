-- The example application's figures of the machine: asked for, subscribed to, pushed.
local support = require "spec.functional.support"
local scripts = require "spec.functional.scripts_support"

local quick = scripts.settings("interval = 20")

local function assert_share(value) assert.is_true(value >= 0 and value <= 1, tostring(value)) end

support.each_transport("scripts/system.lua", scripts.main, function(context)
  it("answers the latest figures", function()
    local figures = context.invoke("system:figures")
    assert_share(figures.cpu.share)
    assert.is_true(#figures.cpu.cores >= 1)
    for _, share in ipairs(figures.cpu.cores) do assert_share(share) end
    assert.equal(3, #figures.load)
    assert.is_true(figures.memory.used > 0 and figures.memory.used < figures.memory.total)
    assert.is_true(figures.network.received >= 0 and figures.network.sent >= 0)
    assert.is_true(figures.disk.read >= 0 and figures.disk.written >= 0)
    assert.is_true(figures.uptime > 0)
    assert.is_true(math.abs(figures.at / 1000 - os.time()) < 60)
  end)

  it("says what machine it is, and what to draw at once", function()
    local subscribed = context.invoke("system:subscribe")
    assert.equal(20, subscribed.interval)
    assert.equal(120, subscribed.kept)
    assert.equal(require("luv").os_gethostname(), subscribed.machine.name)
    assert.equal(#subscribed.history[1].cpu.cores, subscribed.machine.cores)
    assert.is_true(#subscribed.history >= 1 and #subscribed.history <= 120)
  end)

  it("pushes figures to who subscribed, each later than the one before", function()
    local times = {}
    context.ipc:on("system:figures", function(_, figures) times[#times + 1] = figures.at end)
    context.invoke("system:subscribe")
    support.wait_until(function() return #times >= 3 end, "three pushes")
    assert.is_true(times[1] < times[2] and times[2] < times[3])
  end)

  it("pushes the busiest processes, busiest first", function()
    local lists = {}
    context.ipc:on("system:processes", function(_, list) if #list > 0 then lists[#lists + 1] = list end end)
    context.invoke("system:subscribe")
    -- This process is busy while it waits, so it is among them.
    local function listed()
      local x = 0
      for i = 1, 2e6 do x = x + i end
      local list = lists[#lists]
      for _, process in ipairs(list or {}) do if process.pid == require("luv").os_getpid() then return process end end
    end
    support.wait_until(listed, "this process in the list")
    local list = lists[#lists]
    for i = 2, #list do assert.is_true(list[i - 1].cpu >= list[i].cpu) end
    assert.is_true(listed().memory > 0)
  end)

  it("pushes nothing to who unsubscribed or never subscribed", function()
    local heard = 0
    context.ipc:on("system:figures", function() heard = heard + 1 end)
    context.invoke("system:subscribe")
    support.wait_until(function() return heard > 0 end, "a push")
    context.ipc.send("system:unsubscribe")
    context.invoke("system:figures")
    local before = heard
    local other = context.host:connect(context.transport)
    local pushes = 0
    other.ipcRenderer:on("system:figures", function() pushes = pushes + 1 end)
    other:run(function()
      require("async").await(other.ipcRenderer.invoke("system:subscribe"))
      while pushes < 3 do require("async").sleep(1) end
    end)
    other:close()
    assert.equal(before, heard)
  end)
end, quick)

describe("scripts/system.lua", function()
  it("keeps a bounded history and serves on after subscribers are gone", function()
    local host = support.start(scripts.main, scripts.settings("interval = 1"))
    local renderer = host:connect()
    renderer:run(function() require("async").await(renderer.ipcRenderer.invoke("system:subscribe")) end)
    renderer:close()
    renderer = host:connect()
    local history
    renderer:run(function()
      local async = require "async"
      repeat
        history = async.await(renderer.ipcRenderer.invoke("system:subscribe")).history
      until #history == 120
      local first = history[1].at
      repeat
        history = async.await(renderer.ipcRenderer.invoke("system:subscribe")).history
      until history[1].at > first
    end)
    assert.equal(120, #history)
    renderer:close()
    host:stop()
    assert.is_nil(host.err:find("error", 1, true), host.err)
  end)
end)
