/*
 * clone_quick: the documents that most messages are, without the machinery of the others: a few numbers,
 * booleans and strings as arguments, one of them as a result. What it does not know it leaves alone. It knows
 * no limits: nothing here nests.
 */
#ifndef IPCHOST_LUA_CLONE_QUICK_H
#define IPCHOST_LUA_CLONE_QUICK_H

#include <lua.h>

#include "base/buf.h"
#include "base/slice.h"

#define QUICK_ARGS 4 /* more take the long way */

/* Pushes the elements and returns how many, or pushes nothing and returns -1. Four slots of the stack are
 * free. May raise LUA_ERRMEM. [-0, +n, m] */
int quick_decode_list(lua_State *L, struct slice document);
/* Appends the value at the index. ST_OK, ST_NOMEM, or ST_UNSUPPORTED with nothing appended. [-0, +0, -] */
enum status quick_encode(lua_State *L, int index, struct buf *out);

#endif
