-- A SQLite file through lua-dbi-sqlite3. Values are always bound, never part of the SQL. It opens at first use, and
-- again after a failure, so that a path that is put right or a lock that is let go needs no restart.
-- Errors are tables with a code of SQLite's: SQLITE_BUSY, SQLITE_CANTOPEN, ...
--
-- What to know of the library: integers are read with 32 bits only, so columns of larger ones are REAL; text ends at a
-- zero byte; a connection that fails is never freed.
local PATIENCE_MS = { 20, 50, 100, 200 } -- waits between attempts on a locked database

-- SQLite's codes by its texts: the library hands on no numbers.
local CODES = {
  { "database is locked", "SQLITE_BUSY" },
  { "database table is locked", "SQLITE_LOCKED" },
  { "unable to open database file", "SQLITE_CANTOPEN" },
  { "file is not a database", "SQLITE_NOTADB" },
  { "disk image is malformed", "SQLITE_CORRUPT" },
  { "readonly database", "SQLITE_READONLY" },
  { "disk I/O error", "SQLITE_IOERR" },
  { "is full", "SQLITE_FULL" },
  { "constraint failed", "SQLITE_CONSTRAINT" },
}

local Database = {}
Database.__index = Database

--- Nothing is opened yet. `schema` is a list of statements that are run whenever it opens.
function Database.new(path, schema)
  return setmetatable({ path = path, schema = schema }, Database)
end

local function code_of(text)
  for _, known in ipairs(CODES) do
    if text:find(known[1], 1, true) then return known[2] end
  end
  return "SQLITE_ERROR"
end

function Database:fail(text)
  local message = tostring(text):gsub("^Execute failed ", ""):gsub("^Failed to connect to database: ", "")
  local code = code_of(message)
  -- A lock is the one failure after which the connection is as good as before.
  if code ~= "SQLITE_BUSY" then self:close() end
  error { name = "DatabaseError", message = ("%s: %s"):format(self.path, message), code = code,
    data = { path = self.path } }
end

function Database:close()
  if self.connection then self.connection:close() end
  self.connection = nil
end

--- Runs one statement: its rows, how many rows it changed, and the id of the row that it added.
local function execute(self, sql, ...)
  local statement, why = self.connection:prepare(sql)
  if not statement then self:fail(why) end
  local ok, failure = statement:execute(...)
  local rows = ipc.Array {}
  if ok then
    local fetched, message = pcall(function()
      for row in statement:rows(true) do rows[#rows + 1] = row end
    end)
    if not fetched then ok, failure = false, message end
  end
  local affected = ok and statement:affected()
  -- An open statement holds a lock.
  statement:close()
  if not ok then self:fail(failure) end
  return rows, affected, self.connection:last_id()
end

--- Whether the file can be opened at all, asked before the library is; an empty one is an empty database.
local function require_file(self)
  local file, why = io.open(self.path, "a")
  if not file then self:fail("unable to open database file" .. why:sub(#self.path + 1)) end
  file:close()
end

local function open(self)
  if self.connection then return end
  require_file(self)
  local found, DBI = pcall(require, "DBI")
  if not found then
    error { name = "DatabaseError", message = "install lua-dbi-sqlite3: " .. tostring(DBI), code = "MODULE_NOT_FOUND" }
  end
  local connection, why = DBI.Connect("SQLite3", self.path)
  if not connection then self:fail(why) end
  connection:autocommit(true)
  self.connection = connection
  local ok, failure = pcall(function()
    for _, statement in ipairs(self.schema) do execute(self, statement) end
  end)
  if not ok then
    self:close()
    error(failure, 0)
  end
end

local function attempt(self, ...)
  open(self)
  return execute(self, ...)
end

--- Runs one statement with its values bound; waits a little where the database is locked. Raises DatabaseError.
function Database:run(sql, ...)
  for _, ms in ipairs(PATIENCE_MS) do
    local result = table.pack(pcall(attempt, self, sql, ...))
    if result[1] then return table.unpack(result, 2, result.n) end
    local failure = result[2]
    if type(failure) ~= "table" or failure.code ~= "SQLITE_BUSY" then error(failure, 0) end
    async.sleep(ms)
  end
  return attempt(self, sql, ...)
end

return Database
