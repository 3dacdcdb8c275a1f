/*
 * clone_encode: what the files of the encoder share. An encoding function appends one item for the value at a
 * stack index and returns ST_OK, or fills the fault; it leaves the stack as it was only when it returns
 * ST_OK. It runs no metamethods.
 */
#ifndef IPCHOST_LUA_CLONE_ENCODE_H
#define IPCHOST_LUA_CLONE_ENCODE_H

#include <lua.h>

#include "base/buf.h"
#include "base/slice.h"
#include "lua/clone_path.h"
#include "lua/clone_shared.h"
#include "lua/value.h"
#include "wire/cbor.h"

struct encoder {
  lua_State *L;
  struct buf *out;
  const struct value_types *types;
  unsigned depth; /* levels that may still be opened */
  unsigned limit;
  const char *root;
  struct fault *fault;
  struct shared shared;
};

enum status encode_value(struct encoder *e, int index, const struct place *place);
/* A string as text, or tag 273 when it has lone surrogates; ST_INVALID without a fault for other bytes. */
enum status encode_text(struct encoder *e, struct slice text);
/* Enters an array or a map of the document, and leaves it again. */
enum status encode_enter(struct encoder *e, const struct place *place);
static inline void encode_leave(struct encoder *e) {
  e->depth++;
}
/* "An object could not be cloned: <path> (<what>)". */
enum status encode_refuse(struct encoder *e, const struct place *place, const char *what);
/* The same for an object of another library, by the name that its metatable gives it. */
enum status encode_refuse_class(struct encoder *e, int index, const struct place *place);
/* Appends a head of the major type, 0 for now, that encode_close_head completes when the count is known. */
enum status encode_open_head(struct encoder *e, size_t *at);
enum status encode_close_head(struct encoder *e, size_t at, enum cbor_major major, uint64_t count);
/* Tag 27, the head of an array of `parts` items, and the first: the name. */
enum status encode_named(struct encoder *e, unsigned parts, const char *name);

enum status encode_table(struct encoder *e, int index, const struct place *place); /* clone_encode_table.c */
/* An ipc.Array or ipc.SparseArray: clone_encode_array.c. */
enum status encode_array(struct encoder *e, int index, enum value_kind kind, const struct place *place);
enum status encode_keys_fault(struct encoder *e, int index, const struct place *place);
/* The key of a property, the string at the index. */
enum status encode_key(struct encoder *e, int index, const struct place *place);
/* What ipc.* values are written as: clone_encode_value.c. */
enum status encode_error(struct encoder *e, int index, const struct place *place);
/* A userdata that is a primitive in JavaScript, so has no identity: undefined or a BigInt; *done: it was one.
 */
enum status encode_primitive(struct encoder *e, int index, bool *done);
enum status encode_userdata(struct encoder *e, int index, const struct place *place);

static inline enum status encode_head(struct encoder *e, enum cbor_major major, uint64_t value) {
  struct buf *out = e->out;
  if (value >= 24 || out->len == out->cap) return cbor_put_head(out, major, value);
  out->data[out->len++] = (uint8_t)(major << 5 | (unsigned)value);
  return ST_OK;
}

#endif
