-- The example application's notes over real links and in a real file, and what is said when that cannot be used. What
-- needs neither is in spec/scripts.
local await = require("async").await
local support = require "spec.functional.support"
local scripts = require "spec.functional.scripts_support"

local function database_setting(path) return scripts.settings(("database = %q"):format(path)) end

--- The application on a database in a folder of its own, with one renderer.
local function start(path)
  local app = { host = support.start(scripts.main, database_setting(path)) }
  app.renderer = app.host:connect()
  function app.invoke(...)
    local args = table.pack(...)
    local ipc = app.renderer.ipcRenderer
    return app.renderer:run(function() return await(ipc.invoke(table.unpack(args, 1, args.n))) end)
  end
  function app.rejection(...)
    local ok, err = pcall(app.invoke, ...)
    assert.is_false(ok)
    return err
  end
  function app.stop()
    app.renderer:close()
    app.host:stop()
  end
  return app
end

local function texts(list)
  local found = {}
  for i, note in ipairs(list.notes) do found[i] = note.text end
  return found
end

support.each_transport("scripts/notes.lua", scripts.main, function(context)
  before_each(function()
    for _, note in ipairs(context.invoke("notes:list").notes) do context.invoke("notes:delete", note.id) end
  end)

  it("adds, lists, edits and deletes", function()
    local before = os.time()
    local milk = context.invoke("notes:add", "milk")
    local bread = context.invoke("notes:add", "bread")
    assert.is_true(milk.id < bread.id)
    assert.is_true(milk.created:getTime() / 1000 >= before - 1)
    local list = context.invoke("notes:list")
    assert.same({ "bread", "milk" }, texts(list))
    assert.equal(2, list.total)
    local edited = context.invoke("notes:edit", milk.id, "oat milk")
    assert.equal(milk.created:getTime(), edited.created:getTime())
    assert.is_true(edited.changed:getTime() >= edited.created:getTime())
    assert.same({ "oat milk", "bread" }, texts(context.invoke("notes:list")))
    assert.equal("bread", context.invoke("notes:delete", bread.id).text)
    assert.same({ "oat milk" }, texts(context.invoke("notes:list")))
  end)

  it("keeps every text as it is", function()
    local texts_to_keep = { "it's; DROP TABLE notes; --", "\"?\" ?1 :a @b", "line\nline\r\n\ttab", "Grüße 日本語 🙂",
      "null", "1e3", "  spaces  " }
    for _, text in ipairs(texts_to_keep) do
      local id = context.invoke("notes:add", text).id
      local list = context.invoke("notes:list")
      assert.equal(text, list.notes[1].text)
      assert.equal(id, list.notes[1].id)
    end
  end)

  it("pushes each change to the others, and not to who made it", function()
    local other = context.host:connect(context.transport)
    local changes, own = {}, 0
    other.ipcRenderer:on("notes:changed", function(_, change) changes[#changes + 1] = change end)
    context.ipc:on("notes:changed", function() own = own + 1 end)
    -- A renderer hears broadcasts once the host knows it.
    other:run(function() return await(other.ipcRenderer.invoke("notes:list")) end)
    local note = context.invoke("notes:add", "shared")
    context.invoke("notes:edit", note.id, "shared twice")
    context.invoke("notes:delete", note.id)
    support.wait_until(function() return #changes == 3 end, "three pushes")
    local kinds, pushed = {}, {}
    for i, change in ipairs(changes) do kinds[i], pushed[i] = change.kind, change.note.text end
    assert.same({ "added", "edited", "deleted" }, kinds)
    assert.same({ "shared", "shared twice", "shared twice" }, pushed)
    assert.equal(note.id, changes[1].note.id)
    assert.equal(0, own)
    other:close()
  end)
end)

describe("the file of scripts/notes.lua", function()
  local folder
  before_each(function() folder = support.folder() end)
  after_each(function() support.remove_folder(folder) end)

  it("has all notes again after a restart", function()
    local app = start(folder .. "/notes.db")
    local note = app.invoke("notes:add", "to be kept")
    app.stop()
    app = start(folder .. "/notes.db")
    local kept = app.invoke("notes:list").notes[1]
    assert.equal(note.id, kept.id)
    assert.equal("to be kept", kept.text)
    assert.equal(note.changed:getTime(), kept.changed:getTime())
    app.stop()
  end)

  it("is named with a code where it cannot be opened, and used once it can", function()
    local path = folder .. "/later/notes.db"
    local app = start(path)
    local err = app.rejection("notes:add", "milk")
    assert.equal("SQLITE_CANTOPEN", err.code)
    assert.equal("DatabaseError", err.name)
    assert.equal(path, err.data.path)
    assert.matches(path .. ": unable to open database file: No such file or directory", err.message, 1, true)
    assert(require("luv").fs_mkdir(folder .. "/later", 448))
    app.invoke("notes:add", "milk")
    assert.equal(1, app.invoke("notes:list").total)
    app.stop()
  end)

  it("is named with a code where it is no database", function()
    support.write_file(folder .. "/notes.db", ("no database. "):rep(100))
    local app = start(folder .. "/notes.db")
    assert.equal("SQLITE_NOTADB", app.rejection("notes:list").code)
    app.stop()
  end)

  it("is named with a code while it is locked, holding up nobody, and used after that", function()
    local path = folder .. "/notes.db"
    local app = start(path)
    app.invoke("notes:add", "before")
    local connection = assert(require("DBI").Connect("SQLite3", path))
    connection:autocommit(true)
    local function execute(sql)
      local statement = assert(connection:prepare(sql))
      assert(statement:execute())
      statement:close()
    end
    execute("BEGIN EXCLUSIVE")
    local order = {}
    app.renderer:run(function()
      local ipc = app.renderer.ipcRenderer
      local locked = ipc.invoke("notes:add", "during")
      locked:catch(function(err) order[#order + 1] = err.code end)
      await(ipc.invoke("system:figures"))
      order[#order + 1] = "figures"
      pcall(await, locked)
    end)
    assert.same({ "figures", "SQLITE_BUSY" }, order)
    -- One that waits while the lock is let go is done.
    app.renderer:run(function()
      local waiting = app.renderer.ipcRenderer.invoke("notes:add", "after")
      await(app.renderer.ipcRenderer.invoke("system:figures"))
      execute("ROLLBACK")
      await(waiting)
    end)
    connection:close()
    assert.same({ "after", "before" }, texts(app.invoke("notes:list")))
    app.stop()
  end)
end)
