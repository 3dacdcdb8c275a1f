/* drain: waiting until a slow reader has read: drained() of contents and frames, and the event `drain`. The
 * promises are the prelude's. */
#include "lua/runtime.h"

int drain_push(lua_State *L, uint64_t id) {
  struct runtime *rt = runtime_of(L);
  const struct frame *frame = core_frame(rt->core, id);
  if (frame && core_drained(rt->core, id)) {
    hook_push(L, "resolved");
    lua_call(L, 0, 1);
    return 1;
  }
  rt->draining = true;
  hook_push(L, "drained");
  if (frame) {
    lua_pushinteger(L, (lua_Integer)id);
    lua_pushinteger(L, (lua_Integer)frame->session->process);
  } else {
    lua_pushnil(L);
    lua_pushnil(L);
  }
  clone_push_error(L, "Error", "the frame was destroyed", "ERR_DESTROYED");
  lua_call(L, 3, 1);
  return 1;
}

/* Emits `drain` on the contents whose main frame is the process's. [-0, +0, e] */
static void emit_drain(lua_State *L, struct runtime *rt, uint64_t process) {
  const struct session *session = sessions_by_process(&rt->core->sessions, process);
  const struct frame *frame = session ? session->main_frame : NULL;
  if (!frame || frame->contents->main != frame || !contents_find(L, frame->contents->id)) return;
  lua_newtable(L);
  emitter_emit(L, lua_gettop(L) - 1, "drain", 1);
}

static int happened(lua_State *L) {
  struct runtime *rt = runtime_of(L);
  uint64_t process = *(const uint64_t *)lua_touserdata(L, 1);
  if (rt->draining) {
    hook_push(L, "has_drained");
    lua_pushinteger(L, (lua_Integer)process);
    lua_call(L, 1, 1);
    rt->draining = lua_toboolean(L, -1);
    lua_pop(L, 1);
  }
  if (!rt->retired) emit_drain(L, rt, process); /* else its listeners are no longer the application's */
  return 0;
}

void drain_happened(struct runtime *rt, uint64_t process) {
  if (rt->draining || rt->scoped) generation_enter(rt->generation, "drain", happened, &process);
}

void drain_frame_gone(lua_State *L, uint64_t frame) {
  struct runtime *rt = runtime_of(L);
  if (!rt->draining) return;
  hook_push(L, "drain_gone");
  lua_pushinteger(L, (lua_Integer)frame);
  clone_push_error(L, "Error", "the frame was destroyed", "ERR_DESTROYED");
  lua_call(L, 2, 1);
  rt->draining = lua_toboolean(L, -1);
  lua_pop(L, 1);
}
