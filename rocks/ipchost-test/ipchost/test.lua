--- The test kit: a host in the process of a spec, for plain busted. The scripts run as in the program, over the
-- same core and the same structured clone; there is no socket, and time stands still until it is advanced.
--
--    local test = require "ipchost.test"
--    it("greets", function()
--      local host <close> = test.host { scripts = { "scripts/main.lua" } }
--      assert.equal("Hello, Ada!", host:renderer():invoke("greet", "Ada"))
--    end)
-- @module ipchost.test
local Engine = require "ipchost.test.engine"
local asserts = require "ipchost.test.asserts"
local renderer = require "ipchost.test.renderer"

local engines = setmetatable({}, { __mode = "k" }) -- host -> its engine
local current -- the host that was used last

local OPTIONS = { scripts = "table", path = "string", settings = "table" }

local function check(options)
  if type(options) ~= "table" then error("test.host: expected { scripts = { ... } }", 3) end
  for key, value in pairs(options) do
    if not OPTIONS[key] then error(("test.host: unknown option '%s'"):format(tostring(key)), 3) end
    if type(value) ~= OPTIONS[key] then
      error(("test.host: %s: expected a %s, not a %s"):format(key, OPTIONS[key], type(value)), 3)
    end
  end
  for i, script in ipairs(options.scripts or {}) do
    if type(script) ~= "string" and type(script) ~= "function" then
      error(("test.host: scripts[%d]: expected a path, a function or source"):format(i), 3)
    end
  end
end

--- A host under test. Its fields are the globals of its scripts: host.ipcMain, host.webContents, host.app, and what
-- the scripts themselves make global.
-- @type Host
local Host = {}

local function engine_of(self)
  local engine = engines[self]
  if not engine then error("the host was closed", 3) end
  current = self
  engine.core:bind()
  return engine
end

local function is_thenable(value)
  if type(value) ~= "table" then return false end
  local ok, method = pcall(function() return value["then"] end)
  return ok and method ~= nil
end

--- Why nothing goes on, for whoever waits.
local function stuck(engine)
  local due = engine:next_due()
  if due then
    local text = "nothing happens before the clock is advanced: the next timer is due in %d ms, see host:advance"
    return text:format(due)
  end
  return "nothing is left that could settle what is awaited"
end

--- The async of the task that runs: the scripts', or the renderers' side's; nil outside.
local function running_async(engine)
  if engine.client.scheduler.is_task() then return engine.client.async end
  for _, generation in pairs(engine.generations) do
    if generation.env.require("async.scheduler").is_task() then return generation.env.async end
  end
end

--- Runs fn(...) as a task, so that it may await, until it is done; returns its results or raises its error.
function Host:run(fn, ...)
  local engine = engine_of(self)
  if running_async(engine) then return fn(...) end
  local args, state = table.pack(...), { settled = false }
  engine.core:enter(0, function()
    engine.client.async.run(function() return fn(table.unpack(args, 1, args.n)) end):next(
      function(...) state.settled, state.values = true, table.pack(...) end,
      function(reason) state.settled, state.reason = true, reason end)
  end)
  local done = engine:drive(function() return state.settled end)
  if not done then error(stuck(engine), 3) end
  if not state.values then error(state.reason, 0) end
  return table.unpack(state.values, 1, state.values.n)
end

--- Starts fn(...) as a task, for what waits while the spec goes on; host:await gives its results or
-- raises its error.
function Host:start(fn, ...)
  local engine = engine_of(self)
  local args, task = table.pack(...), nil
  engine.core:enter(0, function()
    task = engine.client.async.run(function() return fn(table.unpack(args, 1, args.n)) end)
    task.handled = true
  end)
  engine:tick()
  return task
end

--- Waits for a promise, task or thenable: its value, or raises its reason. Anything else is given back.
function Host:await(value, ...)
  local engine = engine_of(self)
  if not is_thenable(value) then return value, ... end
  local async = running_async(engine)
  if async then return async.await(value) end
  return self:run(engine.client.async.await, value)
end

--- Lets happen all that can happen without time passing.
function Host:tick()
  engine_of(self):tick()
  return self
end

--- Lets time pass for the host: what sleeps wakes, what is over its time ends.
-- @number ms milliseconds
function Host:advance(ms)
  local engine = engine_of(self)
  if math.type(ms) ~= "integer" or ms < 0 then error("host:advance: expected milliseconds", 2) end
  engine:advance(ms)
  return self
end

--- Connects a renderer.
-- @tparam[opt] table options `url`, `app://test` by default; `origin`, that of the page if it is one; `name`, `title`;
--   `parent`, a renderer of the host: then it is a frame within that one
function Host:renderer(options)
  local engine = engine_of(self)
  options = options or {}
  if options.parent then return renderer.open_child(self, engine, options) end
  return renderer.connect(self, engine, options)
end

--- Two ports that are joined, to be posted by a renderer.
function Host:channel() return engine_of(self).client.env.require("ipchost.renderer").MessageChannel.pair() end

--- Loads the scripts anew, as `app.reload` does: paths are read again, functions and sources run again, each with new
-- globals. What fails leaves the scripts that serve as they are.
-- @treturn table the report: `ok`, `error`, `files`, `ms`, `disposed`, `leftovers`
function Host:reload()
  local engine = engine_of(self)
  if engine.core:inside() then error("host:reload: scripts reload by app.reload()", 2) end
  local report = engine:reload()
  if not report then error(stuck(engine), 2) end
  return report
end

--- Takes what scripts raised and nobody was told of: a list of texts with their tracebacks. The error of a handler is
-- its caller's, and not among them.
function Host:errors() return engine_of(self):take_errors() end

--- Takes what was logged: a list of `{ level, text }`.
function Host:log() return engine_of(self):take_log() end

local function close(self)
  local engine = engines[self]
  if not engine then return {} end
  if engine.core:inside() then error("a host cannot be closed by its own scripts", 4) end
  engine.core:bind()
  engine:tick()
  engine.core:quit()
  engine:tick()
  local errors = engine:take_errors()
  engines[self] = nil
  if current == self then current = nil end
  engine:close()
  return errors
end

local function raise(errors, level)
  if #errors > 0 then error("the scripts raised:\n" .. table.concat(errors, "\n"), level) end
end

--- Ends the host, as app.quit does, and raises what its scripts raised and nobody took.
function Host:close() raise(close(self), 3) end

local class = {
  __name = "ipchost.test.host",
  __index = function(self, key)
    if Host[key] then return Host[key] end
    return engine_of(self):environment()[key]
  end,
  __newindex = function(self, key, value) engine_of(self):environment()[key] = value end,
  -- What went wrong before is what the spec fails with.
  __close = function(self, failure)
    local errors = close(self)
    if failure == nil then raise(errors, 2) end
  end,
}

local test = {}

--- Makes a host and runs its scripts; raises what they raise.
-- @tparam table options `scripts`, a list of paths, functions and sources, run in order with the host's globals as
--   theirs; `path`, where `require` looks first, as package.path has it; `settings`, for app.settings
-- @treturn Host
function test.host(options)
  options = options or {}
  check(options)
  local engine, why = Engine.new {
    scripts = options.scripts or {}, path = options.path or "", settings = options.settings,
  }
  if not engine then error(why, 2) end
  local host = setmetatable({}, class)
  engine.core:bind()
  engine, why = engine:load()
  if not engine then error(why, 2) end
  engines[host] = engine
  current = host
  return host
end

asserts.register(function(value, ...)
  if current and is_thenable(value) then return current:await(value) end
  return value, ...
end)

return test
