-- What `luacheck .` knows: the names of ipchost's scripts.
stds.ipchost = dofile "@SHARE@/luacheckrc"
std = "lua54+ipchost"
