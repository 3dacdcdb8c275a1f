/*
 * dispatch: a message on its way to the listeners or the handler. The hot path of the host: one pooled
 * coroutine, whose base is a C function that decodes, calls and answers, so that it is right also when a
 * script resumes the coroutine itself after an await. lua_resume is the protection; there is no pcall around
 * it.
 */
#include "lua/runtime.h"

/* On the C stack of dispatch_message: valid until the coroutine first yields. */
struct dispatch {
  struct runtime *rt;
  const struct message *message;
  struct fault *fault;
  enum status status;
  struct event *event;
};

/* Slots of a dispatching coroutine. SLOT_FUNCTION first has what ipcMain has for the channel: a handler, or
 * an array of listeners. */
enum {
  SLOT_CATCH = 1,
  SLOT_EVENT,
  SLOT_CHANNEL,
  SLOT_FUNCTION,
  SLOT_FIRST_ARG, /* the event again: arguments follow it */
  SLOT_RESULT = SLOT_FUNCTION
};

/* A C function has LUA_MINSTACK slots from the start. */
#define FEW_ARGS 8

/* Of a handler: the first is the answer, or with nil the next two say what is wrong. */
#define MANY_RESULTS 3

/* ---- invoke ---- */

/* [-1, +1, e] */
static int get_then(lua_State *L) {
  lua_getfield(L, 1, "then");
  return 1;
}

/* Pushes the `then` of the table in SLOT_RESULT; false, with a record at the top, if looking for it raised.
 * [-0, +1, m] */
static bool push_then(lua_State *L) {
  if (lua_getmetatable(L, SLOT_RESULT)) {
    lua_pushcfunction(L, get_then);
    lua_replace(L, -2);
    lua_pushvalue(L, SLOT_RESULT);
    return lua_pcall(L, 1, 1, SLOT_CATCH) == LUA_OK;
  }
  lua_pushliteral(L, "then");
  lua_rawget(L, SLOT_RESULT);
  return true;
}

enum result { RESULT_VALUE, RESULT_THENABLE, RESULT_RAISED };

/* Whether the first result must be awaited: a table whose `then` can be called. [-0, +0, m], but for
 * RESULT_RAISED [-0, +1, m] */
static enum result kind_of_result(lua_State *L) {
  int top = lua_gettop(L);
  bool callable;
  if (lua_type(L, SLOT_RESULT) != LUA_TTABLE) return RESULT_VALUE;
  if (!push_then(L)) return RESULT_RAISED;
  callable = lua_isfunction(L, -1) || luaL_getmetafield(L, -1, "__call") != LUA_TNIL;
  lua_settop(L, top);
  return callable ? RESULT_THENABLE : RESULT_VALUE;
}

/* `return nil, "message", code` rejects with that message. [-0, +0, m] */
static void reject_returned(lua_State *L, const struct event *event) {
  lua_settop(L, SLOT_RESULT + 2);
  clone_push_error(L, "Error", NULL, NULL);
  lua_pushvalue(L, SLOT_RESULT + 1);
  lua_setfield(L, -2, "message");
  if (lua_isstring(L, SLOT_RESULT + 2)) {
    lua_pushvalue(L, SLOT_RESULT + 2);
    lua_setfield(L, -2, "code");
  }
  answer_reject(L, event->call, -1);
}

static void answer_results(lua_State *L, const struct event *event, int results) {
  if (results > 1) {
    if (lua_isnil(L, SLOT_RESULT) && lua_type(L, SLOT_RESULT + 1) == LUA_TSTRING) {
      reject_returned(L, event);
      return;
    }
    misuse_warn(L, "the handler of '%s' returned more than one result: invoke answers with the first only",
                lua_tostring(L, SLOT_CHANNEL));
  }
  if (!results) lua_pushnil(L);
  answer_value(L, event->call, SLOT_RESULT);
}

static int invoke_done(lua_State *L, int status, lua_KContext awaited);

/* The handler has ended, or with `awaited` what it returned has settled. */
static int finish_invoke(lua_State *L, struct event *event, int status, bool awaited) {
  int results = lua_gettop(L) - SLOT_RESULT + 1;
  bool raised = status != LUA_OK && status != LUA_YIELD;
  if (results > MANY_RESULTS) lua_settop(L, SLOT_RESULT + MANY_RESULTS - 1); /* they may fill the stack */
  if (!raised && !awaited && results > 0) {
    enum result kind = kind_of_result(L);
    if (kind == RESULT_THENABLE) {
      lua_settop(L, SLOT_RESULT);
      hook_push(L, "await");
      lua_insert(L, SLOT_RESULT);
      return finish_invoke(L, event, lua_pcallk(L, 1, LUA_MULTRET, SLOT_CATCH, 1, invoke_done), true);
    }
    raised = kind == RESULT_RAISED;
  }
  event->answered = true;
  if (status == LUA_YIELD) generation_scope_done(L);
  if (raised)
    answer_raised(L, event->call, -1, SLOT_CHANNEL);
  else
    answer_results(L, event, results);
  return 0;
}

