/*
 * runtime: what the Lua border keeps beside a generation: the core that it speaks for, the pool of
 * coroutines, the objects that scripts hold, guards. Private to host/lua; each part below has a file of its
 * own.
 */
#ifndef IPCHOST_LUA_RUNTIME_H
#define IPCHOST_LUA_RUNTIME_H

#include <lauxlib.h>

#include "ipc/core.h"
#include "lua/children.h"
#include "lua/clone.h"
#include "lua/emitter.h"
#include "lua/generation.h"
#include "lua/generations.h"

/* A pooled coroutine; `slot` is where the thread table anchors it. */
struct task {
  lua_State *co;
  lua_Integer slot;
};

#define SCRATCHES 4

struct runtime {
  struct core *core;
  struct generation *generation;
  struct clone_limits clone;
  bool dev;
  struct generations *generations; /* which this is one of */
  bool beside;                     /* it loads while another one serves: what it sends and asks is held */
  bool retired;                    /* another one serves now */
  uint64_t number;                 /* of this generation */
  int held;                        /* registry reference: functions to be called once it serves */
  bool ready;                      /* the scripts are loaded */
  struct buf scratch[SCRATCHES];   /* scratch.c */
  unsigned scratch_used;
  struct task *tasks; /* free ones */
  size_t task_count, task_cap;
  int threads;               /* registry reference: slot -> thread */
  lua_Integer slots;         /* slots given out so far */
  int events;                /* registry reference: the metatable of events, found faster than by a key */
  int ipcmain, app;          /* registry references: the emitters */
  int handlers, listeners;   /* registry references: ipcMain's tables */
  int dispatcher;            /* the same: what every free coroutine has at its bottom */
  struct dispatch *dispatch; /* dispatch.c: the message whose coroutine is about to be resumed */
  int contents, frames;      /* registry references: id -> object of the living, made when first asked for */
  int dead;                  /* registry reference: weak, id string -> object of the destroyed */
  int pending;               /* registry reference: weak, call -> event of calls whose handler waits */
  int signals;               /* registry reference: call -> signal of calls that an abort may still end */
  int hooks;                 /* registry reference: functions of the prelude by name */
  uint64_t encoded;          /* messages encoded to be sent */
  bool draining;             /* somebody waits for a slow reader */
  int asks;                  /* registry reference: functions of ask.lua; 0 until one is needed */
  int asked;                 /* registry reference: its table of those that are not answered, by id */
  int warned;                /* registry reference: set of warnings given, by text */
  unsigned warnings;         /* how many they are */
  size_t scoped;             /* living contents and frame objects: 0 keeps dispatch off them */
  size_t scoped_ipc;         /* those of them whose `ipc` was asked for */
  size_t anchored;           /* signals in that table */
  size_t guards;             /* living guards: while above 0 the idle host collects */
  uint64_t *lost;            /* calls whose guard was collected, to be answered outside of the collector */
  size_t lost_count, lost_cap;
  int ports;            /* registry reference: weak, id -> port object */
  int started_ports;    /* registry reference: id -> those that were started and are open */
  size_t port_objects;  /* living */
  size_t loose_ports;   /* those of them that are closed when nobody holds them */
  uint64_t *lost_ports; /* ends whose object was collected, to be closed outside of the collector */
  size_t lost_port_count, lost_port_cap;
  int children; /* registry reference: id -> object, until it was told of the process's end */
  const struct child_ops *child_ops; /* borrowed, with child_user */
  void *child_user;
  const char *base;         /* the config's folder */
  struct slice settings;    /* app.settings as a value document */
  const luaL_Reg *modules;  /* what else scripts may require */
  void (*quit)(void *user); /* app.quit */
  void *user;
};

static inline struct runtime *runtime_of(lua_State *L) {
  return generation_of(L)->options.user;
}

/* ---- task.c: listeners and handlers each run in a coroutine from a pool ---- */

/* The index in a free coroutine of what dispatch_open has made: all that is on its stack. */
#define TASK_DISPATCHER 1

/* Takes a free coroutine; false when there is none and none can be made. Anchored until task_run. */
bool task_take(struct runtime *runtime, lua_State *from, struct task *out);
/* Resumes it with the function and `nargs` arguments on its stack; then it is free again, or forgotten if it
 * has yielded or died. Returns lua_resume's status. An error is logged (`where`). */
int task_run(struct runtime *runtime, lua_State *from, struct task *task, int nargs, const char *where);
void tasks_deinit(struct runtime *runtime);
/* emitter_start_fn: starts one listener in a coroutine of its own. [-(1+nargs), +0, m] */
void task_start_listener(lua_State *L, int nargs);

