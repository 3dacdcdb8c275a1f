/* value_data_view: the getters and setters of ipc.DataView: getInt16(offset, little_endian) and so on,
 * offsets from 0 and big-endian unless asked, as in JavaScript. */
#include <string.h>

#include "lua/value_buffer.h"
#include "lua/value_element.h"

/* Checks that the element is in the view, and copies its bytes in the order of memory here, or back. */
static uint8_t *locate(lua_State *L, enum value_kind kind, const char *method) {
  const struct view *view = value_self(L, VALUE_DATA_VIEW, method);
  bool outside;
  size_t length = view_length(view, &outside), size = element_size(kind);
  lua_Integer offset = luaL_checkinteger(L, 2);
  if (offset < 0 || length < size || (size_t)offset > length - size)
    luaL_error(L, "Offset is outside the bounds of the DataView");
  return view->buffer->data + view->offset + offset;
}

/* Upvalue 1: the kind of element. */
static int get(lua_State *L) {
  enum value_kind kind = (enum value_kind)lua_tointeger(L, lua_upvalueindex(1));
  uint8_t bytes[8];
  memcpy(bytes, locate(L, kind, "get"), element_size(kind));
  if (!lua_toboolean(L, 3)) element_swap(kind, bytes, element_size(kind));
  element_push(L, kind, bytes);
  return 1;
}

static int set(lua_State *L) {
  enum value_kind kind = (enum value_kind)lua_tointeger(L, lua_upvalueindex(1));
  uint8_t bytes[8], *at = locate(L, kind, "set");
  element_set(L, kind, bytes, 3);
  if (!lua_toboolean(L, 4)) element_swap(kind, bytes, element_size(kind));
  memcpy(at, bytes, element_size(kind));
  return 0;
}

/* [-0, +0, m] with the class at the top: "getInt16" for VALUE_INT16_ARRAY */
static void add_method(lua_State *L, enum value_kind kind, const char *verb, lua_CFunction function) {
  const char *name = value_name(kind);
  lua_pushstring(L, verb);
  lua_pushlstring(L, name, strlen(name) - strlen("Array"));
  lua_concat(L, 2);
  lua_pushinteger(L, kind);
  lua_pushcclosure(L, function, 1);
  lua_rawset(L, -3);
}

void value_data_view_open(lua_State *L) {
  value_push_class(L, VALUE_DATA_VIEW);
  for (enum value_kind kind = VALUE_FIRST_VIEW + 1; kind < VALUE_KINDS; kind++) {
    if (kind == VALUE_UINT8_CLAMPED_ARRAY) continue;
    add_method(L, kind, "get", get);
    add_method(L, kind, "set", set);
  }
  lua_pop(L, 1);
}
