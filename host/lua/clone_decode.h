/*
 * clone_decode: what the files of the decoder share. Every function that decodes pushes one value and returns
 * ST_OK, or fills the fault and leaves the stack to the caller; ST_MORE asks for a start from the beginning
 * with `refs`, which most documents need not. Nothing outside Lua is owned, so an error may pass at any time;
 * a length is believed only as far as the bytes that have come bear it out.
 */
#ifndef IPCHOST_LUA_CLONE_DECODE_H
#define IPCHOST_LUA_CLONE_DECODE_H

#include <lauxlib.h>

#include "base/slice.h"
#include "base/status.h"
#include "lua/value.h"
#include "wire/cbor.h"

struct decoder {
  lua_State *L;
  struct slice in;
  size_t owed;    /* bytes that the open arrays and maps still need at least */
  unsigned depth; /* levels that may still be opened */
  unsigned limit; /* the levels there were */
  int refs;       /* stack slot of the table of objects under tag 28, by number + 1; 0 while there is none */
  lua_Integer count; /* tags 28 so far */
  lua_Integer share; /* the number that the object to come is given, or -1 */
  size_t size;
  struct fault *fault;
};

/* The items of an array, or the pairs of a map, that is being read. */
struct items {
  uint64_t left;
  unsigned each; /* 1, or 2 for a map */
  bool indefinite;
};

/* Fills the fault: the bytes are not what they must be, `what` says why. */
void decode_fault(struct decoder *d, const char *what);
static inline enum status decode_bad(struct decoder *d, const char *what) {
  decode_fault(d, what);
  return ST_MALFORMED;
}
enum status decode_long_head(struct decoder *d, struct cbor_head *head);
static inline enum status decode_head(struct decoder *d, struct cbor_head *head) {
  uint8_t byte;
  if (!d->in.len || (d->in.data[0] & 31) >= 24) return decode_long_head(d, head);
  byte = d->in.data[0];
  *head = (struct cbor_head){.major = byte >> 5, .info = byte & 31, .value = byte & 31};
  d->in.data++;
  d->in.len--;
  return ST_OK;
}
/* One value; undefined is nil. [-0, +1, m] */
enum status decode_any(struct decoder *d);
static inline enum status decode_value(struct decoder *d) {
  if (!d->in.len || d->in.data[0] >= 24) return decode_any(d);
  lua_pushinteger(d->L, *d->in.data++);
  d->in.len--;
  return ST_OK;
}
/* The same where nil cannot stand: undefined is ipc.undefined. [-0, +1, m] */
enum status decode_element(struct decoder *d);
/* An unsigned integer of at most `max`, that takes the place of a value. */
enum status decode_uint(struct decoder *d, uint64_t max, uint64_t *out);
bool decode_take_undefined(struct decoder *d);

/* Enters an array or map whose head was read, and steps through it; leaving is seen by items_next. */
enum status items_open(struct decoder *d, const struct cbor_head *head, struct items *items);
bool items_next(struct decoder *d, struct items *items);
/* For how many to make room at once: those that are declared, while they are not many. */
int items_room(const struct items *items);

/* Pushes the string whose head was read, in chunks or not. Text is checked. [-0, +1, m] */
enum status decode_text(struct decoder *d, const struct cbor_head *head);
/* The length of the bytes whose head was read, then their copy into memory of that size. */
enum status decode_bytes_length(struct decoder *d, const struct cbor_head *head, size_t *out);
void decode_bytes(struct decoder *d, const struct cbor_head *head, uint8_t *to, size_t length);

/* The number that a surrounding tag 28 gives the object that is being made, and the object's entry under it:
 * an object is entered before its content is read, so that the content may name it. [-0, +0, m] */
lua_Integer share_take(struct decoder *d);
void share_put(struct decoder *d, lua_Integer share);

enum status decode_tag(struct decoder *d, uint64_t tag); /* clone_decode_tag.c */
enum status decode_array(struct decoder *d, const struct cbor_head *head);
enum status decode_object_key(struct decoder *d); /* a string; [-0, +1, m] */

/* What comes after the name in tag 27. */
struct named {
  enum value_kind kind; /* of the class that is named */
  const char *name;
  struct items items; /* those left */
  lua_Integer share;
};
enum status decode_named(struct decoder *d); /* clone_decode_named.c */
/* Steps to the next part of the array, which must be there. */
enum status named_next(struct decoder *d, struct named *named);

/* clone_decode_buffer.c: bytes, RFC 8746's tags (ST_NOT_FOUND for any other), and the forms of tag 27. */
enum status decode_buffer(struct decoder *d, const struct cbor_head *head);
enum status decode_typed_array(struct decoder *d, uint64_t tag);
enum status decode_resizable(struct decoder *d, struct named *named);
enum status decode_view(struct decoder *d, struct named *named);

#endif
