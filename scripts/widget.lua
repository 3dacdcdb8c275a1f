-- The widget of public/widget.html: how long a page and the host take to a round trip, and who else is there.
--
--   widget:beat               invoke -> { at, pages, frames, memory }: the host's clock in ms, connected contents,
--                                       frames in that of who asks (the widget is one, and so is the page around it),
--                                       and bytes of memory that these scripts hold
local now = require "now"

ipcMain.handle("widget:beat", function(event)
  return {
    at = ipc.Date(now()),
    pages = #webContents.getAllWebContents(),
    frames = #event.sender.mainFrame.framesInSubtree,
    memory = app.metrics().memory,
  }
end)
