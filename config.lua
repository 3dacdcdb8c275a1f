-- The example configuration. `ipchost config.lua` serves the scripts below; every key is described in docs/api.md.
return {
  -- Where renderers connect: a unix socket for programs of the same user, TCP for those that know no unix sockets,
  -- HTTP for pages and WebSockets.
  listen = { "unix:run/app.sock", "tcp://127.0.0.1:7000", "http://127.0.0.1:8080" },

  -- The application: entries, run in this order, and the pages that HTTP serves.
  scripts = { "scripts/main.lua" },
  public = "scripts/public",

  -- Save a script, and it is live; callers notice nothing.
  watch = true,

  -- Free for the scripts: app.settings. Here, the file of scripts/notes.lua.
  settings = { database = "run/notes.db" },

  -- true: errors carry the host's tracebacks to renderers.
  dev = false,

  -- Sizes are "64MiB", durations "2s" or "300ms".
  limits = { packet = "64MiB" },

  log = { level = "info", format = "text" },
}
