-- The rock by itself: the interpreter, luv, and nothing of the host or of busted. It is copied as it is installed.
local uv = require "luv"
local shell = require "spec.shell"
local support = require "spec.unit.async.support"

local ROCK = "rocks/ipchost-async/"

local read, write = shell.read, shell.write

describe("the rock under plain lua5.4 and luv", function()
  local folder

  setup(function()
    folder = assert(uv.fs_mkdtemp((os.getenv("TMPDIR") or "/tmp") .. "/async-XXXXXX"))
    local rockspec = {}
    assert(loadfile(ROCK .. "ipchost-async-scm-1.rockspec", "t", rockspec))()
    assert(uv.fs_mkdir(folder .. "/async", 448))
    for _, path in pairs(rockspec.build.modules) do write(folder .. "/" .. path, read(ROCK .. path)) end
  end)
  teardown(function() assert(os.execute("rm -r " .. folder)) end)

  --- Runs a program in the folder; returns its exit code and what it wrote, errors too.
  local function run(program)
    write(folder .. "/program.lua", program)
    local out, code = {}, nil
    local pipe, errors = uv.new_pipe(), uv.new_pipe()
    local handle
    handle = assert(uv.spawn("lua5.4", {
      args = { "program.lua" }, cwd = folder, stdio = { nil, pipe, errors },
      env = { "LUA_PATH=./?.lua;./?/init.lua", "PATH=" .. os.getenv("PATH") },
    }, function(status, signal)
      code = signal == 0 and status or "signal " .. signal
      handle:close()
    end))
    for _, from in ipairs { pipe, errors } do
      from:read_start(function(_, chunk)
        if chunk then out[#out + 1] = chunk else from:close() end
      end)
    end
    support.drive()
    return code, table.concat(out)
  end

  it("runs the example of its README", function()
    write(folder .. "/a.txt", "four")
    write(folder .. "/b.txt", "three")
    local code, out = run(read(ROCK .. "README.md"):match("```lua\n(.-)```"))
    assert.equal("9\nfalse\tENOENT: no such file or directory: none\ntimeout\n", out:gsub("program.lua:%d+: ", ""))
    assert.equal(0, code)
  end)

  it("writes what nobody took to stderr, with both tracebacks, and goes on", function()
    local code, out = run [[
      local async = require "async"
      local function inner() async.sleep(1) error("lost") end
      async.run(function() async.await(async.run(inner)) end)
      require("luv").run()
      print "end"
    ]]
    assert.matches("^Unhandled rejection: program.lua:2: lost\nstack traceback:.-program.lua:3:.-rejected at:.-"
      .. "program.lua:2:.-end\n$", out)
    assert.equal(0, code)
  end)

  it("waits for a task where nothing else drives the loop", function()
    local code, out = run [[
      local async = require "async"
      print(async.run(function() async.sleep(5) return 1, nil, 3 end):wait())
      print(async.run(function() return async.all { Promise, async.Promise.resolve(2) } end):pwait())
      local p = async.Promise(function(resolve) resolve(5) end)
      print(async.run(function() return async.await(p) end):wait())
    ]]
    assert.matches("^1\tnil\t3\ntrue\ttable: 0x%x+\n5\n$", out)
    assert.equal(0, code)
  end)

  it("lets the process end right after a timer was closed", function()
    local code, out = run [[
      local async = require "async"
      local task = async.run(async.sleep, 60000)
      print(task:pwait(5))
      task:close()
    ]]
    assert.equal("false\ttimeout\n", out)
    assert.equal(0, code)
  end)

  it("opens luv on the main coroutine, on which it calls back, and refuses to do it on another", function()
    local code, out = run [[
      local co = coroutine.wrap(function() return pcall(require, "async") end)
      print(select(2, co()))
      require "luv"
      print(coroutine.wrap(function() return pcall(require, "async") end)())
    ]]
    assert.matches("^async: luv must not be loaded first in a coroutine[^\n]*\ntrue\ttable", out)
    assert.equal(0, code)
  end)
end)
