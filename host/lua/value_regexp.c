/* value_regexp: see value_regexp.h. What they hold is in their user values. */
#include "lua/value_regexp.h"

#include <string.h>

#include "base/slice.h"
#include "lua/clone_text.h"
#include "lua/value.h"

static bool is_text(lua_State *L, int index) {
  size_t len;
  const char *data;
  if (lua_type(L, index) != LUA_TSTRING) return false;
  data = lua_tolstring(L, index, &len);
  return text_kind_of(slice_of(data, len)) != TEXT_BYTES;
}

static bool is_field(lua_State *L, int index, const char *field) {
  return lua_type(L, index) == LUA_TSTRING && strcmp(lua_tostring(L, index), field) == 0;
}

/* ---- RegExp ---- */

/* Each flag once, and not both of u and v. */
static bool flags_valid(const char *flags, size_t len) {
  static const char known[] = "dgimsuvy";
  unsigned seen = 0, both = 1u << (strchr(known, 'u') - known) | 1u << (strchr(known, 'v') - known);
  for (size_t i = 0; i < len; i++) {
    const char *at = flags[i] ? strchr(known, flags[i]) : NULL;
    if (!at || seen & 1u << (at - known)) return false;
    seen |= 1u << (at - known);
  }
  return (seen & both) != both;
}

bool regexp_new(lua_State *L) {
  size_t len;
  const char *flags = lua_tolstring(L, -1, &len);
  if (!flags_valid(flags, len)) return false;
  value_new(L, VALUE_REGEXP, sizeof(struct value), 2);
  lua_insert(L, -3);
  lua_setiuservalue(L, -3, 2);
  lua_setiuservalue(L, -2, 1);
  return true;
}

void regexp_push(lua_State *L, int index) {
  index = lua_absindex(L, index);
  lua_getiuservalue(L, index, 1);
  lua_getiuservalue(L, index, 2);
}

/* ipc.RegExp(source, flags) */
static int regexp_construct(lua_State *L) {
  lua_settop(L, 3);
  if (lua_isnil(L, 3)) {
    lua_pushliteral(L, "");
    lua_replace(L, 3);
  }
  if (!is_text(L, 2) || !is_text(L, 3))
    return luaL_error(L, "ipc.RegExp expects a pattern and flags, both text");
  if (!regexp_new(L))
    return luaL_error(L, "Invalid flags supplied to RegExp constructor '%s'", lua_tostring(L, 3));
  return 1;
}

static int regexp_index(lua_State *L) {
  value_self(L, VALUE_REGEXP, "__index");
  if (is_field(L, 2, "source")) return lua_getiuservalue(L, 1, 1), 1;
  if (is_field(L, 2, "flags")) return lua_getiuservalue(L, 1, 2), 1;
  return value_method(L);
}

static int regexp_tostring(lua_State *L) {
  value_self(L, VALUE_REGEXP, "__tostring");
  lua_pushliteral(L, "/");
  lua_getiuservalue(L, 1, 1);
  lua_pushliteral(L, "/");
  lua_getiuservalue(L, 1, 2);
  lua_concat(L, 4);
  return 1;
}

/* ---- Boxed ---- */

bool boxed_new(lua_State *L) {
  int type = lua_type(L, -1);
  if (type != LUA_TNUMBER && type != LUA_TBOOLEAN && !is_text(L, -1) && value_kind(L, -1) != VALUE_BIGINT)
    return false;
  value_new(L, VALUE_BOXED, sizeof(struct value), 1);
  lua_insert(L, -2);
  lua_setiuservalue(L, -2, 1);
  return true;
}

void boxed_push(lua_State *L, int index) {
  lua_getiuservalue(L, index, 1);
}

const char *boxed_class_name(lua_State *L, int index) {
  int type = lua_getiuservalue(L, index, 1);
  lua_pop(L, 1);
  switch (type) {
  case LUA_TNUMBER:
    return "Number";
  case LUA_TBOOLEAN:
    return "Boolean";
  case LUA_TSTRING:
    return "String";
  default:
    return "BigInt";
  }
}

static int boxed_construct(lua_State *L) {
  lua_settop(L, 2);
  if (!boxed_new(L))
    return luaL_error(L, "ipc.Boxed expects a number, a boolean, text or an ipc.BigInt, but got %s",
                      luaL_typename(L, 2));
  return 1;
}

static int boxed_index(lua_State *L) {
  value_self(L, VALUE_BOXED, "__index");
  if (is_field(L, 2, "value")) return lua_getiuservalue(L, 1, 1), 1;
  return value_method(L);
}

static int boxed_tostring(lua_State *L) {
  value_self(L, VALUE_BOXED, "__tostring");
  lua_getiuservalue(L, 1, 1);
  luaL_tolstring(L, -1, NULL);
  return 1;
}

void value_regexp_open(lua_State *L) {
  static const luaL_Reg regexp[] = {{"__tostring", regexp_tostring}, {NULL, NULL}};
  static const luaL_Reg boxed[] = {{"__tostring", boxed_tostring}, {NULL, NULL}};
  static const struct value_class classes[] = {
      {.kind = VALUE_REGEXP, .construct = regexp_construct, .index = regexp_index, .functions = regexp},
      {.kind = VALUE_BOXED, .construct = boxed_construct, .index = boxed_index, .functions = boxed}};
  for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) value_class_open(L, &classes[i]);
}
