-- Scripts that always have something to do: their loop takes its turns between those of the host's, which serves
-- others and ends when it is told to.
local async = require "async"
local support = require "spec.functional.support"

local SCRIPT = [[
  local uv = require "luv"
  local function work(ms)
    local began = uv.hrtime()
    while uv.hrtime() - began < ms * 1000000 do end
  end
  local turns = 0
  local function turn(ms)
    turns = turns + 1
    if ms then work(ms) end
  end
  local busy = {}
  busy["a loop of checkpoints"] = function() while true do turn() async.checkpoint() end end
  busy["a loop of sleeps of no time"] = function() while true do turn() async.sleep(0) end end
  busy["an idle handle"] = function() uv.new_idle():start(function() turn() end) end
  busy["a timer that starts itself anew with no time"] = function()
    local timer = uv.new_timer()
    local function again()
      turn()
      timer:start(0, 0, again)
    end
    again()
  end
  busy["a timer that takes longer than its period"] = function()
    uv.new_timer():start(2, 2, function() turn(3) end)
  end
  busy["tasks that work longer than they sleep"] = function()
    for _ = 1, 3 do async.run(function() while true do turn(3) async.sleep(1) end end) end
  end
  busy["a poll of what is always ready"] = function()
    local pipe = uv.pipe()
    uv.new_poll(pipe.write):start("w", function() turn() end)
  end
  ipcMain.handle("be busy", function(_, how)
    async.run(busy[how])
    return true
  end)
  ipcMain.handle("turns", function() return turns end)
]]

describe("a host whose scripts are always busy", function()
  for _, how in ipairs {
    "a loop of checkpoints", "a loop of sleeps of no time", "an idle handle",
    "a timer that starts itself anew with no time", "a timer that takes longer than its period",
    "tasks that work longer than they sleep", "a poll of what is always ready",
  } do
    it("answers others, goes on, and ends when it is told to: " .. how, function()
      local host <close> = setmetatable({}, { __close = function(self) self.process:kill("sigkill") end })
      host.process = support.start(SCRIPT)
      local first = host.process:connect()
      first:run(function() async.await(first.ipcRenderer.invoke("be busy", how)) end)
      local other = host.process:connect("ws")
      local function turns() return other:run(function() return async.await(other.ipcRenderer.invoke("turns")) end) end
      local before = turns()
      while turns() < before + 10 do end
      first:close()
      other:close()
      host.process:stop()
    end)
  end

  it("lets entries give the loop a turn while they are loaded, tasks too", function()
    local host = support.start [[
      local task = async.run(function()
        async.checkpoint()
        print "the task went on"
      end)
      async.checkpoint()
      print "the entry went on"
      await(task)
    ]]
    host:wait_log("the task went on")
    host:wait_log("the entry went on")
    host:stop()
    assert.is_nil(host.err:find("error", 1, true))
  end)

  it("sleeps again once its scripts have nothing to do", function()
    local host = support.start [[
      local uv = require "luv"
      ipcMain.handle("be busy for a while", function() for _ = 1, 100 do async.sleep(0) async.checkpoint() end end)
      ipcMain.handle("processor time", function()
        local used = uv.getrusage()
        return used.utime.sec * 1000000 + used.utime.usec + used.stime.sec * 1000000 + used.stime.usec
      end)
      ipcMain.handle("rest", function() async.sleep(300) end)
    ]]
    local client = host:connect()
    local function ask(channel)
      return client:run(function() return async.await(client.ipcRenderer.invoke(channel)) end)
    end
    ask("be busy for a while")
    local before = ask("processor time")
    ask("rest")
    assert.is_true(ask("processor time") - before < 150000)
    client:close()
    host:stop()
  end)
end)
