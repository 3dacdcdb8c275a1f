/* value_view: typed arrays, and what they share with ipc.DataView: the view of value_buffer.h. */
#include <string.h>

#include "lua/value_array.h"
#include "lua/value_buffer.h"
#include "lua/value_element.h"

/* ---- views ---- */

struct view *view_new(lua_State *L, enum value_kind kind, size_t offset, size_t length, bool tracking) {
  struct view *view = value_new(L, kind, sizeof *view, 1);
  view->buffer = lua_touserdata(L, -2);
  view->offset = offset;
  view->length = length;
  view->tracking = tracking;
  lua_insert(L, -2);
  lua_setiuservalue(L, -2, 1);
  return view;
}

const char *view_misfit(const struct buffer *buffer, enum value_kind kind, uint64_t offset, uint64_t length,
                        bool tracking) {
  size_t size = element_size(kind);
  if (offset % size) return "the offset is not a multiple of the element's size";
  if (offset > buffer->length) return "the offset is past the buffer";
  if (tracking) return buffer->resizable ? NULL : "a view without a length needs a resizable buffer";
  return length > (buffer->length - offset) / size ? "the view does not fit in its buffer" : NULL;
}

size_t view_length(const struct view *view, bool *outside) {
  size_t size = element_size(view->value.kind), left;
  *outside = view->offset > view->buffer->length;
  left = *outside ? 0 : (view->buffer->length - view->offset) / size;
  if (view->tracking) return left;
  if (view->length > left) *outside = true;
  return *outside ? 0 : view->length;
}

bool view_is_whole(const struct view *view) {
  const struct buffer *buffer = view->buffer;
  return !buffer->resizable && view->offset == 0 &&
         view->length * element_size(view->value.kind) == buffer->length;
}

/* ---- constructors ---- */

static uint64_t check_count(lua_State *L, int index, const char *what) {
  lua_Integer count = lua_isinteger(L, index) ? lua_tointeger(L, index) : -1;
  if (count < 0) luaL_error(L, "Invalid %s: %s", what, luaL_tolstring(L, index, NULL));
  return (uint64_t)count;
}

/* Class(buffer, offset, length) */
static int view_of_buffer(lua_State *L, enum value_kind kind) {
  const struct buffer *buffer = lua_touserdata(L, 2);
  uint64_t offset = lua_isnil(L, 3) ? 0 : check_count(L, 3, "offset"), length = 0;
  bool rest = lua_isnil(L, 4), tracking = rest && buffer->resizable;
  size_t size = element_size(kind);
  const char *misfit;
  if (!rest) length = check_count(L, 4, "length");
  misfit = view_misfit(buffer, kind, offset, length, tracking);
  if (misfit) return luaL_error(L, "%s: %s", value_name(kind), misfit);
  if (rest && !tracking && (buffer->length - offset) % size)
    return luaL_error(L, "byte length of %s should be a multiple of %d", value_name(kind), (int)size);
  if (rest) length = (buffer->length - offset) / size;
  lua_pushvalue(L, 2);
  view_new(L, kind, (size_t)offset, (size_t)length, tracking);
  return 1;
}

/* A view of that many elements into a buffer of its own. */
static struct view *view_of_length(lua_State *L, enum value_kind kind, uint64_t length) {
  if (length > PTRDIFF_MAX / 16) luaL_error(L, "Invalid typed array length: %I", (LUAI_UACINT)length);
  buffer_new(L, (size_t)length * element_size(kind));
  return view_new(L, kind, 0, (size_t)length, false);
}

static int view_of_bytes(lua_State *L, enum value_kind kind) {
  size_t length, size = element_size(kind);
  const char *bytes = lua_tolstring(L, 2, &length);
  struct view *view;
  if (length % size)
    return luaL_error(L, "byte length of %s should be a multiple of %d", value_name(kind), (int)size);
  view = view_of_length(L, kind, length / size);
  if (length) memcpy(view->buffer->data, bytes, length);
  return 1;
}

static int view_of_list(lua_State *L, enum value_kind kind) {
  struct array_shape shape;
  struct view *view;
  array_shape(L, 2, &shape);
  if (shape.names || shape.other || shape.count != shape.max)
    return luaL_error(L, "%s expects a list without gaps and other keys", value_name(kind));
  view = view_of_length(L, kind, (uint64_t)shape.count);
  for (lua_Integer i = 1; i <= shape.count; i++) {
    lua_rawgeti(L, 2, i);
    element_set(L, kind, view->buffer->data + (size_t)(i - 1) * element_size(kind), -1);
    lua_pop(L, 1);
  }
  return 1;
}

static int view_of_view(lua_State *L, enum value_kind kind) {
  const struct view *from = lua_touserdata(L, 2);
  bool outside;
  size_t length = view_length(from, &outside);
  struct view *view = view_of_length(L, kind, length);
  for (size_t i = 0; i < length; i++) {
    element_push(L, from->value.kind, from->buffer->data + from->offset + i * element_size(from->value.kind));
    element_set(L, kind, view->buffer->data + i * element_size(kind), -1);
    lua_pop(L, 1);
  }
  return 1;
}

