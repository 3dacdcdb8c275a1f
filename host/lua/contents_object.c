/* contents_object: webContents as scripts see them: a userdata that holds an id. Electron:
 * docs/api/web-contents.md. */
#include <string.h>

#include "lua/runtime.h"

static const char METHODS_KEY;

static struct contents_object *check(lua_State *L, const char *method, const char *arguments) {
  struct contents_object *object = luaL_testudata(L, 1, CONTENTS_CLASS);
  if (!object)
    luaL_error(L, "contents.%s was called with '.'; write contents:%s(%s)", method, method, arguments);
  return object;
}

static const struct contents *living(lua_State *L, const struct contents_object *object) {
  return core_contents(runtime_of(L)->core, object->id);
}

/* ---- methods ---- */

static int contents_send(lua_State *L) {
  struct contents_object *object = check(L, "send", "channel, ...");
  const struct contents *contents = living(L, object);
  misuse_channel(L, 2);
  return send_to_frame(L, contents ? contents->main->id : 0, 2, 3);
}

static bool is_pair(lua_State *L, int index) {
  bool is = lua_type(L, index) == LUA_TTABLE && lua_rawlen(L, index) == 2;
  for (int i = 1; is && i <= 2; i++) {
    is = lua_rawgeti(L, index, i) == LUA_TNUMBER;
    lua_pop(L, 1);
  }
  return is;
}

/* Pops a number: what is no integer is no frame's. [-1, +0, -] */
static uint64_t take_id(lua_State *L) {
  lua_Integer id = lua_tointeger(L, -1);
  lua_pop(L, 1);
  return id > 0 ? (uint64_t)id : 0;
}

/* The frame that argument 2 names: a frameId of this contents, or {processId, frameId} of any; 0 for none.
 * [-0, +0, v] */
static uint64_t named_frame(lua_State *L, const struct contents_object *object) {
  const struct frame *frame;
  if (lua_type(L, 2) == LUA_TNUMBER) {
    lua_pushvalue(L, 2);
    frame = core_frame(runtime_of(L)->core, take_id(L));
    return frame && frame->contents->id == object->id ? frame->id : 0;
  }
  if (!is_pair(L, 2))
    luaL_error(L, "Missing required frame argument (must be number or [processId, frameId])");
  lua_rawgeti(L, 2, 2);
  frame = core_frame(runtime_of(L)->core, take_id(L));
  lua_rawgeti(L, 2, 1);
  return frame && frame->session->process == take_id(L) ? frame->id : 0;
}

static int contents_send_to_frame(lua_State *L) {
  struct contents_object *object = check(L, "sendToFrame", "frameId, channel, ...");
  uint64_t frame = named_frame(L, object);
  misuse_channel(L, 3);
  return send_to_frame(L, frame, 3, 4);
}

static int contents_post_message(lua_State *L) {
  struct contents_object *object = check(L, "postMessage", "channel, message, ports");
  const struct contents *contents = living(L, object);
  return post_to_frame(L, contents ? contents->main->id : 0, 2);
}

static int contents_broadcast(lua_State *L) {
  struct contents_object *object = check(L, "broadcast", "channel, ...");
  misuse_channel(L, 2);
  return broadcast(L, object->id, 2);
}

static int contents_drained(lua_State *L) {
  struct contents_object *object = check(L, "drained", "");
  const struct contents *contents = living(L, object);
  return drain_push(L, contents ? contents->main->id : 0);
}

static int close_held(lua_State *L) {
  core_close_contents(runtime_of(L)->core, (uint64_t)lua_tointeger(L, lua_upvalueindex(1)));
  return 0;
}

static int contents_close(lua_State *L) {
  uint64_t id = check(L, "close", "")->id;
  if (runtime_of(L)->beside) {
    lua_pushinteger(L, (lua_Integer)id);
    hold_closure(L, close_held, lua_gettop(L));
    return 0;
  }
  core_close_contents(runtime_of(L)->core, id);
  return 0;
}

static int contents_is_destroyed(lua_State *L) {
  lua_pushboolean(L, !living(L, check(L, "isDestroyed", "")));
  return 1;
}

static const struct contents *check_living(lua_State *L, const char *method) {
  const struct contents *contents = living(L, check(L, method, ""));
  if (!contents) luaL_error(L, "Object has been destroyed");
  return contents;
}

static int contents_get_type(lua_State *L) {
  lua_pushstring(L, contents_type_name(check_living(L, "getType")->type));
  return 1;
}

