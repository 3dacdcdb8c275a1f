-- A handler that awaits: counts the words of a file without holding up anybody else, and errors as renderers see them.
--
--   words:count (path)        invoke -> { words, lines, bytes }; rejects with code ENOENT and the like
local uv = require "luv"

local CHUNK = 65536

-- Turns luv's callback functions into ones that can be awaited and that raise what went wrong.
local function awaitable(fn)
  local wrapped = async.wrap(fn)
  return function(...)
    local err, value = wrapped(...)
    if err then
      local code = err:match("^(%u+):")
      error { name = "FileError", message = err, code = code }
    end
    return value
  end
end

local open = awaitable(function(path, done) uv.fs_open(path, "r", 0, done) end)
local read = awaitable(function(fd, done) uv.fs_read(fd, CHUNK, nil, done) end)
local close = awaitable(function(fd, done) uv.fs_close(fd, done) end)

local function count(fd)
  local words, lines, bytes, inside = 0, 0, 0, false
  while true do
    local chunk = read(fd)
    if #chunk == 0 then return { words = words, lines = lines, bytes = bytes } end
    bytes = bytes + #chunk
    lines = lines + select(2, chunk:gsub("\n", ""))
    -- A word that a chunk's end has cut is counted once.
    if inside and chunk:find("^%S") then words = words - 1 end
    words = words + select(2, chunk:gsub("%S+", ""))
    inside = chunk:find("%S$") ~= nil
  end
end

ipcMain.handle("words:count", function(_, path)
  if type(path) ~= "string" then
    local data = { got = ipc.type(path) }
    error { name = "TypeError", message = "words:count wants a path", code = "ERR_ARGUMENT", data = data }
  end
  local fd = open(path)
  local ok, result = pcall(count, fd)
  close(fd)
  if not ok then error(result, 0) end
  return result
end)
