/*
 * event: the first argument of every listener and handler: a userdata with the identity of the sender as it
 * was when the message arrived. Its costlier fields are made when first read. It has no __gc: a guard with
 * one joins it only when an answer may never come (design: 60 ns against 233).
 */
#include <stdlib.h>

#include "lua/runtime.h"

static const char GUARD_KEY; /* registry key of the metatable */

enum field {
  FIELD_NONE,
  FIELD_TYPE,
  FIELD_PROCESS,
  FIELD_FRAME,
  FIELD_NODE,
  FIELD_SENDER,
  FIELD_SENDER_FRAME,
  FIELD_PORTS,
  FIELD_REPLY,
  FIELD_SIGNAL,
  FIELD_RETURN_VALUE
};

static const char *const field_names[] = {"type",   "processId",   "frameId", "frameTreeNodeId",
                                          "sender", "senderFrame", "ports",   "reply",
                                          "signal", "returnValue", NULL};

struct event *event_push(lua_State *L, const struct message *message) {
  struct event *event = lua_newuserdatauv(L, sizeof *event, 1);
  *event = (struct event){.call = message->call,
                          .process = message->process,
                          .frame = message->frame,
                          .node = message->node,
                          .contents = message->contents,
                          .sync = message->kind == MESSAGE_SYNC,
                          .invoke = message->kind == MESSAGE_INVOKE};
  return event;
}

struct event *event_at(lua_State *L, int index) {
  struct event *event = lua_touserdata(L, index);
  bool is;
  if (!event || !lua_getmetatable(L, index)) return NULL;
  lua_rawgeti(L, LUA_REGISTRYINDEX, runtime_of(L)->events);
  is = lua_rawequal(L, -1, -2);
  lua_pop(L, 2);
  return is ? event : NULL;
}

/* Pushes the table of what was made for the event at the index. [-0, +1, m] */
static void extras_push(lua_State *L, int index) {
  index = lua_absindex(L, index);
  if (lua_getiuservalue(L, index, 1) == LUA_TTABLE) return;
  lua_pop(L, 1);
  lua_createtable(L, 0, 2);
  lua_pushvalue(L, -1);
  lua_setiuservalue(L, index, 1);
}

/* ---- channel ---- */

void event_set_channel(lua_State *L, int index, int channel) {
  channel = lua_absindex(L, channel);
  luaL_checkstack(L, 4, "too many arguments");
  extras_push(L, index);
  lua_pushvalue(L, channel);
  lua_setfield(L, -2, "channel");
  lua_pop(L, 1);
}

const char *event_push_channel(lua_State *L, int index) {
  extras_push(L, index);
  lua_getfield(L, -1, "channel");
  return lua_tostring(L, -1);
}

/* ---- guard ---- */

/* The collector may run in a coroutine of another runtime of the state. */
struct guard {
  struct runtime *rt;
  uint64_t call;
};

static int guard_gc(lua_State *L) {
  const struct guard *guard = lua_touserdata(L, 1);
  struct runtime *rt = guard->rt;
  rt->guards--;
  /* The room was made when the guard was: this only enqueues. */
  if (core_call_pending(rt->core, guard->call)) rt->lost[rt->lost_count++] = guard->call;
  return 0;
}

static void reserve_lost(lua_State *L, struct runtime *rt) {
  size_t need = rt->lost_count + rt->guards + 1, cap = rt->lost_cap ? rt->lost_cap : 16;
  uint64_t *lost;
  if (need <= rt->lost_cap) return;
  while (cap < need) cap *= 2;
  if (!(lost = realloc(rt->lost, cap * sizeof *lost))) luaL_error(L, "not enough memory");
  rt->lost = lost;
  rt->lost_cap = cap;
}

