-- scripts/system.lua: figures of the machine, asked for, subscribed to, pushed by the clock.
local test = require "ipchost.test"

local INTERVAL = 1000

describe("scripts/system.lua", function()
  local host, page

  before_each(function()
    host = test.host { scripts = { "scripts/system.lua" }, settings = { interval = INTERVAL } }
    page = host:renderer()
  end)
  after_each(function() host:close() end)

  local function assert_share(value) assert.is_true(value >= 0 and value <= 1, tostring(value)) end

  it("answers the latest figures", function()
    local figures = page:invoke "system:figures"
    assert_share(figures.cpu.share)
    for _, share in ipairs(figures.cpu.cores) do assert_share(share) end
    assert.equal(3, #figures.load)
    assert.is_true(figures.memory.used > 0 and figures.memory.used < figures.memory.total)
    assert.is_true(math.abs(figures.at / 1000 - os.time()) < 60)
  end)

  it("says what machine it is, and what to draw at once", function()
    local subscribed = page:invoke "system:subscribe"
    assert.equal(INTERVAL, subscribed.interval)
    assert.equal(120, subscribed.kept)
    assert.equal(require("luv").os_gethostname(), subscribed.machine.name)
    assert.equal(#subscribed.history[1].cpu.cores, subscribed.machine.cores)
  end)

  it("pushes figures at its interval to who subscribed, until they unsubscribe or go", function()
    local heard, other_heard = 0, 0
    local other = host:renderer()
    page:on("system:figures", function() heard = heard + 1 end)
    other:on("system:figures", function() other_heard = other_heard + 1 end)
    page:invoke "system:subscribe"
    host:advance(INTERVAL - 1)
    assert.equal(0, heard)
    host:advance(1)
    assert.equal(1, heard)
    host:advance(3 * INTERVAL)
    assert.equal(4, heard)
    page:send "system:unsubscribe"
    other:invoke "system:subscribe"
    host:advance(INTERVAL)
    assert.same({ 4, 1 }, { heard, other_heard })
    other:close()
    host:advance(INTERVAL)
    assert.same({ 4, 1 }, { heard, other_heard })
  end)

  it("keeps a bounded history", function()
    local first = page:invoke("system:subscribe").history[1].at
    host:advance(119 * INTERVAL)
    assert.equal(120, #page:invoke("system:subscribe").history)
    assert.equal(first, page:invoke("system:subscribe").history[1].at)
    host:advance(INTERVAL)
    local history = page:invoke("system:subscribe").history
    assert.equal(120, #history)
    assert.is_true(history[1].at > first)
  end)
end)