static int invoke_done(lua_State *L, int status, lua_KContext awaited) {
  return finish_invoke(L, lua_touserdata(L, SLOT_EVENT), status, awaited != 0);
}

/* Takes the handler of the emitter at the top, which it pops, into SLOT_FUNCTION. */
static bool take_handler(lua_State *L) {
  bool found = emitter_handler(L, -1, SLOT_CHANNEL);
  if (found) lua_replace(L, SLOT_FUNCTION);
  lua_pop(L, 1);
  return found;
}

/* The frame's handler, or else the contents'. */
static bool take_scoped_handler(lua_State *L, const struct dispatch *d) {
  int top = lua_gettop(L);
  bool found = frame_find(L, d->message->frame) && object_ipc(L, -1) && take_handler(L);
  lua_settop(L, top);
  if (!found) found = contents_find(L, d->message->contents) && object_ipc(L, -1) && take_handler(L);
  lua_settop(L, top);
  return found;
}

static bool find_handler(lua_State *L, const struct dispatch *d) {
  struct runtime *rt = d->rt;
  if (rt->scoped_ipc && take_scoped_handler(L, d)) return true;
  if (lua_type(L, SLOT_FUNCTION) == LUA_TFUNCTION) return true;
  lua_rawgeti(L, LUA_REGISTRYINDEX, rt->ipcmain);
  return take_handler(L);
}

static int no_handler(lua_State *L, const struct dispatch *d) {
  const char *channel = lua_tostring(L, SLOT_CHANNEL);
  misuse_no_listener(L, channel);
  lua_pushfstring(L, "No handler registered for '%s'", channel);
  core_reply_error(d->rt->core, d->message->call, "Error", lua_tostring(L, -1), "ERR_NO_HANDLER");
  return 0;
}

static int run_handler(lua_State *L, const struct dispatch *d, int nargs) {
  if (!find_handler(L, d)) return no_handler(L, d);
  return finish_invoke(L, d->event, lua_pcallk(L, nargs + 1, LUA_MULTRET, SLOT_CATCH, 0, invoke_done), false);
}

/* ---- send, sync, post ---- */

static int only_done(lua_State *L, int status, lua_KContext context) {
  struct event *event = lua_touserdata(L, SLOT_EVENT);
  (void)context;
  if (status != LUA_OK && status != LUA_YIELD) {
    event->raised++;
    answer_log(L, -1, "listener for", SLOT_CHANNEL);
  } else if (event->sync && !lua_isnil(L, -1) && core_call_pending(runtime_of(L)->core, event->call)) {
    misuse_returned(L, lua_tostring(L, SLOT_CHANNEL));
  }
  event->running--;
  if (status == LUA_YIELD) generation_scope_done(L);
  if (event->sync) dispatch_settle(L, event, SLOT_EVENT);
  return 0;
}

/* Starts each listener that `emitter` (at the top, popped) has for the channel at `channel`. Arguments:
 * event, [name], args. [-1, +0, m] */
static void start_listeners(lua_State *L, int channel, int nargs, bool named) {
  int emitter = lua_gettop(L), count = emitter_listeners(L, emitter, channel);
  if (count && ((const struct event *)lua_touserdata(L, SLOT_EVENT))->sync)
    event_set_channel(L, SLOT_EVENT, SLOT_CHANNEL);
  for (int i = 1; i <= count; i++) {
    lua_rawgeti(L, emitter + 1, i);
    if (!emitter_unwrap(L, emitter)) continue;
    luaL_checkstack(L, nargs + 4, "too many arguments");
    lua_pushvalue(L, SLOT_EVENT);
    if (named) lua_pushvalue(L, SLOT_CHANNEL);
    for (int arg = 0; arg < nargs; arg++) lua_pushvalue(L, SLOT_FIRST_ARG + 1 + arg);
    task_start_listener(L, nargs + 1 + named);
  }
  lua_settop(L, emitter - 1);
}

