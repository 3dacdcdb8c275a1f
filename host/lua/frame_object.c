/* frame_object: frames as scripts see them. Electron: docs/api/web-frame-main.md. */
#include <string.h>

#include "lua/runtime.h"

static const char METHODS_KEY;
#define DISPOSED "Render frame was disposed before WebFrameMain could be accessed"

static struct frame_object *check(lua_State *L, const char *method, const char *arguments) {
  struct frame_object *object = luaL_testudata(L, 1, FRAME_CLASS);
  if (!object) luaL_error(L, "frame.%s was called with '.'; write frame:%s(%s)", method, method, arguments);
  return object;
}

/* ---- methods ---- */

static int frame_send(lua_State *L) {
  struct frame_object *object = check(L, "send", "channel, ...");
  misuse_channel(L, 2);
  return send_to_frame(L, object->id, 2, 3);
}

static int frame_post_message(lua_State *L) {
  struct frame_object *object = check(L, "postMessage", "channel, message, ports");
  return post_to_frame(L, object->id, 2);
}

static int frame_drained(lua_State *L) {
  return drain_push(L, check(L, "drained", "")->id);
}

static int frame_is_destroyed(lua_State *L) {
  lua_pushboolean(L, !core_frame(runtime_of(L)->core, check(L, "isDestroyed", "")->id));
  return 1;
}

static const luaL_Reg methods[] = {
    {"send", frame_send}, {"postMessage", frame_post_message}, {"invoke", ask_invoke},
    {"with", ask_with},   {"drained", frame_drained},          {"isDestroyed", frame_is_destroyed},
    {NULL, NULL}};

/* ---- fields that outlive the frame ---- */

static void push_ipc(lua_State *L, const struct frame_object *object) {
  if (object_make_ipc(L, "frame.ipc") && core_frame(runtime_of(L)->core, object->id))
    runtime_of(L)->scoped_ipc++;
}

/* True when it pushed the field. */
static bool push_identity(lua_State *L, const struct frame_object *object, const char *key) {
  if (strcmp(key, "ipc") == 0)
    push_ipc(L, object);
  else if (strcmp(key, "routingId") == 0)
    lua_pushinteger(L, (lua_Integer)object->id);
  else if (strcmp(key, "processId") == 0)
    lua_pushinteger(L, (lua_Integer)object->process);
  else if (strcmp(key, "frameTreeNodeId") == 0)
    lua_pushinteger(L, (lua_Integer)object->node);
  else if (strcmp(key, "frameToken") == 0)
    lua_pushstring(L, object->token);
  else
    return false;
  return true;
}

/* ---- fields of the living ---- */

static size_t count_frames(struct frame *root) {
  size_t count = 0;
  for (struct frame *frame = root; frame; frame = frame_next(root, frame)) count++;
  return count;
}

/* The ids are taken before objects are made: that may run finalizers, which may close frames. */
static void push_list(lua_State *L, struct frame *root, bool subtree) {
  uint64_t id = root->id, *ids;
  size_t max = count_frames(root), count = 0;
  ids = lua_newuserdatauv(L, max * sizeof *ids, 0);
  root = frame_get(&runtime_of(L)->core->frames, id);
  for (struct frame *frame = root; frame && count < max; frame = frame_next(root, frame))
    if (subtree || frame->parent == root) ids[count++] = frame->id;
  lua_createtable(L, (int)count, 0);
  for (size_t i = 0; i < count; i++) {
    frame_push(L, ids[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}

static void push_parent(lua_State *L, const struct frame *frame) {
  if (frame->parent)
    frame_push(L, frame->parent->id);
  else
    lua_pushnil(L);
}

static int push_state(lua_State *L, struct frame *frame, const char *key) {
  if (strcmp(key, "url") == 0) return lua_pushstring(L, frame->url), 1;
  if (strcmp(key, "name") == 0) return lua_pushstring(L, frame->name), 1;
  if (strcmp(key, "origin") == 0) return lua_pushstring(L, frame->origin), 1;
  if (strcmp(key, "detached") == 0) return lua_pushboolean(L, frame->detached), 1;
  if (strcmp(key, "osProcessId") == 0) return lua_pushinteger(L, (lua_Integer)frame->contents->os_pid), 1;
  if (strcmp(key, "visibilityState") == 0) return lua_pushstring(L, frame->hidden ? "hidden" : "visible"), 1;
  if (strcmp(key, "top") == 0) return frame_push(L, frame_top(frame)->id), 1;
  if (strcmp(key, "parent") == 0) return push_parent(L, frame), 1;
  if (strcmp(key, "frames") == 0) return push_list(L, frame, false), 1;
  return push_list(L, frame, true), 1; /* framesInSubtree */
}

static bool is_state(const char *key) {
  static const char *const names[] = {"url",    "name",           "origin",          "detached",
                                      "frames", "osProcessId",    "visibilityState", "top",
                                      "parent", "framesInSubtree"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strcmp(key, names[i]) == 0) return true;
  return false;
}

static int frame_index(lua_State *L) {
  struct frame_object *object = lua_touserdata(L, 1);
  const char *key = lua_tostring(L, 2);
  struct frame *frame;
  methods_push(L, &METHODS_KEY, methods, "frame");
  lua_pushvalue(L, 2);
  if (lua_rawget(L, -2) != LUA_TNIL || !key) return 1;
  if (push_identity(L, object, key)) return 1;
  if (!is_state(key)) return lua_pushnil(L), 1;
  frame = frame_get(&runtime_of(L)->core->frames, object->id);
  return frame ? push_state(L, frame, key) : luaL_error(L, DISPOSED);
}

/* ---- the objects ---- */

bool frame_find(lua_State *L, uint64_t id) {
  return object_find(L, runtime_of(L)->frames, (lua_Integer)id);
}

void frame_push(lua_State *L, uint64_t id) {
  struct runtime *rt = runtime_of(L);
  const struct frame *frame = core_frame(rt->core, id);
  struct frame_object *object;
  if (object_find(L, frame ? rt->frames : rt->dead, (lua_Integer)id)) return;
  object = (struct frame_object *)emitter_new(L, sizeof *object, 1, FRAME_CLASS, "frame", 0);
  object->id = id;
  frame = core_frame(rt->core, id); /* a finalizer may have closed it */
  if (!frame) return;               /* gone before a script asked for it: an object that says so */
  object->process = frame->session->process;
  object->node = frame->node;
  memcpy(object->token, frame->token, sizeof object->token);
  object_keep(L, rt->frames, (lua_Integer)id);
  rt->scoped++;
}

void frame_bury(lua_State *L, uint64_t id) {
  object_bury(L, runtime_of(L)->frames, (lua_Integer)id, (lua_Integer)id);
}

void frame_class_open(lua_State *L) {
  static const char *const names[] = {"ipc",
                                      "send",
                                      "postMessage",
                                      "invoke",
                                      "with",
                                      "drained",
                                      "isDestroyed",
                                      "processId",
                                      "routingId",
                                      "frameTreeNodeId",
                                      "origin",
                                      "frameToken",
                                      "url",
                                      "name",
                                      "framesInSubtree",
                                      "frames",
                                      "detached",
                                      "parent",
                                      "osProcessId",
                                      "top",
                                      "visibilityState",
                                      NULL};
  emitter_class(L, FRAME_CLASS, 0, frame_index);
  emitter_class_names(L, names);
  lua_pop(L, 1);
}
