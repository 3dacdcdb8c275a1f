--- Turns spec/vectors/packets.json into the tables that packet_vectors.h declares.
-- Usage: lua5.4 packets_to_c.lua IN.json OUT.inc
local cjson = require "cjson"

local members = { inPage = "in_page", idHex = "id", secretHex = "secret", ticketHex = "id", origin = "text",
  payloadHex = "payload" }

local function bytes_of(hex)
  return (hex:gsub("..", function(pair) return string.char(tonumber(pair, 16)) end))
end

local function c_string(bytes)
  return '"' .. bytes:gsub("[^%w :(),]", function(c) return ("\\%03o"):format(c:byte()) end) .. '"'
end

local function c_slice(bytes)
  return ("{(const uint8_t *)%s, %d}"):format(c_string(bytes), #bytes)
end

local function c_number(value)
  return ("UINT64_C(%d)"):format(math.tointeger(value))
end

local function c_kind(name)
  return "PACKET_" .. name:upper():gsub("-", "_")
end

local function c_value(key, value)
  if type(value) == "boolean" then return tostring(value) end
  if type(value) == "number" then return c_number(value) end
  return c_slice(key:find("Hex$") and bytes_of(value) or value)
end

local function c_ports(list)
  local out = {}
  for i, port in ipairs(list) do out[i] = c_number(port) end
  return #out > 0 and ("(const uint64_t[]){%s}"):format(table.concat(out, ", ")) or "NULL"
end

local function c_packet(packet)
  local unknown = packet.kind == "unknown"
  local out = { ".kind = " .. (unknown and c_number(packet.number) or c_kind(packet.kind)) }
  for key, value in pairs(packet) do
    if key == "ports" then
      out[#out + 1] = (".port_count = %d"):format(#value)
    elseif key ~= "kind" and not unknown then
      out[#out + 1] = (".%s = %s"):format(members[key] or key, c_value(key, value))
    end
  end
  return ("    {{%s}, %s}"):format(table.concat(out, ", "), c_ports(packet.ports or {}))
end

local function c_list(ctype, items, convert)
  local out = {}
  for i, item in ipairs(items) do out[i] = convert(item) end
  if #out == 0 then return "NULL, 0" end
  return ("(const %s[]){\n%s}, %d"):format(ctype, table.concat(out, ",\n"), #out)
end

local function c_valid(vector)
  return ("  {%s, %s, %s}"):format(c_string(vector.name), c_slice(bytes_of(vector.hex)),
    c_list("struct expected", vector.packets, c_packet))
end

local function c_invalid(vector)
  return ("  {%s, %s, %d}"):format(c_string(vector.name), c_slice(bytes_of(vector.hex)), vector.error)
end

local function c_stream(vector)
  local blocks = c_list("struct slice", vector.blocks, function(hex) return "    " .. c_slice(bytes_of(hex)) end)
  return ("  {%s, %s, %s, %s, %d, %s}"):format(c_string(vector.name), c_slice(bytes_of(vector.streamHex)), blocks,
    c_number(vector.limit), vector.error or 0, tostring(vector.partial or false))
end

local function c_table(ctype, name, items, convert)
  local out = {}
  for i, item in ipairs(items) do out[i] = convert(item) end
  return ("static const struct %s %s[] = {\n%s};\n"):format(ctype, name, table.concat(out, ",\n"))
end

local input = assert(io.open(arg[1], "rb"))
local vectors = cjson.decode(input:read("a"))
input:close()
local output = assert(io.open(arg[2], "wb"))
output:write(c_table("valid_vector", "valid_vectors", vectors.valid, c_valid),
  c_table("invalid_vector", "invalid_vectors", vectors.invalid, c_invalid),
  c_table("stream_vector", "stream_vectors", vectors.streams, c_stream))
output:close()
