--- Writes the C table of the JavaScript client that the host serves: its modules as they are, and all of them as one
-- classic script. Usage: lua5.4 tools/bundle.lua OUTPUT FOLDER ENTRY [ALIAS...]
-- ENTRY is a module of FOLDER; what it imports, directly or not, is served. So is an ALIAS with what it
-- imports, beside the classic script. Modules are joined by taking words away,
-- so they keep to rules, and what breaks one fails the build as `file:line: text`: imports are named, relative and
-- on one line; `export` stands before a declaration; names at the top are unique; no cycles; no await at the top.

local output, folder, entry = arg[1], arg[2], arg[3]
assert(entry, "usage: bundle.lua OUTPUT FOLDER ENTRY [ALIAS...]")

local URL_PREFIX = "/ipchost/"
local TYPE = "text/javascript; charset=utf-8"
local CLASSIC = "renderer.classic.js"
local DECLARATIONS = { "^class ([%w_$]+)", "^function%*? ?([%w_$]+)", "^const ([%w_$]+)", "^let ([%w_$]+)" }

local function fail(name, line, text, ...)
  io.stderr:write(("%s/%s:%d: %s\n"):format(folder, name, line, text:format(...)))
  os.exit(1)
end

--- Nil if there is no such file.
local function read(path)
  local file = io.open(path, "rb")
  local text = file and file:read("a")
  if file then file:close() end
  return text
end

local function lines_of(text)
  local lines = {}
  if text:sub(-1) ~= "\n" then text = text .. "\n" end
  for line in text:gmatch("([^\n]*)\n") do lines[#lines + 1] = line end
  return lines
end

--- The text with blanks for comments, in which code may be written that is none.
local function without_comments(text)
  return (text:gsub("/%*.-%*/", function(comment) return (comment:gsub("[^\n]", " ")) end))
end

-- ---- the rules ----

--- The module that a line imports from, if it imports.
local function import_of(name, number, line)
  if not line:find("^import[%s{*]") and not line:find("^import['\"]") then return end
  local names, target = line:match("^import { ([%w_$, ]+) } from '%./([%w-]+%.js)'$")
  if not names or names:find(" as ") then
    fail(name, number, "an import is import { names } from './module.js', on one line and without `as`")
  end
  return target
end

--- The line without `export`.
local function declaration_of(name, number, line)
  if not line:find("^export%f[^%w_$]") then return line end
  local rest = line:match("^export (.*)$") or ""
  local bare = rest:gsub("^async ", "")
  for _, pattern in ipairs(DECLARATIONS) do
    if bare:find(pattern) then return rest end
  end
  fail(name, number, "`export` stands before the declaration of a class, a function or a constant")
end

--- Calls found(name) for each name that a line at the top declares.
local function each_name(line, found)
  local bare = line:gsub("^async ", "")
  for _, pattern in ipairs(DECLARATIONS) do
    local name = bare:match(pattern)
    if name then return found(name) end
  end
  local several = bare:match("^%a+ [{[] ?([%w_$, :]+) ?[}%]]")
  if not several or not (bare:find("^const ") or bare:find("^let ")) then return end
  for each in several:gmatch("[^,]+") do found(each:match("([%w_$]+)%s*$")) end
end

local function check_line(name, number, line)
  if line:find("^%S") and line:find("%f[%w_$]await%f[^%w_$]") and not line:find("%f[%w_$]async%f[^%w_$]") then
    fail(name, number, "a module does not await at its top")
  end
  if line:find("import%(") then fail(name, number, "import() has no place in a classic script") end
  if line:find("^var ") then fail(name, number, "a name at the top is declared by const, let, class or function") end
  local rest = name == entry and line:gsub("import%.meta%.url%f[^%w_$]", "") or line
  if rest:find("import.meta", 1, true) then
    fail(name, number, "only %s asks where it came from, by import.meta.url", entry)
  end
end

-- ---- the modules, those first that others import ----

local modules, state, owners = {}, {}, {}
local exported = {}

local function visit(name, from, number)
  if state[name] == "done" then return end
  if state[name] then fail(from, number, "%s imports this module, directly or not: a cycle", name) end
  state[name] = "open"
  local text = read(folder .. "/" .. name) or fail(from or name, number or 1, "there is no %s", name)
  local code, bare = {}, lines_of(without_comments(text))
  for at, line in ipairs(lines_of(text)) do
    local target = import_of(name, at, line)
    if target then
      visit(target, name, at)
    else
      check_line(name, at, bare[at])
      local declaration = declaration_of(name, at, line)
      each_name(declaration, function(declared)
        if owners[declared] then fail(name, at, "%s is also a name of %s", declared, owners[declared]) end
        owners[declared] = name
        if name == entry and declaration ~= line then exported[#exported + 1] = declared end
      end)
      code[#code + 1] = declaration
    end
  end
  state[name] = "done"
  modules[#modules + 1] = { name = name, text = text, code = table.concat(code, "\n") }
end

--- Modules beside those of the classic script: only what they import is of interest.
local function visit_alias(name, from, number)
  if state[name] then return end
  state[name] = "alias"
  local text = read(folder .. "/" .. name) or fail(from or name, number or 1, "there is no %s", name)
  for at, line in ipairs(lines_of(text)) do
    local target = import_of(name, at, line)
    if target then visit_alias(target, name, at) end
  end
  modules[#modules + 1] = { name = name, text = text }
end

local function classic()
  local parts = {
    "/** ipchost for pages, as a classic script: sets window.ipchost. Joined out of its modules. */",
    "(() => {", "'use strict'",
    "const scriptUrl = globalThis.document?.currentScript?.src || globalThis.location.href",
  }
  for _, module in ipairs(modules) do
    parts[#parts + 1] = "\n// ---- " .. module.name .. " ----\n"
    parts[#parts + 1] = (module.code:gsub("import%.meta%.url", "scriptUrl"))
  end
  parts[#parts + 1] = ("\nglobalThis.ipchost = { %s }"):format(table.concat(exported, ", "))
  parts[#parts + 1] = "})()\n"
  return table.concat(parts, "\n")
end

-- ---- the table ----

--- Sixteen bytes a line: a string literal of this size would be over what compilers must take.
local function bytes_of(text)
  local out = {}
  for first = 1, #text, 16 do
    out[#out + 1] = "  " .. table.concat({ text:byte(first, first + 15) }, ",") .. ","
  end
  return table.concat(out, "\n")
end

visit(entry)
owners.scriptUrl = owners.scriptUrl and fail(owners.scriptUrl, 1, "scriptUrl is a name of the classic script")

local files = { { name = CLASSIC, text = classic() } }
for i = 4, #arg do visit_alias(arg[i]) end
table.move(modules, 1, #modules, 2, files)
local arrays, rows = {}, {}
for i, file in ipairs(files) do
  arrays[i] = ("static const unsigned char file_%d[] = {\n%s\n  0};"):format(i, bytes_of(file.text))
  rows[i] = ('  {"%s%s", "%s", {file_%d, %d}},'):format(URL_PREFIX, file.name, TYPE, i, #file.text)
end
local file = assert(io.open(output, "wb"))
file:write("/* Generated by tools/bundle.lua. */\n", '#include "client.h"\n\n', table.concat(arrays, "\n"), "\n\n",
  "const struct http_asset client_files[] = {\n", table.concat(rows, "\n"), "\n  {0, 0, {0, 0}}};\n")
assert(file:close())
