/* generation: see generation.h. This file has the load of the entries: how long it may take, and what it
 * reads. */
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "lua/generation_private.h"

#define LOAD_HOOK_COUNT 10000 /* instructions between two looks at the clock */

/* Coroutines made during the load have it too, and are rid of it at its next call. */
static void on_load_hook(lua_State *L, lua_Debug *ar) {
  const struct generation *generation = generation_of(L);
  (void)ar;
  if (!generation->load_until)
    lua_sethook(L, NULL, 0, 0);
  else if (uv_hrtime() > generation->load_until) {
    luaL_where(L, 0);
    lua_pushfstring(L, "the scripts ran for limits.load (%I ms) and had not loaded",
                    (LUAI_UACINT)generation->options.load_limit);
    lua_concat(L, 2);
    lua_error(L);
  }
}

static void watch_load(struct generation *generation) {
  if (!generation->options.load_limit) return;
  generation->load_until = uv_hrtime() + generation->options.load_limit * 1000000;
  lua_sethook(generation->L, on_load_hook, LUA_MASKCOUNT, LOAD_HOOK_COUNT);
}

static void unwatch_load(struct generation *generation) {
  generation->load_until = 0;
  lua_sethook(generation->L, NULL, 0, 0);
}

/* done(nil), or done(text): called by environment.lua when the entries have run. */
static int loaded(lua_State *L) {
  struct generation *generation = generation_of(L);
  const char *text = lua_tostring(L, 1);
  struct fault fault = {.status = ST_OK};
  unwatch_load(generation);
  if (text) {
    log_line(generation->options.log, LOG_ERROR, "script", "%s", text);
    fault_set(&fault, ST_SCRIPT, 0, NULL, "%.*s", (int)strcspn(text, "\n"), text);
  }
  if (!generation->closing) generation->loaded(generation->options.user, fault.status, &fault);
  return 0;
}

static int run_entries(lua_State *L) {
  struct generation *generation = lua_touserdata(L, 1);
  watch_load(generation);
  lua_rawgeti(L, LUA_REGISTRYINDEX, generation->load);
  lua_newtable(L);
  for (int i = 0; generation->options.scripts[i]; i++) {
    lua_pushstring(L, generation->options.scripts[i]);
    lua_rawseti(L, -2, i + 1);
  }
  lua_pushcfunction(L, loaded);
  lua_pushboolean(L, generation->options.beside);
  lua_call(L, 3, 0);
  return 0;
}

void generation_load(struct generation *generation,
                     void (*done)(void *user, enum status status, const struct fault *fault)) {
  struct fault fault;
  generation->loaded = done;
  if (generation_enter(generation, "loading the scripts", run_entries, generation) == ST_OK) return;
  unwatch_load(generation);
  fault_set(&fault, ST_SCRIPT, 0, NULL, "the scripts cannot be loaded");
  done(generation->options.user, ST_SCRIPT, &fault);
}

struct position {
  char *out;
  size_t size;
};

static int find_position(lua_State *L) {
  const struct position *position = lua_touserdata(L, 1);
  lua_rawgeti(L, LUA_REGISTRYINDEX, generation_of(L)->position);
  lua_call(L, 0, 1);
  if (lua_isstring(L, -1)) snprintf(position->out, position->size, "%s", lua_tostring(L, -1));
  return 0;
}

void generation_position(struct generation *generation, char *out, size_t size) {
  struct position position = {out, size};
  out[0] = '\0';
  generation_enter(generation, "loading the scripts", find_position, &position);
}

size_t generation_file_count(const struct generation *generation) {
  lua_State *L = generation->L;
  size_t count;
  lua_rawgeti(L, LUA_REGISTRYINDEX, generation->files);
  count = lua_rawlen(L, -1);
  lua_pop(L, 1);
  return count;
}

bool generation_file(const struct generation *generation, size_t index, const char **path, uint64_t *hash) {
  lua_State *L = generation->L;
  bool exists;
  lua_rawgeti(L, LUA_REGISTRYINDEX, generation->hashes);
  lua_rawgeti(L, LUA_REGISTRYINDEX, generation->files);
  lua_rawgeti(L, -1, (lua_Integer)index + 1);
  *path = lua_tostring(L, -1);
  lua_rawget(L, -3);
  exists = lua_isinteger(L, -1);
  *hash = (uint64_t)lua_tointeger(L, -1);
  lua_pop(L, 3);
  return exists;
}

/* ---- what the environment has for the host ---- */

/* Takes a field of the table at the top as a reference. */
static int take(lua_State *L, const char *name) {
  lua_getfield(L, -1, name);
  return luaL_ref(L, LUA_REGISTRYINDEX);
}

void generation_take_hooks(lua_State *L, struct generation *generation) {
  generation->drain = take(L, "drain");
  generation->top_level = take(L, "top_level");
  generation->load = take(L, "load");
  generation->contexts = take(L, "contexts");
  generation->retire = take(L, "retire");
  generation->files = take(L, "files");
  generation->hashes = take(L, "hashes");
  generation->position = take(L, "position");
}
