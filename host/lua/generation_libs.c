/*
 * generation_libs: the libraries of a generation's state. luv is bound to the generation's own loop before
 * anything else may open it; coroutine.resume, wrap and close are ours from the first moment, so that
 * `running` is right whoever captured them.
 */
#include <lauxlib.h>
#include <lualib.h>
#include <luv/luv.h>

#include "lua/embedded.h"
#include "lua/generation_private.h"

/* ---- coroutines ---- */

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

static int co_wrap(lua_State *L) {
  lua_State *co;
  luaL_checktype(L, 1, LUA_TFUNCTION);
  co = lua_newthread(L);
  lua_pushvalue(L, 1);
  lua_xmove(L, co, 1);
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

static const luaL_Reg coroutines[] = {
    {"resume", co_resume}, {"wrap", co_wrap}, {"close", co_close}, {NULL, NULL}};

/* ---- what environment.lua is given ---- */

static int request(lua_State *L) {
  generation_of(L)->microtasks = true;
  return 0;
}

/* log(level, text): level is "debug", "info", "warn" or "error". */
static int write_log(lua_State *L) {
  struct slice text;
  enum log_level level = LOG_INFO;
  log_level_parse(luaL_checkstring(L, 1), &level);
  text.data = (const uint8_t *)luaL_checklstring(L, 2, &text.len);
  log_text(generation_of(L)->options.log, level, "script", text);
  return 0;
}

static const luaL_Reg host_functions[] = {{"request", request}, {"log", write_log}, {NULL, NULL}};

/* Pushes the table `host`: its functions, and the folders that require looks in. */
static void push_host(lua_State *L) {
  const struct generation_options *options = &generation_of(L)->options;
  luaL_newlib(L, host_functions);
  lua_pushstring(L, options->base);
  lua_setfield(L, -2, "base");
  lua_newtable(L);
  for (int i = 0; options->scripts[i]; i++) {
    lua_pushstring(L, options->scripts[i]);
    lua_rawseti(L, -2, i + 1);
  }
  lua_setfield(L, -2, "scripts");
}

/* Takes a field of the table at the top as a reference. */
static int take(lua_State *L, const char *name) {
  lua_getfield(L, -1, name);
  return luaL_ref(L, LUA_REGISTRYINDEX);
}

static void open_environment(lua_State *L) {
  struct generation *generation = generation_of(L);
  lua_getglobal(L, "require");
  lua_pushliteral(L, "ipchost.environment");
  lua_call(L, 1, 1);
  push_host(L);
  lua_call(L, 1, 1);
  generation->drain = take(L, "drain");
  generation->top_level = take(L, "top_level");
  generation->load = take(L, "load");
  generation->contexts = take(L, "contexts");
  generation->retire = take(L, "retire");
  generation->files = take(L, "files");
  generation->position = take(L, "position");
  lua_pop(L, 1);
}

/* ---- modules ---- */

/* package.preload[name]: upvalue 1 is the module. */
static int load_embedded(lua_State *L) {
  const struct embedded_module *module = lua_touserdata(L, lua_upvalueindex(1));
  lua_pushfstring(L, "=[%s]", module->name);
  if (luaL_loadbufferx(L, (const char *)module->code, module->len, lua_tostring(L, -1), "b") != LUA_OK)
    return lua_error(L);
  lua_pushstring(L, module->name);
  lua_call(L, 1, 1);
  return 1;
}

static void preload(lua_State *L) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  for (const struct embedded_module *module = embedded_modules; module->name; module++) {
    lua_pushlightuserdata(L, (void *)module);
    lua_pushcclosure(L, load_embedded, 1);
    lua_setfield(L, -2, module->name);
  }
  lua_pushcfunction(L, luaopen_luv);
  lua_setfield(L, -2, "luv");
  lua_pop(L, 1);
}

void generation_open_libs(lua_State *L) {
  luaL_openlibs(L);
  lua_getglobal(L, LUA_COLIBNAME);
  luaL_setfuncs(L, coroutines, 0);
  lua_pop(L, 1);
  preload(L);
  luv_set_loop(L, &generation_of(L)->loop);
  luv_set_callback(L, generation_luv_callback);
  luaL_requiref(L, "luv", luaopen_luv, 0);
  lua_pop(L, 1);
  generation_scope_open(L);
  open_environment(L);
}
