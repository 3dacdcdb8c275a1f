/* value_misc: see value_misc.h. clone_open, which gathers all classes, is here. */
#include "lua/value_misc.h"

#include <string.h>

#include "lua/clone.h"
#include "lua/value.h"
#include "lua/value_array.h"
#include "lua/value_bigint.h"
#include "lua/value_buffer.h"
#include "lua/value_collection.h"
#include "lua/value_date.h"
#include "lua/value_error.h"
#include "lua/value_regexp.h"

static const char table_key = 0; /* in the registry: the table that clone_open pushes */

/* ---- ipc.type, ipc.default ---- */

/* A table without a class is an array when its keys are 1..n. */
static const char *type_of_table(lua_State *L, int index) {
  struct array_shape shape;
  array_shape(L, index, &shape);
  if (shape.count && shape.max == shape.count && !shape.names && !shape.other) return "Array";
  return "Object";
}

static const char *type_of_error(lua_State *L, int index) {
  const char *name;
  lua_pushliteral(L, "name");
  name = lua_rawget(L, index) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
  lua_pop(L, 1);
  return error_class_name(name);
}

static const char *type_of_object(lua_State *L, int index) {
  enum value_kind kind = value_kind(L, index);
  if (kind == VALUE_ERROR) return type_of_error(L, index);
  if (kind == VALUE_BOXED) return boxed_class_name(L, index);
  if (kind != VALUE_NONE) return value_js_name(kind);
  return lua_type(L, index) == LUA_TTABLE ? type_of_table(L, index) : "userdata";
}

/* ipc.type(value): JavaScript's name of its class or primitive. */
static int misc_type(lua_State *L) {
  int type;
  luaL_checkany(L, 1);
  type = lua_type(L, 1);
  if (type == LUA_TNIL)
    lua_pushliteral(L, "undefined");
  else if (type == LUA_TLIGHTUSERDATA && !lua_touserdata(L, 1))
    lua_pushliteral(L, "null");
  else if (type == LUA_TTABLE || type == LUA_TUSERDATA)
    lua_pushstring(L, type_of_object(L, 1));
  else
    lua_pushstring(L, lua_typename(L, type));
  return 1;
}

/* ipc.default(value, fallback) */
static int misc_default(lua_State *L) {
  bool absent;
  lua_settop(L, 2);
  absent = lua_isnil(L, 1) || (lua_islightuserdata(L, 1) && !lua_touserdata(L, 1)) ||
           value_kind(L, 1) == VALUE_UNDEFINED;
  lua_pushvalue(L, absent ? 2 : 1);
  return 1;
}

/* ---- opening ---- */

void value_misc_open(lua_State *L) {
  static const luaL_Reg functions[] = {{"type", misc_type}, {"default", misc_default}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
  lua_pushlightuserdata(L, NULL);
  lua_setfield(L, -2, "null");
  value_push_undefined(L);
  lua_setfield(L, -2, "undefined");
}

int clone_open(lua_State *L) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &table_key) == LUA_TTABLE) return 1;
  lua_pop(L, 1);
  value_open(L);
  lua_newtable(L);
  value_misc_open(L);
  value_array_open(L);
  value_error_open(L);
  value_collection_open(L);
  value_date_open(L);
  value_regexp_open(L);
  value_bigint_open(L);
  value_buffer_open(L);
  value_view_open(L);
  value_data_view_open(L);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &table_key);
  return 1;
}
