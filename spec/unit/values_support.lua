--- What the specs of values share: hex, and equality in everything that structured clone keeps: kinds, -0 and NaN,
-- order of Map and Set, holes, and identity: what is the same object on one side is the same on the other.
local core = require "ipchost.core"
local ipc = core.values

local support = {}

function support.bytes(hex)
  return (hex:gsub("%x%x", function(digits) return string.char(tonumber(digits, 16)) end))
end

function support.hex(bytes)
  return (bytes:gsub(".", function(byte) return ("%02x"):format(byte:byte()) end))
end

--- Runs a Lua expression over `ipc`.
function support.evaluate(expression)
  return assert(load("local ipc = ... return " .. expression, "=" .. expression:sub(1, 60)))(ipc)
end

local same

local function same_numbers(a, b)
  if a ~= a or b ~= b then return a ~= a and b ~= b end
  return a == b and math.type(a) == math.type(b) and (a ~= 0 or 1 / a == 1 / b)
end

local function same_entries(a, b, seen)
  for key, value in next, a do
    if not same(value, rawget(b, key), seen) then return false, key end
  end
  for key in next, b do
    if rawget(a, key) == nil then return false, key end
  end
  return true
end

local function same_members(a, b, seen)
  local next_a, next_b = a:entries(), b:entries()
  repeat
    local key_a, value_a = next_a()
    local key_b, value_b = next_b()
    if not (same(key_a, key_b, seen) and same(value_a, value_b, seen)) then return false end
  until key_a == nil
  return true
end

local function same_views(a, b, seen)
  return a.byteOffset == b.byteOffset and a.byteLength == b.byteLength and same(a.buffer, b.buffer, seen)
end

local comparisons = {
  Map = same_members,
  Set = same_members,
  Date = function(a, b) return same_numbers(a:getTime(), b:getTime()) end,
  RegExp = function(a, b) return a.source == b.source and a.flags == b.flags end,
  bigint = function(a, b) return a == b end,
  DataView = same_views,
  ArrayBuffer = function(a, b)
    return tostring(a) == tostring(b) and a.maxByteLength == b.maxByteLength and a.resizable == b.resizable
  end,
}
for _, name in ipairs { "Number", "String", "Boolean", "BigInt" } do
  comparisons[name] = function(a, b, seen) return same(a.value, b.value, seen) end
end

local function same_userdata(a, b, seen)
  local kind = ipc.type(a)
  if kind ~= ipc.type(b) then return false end
  return (comparisons[kind] or same_views)(a, b, seen)
end

function same(a, b, seen)
  if type(a) ~= type(b) then return false end
  if type(a) == "number" then return same_numbers(a, b) end
  if type(a) ~= "table" and type(a) ~= "userdata" then return a == b end
  if seen[a] ~= nil or seen[b] ~= nil then return seen[a] == b and seen[b] == a end
  if ipc.type(a) ~= "bigint" and a ~= ipc.undefined and a ~= ipc.null then seen[a], seen[b] = b, a end
  if a == b then return true end
  if type(a) == "userdata" then return same_userdata(a, b, seen) end
  local class = getmetatable(a)
  if class == ipc.Array or class == ipc.SparseArray or class == ipc.Error then
    if getmetatable(b) ~= class or #a ~= #b then return false end
  end
  return same_entries(a, b, seen)
end

--- Whether two values are equal in everything.
function support.same(a, b) return (same(a, b, {})) end

return support
