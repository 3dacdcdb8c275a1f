/* child_object: the processes that app.spawn starts, as scripts see them, and what the script half of
 * app.spawn (rocks/ipchost, spawn.lua) calls. */
#include <signal.h>
#include <string.h>

#include "base/nearest.h"
#include "lua/runtime.h"

#define EXIT_NOT_STARTED 127 /* as a shell has it */

static const char METHODS_KEY;

struct child_object {
  struct emitter emitter;
  uint64_t id, contents;
  lua_Integer pid;
  bool pipes;
};

static struct child_object *check(lua_State *L, const char *method, const char *arguments) {
  struct child_object *object = luaL_testudata(L, 1, CHILD_CLASS);
  if (!object) luaL_error(L, "child.%s was called with '.'; write child:%s(%s)", method, method, arguments);
  return object;
}

/* Keeps which contents it has, for when the process is forgotten. */
static bool look(struct runtime *rt, struct child_object *object) {
  struct child_info info;
  if (!rt->child_ops->look(rt->child_user, object->id, &info)) return false;
  if (info.contents) object->contents = info.contents;
  return true;
}

/* ---- methods ---- */

/* Upvalues: a method, the child, its argument. */
static int call_held(lua_State *L) {
  for (int i = 1; i <= 3; i++) lua_pushvalue(L, lua_upvalueindex(i));
  lua_call(L, 2, 0);
  return 0;
}

/* Puts the call of a method off, whose arguments are 1 and 2: a load that fails has done nothing, and the
 * child may not be started yet. Returns how many results it pushed. */
static int hold_call(lua_State *L, lua_CFunction method) {
  lua_settop(L, 2);
  lua_pushcfunction(L, method);
  lua_pushvalue(L, 1);
  lua_pushvalue(L, 2);
  hold_closure(L, call_held, 3);
  lua_pushboolean(L, true);
  return 1;
}

/* True, or false and why not. */
static int child_write(lua_State *L) {
  static const char *const reasons[] = {NULL, "mark", "destroyed", "limit"};
  struct child_object *object = check(L, "write", "bytes");
  struct runtime *rt = runtime_of(L);
  struct slice bytes = {0};
  enum child_written written;
  size_t len;
  if (!object->pipes)
    return luaL_error(
        L, "child:write: standard input carries packets; use stdio = \"pipe\", or child.contents:send");
  if (!lua_isnoneornil(L, 2)) {
    const char *text = luaL_checklstring(L, 2, &len);
    bytes = slice_of(text, len);
  }
  if (rt->beside) return hold_call(L, child_write);
  written = rt->child_ops->write(rt->child_user, object->id, bytes);
  lua_pushboolean(L, written == CHILD_TOOK);
  if (written == CHILD_TOOK) return 1;
  lua_pushstring(L, reasons[written]);
  return 2;
}

/* "SIGTERM", "TERM", "sigterm" */
static int signal_of(const char *name) {
  if (strncasecmp(name, "SIG", 3) == 0) name += 3;
  for (int number = 1; number < 32; number++) {
    const char *known = sigabbrev_np(number);
    if (known && strcasecmp(known, name) == 0) return number;
  }
  return 0;
}

static int child_kill(lua_State *L) {
  const struct child_object *object = check(L, "kill", "signal");
  struct runtime *rt = runtime_of(L);
  lua_Integer number = SIGTERM;
  if (lua_isinteger(L, 2))
    number = lua_tointeger(L, 2);
  else if (!lua_isnoneornil(L, 2))
    number = signal_of(luaL_checkstring(L, 2));
  if (number < 1 || number > 31)
    return luaL_error(L,
                      "child:kill: signal = %s: expected a name such as \"SIGTERM\", or a number of 1 to 31",
                      luaL_tolstring(L, 2, NULL));
  if (rt->beside) return hold_call(L, child_kill);
  lua_pushboolean(L, rt->child_ops->kill(rt->child_user, object->id, (int)number));
  return 1;
}

static const luaL_Reg methods[] = {{"write", child_write}, {"kill", child_kill}, {NULL, NULL}};

static int child_index(lua_State *L) {
  struct child_object *object = lua_touserdata(L, 1);
  const char *key = lua_tostring(L, 2);
  methods_push(L, &METHODS_KEY, methods, "child");
  lua_pushvalue(L, 2);
  if (lua_rawget(L, -2) != LUA_TNIL || !key) return 1;
  if (strcmp(key, "pid") == 0) { /* none while it is not started yet */
    if (object->pid) return lua_pushinteger(L, object->pid), 1;
    return lua_pushnil(L), 1;
  }
  if (strcmp(key, "contents") != 0) return 1;
  look(runtime_of(L), object);
  if (object->contents) contents_push(L, object->contents);
  return 1;
}

