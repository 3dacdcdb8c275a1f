/*
 * clone_encode: from Lua values to a value document: the walk, sharing, numbers and text. Tables are in
 * clone_encode_table.c and clone_encode_array.c, values of ipc's classes in clone_encode_value.c.
 */
#include "lua/clone_encode.h"

#include <math.h>
#include <string.h>

#include "base/utf8.h"
#include "lua/clone.h"
#include "lua/clone_quick.h"
#include "lua/clone_text.h"

#define CODE "ERR_DATA_CLONE"
#define UNDEFINED 0xf7
#define SAFE_INTEGER (INT64_C(1) << 53)

/* ---- faults ---- */

enum status encode_refuse(struct encoder *e, const struct place *place, const char *what) {
  char path[PATH_MAX_LEN];
  path_write(e->L, e->root, place, path);
  return fault_set(e->fault, ST_INVALID, 0, CODE, "An object could not be cloned: %s (%s)", path, what);
}

enum status encode_keys_fault(struct encoder *e, int index, const struct place *place) {
  char path[PATH_MAX_LEN], keys[120];
  path_write(e->L, e->root, place, path);
  path_write_keys(e->L, index, keys, sizeof keys);
  return fault_set(e->fault, ST_INVALID, 0, CODE, "%s: %s; use ipc.Map, ipc.object or string keys", path,
                   keys);
}

static enum status over_limit(struct encoder *e, const struct place *place) {
  char path[PATH_MAX_LEN];
  path_write(e->L, e->root, place, path);
  return fault_set(e->fault, ST_LIMIT, 0, "ERR_LIMIT_NESTING", "limits.nesting (%u) exceeded at %s", e->limit,
                   path);
}

enum status encode_enter(struct encoder *e, const struct place *place) {
  if (!e->depth || !lua_checkstack(e->L, LUA_MINSTACK)) return over_limit(e, place);
  e->depth--;
  return ST_OK;
}

/* ---- heads ---- */

enum status encode_open_head(struct encoder *e, size_t *at) {
  *at = e->out->len;
  return buf_put_byte(e->out, 0);
}

enum status encode_close_head(struct encoder *e, size_t at, enum cbor_major major, uint64_t count) {
  struct buf *out = e->out;
  uint8_t head[9], *start;
  struct buf scratch = {.data = head, .cap = sizeof head};
  (void)cbor_put_head(&scratch, major, count);
  if (buf_reserve(out, scratch.len - 1) != ST_OK) return ST_NOMEM;
  start = out->data + at;
  if (scratch.len > 1) memmove(start + scratch.len, start + 1, out->len - at - 1);
  memcpy(start, head, scratch.len);
  out->len += scratch.len - 1;
  return ST_OK;
}

enum status encode_named(struct encoder *e, unsigned parts, const char *name) {
  enum status status = encode_head(e, CBOR_TAG, 27);
  if (status == ST_OK) status = encode_head(e, CBOR_ARRAY, parts);
  return status == ST_OK ? cbor_put_text(e->out, name) : status;
}

/* ---- primitives ---- */

/* Bytes after their head. */
static enum status encode_bytes(struct encoder *e, enum cbor_major major, struct slice bytes) {
  struct buf *out = e->out;
  if (bytes.len >= 24 || out->cap - out->len <= bytes.len) return cbor_put_string(out, major, bytes);
  out->data[out->len++] = (uint8_t)(major << 5 | (unsigned)bytes.len);
  memcpy(out->data + out->len, bytes.data, bytes.len);
  out->len += bytes.len;
  return ST_OK;
}

enum status encode_text(struct encoder *e, struct slice text) {
  enum text_kind kind = utf8_ascii(text) ? TEXT_UTF8 : text_kind_of(text);
  enum status status;
  if (kind == TEXT_UTF8) return encode_bytes(e, CBOR_TEXT, text);
  if (kind == TEXT_BYTES) return ST_INVALID;
  status = encode_head(e, CBOR_TAG, 273);
  return status == ST_OK ? encode_bytes(e, CBOR_BYTES, text) : status;
}

/* Bytes that are no text become a Uint8Array: tag 64. */
static enum status encode_string(struct encoder *e, int index) {
  size_t len;
  const char *data = lua_tolstring(e->L, index, &len);
  enum status status = encode_text(e, slice_of(data, len));
  if (status != ST_INVALID) return status;
  status = encode_head(e, CBOR_TAG, 64);
  return status == ST_OK ? encode_bytes(e, CBOR_BYTES, slice_of(data, len)) : status;
}

static enum status encode_integer(struct encoder *e, lua_Integer value) {
  return encode_head(e, value < 0 ? CBOR_NINT : CBOR_UINT, (uint64_t)(value < 0 ? -1 - value : value));
}

/* An integral float of at most 2^53, but for -0, is an integer. */
static enum status encode_number(struct encoder *e, int index) {
  int integral;
  lua_Integer value = lua_tointegerx(e->L, index, &integral);
  bool small = integral && value != 0 && value <= SAFE_INTEGER && value >= -SAFE_INTEGER;
  if (small || lua_isinteger(e->L, index)) return encode_integer(e, value);
  return integral && value == 0 && !signbit(lua_tonumber(e->L, index))
             ? encode_integer(e, 0)
             : cbor_put_float(e->out, lua_tonumber(e->L, index));
}

