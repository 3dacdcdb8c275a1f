-- What the loader says of source that has JavaScript's syntax in it.
local source = require "ipchost.source"

local function message_of(text) return select(2, source.compile(text, "main.lua")) end

describe("await f()", function()
  it("is refused where Lua takes it for two statements, with the call to write", function()
    assert.equal("main.lua:2: 'await f()' is two statements in Lua; write await(f())",
      message_of("local n = 1\nlocal x = await f()"))
    for call, shown in pairs {
      ["notes.insert(1, 'a')"] = "notes.insert(1, 'a')", ["store:get(key).rows[1]()"] = "store:get(key).rows[1]()",
      ["f'x'"] = "f", ["f(\n1)"] = "f(...)",
    } do
      assert.equal(("main.lua:1: 'await %s' is two statements in Lua; write await(%s)"):format(shown, shown),
        message_of(("x = await %s"):format(call)))
    end
  end)

  it("is refused under all its names", function()
    for _, name in ipairs { "await", "async.await", "async.pawait", "pawait" } do
      assert.equal(("main.lua:1: '%s f()' is two statements in Lua; write %s(f())"):format(name, name),
        message_of(("x = %s f()"):format(name)))
    end
  end)

  it("is left alone where it is something else", function()
    for _, text in ipairs {
      "local x = await(f())", "local await = async.await\nf()", "local y = await\nf()", "await 'x' await { f() }",
      "-- x = await f()", "--[[ x = await f() ]]", "local s = 'x = await f()' .. [[ y = await g() ]]",
      "local function await(p) end", "function await (p) end", "if await and x then end", "return await or x",
      "x = task.await f()", "x = my_await f()",
    } do assert.is_nil(message_of(text)) end
  end)

  it("has a hint where it does not compile either", function()
    assert.equal("main.lua:1: <eof> expected near 'f' (await is a function; write await(f()))",
      message_of("return await f()"))
  end)
end)

describe("a syntax error on a line with", function()
  local hints = {
    ["p:then(f)"] = "'then' is a word of Lua's; write promise:next(...)",
    ["p.then(f)"] = "'then' is a word of Lua's; write promise:next(...)",
    ["if a != b then end"] = "write ~= for !=",
    ["if a !== b then end"] = "write ~= for !=",
    ["if a === b then end"] = "write == for ===",
    ["p:next(x => x)"] = "Lua has no arrow functions; write function(...) ... end",
    ["local f = async function() end"] = "Lua has no 'async': every function may await inside a task; write function",
    ["x += 1"] = "Lua has no compound assignments; write x = x + y for x += y",
    ["x /= 2"] = "Lua has no compound assignments; write x = x / y for x /= y",
    ["i++"] = "Lua has no ++; write x = x + 1",
    ["const { app } = require('electron')"] = "write local for const, or local x <const> = ...",
    ["let x = 1"] = "write local for let",
    ["var x = 1"] = "write local for var",
    ["// a note"] = "// divides in Lua; comments begin with --",
    ["x = 1 // the first"] = "// divides in Lua; comments begin with --",
    ["/* a note */"] = "comments begin with -- in Lua",
    ["if a && b then end"] = "write and for &&",
    ["if a || b then end"] = "write or for ||",
    ["if !a then end"] = "write not for !",
    ["try {"] = "Lua has no try and catch; write pcall(function() ... end)",
    ["throw e"] = "write error(...) for throw",
    ["f(new Map())"] = "Lua has no new; call the class: Promise(fn), ipc.Date(ms)",
    ["function f() {"] = "blocks end with end in Lua, not in braces: if ... then, function() ...",
    ["})"] = "blocks end with end in Lua, not in braces",
  }
  for line, hint in pairs(hints) do
    it(line .. " has a hint", function()
      local message = message_of("\n" .. line)
      assert.matches("^main%.lua:%d: ", message)
      assert.matches("(" .. hint .. ")", message, 1, true)
    end)
  end

  it("none of these has none, nor has one with these in strings and comments", function()
    assert.equal("main.lua:1: unexpected symbol near '='", message_of("x = = 2"))
    assert.equal("main.lua:1: unexpected symbol near ')'", message_of("s = 'a != b' ) -- x += 1, p:then()"))
    assert.equal("main.lua:2: unexpected symbol near ')'", message_of("local a = b // 2\nlocal c = )"))
  end)
end)

describe("a file", function()
  it("may begin with a byte order mark and a line for the shell, and must be text", function()
    local chunk = source.compile("\xEF\xBB\xBF#!/usr/bin/lua\nreturn debug.getinfo(1, 'l').currentline", "main.lua")
    assert.equal(2, chunk())
    assert.matches("attempt to load a binary chunk", message_of(string.dump(function() end)))
  end)

  it("that cannot be read says why", function()
    assert.same({ nil, "cannot open none.lua: No such file or directory" }, { source.load("none.lua") })
    assert.matches("^cannot read spec: ", select(2, source.load("spec")))
  end)

  it("takes an environment", function()
    assert.equal(7, source.compile("return x", "main.lua", { x = 7 })())
  end)
end)
