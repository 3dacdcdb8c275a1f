/* value: see value.h. The registry holds each class under the address of its entry in `class_keys`. */
#include "lua/value.h"

#include <math.h>
#include <string.h>

#define SAFE_INTEGER 9007199254740992.0 /* 2^53 */

static const char class_keys[VALUE_KINDS] = {0};
static const char types_key = 0, undefined_key = 0;

static const char *const js_names[VALUE_KINDS] = {
    [VALUE_NONE] = "Object",
    [VALUE_ARRAY] = "Array",
    [VALUE_SPARSE_ARRAY] = "Array",
    [VALUE_OBJECT] = "Object",
    [VALUE_ERROR] = "Error",
    [VALUE_UNDEFINED] = "undefined",
    [VALUE_MAP] = "Map",
    [VALUE_SET] = "Set",
    [VALUE_DATE] = "Date",
    [VALUE_REGEXP] = "RegExp",
    [VALUE_BIGINT] = "bigint",
    [VALUE_BOXED] = "Boxed",
    [VALUE_BUFFER] = "ArrayBuffer",
    [VALUE_DATA_VIEW] = "DataView",
    [VALUE_UINT8_ARRAY] = "Uint8Array",
    [VALUE_UINT8_CLAMPED_ARRAY] = "Uint8ClampedArray",
    [VALUE_UINT16_ARRAY] = "Uint16Array",
    [VALUE_UINT32_ARRAY] = "Uint32Array",
    [VALUE_BIG_UINT64_ARRAY] = "BigUint64Array",
    [VALUE_INT8_ARRAY] = "Int8Array",
    [VALUE_INT16_ARRAY] = "Int16Array",
    [VALUE_INT32_ARRAY] = "Int32Array",
    [VALUE_BIG_INT64_ARRAY] = "BigInt64Array",
    [VALUE_FLOAT16_ARRAY] = "Float16Array",
    [VALUE_FLOAT32_ARRAY] = "Float32Array",
    [VALUE_FLOAT64_ARRAY] = "Float64Array",
};

const char *value_js_name(enum value_kind kind) {
  return js_names[kind];
}

const char *value_name(enum value_kind kind) {
  switch (kind) {
  case VALUE_SPARSE_ARRAY:
    return "SparseArray";
  case VALUE_OBJECT:
    return "object";
  case VALUE_BIGINT:
    return "BigInt";
  case VALUE_BUFFER:
    return "Buffer";
  default:
    return js_names[kind];
  }
}

const struct value_types *value_types(lua_State *L) {
  const struct value_types *types;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &types_key);
  types = lua_touserdata(L, -1);
  lua_pop(L, 1);
  return types;
}

static enum value_kind kind_of_table(const struct value_types *types, const void *class) {
  for (enum value_kind kind = VALUE_ARRAY; kind <= VALUE_LAST_TABLE; kind++)
    if (types->classes[kind] == class) return kind;
  return VALUE_NONE;
}

/* The kind that the userdata claims is believed when it has the class of that kind: only value_new gives it.
 */
static enum value_kind kind_of_userdata(lua_State *L, const struct value_types *types, int index,
                                        const void *class) {
  const struct value *value = lua_touserdata(L, index);
  if (lua_rawlen(L, index) < sizeof *value) return VALUE_NONE;
  if ((unsigned)value->kind >= VALUE_KINDS || types->classes[value->kind] != class) return VALUE_NONE;
  return value->kind;
}

enum value_kind value_kind_at(lua_State *L, const struct value_types *types, int index) {
  const void *class;
  int type = lua_type(L, index);
  if (!lua_getmetatable(L, index)) return VALUE_NONE;
  class = lua_topointer(L, -1);
  lua_pop(L, 1);
  if (type == LUA_TTABLE) return kind_of_table(types, class);
  return type == LUA_TUSERDATA ? kind_of_userdata(L, types, index, class) : VALUE_NONE;
}

