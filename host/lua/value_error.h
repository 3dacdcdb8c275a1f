/* value_error: error objects, in Lua tables with the fields name, message, code, data,
 * cause and stack; a cause that is there but undefined is ipc.undefined. */
#ifndef IPCHOST_LUA_VALUE_ERROR_H
#define IPCHOST_LUA_VALUE_ERROR_H

#include <lua.h>

/* JavaScript's name of the class of an error with that name: one of the seven, else "Error". */
const char *error_class_name(const char *name);
/* Pushes an ipc.Error without fields. [-0, +1, m] */
void error_new(lua_State *L);
/* Adds the class to the table at the top. [-0, +0, m] */
void value_error_open(lua_State *L);

#endif