static void start_scoped(lua_State *L, struct dispatch *d, int nargs) {
  int top = lua_gettop(L);
  if (contents_find(L, d->message->contents)) {
    lua_pushstring(L, d->message->kind == MESSAGE_SYNC ? "ipc-message-sync" : "ipc-message");
    lua_insert(L, -2);
    if (d->message->kind != MESSAGE_POST) start_listeners(L, lua_gettop(L) - 1, nargs, true);
  }
  lua_settop(L, top);
  if (frame_find(L, d->message->frame) && object_ipc(L, -1)) start_listeners(L, SLOT_CHANNEL, nargs, false);
  lua_settop(L, top);
  if (contents_find(L, d->message->contents) && object_ipc(L, -1))
    start_listeners(L, SLOT_CHANNEL, nargs, false);
  lua_settop(L, top);
}

void dispatch_settle(lua_State *L, struct event *event, int index) {
  struct runtime *rt = runtime_of(L);
  if (!event->settling || !core_call_pending(rt->core, event->call)) return;
  if (event->running || event->raised < event->started) {
    event_guard(L, index);
    return;
  }
  core_reply_error(rt->core, event->call, "Error",
                   event->started ? "every listener raised an error; the host's log has them"
                                  : "no listener answered",
                   event->started ? "ERR_NO_REPLY" : "ERR_NO_LISTENER");
}

static int settle_all(lua_State *L, struct dispatch *d) {
  struct event *event = d->event;
  if (!event->started) {
    misuse_no_listener(L, lua_tostring(L, SLOT_CHANNEL));
    ports_drop(d->rt->core, d->message->ports, d->message->port_count);
  }
  if (!event->sync) return 0;
  if (!event->started) {
    lua_pushfstring(L, "No listener registered for '%s'", lua_tostring(L, SLOT_CHANNEL));
    core_reply_error(d->rt->core, event->call, "Error", lua_tostring(L, -1), "ERR_NO_LISTENER");
    return 0;
  }
  event->settling = true;
  dispatch_settle(L, event, SLOT_EVENT);
  return 0;
}

/* The usual case: ipcMain's only listener, in SLOT_FUNCTION, runs in this very coroutine. */
static int run_only(lua_State *L, struct dispatch *d, int nargs) {
  struct event *event = d->event;
  event->started = event->running = 1;
  event->settling = true;
  return only_done(L, lua_pcallk(L, nargs + 1, 1, SLOT_CATCH, 0, only_done), 0);
}

/* Takes the only listener of the array in SLOT_FUNCTION there, if it is a function and no once wrapper. */
static bool take_only(lua_State *L) {
  if (lua_type(L, SLOT_FUNCTION) != LUA_TTABLE || lua_rawlen(L, SLOT_FUNCTION) != 1) return false;
  if (lua_rawgeti(L, SLOT_FUNCTION, 1) == LUA_TFUNCTION) {
    lua_replace(L, SLOT_FUNCTION);
    return true;
  }
  lua_pop(L, 1);
  return false;
}

static int run_listeners(lua_State *L, struct dispatch *d, int nargs) {
  struct runtime *rt = d->rt;
  if (rt->scoped) start_scoped(L, d, nargs);
  if (!d->event->started && take_only(L))
    return run_only(L, d, nargs); /* else what it has may be another by now */
  lua_rawgeti(L, LUA_REGISTRYINDEX, rt->ipcmain);
  start_listeners(L, SLOT_CHANNEL, nargs, false);
  return settle_all(L, d);
}

/* ---- the base of a dispatching coroutine ---- */

/* Its upvalues, which are nearer than the registry. */
enum { UP_HANDLERS = 1, UP_LISTENERS, UP_EVENTS, UPVALUES = UP_EVENTS };

static int dispatch_base(lua_State *L) {
  struct runtime *rt = runtime_of(L);
  struct dispatch *d = rt->dispatch;
  const struct message *m = d->message;
  bool invoke = m->kind == MESSAGE_INVOKE;
  int nargs;
  lua_pushcfunction(L, answer_catch);
  d->event = event_push(L, m);
  lua_pushvalue(L, lua_upvalueindex(UP_EVENTS));
  lua_setmetatable(L, -2);
  lua_pushlstring(L, (const char *)m->channel.data, m->channel.len);
  lua_pushvalue(L, SLOT_CHANNEL);
  lua_rawget(L, invoke ? lua_upvalueindex(UP_HANDLERS) : lua_upvalueindex(UP_LISTENERS));
  lua_pushvalue(L, SLOT_EVENT);
  nargs = m->kind == MESSAGE_POST ? clone_decode(L, m->payload, &rt->clone, d->fault)
                                  : clone_decode_list(L, m->payload, &rt->clone, d->fault);
  if (nargs < 0) {
    d->status = d->fault->status;
    return 0;
  }
  if (m->port_count) event_set_ports(L, SLOT_EVENT, m->ports, m->port_count);
  if (nargs > FEW_ARGS) luaL_checkstack(L, LUA_MINSTACK, "too many arguments");
  return invoke ? run_handler(L, d, nargs) : run_listeners(L, d, nargs);
}

