--- The architecture check: what a reviewer would otherwise have to remember.
-- Usage: lua5.4 tools/architecture.lua [ROOT [OBJECTS]]. OBJECTS is a build directory whose objects are
-- searched for mutable globals. Prints `file:line: text` for each violation; exit code 1 if there is one.
-- The scanners rely on the formatting that clang-format and the style ask for: a definition begins and ends
-- at one indentation.

local root, objects = arg[1] or ".", arg[2]

local FILE_MAX, FUNCTION_MAX = 600, 60

-- What a layer may include: itself and those below. Files directly in host/ compose the layers and see all.
local LAYERS = {
  base = { "base" },
  wire = { "base", "wire" },
  transport = { "base", "wire", "transport" },
  session = { "base", "wire", "session" },
  frame = { "base", "wire", "session", "frame" },
  ipc = { "base", "wire", "session", "frame", "ipc" },
  lua = { "base", "wire", "session", "frame", "ipc", "lua" },
}

-- Headers of libraries, by Lua pattern, and the layers that may know the library.
local FOREIGN = {
  { "^uv%.h$", "uv.h", { transport = true, lua = true } },
  { "^uv/", "uv.h", { transport = true, lua = true } },
  { "^llhttp", "llhttp.h", { transport = true } },
  { "^lua%w*%.h$", "lua.h", { lua = true } },
  { "^lauxlib%.h$", "lua.h", { lua = true } },
  { "^luv/", "luv.h", { lua = true } },
}

-- Where the structs of a link may be named: the transports and the composition that owns connections.
local LINK_PLACES = {
  "^host/transport/",
  "^host/connection[%w_]*%.[ch]$",
  "^host/children[%w_]*%.[ch]$",
  "^host/host[%w_]*%.[ch]$",
  "^host/core[%w_]*%.[ch]$",
}

-- Mutable globals that are allowed: "file symbol" = why.
local GLOBALS = {}

local violations = {}

