---@meta async

---What can be awaited: a promise, a task, a future, or a table whose `then` can be called.
---@alias Awaitable Promise|Thenable

---@class Thenable

---@class Promise
---`Promise(function(resolve, reject) ... end)`; `next` stands for JavaScript's `then`.
---@overload fun(executor: fun(resolve: fun(value?: any), reject: fun(reason?: any))): Promise
local Promise = {}

---The same as `Promise(executor)`.
---@param executor fun(resolve: fun(value?: any), reject: fun(reason?: any)) called at once; the first call of the two counts
---@return Promise
function Promise.new(executor) end

---A promise of the value; the value itself if it is a promise.
---@param value? any
---@return Promise
function Promise.resolve(value) end

---A promise that is rejected with the reason.
---@param reason? any
---@return Promise
function Promise.reject(reason) end

---Fulfilled with the list of all values, or rejected with the first reason.
---@param list any[]
---@return Promise
function Promise.all(list) end

---Fulfilled with a list of `{ status = "fulfilled", value = }` and `{ status = "rejected", reason = }`.
---@param list any[]
---@return Promise
function Promise.allSettled(list) end

---Fulfilled with the first value, or rejected with an AggregateError whose `errors` are all reasons.
---@param list any[]
---@return Promise
function Promise.any(list) end

---Settled as the first that is settled.
---@param list any[]
---@return Promise
function Promise.race(list) end

---@return Promise promise
---@return fun(value?: any) resolve
---@return fun(reason?: any) reject
function Promise.withResolvers() end

---Registers reactions, which may await. What is not callable is passed over.
---@param on_fulfilled? fun(...: any): any
---@param on_rejected? fun(reason: any): any
---@return Promise promise of what the reaction returns
function Promise:next(on_fulfilled, on_rejected) end

---Registers a reaction to a rejection.
---@param on_rejected? fun(reason: any): any
---@return Promise promise of what it returns
function Promise:catch(on_rejected) end

---Has `fn()` called when the promise is settled, whichever way. The derived promise follows this one, unless `fn` raises or
---what it returns is rejected.
---@param fn? fun(): any
---@return Promise
function Promise:finally(fn) end

---A function that runs in a coroutine of its own; also a promise of its results.
---@class async.Task: Promise
local Task = {}

---Waits for the task: outside of tasks by driving luv's loop (never inside of a host), inside of one as await does.
---@param timeout? number milliseconds; after them "timeout" is raised, and the task goes on
---@return any ...
function Task:wait(timeout) end

---The same, protected.
---@param timeout? number
---@return boolean ok
---@return any ... the results, or the reason
function Task:pwait(timeout) end

---Asks the task to end: what it waits for is left, its awaits raise "closed", its children are closed.
---@param callback? fun() called once it has ended
function Task:close(callback) end

---Takes the task out of its parent: it goes on by itself.
---@return async.Task
function Task:detach() end

---@param callback fun(err: any, ...: any) called once it has completed; it may await
---@return fun() forget takes the callback back
function Task:on_complete(callback) end

---True once it and its children have ended.
---@return boolean
function Task:completed() end

---@return "running"|"normal"|"awaiting"|"completed"
function Task:status() end

---Where it failed, and where that was awaited; or where it waits.
---@param message? string goes before it
---@return string
function Task:traceback(message) end

---A flag that tasks wait for.
---@class async.Event
local Event = {}

---Sets the flag and wakes those that wait.
---@param max_woken? integer wake at most so many: if there are any, the flag stays unset
function Event:set(max_woken) end

---Unsets the flag.
function Event:clear() end

---Waits until the flag is set.
function Event:wait() end

---A result that is set by hand, from callbacks, and awaited as a promise is.
---@class async.Future: Promise
local Future = {}

---Sets the result, once.
---@param err any nil if it is well
---@param ... any the values
function Future:complete(err, ...) end

---@return boolean
function Future:completed() end

