/* config_reader: see config_reader.h. */
#include "config_reader.h"

#include <lauxlib.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/nearest.h"

_Noreturn static void leave(struct config_reader *reader) {
  lua_pushnil(reader->L); /* the fault says it */
  lua_error(reader->L);
  abort(); /* lua_error does not return */
}

void config_fail(struct config_reader *reader, const char *format, ...) {
  char text[512];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  fault_set(reader->fault, ST_INVALID, 0, NULL, "%s: %s", reader->file, text);
  leave(reader);
}

/* How a value is shown in a message. */
static void describe(lua_State *L, char *out, size_t size) {
  int type = lua_type(L, -1);
  if (type == LUA_TSTRING)
    snprintf(out, size, "\"%.60s\"", lua_tostring(L, -1));
  else if (type == LUA_TNUMBER || type == LUA_TBOOLEAN || type == LUA_TNIL)
    snprintf(out, size, "%.60s", luaL_tolstring(L, -1, NULL));
  else
    snprintf(out, size, "a %s", lua_typename(L, type));
}

void config_fail_value(struct config_reader *reader, const char *key, const char *format, ...) {
  char value[64], text[512];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  describe(reader->L, value, sizeof value);
  config_fail(reader, "%s = %s: %s", key, value, text);
}

/* "a", "b" or "c" */
static void join_names(const char *const *names, char *out, size_t size) {
  size_t len = 0;
  for (size_t i = 0; names[i] && len < size; i++) {
    const char *between = i == 0 ? "" : names[i + 1] ? ", " : " or ";
    len += (size_t)snprintf(out + len, size - len, "%s\"%s\"", between, names[i]);
  }
}

void config_fail_choice(struct config_reader *reader, const char *key, const char *const *names) {
  const char *given = lua_type(reader->L, -1) == LUA_TSTRING ? lua_tostring(reader->L, -1) : "";
  struct nearest nearest = nearest_start(given);
  char all[256] = "";
  join_names(names, all, sizeof all);
  for (size_t i = 0; names[i]; i++) nearest_try(&nearest, names[i]);
  if (nearest.name) config_fail_value(reader, key, "expected %s; did you mean \"%s\"?", all, nearest.name);
  config_fail_value(reader, key, "expected %s", all);
}

static bool is_one_of(const char *name, const char *const *names) {
  for (; *names; names++)
    if (strcmp(name, *names) == 0) return true;
  return false;
}

_Noreturn static void unknown_key(struct config_reader *reader, const char *prefix, const char *key,
                                  const char *const *names) {
  struct nearest nearest = nearest_start(key);
  char all[400] = "";
  for (size_t i = 0; names[i]; i++) nearest_try(&nearest, names[i]);
  if (nearest.name)
    config_fail(reader, "%s%.60s: unknown key; did you mean '%s'?", prefix, key, nearest.name);
  for (size_t i = 0, len = 0; names[i] && len < sizeof all; i++)
    len += (size_t)snprintf(all + len, sizeof all - len, "%s%s", i ? ", " : "", names[i]);
  config_fail(reader, "%s%.60s: unknown key; known are %s", prefix, key, all);
}

void config_check_keys(struct config_reader *reader, const char *prefix, const char *const *names) {
  lua_State *L = reader->L;
  char key[64];
  if (!lua_istable(L, -1)) {
    snprintf(key, sizeof key, "%.*s", (int)strlen(prefix) - 1, prefix);
    config_fail_value(reader, key, "expected a table");
  }
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
    if (lua_type(L, -2) == LUA_TSTRING) {
      if (!is_one_of(lua_tostring(L, -2), names)) unknown_key(reader, prefix, lua_tostring(L, -2), names);
    } else {
      snprintf(key, sizeof key, "[%.50s]", luaL_tolstring(L, -2, NULL));
      unknown_key(reader, prefix, key, names);
    }
  }
}

bool config_field(struct config_reader *reader, const char *name) {
  lua_pushstring(reader->L, name);
  if (lua_rawget(reader->L, -2) != LUA_TNIL) return true;
  lua_pop(reader->L, 1);
  return false;
}

size_t config_list(struct config_reader *reader, const char *key, const char *example) {
  lua_State *L = reader->L;
  size_t count, keys = 0;
  if (!lua_istable(L, -1)) config_fail_value(reader, key, "expected a list such as %s", example);
  count = lua_rawlen(L, -1);
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1), keys++) {
    if (lua_isinteger(L, -2) && lua_tointeger(L, -2) >= 1 && lua_tointeger(L, -2) <= (lua_Integer)count)
      continue;
    config_fail(reader, "%s[%.60s]: expected a list such as %s", key, luaL_tolstring(L, -2, NULL), example);
  }
  if (keys != count) config_fail(reader, "%s: a list must have no holes", key);
  return count;
}

bool config_bool(struct config_reader *reader, const char *key) {
  if (!lua_isboolean(reader->L, -1)) config_fail_value(reader, key, "expected true or false");
  return lua_toboolean(reader->L, -1);
}

const char *config_string(struct config_reader *reader, const char *key) {
  size_t len;
  const char *text;
  if (lua_type(reader->L, -1) != LUA_TSTRING) config_fail_value(reader, key, "expected a string");
  text = lua_tolstring(reader->L, -1, &len);
  if (!len) config_fail_value(reader, key, "expected a string that is not empty");
  if (strlen(text) != len) config_fail_value(reader, key, "the string holds a NUL byte");
  return text;
}

int config_choice(struct config_reader *reader, const char *key, const char *const *names) {
  if (lua_type(reader->L, -1) == LUA_TSTRING)
    for (int i = 0; names[i]; i++)
      if (strcmp(lua_tostring(reader->L, -1), names[i]) == 0) return i;
  config_fail_choice(reader, key, names);
}

void *config_alloc(struct config_reader *reader, size_t count, size_t size) {
  void *memory = calloc(count ? count : 1, size);
  if (!memory) config_fail(reader, "not enough memory");
  return memory;
}

char *config_copy(struct config_reader *reader, const char *text) {
  char *copy = config_alloc(reader, strlen(text) + 1, 1);
  return strcpy(copy, text);
}
