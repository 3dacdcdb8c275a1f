/*
 * generation_scope: on whose behalf code runs, and what a generation that retires must end. The scope of
 * running code is a number in the generation; it is written down only where code is suspended, and where
 * handles are made.
 */
#include <lauxlib.h>
#include <luv/lhandle.h>

#include "lua/generation_private.h"

/* ---- the tables ---- */

int generation_weak_table(lua_State *L, const char *mode) {
  lua_newtable(L);
  lua_createtable(L, 0, 1);
  lua_pushstring(L, mode);
  lua_setfield(L, -2, "__mode");
  lua_setmetatable(L, -2);
  return luaL_ref(L, LUA_REGISTRYINDEX);
}

/* Registry table `table`[the value at the top] = scope, or nil for none. Before there are tables nothing is
 * noted. [-1, +0, m] */
static void set_scope(lua_State *L, int table, lua_Integer scope) {
  if (!table) {
    lua_pop(L, 1);
    return;
  }
  lua_rawgeti(L, LUA_REGISTRYINDEX, table);
  lua_insert(L, -2);
  if (scope == SCOPE_NONE)
    lua_pushnil(L);
  else
    lua_pushinteger(L, scope);
  lua_rawset(L, -3);
  lua_pop(L, 1);
}

/* Looks the coroutine up in a registry table: nil is false, with SCOPE_NONE. [-0, +0, -] */
static bool look(lua_State *L, int table, lua_State *co, lua_Integer *scope) {
  bool found;
  lua_rawgeti(L, LUA_REGISTRYINDEX, table);
  lua_pushthread(co);
  lua_xmove(co, L, 1);
  found = lua_rawget(L, -2) != LUA_TNIL;
  *scope = lua_tointeger(L, -1);
  lua_pop(L, 2);
  return found;
}

/* ---- coroutines ---- */

/* Only what async knows to wait keeps its scope: any other coroutine runs for whoever resumes it. */
lua_Integer generation_scope_enter(lua_State *L, lua_State *co) {
  struct generation *generation = generation_of(L);
  lua_Integer before = generation->scope, own;
  if (generation->contexts && look(L, generation->contexts, co, &own)) {
    look(L, generation->scope_of, co, &own);
    generation->scope = own;
  }
  return before;
}

void generation_scope_leave(lua_State *L, lua_State *co, bool yielded, lua_Integer before) {
  struct generation *generation = generation_of(L);
  lua_Integer scope = generation->scope, known;
  generation->scope = before;
  if (!yielded || !generation->contexts || !look(L, generation->contexts, co, &known)) return;
  look(L, generation->scope_of, co, &known);
  if (known == scope) return;
  lua_pushthread(co);
  lua_xmove(co, L, 1);
  set_scope(L, generation->scope_of, scope);
}

void generation_scope_suspended(lua_State *L) {
  struct generation *generation = generation_of(L);
  lua_pushvalue(L, -1);
  set_scope(L, generation->scope_of, generation->scope);
  generation_scope_await(L, -1);
  lua_pop(L, 1);
}

void generation_scope_await(lua_State *L, int index) {
  struct generation *generation = generation_of(L);
  if (generation->scope <= SCOPE_NONE) return;
  lua_pushvalue(L, index);
  set_scope(L, generation->waiting, generation->scope);
}

void generation_scope_done(lua_State *L) {
  lua_pushthread(L);
  set_scope(L, generation_of(L)->waiting, SCOPE_NONE);
}

void generation_scope_forget(lua_State *L, int index) {
  lua_pushvalue(L, index);
  set_scope(L, generation_of(L)->waiting, SCOPE_NONE);
}

void generation_scope_push(lua_State *L) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, generation_of(L)->waiting);
}

/* ---- handles ---- */

/* Calls luv's function, upvalue 1, and remembers for whom the handle was made. */
static int make_handle(lua_State *L) {
  struct generation *generation = generation_of(L);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
  if (generation->scope == SCOPE_NONE || lua_type(L, 1) != LUA_TUSERDATA) return lua_gettop(L);
  lua_pushvalue(L, 1);
  set_scope(L, generation->made, generation->scope);
  return lua_gettop(L);
}

