/* value_error: see value_error.h. Here is clone_push_error of clone.h too. */
#include "lua/value_error.h"

#include <string.h>

#include "lua/clone.h"
#include "lua/value.h"

const char *error_class_name(const char *name) {
  static const char *const names[] = {"EvalError",   "RangeError", "ReferenceError",
                                      "SyntaxError", "TypeError",  "URIError"};
  for (size_t i = 0; name && i < sizeof names / sizeof *names; i++)
    if (strcmp(name, names[i]) == 0) return names[i];
  return "Error";
}

void error_new(lua_State *L) {
  lua_createtable(L, 0, 4);
  value_set_class(L, VALUE_ERROR);
}

static void set_text(lua_State *L, const char *key, const char *text) {
  if (!text) return;
  lua_pushstring(L, key);
  lua_pushstring(L, text);
  lua_rawset(L, -3);
}

void clone_push_error(lua_State *L, const char *name, const char *message, const char *code) {
  error_new(L);
  set_text(L, "name", name ? name : "Error");
  set_text(L, "message", message);
  set_text(L, "code", code);
}

/* [-0, +1, m] the field of the error at the index, without metamethods */
static int push_raw(lua_State *L, int index, const char *key) {
  index = lua_absindex(L, index);
  lua_pushstring(L, key);
  return lua_rawget(L, index);
}

/* "Name: message", or the one that there is. */
static int error_tostring(lua_State *L) {
  const char *name, *message;
  if (!lua_istable(L, 1)) return luaL_error(L, "an error object was expected");
  push_raw(L, 1, "name");
  name = luaL_tolstring(L, -1, NULL);
  if (lua_isnil(L, -2)) name = "Error";
  if (push_raw(L, 1, "message") == LUA_TNIL) return lua_pushstring(L, name), 1;
  message = luaL_tolstring(L, -1, NULL);
  if (!*message || !*name)
    lua_pushstring(L, *name ? name : message);
  else
    lua_pushfstring(L, "%s: %s", name, message);
  return 1;
}

static int error_concat(lua_State *L) {
  lua_settop(L, 2);
  luaL_tolstring(L, 1, NULL);
  luaL_tolstring(L, 2, NULL);
  lua_concat(L, 2);
  return 1;
}

/* ipc.Error{ name =, message =, ... } or ipc.Error("message") */
static int error_construct(lua_State *L) {
  lua_settop(L, 2);
  if (lua_type(L, 2) == LUA_TSTRING || lua_isnil(L, 2)) {
    clone_push_error(L, "Error", lua_tostring(L, 2), NULL);
    return 1;
  }
  if (!lua_istable(L, 2))
    return luaL_error(L, "ipc.Error expects a table of fields or a message, but got %s", luaL_typename(L, 2));
  value_set_class(L, VALUE_ERROR);
  if (push_raw(L, 2, "name") == LUA_TNIL) {
    lua_settop(L, 2);
    set_text(L, "name", "Error");
  }
  lua_settop(L, 2);
  return 1;
}

void value_error_open(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"__tostring", error_tostring}, {"__concat", error_concat}, {NULL, NULL}};
  static const struct value_class class = {
      .kind = VALUE_ERROR, .construct = error_construct, .functions = functions};
  value_class_open(L, &class);
}
