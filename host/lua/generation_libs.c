/*
 * generation_libs: the libraries of a generation's state. luv is bound to the generation's own loop before
 * anything else may open it; the functions of generation_coroutines.c are there from the first moment,
 * whoever captures them.
 */
#include <lauxlib.h>
#include <lualib.h>
#include <luv/luv.h>

#include "base/hash.h"
#include "lua/embedded.h"
#include "lua/generation_private.h"

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

/* hash(text): an integer. */
static int hash(lua_State *L) {
  struct slice text;
  text.data = (const uint8_t *)luaL_checklstring(L, 1, &text.len);
  lua_pushinteger(L, (lua_Integer)hash_of(text));
  return 1;
}

static const luaL_Reg host_functions[] = {
    {"request", request}, {"log", write_log}, {"hash", hash}, {NULL, NULL}};

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

static void open_environment(lua_State *L) {
  struct generation *generation = generation_of(L);
  lua_getglobal(L, "require");
  lua_pushliteral(L, "ipchost.environment");
  lua_call(L, 1, 1);
  push_host(L);
  lua_call(L, 1, 1);
  generation_take_hooks(L, generation);
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
  generation_open_coroutines(L);
  lua_pop(L, 1);
  preload(L);
  luv_set_loop(L, &generation_of(L)->loop);
  luv_set_callback(L, generation_luv_callback);
  luaL_requiref(L, "luv", luaopen_luv, 0);
  lua_pop(L, 1);
  generation_loop_wrap(L);
  generation_scope_open(L);
  open_environment(L);
}