---The result, as pcall gives it; raises if there is none yet.
---@return boolean ok
---@return any ...
function Future:result() end

---@param callback fun(err: any, ...: any)
---@return fun() forget
function Future:on_complete(callback) end

---Values from some tasks to others, first in, first out.
---@class async.Queue
local Queue = {}

---Puts a value in; waits while the queue is full.
---@param value any
function Queue:put(value) end

---Puts a value in, or raises "Queue is full".
---@param value any
function Queue:put_nowait(value) end

---Takes the first value out; waits while the queue is empty.
---@return any
function Queue:get() end

---Takes the first value out, or raises "Queue is empty".
---@return any
function Queue:get_nowait() end

---@return integer
function Queue:size() end

---@return integer? size nil if any number
function Queue:max_size() end

---So many tasks may be in a section at once.
---@class async.Semaphore
local Semaphore = {}

---Takes a permit; waits while there is none.
function Semaphore:acquire() end

---Gives a permit back.
function Semaphore:release() end

---Runs a function while holding a permit, which is given back however that ends.
---@param fn fun(): any
---@return any ...
function Semaphore:with(fn) end

---@class AbortSignal
---@field aborted boolean
---@field reason any an error with a code, once it is aborted
local AbortSignal = {}

---Has `fn(reason)` called when it is aborted; at once if it is. It may await.
---@param fn fun(reason: any)
---@return fun() forget takes the registration back
function AbortSignal:onAbort(fn) end

---Raises the reason if it is aborted.
function AbortSignal:throwIfAborted() end

---Closes a task or a handle when it is aborted; without an argument the handler or task that is running, whose next await
---raises the reason.
---@generic T
---@param target? T
---@return T
function AbortSignal:closes(target) end

---@class AbortController
---@field signal AbortSignal
local AbortController = {}

---Aborts the signal, once.
---@param reason? any an AbortError with the code ERR_ABORTED if nil
function AbortController:abort(reason) end

---luv's functions, awaited: the value, or nil, a message and a code. The callback is left out.
---@class async.uv
---@field fs_access fun(path: string, mode: integer|string): boolean?, string?, string?
---@field fs_chmod fun(path: string, mode: integer): boolean?, string?, string?
---@field fs_chown fun(path: string, uid: integer, gid: integer): boolean?, string?, string?
---@field fs_close fun(fd: integer): boolean?, string?, string?
---@field fs_closedir fun(dir: userdata): boolean?, string?, string?
---@field fs_copyfile fun(path: string, new_path: string, flags?: table|integer): boolean?, string?, string?
---@field fs_fchmod fun(fd: integer, mode: integer): boolean?, string?, string?
---@field fs_fchown fun(fd: integer, uid: integer, gid: integer): boolean?, string?, string?
---@field fs_fdatasync fun(fd: integer): boolean?, string?, string?
---@field fs_fstat fun(fd: integer): table?, string?, string?
---@field fs_fsync fun(fd: integer): boolean?, string?, string?
---@field fs_ftruncate fun(fd: integer, offset: integer): boolean?, string?, string?
---@field fs_futime fun(fd: integer, atime: number, mtime: number): boolean?, string?, string?
---@field fs_lchown fun(path: string, uid: integer, gid: integer): boolean?, string?, string?
---@field fs_link fun(path: string, new_path: string): boolean?, string?, string?
---@field fs_lstat fun(path: string): table?, string?, string?
---@field fs_lutime fun(path: string, atime: number, mtime: number): boolean?, string?, string?
---@field fs_mkdir fun(path: string, mode: integer): boolean?, string?, string?
---@field fs_mkdtemp fun(template: string): string?, string?, string?
---@field fs_mkstemp fun(template: string): integer?, string?, string?
---@field fs_open fun(path: string, flags: string|integer, mode: integer): integer?, string?, string?
---@field fs_opendir fun(path: string, entries?: integer): userdata?, string?, string?
---@field fs_read fun(fd: integer, size: integer, offset?: integer): string?, string?, string?
---@field fs_readdir fun(dir: userdata): table[]?, string?, string?
---@field fs_readlink fun(path: string): string?, string?, string?
---@field fs_realpath fun(path: string): string?, string?, string?
---@field fs_rename fun(path: string, new_path: string): boolean?, string?, string?
---@field fs_rmdir fun(path: string): boolean?, string?, string?
---@field fs_scandir fun(path: string): userdata?, string?, string?
---@field fs_sendfile fun(out: integer, from: integer, offset: integer, size: integer): integer?, string?, string?
---@field fs_stat fun(path: string): table?, string?, string?
---@field fs_statfs fun(path: string): table?, string?, string?
---@field fs_symlink fun(path: string, new_path: string, flags?: table|integer): boolean?, string?, string?
---@field fs_unlink fun(path: string): boolean?, string?, string?
---@field fs_utime fun(path: string, atime: number, mtime: number): boolean?, string?, string?
---@field fs_write fun(fd: integer, data: string|string[], offset?: integer): integer?, string?, string?
---@field getaddrinfo fun(host: string?, service: string?, hints?: table): table[]?, string?, string?
---@field getnameinfo fun(address: table): string?, string?, string?

