-- `ipchost test` runs it: scripts/main.lua in the spec's own process, and two pages that ask it.
local test = require "ipchost.test"

describe("scripts/main.lua", function()
  local host, one, other

  before_each(function()
    host = test.host { scripts = { "scripts/main.lua" } }
    one, other = host:renderer(), host:renderer()
  end)
  after_each(function() host:close() end)

  it("counts, and tells all pages", function()
    local heard
    other:on("count:changed", function(_, count) heard = count end)
    assert.equal(2, one:invoke("count:add", 2))
    assert.equal(2, heard)
    assert.equal(2, other:invoke("count:get"))
  end)

  it("refuses a step that is no whole number", function()
    for _, step in ipairs { "1", 1.5, true } do
      assert.rejects({ code = "COUNT_STEP" }, one.invoke, one, "count:add", step)
    end
  end)
end)
