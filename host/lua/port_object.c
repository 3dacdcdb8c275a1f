/*
 * port_object: MessagePortMain and MessageChannelMain. Electron: docs/api/message-port-main.md. A port holds
 * the id of an end; one that a script let go of is closed, unless it was started: then it lives as long as
 * the other end.
 */
#include <stdlib.h>
#include <string.h>

#include "ipc/ports.h"
#include "lua/runtime.h"

static const char METHODS_KEY;

struct port_object {
  struct emitter emitter;
  struct runtime *rt; /* the collector may run in a coroutine of another one of the state */
  uint64_t id;        /* 0 until it has one */
  bool neutered;      /* transferred, or closed */
  bool started;
  bool awaited; /* somebody waits until the other side has caught up */
};

static struct port_object *check(lua_State *L, const char *method, const char *arguments) {
  struct port_object *object = luaL_testudata(L, 1, PORT_CLASS);
  if (!object) luaL_error(L, "port.%s was called with '.'; write port:%s(%s)", method, method, arguments);
  return object;
}

/* ---- the objects ---- */

static void reserve_lost_ports(lua_State *L, struct runtime *rt) {
  size_t need = rt->lost_port_count + rt->port_objects + 1, cap = rt->lost_port_cap ? rt->lost_port_cap : 16;
  uint64_t *lost;
  if (need <= rt->lost_port_cap) return;
  while (cap < need) cap *= 2;
  if (!(lost = realloc(rt->lost_ports, cap * sizeof *lost))) luaL_error(L, "not enough memory");
  rt->lost_ports = lost;
  rt->lost_port_cap = cap;
}

static int port_gc(lua_State *L) {
  struct port_object *object = lua_touserdata(L, 1);
  struct runtime *rt = object->rt;
  if (!object->id) return 0;
  rt->port_objects--;
  if (object->neutered) return 0;
  if (!object->started) rt->loose_ports--;
  /* The room was made when the object was: this only enqueues. */
  rt->lost_ports[rt->lost_port_count++] = object->id;
  return 0;
}

/* Registry table `table`[id] = the value at the top. [-1, +0, m] */
static void set_entry(lua_State *L, int table, uint64_t id) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, table);
  lua_insert(L, -2);
  lua_rawseti(L, -2, (lua_Integer)id);
  lua_pop(L, 1);
}

void port_push(lua_State *L, uint64_t id) {
  struct runtime *rt = runtime_of(L);
  struct port_object *object = (struct port_object *)emitter_new(L, sizeof *object, 0, PORT_CLASS, "port", 0);
  lua_pushvalue(L, -1);
  set_entry(L, rt->ports, id);
  reserve_lost_ports(L, rt); /* from here to the count nothing may run that makes another */
  rt->port_objects++;
  rt->loose_ports++;
  object->rt = rt;
  object->id = id;
}

