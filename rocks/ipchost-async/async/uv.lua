--- luv's file and name functions, awaited: `async.uv.fs_stat(path)` returns the value, or nil, a message and a code.
-- @module async.uv
local await = require "async.await"
local context = require "async.context"

-- How many arguments come before the callback.
local COUNTS = {
  fs_access = 2, fs_chmod = 2, fs_chown = 3, fs_close = 1, fs_closedir = 1, fs_copyfile = 3, fs_fchmod = 2,
  fs_fchown = 3, fs_fdatasync = 1, fs_fstat = 1, fs_fsync = 1, fs_ftruncate = 2, fs_futime = 3, fs_lchown = 3,
  fs_link = 2, fs_lstat = 1, fs_lutime = 3, fs_mkdir = 2, fs_mkdtemp = 1, fs_mkstemp = 1, fs_open = 3,
  fs_opendir = 1, fs_read = 3, fs_readdir = 1, fs_readlink = 1, fs_realpath = 1, fs_rename = 2, fs_rmdir = 1,
  fs_scandir = 1, fs_sendfile = 4, fs_stat = 1, fs_statfs = 1, fs_symlink = 3, fs_unlink = 1, fs_utime = 3,
  fs_write = 3, getaddrinfo = 3, getnameinfo = 1,
}

--- From luv's callback: an error, or nil and values.
local function result(err, ...)
  if err then return nil, err, err:match("^([%u%d_]+):") or err end
  if select("#", ...) == 0 then return true end
  return ...
end

local function awaiting(name, fn, count)
  local at = count + 1
  -- fs_opendir has its number of entries after the callback.
  local function call(self, ...) return result(await.callback(self, at, fn, ...)) end
  return function(...)
    local self = context.enter()
    local given = select("#", ...)
    if given == count then return call(self, ...) end
    if given > count and name ~= "fs_opendir" then error(("async.uv.%s: too many arguments"):format(name), 2) end
    local arguments = table.pack(...)
    if name == "fs_opendir" then return call(self, arguments[1], nil, arguments[2]) end
    return call(self, table.unpack(arguments, 1, count))
  end
end

local uv = {}

return setmetatable(uv, {
  __index = function(_, name)
    local fn, count = require("luv")[name], COUNTS[name]
    if not fn or not count then error(("async.uv has no function '%s'"):format(tostring(name)), 2) end
    uv[name] = awaiting(name, fn, count)
    return uv[name]
  end,
})
