--- The Lua half of the script environment: what is set up beside the C modules before a script runs.
-- It returns a function of `ipc` (the table of modules and value types), the config's settings, what app.spawn calls,
-- the config's folder, and what `hot` calls; that returns the hooks which the host calls by name.
local async = require "async"
local promise = require "async.promise"
local abort = require "async.abort"
local scheduler = require "async.scheduler"
local new_hot = require("ipchost.hot").new
local worker = require "async.worker"
local new_spawn = require "ipchost.spawn"

--- A read-only view of a table, all the way down.
local function readonly(value)
  if type(value) ~= "table" or getmetatable(value) then return value end
  local views = {}
  return setmetatable({}, {
    __index = function(_, key)
      local item = value[key]
      if type(item) ~= "table" then return item end
      views[key] = views[key] or readonly(item)
      return views[key]
    end,
    __newindex = function(_, key)
      error(("app.settings is read-only: '%s' is set in the config"):format(tostring(key)), 2)
    end,
    __len = function() return #value end,
    __pairs = function(view)
      return function(_, key)
        key = next(value, key)
        if key ~= nil then return key, view[key] end
      end, view, nil
    end,
  })
end

-- Who waits for a slow reader: frame -> { process, promise, resolve, reject }.
local drains = {}

--- Of contents and frames; without a frame it is gone already.
local function drained(frame, process, gone)
  if not frame then return promise.reject(gone) end
  local waiter = drains[frame]
  if not waiter then
    waiter = { process = process }
    waiter.promise, waiter.resolve, waiter.reject = promise.withResolvers()
    drains[frame] = waiter
  end
  return waiter.promise
end

--- What waited for the process has left; true if others wait still.
local function has_drained(process)
  for frame, waiter in pairs(drains) do
    if waiter.process == process then
      drains[frame] = nil
      waiter.resolve()
    end
  end
  return next(drains) ~= nil
end

local function drain_gone(frame, reason)
  local waiter = drains[frame]
  drains[frame] = nil
  if waiter then waiter.reject(reason) end
  return next(drains) ~= nil
end

--- app.reload: promises of reports, and how they are settled: `start()` gives the number of the load that was asked
-- for, or nil. What is asked for once a load has begun is another one's to answer.
local function new_reload(start)
  local waiting = {}
  local function reload()
    local report, resolve = promise.withResolvers()
    local load = start()
    if load then
      waiting[#waiting + 1] = { load = load, resolve = resolve }
    else
      local text = "the scripts are being loaded"
      resolve { ok = false, ms = 0, files = {}, disposed = {}, leftovers = 0, error = text }
    end
    return report
  end
  local function reported(report, load)
    local list = waiting
    waiting = {}
    for _, waiter in ipairs(list) do
      if waiter.load <= load then waiter.resolve(report) else waiting[#waiting + 1] = waiter end
    end
  end
  return reload, reported
end

local function new_port_drain()
  local draining = {} -- port -> { promise, resolve } of those who wait for its reader

  local function port_drained(port, waits)
    if not waits then return promise.resolve() end
    local waiter = draining[port]
    if not waiter then
      waiter = {}
      waiter.promise, waiter.resolve = promise.withResolvers()
      draining[port] = waiter
    end
    return waiter.promise
  end

  local function port_has_drained(port)
    local waiter = draining[port]
    draining[port] = nil
    if waiter then waiter.resolve() end
  end

  return port_drained, port_has_drained
end

return function(ipc, settings, children, base, host)
  local ready, resolve_ready = promise.withResolvers()

  _G.async, _G.await = async, async.await
  _G.Promise, _G.AbortController = promise, abort.AbortController
  ipc.async, ipc.await = async, async.await
  ipc.Promise, ipc.AbortController = promise, abort.AbortController

  scheduler.on_unhandled = function(reason, report)
    if ipc.app.listenerCount("unhandled-rejection") == 0 then return false end
    ipc.app.emit("unhandled-rejection", {}, reason, report)
    return true
  end

  local hot, hot_hooks = new_hot(host, ipc)
  local reload, reported = new_reload(host.reload)
  _G.hot, ipc.hot = hot, hot

  local port_drained, port_has_drained = new_port_drain()

  return {
    await = async.await,
    trace = worker.trace,
    load_ask = function() return require "ipchost.ask" end,
    resolved = promise.resolve,
    drained = drained,
    has_drained = has_drained,
    drain_gone = drain_gone,
    port_drained = port_drained,
    port_has_drained = port_has_drained,
    new_signal = abort.new_signal,
    abort_signal = abort.abort_signal,
    pack = hot_hooks.pack,
    unpack = hot_hooks.unpack,
    dispose = hot_hooks.dispose,
    failed = hot_hooks.failed,
    reported = reported,
    resolve_ready = function() resolve_ready(nil) end,
    sort_by_id = function(list)
      table.sort(list, function(a, b) return a.id < b.id end)
    end,
    app = {
      whenReady = function() return ready end,
      settings = readonly(settings),
      reload = reload,
      spawn = new_spawn(children, base, ipc.app),
    },
  }
end
