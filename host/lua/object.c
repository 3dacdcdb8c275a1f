/* object: what contents and frame objects share: one object an id, found while it lives and, weakly,
 * afterwards; sending. */
#include "lua/runtime.h"

void methods_push(lua_State *L, const void *key, const luaL_Reg *methods, const char *kind) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, key) == LUA_TTABLE) return;
  lua_pop(L, 1);
  lua_newtable(L);
  lua_pushstring(L, kind);
  luaL_setfuncs(L, methods, 1);
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
  if (object_ipc(L, -1)) {
    rt->scoped_ipc--;
    lua_pop(L, 1);
  }
  object_keep(L, rt->dead, dead_key);
  lua_pop(L, 1);
  lua_rawgeti(L, LUA_REGISTRYINDEX, table);
  lua_pushnil(L);
  lua_rawseti(L, -2, key);
  lua_pop(L, 1);
  rt->scoped--;
}

/* ---- the scoped `ipc` ---- */

bool object_ipc(lua_State *L, int index) {
  if (lua_getiuservalue(L, index, OBJECT_IPC) == LUA_TUSERDATA) return true;
  lua_pop(L, 1);
  return false;
}

bool object_make_ipc(lua_State *L, const char *name) {
  if (object_ipc(L, 1)) return false;
  emitter_new(L, sizeof(struct emitter), 0, IPC_CLASS, name, EMITTER_HANDLERS | EMITTER_DOT);
  lua_pushvalue(L, -1);
  lua_setiuservalue(L, 1, OBJECT_IPC);
  return true;
}

/* ---- sending ---- */

static int push_result(lua_State *L, enum send_result result) {
  static const char *const reasons[] = {NULL, "destroyed", "detached", "mark"};
  lua_pushboolean(L, result == SEND_OK);
  if (result == SEND_OK) return 1;
  lua_pushstring(L, reasons[result]);
  return 2;
}

/* Encodes the arguments from `first` to the top, as a list, or the one value there, for a packet that has
 * `beside` bytes more; the caller gives the buffer back. Raises what cannot be cloned or is too long. [-0,
 * +(0|1), v] */
static struct buf *encode(lua_State *L, size_t beside, int first, bool list) {
  const struct clone_limits *limits = &runtime_of(L)->clone;
  struct buf *out = scratch_take(L);
  struct fault fault;
  enum status status;
  int count = lua_gettop(L) - first + 1;
  status = list ? clone_encode_list(L, first, count > 0 ? count : 0, "args", limits, out, &fault)
                : clone_encode(L, first, "message", limits, out, &fault);
  if (status == ST_OK) status = scratch_fits(L, out, beside, &fault);
  runtime_of(L)->encoded++;
  if (status == ST_OK) return out;
  scratch_give(L, out);
  answer_push_fault(L, &fault);
  lua_error(L);
  return NULL;
}

static struct slice slice_at(lua_State *L, int index) {
  struct slice slice;
  slice.data = (const uint8_t *)lua_tolstring(L, index, &slice.len);
  return slice;
}

/* Upvalues: id, channel, payload. */
static int send_held(lua_State *L) {
  core_send(runtime_of(L)->core, (uint64_t)lua_tointeger(L, lua_upvalueindex(1)), PACKET_SEND,
            slice_at(L, lua_upvalueindex(2)), slice_at(L, lua_upvalueindex(3)), NULL);
  return 0;
}

/* Puts `fn` off, with an id, the channel and what was encoded, which it gives back. [-0, +0, m] */
static void hold_encoded(lua_State *L, lua_CFunction fn, uint64_t id, struct slice channel,
                         struct buf *payload) {
  int first = lua_gettop(L) + 1;
  lua_pushinteger(L, (lua_Integer)id);
  lua_pushlstring(L, (const char *)channel.data, channel.len);
  lua_pushlstring(L, (const char *)payload->data, payload->len);
  scratch_give(L, payload);
  hold_closure(L, fn, first);
}

static int send_encoded(lua_State *L, uint64_t frame, struct slice channel, struct buf *payload) {
  enum send_result result;
  if (runtime_of(L)->beside) {
    hold_encoded(L, send_held, frame, channel, payload);
    return push_result(L, SEND_OK);
  }
  result = core_send(runtime_of(L)->core, frame, PACKET_SEND, channel, buf_slice(payload), NULL);
  scratch_give(L, payload);
  return push_result(L, result);
}

int send_to_frame(lua_State *L, uint64_t frame, int channel, int first) {
  struct slice name = misuse_channel(L, channel);
  return send_encoded(L, frame, name, encode(L, name.len, first, true));
}

struct buf *encode_arguments(lua_State *L, size_t beside, int first) {
  return encode(L, beside, first, true);
}

struct buf *encode_message(lua_State *L, size_t beside, int message) {
  return encode(L, beside, message, false);
}

static int broadcast_held(lua_State *L) {
  struct payload *payload = payload_new(slice_at(L, lua_upvalueindex(3)));
  if (!payload) return luaL_error(L, "not enough memory");
  core_broadcast(runtime_of(L)->core, (uint64_t)lua_tointeger(L, lua_upvalueindex(1)),
                 slice_at(L, lua_upvalueindex(2)), payload);
  payload_unref(payload);
  return 0;
}

/* As many as there are now. */
static int hold_broadcast(lua_State *L, uint64_t except, struct slice channel, struct buf *encoded) {
  const struct core *core = runtime_of(L)->core;
  size_t count = core->frames.contents.count;
  if (except && core_contents(core, except)) count--;
  hold_encoded(L, broadcast_held, except, channel, encoded);
  lua_pushinteger(L, (lua_Integer)count);
  return 1;
}

int broadcast(lua_State *L, uint64_t except, int channel) {
  struct slice name = misuse_channel(L, channel);
  struct buf *encoded = encode(L, name.len, channel + 1, true);
  struct payload *payload;
  size_t count;
  if (runtime_of(L)->beside) return hold_broadcast(L, except, name, encoded);
  payload = payload_new(buf_slice(encoded));
  scratch_give(L, encoded);
  if (!payload) return luaL_error(L, "not enough memory");
  count = core_broadcast(runtime_of(L)->core, except, name, payload);
  payload_unref(payload);
  lua_pushinteger(L, (lua_Integer)count);
  return 1;
}
