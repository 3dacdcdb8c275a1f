--- Lua source: read and compiled, with words for what comes from JavaScript's syntax.
-- @module ipchost.source
local source = {}

local load, open = load, io.open -- scripts may set their own

local KEYWORDS = {}
for word in ([[and break do else elseif end false for function goto if in local nil not or repeat return then
  true until while]]):gmatch("%a+") do KEYWORDS[word] = true end

-- What may stand before `await` in the name of the function.
local AWAITS = { [""] = true, p = true, ["async."] = true, ["async.p"] = true }

local HINTS = {
  { "[%.:]then%s*%(", "'then' is a word of Lua's; write promise:next(...)" },
  { "%f[%w_]async%s+function%f[^%w_]", "Lua has no 'async': every function may await inside a task; write function" },
  { "!==?", "write ~= for !=" },
  { "===", "write == for ===" },
  { "=>", "Lua has no arrow functions; write function(...) ... end" },
  { "%+%+", "Lua has no ++; write x = x + 1" },
  { "%.%.=", "Lua has no compound assignments; write s = s .. t for s ..= t" },
  { "([%+%-%*/%%&|])=", "Lua has no compound assignments; write x = x %1 y for x %1= y" },
  { "%f[%w_](const)%s+[%a_{%[]", "write local for const, or local x <const> = ..." },
  { "%f[%w_](let)%s+[%a_{%[]", "write local for let" },
  { "%f[%w_](var)%s+[%a_{%[]", "write local for var" },
  { "&&", "write and for &&" },
  { "||", "write or for ||" },
  { "%f[%w_]await%s+%f[%a_]", "await is a function; write await(f())" },
  { "%f[%w_](catch)%s*[%({]", "Lua has no try and catch; write pcall(function() ... end)" },
  { "%f[%w_]try%s*{", "Lua has no try and catch; write pcall(function() ... end)" },
  { "%f[%w_]throw%s", "write error(...) for throw" },
  { "%f[%w_]new%s+[%a_]", "Lua has no new; call the class: Promise(fn), ipc.Date(ms)" },
  { "/%*", "comments begin with -- in Lua" },
  { "//", "// divides in Lua; comments begin with --" },
  { "!", "write not for !" },
  { "%)%s*{%s*$", "blocks end with end in Lua, not in braces: if ... then, function() ..." },
  { "^%s*}[%);,]*%s*$", "blocks end with end in Lua, not in braces" },
}

--- The text with comments and the insides of strings blanked out, line for line, so that what is left is code.
local function code_of(text)
  local function blank(whole) return (whole:gsub("[^\n]", " ")) end
  local parts, at = {}, 1
  while true do
    local from = text:find("[%-\"'%[]", at)
    if not from then break end
    local equals = text:match("^%-%-%[(=*)%[", from) or text:match("^%[(=*)%[", from)
    local quote, to = text:match("^[\"']", from), nil
    if equals then
      to = select(2, text:find("]" .. equals .. "]", from, true)) or #text
    elseif text:find("^%-%-", from) then
      to = (text:find("\n", from, true) or #text + 1) - 1
    elseif quote then
      to = from + 1
      while true do
        local char = text:sub(to, to)
        if char == "" or char == "\n" or char == quote then break end
        to = to + (char == "\\" and 2 or 1)
      end
    end
    parts[#parts + 1] = text:sub(at, from - 1)
    parts[#parts + 1] = to and (quote or "") .. blank(text:sub(from + (quote and 1 or 0), to)) or text:sub(from, from)
    at = (to or from) + 1
  end
  parts[#parts + 1] = text:sub(at)
  return table.concat(parts)
end

local function line_of(text, position)
  local _, count = text:sub(1, position):gsub("\n", "")
  return count + 1
end

--- The call that `await` stands before: a name with its fields and arguments.
local function call_at(text, position)
  local at = text:match("^[%w_]+()", position)
  while true do
    local next_at = text:match("^[%.:][%a_][%w_]*()", at) or text:match("^%b()()", at) or text:match("^%b[]()", at)
    if not next_at then break end
    at = next_at
  end
  local call = text:sub(position, at - 1)
  return call:find("\n", 1, true) and call:match("^[%w_]+") .. "(...)" or call
end

--- `await f()` on one line is two statements in Lua, and nothing would be awaited. Returns a message for the first.
-- @string text source that compiles
-- @string name of the chunk, for the message
-- @treturn ?string
function source.check(text, name)
  if not text:find("await[ \t]+[%a_]") then return nil end
  local code = code_of(text)
  for start, before, at in code:gmatch("()([%w_%.:]*)await[ \t]+()%f[%a_]") do
    local word = code:match("^[%w_]+", at)
    local outside = AWAITS[before] and not code:sub(1, start - 1):find("%f[%w_]function%s+$")
    if outside and not KEYWORDS[word] then
      local call = call_at(text, at)
      return ("%s:%d: '%sawait %s' is two statements in Lua; write %sawait(%s)"):format(
        name, line_of(code, at), before, call, before, call)
    end
  end
  return nil
end

local function hint_in(line)
  for _, hint in ipairs(HINTS) do
    local found, _, capture = line:find(hint[1])
    if found then return (hint[2]:gsub("%%1", function() return capture end)) end
  end
end

--- The last line of code before a line.
local function before(lines, number)
  for i = number - 1, 1, -1 do
    if lines[i]:find("%S") then return lines[i] end
  end
  return ""
end

--- Adds a hint to a message of the compiler's, if the line that it names looks like JavaScript; or the one before that,
-- where the compiler stumbled over what came next.
-- @string message `file:line: ...`
-- @string text the source
-- @treturn string
function source.explain(message, text)
  local number, token = message:match(":(%d+): .* near '?(.-)'?$")
  number = math.tointeger(number)
  if not number then return message end
  local lines = {}
  for line in (code_of(text) .. "\n"):gmatch("(.-)\n") do lines[#lines + 1] = line end
  local line = lines[number] or ""
  local hint = hint_in(line)
  local comes_first = token == "<eof>" or line:match("^%s*(.*)"):sub(1, #token) == token
  if not hint and comes_first then hint = hint_in(before(lines, number)) end
  return hint and ("%s (%s)"):format(message, hint) or message
end

--- Compiles source text.
-- @string text
-- @string name file name, for messages
-- @return the chunk, or nil and a message
function source.compile(text, name, ...)
  -- What a byte order mark or a line for the shell is to the interpreter of files.
  text = text:gsub("^\xEF\xBB\xBF", ""):gsub("^#[^\n]*", "")
  local chunk, message = load(text, "@" .. name, "t", ...)
  if not chunk then return nil, source.explain(message, text) end
  message = source.check(text, name)
  if message then return nil, message end
  return chunk
end

--- Hook: sees what is about to be read, and then its text.
function source.reading() end

--- Reads a file.
-- @string path
-- @return the text, or nil and a message
function source.read(path)
  source.reading(path)
  local file, why = open(path, "rb")
  if not file then return nil, "cannot open " .. why end
  local text, failed = file:read("a")
  file:close()
  if not text then return nil, ("cannot read %s: %s"):format(path, failed) end
  source.reading(path, text)
  return text
end

--- Compiles a file.
-- @string path
-- @param[opt] env the chunk's _ENV
-- @return the chunk, or nil and a message
function source.load(path, ...)
  local text, message = source.read(path)
  if not text then return nil, message end
  return source.compile(text, path, ...)
end

return source