/* Which class is called is told by the class, argument 1. */
static enum value_kind called_kind(lua_State *L) {
  const struct value_types *types = value_types(L);
  const void *class = lua_topointer(L, 1);
  enum value_kind kind = VALUE_FIRST_VIEW;
  while (kind < VALUE_KINDS && types->classes[kind] != class) kind++;
  if (kind == VALUE_KINDS) luaL_error(L, "a class of typed arrays was expected");
  return kind;
}

static int view_construct(lua_State *L) {
  enum value_kind kind = called_kind(L), from;
  lua_settop(L, 4);
  from = value_kind(L, 2);
  if (from == VALUE_BUFFER) return view_of_buffer(L, kind);
  if (kind == VALUE_DATA_VIEW)
    return luaL_error(L, "ipc.DataView expects an ipc.Buffer, but got %s", luaL_typename(L, 2));
  if (from > VALUE_FIRST_VIEW) return view_of_view(L, kind);
  if (lua_type(L, 2) == LUA_TSTRING) return view_of_bytes(L, kind);
  if (lua_istable(L, 2)) return view_of_list(L, kind);
  view_of_length(L, kind, lua_isnil(L, 2) ? 0 : check_count(L, 2, "typed array length"));
  return 1;
}

/* ---- access ---- */

/* The view at index 1, of any class. */
static struct view *check_view(lua_State *L, const char *method) {
  if (value_kind(L, 1) < VALUE_FIRST_VIEW) value_self(L, VALUE_DATA_VIEW, method);
  return lua_touserdata(L, 1);
}

/* The element that the key at index 2 names, or NULL. */
static uint8_t *element_at(lua_State *L, const struct view *view) {
  bool outside;
  lua_Integer at = lua_isinteger(L, 2) ? lua_tointeger(L, 2) : 0;
  if (at < 1 || (size_t)at > view_length(view, &outside)) return NULL;
  return view->buffer->data + view->offset + (size_t)(at - 1) * element_size(view->value.kind);
}

static int push_field(lua_State *L, const struct view *view, const char *field) {
  bool outside;
  size_t length = view_length(view, &outside), bytes = length * element_size(view->value.kind);
  if (strcmp(field, "buffer") == 0)
    lua_getiuservalue(L, 1, 1);
  else if (strcmp(field, "byteOffset") == 0)
    lua_pushinteger(L, outside ? 0 : (lua_Integer)view->offset);
  else if (strcmp(field, "byteLength") == 0)
    lua_pushinteger(L, (lua_Integer)bytes);
  else if (strcmp(field, "length") == 0 && view->value.kind != VALUE_DATA_VIEW)
    lua_pushinteger(L, (lua_Integer)length);
  else
    return value_method(L);
  return 1;
}

static int view_index(lua_State *L) {
  const struct view *view = check_view(L, "__index");
  const uint8_t *element;
  if (lua_type(L, 2) == LUA_TSTRING) return push_field(L, view, lua_tostring(L, 2));
  element = view->value.kind == VALUE_DATA_VIEW ? NULL : element_at(L, view);
  if (element)
    element_push(L, view->value.kind, element);
  else
    lua_pushnil(L);
  return 1;
}

static int view_newindex(lua_State *L) {
  const struct view *view = check_view(L, "__newindex");
  bool outside, elements = view->value.kind != VALUE_DATA_VIEW;
  uint8_t *element = elements ? element_at(L, view) : NULL;
  if (!element)
    return luaL_error(L, "%s: %s is not an element from 1 to %I", value_name(view->value.kind),
                      luaL_tolstring(L, 2, NULL), (LUAI_UACINT)(elements ? view_length(view, &outside) : 0));
  element_set(L, view->value.kind, element, 3);
  return 0;
}

static int view_len(lua_State *L) {
  bool outside;
  lua_pushinteger(L, (lua_Integer)view_length(check_view(L, "__len"), &outside));
  return 1;
}

/* The bytes. */
static int view_tostring(lua_State *L) {
  const struct view *view = check_view(L, "__tostring");
  bool outside;
  size_t length = view_length(view, &outside) * element_size(view->value.kind);
  lua_pushlstring(L, length ? (const char *)view->buffer->data + view->offset : "", length);
  return 1;
}

void value_view_open(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"__len", view_len}, {"__tostring", view_tostring}, {"__newindex", view_newindex}, {NULL, NULL}};
  for (enum value_kind kind = VALUE_FIRST_VIEW; kind < VALUE_KINDS; kind++) {
    struct value_class class = {
        .kind = kind, .construct = view_construct, .index = view_index, .functions = functions};
    value_class_open(L, &class);
  }
}
