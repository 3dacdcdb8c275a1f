--- The codec in C against spec/vectors/values.json, which it shares with the one in JavaScript.
local cjson = require "cjson"
local core = require "ipchost.core"
local support = require "spec.unit.values_support"

local function vectors()
  local file = assert(io.open("spec/vectors/values.json"))
  local text = file:read("a")
  file:close()
  return cjson.decode(text)
end

--- Decodes; a second result is what is wrong.
local function decode(bytes)
  local value, message = core.decode(bytes)
  return value, message
end

local function hex_of(value)
  local bytes, message = core.encode(value)
  return bytes and support.hex(bytes) or message
end

describe("the vectors of values", function()
  local all = vectors()

  for _, vector in ipairs(all.valid) do
    it("decodes and encodes " .. vector.name, function()
      local value, message = decode(support.bytes(vector.hex))
      assert.is_nil(message)
      local expected = support.evaluate(vector.lua)
      assert.is_true(support.same(value, expected))
      if vector.lossy then
        assert.is_true(support.same(decode(core.encode(value)), expected))
      else
        assert.equals(vector.hex, hex_of(value))
        assert.equals(vector.hex, hex_of(expected))
      end
    end)
  end

  for _, vector in ipairs(all.read) do
    it("reads " .. vector.name, function()
      local value, message = decode(support.bytes(vector.hex))
      assert.is_nil(message)
      assert.is_true(support.same(value, support.evaluate(vector.lua)))
    end)
  end

  for _, vector in ipairs(all.invalid) do
    it("refuses " .. vector.name, function()
      local value, message, code, close = core.decode(support.bytes(vector.hex))
      assert.is_nil(value)
      assert.is_string(message)
      assert.equals("ERR_PAYLOAD", code)
      assert.equals(1007, close)
    end)
  end

  it("refuses every proper prefix of a valid document", function()
    for _, vector in ipairs(all.valid) do
      local bytes = support.bytes(vector.hex)
      local step = #bytes > 2000 and 97 or 1
      for len = 0, #bytes - 1, step do
        local _, message = decode(bytes:sub(1, len))
        assert.is_string(message, vector.name .. " cut to " .. len)
      end
    end
  end)
end)
