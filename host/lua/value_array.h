/*
 * value_array: JavaScript's arrays and plain objects as Lua tables. A dense ipc.Array records no length; an
 * ipc.SparseArray has one, kept beside the table so that nobody meets it in pairs.
 */
#ifndef IPCHOST_LUA_VALUE_ARRAY_H
#define IPCHOST_LUA_VALUE_ARRAY_H

#include <lua.h>
#include <stdbool.h>

#define ARRAY_LENGTH_MAX 4294967295 /* 2^32 - 1 */

/* What a table's keys make of it. */
struct array_shape {
  lua_Integer count; /* keys that are positive integers */
  lua_Integer max;   /* the largest of them */
  lua_Integer names; /* string keys */
  bool other;        /* has keys that an array cannot have */
  bool ordered;      /* lua_next meets the positive integers in ascending order */
};
/* [-0, +0, -] */
void array_shape(lua_State *L, int index, struct array_shape *shape);
/* The recorded length of the ipc.SparseArray at the index. [-0, +0, -] */
lua_Integer array_length(lua_State *L, int index);
/* Makes the table at the top an ipc.SparseArray of that length. [-0, +0, m] */
void array_set_length(lua_State *L, lua_Integer length);
/* Remembers that the plain object at `index` has a property that is undefined: the key at the top. [-1, +0,
 * m] */
void object_remember(lua_State *L, int index);
/* Pushes the table of such keys (key -> true) of the table at the index, if it has any. [-0, +(0|1), -] */
bool object_remembered(lua_State *L, int index);
/* Adds the classes to the table at the top. [-0, +0, m] */
void value_array_open(lua_State *L);

#endif