static void wrap_luv(lua_State *L) {
  static const char *const makers[] = {"new_timer",   "new_tcp",  "new_pipe",    "new_udp",   "new_poll",
                                       "new_check",   "new_idle", "new_prepare", "new_async", "new_fs_event",
                                       "new_fs_poll", "new_tty",  "new_signal",  "spawn",     NULL};
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_getfield(L, -1, "luv");
  for (int i = 0; makers[i]; i++) {
    lua_getfield(L, -1, makers[i]);
    lua_pushcclosure(L, make_handle, 1);
    lua_setfield(L, -2, makers[i]);
  }
  lua_pop(L, 2);
}

void generation_scope_open(lua_State *L) {
  struct generation *generation = generation_of(L);
  generation->scope_of = generation_weak_table(L, "k");
  generation->made = generation_weak_table(L, "k");
  generation->waiting = generation_weak_table(L, "k");
  wrap_luv(L);
}

/* ---- retirement ---- */

struct retirement {
  lua_State *L;
  struct generation *generation;
  struct generation_retired *out;
  int kept; /* index: a set of scopes */
  bool all;
};

static bool is_kept(const struct retirement *retirement, lua_Integer scope) {
  bool kept;
  if (retirement->all || scope == SCOPE_NONE) return false;
  if (scope < 0) return true;
  kept = lua_rawgeti(retirement->L, retirement->kept, scope) != LUA_TNIL;
  lua_pop(retirement->L, 1);
  return kept;
}

/* What listens, watches or repeats does so for no one dispatch. */
static bool goes_on_for_ever(const uv_handle_t *handle) {
  switch (handle->type) {
  case UV_FS_EVENT:
  case UV_FS_POLL:
  case UV_SIGNAL:
    return true;
  case UV_TIMER:
    return uv_timer_get_repeat((const uv_timer_t *)handle) > 0;
  case UV_TCP:
  case UV_NAMED_PIPE:
    return ((const uv_stream_t *)handle)->connection_cb != NULL;
  default:
    return false;
  }
}

static lua_Integer scope_of_handle(lua_State *L, int made, const luv_handle_t *data) {
  lua_Integer scope;
  lua_rawgeti(L, LUA_REGISTRYINDEX, made);
  lua_rawgeti(L, LUA_REGISTRYINDEX, data->ref);
  lua_rawget(L, -2);
  scope = lua_tointeger(L, -1);
  lua_pop(L, 2);
  return scope;
}

static void retire_handle(uv_handle_t *handle, void *user) {
  struct retirement *retirement = user;
  lua_State *L = retirement->L;
  const luv_handle_t *data = handle->data;
  if (uv_is_closing(handle) || !data) return;
  if (!goes_on_for_ever(handle) &&
      is_kept(retirement, scope_of_handle(L, retirement->generation->made, data)))
    return;
  retirement->out->handles[handle->type]++;
  generation_close_handle(L, handle);
}

/* Pushes the set of scopes that are awaited. [-0, +1, m] */
static void push_kept(lua_State *L) {
  lua_newtable(L);
  generation_scope_push(L);
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
    lua_pushvalue(L, -1);
    lua_pushboolean(L, 1);
    lua_rawset(L, -6);
  }
  lua_pop(L, 1);
}

/* retire(scope_of, kept): ends the coroutines of other scopes; returns how many. */
static int retire(lua_State *L) {
  struct retirement *retirement = lua_touserdata(L, 1);
  struct generation *generation = retirement->generation;
  retirement->L = L;
  push_kept(L);
  retirement->kept = lua_gettop(L);
  lua_rawgeti(L, LUA_REGISTRYINDEX, generation->retire);
  lua_rawgeti(L, LUA_REGISTRYINDEX, generation->scope_of);
  if (retirement->all)
    lua_pushnil(L);
  else
    lua_pushvalue(L, retirement->kept);
  lua_call(L, 2, 1);
  retirement->out->tasks = (unsigned)lua_tointeger(L, -1);
  uv_walk(&generation->loop, retire_handle, retirement);
  return 0;
}

void generation_retire(struct generation *generation, bool all, struct generation_retired *out) {
  struct retirement retirement = {.generation = generation, .out = out, .all = all};
  *out = (struct generation_retired){0};
  generation_enter(generation, "retiring the scripts", retire, &retirement);
}
