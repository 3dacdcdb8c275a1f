-- Runs with busted: a host of its own serves scripts/main.lua, and two renderers ask it.
-- Needs busted and luv for Lua 5.4 (Debian: lua-busted, lua-luv), `ipchost` in PATH or IPCHOST_BIN, and ipchost's
-- rocks where Lua looks: `make install` puts them there, else eval "$(make -s -C IPCHOST_SOURCE lua-path)".
local uv = require "luv"
local await = require("async").await
local connect = require("ipchost.renderer").connect

local folder = assert(uv.fs_mkdtemp("/tmp/spec-XXXXXX"))
local socket = folder .. "/app.sock"

--- Runs the loop until it is so, ten seconds at most.
local function wait_until(check)
  local timer, late = uv.new_timer(), false
  timer:start(10000, 0, function() late = true end)
  while not check() and not late do uv.run("once") end
  timer:close()
  uv.run("nowait")
  assert(check(), "waited ten seconds")
end

local function start()
  local config, script = assert(io.open(folder .. "/config.lua", "w")), uv.cwd() .. "/scripts/main.lua"
  config:write(("return { listen = { %q }, scripts = { %q } }"):format("unix:" .. socket, script))
  config:close()
  local host, out = {}, uv.new_pipe()
  host.process, host.pid = assert(uv.spawn(os.getenv("IPCHOST_BIN") or "ipchost", {
    args = { folder .. "/config.lua" }, stdio = { nil, out, 2 },
  }, function(code) host.code = code end))
  out:read_start(function(_, chunk) host.ready = host.ready or chunk end)
  wait_until(function() return host.ready or host.code end)
  out:close()
  assert(host.ready, "the host did not start")
  return host
end

describe("scripts/main.lua", function()
  local host, one, other

  local function invoke(renderer, ...)
    local promise = renderer.ipcRenderer.invoke(...)
    return renderer:run(function() return await(promise) end)
  end

  setup(function() host = start() end)
  before_each(function() one, other = connect("unix:" .. socket), connect("unix:" .. socket) end)
  after_each(function() one:close() other:close() end)
  teardown(function()
    host.process:kill("sigterm")
    wait_until(function() return host.code end)
    host.process:close()
    uv.run("nowait")
    os.remove(folder .. "/config.lua")
    uv.fs_rmdir(folder)
    assert.equal(0, host.code)
  end)

  it("counts, and tells all pages", function()
    local heard
    other.ipcRenderer:on("count:changed", function(_, count) heard = count end)
    local before = invoke(other, "count:get")
    assert.equal(before + 2, invoke(one, "count:add", 2))
    wait_until(function() return heard end)
    assert.equal(before + 2, heard)
    assert.equal(before + 2, invoke(other, "count:get"))
  end)

  it("refuses a step that is no whole number", function()
    for _, step in ipairs { "1", 1.5, true } do
      local ok, err = pcall(invoke, one, "count:add", step)
      assert.is_false(ok)
      assert.equal("COUNT_STEP", err.code)
    end
  end)
end)