local function report(file, line, text, ...)
  violations[#violations + 1] = ("%s:%d: %s"):format(file, line, text:format(...))
end

--- Splits a text into lines.
local function lines_of(text)
  local lines = {}
  for line in (text:sub(-1) == "\n" and text or text .. "\n"):gmatch("(.-)\n") do lines[#lines + 1] = line end
  return lines
end

local function shell_quote(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

local function output_of(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read("a")
  pipe:close()
  return text
end

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("a")
  file:close()
  return text
end

--- All text files of the project, relative to the root, in order.
local function project_files()
  local skipped = { ".git", "node_modules", "build*", "run" }
  for i, name in ipairs(skipped) do skipped[i] = "-name " .. shell_quote(name) end
  -- In a worktree of its own .git is a file.
  local found = output_of(("cd %s && find . -type d \\( %s \\) -prune -o -type f %s -print | LC_ALL=C sort")
    :format(shell_quote(root), table.concat(skipped, " -o "), "! -name .git -size -1024k"))
  local files = {}
  for _, path in ipairs(lines_of(found)) do
    path = path:gsub("^%./", "")
    if path ~= "" then
      local text = read(root .. "/" .. path)
      if not text:find("\0", 1, true) then files[#files + 1] = { path = path, lines = lines_of(text) } end
    end
  end
  return files
end

local function contains(list, value)
  for _, item in ipairs(list) do if item == value then return true end end
  return false
end

--- The layer of a file of host/ (nil for the composition and for files elsewhere).
local function layer_of(path) return path:match("^host/(%w+)/[^/]+$") end

local function check_own_include(file, line, layer, header, all)
  local directory = header:match("^([^/]+)/")
  if not directory then
    if not all["host/" .. layer .. "/" .. header] then
      report(file.path, line, "the layer %s includes %s, which belongs to the composition above it", layer, header)
    end
  elseif LAYERS[directory] and not contains(LAYERS[layer], directory) then
    local known = table.concat(LAYERS[layer], ", ")
    report(file.path, line, "the layer %s includes %s: it may know %s only", layer, header, known)
  end
end

local function check_foreign_include(file, line, layer, header)
  for _, rule in ipairs(FOREIGN) do
    if header:find(rule[1]) and not rule[3][layer] then
      report(file.path, line, "the layer %s includes %s: it must not know %s", layer, header, rule[2])
    end
  end
end

local function check_includes(file, all)
  local layer = layer_of(file.path)
  if not layer then return end
  if not LAYERS[layer] then return report(file.path, 1, "%s is no layer", layer) end
  for number, line in ipairs(file.lines) do
    local quoted, header = line:match('^%s*#%s*include%s*([<"])([^>"]+)')
    if quoted == '"' then check_own_include(file, number, layer, header, all) end
    if header then check_foreign_include(file, number, layer, header) end
  end
end

--- Lines without comments, so that prose may say what code may not.
local function code_of(lines)
  local code, inside = {}, false
  for number, line in ipairs(lines) do
    if inside then
      local after = line:match("%*/(.*)$")
      inside, line = not after, after or ""
    end
    line = line:gsub("//.*$", ""):gsub("/%*.-%*/", "")
    local before = line:match("^(.-)/%*")
    if before then inside, line = true, before end
    code[number] = line
  end
  return code
end

local function check_link_pointers(file)
  for _, place in ipairs(LINK_PLACES) do if file.path:find(place) then return end end
  for number, line in ipairs(code_of(file.lines)) do
    for _, name in ipairs { "connection", "transport" } do
      if line:find("struct%s+" .. name .. "%f[^%w_]") then
        report(file.path, number, "struct %s is named past its place; name frames and sessions by id", name)
      end
    end
  end
end

local function check_first_comment(file)
  if not (file.lines[1] or ""):find("^/[*/]") then
    report(file.path, 1, "the file does not begin with a comment that says what it is")
  end
end

local function function_size(file, first, last)
  local size = last - first + 1
  if size > FUNCTION_MAX then
    report(file.path, first, "a function of %d lines; at most %d", size, FUNCTION_MAX)
  end
end

--- C: a definition begins at column 0 and its body ends with a lone brace there.
local function check_c_functions(file)
  local first
  for number, line in ipairs(file.lines) do
    if line:find("^}%s*$") then
      if first then function_size(file, first, number) end
      first = nil
    elseif line:find("^[%a_]") and not line:find("^[%w_]+:") then
      -- A signature may run over several lines, which are indented: the first one counts.
      first = number
    elseif line:find("^}") then
      first = nil
    end
  end
end

local function indent_of(line) return #line:match("^[ \t]*") end

--- Looks from `first` on for the line that closes a body opened at its indentation.
local function closing_line(lines, first, pattern)
  local indent = indent_of(lines[first])
  for number = first + 1, #lines do
    local line = lines[number]
    if line:find("%S") and indent_of(line) <= indent then
      if line:find("^%s*%)") then goto continue end -- the end of a parameter list
      return indent_of(line) == indent and line:find(pattern) and number or nil
    end
    ::continue::
  end
end

local function opens_lua_function(line)
  local from = line:find("%f[%w_]function%f[^%w_]")
  return from and not line:find("^%s*%-%-") and not line:find("%f[%w_]end%f[^%w_]", from)
end

local JS_STATEMENTS = {
  "if", "for", "while", "switch", "catch", "else", "do", "try", "with", "class", "export class", "export default class",
}

local function opens_js_function(line)
  if not line:find("[%(>].*{%s*$") or line:find("^%s*[/*]") then return false end
  for _, word in ipairs(JS_STATEMENTS) do
    if line:find("^[%s}]*" .. word .. "%f[^%w_$]") then return false end
  end
  return true
end

local function check_indented_functions(file, opens, pattern)
  for number, line in ipairs(file.lines) do
    if opens(line) then
      local last = closing_line(file.lines, number, pattern)
      if last then function_size(file, number, last) end
    end
  end
end

local function check_sizes(file)
  local path = file.path
  local c = path:find("^host/.*%.[ch]$")
  local lua = path:find("^rocks/.*%.lua$")
  local js = path:find("^renderer/.*%.m?js$")
  if not (c or lua or js) then return end
  if #file.lines > FILE_MAX then report(path, #file.lines, "a file of %d lines; at most %d", #file.lines, FILE_MAX) end
  if c then check_c_functions(file) end
  if lua then check_indented_functions(file, opens_lua_function, "^%s*end%f[^%w_]") end
  if js then check_indented_functions(file, opens_js_function, "^%s*}") end
end

-- Written in pieces, so that this file does not find itself.
local MARKERS = { "TO" .. "DO", "FIX" .. "ME", "XX" .. "X" }
local MACHINE_PATHS = { "/wo" .. "rk/", "/ro" .. "ot/", "/ho" .. "me/", "/Us" .. "ers/" }

local function check_text(file)
  for number, line in ipairs(file.lines) do
    for _, marker in ipairs(MARKERS) do
      if line:find("%f[%w_]" .. marker .. "%f[^%w_]") then report(file.path, number, "a %s marker", marker) end
    end
    for _, path in ipairs(MACHINE_PATHS) do
      if (" " .. line):find("[%s\"'`=(<:,]" .. path) then
        report(file.path, number, "the path of a machine: %s", path)
      end
    end
  end
end

--- The line on which a symbol is first written in a source file, 1 if it cannot be told.
local function line_of_symbol(path, symbol)
  local file = io.open(root .. "/" .. path)
  if not file then return 1 end
  file:close()
  for number, line in ipairs(lines_of(read(root .. "/" .. path))) do
    if line:find("%f[%w_]" .. symbol .. "%f[^%w_]") then return number end
  end
  return 1
end

local MUTABLE_SECTIONS = { "%.data", "%.bss", "%.tdata", "%.tbss", "%*COM%*" }

--- The section of a line of a symbol table, if what lies there can change while the program runs.
local function mutable_section(line)
  local section = line:match("^%x+ .......%s*(%S+)\t")
  if not section or section:find("^%.data%.rel%.ro") then return nil end
  for _, pattern in ipairs(MUTABLE_SECTIONS) do
    local _, last = section:find("^" .. pattern)
    if last and (last == #section or section:sub(last + 1, last + 1) == ".") then return section end
  end
end

local function check_object(object)
  local source = object:match("(host/.-%.c)%.o$")
  local pipe = output_of("objdump -t " .. shell_quote(object) .. " 2>&1")
  for _, line in ipairs(lines_of(pipe)) do
    local section = mutable_section(line)
    local symbol = line:match("([^%s]+)%s*$")
    if section and not symbol:find("^%.") then
      local name = symbol:match("([%a_][%w_]*)%.?%d*$") or symbol
      if not GLOBALS[source .. " " .. name] then
        report(source, line_of_symbol(source, name), "a mutable global: %s in %s", name, section)
      end
    end
  end
end

local function check_globals()
  local found = output_of("find " .. shell_quote(objects) .. " -path '*/host/*.c.o' | LC_ALL=C sort")
  local count = 0
  for _, object in ipairs(lines_of(found)) do
    -- An object of a file that is gone says nothing about the project of today.
    local source = object:match("(host/.-%.c)%.o$")
    local file = source and io.open(root .. "/" .. source)
    if file then
      file:close()
      count = count + 1
      check_object(object)
    end
  end
  if count == 0 then report(objects, 1, "no objects of host/ to search for mutable globals") end
end

local files = project_files()
local all = {}
for _, file in ipairs(files) do all[file.path] = true end
for _, file in ipairs(files) do
  if file.path:find("^host/.*%.[ch]$") then
    check_includes(file, all)
    check_link_pointers(file)
    check_first_comment(file)
  end
  check_sizes(file)
  check_text(file)
end
if objects then check_globals() end

for _, violation in ipairs(violations) do print(violation) end
print(("%d files, %d violations"):format(#files, #violations))
os.exit(#violations == 0)
