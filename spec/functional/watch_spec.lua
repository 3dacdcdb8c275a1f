--- Watching: what is saved is loaded, once it is still.
local async = require "async"
local support = require "spec.functional.support"
local uv = require "luv"
local await = async.await

local function with_host(script, options, fn)
  options.config = "watch = true, " .. (options.config or "")
  local host = support.start(script, options)
  local ok, why = xpcall(fn, debug.traceback, host)
  if not ok then
    if not host.code then host:kill("sigkill") host:wait() end
    error(tostring(type(why) == "table" and why.message or why) .. "\n" .. host.err:sub(-3000), 0)
  end
  host:stop()
end

local function count(text, what)
  local n = 0
  for _ in text:gmatch(what) do n = n + 1 end
  return n
end

describe("Watching", function()
  local function serves(host, n) host:wait_log(("generation %d serves"):format(n)) end

  --- What a load has printed, once it serves.
  local function loaded(host, n, text)
    serves(host, n)
    assert.matches(text .. "%f[%c]", host.err)
  end

  it("loads what is saved, and nothing where the content is the same", function()
    with_host("return 1", {}, function(host)
      local main = host.folder .. "/main.lua"
      support.write_file(main, "return 2")
      serves(host, 2)
      uv.fs_utime(main, 1, 1)
      support.write_file(main, "return 2")
      support.write_file(host.folder .. "/other.lua", "return 1")
      support.write_file(host.folder .. "/config.lua.new", "x")
      support.write_file(main .. ".new", "return 3")
      uv.fs_rename(main .. ".new", main)
      serves(host, 3)
      support.write_file(main, "")
      host:wait_log("main.lua: the file is empty")
      uv.fs_unlink(main)
      host:wait_log("reload failed, generation 3 goes on: cannot open ")
      support.write_file(main, "return 4")
      serves(host, 4)
      assert.equal(2, count(host.err, "reload failed"))
      assert.is_nil(host.err:find("generation 5", 1, true))
    end)
  end)

  it("knows required modules, those that are not there yet, and what comes into their folder's place", function()
    local script = [[
      local ok, module = pcall(require, "lib.part")
      print("part", ok and module)
    ]]
    with_host(script, {}, function(host)
      host:wait_log("part\tfalse")
      uv.fs_mkdir(host.folder .. "/lib", tonumber("755", 8))
      support.write_file(host.folder .. "/lib/part.lua", "return 1")
      loaded(host, 2, "part\t1")
      support.write_file(host.folder .. "/lib/part.lua", "return 2")
      loaded(host, 3, "part\t2")
      uv.fs_mkdir(host.folder .. "/next", tonumber("755", 8))
      support.write_file(host.folder .. "/next/part.lua", "return 3")
      uv.fs_rename(host.folder .. "/lib", host.folder .. "/old")
      uv.fs_rename(host.folder .. "/next", host.folder .. "/lib")
      loaded(host, 4, "part\t3")
      support.write_file(host.folder .. "/lib/part.lua", "return 4")
      loaded(host, 5, "part\t4")
    end)
  end)

  it("follows links, also when they are set anew", function()
    local files = { ["one/part.lua"] = "return 1", ["two/part.lua"] = "return 2" }
    with_host("return 0", { files = files }, function(host)
      assert(uv.fs_symlink(host.folder .. "/one", host.folder .. "/lib"))
      support.write_file(host.folder .. "/main.lua", "print('part', require 'lib.part')")
      loaded(host, 2, "part\t1")
      support.write_file(host.folder .. "/one/part.lua", "return 11")
      loaded(host, 3, "part\t11")
      assert(uv.fs_symlink("two", host.folder .. "/lib.new"))
      assert(uv.fs_rename(host.folder .. "/lib.new", host.folder .. "/lib"))
      loaded(host, 4, "part\t2")
      support.write_file(host.folder .. "/two/part.lua", "return 22")
      loaded(host, 5, "part\t22")
    end)
  end)

  it("begins anew where something is saved during a load", function()
    with_host("return 1", {}, function(host)
      support.write_file(host.folder .. "/main.lua", "print('waits') await(async.sleep(60000))")
      host:wait_log("waits")
      support.write_file(host.folder .. "/main.lua", "print('done')")
      serves(host, 2)
      assert.matches("done", host.err, 1, true)
    end)
  end)

  it("never serves what was saved anew after it was read", function()
    with_host("return 1", { files = { ["part.lua"] = "return 1" } }, function(host)
      support.write_file(host.folder .. "/main.lua", [[
        local part = require "part"
        print("read", part)
        if part == 1 then
          local file = io.open(app.getAppPath() .. "/part.lua", "w")
          file:write("return 2")
          file:close()
        end
        app.on("ready", function() print("ready", part) end)
      ]])
      host:wait_log("ready\t2")
      serves(host, 2)
      assert.matches("read\t1", host.err, 1, true)
      assert.not_matches("ready\t1", host.err, 1, true)
      assert.equal(1, count(host.err, "generation %d serves"))
    end)
  end)

  it("says where something was touched that it loads nothing", function()
    with_host("return 1", { config = [[log = { level = "debug" }]] }, function(host)
      uv.fs_utime(host.folder .. "/main.lua", 1, 1)
      host:wait_log("the scripts are as they were: nothing is loaded")
      assert.is_nil(host.err:find("serves", 1, true))
    end)
  end)

  it("does not load for ever what scripts write themselves", function()
    local script = [[
      local function write(name, text)
        local file = io.open(app.getAppPath() .. "/" .. name, "w")
        file:write(text)
        file:close()
      end
      local loads = (tonumber(pcall(require, "stamp") and require "stamp" or 0) or 0) + 1
      write("stamp.lua", "return " .. loads)
      write("data.txt", tostring(loads))
      print("load", loads)
    ]]
    with_host(script, {}, function(host)
      host:wait_log("stamp.lua changes whenever the scripts are loaded")
      local loads = count(host.err, "load\t")
      support.write_file(host.folder .. "/main.lua", script .. "\nprint('changed')")
      host:wait_log("script: changed")
      support.write_file(host.folder .. "/main.lua", "print('quiet')")
      host:wait_log("script: quiet")
      assert.is_true(loads <= 6 and count(host.err, "load\t") <= loads + 2)
    end)
  end)

  it("says that the config has changed, which is not loaded", function()
    with_host("return 1", {}, function(host)
      local file = assert(io.open(host.folder .. "/config.lua", "a"))
      file:write("\n-- changed")
      file:close()
      host:wait_log("config.lua has changed: it is read at the start only; restart to use it")
      support.write_file(host.folder .. "/main.lua", "return 2")
      serves(host, 2)
    end)
  end)

  it("tells pages of what has changed under `public`, with dev, and loads nothing", function()
    local options = { config = [[dev = true, public = "public"]], files = { ["public/a.html"] = "a" } }
    with_host("return 1", options, function(host)
      local renderer = host:connect("ws")
      local told = {}
      renderer.ipcRenderer.on("ipchost:public-changed", function(_, about) told[#told + 1] = about.path end)
      renderer:run(function() pcall(await, renderer.ipcRenderer.invoke("none")) end) -- it is known to the host then
      support.write_file(host.folder .. "/public/a.html", "b")
      support.wait_until(function() return #told == 1 end, "the first")
      uv.fs_mkdir(host.folder .. "/public/sub", tonumber("755", 8))
      support.wait_until(function() return #told == 2 end, "the folder")
      support.write_file(host.folder .. "/public/sub/.b.js.swp", "")
      support.write_file(host.folder .. "/public/sub/b.js", "b")
      support.wait_until(function() return #told == 3 end, "the second")
      assert.same({ "a.html", "sub", "sub/b.js" }, told)
      assert.is_nil(host.err:find("reload", 1, true))
      renderer:close()
    end)
  end)
end)
