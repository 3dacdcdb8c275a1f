--- What specs ask of the system: whole files, and commands with what they print.
local shell = {}

function shell.read(path)
  local file = assert(io.open(path))
  local text = file:read("a")
  file:close()
  return text
end

function shell.write(path, text)
  local file = assert(io.open(path, "w"))
  file:write(text)
  file:close()
end

--- Runs a command; returns what it printed, errors too, and whether it succeeded.
function shell.run(command)
  local pipe = assert(io.popen(command .. " 2>&1"))
  local output = pipe:read("a")
  return output, pipe:close() == true
end

function shell.quote(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

return shell
