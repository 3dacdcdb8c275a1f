--- Real hosts for the functional specs: each is a process of its own, in a folder of its own, that is
-- stopped and checked at the end. Nothing here sleeps: it waits for the ready line, for a log line, for the exit.
local assert = require "luassert"
local busted = require "busted"
local uv = require "luv"
local await = require("async").await
local renderer = require "ipchost.renderer"
local shell = require "spec.shell"

local support = { streams = { "unix", "tcp" }, transports = { "unix", "tcp", "ws" } }

local binary = os.getenv("IPCHOST_BIN") or "build/ipchost"
if binary:sub(1, 1) ~= "/" then binary = uv.cwd() .. "/" .. binary end
support.binary = binary

-- Far above what anything takes, so that a wait which fails is a failure and not a slow machine.
local PATIENCE_MS = 30000
-- How often what gives no event, as another process's children, is looked at.
local LOOK_MS = 20

-- Kept, as a handle that is closed must see a turn of the loop before the process ends.
local patience = uv.new_timer()

--- Drives the loop until `check()` is true, or fails. Looks are counted, not the clock: a machine may stand still.
function support.wait_until(check, what)
  local late, turns = false, 0
  patience:start(LOOK_MS, LOOK_MS, function()
    turns = turns + 1
    late = turns >= PATIENCE_MS // LOOK_MS
  end)
  while not check() and not late do uv.run("once") end
  patience:stop()
  if not check() then error("timed out waiting for " .. what, 2) end
end

local write_file = shell.write
support.write_file = write_file

local function remove_tree(path)
  local scan = uv.fs_scandir(path)
  if not scan then return end
  for name, kind in function() return uv.fs_scandir_next(scan) end do
    if kind == "directory" then remove_tree(path .. "/" .. name) else uv.fs_unlink(path .. "/" .. name) end
  end
  uv.fs_rmdir(path)
end

--- A new empty folder, removed by `support.remove_folder`.
function support.folder()
  return assert(uv.fs_mkdtemp((os.getenv("TMPDIR") or "/tmp") .. "/ipchost-spec-XXXXXX"))
end
support.remove_folder = remove_tree

local Process = {}
Process.__index = Process

--- Runs the binary with the arguments; its output is collected. `options.input` is its standard input, a luv pipe.
function support.spawn(args, options)
  options = options or {}
  local self = setmetatable({ out = "", err = "" }, Process)
  local out, err = uv.new_pipe(), uv.new_pipe()
  self.handle, self.pid = assert(uv.spawn(options.command or binary, {
    args = args, cwd = options.cwd, env = options.env, uid = options.uid, stdio = { options.input, out, err },
  }, function(code, signal)
    self.code, self.signal = code, signal
    self.handle:close()
  end))
  local function collect(pipe, field)
    pipe:read_start(function(failed, chunk)
      if chunk then self[field] = self[field] .. chunk return end
      assert(not failed, failed)
      self[field .. "_ended"] = true
      pipe:close()
    end)
  end
  self.pipes = { out = out, err = err }
  collect(out, "out")
  collect(err, "err")
  return self
end

--- Waits for the process to end; returns its exit code.
function Process:wait()
  support.wait_until(function() return self.code and self.out_ended and self.err_ended end, "the process to end")
  return self.code
end

function Process:kill(signal)
  signal = signal or "sigterm"
  self.terminating = self.terminating or signal == "sigterm"
  uv.kill(self.pid, signal)
end

--- Waits for a line in the log that contains the plain text.
function Process:wait_log(text)
  local function found() return self.err:find(text, 1, true) or self.code end
  local ok, why = pcall(support.wait_until, found, "a log line")
  if not self.err:find(text, 1, true) then
    error(("no log line %q (%s); the log:\n%s"):format(text, ok and "the host ended" or why, self.err), 2)
  end
end

local Host = setmetatable({}, { __index = Process })
Host.__index = Host

--- Starts a host on both stream transports and HTTP with a main script.
-- `options.config` is Lua source of further keys of the config; `options.env` its environment.
function support.start(script, options)
  options = options or {}
  local folder = support.folder()
  write_file(folder .. "/main.lua", script)
  for name, text in pairs(options.files or {}) do
    for slash in name:gmatch("()/") do uv.fs_mkdir(folder .. "/" .. name:sub(1, slash - 1), tonumber("755", 8)) end
    write_file(folder .. "/" .. name, text)
  end
  write_file(folder .. "/config.lua", ([[return { scripts = { "main.lua" },
    listen = { "unix:run/app.sock", "tcp://127.0.0.1:0", "http://127.0.0.1:0" }, %s }]]):format(options.config or ""))
  local self = setmetatable(support.spawn({ folder .. "/config.lua" }, { env = options.env }), Host)
  self.folder = folder
  support.wait_until(function() return self.out:find("\n") or self.code end, "the ready line")
  self.ready = self.out:match("^ipchost ready ([^\n]+)\n$")
  if not self.ready then error("the host did not get ready:\n" .. self.err, 2) end
  self.address = {}
  self.address.unix, self.address.tcp, self.address.http = self.ready:match("^(unix:%S+) (tcp:%S+) (http:%S+)$")
  self.address.ws = self.address.http:gsub("^http", "ws")
  self.http_port = math.tointeger(self.address.http:match(":(%d+)$"))
  return self
end

function Host:connect(transport, options)
  return renderer.connect(self.address[transport or "unix"], options)
end

--- Ends it as an operator does; it must end well.
function Host:stop()
  -- A second signal would end it at once.
  if not self.code and not self.terminating then self:kill("sigterm") end
  local code = self:wait()
  remove_tree(self.folder)
  if code ~= 0 or self.signal ~= 0 then
    error(("the host ended with %s, signal %s:\n%s"):format(code, self.signal, self.err), 2)
  end
end

--- Describes a suite that runs once a transport, each on one host with the script, each spec with a
-- renderer of its own: `define(context)` calls `it`; context.renderer and context.ipc are set in each spec,
-- and `context.run(fn)` runs fn as a task and drives the loop.
function support.each_transport(name, script, define, options)
  for _, transport in ipairs(support.transports) do
    busted.describe(name .. " over " .. transport, function()
      local context = { transport = transport }
      busted.setup(function() context.host = support.start(script, options) end)
      busted.teardown(function() context.host:stop() end)
      busted.before_each(function()
        context.renderer = context.host:connect(transport)
        context.ipc = context.renderer.ipcRenderer
      end)
      busted.after_each(function() context.renderer:close() end)
      function context.run(fn, ...) return context.renderer:run(fn, ...) end
      --- Invokes outside a task; returns the value or raises.
      function context.invoke(...)
        local args = table.pack(...)
        return context.run(function() return await(context.ipc.invoke(table.unpack(args, 1, args.n))) end)
      end
      --- The error that an invoke rejects with.
      function context.rejection(...)
        local ok, err = pcall(context.invoke, ...)
        assert.is_false(ok)
        return err
      end
      --- Waits for the next message on the channel: its arguments, packed.
      function context.message(channel)
        local got
        context.ipc.once(channel, function(event, ...) got = table.pack(...) got.event = event end)
        return function()
          support.wait_until(function() return got end, "a message on " .. channel)
          return got
        end
      end
      define(context)
    end)
  end
end

return support
