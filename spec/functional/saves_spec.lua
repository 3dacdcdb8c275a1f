--- Saves of every kind under load: nobody who calls meanwhile loses anything, every good one is served, and nothing
-- is left behind.
local async = require "async"
local process = require "spec.functional.process"
local shell = require "spec.shell"
local support = require "spec.functional.support"
local uv = require "luv"
local await = async.await

local SAVES_EACH, WARM_UP = 200, 36
local BATCH = 256
local RATE_MIN = 2000
local PATIENCE_NS = 60e9

-- What is loaded: the greatest version that main.lua and its modules name, and the branch of the 50 files in lib. The
-- rest is what a load may leave behind.
local MAIN = [[
  local uv = require "luv"
  local folder, best = app.getAppPath(), %d
  local names = { "part", "extra", "stamp" }
  for i = 1, 20 do names[#names + 1] = "added.part" .. i end
  for _, name in ipairs(names) do
    local ok, version = pcall(require, name)
    if ok and version > best then best = version end
  end
  local branch = require "lib.m1"
  for i = 2, 50 do
    if require("lib.m" .. i) ~= branch then branch = "mixed" end
  end
  local function write(name, text)
    local file = assert(io.open(folder .. "/" .. name, "w"))
    file:write(text)
    file:close()
  end
  write("written.txt", tostring(best))
  ipcMain.handle("n", function(_, n) return { n, hot.generation, best, branch } end)
  ipcMain.handle("slow", function(_, n) await(async.sleep(5)) return n end)
  ipcMain.handle("reload", function() return await(app.reload()) end)
  ipcMain.handle("look", function()
    local found = app.metrics()
    found.listeners = app.listenerCount("web-contents-created") + app.listenerCount("ready")
    for _, name in ipairs(ipcMain.eventNames()) do found.listeners = found.listeners + ipcMain.listenerCount(name) end
    for _, contents in ipairs(webContents.getAllWebContents()) do
      found.listeners = found.listeners + contents.ipc.listenerCount("x") + contents:listenerCount("destroyed")
    end
    return found
  end)
  ipcMain.on("x", function() end)
  app.on("ready", function() end)
  app.on("web-contents-created", function(_, contents)
    contents.ipc.on("x", function() end)
    contents:on("destroyed", function() end)
  end)
  uv.new_timer():start(5, 5, function() end)
  uv.new_fs_event():start(folder, {}, function() end)
  local server = uv.new_tcp()
  server:bind("127.0.0.1", 0)
  server:listen(1, function() end)
  async.run(function() while true do await(async.sleep(5)) end end)
  never = Promise(function() end)
  async.run(function() await(never) end)
]]
local WRITES = MAIN .. [[ write("stamp.lua", "return %d") ]]

local function count(text, what)
  local n = 0
  for _ in text:gmatch(what) do n = n + 1 end
  return n
end

-- ---- git ----

local GIT = { "PATH=" .. os.getenv("PATH"), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null" }
for _, who in ipairs { "AUTHOR", "COMMITTER" } do
  GIT[#GIT + 1] = "GIT_" .. who .. "_NAME=spec"
  GIT[#GIT + 1] = "GIT_" .. who .. "_EMAIL=spec@localhost"
end

--- Begins git in the folder; whether it has ended, the result says when it is called.
local function git(folder, ...)
  local args, code, handle = { ... }, nil, nil
  handle = assert(uv.spawn("git", { args = args, cwd = folder, env = GIT }, function(status)
    code = status
    handle:close()
  end))
  return function()
    assert(not code or code == 0, "git " .. table.concat(args, " "))
    return code
  end
end

local function write_library(folder, branch)
  for i = 1, 50 do support.write_file(("%s/lib/m%d.lua"):format(folder, i), ("return %q"):format(branch)) end
end

--- A repository with the branches `one` and `two`, which differ in 50 files; `one` is checked out.
local function make_repository(folder)
  local function run(...) support.wait_until(git(folder, ...), "git") end
  uv.fs_mkdir(folder .. "/lib", tonumber("755", 8))
  run("init", "-q")
  run("checkout", "-q", "-b", "one")
  write_library(folder, "one")
  run("add", "lib")
  run("commit", "-q", "-m", "one")
  run("checkout", "-q", "-b", "two")
  write_library(folder, "two")
  run("commit", "-q", "-a", "-m", "two")
  run("checkout", "-q", "one")
end

-- ---- the client ----

local Client = {}
Client.__index = Client

local function client_of(ipc)
  return setmetatable({ ipc = ipc, sent = 0, answered = 0, generation = 0, slow = {}, slow_answered = 0 }, Client)
end

function Client:take(n, answer)
  self.answered = self.answered + 1
  assert(n == self.answered, "an answer came out of order, or not at all")
  assert(answer[1] == n, "the answer to another call")
  assert(answer[2] >= self.generation, "an answer of older scripts than the one before")
  self.generation, self.version, self.branch = answer[2], answer[3], answer[4]
end

--- Begins calls; returns a function that waits for their answers, and for that of a slow one begun long before.
function Client:begin()
  local answers = {}
  for i = 1, BATCH do
    self.sent = self.sent + 1
    local n = self.sent
    answers[i] = self.ipc.invoke("n", n):next(function(answer) self:take(n, answer) end)
  end
  local n = self.sent
  self.slow[#self.slow + 1] = self.ipc.invoke("slow", n):next(function(answer)
    assert(answer == n, "the answer to another slow call")
    self.slow_answered = self.slow_answered + 1
  end)
  return function()
    for _, answer in ipairs(answers) do await(answer) end
    if #self.slow > 8 then await(table.remove(self.slow, 1)) end
  end
end

--- Calls on until `check()` is true. What `during` does happens while calls are in flight.
function Client:call_until(what, check, during)
  local began = uv.hrtime()
  repeat
    local finish = self:begin()
    if during then during() during = nil end
    finish()
    assert(uv.hrtime() - began < PATIENCE_NS, "timed out waiting for " .. what)
  until check()
end

function Client:finish()
  for _, answer in ipairs(self.slow) do await(answer) end
  self.slow = {}
end

-- ---- the saves ----

local function write_anew(path, text)
  support.write_file(path .. "~", text)
  assert(uv.fs_rename(path .. "~", path))
end

-- Name, and function(folder, version, round): saves so that the version is served; or returns what the log says of it;
-- or returns nil, and what else makes it served.
local SAVES = {
  { "in place", function(folder, v) support.write_file(folder .. "/main.lua", MAIN:format(v)) end },
  { "atomic rename", function(folder, v) write_anew(folder .. "/main.lua", MAIN:format(v)) end },
  { "delete and create", function(folder, v)
    uv.fs_unlink(folder .. "/main.lua")
    support.write_file(folder .. "/main.lua", MAIN:format(v))
  end },
  { "burst", function(folder, v)
    for i = 1, 10 do
      support.write_file(folder .. "/main.lua", "error('half')" .. i)
      for _, name in ipairs { "part", "extra" } do
        support.write_file(folder .. "/" .. name .. ".lua", "return 0 -- " .. i)
      end
    end
    support.write_file(folder .. "/main.lua", MAIN:format(v))
  end },
  { "touched", function(folder, v)
    uv.fs_utime(folder .. "/main.lua", v, v)
    write_anew(folder .. "/part.lua", shell.read(folder .. "/part.lua"))
    return "nothing is loaded"
  end },
  { "broken", function(folder, v)
    support.write_file(folder .. "/main.lua", "local broken = = " .. v)
    return "main.lua:1: unexpected symbol near '='"
  end },
  { "broken, then fixed", function(folder, v) support.write_file(folder .. "/main.lua", MAIN:format(v)) end },
  { "required module", function(folder, v)
    support.write_file(folder .. "/main.lua", MAIN:format(0))
    support.write_file(folder .. "/part.lua", "return " .. v)
  end },
  { "file added", function(folder, v, round)
    uv.fs_mkdir(folder .. "/added", tonumber("755", 8))
    support.write_file(("%s/added/part%d.lua"):format(folder, round), "return " .. v)
  end },
  { "runtime error", function(folder, v)
    support.write_file(folder .. "/main.lua", ("error('fails %d')"):format(v))
    return "reload failed, generation %d+ goes on: %S*main.lua:1: fails " .. v
  end },
  -- The first load writes what has the second one serve the version.
  { "writes itself", function(folder, v) support.write_file(folder .. "/main.lua", WRITES:format(0, v)) end },
  { "checkout", function(folder, _, round)
    local branch = round % 2 == 1 and "two" or "one"
    local done = git(folder, "checkout", "-q", branch)
    return nil, function(client) return done() and client.branch == branch end
  end },
}

local function save(host, client, i)
  local name, fn = table.unpack(SAVES[(i - 1) % #SAVES + 1])
  local version, round = i + 1, (i - 1) // #SAVES + 1
  local generation, log, said, served = client.generation, host.err, nil, nil
  client:call_until(name, function()
    if said then return count(host.err, said) > count(log, said) end
    if served then return served(client) end
    return client.version == version
  end, function() said, served = fn(host.folder, version, round) end)
  if said then
    assert(client.generation == generation, name .. " has been loaded")
  else
    assert(client.generation > generation, name .. " has not been loaded")
  end
end

-- ---- what is left ----

local function count_files(pid)
  local names, watches = process.descriptors(pid), 0
  for _, name in ipairs(names) do
    watches = watches + count(process.read(pid, "fdinfo/" .. name) or "", "inotify wd:")
  end
  return #names, watches
end

--- What the host has when it is at rest, and what a reload ended.
local function look(host, client)
  local ipc, found = client.ipc, nil
  local function rest()
    client:finish()
    repeat found = await(ipc.invoke("look")) until found.generations == 1
  end
  rest()
  local report = await(ipc.invoke("reload"))
  assert(report.ok, report.error)
  rest()
  found.disposed, found.leftovers = report.disposed, report.leftovers
  found.files, found.watches = count_files(host.pid)
  found.resident = process.resident(host.pid)
  return found
end

local function assert_flat(before, after)
  for _, key in ipairs { "generations", "remnants", "sessions", "webContents", "frames", "pendingCalls", "ports",
    "outgoingCalls", "waitingHandlers", "listeners", "handles", "leftovers" } do
    assert.equal(before[key], after[key], key)
  end
  assert.same(before.disposed, after.disposed)
  assert.is_true(math.abs(after.references - before.references) <= 20, before.references .. ", " .. after.references)
  assert.is_true(math.abs(after.files - before.files) <= 4, before.files .. ", " .. after.files)
  assert.equal(before.watches, after.watches)
  -- A checked build keeps what was freed for a while.
  if os.getenv("ASAN_OPTIONS") then return end
  assert.is_true(after.resident - before.resident < 3000, before.resident .. ", " .. after.resident .. " KiB")
end

describe("200 saves under load", function()
  for _, transport in ipairs { "unix", "ws" } do
    it("lose no call over " .. transport .. ", are served if they are good, and leave nothing", function()
      local config = [[watch = true, log = { level = "debug" }]]
      local host = support.start("return 1", { config = config, files = { ["part.lua"] = "return 0" } })
      local ok, why = xpcall(function()
        make_repository(host.folder)
        support.write_file(host.folder .. "/main.lua", MAIN:format(1))
        host:wait_log("generation 2 serves")
        local renderer = host:connect(transport)
        local client, before, after = client_of(renderer.ipcRenderer), nil, nil
        local began = uv.hrtime()
        renderer:run(function()
          client:call_until("the first", function() return client.version == 1 end)
          for i = 1, SAVES_EACH do
            save(host, client, i)
            if i == WARM_UP then before = look(host, client) end
          end
          after = look(host, client)
        end)
        local seconds = (uv.hrtime() - began) / 1e9
        local rate = ("%d calls in %.1f s over %s: %.0f a second"):format(client.answered, seconds, transport,
          client.answered / seconds)
        if os.getenv("IPCHOST_SPEC_RATES") then print(rate) end
        assert.equal(client.sent, client.answered)
        assert.equal(client.sent // BATCH, client.slow_answered)
        if not os.getenv("ASAN_OPTIONS") then assert.is_true(client.answered / seconds >= RATE_MIN, rate) end
        assert_flat(before, after)
        renderer:close()
      end, function(why) return debug.traceback(tostring(type(why) == "table" and why.message or why)) end)
      if not ok and not host.code then host:kill("sigkill") host:wait() end
      if not ok then error(tostring(why) .. "\n" .. host.err:sub(-3000), 0) end
      host:stop()
    end)
  end
end)
