/* value_buffer: see value_buffer.h: the buffer itself. */
#include "lua/value_buffer.h"

#include <string.h>

#define MAX_LENGTH (INT64_C(1) << 53)

struct buffer *buffer_new(lua_State *L, size_t length) {
  struct buffer *buffer = value_new(L, VALUE_BUFFER, sizeof *buffer + length, 0);
  buffer->data = (uint8_t *)(buffer + 1);
  buffer->length = buffer->capacity = buffer->max = length;
  return buffer;
}

/* Moves the bytes of the buffer at the absolute index into memory of that size. */
static void reserve(lua_State *L, int index, size_t capacity) {
  struct buffer *buffer = lua_touserdata(L, index);
  uint8_t *data = lua_newuserdatauv(L, capacity, 0);
  if (buffer->length) memcpy(data, buffer->data, buffer->length);
  memset(data + buffer->length, 0, capacity - buffer->length);
  buffer->data = data;
  buffer->capacity = capacity;
  lua_setiuservalue(L, index, 1);
}

struct buffer *buffer_new_resizable(lua_State *L, size_t length, uint64_t max) {
  struct buffer *buffer = value_new(L, VALUE_BUFFER, sizeof *buffer, 1);
  reserve(L, lua_gettop(L), length);
  buffer->resizable = true;
  buffer->length = length;
  buffer->max = max;
  return buffer;
}

static size_t check_length(lua_State *L, int index, const char *what) {
  int is_integer;
  lua_Integer length = lua_tointegerx(L, index, &is_integer);
  if (lua_type(L, index) != LUA_TNUMBER || !is_integer || length < 0 || length > MAX_LENGTH)
    luaL_error(L, "Invalid %s: %s", what, luaL_tolstring(L, index, NULL));
  return (size_t)length;
}

/* ipc.Buffer(bytes or length, max): with `max` it may be resized up to that. */
static int buffer_construct(lua_State *L) {
  size_t length, max;
  const char *bytes = NULL;
  struct buffer *buffer;
  lua_settop(L, 3);
  if (lua_type(L, 2) == LUA_TSTRING)
    bytes = lua_tolstring(L, 2, &length);
  else if (lua_type(L, 2) == LUA_TNUMBER)
    length = check_length(L, 2, "buffer length");
  else
    return luaL_error(L, "ipc.Buffer expects bytes in a string or a length, but got %s", luaL_typename(L, 2));
  max = lua_isnil(L, 3) ? length : check_length(L, 3, "maximal buffer length");
  if (max < length) return luaL_error(L, "Invalid maximal buffer length: it is less than the length");
  buffer = lua_isnil(L, 3) ? buffer_new(L, length) : buffer_new_resizable(L, length, max);
  if (bytes && length) memcpy(buffer->data, bytes, length);
  return 1;
}

/* buffer:resize(length) */
static int buffer_resize(lua_State *L) {
  struct buffer *buffer = value_self(L, VALUE_BUFFER, "resize");
  size_t length = check_length(L, 2, "buffer length"), capacity = buffer->capacity * 2;
  if (!buffer->resizable)
    return luaL_error(L, "the buffer is not resizable; make it with ipc.Buffer(bytes, max)");
  if (length > buffer->max) return luaL_error(L, "Invalid buffer length: it is over maxByteLength");
  if (length > buffer->capacity)
    reserve(L, 1, capacity < length || capacity > buffer->max ? length : capacity);
  if (length < buffer->length) memset(buffer->data + length, 0, buffer->length - length);
  buffer->length = length;
  return 0;
}

/* A position as in JavaScript's slice: from 0, from the end when negative, cut to the length. */
static size_t position(lua_State *L, int index, size_t length, size_t otherwise) {
  lua_Integer at;
  size_t back;
  if (lua_isnoneornil(L, index)) return otherwise;
  at = luaL_checkinteger(L, index);
  back = 0 - (size_t)at; /* unsigned: the lowest integer has no negative */
  if (at < 0) return back > length ? 0 : length - back;
  return (size_t)at > length ? length : (size_t)at;
}

/* buffer:slice(from, to): a copy. */
static int buffer_slice(lua_State *L) {
  const struct buffer *buffer = value_self(L, VALUE_BUFFER, "slice");
  size_t from = position(L, 2, buffer->length, 0), to = position(L, 3, buffer->length, buffer->length);
  struct buffer *copy = buffer_new(L, to > from ? to - from : 0);
  if (copy->length) memcpy(copy->data, buffer->data + from, copy->length);
  return 1;
}

static int buffer_len(lua_State *L) {
  const struct buffer *buffer = value_self(L, VALUE_BUFFER, "__len");
  lua_pushinteger(L, (lua_Integer)buffer->length);
  return 1;
}

static int buffer_tostring(lua_State *L) {
  const struct buffer *buffer = value_self(L, VALUE_BUFFER, "__tostring");
  lua_pushlstring(L, (const char *)buffer->data, buffer->length);
  return 1;
}

static int push_field(lua_State *L, const struct buffer *buffer, const char *field) {
  if (strcmp(field, "byteLength") == 0)
    lua_pushinteger(L, (lua_Integer)buffer->length);
  else if (strcmp(field, "maxByteLength") == 0)
    lua_pushinteger(L, (lua_Integer)buffer->max);
  else if (strcmp(field, "resizable") == 0)
    lua_pushboolean(L, buffer->resizable);
  else
    return value_method(L);
  return 1;
}

/* Bytes from 1, fields, methods. */
static int buffer_index(lua_State *L) {
  const struct buffer *buffer = value_self(L, VALUE_BUFFER, "__index");
  lua_Integer at;
  if (lua_type(L, 2) == LUA_TSTRING) return push_field(L, buffer, lua_tostring(L, 2));
  at = lua_isinteger(L, 2) ? lua_tointeger(L, 2) : 0;
  if (at >= 1 && (size_t)at <= buffer->length)
    lua_pushinteger(L, buffer->data[at - 1]);
  else
    lua_pushnil(L);
  return 1;
}

static int buffer_newindex(lua_State *L) {
  struct buffer *buffer = value_self(L, VALUE_BUFFER, "__newindex");
  lua_Integer at = lua_isinteger(L, 2) ? lua_tointeger(L, 2) : 0;
  if (at < 1 || (size_t)at > buffer->length)
    return luaL_error(L, "ipc.Buffer: %s is not a byte from 1 to %I", luaL_tolstring(L, 2, NULL),
                      (LUAI_UACINT)buffer->length);
  if (!lua_isinteger(L, 3)) return luaL_error(L, "a byte is an integer, not %s", luaL_typename(L, 3));
  buffer->data[at - 1] = (uint8_t)lua_tointeger(L, 3);
  return 0;
}

void value_buffer_open(lua_State *L) {
  static const luaL_Reg functions[] = {{"resize", buffer_resize},       {"slice", buffer_slice},
                                       {"__len", buffer_len},           {"__tostring", buffer_tostring},
                                       {"__newindex", buffer_newindex}, {NULL, NULL}};
  static const struct value_class class = {
      .kind = VALUE_BUFFER, .construct = buffer_construct, .index = buffer_index, .functions = functions};
  value_class_open(L, &class);
}
