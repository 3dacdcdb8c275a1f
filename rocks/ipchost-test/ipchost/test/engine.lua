--- What moves a host under test: its environment, its loop, its log.
-- @module ipchost.test.engine
local uv = require "luv"
local core = require "ipchost.core"
local environment = require "ipchost.test.environment"
local Loop = require "ipchost.test.loop"

-- A script that always has something to do is left at it.
local TURNS_MAX = 1000
-- How long, by a real clock, a file or a socket of luv's may take.
local WAIT_MS = 5000
-- The caller of a handler is told of its error.
local TOLD = "^Error occurred in handler for '"

if not core.host then error("ipchost.test is for specs: run them with busted, or with ipchost test", 0) end

local Engine = {}
Engine.__index = Engine

local function folder_of(path) return path:match("^(.*)/[^/]*$") or "." end

local function is_path(script) return not script:find("\n", 1, true) and script:find("%.lua$") ~= nil end

local function absolute(path)
  if path:sub(1, 1) == "/" then return path end
  return (os.getenv("PWD") or ".") .. "/" .. path
end

--- The scripts as entries, {run =, name =}; or nil and a message.
local function compile(env, scripts)
  local entries = {}
  for i, script in ipairs(scripts) do
    local chunk, message
    if type(script) == "function" then
      chunk = environment.adopt(env, script)
    elseif is_path(script) then
      chunk, message = env.loadfile(script, "t")
    else
      chunk, message = env.load(script, ("=scripts[%d]"):format(i), "t")
    end
    if not chunk then return nil, message end
    entries[i] = { run = chunk, name = type(script) == "string" and is_path(script) and script or nil }
  end
  return entries
end

