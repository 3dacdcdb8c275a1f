rockspec_format = "3.0"
package = "ipchost-async"
version = "scm-1"
source = { url = "git+https://example.invalid/ipchost.git" }
description = {
  summary = "Tasks, promises and what coordinates them, on coroutines and luv",
  license = "MIT",
}
dependencies = { "lua >= 5.4", "luv" }
build = {
  type = "builtin",
  modules = {
    ["async.abort"] = "async/abort.lua",
    ["async.await"] = "async/await.lua",
    ["async.cell"] = "async/cell.lua",
    ["async.clock"] = "async/clock.lua",
    ["async.combinators"] = "async/combinators.lua",
    ["async.context"] = "async/context.lua",
    ["async.errors"] = "async/errors.lua",
    ["async"] = "async/init.lua",
    ["async.promise"] = "async/promise.lua",
    ["async.scheduler"] = "async/scheduler.lua",
    ["async.task"] = "async/task.lua",
    ["async.turn"] = "async/turn.lua",
    ["async.worker"] = "async/worker.lua",
  },
}