static int contents_get_url(lua_State *L) {
  lua_pushstring(L, check_living(L, "getURL")->main->url);
  return 1;
}

static int contents_get_title(lua_State *L) {
  lua_pushstring(L, check_living(L, "getTitle")->main->title);
  return 1;
}

static int contents_get_process_id(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)check_living(L, "getProcessId")->main->session->process);
  return 1;
}

static int contents_get_os_process_id(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)check_living(L, "getOSProcessId")->os_pid);
  return 1;
}

static const luaL_Reg methods[] = {{"send", contents_send},
                                   {"sendToFrame", contents_send_to_frame},
                                   {"postMessage", contents_post_message},
                                   {"broadcast", contents_broadcast},
                                   {"invoke", ask_invoke},
                                   {"with", ask_with},
                                   {"drained", contents_drained},
                                   {"close", contents_close},
                                   {"isDestroyed", contents_is_destroyed},
                                   {"getType", contents_get_type},
                                   {"getURL", contents_get_url},
                                   {"getTitle", contents_get_title},
                                   {"getProcessId", contents_get_process_id},
                                   {"getOSProcessId", contents_get_os_process_id},
                                   {NULL, NULL}};

/* ---- fields ---- */

static int push_ipc(lua_State *L, const struct contents_object *object) {
  if (object_make_ipc(L, "contents.ipc") && living(L, object)) runtime_of(L)->scoped_ipc++;
  return 1;
}

static int push_main_frame(lua_State *L, const struct contents_object *object) {
  const struct contents *contents = living(L, object);
  if (contents)
    frame_push(L, contents->main->id);
  else
    lua_pushnil(L);
  return 1;
}

/* The index function of emitter_class: (object, key) -> a value, or nil where the emitter's own methods are
 * meant. */
static int contents_index(lua_State *L) {
  struct contents_object *object = lua_touserdata(L, 1);
  const struct contents *contents;
  const char *key = lua_tostring(L, 2);
  methods_push(L, &METHODS_KEY, methods, "contents");
  lua_pushvalue(L, 2);
  if (lua_rawget(L, -2) != LUA_TNIL || !key) return 1;
  if (strcmp(key, "id") == 0) return lua_pushinteger(L, (lua_Integer)object->id), 1;
  if (strcmp(key, "ipc") == 0) return push_ipc(L, object);
  if (strcmp(key, "mainFrame") == 0) return push_main_frame(L, object);
  if (strcmp(key, "bufferedAmount") == 0) {
    contents = living(L, object);
    lua_pushinteger(L, contents ? (lua_Integer)core_buffered(runtime_of(L)->core, contents->main->id) : 0);
  }
  return 1;
}

/* ---- the objects ---- */

bool contents_find(lua_State *L, uint64_t id) {
  return object_find(L, runtime_of(L)->contents, (lua_Integer)id);
}

void contents_push(lua_State *L, uint64_t id) {
  struct runtime *rt = runtime_of(L);
  struct contents_object *object;
  bool alive = core_contents(rt->core, id) != NULL;
  /* Contents and frames share the table of the dead: theirs are the negative keys. */
  if (object_find(L, alive ? rt->contents : rt->dead, alive ? (lua_Integer)id : -(lua_Integer)id)) return;
  object = (struct contents_object *)emitter_new(L, sizeof *object, 1, CONTENTS_CLASS, "contents", 0);
  object->id = id;
  alive = core_contents(rt->core, id) != NULL; /* a finalizer may have closed it */
  object_keep(L, alive ? rt->contents : rt->dead, alive ? (lua_Integer)id : -(lua_Integer)id);
  if (alive) rt->scoped++;
}

void contents_bury(lua_State *L, uint64_t id) {
  object_bury(L, runtime_of(L)->contents, (lua_Integer)id, -(lua_Integer)id);
}

void contents_class_open(lua_State *L) {
  static const char *const names[] = {
      "id",          "ipc",          "mainFrame",      "bufferedAmount", "send",    "sendToFrame",
      "postMessage", "broadcast",    "close",          "isDestroyed",    "getType", "getURL",
      "getTitle",    "getProcessId", "getOSProcessId", "invoke",         "with",    "drained",
      NULL};
  emitter_class(L, CONTENTS_CLASS, 0, contents_index);
  emitter_class_names(L, names);
  lua_pop(L, 1);
}
