rockspec_format = "3.0"
package = "ipchost-test"
version = "scm-1"
source = { url = "git+https://example.invalid/ipchost.git" }
description = {
  summary = "A host in the process of a spec: tests scripts of ipchost's under busted",
  license = "MIT",
}
-- `ipchost.core`, a C module, is built with the host; the modules of rocks/ipchost are the host's own.
dependencies = { "lua >= 5.4", "luv >= 1.44", "busted >= 2.1", "ipchost-async", "ipchost-renderer" }
build = {
  type = "builtin",
  modules = {
    ["ipchost.test"] = "ipchost/test.lua",
    ["ipchost.test.asserts"] = "ipchost/test/asserts.lua",
    ["ipchost.test.engine"] = "ipchost/test/engine.lua",
    ["ipchost.test.environment"] = "ipchost/test/environment.lua",
    ["ipchost.test.link"] = "ipchost/test/link.lua",
    ["ipchost.test.loop"] = "ipchost/test/loop.lua",
    ["ipchost.test.renderer"] = "ipchost/test/renderer.lua",
  },
}
