-- What ipchost serves; `ipchost` in this folder reads it. Every key is in ipchost's docs/api.md.
return {
  -- Programs of this user connect to the socket, browsers to the port.
  listen = { "unix:run/app.sock", "http://127.0.0.1:8080" },

  -- What is answered, and the pages that ask.
  scripts = { "scripts/main.lua" },
  public = "public",

  -- Scripts are loaded anew when they are saved; with dev, pages too.
  watch = true,
  dev = true,
}
