-- ipchost test: busted within the binary, with the test kit at hand.
local uv = require "luv"
local read = require("spec.shell").read
local support = require "spec.functional.support"

local PATH = "PATH=" .. os.getenv("PATH")

describe("ipchost test", function()
  local folder

  before_each(function()
    folder = support.folder()
    assert(uv.fs_mkdir(folder .. "/spec", 448))
  end)
  after_each(function() support.remove_folder(folder) end)

  local function write(path, text) support.write_file(folder .. "/" .. path, text) end

  --- Runs a command in the folder, with no environment but what is given: exit code, standard output and error.
  local function run(command, variables)
    local args = { "-i", PATH }
    table.move(variables or {}, 1, #(variables or {}), #args + 1, args)
    table.move(command, 1, #command, #args + 1, args)
    local process = support.spawn(args, { command = "/usr/bin/env", cwd = folder })
    local code = process:wait()
    return code, process.out, process.err
  end

  local function test(...) return run { support.binary, "test", "--output=plainTerminal", ... } end

  --- The spec that README.md shows.
  local function readme_spec()
    return (assert(read("README.md"):match("\n```lua\n(local test = require \"ipchost%.test\"\n.-)```\n")))
  end

  it("runs README's spec of ten lines in an empty folder", function()
    local spec = readme_spec()
    assert.equal(10, select(2, spec:gsub("\n", "")))
    write("spec/greet_spec.lua", spec)
    local code, out, err = test()
    assert.equal(0, code, out .. err)
    assert.matches("1 success / 0 failures / 0 errors", out, 1, true)
  end)

  it("needs nothing but its binary and busted", function()
    write("spec/greet_spec.lua", readme_spec())
    assert(uv.fs_copyfile(support.binary, folder .. "/alone"))
    local code, out, err = run { "./alone", "test", "--output=plainTerminal" }
    assert.equal(0, code, out .. err)
  end)

  it("fails as busted does, and hands its arguments on", function()
    write("spec/some_spec.lua", [[
      it("holds", function() end)
      it("does not", function() assert.equal(1, 2) end)
    ]])
    local code, out = test()
    assert.equal(1, code)
    assert.matches("1 success / 1 failure / 0 errors", out, 1, true)
    code, out = test("--filter=holds")
    assert.equal(0, code)
    assert.matches("1 success / 0 failures / 0 errors", out, 1, true)
    code, out = run { support.binary, "test", "--version" }
    assert.equal(0, code)
    assert.matches("^%d+%.%d+", out)
    local _, _, err = test("--nope")
    assert.matches("ipchost test: error: unknown/bad flag: --nope", err, 1, true)
  end)

  it("reads the folder's .busted, but for its lua", function()
    write(".busted", "return { _all = { lua = 'nowhere', pattern = '_check', lpath = 'lib/?.lua' } }")
    assert(uv.fs_mkdir(folder .. "/lib", 448))
    write("lib/thing.lua", "return 'a thing'")
    write("spec/one_check.lua", "it('finds it', function() assert.equal('a thing', require 'thing') end)")
    local code, out, err = test()
    assert.equal(0, code, out .. err)
    assert.matches("1 success / 0 failures / 0 errors", out, 1, true)
  end)

  it("fails a spec whose scripts raised what nobody took", function()
    write("spec/some_spec.lua", [[
      it("ends", function()
        local script = "ipcMain.on('x', function() error 'lost' end)"
        local host <close> = require("ipchost.test").host { scripts = { script } }
        host:renderer():send "x"
      end)
    ]])
    local code, out = test()
    assert.equal(1, code)
    assert.matches("the scripts raised:.*lost", out)
  end)

  it("says what to install where there is no busted", function()
    local code, out, err = run({ support.binary, "test" }, { "LUA_PATH=./?.lua" })
    assert.equal(1, code)
    assert.equal("", out)
    assert.equal("ipchost test: busted is not installed for Lua 5.4: apt install lua-busted\n", err)
  end)

  it("is what busted by itself finds once all is installed", function()
    write("spec/greet_spec.lua", readme_spec())
    local build, prefix = support.binary:match("^(.*)/[^/]*$"), folder .. "/prefix"
    local code, out, err = run { "cmake", "--install", build, "--prefix", prefix }
    assert.equal(0, code, out .. err)
    local libraries = select(2, run { "ldd", prefix .. "/lib/lua/5.4/ipchost/core.so" })
    code, out, err = run({ "busted", "--lua=lua5.4", "--output=plainTerminal" }, {
      ("LUA_PATH=%s/share/lua/5.4/?.lua;%s/share/lua/5.4/?/init.lua;;"):format(prefix, prefix),
      ("LUA_CPATH=%s/lib/lua/5.4/?.so;;"):format(prefix),
      -- A sanitizer's library wants to be the first; what the interpreter leaks is not looked at.
      "LD_PRELOAD=" .. (libraries:match("(%S+libasan%S+) %(") or ""), "ASAN_OPTIONS=detect_leaks=0",
    })
    assert.equal(0, code, out .. err)
    assert.matches("1 success / 0 failures / 0 errors", out, 1, true)
  end)

  it("runs the example application's specs", function()
    local process = support.spawn { "test", "--output=plainTerminal", "spec/scripts" }
    local code = process:wait()
    assert.equal(0, code, process.out .. process.err)
    assert.matches("1%d successes / 0 failures / 0 errors / 0 pending", process.out)
  end)

  it("is not for scripts", function()
    local host = support.start "print(select(2, pcall(require, 'ipchost.test')))"
    host:wait_log "ipchost.test is for specs: run them with busted, or with ipchost test"
    host:stop()
  end)
end)
