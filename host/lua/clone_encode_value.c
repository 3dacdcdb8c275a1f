/* clone_encode_value: what values of ipc's classes are written as. */
#include <string.h>

#include "lua/clone_encode.h"
#include "lua/value_bigint.h"
#include "lua/value_buffer.h"
#include "lua/value_collection.h"
#include "lua/value_date.h"
#include "lua/value_error.h"
#include "lua/value_regexp.h"

/* ---- errors ---- */

/* Pushes the field of the table, without metamethods. [-0, +1, m] */
static int push_field(struct encoder *e, int index, const char *field) {
  lua_pushstring(e->L, field);
  return lua_rawget(e->L, index);
}

/* An error's text whose bytes are no text still tells what it can. */
static enum status encode_lossy(struct encoder *e, struct slice text) {
  size_t head;
  uint64_t count = 0;
  enum status status = encode_open_head(e, &head);
  for (size_t i = 0; status == ST_OK && i < text.len; i++) {
    bool ascii = text.data[i] < 0x80;
    status = buf_put(e->out, ascii ? &text.data[i] : (const uint8_t *)"\xef\xbf\xbd", ascii ? 1 : 3);
    count += ascii ? 1 : 3;
  }
  return status == ST_OK ? encode_close_head(e, head, CBOR_TEXT, count) : status;
}

/* The field as text; undefined where it has none. */
static enum status encode_text_field(struct encoder *e, int index, const char *field) {
  enum status status;
  size_t len;
  const char *data;
  int type = push_field(e, index, field);
  if (type == LUA_TSTRING || type == LUA_TNUMBER) {
    data = lua_tolstring(e->L, -1, &len);
    status = encode_text(e, slice_of(data, len));
    if (status == ST_INVALID) status = encode_lossy(e, slice_of(data, len));
  } else {
    status = buf_put_byte(e->out, 0xf7);
  }
  lua_pop(e->L, 1);
  return status;
}

enum status encode_error(struct encoder *e, int index, const struct place *place) {
  struct place here = {.up = place, .kind = PLACE_FIELD, .field = "cause"};
  enum status status = encode_enter(e, place);
  bool cause;
  if (status != ST_OK) return status;
  cause = push_field(e, index, "cause") != LUA_TNIL;
  push_field(e, index, "name");
  status = encode_named(e, cause ? 4 : 3,
                        error_class_name(lua_type(e->L, -1) == LUA_TSTRING ? lua_tostring(e->L, -1) : NULL));
  lua_pop(e->L, 1);
  if (status == ST_OK) status = encode_text_field(e, index, "message");
  if (status == ST_OK) status = encode_text_field(e, index, "stack");
  if (status == ST_OK && cause) status = encode_value(e, -1, &here);
  lua_pop(e->L, 1);
  encode_leave(e);
  return status;
}

/* ---- userdata ---- */

enum status encode_refuse_class(struct encoder *e, int index, const struct place *place) {
  const char *name = luaL_typename(e->L, index);
  if (lua_getmetatable(e->L, index)) {
    lua_pushliteral(e->L, "__name");
    if (lua_rawget(e->L, -2) == LUA_TSTRING) name = lua_tostring(e->L, -1);
  }
  return encode_refuse(e, place, name);
}

/* ---- dates, patterns, boxes ---- */

static enum status encode_date(struct encoder *e, int index, const struct place *place) {
  enum status status = encode_head(e, CBOR_TAG, 1);
  lua_pushnumber(e->L, date_ms(e->L, index) / 1000);
  if (status == ST_OK) status = encode_value(e, -1, place);
  lua_pop(e->L, 1);
  return status;
}

static enum status encode_regexp(struct encoder *e, int index, const struct place *place) {
  enum status status = encode_head(e, CBOR_TAG, 21066);
  if (status == ST_OK) status = encode_enter(e, place);
  if (status == ST_OK) status = encode_head(e, CBOR_ARRAY, 2);
  if (status != ST_OK) return status;
  regexp_push(e->L, index);
  status = encode_value(e, -2, place);
  if (status == ST_OK) status = encode_value(e, -1, place);
  lua_pop(e->L, 2);
  encode_leave(e);
  return status;
}

static enum status encode_boxed(struct encoder *e, int index, const struct place *place) {
  enum status status = encode_enter(e, place);
  if (status == ST_OK) status = encode_named(e, 2, boxed_class_name(e->L, index));
  if (status != ST_OK) return status;
  boxed_push(e->L, index);
  status = encode_value(e, -1, place);
  lua_pop(e->L, 1);
  encode_leave(e);
  return status;
}

static enum status encode_bigint(struct encoder *e, int index) {
  const struct bigint *bigint = lua_touserdata(e->L, index);
  size_t count = bigint_byte_count(bigint);
  enum status status = encode_head(e, CBOR_TAG, bigint->negative ? 3 : 2);
  if (status == ST_OK) status = cbor_put_head(e->out, CBOR_BYTES, count);
  if (status == ST_OK) status = buf_reserve(e->out, count);
  if (status != ST_OK) return status;
  bigint_bytes(bigint, e->out->data + e->out->len);
  e->out->len += count;
  return ST_OK;
}

/* ---- collections ---- */

static enum status encode_map(struct encoder *e, int index, const struct place *place) {
  struct place key = {.up = place, .kind = PLACE_MAP_KEY, .number = 1};
  struct place value = {.up = place, .kind = PLACE_MAP_VALUE, .key = lua_gettop(e->L) + 1};
  lua_Integer slot = 0;
  enum status status = cbor_put_head(e->out, CBOR_MAP, collection_size(e->L, index));
  for (; status == ST_OK && collection_next(e->L, index, &slot); key.number++) {
    status = encode_value(e, -2, &key);
    if (status == ST_OK) status = encode_value(e, -1, &value);
    lua_pop(e->L, 2);
  }
  return status;
}

