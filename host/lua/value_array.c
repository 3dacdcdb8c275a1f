/*
 * value_array: see value_array.h. Assigning `length` is why ipc.Array has a __newindex at all: it turns the
 * array into an ipc.SparseArray.
 */
#include "lua/value_array.h"

#include <string.h>

#include "lua/value.h"

static const char lengths_key = 0;  /* in the registry: sparse array -> length, weak keys */
static const char remember_key = 0; /* in a metatable: the keys of properties that are undefined */

/* ---- shape and length ---- */

void array_shape(lua_State *L, int index, struct array_shape *shape) {
  lua_Integer last = 0;
  index = lua_absindex(L, index);
  *shape = (struct array_shape){.ordered = true};
  lua_pushnil(L);
  while (lua_next(L, index)) {
    lua_Integer key = lua_isinteger(L, -2) ? lua_tointeger(L, -2) : 0;
    if (key > 0) {
      shape->count++;
      if (key < last) shape->ordered = false;
      if (key > shape->max) shape->max = key;
      last = key;
    } else if (lua_type(L, -2) == LUA_TSTRING) {
      shape->names++;
    } else {
      shape->other = true;
    }
    lua_pop(L, 1);
  }
}

/* [-0, +1, -] */
static void push_lengths(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &lengths_key);
}

lua_Integer array_length(lua_State *L, int index) {
  lua_Integer length;
  index = lua_absindex(L, index);
  push_lengths(L);
  lua_pushvalue(L, index);
  lua_rawget(L, -2);
  length = lua_tointeger(L, -1);
  lua_pop(L, 2);
  return length;
}

void array_set_length(lua_State *L, lua_Integer length) {
  push_lengths(L);
  lua_pushvalue(L, -2);
  lua_pushinteger(L, length);
  lua_rawset(L, -3);
  lua_pop(L, 1);
  value_set_class(L, VALUE_SPARSE_ARRAY);
}

/* ---- fields of arrays ---- */

static bool is_length(lua_State *L, int index) {
  return lua_type(L, index) == LUA_TSTRING && strcmp(lua_tostring(L, index), "length") == 0;
}

static lua_Integer check_length(lua_State *L, int index) {
  int is_integer;
  lua_Integer length = lua_tointegerx(L, index, &is_integer);
  if (!is_integer || lua_type(L, index) != LUA_TNUMBER || length < 0 || length > ARRAY_LENGTH_MAX)
    luaL_error(L, "Invalid array length: %s", luaL_tolstring(L, index, NULL));
  return length;
}

/* Removes the elements of the array at index 1 from `length` + 1 on. [-0, +0, -] */
static void truncate(lua_State *L, lua_Integer length) {
  lua_pushnil(L);
  while (lua_next(L, 1)) {
    lua_pop(L, 1);
    if (!lua_isinteger(L, -1) || lua_tointeger(L, -1) <= length) continue;
    lua_pushvalue(L, -1);
    lua_pushnil(L);
    lua_rawset(L, 1);
  }
}

/* array.length = value, at index 3 */
static int assign_length(lua_State *L) {
  lua_Integer length = check_length(L, 3);
  truncate(L, length);
  lua_settop(L, 1);
  array_set_length(L, length);
  return 0;
}

static void refuse_index(lua_State *L) {
  if (lua_isinteger(L, 2) && lua_tointeger(L, 2) < 1)
    luaL_error(L, "index %I: an array's elements are numbered from 1", (LUAI_UACINT)lua_tointeger(L, 2));
}

static int array_index(lua_State *L) {
  if (is_length(L, 2))
    lua_pushinteger(L, (lua_Integer)lua_rawlen(L, 1));
  else
    lua_pushnil(L);
  return 1;
}

static int array_newindex(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  if (is_length(L, 2)) return assign_length(L);
  refuse_index(L);
  lua_rawset(L, 1);
  return 0;
}

static int sparse_len(lua_State *L) {
  lua_pushinteger(L, array_length(L, 1));
  return 1;
}

static int sparse_index(lua_State *L) {
  if (is_length(L, 2)) return sparse_len(L);
  lua_pushnil(L);
  return 1;
}

static int sparse_newindex(lua_State *L) {
  lua_Integer key = lua_isinteger(L, 2) ? lua_tointeger(L, 2) : 0;
  luaL_checktype(L, 1, LUA_TTABLE);
  if (is_length(L, 2)) return assign_length(L);
  refuse_index(L);
  if (key > ARRAY_LENGTH_MAX) return luaL_error(L, "Invalid array length: %I", (LUAI_UACINT)key);
  lua_rawset(L, 1);
  if (key > array_length(L, 1)) array_set_length(L, key);
  return 0;
}

