/*
 * emitter: Node's EventEmitter as a Lua userdata, and the invoke handlers beside it: the one class of
 * ipcMain, contents.ipc, frame.ipc, and (without handlers) of app, contents, ports and children. It keeps
 * registrations and finds them; it starts nothing itself: running a listener in a coroutine is the business
 * of the `start` function that the border installs.
 *
 * A listener array is immutable once stored: on/off replace it, so that an emit in progress keeps its
 * snapshot. An entry is a function, or a once wrapper: a callable table with `.listener`.
 */
#ifndef IPCHOST_LUA_EMITTER_H
#define IPCHOST_LUA_EMITTER_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

enum emitter_flags {
  EMITTER_HANDLERS = 1, /* handle, handleOnce, removeHandler, handlers, getHandler exist */
  EMITTER_DOT = 2       /* a module: methods may be called with a dot as well as a colon */
};

/* At the front of the userdata, which the owner may extend: `struct contents_object { struct emitter emitter;
 * ... }`. */
struct emitter {
  void *owner; /* what the coroutine that has made it belongs to: its extra space */
  unsigned flags;
  unsigned listeners; /* total of listeners on all channels */
  unsigned handlers;
  unsigned order;       /* counts first registrations, for eventNames */
  double max_listeners; /* on one channel before a warning; 0: any number */
  char name[24];        /* "ipcMain", "app", ... for messages */
};

/*
 * Starts one listener: stack on entry [..., listener, arg1 .. argN] at the top; pops them all. `emitter`
 * events other than IPC messages come through here too. It never raises for an error of the listener: it logs
 * it. [-(1+nargs), +0, m]
 */
typedef void (*emitter_start_fn)(lua_State *L, int nargs);
/* Logs a warning with a traceback of L (max listeners). */
typedef void (*emitter_warn_fn)(lua_State *L, const char *text);
/* Installs both for the state. Until then listeners are simply called and an error is raised to the emitter.
 */
void emitter_setup(lua_State *L, emitter_start_fn start, emitter_warn_fn warn);

/* Where coroutines of several owners have one state: called before an object is used in a coroutine of
 * another owner; has that belong to it, or raises. [-0, +0, v] */
typedef void (*emitter_switch_fn)(lua_State *L, void *owner);
void emitter_on_switch(lua_State *L, emitter_switch_fn fn);
/* Calls it if need be. */
void emitter_switch_slow(lua_State *L, void *owner);
static inline void emitter_switch(lua_State *L, void *owner) {
  if (*(void **)lua_getextraspace(L) != owner) emitter_switch_slow(L, owner);
}

/*
 * Pushes a new userdata of `size` bytes (at least sizeof(struct emitter); zeroed past it), with `uservalues`
 * user values beyond the emitter's own EMITTER_UV, and sets a metatable that is made once per `type_name`
 * (luaL_newmetatable) by emitter_class. [-0, +1, m]
 */
enum {
  EMITTER_UV = 4
}; /* 1: channel -> listener array; 2: channel -> order; 3: channel -> handler; 4: bound methods */
struct emitter *emitter_new(lua_State *L, size_t size, int uservalues, const char *type_name,
                            const char *name, unsigned flags);
/*
 * Creates (once) and pushes the metatable for `type_name`, whose __index finds the EventEmitter methods (and
 * the handler methods with EMITTER_HANDLERS), after asking `index` (may be NULL): a lua_CFunction called as
 * index(ud, key), without upvalues of its own, that returns one non-nil value if it knows the key. A method
 * called on something else raises "contents.on was called with '.'; write contents:on(channel, listener)"
 * unless EMITTER_DOT. A key that nobody knows raises "app has no field 'qiut'; did you mean 'quit'?". [-0,
 * +1, m]
 */
void emitter_class(lua_State *L, const char *type_name, unsigned flags, lua_CFunction index);
/* Tells the class whose metatable is at the top the names that `index` knows, a NULL-terminated array, for
 * "did you mean". All of a class's names are in the metatable's `__fields`. [-0, +0, m] */
void emitter_class_names(lua_State *L, const char *const *names);

/* The emitter at `index`, or NULL if it is none. [-0, +0, -] */
struct emitter *emitter_at(lua_State *L, int index);

/*
 * Pushes the listener array for the channel string at `channel` (an index) and returns its count, or pushes
 * nothing and returns 0. The emitter's own events newListener and removeListener are not found by their
 * names, so that a renderer's channel of such a name sets nothing off.
 * [-0, +(1|0), -]
 */
int emitter_listeners(lua_State *L, int emitter, int channel);
/* From an array entry at the top to the function to call: for a once wrapper, removes it from the emitter
 * first (idempotent: false if it has run already and must not run again; pops the entry then). [-0, +0, e]
 * replaces the top, or [-1, +0, e]. */
bool emitter_unwrap(lua_State *L, int emitter);
/* Pushes the handler function for the channel string at index `channel`, removing it first if it was
 * registered with handleOnce; false and nothing pushed if there is none. [-0, +(1|0), m] */
bool emitter_handler(lua_State *L, int emitter, int channel);

/* Pushes the table of the handlers, channel -> function or once wrapper, and that of the listeners, channel
 * -> array: the same tables for the emitter's life, for a dispatcher that must look up fast. [-0, +1, m] */
void emitter_push_handlers(lua_State *L, int emitter);
void emitter_push_listeners(lua_State *L, int emitter);

/* Emits `event` with the `nargs` values on the top of the stack, which it pops, to the listeners in order,
 * through the start function; returns how many there were. The emitter's index is absolute. [-nargs, +0, m]
 */
int emitter_emit(lua_State *L, int emitter, const char *event, int nargs);

#endif
