--- The Lua side of a generation: what the standard libraries may do inside of the host, how modules are found, and
-- how the entries are run. It returns a function of `host` (log, request, base, scripts) that returns what the
-- host calls: drain, top_level, load, contexts, retire, files, hashes, position; and run, for a host that loads by its
-- own means.
-- All of async is loaded before coroutine.yield is guarded: it keeps the raw one.
local async = require "async"
local scheduler = require "async.scheduler"
local foreign = require "ipchost.foreign"
local source = require "ipchost.source"
local turn = require "async.turn"
local worker = require "async.worker"
local uv = require "luv"

local yield = coroutine.yield

--- A function that raises, at the caller's line, and says what to use instead.
local function refused(name, advice)
  return function() error(("%s is refused inside of the host: %s"):format(name, advice), 2) end
end

local function refuse_globals()
  local input = "standard input is the host's own; read a file with io.open, or a socket with luv"
  os.exit = refused("os.exit", "app.quit() ends the host, error(...) a handler")
  io.read = refused("io.read", input)
  local lines = io.lines
  io.lines = function(name, ...)
    if name == nil then error("io.lines without a file name is refused inside of the host: " .. input, 2) end
    return lines(name, ...)
  end
  local get_input, stdin = io.input, io.stdin
  io.input = function(...)
    local file = get_input(...)
    return file == stdin and io.stdin or file
  end
  io.stdin = setmetatable({}, { __index = function(_, key) return refused("io.stdin:" .. tostring(key), input) end })
  debug.sethook = refused("debug.sethook", "the hook is the host's, for limits.handler")
  local loop = "the host drives this loop; await what you wait for"
  for _, name in ipairs { "run", "stop", "walk", "loop_close" } do uv[name] = refused("luv." .. name, loop) end
end

local KINDS = { "check", "fs_event", "fs_poll", "idle", "pipe", "poll", "prepare", "signal", "tcp", "udp" }
local STARTS = { "start", "start_oneshot", "connect", "open", "bind", "send", "try_send", "recv_start" }

--- Not every kind of luv's handles looks whether it is closed before it starts what ends in freed memory.
local function refuse_closed_handles()
  local registry = debug.getregistry()
  for _, kind in ipairs(KINDS) do
    local methods = registry["uv_" .. kind].__index
    for _, method in ipairs(STARTS) do
      local name = kind .. "_" .. method
      local start = uv[name]
      local function checked(handle, ...)
        local closed = type(handle) == "userdata" and uv.is_closing(handle)
        if closed then return nil, "EINVAL: invalid argument", "EINVAL" end -- as timers and streams say it
        return start(handle, ...)
      end
      if start then uv[name] = checked end
      if start and methods[method] == start then methods[method] = checked end
    end
  end
end

--- Precompiled chunks can crash the interpreter: text only.
local function refuse_bytecode()
  local load = load
  _G.load = function(chunk, name, _, ...) return load(chunk, name, "t", ...) end
  _G.loadfile = function(name, _, ...)
    if name == nil then error("loadfile wants the name of a file inside of the host", 2) end
    return source.load(name, ...)
  end
  _G.dofile = function(name)
    local chunk, message = _G.loadfile(name)
    if not chunk then error(message, 2) end
    return chunk()
  end
  string.dump = nil
end

--- A raw yield in a task would never be resumed; a coroutine of a script's own in a task may await.
local function guard_coroutines()
  coroutine.resume, coroutine.wrap = async.coroutine.resume, async.coroutine.wrap
  coroutine.yield = function(...)
    if scheduler.is_task((coroutine.running())) then
      error("coroutine.yield outside of a coroutine of your own: use await", 2)
    end
    return yield(...)
  end
end

local function print_to_log(log)
  _G.print = function(...)
    local parts = table.pack(...)
    for i = 1, parts.n do parts[i] = tostring(parts[i]) end
    log("info", table.concat(parts, "\t"))
  end
