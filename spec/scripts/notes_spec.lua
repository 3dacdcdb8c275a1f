-- scripts/notes.lua: notes made, changed, searched and deleted by invoke, and pushed to all others.
local test = require "ipchost.test"

local function texts(list)
  local found = {}
  for i, note in ipairs(list.notes) do found[i] = note.text end
  return found
end

describe("scripts/notes.lua", function()
  local path, host, page

  before_each(function()
    path = os.tmpname()
    host = test.host { scripts = { "scripts/notes.lua" }, settings = { database = path } }
    page = host:renderer { url = "http://127.0.0.1:8080/" }
  end)
  after_each(function()
    host:close()
    for _, suffix in ipairs { "", "-wal", "-shm" } do os.remove(path .. suffix) end
  end)

  it("adds, lists, edits and deletes", function()
    local before = os.time()
    local milk = page:invoke("notes:add", "milk")
    local bread = page:invoke("notes:add", "bread")
    assert.is_true(milk.id < bread.id)
    assert.is_true(milk.created:getTime() / 1000 >= before - 1)
    local list = page:invoke "notes:list"
    assert.same({ "bread", "milk" }, texts(list))
    assert.equal(2, list.total)
    local edited = page:invoke("notes:edit", milk.id, "oat milk")
    assert.equal(milk.created:getTime(), edited.created:getTime())
    assert.is_true(edited.changed:getTime() >= edited.created:getTime())
    assert.same({ "oat milk", "bread" }, texts(page:invoke "notes:list"))
    assert.equal("bread", page:invoke("notes:delete", bread.id).text)
    assert.same({ "oat milk" }, texts(page:invoke "notes:list"))
  end)

  it("keeps every text as it is", function()
    for _, text in ipairs { "it's; DROP TABLE notes; --", "\"?\" ?1 :a @b", "line\nline\r\n\ttab", "Grüße 日本語 🙂",
      "null", "1e3", "  spaces  " } do
      local id = page:invoke("notes:add", text).id
      local list = page:invoke "notes:list"
      assert.equal(text, list.notes[1].text)
      assert.equal(id, list.notes[1].id)
    end
  end)

  it("finds notes that have all of the words, taken literally", function()
    for _, text in ipairs { "Buy milk and bread", "buy 100% wool", "snake_case", "back\\slash" } do
      page:invoke("notes:add", text)
    end
    local function found(words) return texts(page:invoke("notes:list", words)) end
    assert.same({ "buy 100% wool", "Buy milk and bread" }, found "BUY")
    assert.same({ "Buy milk and bread" }, found " bread  milk ")
    assert.same({ "buy 100% wool" }, found "%")
    assert.same({ "snake_case" }, found "_")
    assert.same({ "back\\slash" }, found "\\")
    assert.same({}, found "' OR 1=1 --")
    assert.equal(4, page:invoke("notes:list", "").total)
    assert.equal(0, page:invoke("notes:list", "nowhere").total)
  end)

  it("answers no notes with an empty list", function()
    assert.equal("Array", host.ipc.type(page:invoke("notes:list").notes))
  end)

  it("pushes each change to the others, and not to who made it", function()
    local other, changes, own = host:renderer { url = "http://127.0.0.1:8080/" }, {}, 0
    other:on("notes:changed", function(_, change) changes[#changes + 1] = change.kind .. " " .. change.note.text end)
    page:on("notes:changed", function() own = own + 1 end)
    local note = page:invoke("notes:add", "shared")
    page:invoke("notes:edit", note.id, "shared twice")
    page:invoke("notes:delete", note.id)
    assert.same({ "added shared", "edited shared twice", "deleted shared twice" }, changes)
    assert.equal(0, own)
  end)

  it("refuses what is no note", function()
    for _, text in ipairs { "", " \n\t", "a\0b", ("x"):rep(4001), 7 } do
      assert.rejects({ code = "NOTE_TEXT", name = "NoteError" }, page.invoke, page, "notes:add", text)
    end
    assert.rejects({ code = "NOTE_TEXT" }, page.invoke, page, "notes:add")
    assert.rejects({ code = "NOTE_WORDS" }, page.invoke, page, "notes:list", 7)
    assert.rejects({ code = "NOTE_WORDS" }, page.invoke, page, "notes:list", ("a "):rep(101))
    assert.equal(0, page:invoke("notes:list").total)
    assert.equal(0, page:invoke("notes:list", ("a "):rep(100)).total)
  end)

  it("says which note is not there", function()
    local id = page:invoke("notes:add", "soon gone").id
    page:invoke("notes:delete", id)
    for _, args in ipairs { { "notes:edit", id, "late" }, { "notes:delete", id }, { "notes:delete", "1 OR 1=1" } } do
      local ok, err = pcall(page.invoke, page, table.unpack(args))
      assert.is_false(ok)
      assert.same({ "NOTE_NOT_FOUND", args[2] }, { err.code, err.data.id })
    end
  end)
end)

describe("scripts/notes.lua without its database", function()
  it("waits a little where that is locked, and then says so", function()
    local attempts = 0
    local host <close> = test.host {
      path = "spec/scripts/fakes/?.lua", scripts = { "scripts/notes.lua" }, settings = { database = os.tmpname() },
    }
    host.locked = function() attempts = attempts + 1 return true end
    local page = host:renderer()
    local call = page.ipcRenderer.invoke("notes:add", "milk")
    host:tick()
    assert.equal(1, attempts)
    host:advance(20)
    assert.equal(2, attempts)
    host:advance(350)
    assert.rejects({ code = "SQLITE_BUSY" }, function() return call end)
    assert.equal(5, attempts)
  end)
end)
