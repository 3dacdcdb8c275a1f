--- The globals of a host under test: standard libraries of its own, so that what a host changes in them it changes
-- for its scripts alone, and a `require` whose modules are the host's alone.
-- @module ipchost.test.environment
local core = require "ipchost.core"

local LIBRARIES = { "string", "table", "math", "io", "os", "debug", "coroutine", "utf8", "package" }
local FUNCTIONS = {
  "assert", "collectgarbage", "error", "getmetatable", "ipairs", "next", "pairs", "pcall", "rawequal", "rawget",
  "rawlen", "rawset", "select", "setmetatable", "tonumber", "tostring", "type", "warn", "xpcall", "_VERSION",
}

local function copy(from)
  local to = {}
  for key, value in pairs(from) do to[key] = value end
  return to
end

-- ---- the host's own modules ----

-- name -> { code, path }: each is read once and made anew for every host.
local compiled = {}

local function compile(name)
  local path = "=" .. name
  local chunk = package.preload[name]
  if not chunk then
    local message
    path, message = package.searchpath(name, package.path)
    if not path then return nil, message end
    chunk = assert(loadfile(path, "t"))
  end
  return { code = string.dump(chunk), path = path }
end

local function is_own(name)
  if name:find("^ipchost%.test%f[.%z]") then return false end
  return name == "async" or name:find("^async%.") or name:find("^ipchost%.")
end

--- A searcher: the modules that the host itself is made of.
local function own_searcher(env)
  return function(name)
    local preloaded = env.package.preload[name]
    if preloaded then return preloaded, ":preload:" end
    if not is_own(name) then return nil end
    local message
    if not compiled[name] then compiled[name], message = compile(name) end
    if not compiled[name] then return message end
    return assert(load(compiled[name].code, compiled[name].path, "b", env)), compiled[name].path
  end
end

-- ---- the standard libraries ----

local function add_loaders(env)
  function env.load(chunk, name, mode, ...)
    if select("#", ...) > 0 then return load(chunk, name, mode, ...) end
    return load(chunk, name, mode, env)
  end
  function env.loadfile(name, mode, ...)
    if select("#", ...) > 0 then return loadfile(name, mode, ...) end
    return loadfile(name, mode, env)
  end
end

local function add_require(env)
  local loaded = env.package.loaded
  function env.require(name)
    if loaded[name] ~= nil then return loaded[name] end
    for _, searcher in ipairs(env.package.searchers) do
      local loader, extra = searcher(name)
      if type(loader) == "function" then
        local value = loader(name, extra)
        loaded[name] = value ~= nil and value or loaded[name] or true
        return loaded[name]
      end
    end
    error(("module '%s' not found"):format(name), 2)
  end
end

--- What the library registers of luv's is the spec's, and stays as it is.
local function fake_registry()
  return setmetatable({}, { __index = function() return { __index = {} } end })
end

local environment = {}

--- Makes the globals. What the host adds to them comes with `host:open`.
function environment.new()
  local env = {}
  env._G = env
  for _, name in ipairs(FUNCTIONS) do env[name] = _G[name] end
  for _, name in ipairs(LIBRARIES) do env[name] = copy(_G[name]) end
  local libraries = env.package
  libraries.loaded, libraries.preload = { _G = env }, {}
  for _, name in ipairs(LIBRARIES) do libraries.loaded[name] = env[name] end
  libraries.searchers = { own_searcher(env), function() end, package.searchers[3], package.searchers[4] }
  env.debug.getregistry = fake_registry
  add_loaders(env)
  add_require(env)
  return env
end

--- What a renderer's invoke gives is the spec's, which looks at it when it likes: nobody reports it as unhandled.
local function quiet(methods)
  local invoke, with = methods.invoke, methods.with
  function methods.invoke(...)
    local result = invoke(...)
    result.handled = true
    return result
  end
  function methods.with(...)
    local bound = with(...)
    local ask = bound.invoke
    function bound.invoke(...)
      local result = ask(...)
      result.handled = true
      return result
    end
    return bound
  end
end

--- The time of day is the clock's.
local function add_time(env, uv)
  function env.os.time(...)
    if ... ~= nil then return os.time(...) end
    return (uv.gettimeofday())
  end
  function env.os.date(format, time) return os.date(format or "%c", time or (uv.gettimeofday())) end
end

--- Adds luv, and the module `ipchost.core`, whose listeners are started by the host.
function environment.join(env, uv)
  add_time(env, uv)
  local values = copy(core)
  values.set_runner, values.host = nil, nil
  env.package.loaded["ipchost.core"] = values
  env.package.loaded.luv = uv
  return values
end

--- The same for the renderers' side, which is no host's: it starts its listeners itself.
function environment.join_client(env, uv, host)
  local values, run, warn = environment.join(env, uv), nil, nil
  function values.set_runner(...) run, warn = ... end
  function values.emit(...) return host:apart(run, warn, core.emit, ...) end
  function values.emitter(name, methods, colon)
    if methods.invoke then quiet(methods) end
    return core.emitter(name, methods, colon)
  end
end

--- A function of the spec's with the environment's globals.
function environment.adopt(env, fn)
  for i = 1, math.huge do
    local name = debug.getupvalue(fn, i)
    if not name then return fn end
    if name == "_ENV" then debug.upvaluejoin(fn, i, function() return env end, 1) end
  end
end

return environment
