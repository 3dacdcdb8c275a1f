/* misuse: messages for what goes wrong at the first try: a mistyped field or channel, a handler taken for a
 * listener. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "base/utf8.h"
#include "lua/runtime.h"

#define WARNINGS_MAX 1000 /* a renderer that makes up channels must not fill the log */

/* True the first time that it is asked for this text. [-0, +0, m] */
static bool first_time(lua_State *L, const char *text) {
  struct runtime *rt = runtime_of(L);
  int top = lua_gettop(L);
  bool first = rt->warnings < WARNINGS_MAX;
  lua_rawgeti(L, LUA_REGISTRYINDEX, rt->warned);
  if (first && (first = lua_getfield(L, -1, text) == LUA_TNIL)) {
    lua_pushboolean(L, 1);
    lua_setfield(L, top + 1, text);
    rt->warnings++;
  }
  lua_settop(L, top);
  return first;
}

void misuse_warn(lua_State *L, const char *format, ...) {
  char text[512];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  if (first_time(L, text)) log_line(generation_of(L)->options.log, LOG_WARN, "script", "%s", text);
}

void misuse_returned(lua_State *L, const char *channel) {
  misuse_warn(L,
              "a listener of '%s' returned a value to sendSync: set event.returnValue, or use ipcMain.handle "
              "with invoke",
              channel ? channel : "?");
}

/* Offers the channels of the emitter's table (a user value of it, at the top, popped). [-1, +0, -] */
static void try_keys(lua_State *L, struct nearest *nearest) {
  if (lua_istable(L, -1)) {
    lua_pushnil(L);
    while (lua_next(L, -2)) {
      if (lua_type(L, -2) == LUA_TSTRING) nearest_try(nearest, lua_tostring(L, -2));
      lua_pop(L, 1);
    }
  }
  lua_pop(L, 1);
}

/* [-0, +0, -] */
static bool has_handler(lua_State *L, int emitter, int channel) {
  bool has;
  lua_getiuservalue(L, emitter, 3);
  lua_pushvalue(L, channel);
  has = lua_istable(L, -2) && lua_rawget(L, -2) != LUA_TNIL;
  lua_settop(L, channel);
  return has;
}

void misuse_no_listener(lua_State *L, const char *channel) {
  struct runtime *rt = runtime_of(L);
  struct nearest nearest = nearest_start(channel);
  int top = lua_gettop(L);
  lua_pushfstring(L, "channel %s", channel);
  if (!first_time(L, lua_tostring(L, -1))) {
    lua_settop(L, top);
    return;
  }
  lua_settop(L, top);
  lua_rawgeti(L, LUA_REGISTRYINDEX, rt->ipcmain);
  lua_pushstring(L, channel);
  if (has_handler(L, top + 1, top + 2)) {
    misuse_warn(L, "'%s' has a handler, not a listener: use invoke", channel);
  } else if (emitter_listeners(L, top + 1, top + 2)) {
    misuse_warn(L, "'%s' has a listener, not a handler: use send", channel);
  } else {
    lua_getiuservalue(L, top + 1, 1);
    try_keys(L, &nearest);
    lua_getiuservalue(L, top + 1, 3);
    try_keys(L, &nearest);
    if (nearest.name)
      misuse_warn(L, "no listener for '%s'; nearest: '%s'", channel, nearest.name);
    else
      misuse_warn(L, "no listener for '%s'", channel);
  }
  lua_settop(L, top);
}

static int no_field(lua_State *L, const char *class_name, const char *key, const struct nearest *nearest) {
  if (nearest->name)
    return luaL_error(L, "%s has no field '%s'; did you mean '%s'?", class_name, key, nearest->name);
  return luaL_error(L, "%s has no field '%s'", class_name, key);
}

int misuse_no_field(lua_State *L, const char *class_name, const char *key, const char *const *names) {
  struct nearest nearest = nearest_start(key);
  for (; *names; names++) nearest_try(&nearest, *names);
  return no_field(L, class_name, key, &nearest);
}

/* __index of a module: (table, key); upvalue 1 is its name. */
static int missing_field(lua_State *L) {
  const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : NULL;
  struct nearest nearest;
  /* Whoever asks for `then` wants to know whether this is a promise. */
  if (!key || strcmp(key, "then") == 0) return 0;
  nearest = nearest_start(key);
  lua_pushvalue(L, 1);
  try_keys(L, &nearest);
  return no_field(L, lua_tostring(L, lua_upvalueindex(1)), key, &nearest);
}

void misuse_explain_fields(lua_State *L, const char *name) {
  if (!lua_getmetatable(L, -1)) lua_createtable(L, 0, 1);
  lua_pushstring(L, name);
  lua_pushcclosure(L, missing_field, 1);
  lua_setfield(L, -2, "__index");
  lua_setmetatable(L, -2);
}

struct slice misuse_channel(lua_State *L, int index) {
  size_t len;
  const char *channel;
  if (lua_type(L, index) != LUA_TSTRING) {
    luaL_where(L, 1);
    lua_pushliteral(L, "Missing required channel argument");
    lua_concat(L, 2);
    lua_error(L);
  }
  channel = lua_tolstring(L, index, &len);
  if (len > CHANNEL_MAX)
    luaL_error(L, "the channel is %I bytes long; at most %d are allowed", (LUAI_UACINT)len, (int)CHANNEL_MAX);
  if (!utf8_valid(slice_of(channel, len))) luaL_error(L, "the channel is not valid UTF-8");
  return slice_of(channel, len);
}

void warn_traceback(lua_State *L, const char *text) {
  luaL_traceback(L, L, text, 1);
  log_line(generation_of(L)->options.log, LOG_WARN, "script", "%s", lua_tostring(L, -1));
  lua_pop(L, 1);
}
