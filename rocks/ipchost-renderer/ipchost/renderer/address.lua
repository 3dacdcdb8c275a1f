--- Addresses of hosts, as a ready line and a config write them.
-- @module ipchost.renderer.address
local address = {}

-- What fits in a sockaddr_un; libuv cuts what is longer without a word.
local UNIX_MAX = 107

local function decode_percent(text)
  return (text:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end))
end

local parsers = {}

function parsers.unix(rest)
  local path = decode_percent(rest:gsub("^//", ""))
  if path == "" then return nil, "the path is missing" end
  if path:find("\0", 1, true) then return nil, "the path has a NUL" end
  if #path > UNIX_MAX then return nil, ("the path has %d bytes; a socket's has at most %d"):format(#path, UNIX_MAX) end
  return { kind = "unix", path = path }
end

local function parse_inet(scheme, rest)
  local host, port = rest:match("^//%[([%x:.]+)%]:(%d+)$")
  if not host then host, port = rest:match("^//([^/:%[%]]+):(%d+)$") end
  port = tonumber(port)
  if not host or port < 1 or port > 65535 then
    return nil, ("expected %s://host:port, with a port of 1 to 65535"):format(scheme)
  end
  return { kind = scheme, host = host, port = port }
end

function parsers.tcp(rest) return parse_inet("tcp", rest) end

function parsers.stdio(rest)
  if rest ~= "" then return nil, "nothing may follow stdio:" end
  return { kind = "stdio" }
end

--- The path is the host's WebSocket, said or not.
function parsers.ws(rest)
  local target, why = parse_inet("ws", (rest:gsub("/ipchost$", ""):gsub("/$", "")))
  if target then target.authority = rest:match("^//([^/]+)") end
  return target, why
end

--- Reads an address: `unix:/path` (percent-encoded), `tcp://host:port`, `ws://host:port` or `stdio:`.
-- @treturn table|nil `{ kind, path | host, port, text }`, or nil and what is wrong
function address.parse(text)
  local scheme, rest = text:match("^(%a+):(.*)$")
  local parser = parsers[scheme]
  if not parser then return nil, "expected unix:/path, tcp://host:port, ws://host:port or stdio:" end
  local target, why = parser(rest)
  if target then target.text = text end
  return target, why
end

return address