void child_class_open(lua_State *L) {
  static const char *const names[] = {"pid", "contents", "write", "kill", NULL};
  emitter_class(L, CHILD_CLASS, 0, child_index);
  emitter_class_names(L, names);
  lua_pop(L, 1);
}

/* ---- app.spawn's C half ---- */

/* The one object of that child: anchored until it has been told of its end. [-0, +1, m] */
static void push_child(lua_State *L, uint64_t id, bool pipes) {
  struct runtime *rt = runtime_of(L);
  struct child_object *object;
  struct child_info info = {0};
  if (object_find(L, rt->children, (lua_Integer)id)) return;
  object = (struct child_object *)emitter_new(L, sizeof *object, 0, CHILD_CLASS, "child", 0);
  rt->child_ops->look(rt->child_user, id, &info);
  object->id = id;
  object->pid = info.pid;
  object->pipes = pipes;
  object_keep(L, rt->children, (lua_Integer)id);
}

/* Pushes an array of the list's strings, which stay in the list; NULL-terminated. [-0, +1, v] */
static const char *const *push_strings(lua_State *L, int list) {
  size_t count = lua_rawlen(L, list);
  const char **strings = lua_newuserdatauv(L, (count + 1) * sizeof *strings, 0);
  for (size_t i = 0; i < count; i++) {
    lua_rawgeti(L, list, (lua_Integer)i + 1);
    strings[i] = luaL_checkstring(L, -1);
    lua_pop(L, 1);
  }
  strings[count] = NULL;
  return strings;
}

/* Of the arguments of spawn, which stand at 1 to 7; pushes what the request borrows. [-0, +2, v] */
static struct child_request push_request(lua_State *L) {
  struct child_request request = {.name = luaL_checkstring(L, 1),
                                  .key = luaL_checkstring(L, 2),
                                  .command = luaL_checkstring(L, 3),
                                  .cwd = luaL_checkstring(L, 6),
                                  .pipe = lua_toboolean(L, 7),
                                  .generation = runtime_of(L)->number};
  lua_settop(L, 7);
  request.args = push_strings(L, 4);
  request.env = push_strings(L, 5);
  return request;
}

/* The object stands for another process than it did, or for the same, or, with 0, for none. It is at the top,
 * and is told what becomes of that one only. [-0, +0, m] */
static void stand_for(lua_State *L, struct child_object *object, uint64_t id) {
  struct runtime *rt = runtime_of(L);
  struct child_info info = {0};
  if (object->id && object->id != id) {
    lua_pushnil(L);
    object_keep(L, rt->children, (lua_Integer)object->id);
    lua_pop(L, 1);
    object->contents = 0;
  }
  object->id = id;
  if (!id) return;
  rt->child_ops->look(rt->child_user, id, &info);
  object->pid = info.pid;
  object_keep(L, rt->children, (lua_Integer)id);
}

/* Upvalues: the arguments of spawn, and the object that was given out. */
static int spawn_held(lua_State *L) {
  struct runtime *rt = runtime_of(L);
  struct child_object *object = lua_touserdata(L, lua_upvalueindex(8));
  struct child_request request;
  struct fault fault;
  uint64_t id;
  lua_settop(L, 0);
  for (int i = 1; i <= 7; i++) lua_pushvalue(L, lua_upvalueindex(i));
  request = push_request(L);
  if (rt->child_ops->spawn(rt->child_user, &request, &id, &fault) != ST_OK) {
    log_line(rt->core->log, LOG_ERROR, "script", "%s: %s", request.name, fault.text);
    lua_settop(L, 0);
    lua_pushvalue(L, lua_upvalueindex(8));
    stand_for(L, object, 0);
    lua_newtable(L);
    lua_pushinteger(L, EXIT_NOT_STARTED);
    emitter_emit(L, 1, "exit", 2);
    return 0;
  }
  lua_pushvalue(L, lua_upvalueindex(8));
  stand_for(L, object, id);
  return 0;
}

/* The living child of these options, or one that is started later. [-0, +1, m] */
static void push_living(lua_State *L, const struct child_request *request) {
  struct runtime *rt = runtime_of(L);
  struct child_object *object;
  uint64_t id;
  if (rt->child_ops->find(rt->child_user, request->name, request->key, &id)) {
    push_child(L, id, request->pipe);
    return;
  }
  object = (struct child_object *)emitter_new(L, sizeof *object, 0, CHILD_CLASS, "child", 0);
  object->pipes = request->pipe;
}

