/* clone_encode_table: tables: which JavaScript value one is, and plain arrays and objects. */
#include <string.h>

#include "lua/clone_encode.h"
#include "lua/value_array.h"

static enum status encode_enter_head(struct encoder *e, const struct place *place, enum cbor_major major,
                                     uint64_t count) {
  enum status status = encode_enter(e, place);
  return status == ST_OK ? encode_head(e, major, count) : status;
}

/* ---- arrays without a class ---- */

/* Elements from `from` on of a table that is not in order when it is walked, but has the keys of an array. */
static enum status encode_unordered(struct encoder *e, int index, lua_Integer from, lua_Integer length,
                                    const struct place *place) {
  struct place here = {.up = place, .kind = PLACE_INDEX};
  struct array_shape shape;
  enum status status = ST_OK;
  array_shape(e->L, index, &shape);
  if (shape.other || shape.names || shape.count != length || shape.max != length)
    return encode_keys_fault(e, index, place);
  for (here.number = from; status == ST_OK && here.number <= length; here.number++) {
    lua_rawgeti(e->L, index, here.number);
    status = encode_value(e, -1, &here);
    lua_pop(e->L, 1);
  }
  return status;
}

/* A table whose border is `length`: its keys are looked at while its elements are written. */
static enum status encode_elements(struct encoder *e, int index, lua_Integer length,
                                   const struct place *place) {
  struct place here = {.up = place, .kind = PLACE_INDEX, .number = 1};
  enum status status = ST_OK;
  lua_pushnil(e->L);
  for (; lua_next(e->L, index); here.number++) {
    if (!lua_isinteger(e->L, -2) || lua_tointeger(e->L, -2) != here.number) {
      lua_pop(e->L, 2);
      return encode_unordered(e, index, here.number, length, place);
    }
    if ((status = encode_value(e, -1, &here)) != ST_OK) return status;
    lua_pop(e->L, 1);
  }
  return here.number == length + 1 ? ST_OK : encode_keys_fault(e, index, place);
}

static enum status encode_plain_array(struct encoder *e, int index, lua_Integer length,
                                      const struct place *place) {
  enum status status = encode_enter_head(e, place, CBOR_ARRAY, (uint64_t)length);
  if (status == ST_OK) status = encode_elements(e, index, length, place);
  encode_leave(e);
  return status;
}

/* ---- objects ---- */

enum status encode_key(struct encoder *e, int index, const struct place *place) {
  size_t len;
  const char *data = lua_tolstring(e->L, index, &len);
  enum status status = encode_text(e, slice_of(data, len));
  return status == ST_INVALID ? encode_refuse(e, place, "its key is not text") : status;
}

/* ipc.object: any key that has a text. */
static enum status encode_loose_key(struct encoder *e, int index, const struct place *place) {
  enum status status;
  int type = lua_type(e->L, index);
  if (type == LUA_TSTRING) return encode_key(e, index, place);
  if (type == LUA_TBOOLEAN) return cbor_put_text(e->out, lua_toboolean(e->L, index) ? "true" : "false");
  if (type != LUA_TNUMBER) return encode_refuse(e, place, "its key has no text");
  lua_pushvalue(e->L, index);
  status = encode_key(e, -1, place);
  lua_pop(e->L, 1);
  return status;
}

/* The entries of a table; *count is how many. */
static enum status encode_properties(struct encoder *e, int index, bool loose, uint64_t *count,
                                     const struct place *place) {
  struct place here = {.up = place, .kind = PLACE_KEY, .key = lua_gettop(e->L) + 1};
  enum status status = ST_OK;
  lua_pushnil(e->L);
  for (; lua_next(e->L, index); ++*count) {
    if (loose)
      status = encode_loose_key(e, here.key, &here);
    else if (lua_type(e->L, here.key) == LUA_TSTRING)
      status = encode_key(e, here.key, &here);
    else
      return encode_keys_fault(e, index, place);
    if (status == ST_OK) status = encode_value(e, -1, &here);
    if (status != ST_OK) return status;
    lua_pop(e->L, 1);
  }
  return ST_OK;
}