void dispatch_open(lua_State *L) {
  struct runtime *rt = runtime_of(L);
  lua_rawgeti(L, LUA_REGISTRYINDEX, rt->handlers);
  lua_rawgeti(L, LUA_REGISTRYINDEX, rt->listeners);
  lua_rawgeti(L, LUA_REGISTRYINDEX, rt->events);
  lua_pushcclosure(L, dispatch_base, UPVALUES);
  rt->dispatcher = luaL_ref(L, LUA_REGISTRYINDEX);
}

/* [-2, +0, m] with the coroutine's event, or nil where nobody waits for an answer, and the coroutine: it
 * waits now, and may wait for ever. */
static int note_waiting(lua_State *L) {
  if (!lua_isnil(L, 1)) event_guard(L, 1);
  generation_scope_suspended(L);
  return 0;
}

/* Pushes what a suspended coroutine's base has in the slot: indices are those of the function that yielded,
 * so the frame is looked for. [-0, +1, -], or false and nothing */
static bool push_base_slot(lua_State *co, int slot) {
  lua_Debug frame;
  int low = 0, high = 1;
  if (!lua_checkstack(co, 1)) return false;
  for (; lua_getstack(co, high, &frame); high *= 2) low = high;
  while (high - low > 1) {
    int middle = low + (high - low) / 2;
    if (lua_getstack(co, middle, &frame))
      low = middle;
    else
      high = middle;
  }
  return lua_getstack(co, low, &frame) && lua_getlocal(co, &frame, slot) != NULL;
}

/* Pushes the event of the coroutine, if somebody waits for the answer, or nil. [-0, +1, -], or false and
 * nothing */
static bool push_event(struct dispatch *d, lua_State *L, lua_State *co) {
  if (!d->message->call || !core_call_pending(d->rt->core, d->message->call)) {
    lua_pushnil(L);
    return true;
  }
  if (!push_base_slot(co, SLOT_EVENT)) return false;
  lua_xmove(co, L, 1);
  return d->event == lua_touserdata(L, -1);
}

/* The coroutine has yielded: nothing anchors it any longer, so it and its event are taken before anything is
 * allocated. False when memory is short. */
static bool take_waiting(struct dispatch *d, lua_State *co) {
  lua_State *L = d->rt->generation->L;
  int top = lua_gettop(L);
  bool fine = false;
  if (lua_checkstack(L, 4) && lua_checkstack(co, 1) && push_event(d, L, co)) {
    lua_pushthread(co);
    lua_xmove(co, L, 1);
    lua_pushcfunction(L, note_waiting);
    lua_insert(L, -3);
    fine = lua_pcall(L, 2, 0, 0) == LUA_OK;
  }
  lua_settop(L, top);
  return fine;
}

static void after_run(struct dispatch *d, const struct task *task, int status) {
  struct core *core = d->rt->core;
  uint64_t call = d->message->call;
  if (status == LUA_OK || (status == LUA_YIELD && take_waiting(d, task->co))) return;
  if (call && core_call_pending(core, call))
    core_reply_error(core, call, "Error", "not enough memory", "ERR_LIMIT_MEMORY");
}

enum status dispatch_message(struct runtime *rt, const struct message *message, struct fault *fault) {
  struct dispatch d = {.rt = rt, .message = message, .fault = fault};
  lua_State *L = rt->generation->L;
  struct task task;
  lua_Integer scope;
  generation_begin(rt->generation);
  scope = generation_scope_begin(rt->generation);
  if (task_take(rt, L, &task)) {
    lua_pushvalue(task.co, TASK_DISPATCHER);
    rt->dispatch = &d;
    after_run(&d, &task, task_run(rt, L, &task, 0, "dispatch"));
  } else {
    core_reply_error(rt->core, message->call, "Error", "not enough memory", "ERR_LIMIT_MEMORY");
  }
  rt->generation->scope = scope;
  generation_leave(rt->generation);
  return d.status;
}
