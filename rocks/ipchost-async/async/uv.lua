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

--- How many letters have to be changed, left out or put in.
local function distance(a, b)
  local row = {}
  for j = 0, #b do row[j] = j end
  for i = 1, #a do
    local diagonal = row[0]
    row[0] = i
    for j = 1, #b do
      local same = a:byte(i) == b:byte(j)
      diagonal, row[j] = row[j], math.min(row[j] + 1, row[j - 1] + 1, diagonal + (same and 0 or 1))
    end
  end
  return row[#b]
end

local function no_function(name)
  local nearest, least = nil, 3
  for candidate in pairs(COUNTS) do
    local far = distance(name, candidate)
    if far < least or far == least and nearest and candidate < nearest then nearest, least = candidate, far end
  end
  local hint = nearest and ("; did you mean '%s'?"):format(nearest) or ""
  error(("async.uv has no function '%s'%s"):format(name, hint), 3)
end

local uv = {}

return setmetatable(uv, {
  __index = function(_, name)
    local fn, count = require("luv")[name], COUNTS[name]
    if not fn or not count then no_function(tostring(name)) end
    uv[name] = awaiting(name, fn, count)
    return uv[name]
  end,
})
