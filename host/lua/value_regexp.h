/* value_regexp: ipc.RegExp, a pattern that is carried and not run, and ipc.Boxed, a primitive in an object.
 */
#ifndef IPCHOST_LUA_VALUE_REGEXP_H
#define IPCHOST_LUA_VALUE_REGEXP_H

#include <lua.h>
#include <stdbool.h>

/* Makes a RegExp of the strings at the top, source and flags; false, and the stack as it was, when these are
 * not flags that JavaScript has. [-2, +1, m] */
bool regexp_new(lua_State *L);
/* Boxes the number, boolean, text or BigInt at the top; false, and the stack as it was, for anything else.
 * [-1, +1, m] */
bool boxed_new(lua_State *L);
/* Pushes what the value at the index holds. */
void regexp_push(lua_State *L, int index); /* source and flags; [-0, +2, -] */
void boxed_push(lua_State *L, int index);  /* the primitive; [-0, +1, -] */
/* JavaScript's class of the Boxed at the index: "Number", "String", "Boolean" or "BigInt". [-0, +0, -] */
const char *boxed_class_name(lua_State *L, int index);
/* Adds the classes to the table at the top. [-0, +0, m] */
void value_regexp_open(lua_State *L);

#endif