end

local function search_path(host)
  local parts, seen = {}, {}
  local function add(folder)
    if seen[folder] then return end
    seen[folder] = true
    parts[#parts + 1] = folder .. "/?.lua"
    parts[#parts + 1] = folder .. "/?/init.lua"
  end
  for _, script in ipairs(host.scripts) do add(script:match("^(.*)/[^/]*$")) end
  add(host.base .. "/rocks")
  parts[#parts + 1] = package.path
  return table.concat(parts, ";")
end

-- What the generation was made of: paths in the order in which they were first looked for; and for each what its text
-- was, as a hash, false where there was no file.
local files, hashes = {}, {}

local function note(path, hash)
  if hashes[path] == nil then files[#files + 1] = path end
  hashes[path] = hash
end

--- A relative path is one of the process's folder.
local function absolute(path) return path:sub(1, 1) == "/" and path or uv.cwd() .. "/" .. path end

local function note_reads(hash)
  function source.reading(path, text) note(absolute(path), text ~= nil and hash(text)) end
end

--- A module that was looked for in vain may come to be.
local function note_missing(name)
  for template in package.path:gmatch("[^;]+") do
    local path = absolute((template:gsub("%?", (name:gsub("%.", "/")))))
    if hashes[path] == nil then note(path, false) end
  end
end

--- Searches package.path and loads text only.
local function search_text(name)
  local path, message = package.searchpath(name, package.path)
  if not path then
    note_missing(name)
    return message
  end
  local chunk, why = source.load(path)
  if not chunk then error(("error loading module '%s': %s"):format(name, why), 0) end
  return chunk, path
end

--- The loader of a module and its second argument.
local function find_loader(name)
  local messages = {}
  for _, searcher in ipairs(package.searchers) do
    local loader, extra = searcher(name)
    if type(loader) == "function" then return loader, extra end
    if loader then messages[#messages + 1] = (loader:gsub("^\n?\t?", "\n\t")) end
  end
  local advice = foreign.module(name)
  if advice then error(("module '%s' is not there in scripts: %s"):format(name, advice), 3) end
  error(("module '%s' not found:%s"):format(name, table.concat(messages)), 3)
end

--- A module that awaits while it loads, for who else requires it meanwhile.
local Loading = {}
Loading.__index = Loading

function Loading:__close()
  self.of[self.name] = nil
  if self.resolve then self.resolve() end
end

function Loading:wait()
  local status = coroutine.status(self.co)
  if status == "running" or status == "normal" then
    error(("module '%s' requires itself, or what it requires does"):format(self.name), 3)
  end
  if not self.promise then self.promise, self.resolve = async.Promise.withResolvers() end
  async.await(self.promise)
end

--- As Lua's require, but in Lua: a module may await while it loads.
local function replace_require(host)
  package.path = search_path(host)
  package.searchers[2] = search_text
  local loaded, loading = package.loaded, {}
  function _G.require(name)
    if type(name) ~= "string" then error("bad argument #1 to 'require' (string expected)", 2) end
    if loaded[name] ~= nil then return loaded[name] end
    if loading[name] then
      loading[name]:wait()
      return require(name)
    end
    local loader, extra = find_loader(name)
    local entry <close> = setmetatable({ name = name, of = loading, co = coroutine.running() }, Loading)
    loading[name] = entry
    local value = loader(name, extra)
    if value ~= nil then
      loaded[name] = value
    elseif loaded[name] == nil then
      loaded[name] = true
    end
    return loaded[name], extra
  end
end

--- An editor that saves a file may leave it empty for a moment: what was read is looked at, not the file again.
local function compile_one(path, beside)
  local text, message = source.read(path)
  if not text then return nil, message end
  if beside and not text:find("%S") then return nil, path .. ": the file is empty" end
  return source.compile(text, path)
end

--- All are compiled before the first runs.
local function compile(paths, beside)
  local entries = {}
  for i, path in ipairs(paths) do
    local chunk, message = compile_one(path, beside)
    if not chunk then return nil, message end
    entries[i] = { run = chunk, name = path }
  end
  return entries
end

-- Frames of the host's own, which tell nobody anything, with the functions that it raises and calls by.
local OWN = "\n\t" .. debug.getinfo(1, "S").short_src:match("^(.-)environment[^/]*$"):gsub("%p", "%%%0") .. "[^\n]*"
local WITH_OWN = {
  "\n\t%[C%]: in function 'error'(" .. OWN .. ")", "\n\t%[C%]: in function 'xpcall'(" .. OWN .. ")",
  "(" .. OWN .. ")\n\t%(%.%.%.tail calls%.%.%.%)",
}

--- The error with `file:line:` in front, its traceback, and that of where it was raised if it was awaited.
local function describe(message)
  local text, trace = scheduler.describe(message), worker.trace(message, 2)
  for _, pattern in ipairs(WITH_OWN) do trace = trace:gsub(pattern, "%1") end
  trace = trace:gsub(OWN, "")
  local place = not text:find(":%d+:") and trace:match("\n\t([^\n]-:%d+:) in ")
  return ("%s%s\n%s"):format(place and place .. " " or "", text, trace)
end

--- @return nil, or what went wrong
local function run_entries(entries)
  for _, entry in ipairs(entries) do
    local ok, message = xpcall(entry.run, describe, entry.name)
    if not ok then return message end
  end
end

local loading -- the coroutine of the entries

--- Runs in order the entries, {run =, name =}, that a function compiles, which gives nil and a message if it cannot;
-- calls done(nil), or done(text) when one fails.
local function run(compiled, done)
  local co = coroutine.create(function()
    local entries, message = compiled()
    if entries then message = run_entries(entries) end
    loading = nil
    done(message)
  end)
  loading = co
  scheduler.top_level[co] = true
  local ok, message = coroutine.resume(co)
  if not ok then done(describe(message)) end
end

local function load_entries(paths, done, beside)
  run(function() return compile(paths, beside) end, done)
end

--- Where the entries wait: `file:line`, or nil.
local function position()
  for level = 0, loading and 100 or -1 do
    local info = debug.getinfo(loading, level, "Sl")
    if not info then return end
    if info.currentline > 0 and info.source:sub(1, 1) == "@" then
      return ("%s:%d"):format(info.short_src, info.currentline)
    end
  end
end

--- Ends the coroutines that wait, but for those whose scope is kept; they hear nothing but that they are closed.
-- @return how many
local function retire(scope_of, kept)
  local ending = {}
  for co, context in pairs(scheduler.contexts) do
    local scope = scope_of[co] or 0
    if context.waiting and not (kept and (scope < 0 or kept[scope])) then ending[#ending + 1] = co end
  end
  for _, co in ipairs(ending) do
    local context = scheduler.contexts[co]
    local awaited = context.waiting
    context.waiting, scheduler.contexts[co] = nil, nil
    local ok, why = pcall(awaited.forsake, awaited, context)
    if ok then ok, why = coroutine.close(co) end
    if not ok then scheduler.log_error("Error in ending what the scripts had left waiting", why) end
  end
  return #ending
end

return function(host)
  scheduler.set_host { request = host.request }
  scheduler.log = function(text) host.log("error", text) end
  note_reads(host.hash or function() return 0 end)
  refuse_globals()
  refuse_closed_handles()
  refuse_bytecode()
  replace_require(host)
  guard_coroutines()
  print_to_log(host.log)
  foreign.explain(_G, host.log)
  turn.next(function() end) -- its handle is the host's: no script is to be taken for its owner
  return {
    drain = scheduler.drain, top_level = scheduler.top_level, load = load_entries, run = run,
    contexts = scheduler.contexts, retire = retire, files = files, hashes = hashes, position = position,
  }
end
