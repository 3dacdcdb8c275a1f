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

--- The scripts as functions, and the folders of those that are files.
local function compile(env, scripts)
  local chunks, folders = {}, {}
  for i, script in ipairs(scripts) do
    local chunk, message
    if type(script) == "function" then
      chunk = environment.adopt(env, script)
    elseif is_path(script) then
      chunk, message = env.loadfile(script, "t")
      folders[#folders + 1] = folder_of(script)
    else
      chunk, message = env.load(script, ("=scripts[%d]"):format(i), "t")
    end
    if not chunk then error(message, 0) end
    chunks[i] = { run = chunk, name = type(script) == "string" and is_path(script) and script or nil }
  end
  return chunks, folders
end

--- The function that the host calls to run them: load(_, done), where done(nil) or done(text) follows.
local function loader(self)
  return function(_, done)
    local env = self.env
    local function run()
      for _, chunk in ipairs(self.chunks) do chunk.run(chunk.name) end
    end
    local co = env.coroutine.create(function()
      local ok, message = xpcall(run, function(message) return debug.traceback(tostring(message), 2) end)
      done(not ok and message or nil)
    end)
    env.require("async.scheduler").top_level[co] = true
    local ok, message = coroutine.resume(co)
    if not ok then done(tostring(message)) end
  end
end

local function search_first(env, path, folders)
  local parts = { path }
  for _, folder in ipairs(folders) do
    parts[#parts + 1] = folder .. "/?.lua"
    parts[#parts + 1] = folder .. "/?/init.lua"
  end
  parts[#parts + 1] = env.package.path
  env.package.path = table.concat(parts, ";")
end

--- Makes a host of the options that `test.host` was given, and runs its scripts.
function Engine.new(options)
  local env = environment.new()
  local self = setmetatable({ env = env, links = {}, lines = {}, raised = {} }, Engine)
  local base = folder_of(absolute("x"))
  self.core = core.host(env, { base = base, settings = options.settings, load = loader(self) })
  self.loop = Loop.new(self.core)
  environment.join(env, self.core, self.loop.uv)
  local opened, message = self.core:open()
  if not opened then return self:fail(message) end
  local ok, folders
  ok, self.chunks, folders = pcall(compile, env, options.scripts)
  if not ok then return self:fail(self.chunks) end
  search_first(env, options.path, folders)
  return self
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

function Engine:turn()
  local did = self.loop:turn()
  self.core:turn()
  for link in pairs(self.links) do
    self.core:enter(function() did = link:poll() or did end)
  end
  if self.core:busy() then
    self.core:enter(nothing)
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
  collectgarbage()
  collectgarbage()
  self.core:enter(nothing)
  self:tick(done)
  return done()
end

--- When something happens of itself, in milliseconds from now; nil if nothing does.
function Engine:next_due()
  local timer, core_due = self.loop:next_due(), self.core:due()
  return timer and core_due and math.min(timer, core_due) or timer or core_due
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

-- ---- the log ----

local function read_log(self)
  local log = self.core:log()
  for i = 1, #log, 2 do
    local line = { level = log[i], text = log[i + 1] }
    self.lines[#self.lines + 1] = line
    if line.level == "error" and not line.text:find(TOLD) then self.raised[#self.raised + 1] = line.text end
  end
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
  self.loop:close()
  self.core:close()
end

return Engine
