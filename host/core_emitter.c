/*
 * core_emitter: the emitter class for Lua code that brings methods of its own, as the renderer's ipcRenderer
 * does, and a way to start its listeners where there is no host that does it.
 */
#include <lauxlib.h>

#include "core_module.h"
#include "lua/emitter_private.h"

#define CLASS "ipchost.ipcRenderer"

enum { METHODS = EMITTER_UV + 1 };

static const char RUNNER_KEY, WARN_KEY;

/* What a renderer's ipcRenderer has beside an emitter's methods, for "did you mean". */
static const char *const names[] = {"send",  "sendSync", "invoke",  "postMessage", "with",
                                    "start", "close",    "drained", NULL};

/* The class's lookup: (emitter, key). */
static int index_methods(lua_State *L) {
  lua_getiuservalue(L, 1, METHODS);
  lua_pushvalue(L, 2);
  lua_rawget(L, -2);
  return 1;
}

/* emitter(name, methods, colon): an emitter whose methods take a dot and a colon, or only the colon; those of
 * the table come first. */
static int new_emitter(lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  emitter_new(L, sizeof(struct emitter), 1, CLASS, name,
              lua_toboolean(L, 3) ? 0 : EMITTER_HANDLERS | EMITTER_DOT);
  lua_pushvalue(L, 2);
  lua_setiuservalue(L, -2, METHODS);
  return 1;
}

/* emit(emitter, channel, ...): as from outside: the count of listeners. */
static int emit(lua_State *L) {
  int count;
  luaL_checkudata(L, 1, CLASS);
  luaL_checktype(L, 2, LUA_TSTRING);
  count = emitter_emit_key(L, 1, 2, lua_gettop(L) - 2);
  lua_pushinteger(L, count);
  return 1;
}

/* handler(emitter, channel): the channel's handler, which is removed if it was registered with handleOnce;
 * nil if there is none. */
static int take_handler(lua_State *L) {
  luaL_checkudata(L, 1, CLASS);
  luaL_checktype(L, 2, LUA_TSTRING);
  if (!emitter_handler(L, 1, 2)) lua_pushnil(L);
  return 1;
}

void core_emitter_open(lua_State *L) {
  emitter_class(L, CLASS, EMITTER_HANDLERS | EMITTER_DOT, index_methods);
  emitter_class_names(L, names);
  lua_pop(L, 1);
  lua_pushcfunction(L, new_emitter);
  lua_setfield(L, -2, "emitter");
  lua_pushcfunction(L, emit);
  lua_setfield(L, -2, "emit");
  lua_pushcfunction(L, take_handler);
  lua_setfield(L, -2, "handler");
}

/* ---- without a host ---- */

/* emitter_start_fn: run(listener, ...). It answers for the listener's errors; one of its own is printed. */
void core_emitter_start(lua_State *L, int nargs) {
  int listener = lua_gettop(L) - nargs;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &RUNNER_KEY);
  if (lua_isnil(L, -1))
    lua_pop(L, 1);
  else
    lua_insert(L, listener);
  if (lua_pcall(L, lua_gettop(L) - listener, 0, 0) == LUA_OK) return;
  lua_writestringerror("%s\n", luaL_tolstring(L, -1, NULL));
  lua_settop(L, listener - 1);
}

/* emitter_warn_fn: warn(text with a traceback). */
void core_emitter_warn(lua_State *L, const char *text) {
  luaL_traceback(L, L, text, 1);
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &WARN_KEY) == LUA_TNIL) {
    lua_pop(L, 2);
    return;
  }
  lua_insert(L, -2);
  lua_call(L, 1, 0);
}

void core_emitter_push_runner(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &RUNNER_KEY);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &WARN_KEY);
}

void core_emitter_pop_runner(lua_State *L) {
  lua_rawsetp(L, LUA_REGISTRYINDEX, &WARN_KEY);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &RUNNER_KEY);
}

static int set_runner(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_settop(L, 2);
  core_emitter_pop_runner(L);
  return 0;
}

void core_emitter_own(lua_State *L) {
  emitter_setup(L, core_emitter_start, core_emitter_warn);
  lua_pushcfunction(L, set_runner);
  lua_setfield(L, -2, "set_runner");
}
