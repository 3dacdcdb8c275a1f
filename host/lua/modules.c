/* modules: the globals that scripts start with: ipcMain, webContents, webFrameMain, MessageChannelMain, app,
 * and `ipc`, which has them all. */
#include <string.h>

#include "lua/runtime.h"

/*
 * Module functions take both dot and colon: a first argument that is the module itself (upvalue 1) is
 * dropped.
 * [-(0|1), +0, -]
 */
static void drop_self(lua_State *L) {
  if (lua_gettop(L) && lua_rawequal(L, 1, lua_upvalueindex(1))) lua_remove(L, 1);
}

/* ---- webContents ---- */

static int all_contents(lua_State *L) {
  struct core *core = runtime_of(L)->core;
  const struct contents *contents;
  size_t cursor = 0, count = 0, max = core->frames.contents.count;
  uint64_t *ids; /* making an object may run finalizers, which may close contents */
  ids = lua_newuserdatauv(L, max * sizeof *ids + 1, 0);
  while ((contents = map_next(&core->frames.contents, &cursor)) && count < max) ids[count++] = contents->id;
  lua_createtable(L, (int)count, 0);
  for (size_t i = 0; i < count; i++) {
    contents_push(L, ids[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  hook_push(L, "sort_by_id");
  lua_pushvalue(L, -2);
  lua_call(L, 1, 0);
  return 1;
}

static int contents_from_id(lua_State *L) {
  lua_Integer id;
  drop_self(L);
  id = luaL_checkinteger(L, 1);
  if (id > 0 && core_contents(runtime_of(L)->core, (uint64_t)id))
    contents_push(L, (uint64_t)id);
  else
    lua_pushnil(L);
  return 1;
}

static int contents_from_frame(lua_State *L) {
  const struct frame_object *object;
  const struct frame *frame;
  drop_self(L);
  if (!(object = luaL_testudata(L, 1, FRAME_CLASS)))
    return luaL_error(L, "webContents.fromFrame: expected a frame");
  frame = core_frame(runtime_of(L)->core, object->id);
  if (frame)
    contents_push(L, frame->contents->id);
  else
    lua_pushnil(L);
  return 1;
}

static int contents_broadcast_all(lua_State *L) {
  drop_self(L);
  misuse_channel(L, 1);
  return broadcast(L, 0, 1);
}

static const luaL_Reg web_contents[] = {{"getAllWebContents", all_contents},
                                        {"fromId", contents_from_id},
                                        {"fromFrame", contents_from_frame},
                                        {"broadcast", contents_broadcast_all},
                                        {NULL, NULL}};

/* ---- webFrameMain ---- */

static int push_frame_or_nil(lua_State *L, const struct frame *frame) {
  if (frame)
    frame_push(L, frame->id);
  else
    lua_pushnil(L);
  return 1;
}

static int frame_from_id(lua_State *L) {
  const struct frame *frame;
  lua_Integer process, id;
  drop_self(L);
  process = luaL_checkinteger(L, 1);
  id = luaL_checkinteger(L, 2);
  frame = id > 0 ? core_frame(runtime_of(L)->core, (uint64_t)id) : NULL;
  return push_frame_or_nil(L, frame && frame->session->process == (uint64_t)process ? frame : NULL);
}

static int frame_from_token(lua_State *L) {
  struct session *session;
  struct frame *frame = NULL;
  const char *token;
  lua_Integer process;
  drop_self(L);
  process = luaL_checkinteger(L, 1);
  token = luaL_checkstring(L, 2);
  session = process > 0 ? sessions_by_process(&runtime_of(L)->core->sessions, (uint64_t)process) : NULL;
  if (session) frame = session->main_frame;
  /* frames of others may be below */
  while (frame && (frame->session != session || strcmp(frame->token, token) != 0))
    frame = frame_next(session->main_frame, frame);
  return push_frame_or_nil(L, frame);
}

static const luaL_Reg web_frame_main[] = {
    {"fromId", frame_from_id}, {"fromFrameToken", frame_from_token}, {NULL, NULL}};

/* ---- app ---- */

static int app_is_ready(lua_State *L) {
  lua_pushboolean(L, runtime_of(L)->ready);
  return 1;
}

static int app_quit(lua_State *L) {
  struct runtime *rt = runtime_of(L);
  if (rt->beside) {
    lua_pushcfunction(L, app_quit);
    hold_push(L);
  } else {
    rt->quit(rt->user);
  }
  return 0;
}

static int app_get_app_path(lua_State *L) {
  lua_pushstring(L, runtime_of(L)->base);
  return 1;
}

static void set_count(lua_State *L, const char *key, size_t count) {
  lua_pushinteger(L, (lua_Integer)count);
  lua_setfield(L, -2, key);
}

/* What luaL_ref holds: its free slots are numbers. [-0, +0, -] */
static size_t count_references(lua_State *L) {
  size_t count = 0;
  for (lua_pushnil(L); lua_next(L, LUA_REGISTRYINDEX); lua_pop(L, 1))
    if (lua_isinteger(L, -2) && lua_tointeger(L, -2) > LUA_RIDX_LAST && !lua_isnumber(L, -1)) count++;
  return count;
}

/* What an operator watches: sizes of the host's own tables, what scripts hold, and Lua's memory in bytes. */
static int app_metrics(lua_State *L) {
  struct runtime *rt = runtime_of(L);
  size_t pending = 0, cursor = 0;
  struct session *session;
  while ((session = map_next(&rt->core->sessions.by_process, &cursor))) pending += session->call_count;
  lua_createtable(L, 0, 14);
  set_count(L, "generations", generations_living(rt->generations));
  set_count(L, "remnants", generations_remnants(rt->generations));
  set_count(L, "sessions", rt->core->sessions.by_process.count);
  set_count(L, "webContents", rt->core->frames.contents.count);
  set_count(L, "frames", rt->core->frames.frames.count);
  set_count(L, "pendingCalls", pending);
  set_count(L, "ports", rt->core->ports.ends.count);
  set_count(L, "outgoingCalls", rt->core->asks.by_id.count);
  set_count(L, "encodings", (size_t)rt->encoded);
  set_count(L, "waitingHandlers", rt->guards);
  set_count(L, "handles", generation_handles(rt->generation));
  set_count(L, "references", count_references(L));
  set_count(L, "memory", generation_memory(rt->generation));
  return 1;
}

static const luaL_Reg app_methods[] = {{"isReady", app_is_ready},
                                       {"quit", app_quit},
                                       {"getAppPath", app_get_app_path},
                                       {"metrics", app_metrics},
                                       {NULL, NULL}};

static const char APP_KEY;

/* [-0, +1, m] */
static void push_app_methods(lua_State *L) {
  methods_push(L, &APP_KEY, app_methods, "app");
}

/* app's own fields: C's, then the prelude's (whenReady, settings). */
static int app_index(lua_State *L) {
  push_app_methods(L);
  lua_pushvalue(L, 2);
  if (lua_rawget(L, -2) != LUA_TNIL) return 1;
  hook_push(L, "app");
  lua_pushvalue(L, 2);
  lua_rawget(L, -2);
  return 1;
}

/* Adds the keys of the table at the top to app's fields. [-1, +0, m] */
static void add_app_fields(lua_State *L, int fields) {
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
    lua_pushvalue(L, -2);
    lua_pushboolean(L, 1);
    lua_rawset(L, fields);
  }
  lua_pop(L, 1);
}

/* Tells app's class of app_index's fields. [-0, +0, m] */
static void name_app_fields(lua_State *L) {
  int top = lua_gettop(L);
  luaL_getmetatable(L, APP_CLASS);
  lua_getfield(L, top + 1, "__fields");
  push_app_methods(L);
  add_app_fields(L, top + 2);
  hook_push(L, "app");
  add_app_fields(L, top + 2);
  lua_settop(L, top);
}

/* ---- putting it together ---- */

void hook_push(lua_State *L, const char *name) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, runtime_of(L)->hooks);
  lua_getfield(L, -1, name);
  lua_remove(L, -2);
}

