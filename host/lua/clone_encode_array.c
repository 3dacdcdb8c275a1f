/* clone_encode_array: ipc.Array and ipc.SparseArray: dense, with holes, or by their keys. */
#include <stdlib.h>

#include "lua/clone_encode.h"
#include "lua/value_array.h"

#define HOLES_FEW 8

/* ---- element by element ---- */

static enum status encode_hole(struct encoder *e) {
  enum status status = encode_head(e, CBOR_TAG, 31);
  return status == ST_OK ? buf_put_byte(e->out, 0xf7) : status;
}

static enum status encode_dense(struct encoder *e, int index, lua_Integer length, const struct place *place) {
  struct place here = {.up = place, .kind = PLACE_INDEX};
  enum status status = encode_head(e, CBOR_ARRAY, (uint64_t)length);
  for (here.number = 1; status == ST_OK && here.number <= length; here.number++) {
    bool hole = lua_rawgeti(e->L, index, here.number) == LUA_TNIL;
    status = hole ? encode_hole(e) : encode_value(e, -1, &here);
    lua_pop(e->L, 1);
  }
  return status;
}

/* ---- by keys: tag 27 ---- */

static int compare(const void *a, const void *b) {
  lua_Integer x = *(const lua_Integer *)a, y = *(const lua_Integer *)b;
  return (x > y) - (x < y);
}

/* Pushes the indices of the table's elements, ascending. [-0, +1, m] */
static const lua_Integer *push_indices(lua_State *L, int index, const struct array_shape *shape) {
  lua_Integer *indices = lua_newuserdatauv(L, (size_t)shape->count * sizeof *indices, 0), count = 0;
  lua_pushnil(L);
  while (lua_next(L, index)) {
    lua_pop(L, 1);
    if (lua_isinteger(L, -1) && count < shape->count) indices[count++] = lua_tointeger(L, -1);
  }
  if (!shape->ordered) qsort(indices, (size_t)count, sizeof *indices, compare);
  return indices;
}

static enum status encode_indexed(struct encoder *e, int index, const struct array_shape *shape,
                                  const struct place *place) {
  struct place here = {.up = place, .kind = PLACE_INDEX};
  const lua_Integer *indices = push_indices(e->L, index, shape);
  enum status status = ST_OK;
  for (lua_Integer i = 0; status == ST_OK && i < shape->count; i++) {
    here.number = indices[i];
    status = encode_head(e, CBOR_UINT, (uint64_t)here.number - 1);
    lua_rawgeti(e->L, index, here.number);
    if (status == ST_OK) status = encode_value(e, -1, &here);
    lua_pop(e->L, 1);
  }
  lua_pop(e->L, 1);
  return status;
}

/* The properties that are not elements. */
static enum status encode_names(struct encoder *e, int index, const struct place *place) {
  struct place here = {.up = place, .kind = PLACE_KEY, .key = lua_gettop(e->L) + 1};
  lua_pushnil(e->L);
  while (lua_next(e->L, index)) {
    if (lua_type(e->L, here.key) == LUA_TSTRING) {
      enum status status = encode_key(e, here.key, &here);
      if (status == ST_OK) status = encode_value(e, -1, &here);
      if (status != ST_OK) return status;
    }
    lua_pop(e->L, 1);
  }
  return ST_OK;
}

static enum status encode_by_keys(struct encoder *e, int index, lua_Integer length,
                                  const struct array_shape *shape, const struct place *place) {
  enum status status = encode_named(e, 3, "Array");
  if (status == ST_OK) status = encode_head(e, CBOR_UINT, (uint64_t)length);
  if (status == ST_OK) status = encode_enter(e, place);
  if (status != ST_OK) return status;
  status = encode_head(e, CBOR_MAP, (uint64_t)(shape->count + shape->names));
  if (status == ST_OK) status = encode_indexed(e, index, shape, place);
  if (status == ST_OK) status = encode_names(e, index, place);
  encode_leave(e);
  return status;
}

enum status encode_array(struct encoder *e, int index, enum value_kind kind, const struct place *place) {
  struct array_shape shape;
  lua_Integer length, holes;
  enum status status = encode_enter(e, place);
  if (status != ST_OK) return status;
  array_shape(e->L, index, &shape);
  length = kind == VALUE_SPARSE_ARRAY ? array_length(e->L, index) : 0;
  if (shape.max > length) length = shape.max;
  if (shape.other || length > ARRAY_LENGTH_MAX) return encode_keys_fault(e, index, place);
  holes = length - shape.count;
  if (shape.names || (holes > HOLES_FEW && holes > length / 2))
    status = encode_by_keys(e, index, length, &shape, place);
  else
    status = encode_dense(e, index, length, place);
  encode_leave(e);
  return status;
}
