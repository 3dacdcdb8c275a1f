/* test_command: see test_command.h. */
#include "test_command.h"

#include <lauxlib.h>
#include <lualib.h>
#include <luv/luv.h>
#include <stdio.h>

#include "core_module.h"
#include "lua/embedded.h"

enum { FINE = 0, FAILED = 1 };

/* Busted takes its name from that of the chunk, and its arguments from `arg`. Its `lua` names another
 * interpreter, which would not find the rocks. */
#define NAME "ipchost test"
static const char program[] =
    "local found, runner = pcall(require, 'busted.runner')\n"
    "if found then runner { standalone = false } return true end\n"
    "if not runner:find(\"module 'busted.runner' not found\", 1, true) then error(runner, 0) end\n"
    "io.stderr:write('ipchost test: busted is not installed for Lua 5.4: apt install lua-busted\\n')\n"
    "return false\n";

/* The modules as functions: the kit makes them anew for each host. [-0, +0, e] */
static void preload(lua_State *L) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  for (const struct embedded_module *module = embedded_modules; module->name; module++) {
    lua_pushfstring(L, "=[%s]", module->name);
    if (luaL_loadbufferx(L, (const char *)module->code, module->len, lua_tostring(L, -1), "b") != LUA_OK)
      lua_error(L);
    lua_setfield(L, -3, module->name);
    lua_pop(L, 1);
  }
  lua_pushcfunction(L, luaopen_luv);
  lua_setfield(L, -2, "luv");
  lua_pushcfunction(L, luaopen_ipchost_core);
  lua_setfield(L, -2, "ipchost.core");
  lua_pop(L, 1);
}

static void set_arguments(lua_State *L, char **arguments) {
  lua_Integer count = 0;
  lua_newtable(L);
  lua_pushliteral(L, NAME);
  lua_rawseti(L, -2, 0);
  lua_pushliteral(L, "--ignore-lua");
  lua_rawseti(L, -2, ++count);
  for (; *arguments; arguments++) {
    lua_pushstring(L, *arguments);
    lua_rawseti(L, -2, ++count);
  }
  lua_setglobal(L, "arg");
}

/* Pushes false where busted is missing. [-0, +1, e] with the arguments as a lightuserdata */
static int run(lua_State *L) {
  luaL_openlibs(L);
  preload(L);
  set_arguments(L, lua_touserdata(L, 1));
  if (luaL_loadbufferx(L, program, sizeof program - 1, "@" NAME, "t") != LUA_OK) return lua_error(L);
  lua_call(L, 0, 1);
  return 1;
}

static int describe(lua_State *L) {
  luaL_traceback(L, L, luaL_tolstring(L, 1, NULL), 1);
  return 1;
}

int test_command(char **arguments) {
  lua_State *L = luaL_newstate();
  int exit_code = FAILED;
  if (!L) {
    fputs(NAME ": not enough memory\n", stderr);
    return FAILED;
  }
  lua_pushcfunction(L, describe);
  lua_pushcfunction(L, run);
  lua_pushlightuserdata(L, arguments);
  if (lua_pcall(L, 1, 1, 1) != LUA_OK)
    fprintf(stderr, NAME ": %s\n", lua_tostring(L, -1));
  else if (lua_toboolean(L, -1))
    exit_code = FINE;
  lua_close(L);
  return exit_code;
}