/* The properties that were undefined when they came, and are still nil. */
static enum status encode_remembered(struct encoder *e, int index, uint64_t *count,
                                     const struct place *place) {
  enum status status = ST_OK;
  int keys = lua_gettop(e->L) + 1;
  if (!object_remembered(e->L, index)) return ST_OK;
  lua_pushnil(e->L);
  while (status == ST_OK && lua_next(e->L, keys)) {
    lua_settop(e->L, keys + 1);
    lua_pushvalue(e->L, -1);
    if (lua_rawget(e->L, index) == LUA_TNIL) {
      status = encode_key(e, keys + 1, place);
      if (status == ST_OK) status = buf_put_byte(e->out, 0xf7);
      ++*count;
    }
    lua_settop(e->L, keys + 1);
  }
  lua_settop(e->L, keys - 1);
  return status;
}

static enum status encode_plain_object(struct encoder *e, int index, bool loose, bool remembers,
                                       const struct place *place) {
  uint64_t count = 0;
  size_t head;
  enum status status = encode_enter(e, place);
  if (status == ST_OK) status = encode_open_head(e, &head);
  if (status == ST_OK) status = encode_properties(e, index, loose, &count, place);
  if (status == ST_OK && remembers) status = encode_remembered(e, index, &count, place);
  if (status == ST_OK) status = encode_close_head(e, head, CBOR_MAP, count);
  encode_leave(e);
  return status;
}

/* ---- by class ---- */

/* What the table's metatable says in `__clone`: false, that such a table means nothing elsewhere (a promise);
 * "Error", that it is an error. */
enum wish { WISH_NONE, WISH_REFUSED, WISH_ERROR };

static enum wish wish_of(struct encoder *e, int index) {
  enum wish wish = WISH_NONE;
  int type;
  lua_getmetatable(e->L, index);
  lua_pushliteral(e->L, "__clone");
  type = lua_rawget(e->L, -2);
  if (type == LUA_TBOOLEAN && !lua_toboolean(e->L, -1)) wish = WISH_REFUSED;
  if (type == LUA_TSTRING && strcmp(lua_tostring(e->L, -1), "Error") == 0) wish = WISH_ERROR;
  lua_pop(e->L, 2);
  return wish;
}

/* A table with a metatable that is not a class of ipc's is what its own entries make of it. */
static enum status encode_other(struct encoder *e, int index, const struct place *place) {
  lua_Integer length = (lua_Integer)lua_rawlen(e->L, index);
  bool remembers = object_remembered(e->L, index);
  enum wish wish = remembers ? WISH_NONE : wish_of(e, index);
  if (wish == WISH_REFUSED) return encode_refuse_class(e, index, place);
  if (wish == WISH_ERROR) return encode_error(e, index, place);
  if (remembers) lua_pop(e->L, 1);
  if (length && !remembers) return encode_plain_array(e, index, length, place);
  return encode_plain_object(e, index, remembers, remembers, place);
}

static enum status encode_classed(struct encoder *e, int index, const struct place *place) {
  enum value_kind kind;
  if (!e->types) e->types = value_types(e->L);
  kind = value_kind_at(e->L, e->types, index);
  switch (kind) {
  case VALUE_ARRAY:
  case VALUE_SPARSE_ARRAY:
    return encode_array(e, index, kind, place);
  case VALUE_OBJECT:
    return encode_plain_object(e, index, true, false, place);
  case VALUE_ERROR:
    return encode_error(e, index, place);
  default:
    return encode_other(e, index, place);
  }
}

enum status encode_table(struct encoder *e, int index, const struct place *place) {
  lua_Integer length;
  if (lua_getmetatable(e->L, index)) {
    lua_pop(e->L, 1);
    return encode_classed(e, index, place);
  }
  length = (lua_Integer)lua_rawlen(e->L, index);
  if (length) return encode_plain_array(e, index, length, place);
  return encode_plain_object(e, index, false, false, place);
}
