-- Notes in SQLite: each change is answered to who made it and pushed to all others.
--
--   notes:list (words?)       invoke -> { notes, total }: the newest that have all of the words, of so many in all;
--                                       a note is { id, text, created, changed }
--   notes:add (text)          invoke -> the note
--   notes:edit (id, text)     invoke -> the note
--   notes:delete (id)         invoke -> the note that is gone
--   notes:changed             pushed: { kind = "added", "edited" or "deleted", note }
--
-- Rejects with NOTE_TEXT, NOTE_WORDS, NOTE_NOT_FOUND, or what database.lua raises.
local Database = require "database"
local now = require "now"

-- Change these and look at the page.
local longest = 4000 -- bytes of a note
local shown = 100 -- notes of a list
local longest_search = 200 -- bytes

local function absolute(path)
  return path:sub(1, 1) == "/" and path or app.getAppPath() .. "/" .. path
end

-- Times are REAL: see database.lua. With a write-ahead log no change waits for the disk, which would hold up
-- everybody; all are safe when the host is killed, and a loss of power costs at most the latest.
local database = Database.new(absolute(app.settings.database or "run/notes.db"), {
  "PRAGMA journal_mode = WAL",
  "PRAGMA synchronous = NORMAL",
  [[CREATE TABLE IF NOT EXISTS notes (
      id INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT NOT NULL, created REAL NOT NULL, changed REAL NOT NULL)]],
  "CREATE INDEX IF NOT EXISTS notes_changed ON notes (changed)",
})

--- Now, later than any time before it: what is changed within one millisecond keeps its order.
local latest = 0
local function stamp()
  local at = now()
  latest = at == math.floor(latest) and latest + 0.001 or at
  return latest
end

local function fail(code, message, data)
  error { name = "NoteError", message = message, code = code, data = data }
end

local function checked_text(text)
  if type(text) ~= "string" or not utf8.len(text) then fail("NOTE_TEXT", "a note is text") end
  if text:find("\0", 1, true) then fail("NOTE_TEXT", "a note cannot have a zero byte") end
  if not text:find("%S") then fail("NOTE_TEXT", "a note cannot be empty") end
  if #text > longest then
    fail("NOTE_TEXT", ("a note of %d bytes is longer than %d"):format(#text, longest), { longest = longest })
  end
  return text
end

local function note_of(row)
  local created, changed = math.floor(row.created), math.floor(row.changed)
  return { id = row.id, text = row.text, created = ipc.Date(created), changed = ipc.Date(changed) }
end

local function find(id)
  local row = math.type(id) == "integer" and database:run("SELECT * FROM notes WHERE id = ?", id)[1]
  if not row then fail("NOTE_NOT_FOUND", "this note is not there any more", { id = id }) end
  return note_of(row)
end

--- SQL that holds for texts that have all of the words, and the values to bind.
local function condition(words)
  local terms, values = {}, {}
  for word in words:gmatch("%S+") do
    terms[#terms + 1] = "text LIKE ? ESCAPE '\\'"
    values[#values + 1] = "%" .. word:gsub("[\\%%_]", "\\%0") .. "%"
  end
  return #terms > 0 and "WHERE " .. table.concat(terms, " AND ") or "", values
end

local function push(event, kind, note)
  event.sender:broadcast("notes:changed", { kind = kind, note = note })
  return note
end

ipcMain.handle("notes:list", function(_, words)
  words = ipc.default(words, "")
  if type(words) ~= "string" then fail("NOTE_WORDS", "what is searched for is text") end
  if #words > longest_search then fail("NOTE_WORDS", "that is too much to search for", { longest = longest_search }) end
  local where, values = condition(words)
  local rows = database:run("SELECT count(*) AS total FROM notes " .. where, table.unpack(values))
  values[#values + 1] = shown
  local notes = database:run("SELECT * FROM notes " .. where .. " ORDER BY changed DESC, id DESC LIMIT ?",
    table.unpack(values))
  for i, row in ipairs(notes) do notes[i] = note_of(row) end
  return { notes = notes, total = rows[1].total }
end)

ipcMain.handle("notes:add", function(event, text)
  local at = stamp()
  local insert = "INSERT INTO notes (text, created, changed) VALUES (?, ?, ?)"
  local _, _, id = database:run(insert, checked_text(text), at, at)
  return push(event, "added", note_of { id = id, text = text, created = at, changed = at })
end)

ipcMain.handle("notes:edit", function(event, id, text)
  find(id)
  database:run("UPDATE notes SET text = ?, changed = ? WHERE id = ?", checked_text(text), stamp(), id)
  return push(event, "edited", find(id))
end)

ipcMain.handle("notes:delete", function(event, id)
  local note = find(id)
  database:run("DELETE FROM notes WHERE id = ?", id)
  return push(event, "deleted", note)
end)
