/* clone_path: see clone_path.h. Runs no metamethods and allocates nothing. */
#include "lua/clone_path.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/slice.h"
#include "base/utf8.h"

#define STEP_MAX 48
#define ROOT_MAX 40
#define KEYS_SHOWN 5

static bool is_name(const char *text, size_t len) {
  if (!len || len >= STEP_MAX - 1 || isdigit((unsigned char)*text)) return false;
  for (size_t i = 0; i < len; i++)
    if (!isalnum((unsigned char)text[i]) && text[i] != '_') return false;
  return true;
}

/* A string in quotes, without control bytes, and cut between characters; bytes that are no text are '?'. */
static void write_string(struct slice string, char *text, size_t size) {
  bool valid = utf8_valid(string);
  size_t at = 1, i = 0, room = size - sizeof "\"...\"";
  text[0] = '"';
  for (; i < string.len && at < room; i++) {
    uint8_t byte = string.data[i];
    text[at++] = byte < 0x20 || byte == 0x7f || (byte >= 0x80 && !valid) ? '?' : (char)byte;
  }
  for (; i < string.len && (string.data[i] & 0xc0) == 0x80 && at > 1; i--) at--;
  snprintf(text + at, size - at, i < string.len ? "...\"" : "\"");
}

/* A key as it is written in brackets. */
static void write_key(lua_State *L, int key, char *text, size_t size) {
  size_t len;
  const char *string;
  if (lua_isinteger(L, key)) {
    snprintf(text, size, "%lld", (long long)lua_tointeger(L, key));
  } else if (lua_type(L, key) == LUA_TNUMBER) {
    snprintf(text, size, "%.14g", lua_tonumber(L, key));
  } else if (lua_type(L, key) == LUA_TBOOLEAN) {
    snprintf(text, size, "%s", lua_toboolean(L, key) ? "true" : "false");
  } else if (lua_type(L, key) != LUA_TSTRING) {
    snprintf(text, size, "a %s", lua_typename(L, lua_type(L, key)));
  } else {
    string = lua_tolstring(L, key, &len);
    write_string(slice_of(string, len), text, size);
  }
}

static void write_property(lua_State *L, int key, char text[STEP_MAX]) {
  char quoted[STEP_MAX - 2];
  size_t len;
  const char *name = lua_type(L, key) == LUA_TSTRING ? lua_tolstring(L, key, &len) : NULL;
  if (name && is_name(name, len)) {
    snprintf(text, STEP_MAX, ".%s", name);
    return;
  }
  write_key(L, key, quoted, sizeof quoted);
  snprintf(text, STEP_MAX, "[%s]", quoted);
}

static void write_step(lua_State *L, const struct place *place, char text[STEP_MAX]) {
  char key[STEP_MAX - 8];
  switch (place->kind) {
  case PLACE_KEY:
    write_property(L, place->key, text);
    break;
  case PLACE_INDEX:
    snprintf(text, STEP_MAX, "[%lld]", (long long)place->number);
    break;
  case PLACE_FIELD:
    snprintf(text, STEP_MAX, ".%s", place->field);
    break;
  case PLACE_MAP_KEY:
    snprintf(text, STEP_MAX, ".keys[%lld]", (long long)place->number);
    break;
  case PLACE_MAP_VALUE:
    write_key(L, place->key, key, sizeof key);
    snprintf(text, STEP_MAX, ":get(%s)", key);
    break;
  case PLACE_SET_VALUE:
    snprintf(text, STEP_MAX, ".values[%lld]", (long long)place->number);
    break;
  }
}

/* The steps are met from the last to the first, so they are written from the end; what no longer fits becomes
 * "..." after the root. */
void path_write(lua_State *L, const char *root, const struct place *place, char text[PATH_MAX_LEN]) {
  char steps[PATH_MAX_LEN], step[STEP_MAX];
  size_t start = sizeof steps - 1, low = strnlen(root, ROOT_MAX) + sizeof "...";
  steps[start] = '\0';
  for (; place; place = place->up) {
    size_t len;
    write_step(L, place, step);
    len = strlen(step);
    if (len + low > start) break;
    start -= len;
    memcpy(steps + start, step, len);
  }
  snprintf(text, PATH_MAX_LEN, "%.*s%s%s", ROOT_MAX, root, place ? "..." : "", steps + start);
}

/* ---- keys that fit nothing ---- */

/* The smallest integer keys, ascending. */
struct integer_keys {
  lua_Integer shown[KEYS_SHOWN];
  size_t count;
};

static void add_key(struct integer_keys *keys, lua_Integer key) {
  size_t at = keys->count < KEYS_SHOWN ? keys->count : KEYS_SHOWN;
  keys->count++;
  if (at == KEYS_SHOWN && key > keys->shown[--at]) return;
  for (; at && keys->shown[at - 1] > key; at--) keys->shown[at] = keys->shown[at - 1];
  keys->shown[at] = key;
}

static void write_integer_keys(const struct integer_keys *keys, bool mixed, char *text, size_t size) {
  size_t shown = keys->count < KEYS_SHOWN ? keys->count : KEYS_SHOWN;
  int at = snprintf(text, size, "integer key%s ", keys->count > 1 ? "s" : "");
  for (size_t i = 0; i < shown && at > 0 && (size_t)at < size; i++)
    at += snprintf(text + at, size - (size_t)at, "%s%lld", i ? ", " : "", (long long)keys->shown[i]);
  if (at > 0 && (size_t)at < size)
    snprintf(text + at, size - (size_t)at, "%s %s %s", keys->count > shown ? ", ..." : "",
             keys->count > 1 ? "are" : "is", mixed ? "mixed with string keys" : "not 1..n");
}

void path_write_keys(lua_State *L, int index, char *text, size_t size) {
  struct integer_keys keys = {.count = 0};
  char key[STEP_MAX] = "";
  bool strings = false;
  index = lua_absindex(L, index);
  lua_pushnil(L);
  while (lua_next(L, index)) {
    if (lua_isinteger(L, -2))
      add_key(&keys, lua_tointeger(L, -2));
    else if (lua_type(L, -2) == LUA_TSTRING)
      strings = true;
    else if (!*key)
      write_key(L, -2, key, sizeof key);
    lua_pop(L, 1);
  }
  if (*key)
    snprintf(text, size, "key %s is neither text nor an integer", key);
  else
    write_integer_keys(&keys, strings, text, size);
}
