-- ipchost init: a project that runs as it is, and nothing is ever overwritten.
local uv = require "luv"
local read = require("spec.shell").read
local support = require "spec.functional.support"

describe("ipchost init", function()
  local folder, project

  before_each(function()
    folder = support.folder()
    project = folder .. "/new"
  end)
  after_each(function() support.remove_folder(folder) end)

  --- Runs a command to its end: exit code, standard output, standard error.
  local function run(args, options)
    local process = support.spawn(args, options)
    local code = process:wait()
    return code, process.out, process.err
  end

  local function is_file(path)
    local stat = uv.fs_stat(project .. "/" .. path)
    return stat and stat.type == "file"
  end

  local function run_spec() return run({ "test", "--output=plainTerminal" }, { cwd = project }) end

  it("makes what runs as it is, and says what to do next", function()
    local code, out, err = run { "init", project }
    assert.equal(0, code, err)
    assert.equal("", err)
    assert.matches(project, out, 1, true)
    assert.matches("http://127.0.0.1:8080", out, 1, true)
    assert.matches("ipchost test", out, 1, true)
    for _, path in ipairs { "config.lua", "scripts/main.lua", "public/index.html", "spec/main_spec.lua" } do
      assert.is_true(is_file(path), path)
    end
    assert.equal(0, (run({ "--check" }, { cwd = project })))
  end)

  it("tells editors and luacheck of the scripts' environment", function()
    run { "init", project }
    local luarc = require("cjson").decode(read(project .. "/.luarc.json"))
    assert.equal("Lua 5.4", luarc["runtime.version"])
    local library = luarc["workspace.library"][1]
    for _, name in ipairs { "async", "config", "globals", "ipchost", "renderer", "test" } do
      assert.equal("file", uv.fs_stat(("%s/%s.lua"):format(library, name)).type)
    end
    local function check() return run({ "." }, { command = "luacheck", cwd = project }) end
    local code, out, err = check()
    assert.equal(0, code, out .. err)
    local script = "app.whenready()\nreturn async.uv.fs_stat, ipcMain.handel, nothing"
    support.write_file(project .. "/scripts/other.lua", script)
    code, out = check()
    assert.equal(1, code)
    for _, name in ipairs { "whenready", "handel", "nothing" } do assert.matches(name, out, 1, true) end
    assert.is_nil(out:find("fs_stat", 1, true))
  end)

  it("names what was installed with the binary that makes it", function()
    local prefix = folder .. "/prefix"
    local from = support.binary:match("^(.*)/")
    local code, out, err = run({ "--install", from, "--prefix", prefix }, { command = "cmake" })
    assert.equal(0, code, out .. err)
    assert.equal(0, (run({ "init", project }, { command = prefix .. "/bin/ipchost" })))
    local share = prefix .. "/share/ipchost"
    assert.same({ share .. "/lua-meta" },
      require("cjson").decode(read(project .. "/.luarc.json"))["workspace.library"])
    assert.matches(('stds.ipchost = dofile "%s/luacheckrc"'):format(share), read(project .. "/.luacheckrc"), 1, true)
    assert.equal(0, (run({ "." }, { command = "luacheck", cwd = project })))
    assert.is_nil(uv.fs_stat(prefix .. "/share/lua/5.4/library"))
  end)

  it("makes a page without inline code and a policy that says so", function()
    run { "init", project }
    local page = read(project .. "/public/index.html")
    assert.matches("default-src 'none'; script-src 'self'", page, 1, true)
    assert.is_nil(page:find("<script>", 1, true))
    assert.is_nil(page:find("<style", 1, true))
    assert.is_nil(page:find("style=", 1, true))
  end)

  it("makes a spec that passes, and that fails when the script is wrong", function()
    run { "init", project }
    local code, out, err = run_spec()
    assert.equal(0, code, out .. err)
    assert.matches("2 successes / 0 failures / 0 errors / 0 pending", out, 1, true)
    local script = project .. "/scripts/main.lua"
    support.write_file(script, (read(script):gsub("count %+ step", "count - step")))
    assert.is_true((run_spec()) > 0)
  end)

  it("takes an empty folder, one with a repository, and the current one", function()
    assert(uv.fs_mkdir(project, 448))
    assert(uv.fs_mkdir(project .. "/.git", 448))
    local code, _, err = run({ "init", "." }, { cwd = project })
    assert.equal(0, code, err)
    assert.is_true(is_file("config.lua"))
  end)

  it("overwrites nothing, and leaves a folder that is not empty as it is", function()
    assert(uv.fs_mkdir(project, 448))
    support.write_file(project .. "/config.lua", "mine")
    local code, out, err = run { "init", project }
    assert.equal(2, code)
    assert.equal("", out)
    assert.matches(project .. " is not empty (config.lua is there)", err, 1, true)
    assert.equal("mine", read(project .. "/config.lua"))
    assert.is_nil(uv.fs_stat(project .. "/scripts"))
  end)

  it("fails with the path and the system's words", function()
    support.write_file(project, "a file")
    for path, words in pairs { [project] = "Not a directory", [folder .. "/no/new"] = "No such file or directory" } do
      local code, out, err = run { "init", path }
      assert.equal(1, code)
      assert.equal("", out)
      assert.matches(path .. ": " .. words, err, 1, true)
    end
    assert.equal("a file", read(project))
  end)
end)