/* ---- objects ---- */

/* Writes tag 29 for an object that was written already (*done), tag 28 for one that comes again. */
static enum status encode_identity(struct encoder *e, const void *object, bool *done) {
  uint32_t number;
  enum shared_visit visit;
  enum status status;
  if (!e->shared.slot) { /* the first object: nothing of the walk is on the stack */
    lua_pushnil(e->L);
    shared_init(&e->shared, e->L, lua_gettop(e->L));
  }
  visit = shared_visit(&e->shared, object, &number);
  *done = visit == SHARED_AGAIN;
  if (visit == SHARED_NEW) return ST_OK;
  if (visit == SHARED_FIRST) return encode_head(e, CBOR_TAG, 28);
  status = encode_head(e, CBOR_TAG, 29);
  return status == ST_OK ? encode_head(e, CBOR_UINT, number) : status;
}

static enum status encode_object(struct encoder *e, int index, int type, const struct place *place) {
  bool done = false;
  enum status status = ST_OK;
  if (!e->shared.slot && !lua_checkstack(e->L, LUA_MINSTACK)) return over_limit(e, place);
  index = lua_absindex(e->L, index);
  if (type == LUA_TUSERDATA) status = encode_primitive(e, index, &done);
  if (status == ST_OK && !done) status = encode_identity(e, lua_topointer(e->L, index), &done);
  if (status != ST_OK || done) return status;
  return type == LUA_TTABLE ? encode_table(e, index, place) : encode_userdata(e, index, place);
}

enum status encode_value(struct encoder *e, int index, const struct place *place) {
  int type = lua_type(e->L, index);
  switch (type) {
  case LUA_TNIL:
    return buf_put_byte(e->out, UNDEFINED);
  case LUA_TBOOLEAN:
    return cbor_put_bool(e->out, lua_toboolean(e->L, index));
  case LUA_TNUMBER:
    return encode_number(e, index);
  case LUA_TSTRING:
    return encode_string(e, index);
  case LUA_TTABLE:
  case LUA_TUSERDATA:
    return encode_object(e, index, type, place);
  case LUA_TLIGHTUSERDATA:
    if (!lua_touserdata(e->L, index)) return buf_put_byte(e->out, 0xf6);
    return encode_refuse(e, place, "lightuserdata");
  case LUA_TTHREAD:
    return encode_refuse(e, place, "coroutine");
  default:
    return encode_refuse(e, place, lua_typename(e->L, type));
  }
}

/* ---- documents ---- */

/* What is encoded: one value, or `count` from `first` on as an array. */
struct document {
  int first, count;
  bool list;
};

static enum status encode_list(struct encoder *e, const struct document *document) {
  struct place here = {.kind = PLACE_INDEX};
  enum status status = encode_enter(e, NULL);
  if (status == ST_OK) status = encode_head(e, CBOR_ARRAY, (uint64_t)document->count);
  for (int i = 0; status == ST_OK && i < document->count; i++) {
    here.number = i + 1;
    status = encode_value(e, document->first + i, &here);
  }
  encode_leave(e);
  return status;
}

static enum status encode_walk(struct encoder *e, const struct document *document) {
  if (document->list) return encode_list(e, document);
  return encode_value(e, document->first, NULL);
}

static enum status encode_document(struct encoder *e, const struct document *document) {
  size_t start = e->out->len;
  enum status status = encode_walk(e, document);
  if (!e->shared.slot && status == ST_OK) return ST_OK;
  if (status == ST_OK && e->shared.any) {
    e->out->len = start;
    shared_mark(&e->shared);
    status = encode_walk(e, document);
  }
  if (status != ST_OK) e->out->len = start;
  if (status == ST_NOMEM) fault_set(e->fault, ST_NOMEM, 0, NULL, "not enough memory");
  return status;
}

static enum status encode(lua_State *L, const struct document *document, const char *root,
                          const struct clone_limits *limits, struct buf *out, struct fault *fault) {
  struct encoder e; /* `shared` is large, and filled when there is an object */
  int base = lua_gettop(L);
  enum status status;
  e.L = L;
  e.out = out;
  e.types = NULL;
  e.depth = e.limit = limits->depth;
  e.root = root;
  e.fault = fault;
  e.shared.slot = 0;
  status = encode_document(&e, document);
  if (e.shared.slot || status != ST_OK) lua_settop(L, base);
  return status;
}

enum status clone_encode(lua_State *L, int index, const char *root, const struct clone_limits *limits,
                         struct buf *out, struct fault *fault) {
  struct document document = {.first = lua_absindex(L, index)};
  enum status status = quick_encode(L, index, out);
  if (status == ST_OK) return ST_OK;
  return encode(L, &document, root, limits, out, fault);
}

enum status clone_encode_list(lua_State *L, int first, int count, const char *root,
                              const struct clone_limits *limits, struct buf *out, struct fault *fault) {
  struct document document = {.first = lua_absindex(L, first), .count = count, .list = true};
  return encode(L, &document, root, limits, out, fault);
}
