rockspec_format = "3.0"
package = "ipchost-async"
version = "scm-1"
source = { url = "." } -- built in place: `luarocks make`
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
    ["async.closing"] = "async/closing.lua",
    ["async.combinators"] = "async/combinators.lua",
    ["async.context"] = "async/context.lua",
    ["async.errors"] = "async/errors.lua",
    ["async.event"] = "async/event.lua",
    ["async.future"] = "async/future.lua",
    ["async"] = "async/init.lua",
    ["async.iter"] = "async/iter.lua",
    ["async.nested"] = "async/nested.lua",
    ["async.observer"] = "async/observer.lua",
    ["async.promise"] = "async/promise.lua",
    ["async.queue"] = "async/queue.lua",
    ["async.scheduler"] = "async/scheduler.lua",
    ["async.semaphore"] = "async/semaphore.lua",
    ["async.task"] = "async/task.lua",
    ["async.turn"] = "async/turn.lua",
    ["async.uv"] = "async/uv.lua",
    ["async.wait"] = "async/wait.lua",
    ["async.waiters"] = "async/waiters.lua",
    ["async.worker"] = "async/worker.lua",
  },
}