enum value_kind value_kind(lua_State *L, int index) {
  return value_kind_at(L, value_types(L), index);
}

void value_push_class(lua_State *L, enum value_kind kind) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &class_keys[kind]);
}

void value_set_class(lua_State *L, enum value_kind kind) {
  value_push_class(L, kind);
  lua_setmetatable(L, -2);
}

void *value_new(lua_State *L, enum value_kind kind, size_t size, int user_values) {
  struct value *value = lua_newuserdatauv(L, size, user_values);
  memset(value, 0, size);
  value->kind = kind;
  value_set_class(L, kind);
  return value;
}

void value_push_number(lua_State *L, double value) {
  bool integral = fabs(value) <= SAFE_INTEGER && value == floor(value) && !(value == 0 && signbit(value));
  if (integral)
    lua_pushinteger(L, (lua_Integer)value);
  else
    lua_pushnumber(L, value);
}

void value_push_undefined(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &undefined_key);
}

void *value_self(lua_State *L, enum value_kind kind, const char *method) {
  if (value_kind(L, 1) != kind)
    luaL_error(L, "%s.%s was called without its value; write value:%s(...)", value_name(kind), method,
               method);
  return lua_touserdata(L, 1);
}

int value_method(lua_State *L) {
  lua_settop(L, 2);
  lua_rawget(L, lua_upvalueindex(1));
  return 1;
}

static int read_only(lua_State *L) {
  enum value_kind kind = value_kind(L, 1);
  return luaL_error(L, "%s: its field '%s' cannot be set", value_name(kind), luaL_tolstring(L, 2, NULL));
}

/* [-0, +0, m] with the class at the top: what makes it callable. */
static void set_constructor(lua_State *L, lua_CFunction construct) {
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, construct);
  lua_setfield(L, -2, "__call");
  lua_setmetatable(L, -2);
}

/* [-0, +0, m] with the class at the top */
static void set_access(lua_State *L, const struct value_class *class) {
  lua_pushvalue(L, -1);
  lua_pushcclosure(L, class->index ? class->index : value_method, 1);
  lua_setfield(L, -2, "__index");
  if (lua_getfield(L, -1, "__newindex") == LUA_TNIL) {
    lua_pushcfunction(L, read_only);
    lua_setfield(L, -3, "__newindex");
  }
  lua_pop(L, 1);
}

void value_class_open(lua_State *L, const struct value_class *class) {
  struct value_types *types;
  lua_newtable(L);
  if (class->functions) luaL_setfuncs(L, class->functions, 0);
  lua_pushstring(L, value_name(class->kind));
  lua_setfield(L, -2, "__name");
  if (class->kind > VALUE_LAST_TABLE) set_access(L, class);
  if (class->construct) set_constructor(L, class->construct);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &types_key);
  types = lua_touserdata(L, -1);
  lua_pop(L, 1);
  types->classes[class->kind] = lua_topointer(L, -1);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &class_keys[class->kind]);
  lua_setfield(L, -2, value_name(class->kind));
}

static int undefined_tostring(lua_State *L) {
  lua_pushliteral(L, "undefined");
  return 1;
}

/* ipc.undefined is a value with a class, so that it prints; the class itself is nobody's business. */
static void open_undefined(lua_State *L) {
  static const luaL_Reg functions[] = {{"__tostring", undefined_tostring}, {NULL, NULL}};
  static const struct value_class class = {.kind = VALUE_UNDEFINED, .functions = functions};
  lua_newtable(L);
  value_class_open(L, &class);
  value_new(L, VALUE_UNDEFINED, sizeof(struct value), 0);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &undefined_key);
  lua_pop(L, 1);
}

void value_open(lua_State *L) {
  struct value_types *types = lua_newuserdatauv(L, sizeof *types, 0);
  memset(types, 0, sizeof *types);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &types_key);
  open_undefined(L);
}
