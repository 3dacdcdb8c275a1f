--- Tasks, promises and what coordinates them, on coroutines and luv. The names follow Neovim's vim.async.
--
--     local async = require "async"
--     async.run(function()
--       async.sleep(100)
--       local err, stat = async.await(2, uv.fs_stat, "notes.txt")
--     end)
--
-- @module async
local abort = require "async.abort"
local await = require "async.await"
local clock = require "async.clock"
local promise = require "async.promise"
local task = require "async.task"

local async = {
  run = task.run,
  await = await.await,
  pawait = await.pawait,
  wrap = await.wrap,
  sleep = clock.sleep,
  timeout = clock.timeout,
  checkpoint = clock.checkpoint,
  is_closing = clock.is_closing,
  Promise = promise,
  AbortController = abort.AbortController,
}

return async
