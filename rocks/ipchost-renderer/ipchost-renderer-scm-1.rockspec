rockspec_format = "3.0"
package = "ipchost-renderer"
version = "scm-1"
source = { url = "git+https://example.invalid/ipchost.git" }
description = {
  summary = "Electron's ipcRenderer for Lua: connects a process to an ipchost host",
  license = "MIT",
}
-- `ipchost.core`, a C module, is built with the host.
dependencies = { "lua >= 5.4", "luv >= 1.44", "ipchost-async" }
build = {
  type = "builtin",
  modules = {
    ["ipchost.renderer"] = "ipchost/renderer.lua",
    ["ipchost.renderer.address"] = "ipchost/renderer/address.lua",
    ["ipchost.renderer.errors"] = "ipchost/renderer/errors.lua",
    ["ipchost.renderer.ipc"] = "ipchost/renderer/ipc.lua",
    ["ipchost.renderer.link"] = "ipchost/renderer/link.lua",
    ["ipchost.renderer.ports"] = "ipchost/renderer/ports.lua",
    ["ipchost.renderer.receive"] = "ipchost/renderer/receive.lua",
    ["ipchost.renderer.session"] = "ipchost/renderer/session.lua",
    ["ipchost.renderer.stdio"] = "ipchost/renderer/stdio.lua",
    ["ipchost.renderer.wait"] = "ipchost/renderer/wait.lua",
    ["ipchost.renderer.websocket"] = "ipchost/renderer/websocket.lua",
  },
}
