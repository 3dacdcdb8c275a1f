/*
 * scratch: memory for encodings on their way out, kept between uses. While Lua's values are encoded the
 * collector may run a finalizer, which may send as well: each such encoding has a buffer of its own.
 */
#include "lua/runtime.h"

#define KEEP (1u << 20) /* a large encoding's memory goes back */
#define OVERHEAD 48     /* a packet's items beside channel and payload, at most */

struct buf *scratch_take(lua_State *L) {
  struct runtime *rt = runtime_of(L);
  if (rt->scratch_used == SCRATCHES) luaL_error(L, "too many finalizers that send inside of each other");
  return &rt->scratch[rt->scratch_used++];
}

void scratch_give(lua_State *L, struct buf *scratch) {
  struct runtime *rt = runtime_of(L);
  buf_reset(scratch, KEEP);
  rt->scratch_used = (unsigned)(scratch - rt->scratch);
}

void scratch_reset(struct runtime *rt) {
  while (rt->scratch_used) buf_reset(&rt->scratch[--rt->scratch_used], KEEP);
}

void scratch_deinit(struct runtime *rt) {
  for (int i = 0; i < SCRATCHES; i++) buf_deinit(&rt->scratch[i]);
}

enum status scratch_fits(lua_State *L, const struct buf *scratch, size_t channel, struct fault *fault) {
  uint64_t limit = runtime_of(L)->core->limits->packet;
  if (scratch->len + channel + OVERHEAD <= limit) return ST_OK;
  return fault_set(fault, ST_LIMIT, 0, "ERR_LIMIT_PACKET",
                   "limits.packet (%llu bytes) exceeded: the message has %zu", (unsigned long long)limit,
                   scratch->len);
}