/* ---- constructors ---- */

/* The table at index 2 that is to be given a class: a new one when there is none. */
static void check_table(lua_State *L, const char *what) {
  enum value_kind kind;
  lua_settop(L, 2);
  if (lua_isnil(L, 2)) {
    lua_newtable(L);
    lua_replace(L, 2);
  }
  if (!lua_istable(L, 2)) luaL_error(L, "%s expects a table, but got %s", what, luaL_typename(L, 2));
  kind = value_kind(L, 2);
  if (kind == VALUE_ERROR || (kind == VALUE_NONE && lua_getmetatable(L, 2) && !object_remembered(L, 2)))
    luaL_error(L, "%s: the table has a metatable of its own; give it a copy", what);
  lua_settop(L, 2);
}

/* Takes `length` out of the table at index 2, as in { length = 3 }; 0 when there is none. */
static lua_Integer take_length(lua_State *L) {
  lua_Integer length = 0;
  lua_pushliteral(L, "length");
  if (lua_rawget(L, 2) != LUA_TNIL) {
    length = check_length(L, -1);
    lua_pushliteral(L, "length");
    lua_pushnil(L);
    lua_rawset(L, 2);
  }
  lua_settop(L, 2);
  return length;
}

static int array_from_table(lua_State *L, const char *what, bool sparse) {
  struct array_shape shape;
  lua_Integer length;
  check_table(L, what);
  length = value_kind(L, 2) == VALUE_SPARSE_ARRAY ? array_length(L, 2) : take_length(L);
  array_shape(L, 2, &shape);
  if (shape.max > length) length = shape.max;
  if (length > ARRAY_LENGTH_MAX) return luaL_error(L, "Invalid array length: %I", (LUAI_UACINT)length);
  if (sparse || shape.count < length)
    array_set_length(L, length);
  else
    value_set_class(L, VALUE_ARRAY);
  return 1;
}

static int array_construct(lua_State *L) {
  return array_from_table(L, "ipc.Array", false);
}

/* ipc.SparseArray(length or table) */
static int sparse_construct(lua_State *L) {
  if (lua_type(L, 2) != LUA_TNUMBER) return array_from_table(L, "ipc.SparseArray", true);
  lua_newtable(L);
  array_set_length(L, check_length(L, 2));
  return 1;
}

static int object_construct(lua_State *L) {
  check_table(L, "ipc.object");
  if (!object_remembered(L, 2)) value_set_class(L, VALUE_OBJECT);
  lua_settop(L, 2);
  return 1;
}

/* ---- properties that are undefined ---- */

bool object_remembered(lua_State *L, int index) {
  if (!lua_getmetatable(L, index)) return false;
  if (lua_rawgetp(L, -1, &remember_key) != LUA_TTABLE) {
    lua_pop(L, 2);
    return false;
  }
  lua_remove(L, -2);
  return true;
}

void object_remember(lua_State *L, int index) {
  index = lua_absindex(L, index);
  if (!object_remembered(L, index)) {
    lua_createtable(L, 0, 1);
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, -3, &remember_key);
    lua_insert(L, -2);
    lua_setmetatable(L, index);
  }
  lua_insert(L, -2);
  lua_pushboolean(L, 1);
  lua_rawset(L, -3);
  lua_pop(L, 1);
}

/* ---- opening ---- */

static void open_lengths(lua_State *L) {
  lua_newtable(L);
  lua_createtable(L, 0, 1);
  lua_pushliteral(L, "k");
  lua_setfield(L, -2, "__mode");
  lua_setmetatable(L, -2);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &lengths_key);
}

void value_array_open(lua_State *L) {
  static const luaL_Reg array[] = {{"__index", array_index}, {"__newindex", array_newindex}, {NULL, NULL}};
  static const luaL_Reg sparse[] = {
      {"__index", sparse_index}, {"__newindex", sparse_newindex}, {"__len", sparse_len}, {NULL, NULL}};
  static const struct value_class classes[] = {
      {.kind = VALUE_ARRAY, .construct = array_construct, .functions = array},
      {.kind = VALUE_SPARSE_ARRAY, .construct = sparse_construct, .functions = sparse},
      {.kind = VALUE_OBJECT, .construct = object_construct}};
  open_lengths(L);
  for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) value_class_open(L, &classes[i]);
}