static enum status encode_set(struct encoder *e, int index, const struct place *place) {
  struct place member = {.up = place, .kind = PLACE_SET_VALUE, .number = 1};
  lua_Integer slot = 0;
  enum status status = cbor_put_head(e->out, CBOR_ARRAY, collection_size(e->L, index));
  for (; status == ST_OK && collection_next(e->L, index, &slot); member.number++) {
    status = encode_value(e, -1, &member);
    lua_pop(e->L, 1);
  }
  return status;
}

static enum status encode_collection(struct encoder *e, int index, enum value_kind kind,
                                     const struct place *place) {
  enum status status = encode_head(e, CBOR_TAG, kind == VALUE_MAP ? 259 : 258);
  if (status == ST_OK) status = encode_enter(e, place);
  if (status != ST_OK) return status;
  status = kind == VALUE_MAP ? encode_map(e, index, place) : encode_set(e, index, place);
  encode_leave(e);
  return status;
}

/* ---- buffers and views ---- */

static enum status encode_buffer(struct encoder *e, int index, const struct place *place) {
  const struct buffer *buffer = lua_touserdata(e->L, index);
  struct slice bytes = slice_of(buffer->data, buffer->length);
  enum status status;
  if (!buffer->resizable) return cbor_put_string(e->out, CBOR_BYTES, bytes);
  status = encode_enter(e, place);
  if (status == ST_OK) status = encode_named(e, 3, "ArrayBuffer");
  if (status == ST_OK) status = cbor_put_string(e->out, CBOR_BYTES, bytes);
  if (status == ST_OK) status = encode_head(e, CBOR_UINT, buffer->max);
  encode_leave(e);
  return status;
}

/* RFC 8746's tag of a typed array, little-endian. */
static unsigned view_tag(enum value_kind kind) {
  static const uint8_t tags[VALUE_KINDS] = {
      [VALUE_UINT8_ARRAY] = 64,   [VALUE_UINT8_CLAMPED_ARRAY] = 68, [VALUE_UINT16_ARRAY] = 69,
      [VALUE_UINT32_ARRAY] = 70,  [VALUE_BIG_UINT64_ARRAY] = 71,    [VALUE_INT8_ARRAY] = 72,
      [VALUE_INT16_ARRAY] = 77,   [VALUE_INT32_ARRAY] = 78,         [VALUE_BIG_INT64_ARRAY] = 79,
      [VALUE_FLOAT16_ARRAY] = 84, [VALUE_FLOAT32_ARRAY] = 85,       [VALUE_FLOAT64_ARRAY] = 86};
  return tags[kind];
}

/* Whether the view is written as its bytes. That is told on the second walk, when it is known whether its
 * buffer occurs otherwise; on the first one the view stands for its buffer. */
static bool view_is_alone(struct encoder *e, const struct view *view) {
  uint32_t number;
  if (!view_tag(view->value.kind) || !view_is_whole(view)) return false;
  if (e->shared.marking) return !shared_again(&e->shared, view->buffer);
  (void)shared_visit(&e->shared, view->buffer, &number);
  return true;
}

static enum status encode_whole_view(struct encoder *e, const struct view *view) {
  enum status status = encode_head(e, CBOR_TAG, view_tag(view->value.kind));
  if (status != ST_OK) return status;
  return cbor_put_string(e->out, CBOR_BYTES, slice_of(view->buffer->data, view->buffer->length));
}

static enum status encode_view(struct encoder *e, int index, const struct place *place) {
  const struct view *view = lua_touserdata(e->L, index);
  struct place here = {.up = place, .kind = PLACE_FIELD, .field = "buffer"};
  bool outside;
  size_t length = view_length(view, &outside);
  enum status status;
  if (outside) return encode_refuse(e, place, "a view that is outside of its buffer");
  if (view_is_alone(e, view)) return encode_whole_view(e, view);
  if ((status = encode_enter(e, place)) != ST_OK) return status;
  status = encode_named(e, view->tracking ? 3 : 4, value_js_name(view->value.kind));
  lua_getiuservalue(e->L, index, 1);
  if (status == ST_OK) status = encode_value(e, -1, &here);
  lua_pop(e->L, 1);
  if (status == ST_OK) status = encode_head(e, CBOR_UINT, view->offset);
  if (status == ST_OK && !view->tracking) status = encode_head(e, CBOR_UINT, length);
  encode_leave(e);
  return status;
}

/* ---- by kind ---- */

enum status encode_userdata(struct encoder *e, int index, const struct place *place) {
  enum value_kind kind = value_kind_at(e->L, e->types, index);
  switch (kind) {
  case VALUE_MAP:
  case VALUE_SET:
    return encode_collection(e, index, kind, place);
  case VALUE_DATE:
    return encode_date(e, index, place);
  case VALUE_REGEXP:
    return encode_regexp(e, index, place);
  case VALUE_BOXED:
    return encode_boxed(e, index, place);
  case VALUE_BUFFER:
    return encode_buffer(e, index, place);
  default:
    return kind >= VALUE_FIRST_VIEW ? encode_view(e, index, place) : encode_refuse_class(e, index, place);
  }
}

enum status encode_primitive(struct encoder *e, int index, bool *done) {
  enum value_kind kind;
  if (!e->types) e->types = value_types(e->L);
  kind = value_kind_at(e->L, e->types, index);
  *done = kind == VALUE_UNDEFINED || kind == VALUE_BIGINT;
  if (kind == VALUE_UNDEFINED) return buf_put_byte(e->out, 0xf7);
  return *done ? encode_bigint(e, index) : ST_OK;
}
