-- The architecture check is fed a small tree that breaks each of its rules, and one that breaks none.

local shell = require "spec.shell"
local run, shell_quote = shell.run, shell.quote

local CHECK = "tools/architecture.lua"

local function write(root, path, text)
  assert(os.execute("mkdir -p " .. shell_quote(root .. "/" .. path:match("^(.*)/[^/]*$"))))
  shell.write(root .. "/" .. path, text)
end

local function compile(root, path)
  local object = ("%s/objects/lib.dir/%s.o"):format(root, path)
  assert(os.execute("mkdir -p " .. shell_quote(object:match("^(.*)/[^/]*$"))))
  assert(os.execute(("cc -fPIC -c -o %s %s"):format(shell_quote(object), shell_quote(root .. "/" .. path))))
end

local function repeated(line, count) return (line .. "\n"):rep(count) end

describe("the architecture check", function()
  local root

  before_each(function()
    root = run("mktemp -d"):gsub("%s+$", "")
    write(root, "host/base/slice.h", "/* slice */\nstruct slice;\n")
    write(root, "host/transport/transport.h", "/* transport */\n#include <uv.h>\nstruct transport;\n")
    write(root, "host/frame/frame.h", "/* frame */\n#include \"base/slice.h\"\n#include \"frame.h\"\n")
  end)

  after_each(function() os.execute("rm -rf " .. shell_quote(root)) end)

  local function check(arguments)
    return run(("lua5.4 %s %s %s"):format(CHECK, shell_quote(root), arguments or ""))
  end

  local function assert_found(expected, arguments)
    local output, ok = check(arguments)
    assert.is_false(ok, output)
    assert.is_truthy(("\n" .. output):find("\n" .. expected, 1, true), output)
    assert.is_truthy(output:find(" 1 violations\n", 1, true), output)
  end

  it("finds nothing in a tree that keeps the rules", function()
    write(root, "host/connection.c",
      '// connection\n#include "transport/transport.h"\nstruct connection { struct transport *t; };\n')
    write(root, "host/ipc/ok.c",
      '// ok: no struct connection here\n#include "frame/frame.h"\nstruct transport_env;\n')
    write(root, "./.git", "gitdir: /" .. "home/somebody/project\n") -- as in a worktree
    local output, ok = check()
    assert.is_true(ok, output)
  end)

  it("finds a higher layer's header", function()
    write(root, "host/base/up.c", '// up\n#include "frame/frame.h"\n')
    assert_found("host/base/up.c:2: the layer base includes frame/frame.h: it may know base only")
  end)

  it("finds a sibling's header: the Lua border knows no transport", function()
    write(root, "host/lua/link.c", '// link\n#include "transport/transport.h"\n')
    assert_found("host/lua/link.c:2: the layer lua includes transport/transport.h")
  end)

  it("finds the composition's header in a layer", function()
    write(root, "host/host.h", "// host\n")
    write(root, "host/ipc/up.c", '// up\n#include "host.h"\n')
    assert_found("host/ipc/up.c:2: the layer ipc includes host.h, which belongs to the composition")
  end)

  it("finds a library where it must not be known", function()
    write(root, "host/session/loop.c", "// loop\n#include <uv.h>\n")
    assert_found("host/session/loop.c:2: the layer session includes uv.h: it must not know uv.h")
    os.remove(root .. "/host/session/loop.c")
    write(root, "host/transport/script.c", "// script\n#include <lauxlib.h>\n")
    assert_found("host/transport/script.c:2: the layer transport includes lauxlib.h: it must not know lua.h")
  end)

  it("finds a folder that is no layer", function()
    write(root, "host/misc/misc.c", "// misc\n")
    assert_found("host/misc/misc.c:1: misc is no layer")
  end)

  it("finds a link's struct past its place", function()
    write(root, "host/ipc/core.c",
      "// core\n/* struct transport in prose\n   struct connection too */\nvoid f(struct connection *c);\n")
    assert_found("host/ipc/core.c:4: struct connection is named past its place")
    os.remove(root .. "/host/ipc/core.c")
    write(root, "host/main.c", "// main\nvoid f(struct transport *t);\n")
    assert_found("host/main.c:2: struct transport is named past its place")
  end)

  it("finds a file without a first comment", function()
    write(root, "host/base/bare.c", "int f(void);\n")
    assert_found("host/base/bare.c:1: the file does not begin with a comment")
  end)

  it("finds long files in C, Lua and JavaScript", function()
    for _, path in ipairs { "host/base/long.c", "rocks/async/long.lua", "renderer/lib/long.js" } do
      write(root, path, "// long\n" .. repeated("// line", 600))
      assert_found(path .. ":601: a file of 601 lines; at most 600")
      os.remove(root .. "/" .. path)
    end
  end)

  it("takes a file of 600 lines", function()
    write(root, "host/base/long.c", "// long\n" .. repeated("// line", 599))
    assert.is_true(select(2, check()))
  end)

  it("finds long functions in C", function()
    write(root, "host/base/f.c", "// f\nstruct s {\n" .. repeated("  int a;", 80) .. "};\n\n"
      .. "int f(int a,\n      int b) {\n" .. repeated("  a++;", 30) .. "out:\n" .. repeated("  a++;", 28) .. "}\n")
    assert_found("host/base/f.c:85: a function of 62 lines; at most 60")
  end)

  it("finds long functions in Lua", function()
    write(root, "rocks/a/a.lua", "local function f(a)\n  if a then\n" .. repeated("    a()", 57) .. "  end\nend\n")
    assert_found("rocks/a/a.lua:1: a function of 61 lines; at most 60")
    write(root, "rocks/a/a.lua", "local M = {}\n  M.f = function()\n" .. repeated("    M()", 70) .. "  end\n")
    assert_found("rocks/a/a.lua:2: a function of 72 lines; at most 60")
  end)

  it("finds long functions in JavaScript", function()
    write(root, "renderer/a.js", "export class A {\n  async b(c) {\n" .. repeated("    c()", 60) .. "  }\n}\n")
    assert_found("renderer/a.js:2: a function of 62 lines; at most 60")
    write(root, "renderer/a.js", "const f = () => {\n" .. repeated("  f()", 60) .. "}\n")
    assert_found("renderer/a.js:1: a function of 62 lines; at most 60")
  end)

  it("takes functions of 60 lines, and long classes", function()
    write(root, "host/base/f.c", "// f\nint f(void) {\n" .. repeated("  g();", 58) .. "}\n")
    write(root, "rocks/a/a.lua", "local function f()\n" .. repeated("  f()", 58) .. "end\n")
    local method = "  b() {\n" .. repeated("    c()", 20) .. "  }\n"
    write(root, "renderer/a.js", "export class A {\n" .. method:rep(5) .. "}\n")
    local output, ok = check()
    assert.is_true(ok, output)
  end)

  it("finds markers of unfinished work", function()
    write(root, "scripts/a.lua", "local a = 1 -- " .. "TO" .. "DO later\n")
    assert_found("scripts/a.lua:1: a TO" .. "DO marker")
  end)

  it("finds paths of a machine", function()
    write(root, "docs/a.md", "text\nsee /ho" .. "me/someone/ipchost\n")
    assert_found("docs/a.md:2: the path of a machine: /ho" .. "me/")
  end)

  it("finds mutable globals, and only those", function()
    write(root, "host/base/state.c", "// state\nstatic const char *const names[] = {\"a\", \"b\"};\n"
      .. "const int limit = 3;\nconst char *f(int i) { return names[i + limit]; }\n")
    compile(root, "host/base/state.c")
    local output, ok = check(shell_quote(root .. "/objects"))
    assert.is_true(ok, output)

    write(root, "host/base/state.c", "// state\nint f(void) {\n  static int counter;\n  return ++counter;\n}\n")
    compile(root, "host/base/state.c")
    assert_found("host/base/state.c:3: a mutable global: counter in .bss", shell_quote(root .. "/objects"))

    write(root, "host/base/state.c", "// state\n_Thread_local int level = 4;\n")
    compile(root, "host/base/state.c")
    assert_found("host/base/state.c:2: a mutable global: level in .tdata", shell_quote(root .. "/objects"))
  end)

  it("says so when there are no objects to search", function()
    local output, ok = check(shell_quote(root .. "/objects"))
    assert.is_false(ok)
    assert.is_truthy(output:find("no objects of host/", 1, true), output)
  end)
end)
