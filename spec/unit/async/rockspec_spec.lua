-- The rockspec lists every module of the rock, and each can be required by itself.
local uv = require "luv"

local ROCK = "rocks/ipchost-async/"

describe("the rockspec of async", function()
  local spec = {}
  assert(loadfile(ROCK .. "ipchost-async-scm-1.rockspec", "t", spec))()

  it("lists every file", function()
    local listed = {}
    for _, path in pairs(spec.build.modules) do listed[path] = true end
    local scan = assert(uv.fs_scandir(ROCK .. "async"))
    for file in function() return uv.fs_scandir_next(scan) end do
      assert.is_true(listed["async/" .. file], file .. " is not listed")
      listed["async/" .. file] = nil
    end
    assert.same({}, listed)
  end)

  it("lists modules that can be required alone and in any order", function()
    local path = ("package.path = '%s?.lua;%s?/init.lua;' .. package.path; "):format(ROCK, ROCK)
    for name in pairs(spec.build.modules) do
      assert.is_true(os.execute(("lua5.4 -e \"%sassert(require '%s')\""):format(path, name)), name)
    end
  end)
end)
