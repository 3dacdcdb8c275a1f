-- lua-dbi in the place of SQLite's, for what a file does not do when it is asked: every insertion asks the global
-- function `locked` first.
local function nothing() end

local function new_statement(sql)
  return {
    execute = function()
      if sql:find "^INSERT" and locked() then return false, "Execute failed database is locked" end
      return true
    end,
    rows = function() return nothing end,
    affected = function() return 0 end,
    close = nothing,
  }
end

local connection = {
  autocommit = nothing,
  prepare = function(_, sql) return new_statement(sql) end,
  last_id = function() return 1 end,
  close = nothing,
}

return { Connect = function() return connection end }
