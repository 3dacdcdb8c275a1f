/* clone_encode_value: what values of ipc's classes are written as. */
#include <string.h>

#include "lua/clone_encode.h"
#include "lua/value_error.h"

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
  cause = push_field(e, index, "cause") != LUA_TNIL || error_remembers_cause(e->L, index);
  push_field(e, index, "name");
  status = encode_named(e, cause ? 4 : 3,
                        error_class_name(lua_type(e->L, -1) == LUA_TSTRING ? lua_tostring(e->L, -1) : NULL));
  lua_pop(e->L, 1);
  if (status == ST_OK) status = encode_text_field(e, index, "message");
  if (status == ST_OK) status = encode_text_field(e, index, "stack");
  if (status == ST_OK && cause) status = encode_value(e, -1, &here);
  lua_pop(e->L, 1);
  e->depth++;
  return status;
}

/* ---- userdata ---- */

/* A userdata of another library, by the name that its class gives it. */
static enum status refuse_foreign(struct encoder *e, int index, const struct place *place) {
  const char *name = "userdata";
  if (lua_getmetatable(e->L, index)) {
    lua_pushliteral(e->L, "__name");
    if (lua_rawget(e->L, -2) == LUA_TSTRING) name = lua_tostring(e->L, -1);
  }
  return encode_refuse(e, place, name);
}

enum status encode_userdata(struct encoder *e, int index, const struct place *place) {
  if (!e->types) e->types = value_types(e->L);
  index = lua_absindex(e->L, index);
  switch (value_kind_at(e->L, e->types, index)) {
  case VALUE_UNDEFINED:
    return buf_put_byte(e->out, 0xf7);
  default:
    return refuse_foreign(e, index, place);
  }
}
