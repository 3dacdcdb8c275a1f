std = "lua54"
max_line_length = 120
exclude_files = { "build*", "renderer/node_modules", "run", ".git", "rocks/*/library", "editor" }

stds.ipchost = dofile "editor/luacheckrc"
files["scripts"] = { std = "lua54+ipchost" }
files["bench/echo.lua"] = { std = "lua54+ipchost" }
files["host/template/scripts"] = { std = "lua54+ipchost" }
files["host/template/spec"] = { std = "lua54+busted" }
files["spec"] = { std = "lua54+busted" }
files["spec/functional/main_process.lua"] = { std = "lua54+ipchost" }
files["spec/functional/ipc_tutorial.lua"] = { std = "lua54+ipchost" }
files["spec/functional/renderer_process.lua"] = { std = "lua54+ipchost" }
files["spec/scripts/fakes"] = { read_globals = { "locked" } }
-- Functions of these specs are scripts, with globals of their own.
files["spec/functional/kit_spec.lua"] = { ignore = { "11.", "122", "142", "143" } }
files["**/*.rockspec"] = { std = "rockspec" }
-- The environment of scripts is made there: standard functions are replaced.
files["rocks/ipchost"] = {
  globals = { "coroutine", "debug", "io", "load", "loadfile", "dofile", "os", "package", "string" },
}