void event_guard(lua_State *L, int index) {
  struct event *event = lua_touserdata(L, index);
  struct runtime *rt = runtime_of(L);
  struct guard *guard;
  if (event->guarded) return;
  index = lua_absindex(L, index);
  extras_push(L, index);
  guard = lua_newuserdatauv(L, sizeof *guard, 0);
  *guard = (struct guard){rt, event->call};
  reserve_lost(L, rt); /* from here to the count nothing may run that guards another */
  lua_rawgetp(L, LUA_REGISTRYINDEX, &GUARD_KEY);
  lua_setmetatable(L, -2);
  rt->guards++;
  event->guarded = true;
  lua_setfield(L, -2, "guard");
  lua_pop(L, 1);
  lua_rawgeti(L, LUA_REGISTRYINDEX, rt->pending);
  lua_pushvalue(L, index);
  lua_rawseti(L, -2, (lua_Integer)event->call);
  lua_pop(L, 1);
  generation_scope_await(L, index);
}

/* ---- signal ---- */

static void push_reason(lua_State *L, unsigned abort) {
  static const char *const names[] = {"AbortError", "TimeoutError", "Error", "Error"};
  static const char *const texts[] = {"The call was cancelled by the caller",
                                      "The caller's time-out has passed", "The sender is gone", RETIRED_TEXT};
  static const char *const codes[] = {"ERR_ABORTED", "ERR_TIMEOUT", "ERR_DESTROYED", RETIRED_CODE};
  clone_push_error(L, names[abort - 1], texts[abort - 1], codes[abort - 1]);
}

/* Anchors the signal at the top while its call is pending: an abort may come, and with it the answer. */
static void anchor_signal(lua_State *L, uint64_t call) {
  struct runtime *rt = runtime_of(L);
  if (!core_call_pending(rt->core, call)) return;
  lua_rawgeti(L, LUA_REGISTRYINDEX, rt->signals);
  lua_pushvalue(L, -2);
  lua_rawseti(L, -2, (lua_Integer)call);
  lua_pop(L, 1);
  rt->anchored++;
}

void event_release_signals(lua_State *L) {
  struct runtime *rt = runtime_of(L);
  if (!rt->anchored) return;
  lua_rawgeti(L, LUA_REGISTRYINDEX, rt->signals);
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
    if (core_call_pending(rt->core, (uint64_t)lua_tointeger(L, -2))) continue;
    lua_pushvalue(L, -2);
    lua_pushnil(L);
    lua_rawset(L, -5);
    rt->anchored--;
  }
  lua_pop(L, 1);
}

static int push_signal(lua_State *L, struct event *event) {
  extras_push(L, 1);
  if (lua_getfield(L, -1, "signal") != LUA_TNIL) return 1;
  lua_pop(L, 1);
  /* The handler has not waited yet, so that no abort found the event: it has closed its sender itself. */
  if (!event->abort && !event->answered && !core_call_pending(runtime_of(L)->core, event->call))
    event->abort = 1 + ABORT_DESTROYED;
  hook_push(L, "new_signal");
  if (event->abort)
    push_reason(L, event->abort);
  else
    lua_pushnil(L);
  lua_call(L, 1, 1);
  lua_pushvalue(L, -1);
  lua_setfield(L, -3, "signal");
  anchor_signal(L, event->call);
  return 1;
}

void event_abort(lua_State *L, uint64_t call, enum abort_reason reason) {
  struct runtime *rt = runtime_of(L);
  struct event *event;
  lua_rawgeti(L, LUA_REGISTRYINDEX, rt->pending);
  lua_rawgeti(L, -1, (lua_Integer)call);
  if ((event = lua_touserdata(L, -1))) event->abort = (uint8_t)(1 + reason);
  lua_pop(L, 2);
  if (!rt->anchored) return;
  hook_push(L, "abort_signal");
  lua_rawgeti(L, LUA_REGISTRYINDEX, rt->signals);
  lua_rawgeti(L, -1, (lua_Integer)call);
  lua_remove(L, -2);
  if (!lua_isnil(L, -1)) {
    push_reason(L, 1U + reason);
    lua_call(L, 2, 0);
  } else {
    lua_pop(L, 2);
  }
}