---Tasks, promises and what coordinates them. The names are those of Neovim's vim.async.
---@class async
---@field uv async.uv
---@field coroutine coroutinelib the standard library, whose resume and wrap make coroutines that may await inside of a task
---@field Promise Promise
async = {}

---Runs a function as a task: at top level at once and by itself, inside a task as its child, once the parent waits.
---@param name string shown in tracebacks
---@param fn fun(...: any): any
---@param ... any its arguments
---@return async.Task
---@overload fun(fn: fun(...: any): any, ...: any): async.Task
function async.run(name, fn, ...) end

---Waits for a promise, task, future or thenable: its value, or raises its reason. `await(argc, fn, ...)` calls the function with a
---callback at that position and returns what that gets. Anything else is returned.
---@param value any
---@param ... any
---@return any ...
function async.await(value, ...) end

---As pcall(await, ...). False, too, once this task itself is closed or has failed: it ends so nevertheless; see is_closing.
---@param value any
---@param ... any
---@return boolean ok
---@return any ... the values, or the reason
function async.pawait(value, ...) end

---A function that awaits of one that takes a callback, as its last argument or at position `argc`.
---@param argc integer
---@param fn function
---@return fun(...: any): any
---@overload fun(fn: function): fun(...: any): any
function async.wrap(argc, fn) end

---@param ms number milliseconds
function async.sleep(ms) end

---Waits for a task, promise or thenable at most so long: then a task is closed and "timeout" is raised.
---@param ms number milliseconds
---@param task Awaitable
---@return any ...
function async.timeout(ms, task) end

---Lets the loop run once, so that others have their turn.
function async.checkpoint() end

---True if the running task was closed or has failed, so that its next await raises.
---@return boolean
function async.is_closing() end

---Tasks in the order in which they complete: `for task in async.iter(tasks) do`.
---@param tasks Promise[]
---@return fun(): async.Task?
function async.iter(tasks) end

---@return async.Event
function async.event() end

---@return async.Future
function async.future() end

---@param max_size? integer
---@return async.Queue
function async.queue(max_size) end

---@param permits? integer 1 if nil
---@return async.Semaphore
function async.semaphore(permits) end

---Waits for all of a list: the list of their values, or raises the first reason.
---@param list any[]
---@return any[]
function async.all(list) end

---Waits for all of a list: a list of `{ status =, value =, reason = }`.
---@param list any[]
---@return table[]
function async.all_settled(list) end

---Waits for the first of a list that succeeds; raises an AggregateError if none does.
---@param list any[]
---@return any ...
function async.any(list) end

---Waits for the first of a list to settle: its value, or raises its reason.
---@param list any[]
---@return any ...
function async.race(list) end

---@return AbortController
function async.AbortController() end

return async
