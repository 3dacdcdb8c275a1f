-- The clone against cbor2, where both only follow RFC 8949: what cbor2 reads of a document and writes again must be the
-- same value here.
local core = require "ipchost.core"
local cjson = require "cjson"
local support = require "spec.unit.values_support"

local function vectors()
  local file = assert(io.open("spec/vectors/values.json"))
  local all = cjson.decode(file:read("a"))
  file:close()
  local list = {}
  for _, section in ipairs { all.valid, all.read } do
    for _, vector in ipairs(section) do
      -- Python has one kind of integer, and cbor2 writes what is shared twice.
      local other = vector.lua:find("BigInt", 1, true) or vector.name:find("^shared")
      if not other then list[#list + 1] = vector end
    end
  end
  return list
end

--- What the oracle makes of each document, in order.
local function ask(list)
  local name = os.tmpname()
  local file = assert(io.open(name, "w"))
  for _, vector in ipairs(list) do file:write(vector.hex, "\n") end
  file:close()
  local pipe = assert(io.popen("/usr/bin/python3 spec/unit/cbor_oracle.py <" .. name))
  local answers = {}
  for line in pipe:lines() do answers[#answers + 1] = line end
  assert(pipe:close())
  os.remove(name)
  return answers
end

describe("the clone and cbor2", function()
  it("read the same values", function()
    local list = vectors()
    local answers = ask(list)
    assert.equal(#list, #answers)
    local compared = 0
    for i, vector in ipairs(list) do
      if answers[i] ~= "-" then
        compared = compared + 1
        local ours, theirs = core.decode(support.bytes(vector.hex)), core.decode(support.bytes(answers[i]))
        assert.is_true(support.same(ours, theirs), vector.name)
      end
    end
    assert.is_true(compared > 60, ("only %d documents were compared"):format(compared))
  end)
end)
