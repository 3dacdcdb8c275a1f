--- What the tools that write files into C share: reading them, and the array of their bytes.
local embedding = {}

--- The paths below a folder, in order, that match a name as find(1) does.
function embedding.files(folder, name)
  local paths = {}
  local pipe = assert(io.popen(("cd '%s' && find . -type f -name '%s' | LC_ALL=C sort"):format(folder, name)))
  for path in pipe:lines() do paths[#paths + 1] = path:gsub("^%./", "") end
  assert(pipe:close(), folder)
  return paths
end

function embedding.read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("a")
  file:close()
  return text
end

--- A C array of the bytes and a zero. Sixteen a line: a string literal of this size would be over what compilers
-- must take.
function embedding.array(name, text)
  local lines = {}
  for first = 1, #text, 16 do
    lines[#lines + 1] = "  " .. table.concat({ text:byte(first, first + 15) }, ",") .. ","
  end
  return ("static const unsigned char %s[] = {\n%s\n  0};"):format(name, table.concat(lines, "\n"))
end

function embedding.write(path, ...)
  local file = assert(io.open(path, "wb"))
  file:write(...)
  assert(file:close())
end

return embedding
