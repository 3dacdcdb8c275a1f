--- app.spawn over a reload: what a generation asks of children beside what another does.
local await = require("async").await
local promise = require "async.promise"
local support = require "spec.functional.support"
local uv = require "luv"

local function is_running(pid) return uv.kill(pid, 0) == 0 end

describe("app.spawn over a reload", function()
  local host, renderer, ipc
  local looks = 0

  -- `cat` says that it lives by an echo; `%s` is the script's own.
  local CAT = [[
    local function cat(env)
      return app.spawn { name = "cat", command = "cat", stdio = "pipe", env = env }
    end
    local function watch(child, name)
      child:on("stdout", function(event, bytes) print("echo", hot.generation, bytes) end)
      child:on("exit", function() print("exit", hot.generation) end)
      return child
    end
    local child
    %s
    ipcMain.handle("pid", function() return child.pid end)
    ipcMain.handle("write", function(event, bytes) return { child:write(bytes) } end)
    ipcMain.handle("generations", function() return app.metrics().generations end)
  ]]

  after_each(function()
    renderer:close()
    host:stop()
  end)

  local function start(script, config)
    host = support.start(CAT:format(script), { config = config })
    renderer = host:connect()
    ipc = renderer.ipcRenderer
  end

  local function invoke(...)
    local args = table.pack(...)
    return renderer:run(function() return await(ipc.invoke(table.unpack(args, 1, args.n))) end)
  end

  local function reload(generation)
    host:kill "sighup"
    host:wait_log(("generation %d serves"):format(generation))
  end

  --- The child of the scripts that serve lives, and is theirs.
  local function assert_lives(generation)
    local pid, ended = invoke "pid", "exit\t" .. generation
    looks = looks + 1
    assert.same({ true }, invoke("write", ("look %d\n"):format(looks)))
    local echo = ("echo\t%d\tlook %d"):format(generation, looks)
    support.wait_until(function()
      return host.err:find(echo, 1, true) or host.err:find(ended, 1, true)
    end, "an echo")
    assert.not_matches(ended, host.err, 1, true)
    assert.is_true(is_running(pid))
    return pid
  end

  describe("that a call of the scripts before outlives", function()
    local LATE = [[
      child = watch(cat { GENERATION = %s })
      ipcMain.handle("late", function(event)
        await(event.sender:invoke("go"))
        local same, message, code = cat { GENERATION = %s }
        return { same = same and same.pid, message = message, code = code }
      end)
    ]]

    --- What a call gets that was made before the reload and asks for the child after it.
    local function ask_late()
      local go, answer
      ipc.handle("go", function()
        return promise.new(function(resolve) go = resolve end)
      end)
      ipc.invoke("late"):next(function(got) answer = got end)
      support.wait_until(function() return go end, "the call")
      reload(2)
      go(true)
      support.wait_until(function() return answer end, "its answer")
      support.wait_until(function() return invoke "generations" == 1 end, "the end of the scripts before")
      return answer
    end

    it("stays with the new scripts", function()
      start(LATE:format("1", "1"))
      local pid = invoke "pid"
      assert.same({ same = pid }, ask_late())
      assert.equal(pid, assert_lives(2))
    end)

    it("is not replaced by one with the options of before", function()
      start(LATE:format("hot.generation", "hot.generation"))
      local answer = ask_late()
      assert.equal("ERR_GENERATION_RETIRED", answer.code)
      assert.equal('app.spawn: name = "cat": the scripts were reloaded, and have it with other options',
        answer.message)
      assert_lives(2)
    end)
  end)

  it("starts anew what hot.dispose kills, and tells nobody else of its end", function()
    start [[
      child = watch(cat())
      hot.dispose(function() child:kill() end)
    ]]
    local before = invoke "pid"
    reload(2)
    local after = invoke "pid"
    assert.not_equal(before, after)
    support.wait_until(function() return not is_running(before) end, "the end of the first")
    assert_lives(2)
    assert_lives(2)
  end)

  it("tells only of the end of the process that it has, where another was found during the load", function()
    start [[
      child = watch(cat())
      hot.dispose(function() cat { OTHER = "1" } end)
    ]]
    local before = invoke "pid"
    reload(2)
    assert.not_equal(before, invoke "pid")
    support.wait_until(function() return not is_running(before) end, "the end of the first")
    assert_lives(2)
    assert_lives(2)
  end)

  it("gives one child to who asks twice during a load", function()
    start [[
      local first = watch(cat { GENERATION = hot.generation })
      child = cat { GENERATION = hot.generation }
      assert(first == child)
    ]]
    assert_lives(1)
    reload(2)
    assert_lives(2)
  end)

  describe("puts off what a load does to a child", function()
    it("until it serves, so that one which fails has done nothing", function()
      start [[
        child = watch(cat())
        assert(child:write("from load " .. hot.generation .. "\n"))
        if hot.generation > 1 then
          assert(child:write(nil))
          assert(child:kill("SIGKILL"))
          error("after that")
        end
      ]]
      host:wait_log("echo\t1\tfrom load 1")
      host:kill "sighup"
      host:wait_log "reload failed"
      assert_lives(1)
      assert.not_matches("from load 2", host.err, 1, true)
    end)

    it("until that is started which it asks for", function()
      start [[
        child = watch(cat { GENERATION = hot.generation })
        assert(child:write("from load " .. hot.generation .. "\n"))
      ]]
      host:wait_log("echo\t1\tfrom load 1")
      reload(2)
      host:wait_log("echo\t2\tfrom load 2")
      assert_lives(2)
    end)
  end)
end)