local function search_first(env, path, scripts)
  local parts = { path }
  for _, script in ipairs(scripts) do
    if type(script) == "string" and is_path(script) then
      parts[#parts + 1] = folder_of(script) .. "/?.lua"
      parts[#parts + 1] = folder_of(script) .. "/?/init.lua"
    end
  end
  parts[#parts + 1] = env.package.path
  env.package.path = table.concat(parts, ";")
end

--- Makes a generation: its environment, and what completes the functions that the host calls there.
local function make(self, options, number)
  local env, loop = environment.new(), Loop.new(self.core, number)
  environment.join(env, loop.uv)
  self.generations[number] = { env = env, loop = loop }
  return env, function(hooks)
    search_first(env, options.path, options.scripts)
    function hooks.load(_, done)
      hooks.run(function() return compile(env, options.scripts) end, done)
    end
    local retire = hooks.retire
    function hooks.retire(scope_of, kept)
      local ended = retire(scope_of, kept)
      loop:retire(kept)
      return ended
    end
  end
end

--- The renderers' side: async and the renderer, by the host's clock, for as long as the host lives.
local function new_client(self)
  local env, loop = environment.new(), Loop.new(self.core, 0)
  local client = { env = env, loop = loop, wanted = false }
  environment.join_client(env, loop.uv, self.core)
  client.scheduler = env.require "async.scheduler"
  client.scheduler.set_host { request = function() client.wanted = true end }
  client.scheduler.log = function(text) self.raised[#self.raised + 1] = text end
  client.async = env.require "async"
  return client
end

--- Makes a host of the options that `test.host` was given.
function Engine.new(options)
  local self = setmetatable({ generations = {}, links = {}, lines = {}, raised = {} }, Engine)
  self.core = core.host {
    base = folder_of(absolute "x"), settings = options.settings,
    make = function(number) return make(self, options, number) end,
  }
  local opened, message = self.core:open()
  if not opened then return self:fail(message) end
  self.client = new_client(self)
  return self
end

--- The globals of the scripts that serve.
function Engine:environment() return self.generations[self.core:number()].env end

--- The same where a spec reads what is theirs; nil when the host is closed.
function Engine:serving()
  if self.closed then return end
  self.core:bind()
  return self:environment()
end

--- Ends a host that could not be made: gives nil and why.
function Engine:fail(message)
  local text = table.concat(self:take_errors(), "\n")
  self:close()
  return nil, text ~= "" and text or message
end

--- Runs the scripts; nil and why not when they fail.
function Engine:load()
  self.core:load()
  self:drive(function() return self.core:loaded() ~= nil end)
  if self.core:loaded() == false then return self:fail("the scripts cannot be loaded") end
  return self
end

-- ---- turns ----

local function nothing() end

--- All loops that turn: those of the scripts, and the renderers'.
local function loops(self)
  local list = { self.client.loop }
  for _, generation in pairs(self.generations) do list[#list + 1] = generation.loop end
  return list
end

local function drain(client)
  if not client.wanted then return false end
  client.wanted = false
  client.scheduler.drain()
  return true
end

function Engine:turn()
  local client, did = self.client, false
  for _, loop in ipairs(loops(self)) do did = loop:turn() or did end
  did = self.core:turn() or did
  for link in pairs(self.links) do
    self.core:enter(0, function() did = link:poll() or did end)
  end
  if client.wanted then
    self.core:enter(0, drain, client)
    did = true
  end
  return did
end

--- Lets happen what can happen without time passing.
function Engine:tick(done)
  for _ = 1, TURNS_MAX do
    local did = self:turn()
    if not did or done and done() then return end
  end
end

local alarm -- a timer of luv's own, which ends a wait

--- A turn of luv's own loop, if that has anything to do before it is `until_ms`. False if not.
local function wait_for_luv(until_ms)
  if not uv.loop_alive() then return false end
  uv.update_time()
  local left = until_ms - uv.now()
  if left <= 0 then return false end
  if not alarm then
    alarm = uv.new_timer()
    alarm:unref()
  end
  alarm:start(left, 0, nothing)
  uv.run("once")
  alarm:stop()
  return true
end

--- Moves on until done(). False when nothing is left that could bring that about.
function Engine:drive(done)
  uv.update_time()
  local until_ms = uv.now() + WAIT_MS
  repeat
    self:tick(done)
    if done() then return true end
  until not wait_for_luv(until_ms)
  -- What nobody holds any longer cannot be answered: its caller is told so.
  self.core:collect()
  self:tick(done)
  return done()
end

--- When something happens of itself, in milliseconds from now; nil if nothing does.
function Engine:next_due()
  local due = self.core:due()
  for _, loop in ipairs(loops(self)) do
    local timer = loop:next_due()
    if timer and (not due or timer < due) then due = timer end
  end
  return due
end

--- Lets time pass: what is due happens in its order.
function Engine:advance(ms)
  local left = ms
  self:tick()
  repeat
    local due = self:next_due()
    local step = due and due < left and math.max(due, 0) or left
    left = left - step
    self.core:pass(step)
    self:tick()
  until left == 0
end

-- ---- reload ----

--- Loads the scripts anew, beside those that serve; when all is well they take over.
-- @return the report of app.reload; nil if nothing brings it about
function Engine:reload()
  local before, report = #self:read_errors(), nil
  -- Asked for before anything happens: those that served settle nothing once they are gone.
  self.core:enter(0, function()
    self:environment().app.reload():next(function(value) report = value end)
  end)
  if not self:drive(function() return report ~= nil end) then return end
  self:tick()
  if not report.ok then -- of that the report tells
    local raised = self:read_errors()
    for i = #raised, before + 1, -1 do raised[i] = nil end
  end
  return report
end

-- ---- the log ----

local function read_log(self)
  local log = self.core:log()
  for i = 1, #log, 2 do
    local line = { level = log[i], text = log[i + 1] }
    self.lines[#self.lines + 1] = line
    if line.level == "error" and not line.text:find(TOLD) then self.raised[#self.raised + 1] = line.text end
  end
end

function Engine:read_errors()
  read_log(self)
  return self.raised
end

--- What scripts raised and nobody was told of.
function Engine:take_errors()
  read_log(self)
  local raised = self.raised
  self.raised = {}
  return raised
end

function Engine:take_log()
  read_log(self)
  local lines = self.lines
  self.lines = {}
  return lines
end

--- Ends it; what was logged can still be read.
function Engine:close()
  self.closed = true
  if self.client then self.client.loop:close() end
  for _, generation in pairs(self.generations) do generation.loop:close() end
  self.core:close()
end

return Engine
