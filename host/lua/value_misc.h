/* value_misc: ipc.null, ipc.undefined, ipc.type and ipc.default; and RegExp and boxed primitives. */
#ifndef IPCHOST_LUA_VALUE_MISC_H
#define IPCHOST_LUA_VALUE_MISC_H

#include <lua.h>
#include <stdbool.h>

/* Adds them to the table at the top. [-0, +0, m] */
void value_misc_open(lua_State *L);

#endif
