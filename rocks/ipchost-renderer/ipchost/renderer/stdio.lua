--- The standard input and output of a process that the host has started, or that started the host: what `stdio:` is.
-- @module ipchost.renderer.stdio
local uv = require "luv"

local stdio = {}

local claimed, open = false, false

local function print_to_stderr(...)
  local texts = table.pack(...)
  for i = 1, texts.n do texts[i] = tostring(texts[i]) end
  io.stderr:write(table.concat(texts, "\t"), "\n")
end

--- From here on what is printed goes to standard error: between the blocks it would break them.
function stdio.claim()
  if claimed then return end
  claimed = true
  io.stdout:flush()
  io.output(io.stderr)
  rawset(io, "stdout", io.stderr)
  rawset(_G, "print", print_to_stderr)
end

--- Opens both, through `link:handle`.
-- @return the input and the output; or nil and what is wrong
function stdio.open(link)
  if open then return nil, "EALREADY" end
  if uv.guess_handle(0) ~= "pipe" or uv.guess_handle(1) ~= "pipe" then return nil, "ENOTSOCK" end
  open = true
  stdio.claim()
  local input, output = link:handle(uv.new_pipe, false), link:handle(uv.new_pipe, false)
  assert(input:open(0))
  assert(output:open(1))
  return input, output
end

return stdio
