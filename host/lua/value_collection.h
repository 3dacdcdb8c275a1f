/*
 * value_collection: ipc.Map and ipc.Set: keys by SameValueZero, insertion order, and iteration that holds
 * while members come and go, as JavaScript has it. nil as a key or a value is ipc.undefined.
 */
#ifndef IPCHOST_LUA_VALUE_COLLECTION_H
#define IPCHOST_LUA_VALUE_COLLECTION_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

#include "lua/value.h"

/* Pushes an empty VALUE_MAP or VALUE_SET with room for `count`. [-0, +1, m] */
void collection_new(lua_State *L, enum value_kind kind, int count);
/* Adds the member at the top to the Set, or the key and value at the top to the Map, at `index`. [-(1|2), +0,
 * m] */
void collection_put(lua_State *L, int index);
size_t collection_size(lua_State *L, int index); /* [-0, +0, -] */
/* Steps through the slots, starting with *slot = 0: pushes a member, or a key and its value; false at the
 * end.
 * [-0, +(1|2|0), -] */
bool collection_next(lua_State *L, int index, lua_Integer *slot);
/* Adds the classes to the table at the top. [-0, +0, m] */
void value_collection_open(lua_State *L);

#endif