/* Pushes a module table whose functions have it as their upvalue. [-0, +1, m] */
static void push_module(lua_State *L, const luaL_Reg *functions) {
  lua_newtable(L);
  lua_pushvalue(L, -1);
  luaL_setfuncs(L, functions, 1);
}

static int new_table(lua_State *L) {
  lua_newtable(L);
  return luaL_ref(L, LUA_REGISTRYINDEX);
}

static void open_tables(lua_State *L, struct runtime *rt) {
  rt->threads = new_table(L);
  rt->contents = new_table(L);
  rt->frames = new_table(L);
  rt->signals = new_table(L);
  rt->warned = new_table(L);
  rt->children = new_table(L);
  rt->held = new_table(L);
  rt->dead = generation_weak_table(L, "v");
  rt->pending = generation_weak_table(L, "v");
  rt->ports = generation_weak_table(L, "v");
  rt->started_ports = new_table(L);
}

static int decode_settings(lua_State *L, struct runtime *rt) {
  struct fault fault;
  if (!rt->settings.len) return lua_newtable(L), 1;
  if (clone_decode(L, rt->settings, &rt->clone, &fault) < 0) return luaL_error(L, "settings: %s", fault.text);
  return 1;
}

/* Pushes `ipc` with the value types, whose own table others of the state may have too. [-0, +1, m] */
static void push_ipc(lua_State *L) {
  lua_newtable(L);
  clone_open(L);
  for (lua_pushnil(L); lua_next(L, -2);) {
    lua_pushvalue(L, -2);
    lua_insert(L, -2);
    lua_rawset(L, -5);
  }
  lua_pop(L, 1);
}

