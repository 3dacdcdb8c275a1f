-- A count that all pages share.
--
--   count:get                 invoke -> the count
--   count:add (step)          invoke -> the count; rejects with COUNT_STEP
--   count:changed             pushed to all pages: the count
local count = 0

ipcMain.handle("count:get", function() return count end)

ipcMain.handle("count:add", function(_, step)
  if math.type(step) ~= "integer" then error { message = "a step is a whole number", code = "COUNT_STEP" } end
  count = count + step
  webContents.broadcast("count:changed", count)
  return count
end)
