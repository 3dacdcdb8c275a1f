--- Many invokes while renderers come and go, in order and abruptly: every call is settled, and nothing stays behind.
local process = require "spec.functional.process"
local support = require "spec.functional.support"
local async = require "async"
local await = async.await

local ROUNDS, RENDERERS, CALLS = 20, 10, 50

local SCRIPT = [==[
  ipcMain.handle("echo", function(_, ...) return ... end)
  ipcMain.handle("later", function(_, value) async.sleep(value % 3) return value end)
  ipcMain.handle("never", function() await(Promise.new(function() end)) end)
  ipcMain.handle("until aborted", function(event)
    local aborted, resolve = Promise.withResolvers()
    event.signal:onAbort(resolve)
    await(aborted)
  end)
  ipcMain.on("double", function(event, n) event.returnValue = n * 2 end)
  ipcMain.on("push", function(event, n) event.reply("pushed", n) end)
  ipcMain.handle("metrics", function() return app.metrics() end)
]==]

--- One renderer's life: its share of calls of every kind, answered and checked.
local function work(renderer, base)
  local ipc = renderer.ipcRenderer
  local pushed, calls = 0, {}
  ipc.on("pushed", function(_, n) pushed = pushed + n end)
  for i = 1, CALLS do
    local n = base + i
    ipc.send("push", 1)
    calls[i] = ipc.invoke(i % 4 == 0 and "later" or "echo", n)
  end
  assert.equal(2 * base, ipc.sendSync("double", base))
  for i = 1, CALLS do assert.equal(base + i, await(calls[i])) end
  assert.equal(CALLS, pushed)
end

--- Leaves calls behind that nobody will answer.
local function abandon(renderer)
  for _, channel in ipairs { "never", "until aborted", "later" } do
    renderer.ipcRenderer.invoke(channel, 2):catch(function() end)
  end
  renderer.ipcRenderer.with { timeout = 1 }.invoke("until aborted"):catch(function() end)
end

for _, transport in ipairs(support.transports) do
  describe("stress over " .. transport, function()
    local total = ROUNDS * RENDERERS * CALLS
    it(("answers %d invokes among connects and disconnects, and keeps nothing"):format(total), function()
      local host = support.start(SCRIPT)
      local observer = host:connect(transport)
      local function metrics() return await(observer.ipcRenderer.invoke("metrics")) end
      local finished = 0
      observer:run(function()
        local before, open = metrics(), #process.descriptors(host.pid)
        for round = 1, ROUNDS do
          local tasks = {}
          for i = 1, RENDERERS do
            tasks[i] = async.run(function()
              local renderer = host:connect(transport, { name = ("%d of %d"):format(i, round) })
              local child = i % 3 == 0 and renderer:createFrame { name = "child" }
              work(child or renderer, round * 1000 + i)
              if i % 2 == 0 then abandon(child or renderer) end
              -- Some leave in order, some as a process does that is killed.
              if i % 4 ~= 0 then renderer:close() else renderer.session:lost() end
              finished = finished + 1
            end)
          end
          for i = 1, RENDERERS do await(tasks[i]) end
        end
        local after = metrics()
        while after.sessions > 1 or after.waitingHandlers > 0 or after.handles > before.handles do
          async.sleep(5)
          after = metrics()
        end
        local names = {
          "sessions", "webContents", "frames", "pendingCalls", "waitingHandlers", "handles", "references",
        }
        for _, name in ipairs(names) do
          assert.equal(before[name], after[name], name)
        end
        assert.equal(open, #process.descriptors(host.pid))
      end)
      assert.equal(ROUNDS * RENDERERS, finished)
      observer:close()
      host:stop()
    end)
  end)
end
