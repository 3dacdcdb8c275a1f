--- Values in Lua: what ipc's classes do, what tables are written as, and what misuse says.
local core = require "ipchost.core"
local support = require "spec.unit.values_support"

local ipc = core.values
local BigInt = ipc.BigInt

local function hex(value)
  local bytes, message = core.encode(value)
  return bytes and support.hex(bytes) or message
end

local function echo(value) return (core.decode(assert(core.encode(value)))) end

local function read(text) return (core.decode(support.bytes(text))) end

--- The message of a call that raises.
local function message(fn, ...)
  local ok, err = pcall(fn, ...)
  assert.is_false(ok)
  return (tostring(err):gsub("^[^:]+:%d+: ", ""))
end

local function collect(...)
  local list = {}
  for key, value in ... do list[#list + 1] = value == nil and key or { key, value } end
  return list
end

describe("a plain table", function()
  it("is an array when its keys are 1..n and no others", function()
    assert.equals("83010203", hex { 1, 2, 3 })
    assert.equals("83010203", hex { [3] = 3, [2] = 2, [1] = 1 })
    local reversed = {}
    for i = 40, 1, -1 do reversed[i] = 0 end
    assert.equals("9828" .. ("00"):rep(40), hex(reversed))
  end)

  it("is an object when it is empty or its keys are strings", function()
    assert.equals("a0", hex {})
    assert.equals("a1613101", hex { ["1"] = 1 })
    local large = {}
    for i = 1, 300 do large["k" .. i] = i end
    assert.equals("b9012c", hex(large):sub(1, 6))
    assert.same(large, echo(large))
  end)

  it("names keys that fit nothing", function()
    local hint = "; use ipc.Map, ipc.object or string keys"
    assert.equals("value.byId: integer keys 2, 5 are not 1..n" .. hint, hex { byId = { [5] = 1, [2] = 1 } })
    assert.equals("value: integer key 7 is not 1..n" .. hint, hex { [7] = 1 })
    assert.equals("value: integer keys 1, 3 are not 1..n" .. hint, hex { 1, nil, 3 })
    assert.equals("value: integer keys 2, 4, 6, 8, 10, ... are not 1..n" .. hint,
      hex { [2] = 0, [4] = 0, [6] = 0, [8] = 0, [10] = 0, [12] = 0 })
    assert.equals("value: integer keys 1, 2 are mixed with string keys" .. hint, hex { 1, 2, n = 2 })
    assert.equals("value: key 1.5 is neither text nor an integer" .. hint, hex { [1.5] = 1 })
    assert.equals("value: key true is neither text nor an integer" .. hint, hex { [true] = 1 })
  end)

  it("runs no metamethods", function()
    local function never() error("ran") end
    local class = { __index = never, __pairs = never, __len = never, __tostring = never, __name = "Point" }
    assert.equals("a1617801", hex(setmetatable({ x = 1 }, class)))
    assert.equals("8101", hex(setmetatable({ 1 }, class)))
  end)

  it("remembers properties that are undefined, until they are set", function()
    local object = read "a26161f7616201"
    assert.is_nil(object.a)
    assert.same({ b = 1 }, { b = object.b })
    assert.is_nil(getmetatable(read "a1616201"))
    assert.equals("a2616201" .. "6161f7", hex(object))
    object.a = 2
    object.b = nil
    assert.equals("a1616102", hex(object))
  end)
end)

describe("what cannot be cloned", function()
  it("is named by its path", function()
    local rows = {}
    for i = 1, 17 do rows[i] = {} end
    rows[17].cb = print
    assert.equals("An object could not be cloned: value.rows[17].cb (function)", hex { rows = rows })
    assert.equals("An object could not be cloned: value (coroutine)", hex(coroutine.create(print)))
    assert.equals("An object could not be cloned: value[1] (FILE*)", hex { io.stdout })
    assert.equals('An object could not be cloned: value["a b"] (function)', hex { ["a b"] = print })
    assert.equals('An object could not be cloned: value:get("k")[1] (function)', hex(ipc.Map { { "k", { print } } }))
    assert.equals("An object could not be cloned: value.keys[1] (function)", hex(ipc.Map { { print, 1 } }))
    assert.equals("An object could not be cloned: value.values[2] (function)", hex(ipc.Set { 1, print }))
    assert.equals("An object could not be cloned: value.cause (function)", hex(ipc.Error { cause = print }))
  end)

  it("is what a metatable says with __clone", function()
    local Promise = { __name = "Promise", __clone = false }
    assert.equals("An object could not be cloned: value.p (Promise)", hex { p = setmetatable({}, Promise) })
    assert.equals("An object could not be cloned: value (table)", hex(setmetatable({}, { __clone = false })))
    local Error = { __name = "Error", __clone = "Error" }
    assert.equals(hex(ipc.Error { name = "TypeError", message = "m" }),
      hex(setmetatable({ name = "TypeError", message = "m", code = 1 }, Error)))
    assert.equals("a0", hex(setmetatable({}, { __clone = true })))
  end)

  it("has a path that is cut in front, and is text", function()
    local deep = { print }
    for _ = 1, 200 do deep = { ["schlüssel"] = deep } end
    local text = hex(deep)
    assert.matches("^An object could not be cloned: value%.%.%..*%[1%] %(function%)$", text)
    assert.is_truthy(utf8.len(text))
    assert.equals('An object could not be cloned: value["?"] (its key is not text)', hex { ["\xff"] = 1 })
    assert.is_truthy(utf8.len(hex { [("ü"):rep(60)] = print }))
  end)

  it("is nested too deep past limits.nesting", function()
    local deep = {}
    for _ = 1, 999 do deep = { deep } end
    assert.is_table(echo(deep))
    local bytes, text, code = core.encode { deep }
    assert.is_nil(bytes)
    assert.matches("^limits.nesting %(1000%) exceeded at value%.%.%.%[1%]", text)
    assert.equals("ERR_LIMIT_NESTING", code)
  end)
end)

describe("text and numbers", function()
  it("sends strings that are no text as a Uint8Array", function()
    assert.equals("d84041ff", hex "\xff")
    assert.equals("d8404661eda0bdedb0", hex("a\xed\xa0\xbd\xed\xb0"))
    assert.equals("d84046eda0bdedbc81", hex "\xed\xa0\xbd\xed\xbc\x81")
  end)

  it("keeps integers beyond 2^53, and has floats with an integral value as integers", function()
    for _, integer in ipairs { math.maxinteger, math.mininteger, 2 ^ 53 | 0 } do
      assert.equals(integer, echo(integer))
      assert.equals("integer", math.type(echo(integer)))
    end
    assert.equals("03", hex(3.0))
    assert.equals("1b0020000000000000", hex(2.0 ^ 53))
    assert.equals("float", math.type(echo(2.0 ^ 54)))
    assert.equals("integer", math.type(read "fb4008000000000000"))
  end)
end)

describe("ipc.Array", function()
  it("makes an empty array, and keeps Lua's own ways with one", function()
    local array = ipc.Array {}
    assert.equals("80", hex(array))
    table.insert(array, "b")
    table.insert(array, 1, "a")
    array[#array + 1] = "c"
    assert.equals(3, #array)
    assert.equals(3, array.length)
    assert.equals("a", table.remove(array, 1))
    table.sort(array, function(a, b) return a > b end)
    assert.equals("c b", table.concat(array, " "))
    assert.equals(ipc.Array, getmetatable(array))
    assert.equals(array, ipc.Array(array))
  end)

  it("becomes sparse when its length is assigned, or when it is made with holes", function()
    local array = ipc.Array { 1, 2, 3 }
    array.length = 2
    assert.equals("820102", hex(array))
    assert.is_nil(array[3])
    array.length = 4
    assert.equals(4, #array)
    assert.equals(ipc.SparseArray, getmetatable(array))
    array[6] = true
    assert.equals(6, array.length)
    assert.equals("860102d81ff7d81ff7d81ff7f5", hex(array))
    assert.equals(3, #ipc.Array { 1, nil, 3 })
    assert.equals(5, #ipc.Array { 1, length = 5 })
    assert.equals(4, #ipc.SparseArray(4))
    assert.same({ 1, 2 }, { array[1], array[2] })
    for key in pairs(array) do assert.is_number(key) end
  end)

  it("is cheap however long it says it is", function()
    local array = ipc.SparseArray(2 ^ 32 - 1)
    local back = echo(array)
    assert.equals(4294967295, #back)
    back.length = 0
    assert.equals("80", hex(back))
  end)

  it("finds elements in any order when it is very sparse", function()
    local array = ipc.SparseArray(1000)
    for _, i in ipairs { 900, 5, 17, 300, 4 } do array[i] = i end
    local elements = "0304" .. "0405" .. "1011" .. "19012b19012c" .. "190383190384"
    assert.equals("d81b83654172726179" .. "1903e8" .. "a5" .. elements, hex(array))
  end)

  it("says what is wrong", function()
    assert.equals("index 0: an array's elements are numbered from 1", message(function() ipc.Array {}[0] = 1 end))
    assert.equals("index -1: an array's elements are numbered from 1",
      message(function() ipc.SparseArray(1)[-1] = 1 end))
    assert.equals("Invalid array length: -1", message(function() ipc.Array {}.length = -1 end))
    assert.equals("Invalid array length: 1.5", message(function() ipc.Array {}.length = 1.5 end))
    assert.equals("Invalid array length: 4294967296", message(function() ipc.SparseArray(1)[2 ^ 32 | 0] = 1 end))
    assert.equals("ipc.Array expects a table, but got number", message(ipc.Array, 5))
    assert.equals("ipc.Array: the table has a metatable of its own; give it a copy",
      message(ipc.Array, setmetatable({}, {})))
    assert.equals("value: key 1.5 is neither text nor an integer; use ipc.Map, ipc.object or string keys",
      hex(ipc.Array { 1, [1.5] = 2 }))
  end)
end)

describe("ipc.object", function()
  it("is an object whatever its keys are", function()
    assert.equals("a2613101613202", hex(ipc.object { 1, 2 }))
    assert.equals("a16474727565f5", hex(ipc.object { [true] = true }))
    assert.equals("a163312e3501", hex(ipc.object { [1.5] = 1 }))
    assert.equals("An object could not be cloned: value[a table] (its key has no text)", hex(ipc.object { [{}] = 1 }))
    assert.equals("a0", hex(ipc.object()))
  end)
end)

describe("ipc.Map", function()
  it("tells keys apart as JavaScript does", function()
    local map = ipc.Map { { 0 / 0, "nan" }, { -0.0, "zero" }, { 1, "one" }, { "1", "text" }, { BigInt(1), "big" } }
    assert.equals("nan", map:get(0 / 0))
    assert.equals("zero", map:get(0))
    assert.equals("one", map:get(1.0))
    assert.equals("text", map:get("1"))
    assert.equals("big", map:get(BigInt "1"))
    assert.equals(5, map.size)
    assert.equals(5, #map)
    assert.is_nil(map:get(BigInt(2)))
    assert.is_false(map:has(2))
    map:set(nil, nil)
    assert.equals(ipc.undefined, map:get(ipc.undefined))
    assert.is_true(map:has(nil))
  end)

  it("keeps the order of insertion", function()
    local map = ipc.Map():set("b", 1):set("a", 2):set("b", 3)
    assert.same({ { "b", 3 }, { "a", 2 } }, collect(pairs(map)))
    assert.same({ "b", "a" }, collect(map:keys()))
    assert.same({ 3, 2 }, collect(map:values()))
    assert.is_true(map:delete("b"))
    assert.is_false(map:delete("b"))
    map:set("b", 4)
    assert.same({ { "a", 2 }, { "b", 4 } }, collect(map:entries()))
    assert.same({ { "a", 2 }, { "b", 4 } }, collect(pairs(ipc.Map(map))))
  end)

  it("may change while it is walked", function()
    local map, seen = ipc.Map(), {}
    for i = 1, 200 do map:set(i, i) end
    for key in map:keys() do
      seen[#seen + 1] = key
      map:delete(key)
      if math.type(key) and key % 2 == 1 then map:delete(key + 1) end
      if key == 151 then map:set("late", 0):set(1, 0) end
    end
    assert.equals(102, #seen)
    assert.equals("late", seen[101])
    assert.equals(1, seen[102])
    assert.equals(0, map.size)
  end)

  it("finds its place after it was cleared and filled again, but not past its end", function()
    local set = ipc.Set { 1, 2, 3 }
    local walk = set:values()
    assert.equals(1, walk())
    set:clear()
    set:add("a")
    assert.equals("a", walk())
    assert.is_nil(walk())
    set:add("b")
    assert.is_nil(walk())
    local other = ipc.Set { 1 }
    local turns = 0
    for value in pairs(other) do
      turns = turns + 1
      other:delete(value)
      if turns < 100 then other:add(value) end
    end
    assert.equals(100, turns)
  end)

  it("keeps what it holds through any changes", function()
    local map, model = ipc.Map(), {}
    local random = 1
    for _ = 1, 20000 do
      random = (random * 1103515245 + 12345) % 2147483648
      local key = random // 65536 % 97
      if random // 8 % 3 == 0 then
        assert.equals(model[key] ~= nil, map:delete(key))
        model[key] = nil
      else
        map:set(key, random)
        model[key] = random
      end
    end
    local count = 0
    for key, value in pairs(map) do
      assert.equals(model[key], value)
      count = count + 1
    end
    assert.equals(map.size, count)
    for key in pairs(model) do assert.is_true(map:has(key)) end
  end)

  it("says what is wrong", function()
    assert.equals("ipc.Map expects a list of pairs, { { key, value }, ... }, but got a table with other keys",
      message(ipc.Map, { a = 1 }))
    assert.equals("ipc.Map expects a list of pairs, { { key, value }, ... }; its element 1 is none",
      message(ipc.Map, { 1 }))
    assert.equals("ipc.Set expects a list, but got number", message(ipc.Set, 1))
    assert.equals("Map.get was called without its value; write value:get(...)", message(ipc.Map().get, "a"))
    assert.equals("Map: its field 'a' cannot be set", message(function() ipc.Map().a = 1 end))
    assert.is_nil(ipc.Map().a)
  end)
end)

describe("ipc.BigInt", function()
  it("computes as JavaScript does", function()
    local a, b = BigInt "123456789012345678901234567890", BigInt "-987654321098765432109876543210"
    assert.equals("-121932631137021795226185032733622923332237463801111263526900", tostring(a * b))
    assert.equals("-864197532086419753208641975320", tostring(a + b))
    assert.equals("1111111110111111111011111111100", tostring(a - b))
    assert.equals("-8", tostring(b // a))
    assert.equals("-9000000000900000000090", tostring(b % a))
    assert.equals("-3 -1", ("%s %s"):format(BigInt(-7) // 2, BigInt(-7) % 2))
    assert.equals("-3 1", ("%s %s"):format(7 // BigInt(-2), BigInt(7) % -2))
    assert.equals("1267650600228229401496703205376", tostring(BigInt(2) ^ 100))
    assert.equals("-1", tostring(BigInt(-1) ^ BigInt "100000000000000000000001"))
    assert.equals("1", tostring(BigInt(0) ^ 0))
    assert.equals("0", tostring(-BigInt(0)))
    assert.equals("x1", "x" .. BigInt(1))
  end)

  it("divides numbers of many digits", function()
    for bits = 30, 400, 7 do
      for less = 1, 3 do
        local a, b = BigInt(2) ^ (bits * 2) - less, BigInt(2) ^ bits - 1
        assert.equals(a, a // b * b + a % b)
        assert.is_true(a % b < b)
        b = BigInt(2) ^ (bits - 1) + less
        assert.equals(a, a // b * b + a % b)
        assert.is_true(a % b < b)
      end
    end
  end)

  it("compares exactly, with numbers too", function()
    assert.is_true(BigInt(5) == BigInt "5")
    assert.is_true(BigInt(5) < 6 and BigInt(5) <= 5 and 4 < BigInt(5) and -1 < BigInt(0))
    assert.is_true(BigInt(5) < 5.5 and BigInt(5) >= 5.0 and BigInt(-5) > -5.5)
    assert.is_true(BigInt "9007199254740993" > 9007199254740992.0)
    assert.is_true(BigInt(2) ^ 1100 < math.huge and BigInt(2) ^ 1100 > 1e308 and -(BigInt(2) ^ 1100) > -math.huge)
    assert.is_false(BigInt(0) < 0 / 0 or BigInt(0) >= 0 / 0)
  end)

  it("reads and writes text", function()
    for _, text in ipairs { "0", "-1", "999999999", "1000000000", "-18446744073709551616", ("9"):rep(1000) } do
      assert.equals(text, tostring(BigInt(text)))
      assert.equals(text, tostring(echo(BigInt(text))))
    end
    assert.equals("4294967295", tostring(BigInt "0xffffFFFF"))
    assert.equals(math.mininteger, BigInt(math.mininteger):tointeger())
    assert.is_nil(BigInt "9223372036854775808":tointeger())
    assert.equals(2.0 ^ 64, BigInt "18446744073709551616":tonumber())
    local huge = "0x1" .. ("0"):rep(40000)
    assert.equals(huge, tostring(BigInt(huge)))
    assert.equals(huge, tostring(echo(BigInt(huge))))
  end)

  it("says what is wrong", function()
    assert.equals("Cannot convert '1n' to a BigInt", message(BigInt, "1n"))
    assert.equals("Cannot convert '' to a BigInt", message(BigInt, ""))
    assert.equals("The number 1.5 cannot be converted to a BigInt because it is not an integer", message(BigInt, 1.5))
    assert.equals("ipc.BigInt expects a string or an integer, but got table", message(BigInt, {}))
    assert.equals("Cannot mix ipc.BigInt and a float; convert with ipc.BigInt(...) or :tonumber()",
      message(function() return BigInt(1) + 0.5 end))
    assert.equals("an ipc.BigInt has no fractions; write a // b", message(function() return BigInt(1) / 2 end))
    assert.equals("Division by zero", message(function() return BigInt(1) % 0 end))
    assert.equals("Exponent must be non-negative", message(function() return BigInt(2) ^ -1 end))
    assert.equals("Maximum BigInt size exceeded", message(function() return BigInt(3) ^ 100000 end))
    assert.equals("Maximum BigInt size exceeded", message(function() return BigInt(3) ^ (BigInt(2) ^ 70) end))
    assert.matches("a BigInt of 50000 digits is too long for decimal text", message(BigInt, ("1"):rep(50000)))
  end)
end)

describe("ipc.Buffer and its views", function()
  it("reads and writes elements from 1 by JavaScript's conversions", function()
    local expected = {
      Uint8Array = { 1, 255, 44, 0 }, Int8Array = { 1, -1, 44, 0 }, Uint8ClampedArray = { 2, 0, 255, 0 },
      Uint16Array = { 1, 65535, 300, 0 }, Int16Array = { 1, -1, 300, 0 }, Int32Array = { 1, -1, 300, 0 },
      Uint32Array = { 1, 4294967295, 300, 0 }, Float32Array = { 1.5, -1.5, 300, 0 },
      Float64Array = { 1.5, -1.5, 300, 0 }, Float16Array = { 1.5, -1.5, 300, 0 },
    }
    for name, elements in pairs(expected) do
      local view = ipc[name] { 1.5, -1.5, 300, false }
      assert.equals(4, #view)
      for i = 1, 4 do assert.equals(elements[i], view[i], name) end
      assert.is_nil(view[5])
      assert.is_nil(view[0])
      view[2] = 2 ^ 32 * 7 + 3
      if name:find("Int") or name == "Uint16Array" then assert.equals(3, view[2], name) end
      assert.equals(view.byteLength, #tostring(view))
    end
    local clamped = ipc.Uint8ClampedArray { 0.5, 1.5, 2.5, 0 / 0, 1e300, -1e300 }
    assert.same({ 0, 2, 2, 0, 255, 0 }, { clamped[1], clamped[2], clamped[3], clamped[4], clamped[5], clamped[6] })
  end)

  it("rounds to half floats once", function()
    local cases = {
      { 65504, "ff7b" }, { 65519.99, "ff7b" }, { 65520, "007c" }, { 2 ^ -24, "0100" }, { 2 ^ -25, "0000" },
      { 2 ^ -25 * 1.0000001, "0100" }, { 2 ^ -14, "0004" }, { 1 + 2 ^ -11, "003c" }, { 1 + 2 ^ -11 + 2 ^ -40, "013c" },
    }
    for _, case in ipairs(cases) do assert.equals(case[2], support.hex(tostring(ipc.Float16Array { case[1] }))) end
  end)

  it("has BigInts of 64 bits", function()
    local view = ipc.BigInt64Array { -1, BigInt "9223372036854775808" }
    assert.equals(BigInt(-1), view[1])
    assert.equals(BigInt "-9223372036854775808", view[2])
    assert.equals("18446744073709551615", tostring(ipc.BigUint64Array(view.buffer)[1]))
  end)

  it("shares the buffer of its views", function()
    local buffer = ipc.Buffer "\1\2\3\4"
    local bytes, words = ipc.Uint8Array(buffer), ipc.Uint16Array(buffer, 2, 1)
    words[1] = 0x0a0b
    assert.equals("\1\2\x0b\x0a", tostring(buffer))
    assert.equals(0x0b, bytes[3])
    buffer[1] = 9
    assert.equals(9, bytes[1])
    local back = echo { bytes, words, buffer }
    assert.equals(back[3], back[1].buffer)
    assert.equals(back[3], back[2].buffer)
    back[1][3] = 7
    assert.equals(0x0a07, back[2][1])
  end)

  it("follows a buffer that is resized", function()
    local buffer = ipc.Buffer("\1\2", 8)
    local all, part = ipc.Uint8Array(buffer), ipc.Uint8Array(buffer, 1, 1)
    buffer:resize(8)
    assert.equals(8, #all)
    assert.equals("\1\2\0\0\0\0\0\0", tostring(all))
    all[8] = 1
    buffer:resize(1)
    assert.equals(0, #part)
    assert.equals("An object could not be cloned: value (a view that is outside of its buffer)", hex(part))
    buffer:resize(8)
    assert.equals("\1\0\0\0\0\0\0\0", tostring(buffer))
    assert.equals(1, #part)
    local back = echo(all).buffer
    assert.is_true(back.resizable)
    assert.equals(8, back.maxByteLength)
    back:resize(2)
    back:resize(8)
    assert.equals("\1\0\0\0\0\0\0\0", tostring(back))
  end)

  it("grows as far as a maximum says that was only declared", function()
    local buffer = read "d81b836b417272617942756666657241011b001fffffffffffff"
    assert.equals(2 ^ 53 - 1, buffer.maxByteLength)
    buffer:resize(1000)
    assert.equals("\1" .. ("\0"):rep(999), tostring(buffer))
  end)

  it("reads and writes through ipc.DataView in either order", function()
    local view = ipc.DataView(ipc.Buffer(10), 1)
    view:setInt16(0, -2)
    assert.equals(0xfffe, view:getUint16(0))
    assert.equals(0xfeff, view:getUint16(0, true))
    view:setFloat64(1, 1.25, true)
    assert.equals(1.25, view:getFloat64(1, true))
    view:setBigInt64(1, -3)
    assert.equals(BigInt(-3), view:getBigInt64(1))
    assert.equals(9, #view)
    assert.equals("Offset is outside the bounds of the DataView", message(view.getInt16, view, 8))
    assert.equals("Offset is outside the bounds of the DataView", message(view.getInt16, view, -1))
  end)

  it("makes arrays of lengths, bytes, lists and other arrays", function()
    assert.equals("\0\0\0\0", tostring(ipc.Uint16Array(2)))
    assert.equals(0x0201, ipc.Uint16Array("\1\2")[1])
    assert.equals("\1\0\2\0", tostring(ipc.Uint16Array(ipc.Int8Array { 1, 2 })))
    assert.equals("\2\3", tostring(ipc.Buffer("\1\2\3\4"):slice(1, -1)))
    assert.equals("\1\2", tostring(ipc.Buffer("\1\2"):slice(math.mininteger)))
    assert.equals("\0\0", tostring(ipc.Buffer(2)))
  end)

  it("says what is wrong", function()
    local bytes, eight = ipc.Uint8Array { 1 }, ipc.Buffer(8)
    assert.equals("Uint8Array: 2 is not an element from 1 to 1", message(function() bytes[2] = 1 end))
    assert.equals("an element of Uint8Array is a number, not string", message(function() bytes[1] = "1" end))
    assert.equals("an element of BigInt64Array is an ipc.BigInt or an integer, not a float",
      message(function() ipc.BigInt64Array(1)[1] = 1.5 end))
    assert.equals("Uint16Array: the offset is not a multiple of the element's size", message(ipc.Uint16Array, eight, 1))
    assert.equals("Uint8Array: the offset is past the buffer", message(ipc.Uint8Array, eight, 9))
    assert.equals("Uint8Array: the view does not fit in its buffer", message(ipc.Uint8Array, eight, 1, 8))
    assert.equals("byte length of Uint16Array should be a multiple of 2", message(ipc.Uint16Array, ipc.Buffer(3)))
    assert.equals("the buffer is not resizable; make it with ipc.Buffer(bytes, max)", message(eight.resize, eight, 1))
    assert.equals("Invalid buffer length: -1", message(ipc.Buffer, -1))
    assert.equals("ipc.DataView expects an ipc.Buffer, but got number", message(ipc.DataView, 1))
    assert.equals("ipc.Buffer expects bytes in a string or a length, but got table", message(ipc.Buffer, {}))
  end)
end)

describe("dates, patterns, boxes", function()
  it("keeps a date to the millisecond", function()
    assert.equals("2009-02-13T23:31:30.123Z", tostring(echo(ipc.Date(1234567890123))))
    assert.equals("1969-12-31T23:59:59.999Z", ipc.Date(-1):toISOString())
    assert.equals("+275760-09-13T00:00:00.000Z", tostring(ipc.Date(8.64e15)))
    assert.equals("-000001-12-31T00:00:00.000Z", tostring(ipc.Date(-62167219200000 - 86400000)))
    assert.equals("2000-02-29T00:00:00.000Z", tostring(ipc.Date(951782400000)))
    assert.equals("Invalid Date", tostring(ipc.Date(8.64e15 + 1)))
    assert.equals("Invalid time value", message(function() ipc.Date(0 / 0):toISOString() end))
    assert.is_true(ipc.Date(0) < ipc.Date(1) and ipc.Date(1) <= ipc.Date(1))
    assert.is_true(math.abs(ipc.Date():getTime() - os.time() * 1000) < 5000)
    for ms = -10 ^ 15 // 1, 10 ^ 15 // 1, 999999999999 // 7 * 3 do
      assert.equals(ms, echo(ipc.Date(ms)):getTime())
    end
    assert.equals("ipc.Date expects milliseconds since 1970, but got string", message(ipc.Date, "now"))
  end)

  it("carries patterns and boxed primitives", function()
    assert.equals("/a+/gi", tostring(echo(ipc.RegExp("a+", "gi"))))
    assert.equals("Invalid flags supplied to RegExp constructor 'uv'", message(ipc.RegExp, "a", "uv"))
    assert.equals("ab", echo(ipc.Boxed "ab").value)
    assert.equals("5", tostring(ipc.Boxed(5)))
    assert.equals("ipc.Boxed expects a number, a boolean, text or an ipc.BigInt, but got nil", message(ipc.Boxed, nil))
    assert.matches("^ipc.Boxed expects", message(ipc.Boxed, "\xff"))
  end)
end)

describe("ipc.Error", function()
  it("is a table that prints", function()
    local err = ipc.Error { name = "NoteError", message = "full", code = "E_FULL" }
    assert.equals("NoteError: full", tostring(err))
    assert.equals("note: NoteError: full!", "note: " .. err .. "!")
    assert.equals("E_FULL", err.code)
    assert.equals("Error: text", tostring(ipc.Error "text"))
    assert.equals("Error", tostring(ipc.Error {}))
    assert.equals("ipc.Error expects a table of fields or a message, but got number", message(ipc.Error, 5))
  end)

  it("is one of JavaScript's classes as a value, and text whatever its bytes", function()
    local back = echo(ipc.Error { name = "NoteError", message = "full", code = 1, stack = "at x" })
    assert.equals(ipc.Error, getmetatable(back))
    assert.same({ "Error", "full", "at x", nil }, { back.name, back.message, back.stack, back.code })
    assert.equals("TypeError", echo(ipc.Error { name = "TypeError" }).name)
    assert.equals("bad \u{fffd}", echo(ipc.Error { message = "bad \xff" }).message)
    assert.equals("12", echo(ipc.Error { message = 12 }).message)
  end)
end)

describe("ipc.type and ipc.default", function()
  it("names kinds as JavaScript does", function()
    local kinds = {
      { nil, "undefined" }, { ipc.undefined, "undefined" }, { ipc.null, "null" }, { true, "boolean" }, { 1, "number" },
      { "", "string" }, { {}, "Object" }, { { 1 }, "Array" }, { { a = 1 }, "Object" }, { ipc.Array {}, "Array" },
      { ipc.SparseArray(3), "Array" }, { ipc.object { 1 }, "Object" }, { ipc.Map(), "Map" }, { ipc.Set(), "Set" },
      { BigInt(1), "bigint" }, { ipc.Buffer(1), "ArrayBuffer" }, { ipc.Uint8Array(1), "Uint8Array" },
      { ipc.DataView(ipc.Buffer(0)), "DataView" }, { ipc.Error { name = "TypeError" }, "TypeError" },
      { ipc.Error { name = "NoteError" }, "Error" }, { ipc.Boxed(1), "Number" }, { ipc.Boxed "", "String" },
      { ipc.Date(0), "Date" }, { ipc.RegExp("a"), "RegExp" }, { print, "function" }, { io.stdout, "userdata" },
    }
    for _, pair in pairs(kinds) do assert.equals(pair[2], ipc.type(pair[1])) end
  end)

  it("treats nil, undefined and null alike", function()
    assert.equals(1, ipc.default(nil, 1))
    assert.equals(1, ipc.default(ipc.undefined, 1))
    assert.equals(1, ipc.default(ipc.null, 1))
    assert.is_false(ipc.default(false, 1))
    assert.equals("undefined", tostring(ipc.undefined))
  end)
end)

describe("a document", function()
  it("keeps identity and cycles, with any number of objects", function()
    local all = {}
    for i = 1, 500 do all[i] = { i = i } end
    for i = 1, 500 do all[500 + i] = all[501 - i] end
    all[1].all = all
    local back = echo(all)
    assert.is_true(rawequal(back, back[1].all))
    for i = 1, 500 do assert.is_true(rawequal(back[500 + i], back[501 - i])) end
  end)

  it("has all classes under their own names, each its values' metatable", function()
    for _, name in ipairs { "Map", "Set", "Date", "RegExp", "BigInt", "Buffer", "Uint8Array", "DataView", "Boxed" } do
      assert.is_table(ipc[name])
    end
    assert.equals(ipc.Map, getmetatable(ipc.Map()))
  end)

  it("survives classes that scripts take apart", function()
    assert.equals("a0", hex(setmetatable({}, ipc.Map)))
    local names = {
      "Array", "SparseArray", "Map", "Set", "BigInt", "Buffer", "Uint8Array", "DataView", "Date", "Boxed",
    }
    for _, name in ipairs(names) do
      for _, wrong in ipairs { 5, "text", ipc.null, io.stdout, {} } do
        for _, method in pairs(ipc[name]) do
          if type(method) == "function" then pcall(method, wrong, 1, 2) end
        end
      end
    end
  end)
end)

describe("promises and their kin", function()
  it("are refused by their names, and their errors are errors", function()
    local promise = require("async.promise").resolve(1)
    assert.equals("An object could not be cloned: value[1] (Promise)", hex { promise })
    local controller = require "async.abort".AbortController()
    assert.equals("An object could not be cloned: value.signal (AbortSignal)", hex { signal = controller.signal })
    local err = require "async.errors".new("TypeError", "bad", "E_BAD")
    assert.equals("TypeError: bad", tostring(echo(err)))
    assert.equals(ipc.Error, getmetatable(echo(err)))
  end)
end)