void port_push_list(lua_State *L, const uint64_t *ids, size_t count) {
  lua_createtable(L, (int)count, 0);
  for (size_t i = 0; i < count; i++) {
    port_push(L, ids[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}

/* It is of no use any longer: transferred, or closed. [-0, +0, m] */
static void neuter(lua_State *L, struct port_object *object) {
  struct runtime *rt = runtime_of(L);
  if (object->neutered) return;
  object->neutered = true;
  if (!object->started) rt->loose_ports--;
  lua_pushnil(L);
  set_entry(L, rt->started_ports, object->id);
}

/* Whoever waits until the other side has caught up need not any longer. [-0, +0, e] */
static void resolve_drained(lua_State *L, int index) {
  struct port_object *object = luaL_testudata(L, index, PORT_CLASS); /* a list may have changed meanwhile */
  if (!object || !object->awaited) return;
  object->awaited = false;
  index = lua_absindex(L, index);
  hook_push(L, "port_has_drained");
  lua_pushvalue(L, index);
  lua_call(L, 1, 0);
}

/* ---- transfer lists ---- */

/* The port at the index, if it may be transferred; else raises with its place in the list. [-0, +0, v] */
static struct port_object *check_port(lua_State *L, int index, lua_Integer place,
                                      const struct port_object *source) {
  struct port_object *port = luaL_testudata(L, index, PORT_CLASS);
  int i = (int)place - 1;
  if (!port && !source)
    luaL_error(L, "Invalid value for transfer"); /* as contents and frames say it */
  else if (!port)
    luaL_error(L, "Port at index %d is not a valid port", i);
  else if (port == source)
    luaL_error(L, "Port at index %d contains the source port", i);
  else if (port->neutered)
    luaL_error(L, "Port at index %d is already neutered", i);
  return port;
}

/* Checks the list at `index` (or nothing). Returns the count. [-0, +0, v] */
static size_t check_list(lua_State *L, int index, const struct port_object *source) {
  size_t count;
  if (lua_isnoneornil(L, index)) return 0;
  if (!lua_istable(L, index)) luaL_error(L, "Invalid value for transfer");
  count = lua_rawlen(L, index);
  luaL_checkstack(L, 4, "too many ports");
  for (size_t i = 1; i <= count; i++) {
    const struct port_object *port;
    lua_rawgeti(L, index, (lua_Integer)i);
    port = check_port(L, -1, (lua_Integer)i, source);
    for (size_t j = 1; j < i; j++) {
      lua_rawgeti(L, index, (lua_Integer)j);
      if (lua_touserdata(L, -1) == (const void *)port)
        luaL_error(L, "Port at index %d is a duplicate", (int)i - 1);
      lua_pop(L, 1);
    }
    lua_pop(L, 1);
  }
  return count;
}

/* Pushes memory with the ids of the checked list. [-0, +1, v] */
static const uint64_t *push_ids(lua_State *L, int index, size_t count, const struct port_object *source) {
  uint64_t *ids = lua_newuserdatauv(L, count * sizeof *ids + 1, 0);
  for (size_t i = 0; i < count; i++) {
    const struct port_object *port;
    lua_rawgeti(L, index, (lua_Integer)i + 1);
    port = check_port(L, -1, (lua_Integer)i + 1, source); /* a finalizer may have transferred it */
    if (port) ids[i] = port->id;
    lua_pop(L, 1);
  }
  return ids;
}

/* Pushes what a post returns, and neuters what it has transferred. [-0, +(1|2), v] */
static int finish_post(lua_State *L, int index, size_t count, enum port_result result) {
  static const char *const reasons[] = {NULL, "mark", "destroyed", "detached"};
  if (result == PORT_NOMEM) return luaL_error(L, "not enough memory");
  if (result == PORT_LIMIT) {
    clone_push_error(L, "Error", "limits.ports exceeded: the renderer has as many as it may",
                     "ERR_LIMIT_PORTS");
    return lua_error(L);
  }
  for (size_t i = 1; i <= count; i++) {
    lua_rawgeti(L, index, (lua_Integer)i);
    neuter(L, lua_touserdata(L, -1));
    lua_pop(L, 1);
  }
  for (size_t i = 1; i <= count; i++) { /* may raise: all that were transferred are neutered */
    lua_rawgeti(L, index, (lua_Integer)i);
    resolve_drained(L, -1);
    lua_pop(L, 1);
  }
  lua_pushboolean(L, result == PORT_SENT);
  if (result == PORT_SENT) return 1;
  lua_pushstring(L, reasons[result]);
  return 2;
}

static void check_arguments(lua_State *L, int channel) {
  if (lua_gettop(L) < channel + 1) luaL_error(L, "Insufficient number of arguments");
  if (lua_type(L, channel) != LUA_TSTRING)
    luaL_error(L, "Error processing argument at index 0, conversion failure from %s",
               luaL_typename(L, channel));
}

/* Upvalues: frame, channel, message, transfer list. */
static int post_held(lua_State *L) {
  lua_settop(L, 0);
  for (int i = 2; i <= 4; i++) lua_pushvalue(L, lua_upvalueindex(i));
  return post_to_frame(L, (uint64_t)lua_tointeger(L, lua_upvalueindex(1)), 1);
}

static int hold_post(lua_State *L, uint64_t frame, int channel) {
  int first = lua_gettop(L) + 1;
  scratch_give(L, encode_message(L, 0, channel + 1)); /* what cannot be cloned is said now */
  lua_pushinteger(L, (lua_Integer)frame);
  for (int i = 0; i < 3; i++) lua_pushvalue(L, channel + i);
  hold_closure(L, post_held, first);
  lua_pushboolean(L, 1);
  return 1;
}

int post_to_frame(lua_State *L, uint64_t frame, int channel) {
  int message = channel + 1, transfer = channel + 2;
  struct slice name;
  struct buf *payload;
  const uint64_t *ids;
  enum port_result result;
  size_t count;
  check_arguments(L, channel);
  name = misuse_channel(L, channel);
  lua_settop(L, transfer);
  count = check_list(L, transfer, NULL);
  if (runtime_of(L)->beside) return hold_post(L, frame, channel);
  payload = encode_message(L, name.len + 9 * count, message);
  ids = push_ids(L, transfer, count, NULL);
  result = ports_post_to_frame(runtime_of(L)->core, frame, name, buf_slice(payload), ids, count);
  scratch_give(L, payload);
  return finish_post(L, transfer, count, result);
}

/* ---- methods ---- */

static int port_post_message(lua_State *L) {
  struct port_object *object = check(L, "postMessage", "message, ports");
  struct buf *payload;
  const uint64_t *ids;
  enum port_result result;
  size_t count;
  lua_settop(L, 3); /* without a message nil is posted, as Electron posts undefined */
  count = check_list(L, 3, object);
  payload = encode_message(L, 9 * count, 2);
  ids = push_ids(L, 3, count, object);
  result = ports_post(runtime_of(L)->core, object->neutered ? 0 : object->id, buf_slice(payload), ids, count);
  scratch_give(L, payload);
  return finish_post(L, 3, count, result);
}

static int port_start(lua_State *L) {
  struct port_object *object = check(L, "start", "");
  struct runtime *rt = runtime_of(L);
  if (object->neutered || object->started) return 0;
  lua_pushvalue(L, 1);
  set_entry(L, rt->started_ports, object->id);
  object->started = true;
  rt->loose_ports--;
  ports_start(rt->core, object->id);
  return 0;
}

static int port_close(lua_State *L) {
  struct port_object *object = check(L, "close", "");
  if (object->neutered) return 0;
  neuter(L, object);
  ports_drop(runtime_of(L)->core, &object->id, 1);
  resolve_drained(L, 1);
  return 0;
}

static int port_drained(lua_State *L) {
  struct port_object *object = check(L, "drained", "");
  bool waits = !object->neutered && ports_await_drain(runtime_of(L)->core, object->id);
  object->awaited |= waits;
  hook_push(L, "port_drained");
  lua_pushvalue(L, 1);
  lua_pushboolean(L, waits);
  lua_call(L, 2, 1);
  return 1;
}

static const luaL_Reg methods[] = {{"postMessage", port_post_message},
                                   {"start", port_start},
                                   {"close", port_close},
                                   {"drained", port_drained},
                                   {NULL, NULL}};

static int port_index(lua_State *L) {
  methods_push(L, &METHODS_KEY, methods, "port");
  lua_pushvalue(L, 2);
  lua_rawget(L, -2);
  return 1;
}

/* ---- MessageChannelMain ---- */

static int channel_pair(lua_State *L) {
  uint64_t first, second;
  lua_settop(L, 0);
  if (ports_pair(runtime_of(L)->core, &first, &second) != ST_OK) return luaL_error(L, "not enough memory");
  port_push(L, first);
  port_push(L, second);
  return 2;
}

static int channel_new(lua_State *L) {
  lua_settop(L, 0);
  lua_createtable(L, 0, 2);
  lua_pushcfunction(L, channel_pair);
  lua_call(L, 0, 2);
  lua_setfield(L, 1, "port2");
  lua_setfield(L, 1, "port1");
  return 1;
}

void port_class_open(lua_State *L) {
  static const char *const names[] = {"postMessage", "start", "close", "drained", NULL};
  static const luaL_Reg functions[] = {{"new", channel_new}, {"pair", channel_pair}, {NULL, NULL}};
  emitter_class(L, PORT_CLASS, 0, port_index);
  emitter_class_names(L, names);
  lua_pushcfunction(L, port_gc);
  lua_setfield(L, -2, "__gc");
  lua_pop(L, 1);
  luaL_newlib(L, functions);
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, channel_new);
  lua_setfield(L, -2, "__call");
  lua_setmetatable(L, -2);
}

/* ---- what the core tells ---- */

struct port_notice {
  uint64_t port;
  struct slice payload;
  const uint64_t *ids;
  size_t count;
  bool taken;
};

static int emit_message(lua_State *L) {
  struct port_notice *notice = lua_touserdata(L, 1);
  struct runtime *rt = runtime_of(L);
  struct fault fault;
  lua_Integer scope;
  if (!object_find(L, rt->ports, (lua_Integer)notice->port)) return 0;
  lua_createtable(L, 0, 2);
  if (clone_decode(L, notice->payload, &rt->clone, &fault) < 0) {
    log_line(rt->core->log, LOG_WARN, "script", "a port is closed: its message cannot be read: %s",
             fault.text);
    return 0;
  }
  lua_setfield(L, -2, "data");
  port_push_list(L, notice->ids, notice->count);
  lua_setfield(L, -2, "ports");
  notice->taken = true;
  scope = generation_scope_begin(rt->generation);
  emitter_emit(L, 2, "message", 1);
  rt->generation->scope = scope;
  return 0;
}

bool port_is_of(struct runtime *rt, uint64_t port) {
  lua_State *L = rt->generation->L;
  if (!lua_checkstack(L, 4) || !object_find(L, rt->ports, (lua_Integer)port)) return false;
  lua_pop(L, 1);
  return true;
}

int port_id(lua_State *L) {
  const struct port_object *object = luaL_testudata(L, 1, PORT_CLASS);
  if (!object || object->neutered) return lua_pushnil(L), 1;
  lua_pushinteger(L, (lua_Integer)object->id);
  return 1;
}

int port_release(lua_State *L) {
  struct port_object *object = luaL_testudata(L, 1, PORT_CLASS);
  if (!object || object->neutered) return lua_pushnil(L), 1;
  neuter(L, object);
  ports_pause(runtime_of(L)->core, object->id);
  lua_pushnil(L); /* the core asks whose it is */
  set_entry(L, runtime_of(L)->ports, object->id);
  resolve_drained(L, 1);
  lua_pushinteger(L, (lua_Integer)object->id);
  return 1;
}

int port_adopt(lua_State *L) {
  port_push(L, (uint64_t)luaL_checkinteger(L, 1));
  return 1;
}

bool port_message(struct runtime *rt, uint64_t port, struct slice payload, const uint64_t *ids,
                  size_t count) {
  struct port_notice notice = {.port = port, .payload = payload, .ids = ids, .count = count};
  generation_enter(rt->generation, "port", emit_message, &notice);
  return notice.taken;
}

static int emit_closed(lua_State *L) {
  const struct port_notice *notice = lua_touserdata(L, 1);
  if (!object_find(L, runtime_of(L)->ports, (lua_Integer)notice->port)) return 0;
  neuter(L, lua_touserdata(L, 2));
  resolve_drained(L, 2);
  lua_newtable(L);
  emitter_emit(L, 2, "close", 1);
  return 0;
}

void port_closed(struct runtime *rt, uint64_t port) {
  struct port_notice notice = {.port = port};
  generation_enter(rt->generation, "port", emit_closed, &notice);
}

static int tell_drained(lua_State *L) {
  const struct port_notice *notice = lua_touserdata(L, 1);
  if (object_find(L, runtime_of(L)->ports, (lua_Integer)notice->port)) resolve_drained(L, -1);
  return 0;
}

void port_has_drained(struct runtime *rt, uint64_t port) {
  struct port_notice notice = {.port = port};
  generation_enter(rt->generation, "port", tell_drained, &notice);
}
