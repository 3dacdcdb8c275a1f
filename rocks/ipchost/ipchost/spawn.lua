--- app.spawn's script half: what its options may be, and what the process is given of them.
-- It returns a function of `host` (spawn, address, nearest), the config's folder and app, which returns app.spawn.
local uv = require "luv"

local KEYS = { "name", "command", "args", "env", "cwd", "stdio" }
local STDIO = { "ipc", "pipe" }

-- The caller of app.spawn, seen from what checks one option.
local CALLER = 3

local function show(value)
  return type(value) == "string" and ("%q"):format(value) or tostring(value)
end

--- Raises `app.spawn: key = value: text`.
local function fail(key, value, text, deeper)
  error(("app.spawn: %s = %s: %s"):format(key, show(value), text), CALLER + 1 + (deeper or 0))
end

local function meant(host, name, names)
  local nearest = type(name) == "string" and host.nearest(name, names)
  return nearest and ("; did you mean '%s'?"):format(nearest) or ""
end

local function has_nul(text) return text:find("\0", 1, true) ~= nil end

local function check_text(key, value, deeper)
  if type(value) ~= "string" or value == "" then fail(key, value, "expected a string that is not empty", deeper) end
  if has_nul(value) then fail(key, value, "a NUL byte cannot be passed on", deeper) end
  return value
end

local function check_keys(host, options)
  local known = {}
  for _, name in ipairs(KEYS) do known[name] = true end
  for key in pairs(options) do
    if not known[key] then
      error(("app.spawn: unknown key %s: expected %s%s"):format(show(key), table.concat(KEYS, ", "),
        meant(host, key, KEYS)), CALLER)
    end
  end
end

local function check_args(args)
  if args == nil then return {} end
  if type(args) ~= "table" then fail("args", args, "expected a list of strings") end
  for key in pairs(args) do
    if math.type(key) ~= "integer" or key < 1 or key > #args then fail("args", args, "expected a list, keys 1..n") end
  end
  local out = {}
  for i, value in ipairs(args) do
    if type(value) == "number" then value = tostring(value) end
    if type(value) ~= "string" or has_nul(value) then
      fail(("args[%d]"):format(i), value, "expected a string without a NUL byte")
    end
    out[i] = value
  end
  return out
end

local function check_stdio(host, stdio)
  if stdio == nil then return "ipc" end
  if stdio ~= "ipc" and stdio ~= "pipe" then
    fail("stdio", stdio, 'expected "ipc" or "pipe"' .. meant(host, stdio, STDIO))
  end
  return stdio
end

local function check_cwd(base, cwd)
  if cwd == nil then return base end
  check_text("cwd", cwd, 1)
  return cwd:sub(1, 1) == "/" and cwd or base .. "/" .. cwd
end

local function check_env(env)
  if env == nil then return {} end
  if type(env) ~= "table" then fail("env", env, "expected a table of names and values") end
  local out = {}
  for name, value in pairs(env) do
    if type(name) ~= "string" or name == "" or name:find("[=\0]") then
      fail("env", name, "expected the name of a variable")
    end
    if type(value) == "number" then value = tostring(value) end
    if value ~= false and (type(value) ~= "string" or has_nul(value)) then
      fail("env." .. name, value, "expected a string, or false to leave the host's out")
    end
    out[name] = value
  end
  return out
end

--- The host's environment, with what the options add to it and take away: a sorted list of NAME=value.
local function make_env(own, address)
  local all, out = uv.os_environ(), {}
  all.IPCHOST_ADDRESS = address
  for name, value in pairs(own) do all[name] = value or nil end
  for name, value in pairs(all) do out[#out + 1] = name .. "=" .. value end
  table.sort(out)
  return out
end

--- What tells these options from others.
local function key_of(command, args, env, cwd, stdio)
  local parts = { command, cwd, stdio, tostring(#args) }
  table.move(args, 1, #args, #parts + 1, parts)
  table.move(env, 1, #env, #parts + 1, parts)
  for i, part in ipairs(parts) do parts[i] = #part .. ":" .. part end
  return table.concat(parts)
end

local function spawn(host, base, options)
  if type(options) ~= "table" then
    error(("app.spawn: expected a table with name and command, not %s"):format(show(options)), 2)
  end
  check_keys(host, options)
  local name, command = check_text("name", options.name), check_text("command", options.command)
  local stdio = check_stdio(host, options.stdio)
  local args, cwd = check_args(options.args), check_cwd(base, options.cwd)
  local env = make_env(check_env(options.env), stdio == "ipc" and "stdio:" or host.address())
  return host.spawn(name, key_of(command, args, env, cwd, stdio), command, args, env, cwd, stdio == "pipe")
end

return function(host, base, app)
  return function(first, ...)
    if rawequal(first, app) then return spawn(host, base, ...) end
    return spawn(host, base, first)
  end
end
