/* hold: what a generation does to others while it loads beside another one: functions that are called once it
 * serves, in the order in which they were put off. */
#include "lua/runtime.h"

void hold_push(lua_State *L) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, runtime_of(L)->held);
  lua_insert(L, -2);
  lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
  lua_pop(L, 1);
}

void hold_closure(lua_State *L, lua_CFunction fn, int first) {
  lua_pushcclosure(L, fn, lua_gettop(L) - first + 1);
  hold_push(L);
}

void hold_release(lua_State *L) {
  struct runtime *rt = runtime_of(L);
  lua_rawgeti(L, LUA_REGISTRYINDEX, rt->held);
  for (lua_Integer i = 1; lua_rawgeti(L, -1, i) != LUA_TNIL; i++)
    if (lua_pcall(L, 0, 0, 0) != LUA_OK)
      generation_log_error(L, L, "what the scripts did while they were loaded");
  lua_pop(L, 2);
  lua_newtable(L);
  lua_rawseti(L, LUA_REGISTRYINDEX, rt->held);
}