/* ---- hold.c: what a generation does to others while it loads beside another one, put off until it serves
 * ---- */

/* Puts the function at the top off. [-1, +0, m] */
void hold_push(lua_State *L);
/* Makes a closure of the function and the values from `first` to the top, and puts it off. [-n, +0, m] */
void hold_closure(lua_State *L, lua_CFunction fn, int first);
/* Calls them in order; errors are logged. [-0, +0, m] */
void hold_release(lua_State *L);

/* ---- hot.c: the functions behind `hot`, and reports ---- */

/* Pushes what hot.lua and the prelude call: a table. [-0, +1, m] */
void hot_push_functions(lua_State *L);
/* Runs the hot.dispose functions; then packs the state into *out, which is the caller's and stays empty where
 * there is none. Lua must not run. */
void hot_leave(struct runtime *runtime, struct buf *out);
/* Fills hot.data and what hot.persist gave with what the one before has left. Lua must not run. */
void hot_take_over(struct runtime *runtime, struct slice state);
/* Settles the promises of app.reload, and tells those who listen for a failure. Lua must not run. */
void hot_report(struct runtime *runtime, const struct reload_report *report);

/* ---- event.c: the first argument of listeners and handlers ---- */

struct event {
  uint64_t call; /* 0: nobody waits for an answer */
  uint64_t process, frame, node, contents;
  uint32_t started, raised, running; /* listeners of a sync */
  bool sync, invoke;
  bool settling; /* all listeners were started: the last to end looks whether there is an answer */
  bool guarded;
  bool answered; /* its handler has ended */
  uint8_t abort; /* 1 + enum abort_reason once aborted */
};

/* User value 1 of an event: nil, or a table of what was made for it: guard, signal, ... */
/* Without its metatable, which the caller has at hand. */
struct event *event_push(lua_State *L, const struct message *message); /* [-0, +1, m] */
/* The event at the index, or NULL. [-0, +0, -] */
struct event *event_at(lua_State *L, int index);
/* Gives the event at the index its ports, as objects. [-0, +0, m] */
void event_set_ports(lua_State *L, int index, const uint64_t *ids, size_t count);
/* Has the event at the index know its channel, for warnings. [-0, +0, m] */
void event_set_channel(lua_State *L, int index, int channel);
/* Pushes two values of which the last is that; NULL if it knows none. [-0, +2, m] */
const char *event_push_channel(lua_State *L, int index);
/* Gives the event at the index a guard: when nothing holds the event any longer, the call is answered with
 * ERR_NO_REPLY. Idempotent. [-0, +0, m] */
void event_guard(lua_State *L, int index);
/* Aborts the event of the call, if there is one: sets its signal off, if one was asked for. [-0, +0, e] */
void event_abort(lua_State *L, uint64_t call, enum abort_reason reason);
/* Lets go of the signals whose call was answered. [-0, +0, -] */
void event_release_signals(lua_State *L);
void event_open(lua_State *L); /* makes the metatables; [-0, +0, m] */

#define RETIRED_TEXT "the scripts were reloaded before this was answered"
#define RETIRED_CODE "ERR_GENERATION_RETIRED"
/* How many dispatches are not over: coroutines that wait, and calls without an answer. [-0, +0, m] */
size_t event_count_awaited(lua_State *L);
/* Sets off the signals of the calls that wait for an answer, and rejects them. [-0, +0, e] */
void event_retire_all(lua_State *L);

/* ---- dispatch.c ---- */

void dispatch_open(lua_State *L); /* after all that it looks up; [-0, +0, m] */
enum status dispatch_message(struct runtime *runtime, const struct message *message, struct fault *fault);
/* Ends one listener of a sync call: answers it when nobody is left who could. [-0, +0, m] */
void dispatch_settle(lua_State *L, struct event *event, int index);

/* ---- scratch.c: memory for encodings on their way out ---- */

/* An empty buffer, the caller's until scratch_give; one that an error leaves behind is taken back when Lua is
 * left.
 * [-0, +0, v] */
struct buf *scratch_take(lua_State *L);
void scratch_give(lua_State *L, struct buf *scratch); /* [-0, +0, -] */
/* ST_OK, or ST_LIMIT with `fault` filled when a packet of it and that channel would be over limits.packet. */
enum status scratch_fits(lua_State *L, const struct buf *scratch, size_t channel, struct fault *fault);
/* Takes back all; Lua must not run. */
void scratch_reset(struct runtime *runtime);
void scratch_deinit(struct runtime *runtime);

/* ---- answer.c: results and errors on their way back ---- */