/* ---- retirement ---- */

/* True if the value at the top is no event, or one whose call is pending. */
static bool is_awaited(lua_State *L, const struct core *core) {
  const struct event *event = lua_isuserdata(L, -1) ? lua_touserdata(L, -1) : NULL;
  return !event || core_call_pending(core, event->call);
}

/* Adds the value at the top to the set at the index; true if it was not there. [-1, +0, m] */
static bool add(lua_State *L, int set) {
  bool is_new;
  lua_pushvalue(L, -1);
  is_new = lua_rawget(L, set) == LUA_TNIL;
  lua_pop(L, 1);
  lua_pushboolean(L, 1);
  lua_rawset(L, set);
  return is_new;
}

size_t event_count_awaited(lua_State *L) {
  const struct core *core = runtime_of(L)->core; /* finalizers may switch to another runtime of the state */
  size_t count = 0;
  int set;
  generation_scope_push(L);
  lua_newtable(L);
  set = lua_gettop(L);
  lua_pushvalue(L, set - 1);
  lua_pushnil(L);
  while (lua_next(L, -2)) { /* several may be of one dispatch */
    lua_pushvalue(L, -2);
    if (!is_awaited(L, core)) {
      generation_scope_forget(L, -1);
      lua_pop(L, 2);
    } else {
      lua_pop(L, 1);
      count += add(L, set);
    }
  }
  lua_settop(L, set - 2);
  return count;
}

/* Pushes a list of the calls that are not answered: onAbort may change the table. */
static void push_calls(lua_State *L) {
  lua_Integer count = 0;
  int calls;
  lua_newtable(L);
  calls = lua_gettop(L);
  lua_rawgeti(L, LUA_REGISTRYINDEX, runtime_of(L)->pending);
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
    lua_pushvalue(L, -2);
    lua_rawseti(L, calls, ++count);
  }
  lua_pop(L, 1);
}

void event_retire_all(lua_State *L) {
  struct runtime *rt = runtime_of(L);
  push_calls(L);
  for (lua_Integer i = 1; lua_rawgeti(L, -1, i) != LUA_TNIL; i++) {
    uint64_t call = (uint64_t)lua_tointeger(L, -1);
    lua_pop(L, 1);
    if (!core_call_pending(rt->core, call)) continue;
    core_reply_error(rt->core, call, "Error", RETIRED_TEXT, RETIRED_CODE);
    event_abort(L, call, ABORT_RETIRED);
  }
  lua_pop(L, 2);
}

/* ---- fields ---- */

/* event.reply(channel, ...) and event:reply(channel, ...): the event is upvalue 1. */
static int reply(lua_State *L) {
  const struct event *event = lua_touserdata(L, lua_upvalueindex(1));
  int first = lua_rawequal(L, 1, lua_upvalueindex(1)) ? 2 : 1;
  misuse_channel(L, first);
  return send_to_frame(L, event->frame, first, first + 1);
}

static int push_reply(lua_State *L) {
  lua_pushvalue(L, 1);
  lua_pushcclosure(L, reply, 1);
  return 1;
}

static int push_sender_frame(lua_State *L, const struct event *event) {
  if (core_frame(runtime_of(L)->core, event->frame))
    frame_push(L, event->frame);
  else
    lua_pushnil(L);
  return 1;
}

static int push_ports(lua_State *L) {
  extras_push(L, 1);
  if (lua_getfield(L, -1, "ports") != LUA_TNIL) return 1;
  lua_newtable(L);
  lua_pushvalue(L, -1);
  lua_setfield(L, -4, "ports");
  return 1;
}

void event_set_ports(lua_State *L, int index, const uint64_t *ids, size_t count) {
  extras_push(L, index);
  port_push_list(L, ids, count);
  lua_setfield(L, -2, "ports");
  lua_pop(L, 1);
}

