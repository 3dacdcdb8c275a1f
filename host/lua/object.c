/* object: what contents and frame objects share: one object an id, found while it lives and, weakly,
 * afterwards; sending. */
#include "lua/runtime.h"

void methods_push(lua_State *L, const void *key, const luaL_Reg *methods) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, key) == LUA_TTABLE) return;
  lua_pop(L, 1);
  lua_newtable(L);
  luaL_setfuncs(L, methods, 0);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, key);
}

/* ---- one object an id ---- */

bool object_find(lua_State *L, int table, lua_Integer key) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, table);
  lua_rawgeti(L, -1, key);
  lua_remove(L, -2);
  if (!lua_isnil(L, -1)) return true;
  lua_pop(L, 1);
  return false;
}

void object_keep(lua_State *L, int table, lua_Integer key) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, table);
  lua_pushvalue(L, -2);
  lua_rawseti(L, -2, key);
  lua_pop(L, 1);
}

void object_bury(lua_State *L, int table, lua_Integer key, lua_Integer dead_key) {
  struct runtime *rt = runtime_of(L);
  if (!object_find(L, table, key)) return;
  object_keep(L, rt->dead, dead_key);
  lua_pop(L, 1);
  lua_rawgeti(L, LUA_REGISTRYINDEX, table);
  lua_pushnil(L);
  lua_rawseti(L, -2, key);
  lua_pop(L, 1);
  rt->scoped--;
}

/* ---- sending ---- */

static int push_result(lua_State *L, enum send_result result) {
  static const char *const reasons[] = {NULL, "destroyed", "detached", "mark"};
  lua_pushboolean(L, result == SEND_OK);
  if (result == SEND_OK) return 1;
  lua_pushstring(L, reasons[result]);
  return 2;
}

/* Encodes the arguments from `first` to the top into scratch, as a list or as one value; raises what cannot
 * be cloned. */
static void encode(lua_State *L, int first, bool list) {
  struct runtime *rt = runtime_of(L);
  struct fault fault;
  enum status status;
  int count = lua_gettop(L) - first + 1;
  rt->scratch.len = 0;
  if (!list && count < 1) lua_pushnil(L);
  status = list ? clone_encode_list(L, first, count > 0 ? count : 0, "args", &rt->clone, &rt->scratch, &fault)
                : clone_encode(L, first, "message", &rt->clone, &rt->scratch, &fault);
  if (status == ST_OK) return;
  if (status == ST_NOMEM) luaL_error(L, "not enough memory");
  clone_push_error(L, status == ST_INVALID ? "DataCloneError" : "RangeError", fault.text, fault.code);
  lua_error(L);
}

static int send_encoded(lua_State *L, uint64_t frame, unsigned kind, int channel) {
  struct runtime *rt = runtime_of(L);
  enum send_result result =
      core_send(rt->core, frame, kind, misuse_channel(L, channel), buf_slice(&rt->scratch), NULL);
  buf_reset(&rt->scratch, SCRATCH_KEEP);
  return push_result(L, result);
}

int send_to_frame(lua_State *L, uint64_t frame, int channel, int first) {
  encode(L, first, true);
  return send_encoded(L, frame, PACKET_SEND, channel);
}

int post_to_frame(lua_State *L, uint64_t frame, int channel, int message) {
  if (lua_gettop(L) > message && lua_rawlen(L, message + 1) > 0)
    return luaL_error(L, "postMessage: ports are not transferred by this version of the host");
  lua_settop(L, message);
  encode(L, message, false);
  return send_encoded(L, frame, PACKET_POST, channel);
}

int broadcast(lua_State *L, uint64_t except, int channel) {
  struct runtime *rt = runtime_of(L);
  struct payload *payload;
  size_t count;
  encode(L, channel + 1, true);
  payload = payload_new(buf_slice(&rt->scratch));
  buf_reset(&rt->scratch, SCRATCH_KEEP);
  if (!payload) return luaL_error(L, "not enough memory");
  count = core_broadcast(rt->core, except, misuse_channel(L, channel), payload);
  payload_unref(payload);
  lua_pushinteger(L, (lua_Integer)count);
  return 1;
}
