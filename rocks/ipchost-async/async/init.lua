--- Tasks, promises and what coordinates them, on coroutines and luv. The names follow Neovim's vim.async.
--
--     local async = require "async"
--     async.run(function()
--       async.sleep(100)
--       local err, stat = async.await(2, uv.fs_stat, "notes.txt")
--     end)
--
-- @module async
local _, on_main = coroutine.running()
-- luv calls back on the coroutine that opened it: one that has ended would be a crash.
if not on_main and not package.loaded.luv then
  error("async: luv must not be loaded first in a coroutine; require it, or async, at the top of the program", 2)
end
require "luv"
local abort = require "async.abort"
local await = require "async.await"
local clock = require "async.clock"
local promise = require "async.promise"
local task = require "async.task"
require "async.wait"

local async = {
  run = task.run,
  await = await.await,
  pawait = await.pawait,
  wrap = await.wrap,
  sleep = clock.sleep,
  timeout = clock.timeout,
  checkpoint = clock.checkpoint,
  is_closing = clock.is_closing,
  iter = require "async.iter",
  event = require "async.event",
  future = require "async.future",
  queue = require "async.queue",
  semaphore = require "async.semaphore",
  uv = require "async.uv",
  coroutine = require "async.nested",
  Promise = promise,
  AbortController = abort.AbortController,
}

--- Waits for all of a list: returns the list of their values, or raises the first reason.
function async.all(list) return await.await(promise.all(list)) end

--- Waits for all of a list: returns a list of `{ status =, value =, reason = }`, as Promise.allSettled.
function async.all_settled(list) return await.await(promise.allSettled(list)) end

--- Waits for the first of a list that succeeds; raises an AggregateError if none does.
function async.any(list) return await.await(promise.any(list)) end

--- Waits for the first of a list to settle: returns its value or raises its reason.
function async.race(list) return await.await(promise.race(list)) end

return async
