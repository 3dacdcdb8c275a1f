/*
 * clone: structured clone between the wire's value documents (docs/protocol.md, section 8) and Lua values. It
 * knows no session, no loop and no generation: the same code serves the host, the Lua renderer and
 * `ipchost/core.so`. The value types (ipc.Map, ipc.Date, ...) are registered by clone_open.
 */
#ifndef IPCHOST_LUA_CLONE_H
#define IPCHOST_LUA_CLONE_H

#include <lua.h>

#include "base/buf.h"
#include "base/slice.h"
#include "base/status.h"

struct clone_limits {
  unsigned depth; /* nesting of a document, 1000 by default */
};

/* Builds the value types and pushes the table of them: ipc.null, undefined, Array, SparseArray, object, Map,
 * Set, Date, RegExp, BigInt, Buffer, Uint8Array ... DataView, Error, Boxed, type, default. Once a lua_State;
 * later calls push the same table. What follows needs it to have been called once. [-0, +1, m] */
int clone_open(lua_State *L);

/*
 * Decodes one document. clone_decode_list expects an array (the arguments of a call) and pushes each element;
 * an undefined or absent one is nil. Returns the number of values pushed, or -1 with `fault` filled
 * (ST_MALFORMED or ST_LIMIT, close 1007, code "ERR_PAYLOAD") and nothing pushed. May raise only LUA_ERRMEM or
 * a stack overflow error; owns nothing outside Lua then. Four slots of the stack are free. [-0, +n, m]
 */
int clone_decode_list(lua_State *L, struct slice document, const struct clone_limits *limits,
                      struct fault *fault);
/* The same for one value: returns 1 or -1. [-0, +(1|0), m] */
int clone_decode(lua_State *L, struct slice document, const struct clone_limits *limits, struct fault *fault);

/*
 * Encodes the value at `index` and appends it to `out`; clone_encode_list encodes the `count` values from
 * `first` as one array, identity kept across them. `root` names the value in errors: "result", or "args"
 * (indices from 1). ST_OK; ST_INVALID with `fault` filled (code "ERR_DATA_CLONE", text "An object could not
 * be cloned: args[2].rows[17].cb (function)"; or the keys error of the same kind), ST_LIMIT for depth; `out`
 * is then as it was. ST_NOMEM. Runs no metamethods. May raise LUA_ERRMEM; `out` is the caller's in every
 * case, and after a raised error may hold a part of the document. [-0, +0, m]
 *
 * A table is an array or an object by its own keys, whatever its metatable; but the metatable's field
 * `__clone`, when false, refuses it by the metatable's `__name`, and when "Error", makes it an error.
 */
enum status clone_encode(lua_State *L, int index, const char *root, const struct clone_limits *limits,
                         struct buf *out, struct fault *fault);
enum status clone_encode_list(lua_State *L, int first, int count, const char *root,
                              const struct clone_limits *limits, struct buf *out, struct fault *fault);

/* Pushes an ipc.Error with these fields; `name` is "Error" and the others are left out where NULL. An
 * ipc.Error is a table with name, message, code, data, cause and stack as far as set, with __tostring "Name:
 * message" and
 * __concat. [-0, +1, m] */
void clone_push_error(lua_State *L, const char *name, const char *message, const char *code);

#endif
