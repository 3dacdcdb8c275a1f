--- AbortController and its signals: an abort is said once, and ends nothing by itself.
-- @module async.abort
local cell = require "async.cell"
local context = require "async.context"
local errors = require "async.errors"
local worker = require "async.worker"
local Task = require("async.task").Task

local abort = {}

--- Fields: `aborted`; `reason`, an error with a code, once it is aborted.
local Signal = {}
Signal.__index = Signal
Signal.__name, Signal.__clone = "AbortSignal", false -- means nothing in another process

local function handle(fn, reason) worker.call("Error in onAbort", fn, reason) end

local function remove(entries, entry)
  for i = 1, #entries do
    if entries[i] == entry then return table.remove(entries, i) end
  end
end

--- Has `fn(reason)` called when it is aborted; at once if it is. It may await.
-- @treturn function takes the registration back
function Signal:onAbort(fn)
  if not cell.callable(fn) then error("onAbort: a function is needed", 2) end
  if self.aborted then
    handle(fn, self.reason)
    return function() end
  end
  local entry = { fn = fn }
  local entries = self.entries or {}
  self.entries = entries
  entries[#entries + 1] = entry
  return function()
    entry.fn = nil
    -- An abort that is being told walks the list: it is left as it is.
    if not self.aborted then remove(entries, entry) end
  end
end

--- Raises the reason if it is aborted.
function Signal:throwIfAborted()
  if self.aborted then error(self.reason, 0) end
end

local function is_task(target) return getmetatable(target) == Task end
local function is_context(target) return getmetatable(target) == context.Context end

local function close(target, reason)
  if is_task(target) then return target:close_with(reason) end
  if is_context(target) then return target:interrupt(worker.failure(reason)) end
  return context.end_handle(target)
end

--- A weak set of contexts and tasks: a signal must not hold what waits. Handles are held.
local function remember(self, target)
  local field = (is_task(target) or is_context(target)) and "contexts" or "handles"
  local set = self[field]
  if not set then
    set = field == "contexts" and setmetatable({}, { __mode = "k" }) or {}
    self[field] = set
  end
  set[target] = true
end

local function ends(target) return context.method(target, "close") or context.method(target, "cancel") end

local function running_context(self)
  local found = context.find()
  if not found then error("signal:closes() outside a task or handler", 3) end
  -- A coroutine of the host's that has never been suspended may serve another call next; one that has, never.
  if self.controlled and not self.aborted then found:settle_in() end
  return found
end

--- Closes a task, a handle, or anything with `close` or `cancel` when it is aborted; without an argument the
-- handler or task that is running, whose next await raises the reason.
-- @return the argument
function Signal:closes(...)
  local target = ...
  if select("#", ...) == 0 then
    target = running_context(self)
  elseif type(target) ~= "table" and type(target) ~= "userdata" or not ends(target) then
    error(("signal:closes: a task or a handle is needed, not a %s"):format(type(target)), 2)
  end
  if self.aborted then close(target, self.reason) else remember(self, target) end
  return ...
end

--- @return a signal, aborted if there is a reason
function abort.new_signal(reason)
  return setmetatable({ aborted = reason ~= nil, reason = reason }, Signal)
end

--- Aborts a signal, once.
function abort.abort_signal(signal, reason)
  if signal.aborted then return end
  if reason == nil then reason = errors.new("AbortError", "This operation was aborted", "ERR_ABORTED") end
  signal.aborted, signal.reason = true, reason
  local contexts, handles, entries = signal.contexts, signal.handles, signal.entries
  signal.contexts, signal.handles, signal.entries = nil, nil, nil
  for target in pairs(contexts or {}) do close(target, reason) end
  for target in pairs(handles or {}) do close(target, reason) end
  for _, entry in ipairs(entries or {}) do
    if entry.fn then handle(entry.fn, reason) end
  end
end

local Controller = {}
Controller.__index = Controller
Controller.__name, Controller.__clone = "AbortController", false -- means nothing in another process

--- Aborts the controller's `signal`.
-- @param reason "AbortError" with code ERR_ABORTED if nil
function Controller:abort(reason) abort.abort_signal(self.signal, reason) end

--- @return a controller with a `signal`
function abort.AbortController()
  local signal = abort.new_signal()
  signal.controlled = true
  return setmetatable({ signal = signal }, Controller)
end

return abort
