/* core_module: see core_module.h. This file has what is no object: values, documents, random bytes. */
#include "core_module.h"

#include <lauxlib.h>
#include <signal.h>

#include "base/limits.h"
#include "base/random.h"
#include "core_host.h"
#include "lua/clone.h"

#define SCRATCH "ipchost.scratch"
#define SCRATCH_KEEP 65536u
#define RANDOM_MAX 4096

int core_push_fault(lua_State *L, const struct fault *fault) {
  lua_pushnil(L);
  lua_pushstring(L, fault->text);
  lua_pushstring(L, fault->code);
  lua_pushinteger(L, fault->close);
  return 4;
}

static struct clone_limits usual_limits(void) {
  return (struct clone_limits){.depth = (unsigned)limits_default().nesting};
}

/* ---- documents: encode(value), decode(document); upvalue 1 is a buffer that the collector owns ---- */

static int scratch_free(lua_State *L) {
  buf_deinit(luaL_checkudata(L, 1, SCRATCH));
  return 0;
}

static void push_scratch(lua_State *L) {
  struct buf *buf = lua_newuserdatauv(L, sizeof *buf, 0);
  *buf = (struct buf){0};
  if (luaL_newmetatable(L, SCRATCH)) {
    lua_pushcfunction(L, scratch_free);
    lua_setfield(L, -2, "__gc");
  }
  lua_setmetatable(L, -2);
}

static int encode(lua_State *L) {
  struct buf *buf = lua_touserdata(L, lua_upvalueindex(1));
  struct clone_limits limits = usual_limits();
  struct fault fault;
  enum status status;
  lua_settop(L, 1);
  buf_reset(buf, SCRATCH_KEEP);
  status = clone_encode(L, 1, "value", &limits, buf, &fault);
  if (status == ST_NOMEM) return luaL_error(L, "not enough memory");
  if (status != ST_OK) return core_push_fault(L, &fault);
  lua_pushlstring(L, (const char *)buf->data, buf->len);
  return 1;
}

static int decode(lua_State *L) {
  struct clone_limits limits = usual_limits();
  struct fault fault;
  size_t len;
  const char *document = luaL_checklstring(L, 1, &len);
  if (clone_decode(L, slice_of(document, len), &limits, &fault) < 0) return core_push_fault(L, &fault);
  return 1;
}

/* ---- random(n): n bytes fit for a secret ---- */

static int push_random(lua_State *L) {
  char bytes[RANDOM_MAX];
  lua_Integer len = luaL_checkinteger(L, 1);
  luaL_argcheck(L, len >= 0 && len <= RANDOM_MAX, 1, "expected 0 to 4096");
  if (random_bytes(bytes, (size_t)len) != ST_OK) return luaL_error(L, "the kernel gives no random bytes");
  lua_pushlstring(L, bytes, (size_t)len);
  return 1;
}

/* ---- the module ---- */

int core_module_open(lua_State *L) {
  static const char loaded;
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &loaded) == LUA_TTABLE) return 1;
  lua_newtable(L);
  clone_open(L);
  lua_setfield(L, -2, "values");
  push_scratch(L);
  lua_pushcclosure(L, encode, 1);
  lua_setfield(L, -2, "encode");
  lua_pushcfunction(L, decode);
  lua_setfield(L, -2, "decode");
  lua_pushcfunction(L, push_random);
  lua_setfield(L, -2, "random");
  core_reader_open(L);
  core_writer_open(L);
  core_websocket_open(L);
  core_emitter_open(L);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &loaded);
  return 1;
}

/* Else a write to a host that has just ended would end the process: libuv writes without MSG_NOSIGNAL. */
static void ignore_sigpipe(void) {
  struct sigaction action;
  if (sigaction(SIGPIPE, NULL, &action) == 0 && action.sa_handler == SIG_DFL) signal(SIGPIPE, SIG_IGN);
}

int luaopen_ipchost_core(lua_State *L) {
  ignore_sigpipe();
  core_module_open(L);
  core_emitter_own(L);
  core_host_open(L);
  return 1;
}