/* The one that this load has for the name and these options: it is among what is put off. [-0, +1, m] */
static void push_asked(lua_State *L, const struct child_request *request) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, runtime_of(L)->held);
  lua_pushfstring(L, "%d:%s%s", (int)strlen(request->name), request->name, request->key);
  lua_pushvalue(L, -1);
  if (lua_rawget(L, -3) == LUA_TNIL) {
    lua_pop(L, 1);
    push_living(L, request);
    lua_pushvalue(L, -2);
    lua_pushvalue(L, -2);
    lua_rawset(L, -5);
  }
  lua_replace(L, -3);
  lua_pop(L, 1);
}

/* [-0, +1, v] */
static int hold_spawn(lua_State *L, const struct child_request *request) {
  int child, first;
  push_asked(L, request);
  child = lua_gettop(L);
  first = child + 1;
  luaL_checkstack(L, 10, NULL);
  for (int i = 1; i <= 7; i++) lua_pushvalue(L, i);
  lua_pushvalue(L, child);
  hold_closure(L, spawn_held, first);
  return 1;
}

/* spawn(name, key, command, args, env, cwd, pipes): the child, or nil, message, code */
static int spawn(lua_State *L) {
  struct runtime *rt = runtime_of(L);
  struct child_request request = push_request(L);
  struct fault fault;
  uint64_t id;
  if (rt->beside) return hold_spawn(L, &request);
  if (rt->child_ops->spawn(rt->child_user, &request, &id, &fault) == ST_OK) {
    push_child(L, id, request.pipe);
    return 1;
  }
  lua_pushnil(L);
  lua_pushstring(L, fault.text);
  lua_pushstring(L, fault.code);
  return 3;
}

/* address(): where a process of this machine reaches the host, or nil */
static int address(lua_State *L) {
  struct runtime *rt = runtime_of(L);
  lua_pushstring(L, rt->child_ops->address(rt->child_user));
  return 1;
}

/* nearest(name, names): the one that was meant, or nil */
static int nearest_name(lua_State *L) {
  struct nearest nearest = nearest_start(luaL_checkstring(L, 1));
  luaL_checktype(L, 2, LUA_TTABLE);
  for (lua_Integer i = 1; lua_rawgeti(L, 2, i) == LUA_TSTRING; i++)
    nearest_try(&nearest, lua_tostring(L, -1));
  lua_pushstring(L, nearest.name);
  return 1;
}

void child_push_functions(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"spawn", spawn}, {"address", address}, {"nearest", nearest_name}, {NULL, NULL}};
  luaL_newlib(L, functions);
}

/* ---- what children do ---- */

struct news {
  uint64_t id;
  struct slice bytes;
  const char *name;
  int code, signal;
  bool heard;
};

static int output(lua_State *L) {
  struct news *news = lua_touserdata(L, 1);
  if (!object_find(L, runtime_of(L)->children, (lua_Integer)news->id)) return 0;
  lua_newtable(L);
  lua_pushlstring(L, (const char *)news->bytes.data, news->bytes.len);
  news->heard = emitter_emit(L, 2, news->name, 2) > 0;
  return 0;
}

bool child_output(struct runtime *rt, uint64_t id, bool error, struct slice bytes) {
  struct news news = {.id = id, .bytes = bytes, .name = error ? "stderr" : "stdout"};
  generation_enter(rt->generation, news.name, output, &news);
  return news.heard;
}

static void push_signal(lua_State *L, int number) {
  const char *name = sigabbrev_np(number);
  if (name)
    lua_pushfstring(L, "SIG%s", name);
  else
    lua_pushfstring(L, "SIG%d", number);
}

static int ended(lua_State *L) {
  const struct news *news = lua_touserdata(L, 1);
  struct runtime *rt = runtime_of(L);
  if (!object_find(L, rt->children, (lua_Integer)news->id)) return 0;
  look(rt, lua_touserdata(L, 2));
  lua_pushnil(L);
  object_keep(L, rt->children, (lua_Integer)news->id);
  lua_pop(L, 1);
  lua_newtable(L);
  if (news->signal) {
    lua_pushnil(L);
    push_signal(L, news->signal);
  } else {
    lua_pushinteger(L, news->code);
    lua_pushnil(L);
  }
  emitter_emit(L, 2, "exit", 3);
  return 0;
}

bool child_is_of(struct runtime *rt, uint64_t id) {
  lua_State *L = rt->generation->L;
  if (!lua_checkstack(L, 4) || !object_find(L, rt->children, (lua_Integer)id)) return false;
  lua_pop(L, 1);
  return true;
}

void child_ended(struct runtime *rt, uint64_t id, int code, int signal) {
  struct news news = {.id = id, .code = code, .signal = signal};
  generation_enter(rt->generation, "exit", ended, &news);
}
