-- The widget of public/widget.html: how long a page and the host take to a round trip, and who else is there.
--
--   widget:beat               invoke -> { at, pages, memory }: the host's clock in ms, connected contents, and bytes
--                                       of memory that these scripts hold
local now = require "now"

ipcMain.handle("widget:beat", function()
  return {
    at = ipc.Date(now()),
    pages = #webContents.getAllWebContents(),
    memory = app.metrics().memory,
  }
end)
