/* clone_quick: see clone_quick.h. */
#include "lua/clone_quick.h"

#include "base/utf8.h"
#include "wire/cbor.h"

enum { FALSE = 0xf4, TRUE = 0xf5, NULL_VALUE = 0xf6, UNDEFINED = 0xf7 };

/* Takes an argument of 0, 1, 2 or 4 bytes behind the initial byte. False for any other. */
static inline bool take_argument(struct slice *in, uint64_t *out) {
  unsigned info = in->data[0] & 31, size;
  if (info < 24) {
    *out = info;
    *in = slice_of(in->data + 1, in->len - 1);
    return true;
  }
  size = 1U << (info - 24);
  if (info > 26 || in->len <= size) return false;
  *out = 0;
  for (unsigned i = 1; i <= size; i++) *out = *out << 8 | in->data[i];
  *in = slice_of(in->data + 1 + size, in->len - 1 - size);
  return true;
}

static inline bool push_text(lua_State *L, struct slice *in) {
  uint64_t len;
  struct slice text;
  if (!take_argument(in, &len) || len > in->len) return false;
  text = slice_of(in->data, (size_t)len);
  if (!utf8_ascii(text) && !utf8_valid(text)) return false;
  lua_pushlstring(L, (const char *)text.data, text.len);
  *in = slice_of(in->data + len, in->len - (size_t)len);
  return true;
}

static inline bool push_simple(lua_State *L, struct slice *in) {
  uint8_t byte = in->data[0];
  if (byte < FALSE || byte > UNDEFINED) return false;
  if (byte <= TRUE)
    lua_pushboolean(L, byte == TRUE);
  else if (byte == NULL_VALUE)
    lua_pushlightuserdata(L, NULL);
  else
    lua_pushnil(L);
  *in = slice_of(in->data + 1, in->len - 1);
  return true;
}

static inline bool push_element(lua_State *L, struct slice *in) {
  uint64_t value;
  unsigned major;
  if (!in->len) return false;
  major = in->data[0] >> 5;
  if (major == CBOR_TEXT) return push_text(L, in);
  if (major == CBOR_SIMPLE) return push_simple(L, in);
  if (major > CBOR_NINT || !take_argument(in, &value)) return false;
  lua_pushinteger(L, major == CBOR_UINT ? (lua_Integer)value : -1 - (lua_Integer)value);
  return true;
}

int quick_decode_list(lua_State *L, struct slice document) {
  int count, pushed = 0;
  if (!document.len || document.data[0] >> 5 != CBOR_ARRAY) return -1;
  count = document.data[0] & 31;
  if (count > QUICK_ARGS) return -1;
  document = slice_of(document.data + 1, document.len - 1);
  while (pushed < count && push_element(L, &document)) pushed++;
  if (pushed == count && !document.len) return count;
  lua_pop(L, pushed);
  return -1;
}

static enum status encode_text(lua_State *L, int index, struct buf *out) {
  struct slice text;
  text.data = (const uint8_t *)lua_tolstring(L, index, &text.len);
  return utf8_ascii(text) || utf8_valid(text) ? cbor_put_string(out, CBOR_TEXT, text) : ST_UNSUPPORTED;
}

enum status quick_encode(lua_State *L, int index, struct buf *out) {
  switch (lua_type(L, index)) {
  case LUA_TNIL:
    return buf_put_byte(out, UNDEFINED);
  case LUA_TBOOLEAN:
    return buf_put_byte(out, lua_toboolean(L, index) ? TRUE : FALSE);
  case LUA_TNUMBER:
    return lua_isinteger(L, index) ? cbor_put_int(out, lua_tointeger(L, index)) : ST_UNSUPPORTED;
  case LUA_TSTRING:
    return encode_text(L, index, out);
  default:
    return ST_UNSUPPORTED;
  }
}
