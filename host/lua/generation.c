/* generation: see generation.h. This file has the life of the host's own state. */
#include "lua/generation_private.h"

#include <dlfcn.h>
#include <lauxlib.h>
#include <stdlib.h>

static int open_state(lua_State *L) {
  const struct generation *generation = generation_of(L);
  lua_gc(L, LUA_GCSTOP); /* all that is made here stays, its handles too */
  generation_of(L)->scope = SCOPE_UNKNOWN;
  generation_loop_guard(L);
  generation_open_libs(L);
  lua_settop(L, 0);
  if (generation->options.setup) {
    lua_pushcfunction(L, generation->options.setup);
    lua_pushlightuserdata(L, generation->options.user);
    lua_call(L, 1, 0);
  }
  lua_gc(L, LUA_GCRESTART);
  if (generation->options.generational) lua_gc(L, LUA_GCGEN, 0, 0);
  return 0;
}

/*
 * Lua unloads the C libraries of its rocks when the state closes, but what they have given to the process (a
 * thread, a handler at exit, memory behind their globals) stays: so they stay too. The registry's table of
 * them is keyed by path.
 * [-0, +0, m]
 */
static int keep_libraries(lua_State *L) {
  if (lua_getfield(L, LUA_REGISTRYINDEX, "_CLIBS") != LUA_TTABLE) return 0;
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1))
    if (lua_type(L, -2) == LUA_TSTRING) dlopen(lua_tostring(L, -2), RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
  return 0;
}

static void finish(struct generation *generation) {
  void (*closed)(void *) = generation->options.closed;
  void *user = generation->options.user;
  lua_pushcfunction(generation->L, keep_libraries);
  lua_pcall(generation->L, 0, 0, 0);
  lua_close(generation->L);
  generation_loop_deinit(generation);
  allocator_deinit(&generation->allocator);
  free(generation);
  if (closed) closed(user);
}

enum status generation_open(struct generation **out, const struct generation_options *options,
                            struct fault *fault) {
  struct generation *generation = calloc(1, sizeof *generation);
  enum status status;
  if (!generation) return fault_set(fault, ST_NOMEM, 0, NULL, "out of memory");
  generation->options = *options;
  generation->L = lua_newstate(allocator_alloc, &generation->allocator);
  if (!generation->L) {
    free(generation);
    return fault_set(fault, ST_NOMEM, 0, NULL, "out of memory");
  }
  if ((status = generation_loop_open(generation, fault)) != ST_OK) {
    lua_close(generation->L);
    allocator_deinit(&generation->allocator);
    free(generation);
    return status;
  }
  *(struct generation **)lua_getextraspace(generation->L) = generation;
  *out = generation; /* setup reaches it through the options' user */
  if (generation_enter(generation, "the script environment", open_state, NULL) != ST_OK)
    return fault_set(fault, ST_SCRIPT, 0, NULL, "the script environment cannot be set up; the log says why");
  return ST_OK;
}

void generation_close(struct generation *generation) {
  generation->closing = true;
  generation_loop_close(generation, finish);
}

const struct generation_kind generation_own = {generation_open, generation_close};
