-- The tool that embeds the JavaScript client and joins it into a classic script: what it makes, and what it refuses.
local shell = require "spec.shell"
local run, shell_quote = shell.run, shell.quote

describe("the client's bundle", function()
  local folder

  before_each(function() folder = run("mktemp -d"):gsub("%s+$", "") end)
  after_each(function() os.execute("rm -rf " .. shell_quote(folder)) end)

  local function bundle(modules, aliases)
    for name, text in pairs(modules) do shell.write(folder .. "/" .. name, text) end
    local output = shell_quote(folder .. "/client.c")
    return run(("lua5.4 tools/bundle.lua %s %s entry.js %s"):format(output, shell_quote(folder), aliases or ""))
  end

  --- By path, the texts in the table that was written.
  local function files()
    local source, found = shell.read(folder .. "/client.c"), {}
    local row = '{"(/ipchost/[%w.]+)", "text/javascript; charset=utf%-8", {([%w_]+), (%d+)}}'
    for path, array, len in source:gmatch(row) do
      local bytes = {}
      for byte in source:match(array .. "%[%] = (%b{})"):gmatch("%d+") do bytes[#bytes + 1] = string.char(byte) end
      found[path] = table.concat(bytes, "", 1, tonumber(len))
    end
    return found
  end

  it("serves an alias and what it imports beside the classic script", function()
    local modules = {
      ["entry.js"] = "export const one = 1\n",
      ["alias.js"] = "import { one } from './entry.js'\nimport { two } from './two.js'\n" ..
        "export const three = one + two\n",
      ["two.js"] = "export const two = 2\n",
    }
    assert.equal("", (bundle(modules, "alias.js")))
    local made = files()
    for name, text in pairs(modules) do assert.equal(text, made["/ipchost/" .. name]) end
    assert.is_nil(made["/ipchost/renderer.classic.js"]:find("three", 1, true))
    modules["alias.js"] = "import { two } from './none.js'\n"
    assert.matches("alias.js:1: there is no none.js", bundle(modules, "alias.js"), 1, true)
  end)

  it("holds the modules as they are, and joins them in the order in which they need each other", function()
    local modules = {
      ["entry.js"] = "import { add } from './add.js'\nimport { one } from './one.js'\n\n" ..
        "export const url = import.meta.url\nexport async function two() {\n  return add(one, one)\n}\nconst own = 1\n",
      ["add.js"] = "import { one } from './one.js'\nexport function add(a, b) {\n  return a + b * one\n}",
      ["one.js"] = "export const one = 1\n",
      ["other.js"] = "import { x } from 'elsewhere'\n",
    }
    assert.equal("", (bundle(modules)))
    local made = files()
    for _, name in ipairs { "entry.js", "add.js", "one.js" } do
      assert.equal(modules[name], made["/ipchost/" .. name])
    end
    assert.is_nil(made["/ipchost/other.js"])
    local classic = made["/ipchost/renderer.classic.js"]
    assert.truthy(classic:find("\nconst one = 1\n.*\nfunction add.*\nconst url = scriptUrl\nasync function two"))
    assert.truthy(classic:find("\nglobalThis.ipchost = { url, two }\n", 1, true))
    assert.is_nil(classic:find("import", 1, true))
    assert.is_nil(classic:find("export", 1, true))
  end)

  local refused = {
    { "an import of everything", "import * as all from './a.js'", "entry.js:1: an import is" },
    { "an import of a package", "import { a } from 'a'", "entry.js:1: an import is" },
    { "an import under another name", "import { a as b } from './a.js'", "entry.js:1: an import is" },
    { "an import over lines", "import {\n  a } from './a.js'", "entry.js:1: an import is" },
    { "an import for its effect", "import './a.js'", "entry.js:1: an import is" },
    { "an import of what is not there", "const x = 1\nimport { b } from './b.js'", "entry.js:2: there is no b.js" },
    { "an import at any time", "const x = () => import('./a.js')", "entry.js:1: import() has no place" },
    { "a list of exports", "const x = 1\nexport { x }", "entry.js:2: `export` stands before" },
    { "a default export", "export default 1", "entry.js:1: `export` stands before" },
    { "await at the top", "\nconst x = await 1", "entry.js:2: a module does not await" },
    { "await deeper in a line at the top", "f(1, await 1)", "entry.js:1: a module does not await" },
    { "var at the top", "var x = 1", "entry.js:1: a name at the top" },
    { "a name of another module", "import { a } from './a.js'\nlet own = 1", "entry.js:2: own is also a name of a.js" },
    { "a name of another module, in a pattern", "import { a } from './a.js'\nconst { x: own } = {}",
      "entry.js:2: own is also" },
    { "a cycle", "import { c } from './c.js'\nexport const x = 1", "c.js:1: entry.js imports this module" },
    { "another question of where it came from", "const x = import.meta.resolve('x')",
      "entry.js:1: only entry.js asks" },
    { "where a module came from", "import { d } from './d.js'", "d.js:2: only entry.js asks" },
  }
  for _, case in ipairs(refused) do
    it("refuses " .. case[1], function()
      local output, passed = bundle {
        ["entry.js"] = case[2] .. "\n",
        ["a.js"] = "export const a = 1\nconst own = 2\n",
        ["c.js"] = "import { x } from './entry.js'\nexport const c = x\n",
        ["d.js"] = "/** import.meta in a comment, import('./a.js') too */\nexport const d = import.meta.url\n",
      }
      assert.is_false(passed)
      assert.equal(folder .. "/" .. case[3], output:sub(1, #folder + 1 + #case[3]))
    end)
  end
end)