/* The field's code from upvalue 1, a table of names. [-0, +0, -] */
static enum field field_of(lua_State *L, int key) {
  enum field field;
  lua_pushvalue(L, key);
  lua_rawget(L, lua_upvalueindex(1));
  field = (enum field)lua_tointeger(L, -1);
  lua_pop(L, 1);
  return field;
}

static int push_id(lua_State *L, uint64_t id) {
  lua_pushinteger(L, (lua_Integer)id);
  return 1;
}

/* Upvalue 2: whose event it is. */
static int event_index(lua_State *L) {
  struct event *event = lua_touserdata(L, 1);
  emitter_switch(L, lua_touserdata(L, lua_upvalueindex(2)));
  switch (field_of(L, 2)) {
  case FIELD_TYPE:
    lua_pushliteral(L, "frame");
    return 1;
  case FIELD_PROCESS:
    return push_id(L, event->process);
  case FIELD_FRAME:
    return push_id(L, event->frame);
  case FIELD_NODE:
    return push_id(L, event->node);
  case FIELD_SENDER:
    contents_push(L, event->contents);
    return 1;
  case FIELD_SENDER_FRAME:
    return push_sender_frame(L, event);
  case FIELD_PORTS:
    return push_ports(L);
  case FIELD_REPLY:
    return push_reply(L);
  case FIELD_SIGNAL:
    if (!event->invoke) return luaL_error(L, "event.signal exists in handlers only, not in listeners");
    return push_signal(L, event);
  case FIELD_RETURN_VALUE:
    return luaL_error(L, "event.returnValue is write-only");
  default:
    return misuse_no_field(L, "event", luaL_tolstring(L, 2, NULL), field_names);
  }
}

static int set_return_value(lua_State *L, struct event *event) {
  struct fault fault;
  if (event->invoke)
    return luaL_error(L, "event.returnValue is for listeners of sendSync; a handler returns its value");
  if (!event->sync || answer_set(L, event->call, 3, &fault) == ST_OK) return 0;
  answer_push_fault(L, &fault);
  return lua_error(L);
}

static int event_newindex(lua_State *L) {
  struct event *event = lua_touserdata(L, 1);
  enum field field = field_of(L, 2);
  emitter_switch(L, lua_touserdata(L, lua_upvalueindex(2)));
  if (field == FIELD_RETURN_VALUE) return set_return_value(L, event);
  if (field) return luaL_error(L, "event.%s is read-only", lua_tostring(L, 2));
  return misuse_no_field(L, "event", luaL_tolstring(L, 2, NULL), field_names);
}

static int event_tostring(lua_State *L) {
  const struct event *event = lua_touserdata(L, 1);
  lua_pushfstring(L, "event: frame %I", (LUAI_UACINT)event->frame);
  return 1;
}

void event_open(lua_State *L) {
  lua_createtable(L, 0, 7);
  lua_newtable(L);
  for (int i = 0; field_names[i]; i++) {
    lua_pushinteger(L, i + 1);
    lua_setfield(L, -2, field_names[i]);
  }
  lua_pushvalue(L, -1);
  lua_setfield(L, -3, "__fields");
  lua_pushvalue(L, -1);
  lua_pushlightuserdata(L, generation_of(L));
  lua_pushcclosure(L, event_index, 2);
  lua_setfield(L, -3, "__index");
  lua_pushlightuserdata(L, generation_of(L));
  lua_pushcclosure(L, event_newindex, 2);
  lua_setfield(L, -2, "__newindex");
  lua_pushcfunction(L, event_tostring);
  lua_setfield(L, -2, "__tostring");
  lua_pushliteral(L, "IpcMainEvent");
  lua_setfield(L, -2, "__name");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  runtime_of(L)->events = luaL_ref(L, LUA_REGISTRYINDEX);
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, guard_gc);
  lua_setfield(L, -2, "__gc");
  lua_rawsetp(L, LUA_REGISTRYINDEX, &GUARD_KEY);
}