/* Pushes the error that a fault of the clone or of scratch_fits is to a script. [-0, +1, m] */
void answer_push_fault(lua_State *L, const struct fault *fault);

/* Message handler for lua_pcallk: replaces the error by a record of it and its traceback. [-1, +1, m] */
int answer_catch(lua_State *L);
/* Answers with the value at the index. One that cannot be cloned rejects. [-0, +0, m] */
void answer_value(lua_State *L, uint64_t call, int index);
enum status answer_set(lua_State *L, uint64_t call, int index,
                       struct fault *fault); /* the same; the caller says what is wrong */
/* Rejects with the error value at the index. [-0, +0, m] */
void answer_reject(lua_State *L, uint64_t call, int index);
/* Rejects with the error that lua_pcallk left at the index, and logs it: a record, or what Lua gives in its
 * stead when it has no memory for one. [-0, +0, m] */
void answer_raised(lua_State *L, uint64_t call, int record, int channel);
/* Logs the same: "Error occurred in <what> 'channel': ..." with the traceback; `channel` is an
 * index or 0. [-0, +0, m] */
void answer_log(lua_State *L, int record, const char *what, int channel);

/* ---- misuse.c ---- */

/* Warns once per text. [-0, +0, m] */
void misuse_warn(lua_State *L, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A listener of the channel (NULL: it is not known) returned a value to sendSync. [-0, +0, m] */
void misuse_returned(lua_State *L, const char *channel);
/* Nobody listens to (or handles) the channel: says so once, and what is near. [-0, +0, m] */
void misuse_no_listener(lua_State *L, const char *channel);
/* Raises "<class> has no field '<key>'; did you mean '<nearest>'?". `names` is a NULL-terminated list. [-0,
 * +0, v] */
int misuse_no_field(lua_State *L, const char *class_name, const char *key, const char *const *names);
/* Has a read of a field that the table at the top (known as `name`) does not have raise the same. [-0, +0, m]
 */
void misuse_explain_fields(lua_State *L, const char *name);
/* The string at `index`, or raises at level 2 `Missing required channel argument`. [-0, +0, v] */
struct slice misuse_channel(lua_State *L, int index);

/* ---- contents_object.c, frame_object.c, and what they share: object.c ---- */

#define CONTENTS_CLASS "ipchost.webContents"
#define FRAME_CLASS "ipchost.webFrameMain"
#define APP_CLASS "ipchost.app"
#define CHILD_CLASS "ipchost.child"
#define IPC_CLASS "ipchost.ipcMain" /* the one class of ipcMain, contents.ipc and frame.ipc */

#define OBJECT_IPC (EMITTER_UV + 1) /* the user value that holds it */

struct contents_object {
  struct emitter emitter;
  uint64_t id;
};
struct frame_object {
  struct emitter emitter;
  uint64_t process, id, node;
  char token[FRAME_TOKEN_LEN + 1];
};
/* Pushes the one object of that id, made when it is not there yet. [-0, +1, m] */
void contents_push(lua_State *L, uint64_t id);
void frame_push(lua_State *L, uint64_t id);
/* Pushes the scoped `ipc` emitter of the object at the index if it was ever asked for; else pushes nothing
 * and returns false. [-0, +(0|1), -] */
bool object_ipc(lua_State *L, int index);
/* Pushes that of the object at index 1, made if need be. True if it was: the caller counts it in scoped_ipc
 * when what the object names lives, which a finalizer may have ended meanwhile. [-0, +1, m] */
bool object_make_ipc(lua_State *L, const char *name);
/* Pushes the living object of that id if scripts have one; else nothing. [-0, +(0|1), -] */
bool contents_find(lua_State *L, uint64_t id);
bool frame_find(lua_State *L, uint64_t id);
/* Moves the object, if any, to the dead. [-0, +0, m] */
void contents_bury(lua_State *L, uint64_t id);
void frame_bury(lua_State *L, uint64_t id);
void contents_class_open(lua_State *L); /* [-0, +0, m] */
void frame_class_open(lua_State *L);    /* [-0, +0, m] */
bool object_find(lua_State *L, int table,
                 lua_Integer key); /* pushes what registry table `table` has there: [-0, +(0|1), -] */
void object_keep(lua_State *L, int table,
                 lua_Integer key); /* stores the object at the top there: [-0, +0, m] */
/* Moves an object from the table to the dead, under `dead_key`; it is scoped no longer. [-0, +0, m] */
void object_bury(lua_State *L, int table, lua_Integer key, lua_Integer dead_key);
/* Encodes channel and arguments from `first` on and sends them to a frame; pushes true, or false and a
 * reason, and returns how many. [-0, +(1|2), e] */
/* Of objects of every class: the index function's method table, made from a luaL_Reg under a registry key;
 * the methods' upvalue is what scripts call such an object. [-0, +1, m] */
void methods_push(lua_State *L, const void *key, const luaL_Reg *methods, const char *kind);
int send_to_frame(lua_State *L, uint64_t frame, int channel, int first);
/* Encodes one value for a packet that has `beside` bytes more; the caller gives the buffer back. [-0, +0, v]
 */
struct buf *encode_message(lua_State *L, size_t beside, int message);
/* The arguments from `first` to the top. [-0, +0, v] */
struct buf *encode_arguments(lua_State *L, size_t beside, int first);
/* The same to the main frame of every contents but `except`, the arguments following the channel; pushes the
 * count. [-0, +1, e] */
int broadcast(lua_State *L, uint64_t except, int channel);

/* ---- navigation.c ---- */

/* Emits what its frame's new document, or in the page its new URL, means for a contents. [-0, +0, m] */
void navigation_emit(lua_State *L, const struct frame *frame, bool in_page);

/* ---- port_object.c ---- */

#define PORT_CLASS "ipchost.MessagePortMain"

/* Pushes a new object for an end that is at the scripts, which it owns from then on. [-0, +1, m] */
void port_push(lua_State *L, uint64_t id);
void port_push_list(lua_State *L, const uint64_t *ids, size_t count); /* a table of them: [-0, +1, m] */
/* postMessage of contents and frames: channel, message and transfer list stand from `channel` on; pushes
 * true, or false and a reason, and returns how many. [-0, +(1|2), e] */
int post_to_frame(lua_State *L, uint64_t frame, int channel);
void port_class_open(lua_State *L); /* pushes MessageChannelMain: [-0, +1, m] */
/* What the core tells, as struct border says. */
bool port_message(struct runtime *runtime, uint64_t port, struct slice payload, const uint64_t *ids,
                  size_t count);
void port_closed(struct runtime *runtime, uint64_t port);
void port_has_drained(struct runtime *runtime, uint64_t port);
/* True if a script of this generation has that end. */
bool port_is_of(struct runtime *runtime, uint64_t port);
/* port(value): the id of a port that can be transferred, or nil. release(port): takes its end from one; the
 * id, or nil. adopt(id): a new port. */
int port_id(lua_State *L);
int port_release(lua_State *L);
int port_adopt(lua_State *L);

/* ---- drain.c: waiting for slow readers ---- */

/* drained() of contents and frames: pushes a promise that resolves when half of limits.outbound or less waits
 * for the frame, and rejects when that is gone. [-0, +1, e] */
int drain_push(lua_State *L, uint64_t frame);
/* As in struct border. */
void drain_happened(struct runtime *runtime, uint64_t process);
void drain_frame_gone(lua_State *L, uint64_t frame); /* [-0, +0, e] */

/* ---- ask.c: calls of renderers ---- */

/* Methods of contents and frames: invoke(channel, ...) gives a promise, with(options) what has an invoke. */
int ask_invoke(lua_State *L);
int ask_with(lua_State *L);
/* Settles the promise of an ask; as in struct border. */
enum status ask_answered(struct runtime *runtime, uint64_t ask, bool fine, struct slice payload,
                         struct fault *fault);
void ask_unanswered(struct runtime *runtime, uint64_t ask, enum ask_result why);
/* True if this generation waits for it. */
bool ask_is_of(struct runtime *runtime, uint64_t ask);
/* Gives all of them up. [-0, +0, e] */
void ask_cancel_all(lua_State *L);

/* emitter_warn_fn: logs it with a traceback. [-0, +0, m] */
void warn_traceback(lua_State *L, const char *text);

/* ---- child_object.c ---- */

void child_class_open(lua_State *L);     /* [-0, +0, m] */
void child_push_functions(lua_State *L); /* what spawn.lua calls: a table; [-0, +1, m] */
/* As scripts_child_output and scripts_child_ended. */
bool child_output(struct runtime *rt, uint64_t id, bool error, struct slice bytes);
void child_ended(struct runtime *rt, uint64_t id, int code, int signal);
/* True if scripts of this generation have it. */
bool child_is_of(struct runtime *rt, uint64_t id);

/* ---- modules.c: the globals ipcMain, webContents, webFrameMain, app, ipc ---- */

/* Builds them all and sets the globals. [-0, +0, e] */
void modules_open(lua_State *L);
/* Pushes the prelude's function of that name. [-0, +1, m] */
void hook_push(lua_State *L, const char *name);

#endif
