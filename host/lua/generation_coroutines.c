/*
 * generation_coroutines: coroutine.create, resume, wrap and close for scripts, by which `running` and the
 * scope of what runs are right.
 */
#include <lauxlib.h>

#include "lua/generation_private.h"

static lua_State *check_coroutine(lua_State *L) {
  lua_State *co = lua_tothread(L, 1);
  luaL_argexpected(L, co, 1, "coroutine");
  return co;
}

/* Resumes co with the nargs values at the top of L. Returns how many values it left on L, or -1 with the
 * error there.
 * [-nargs, +(n|1), -] */
static int resume(lua_State *L, lua_State *co, int nargs) {
  struct generation *generation = generation_of(L);
  lua_Integer scope;
  int nresults, status;
  if (!lua_checkstack(co, nargs + 1)) {
    lua_pushliteral(L, "too many arguments to resume");
    return -1;
  }
  luaL_checkstack(L, 4, NULL);
  scope = generation_scope_enter(L, co);
  lua_xmove(L, co, nargs);
  status = generation_resume(generation, co, L, nargs, &nresults);
  generation_scope_leave(L, co, status == LUA_YIELD, scope);
  if (status != LUA_OK && status != LUA_YIELD) {
    lua_xmove(co, L, 1);
    return -1;
  }
  if (!lua_checkstack(L, nresults + 1)) {
    lua_pop(co, nresults);
    lua_pushliteral(L, "too many results to resume");
    return -1;
  }
  lua_xmove(co, L, nresults);
  return nresults;
}

static int co_resume(lua_State *L) {
  lua_State *co = check_coroutine(L);
  int results = resume(L, co, lua_gettop(L) - 1);
  lua_pushboolean(L, results >= 0);
  if (results < 0) results = 1;
  lua_insert(L, -(results + 1));
  return results + 1;
}

/* lua_resetthread runs what is to be closed, in the coroutine. */
static int reset(lua_State *L, lua_State *co) {
  struct generation *generation = generation_of(L);
  lua_State *before = generation->running;
  int status;
  generation->running = co;
  status = lua_resetthread(co);
  generation->running = before;
  return status;
}

static int wrapped(lua_State *L) {
  lua_State *co = lua_tothread(L, lua_upvalueindex(1));
  int results = resume(L, co, lua_gettop(L)), status;
  if (results >= 0) return results;
  status = lua_status(co);
  if (status != LUA_OK && status != LUA_YIELD) { /* the error is also the one that closing gives */
    reset(L, co);
    lua_xmove(co, L, 1);
  }
  if (status != LUA_ERRMEM && lua_type(L, -1) == LUA_TSTRING) {
    luaL_where(L, 1);
    lua_insert(L, -2);
    lua_concat(L, 2);
  }
  return lua_error(L);
}

/* It is the generation's whose code makes it, where a state has several. */
static int co_create(lua_State *L) {
  lua_State *co;
  luaL_checktype(L, 1, LUA_TFUNCTION);
  co = lua_newthread(L);
  *(struct generation **)lua_getextraspace(co) = generation_of(L);
  lua_pushvalue(L, 1);
  lua_xmove(L, co, 1);
  return 1;
}

static int co_wrap(lua_State *L) {
  co_create(L);
  lua_pushcclosure(L, wrapped, 1);
  return 1;
}

/* Only a suspended or a dead one: Lua's words for the others. */
static int co_close(lua_State *L) {
  lua_State *co = check_coroutine(L);
  lua_Debug ar;
  int status = lua_status(co);
  if (status == LUA_OK && (co == L || lua_getstack(co, 0, &ar)))
    return luaL_error(L, "cannot close a %s coroutine", co == L ? "running" : "normal");
  if (reset(L, co) == LUA_OK) {
    lua_pushboolean(L, 1);
    return 1;
  }
  lua_pushboolean(L, 0);
  lua_xmove(co, L, 1);
  return 2;
}

void generation_open_coroutines(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"create", co_create}, {"resume", co_resume}, {"wrap", co_wrap}, {"close", co_close}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