/* Sets ipc[name] and the global to the value at the top. [-1, +0, m] */
static void publish(lua_State *L, int ipc, const char *name) {
  lua_pushvalue(L, -1);
  lua_setglobal(L, name);
  lua_setfield(L, ipc, name);
}

/* Runs the prelude: prelude(ipc, settings, children, base, host) -> hooks. */
static void open_prelude(lua_State *L, struct runtime *rt, int ipc) {
  lua_getglobal(L, "require");
  lua_pushliteral(L, "ipchost.prelude");
  lua_call(L, 1, 1);
  lua_pushvalue(L, ipc);
  decode_settings(L, rt);
  child_push_functions(L);
  lua_pushstring(L, rt->base);
  hot_push_functions(L);
  lua_call(L, 5, 1);
  rt->hooks = luaL_ref(L, LUA_REGISTRYINDEX);
}

/* A mistyped field of a module says so. [-0, +0, m] with `ipc` at the top */
static void explain_fields(lua_State *L) {
  static const char *const modules[] = {"webContents", "webFrameMain", "MessageChannelMain", "async",
                                        "Promise"};
  misuse_explain_fields(L, "ipc");
  for (size_t i = 0; i < sizeof modules / sizeof *modules; i++) {
    lua_getfield(L, -1, modules[i]);
    misuse_explain_fields(L, modules[i]);
    lua_pop(L, 1);
  }
}

void modules_open(lua_State *L) {
  struct runtime *rt = runtime_of(L);
  int ipc;
  open_tables(L, rt);
  event_open(L);
  emitter_setup(L, task_start_listener, warn_traceback);
  emitter_class(L, IPC_CLASS, EMITTER_HANDLERS | EMITTER_DOT, NULL);
  emitter_class(L, APP_CLASS, EMITTER_DOT, app_index);
  lua_pop(L, 2);
  contents_class_open(L);
  frame_class_open(L);
  child_class_open(L);
  push_ipc(L);
  ipc = lua_gettop(L);
  emitter_new(L, sizeof(struct emitter), 0, IPC_CLASS, "ipcMain", EMITTER_HANDLERS | EMITTER_DOT);
  emitter_push_handlers(L, -1);
  rt->handlers = luaL_ref(L, LUA_REGISTRYINDEX);
  emitter_push_listeners(L, -1);
  rt->listeners = luaL_ref(L, LUA_REGISTRYINDEX);
  dispatch_open(L);
  lua_pushvalue(L, -1);
  rt->ipcmain = luaL_ref(L, LUA_REGISTRYINDEX);
  publish(L, ipc, "ipcMain");
  emitter_new(L, sizeof(struct emitter), 0, APP_CLASS, "app", EMITTER_DOT);
  lua_pushvalue(L, -1);
  rt->app = luaL_ref(L, LUA_REGISTRYINDEX);
  publish(L, ipc, "app");
  push_module(L, web_contents);
  publish(L, ipc, "webContents");
  push_module(L, web_frame_main);
  publish(L, ipc, "webFrameMain");
  port_class_open(L);
  publish(L, ipc, "MessageChannelMain");
  open_prelude(L, rt, ipc);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_pushvalue(L, ipc);
  lua_setfield(L, -2, "ipchost");
  lua_pop(L, 1);
  name_app_fields(L);
  explain_fields(L);
  lua_setglobal(L, "ipc");
}
