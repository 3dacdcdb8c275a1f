/* generation: see generation.h. This file has the ways into Lua, whoever owns the state. */
#include <lauxlib.h>

#include "lua/generation_private.h"

/* ---- errors ---- */

/* [-1, +0, e] with the value, where, and the coroutine as a lightuserdata. */
static int log_error(lua_State *L) {
  lua_State *co = lua_touserdata(L, 3);
  const char *text = luaL_tolstring(L, 1, NULL);
  luaL_traceback(L, co, text, co == L ? 1 : 0);
  log_line(generation_of(L)->options.log, LOG_ERROR, "script", "%s: %s", (const char *)lua_touserdata(L, 2),
           lua_tostring(L, -1));
  return 0;
}

void generation_log_error(lua_State *L, lua_State *co, const char *where) {
  int top = lua_gettop(L) - 1;
  if (lua_checkstack(L, 4)) {
    lua_pushcfunction(L, log_error);
    lua_insert(L, -2);
    lua_pushlightuserdata(L, (void *)where);
    lua_pushlightuserdata(L, co);
    if (lua_pcall(L, 3, 0, 0) != LUA_OK)
      log_line(generation_of(L)->options.log, LOG_ERROR, "script", "%s: an error that cannot be described",
               where);
  }
  lua_settop(L, top);
}

/* Message handler: the text with the traceback of where it was raised. [-1, +1, m] */
static int describe(lua_State *L) {
  const char *text = luaL_tolstring(L, 1, NULL);
  luaL_traceback(L, L, text, 1);
  return 1;
}

/* ---- into Lua ---- */

void generation_begin(struct generation *generation) {
  if (!generation->depth++) {
    generation->scope = SCOPE_NONE;
    generation_loop_wake(generation);
  }
  generation->serial++;
}

/* A function of environment.lua's, in the registry. */
static enum status call_hook(struct generation *generation, int reference, const char *where) {
  lua_State *L = generation->L;
  enum status status = ST_OK;
  if (!lua_checkstack(L, 4)) return ST_NOMEM;
  lua_pushcfunction(L, describe);
  lua_rawgeti(L, LUA_REGISTRYINDEX, reference);
  if (lua_pcall(L, 0, 0, -2) != LUA_OK) {
    log_line(generation->options.log, LOG_ERROR, "script", "%s: %s", where, lua_tostring(L, -1));
    lua_pop(L, 1);
    status = ST_SCRIPT;
  }
  lua_pop(L, 1);
  return status;
}

void generation_leave(struct generation *generation) {
  if (generation->depth > 1) {
    generation->depth--;
    return;
  }
  while (generation->microtasks) {
    generation->microtasks = false;
    generation->scope = SCOPE_UNKNOWN;
    call_hook(generation, generation->drain, "promise reactions");
  }
  generation->depth = 0;
  generation_loop_touch(generation);
  if (generation->options.left) generation->options.left(generation->options.user);
}

enum status generation_enter(struct generation *generation, const char *where, lua_CFunction fn, void *arg) {
  lua_State *L = generation->L;
  enum status status = ST_OK;
  generation_begin(generation);
  if (lua_checkstack(L, 4)) {
    lua_pushcfunction(L, describe);
    lua_pushcfunction(L, fn);
    lua_pushlightuserdata(L, arg);
    status = lua_pcall(L, 1, 0, -3) == LUA_OK ? ST_OK : ST_SCRIPT;
    if (status != ST_OK) {
      const char *text = lua_tostring(L, -1);
      log_line(generation->options.log, LOG_ERROR, "script", "%s: %s", where,
               text ? text : "not enough memory");
      lua_pop(L, 1);
    }
    lua_pop(L, 1);
  } else {
    status = ST_NOMEM;
  }
  generation_leave(generation);
  return status;
}

int generation_resume(struct generation *generation, lua_State *co, lua_State *from, int nargs,
                      int *nresults) {
  lua_State *before = generation->running;
  int status;
  generation->running = co;
  status = lua_resume(co, from, nargs, nresults);
  generation->running = before;
  return status;
}

static void count_handle(uv_handle_t *handle, void *count) {
  if (handle->data && !uv_is_closing(handle)) ++*(size_t *)count; /* the host's own have none */
}

size_t generation_memory(struct generation *generation) {
  size_t used = generation->allocator.used;
  return used ? used : (size_t)lua_gc(generation->L, LUA_GCCOUNT) * 1024;
}

size_t generation_handles(struct generation *generation) {
  size_t count = 0;
  uv_walk(&generation->loop, count_handle, &count);
  return count;
}

void generation_mark_top_level(lua_State *L, lua_State *co) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, generation_of(L)->top_level);
  lua_pushthread(co);
  lua_xmove(co, L, 1);
  lua_pushboolean(L, 1);
  lua_rawset(L, -3);
  lua_pop(L, 1);
}

int generation_luv_callback(lua_State *L, int nargs, int nresults, int flags) {
  struct generation *generation = generation_of(L);
  int base = lua_gettop(L) - nargs;
  bool timed = generation->timing && !generation->depth;
  lua_Integer scope;
  (void)flags;
  if (generation->closing) { /* nobody of the scripts is left to hear of it */
    lua_settop(L, base - 1);
    return 0;
  }
  if (timed) generation_loop_timer_begins(generation);
  generation_begin(generation);
  scope = generation->scope;
  generation->scope = SCOPE_UNKNOWN;
  lua_pushcfunction(L, describe);
  lua_insert(L, base);
  if (lua_pcall(L, nargs, nresults, base) != LUA_OK) {
    const char *text = lua_tostring(L, -1);
    log_line(generation->options.log, LOG_ERROR, "script", "a callback of luv: %s",
             text ? text : "not enough memory");
    lua_settop(L, base);
    nresults = 0;
  }
  lua_remove(L, base);
  generation->scope = scope;
  generation_leave(generation);
  if (timed) generation_loop_timer_ends(generation);
  return nresults == LUA_MULTRET ? lua_gettop(L) - base + 1 : nresults;
}
