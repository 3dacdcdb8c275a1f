/*
 * core_host: a host within a lua_State that is somebody else's, for the test kit: the core and the Lua border
 * as in the program, but in process: the scripts' globals are a table (an environment), the clock stands
 * still until it is advanced, renderers are links in memory, and nothing is read or written.
 *
 * Its userdata stays until the state is closed: what scripts made (events, ports, coroutines) may be held by
 * a spec for as long, and names it.
 */
#ifndef IPCHOST_CORE_HOST_H
#define IPCHOST_CORE_HOST_H

#include <lauxlib.h>

#include "base/list.h"
#include "lua/generations.h"

struct core_host {
  uv_loop_t loop; /* of the border's timers; luv's is the state's own */
  uv_async_t keep;
  struct clock clock;
  struct limits limits;
  struct log *log;
  struct buf
      lines; /* what was logged and not taken: struct core_host_line and its texts, one after another */
  struct core core;
  struct core_generation *made; /* the latest; by `before` the others */
  lua_Integer made_count;
  struct generations *scripts; /* NULL before it is opened */
  struct list links;
  lua_State *thread;      /* what the border runs in; anchored */
  int self, make, anchor; /* registry references: userdata, function that makes environments, thread */
  char *base;             /* app.getAppPath */
  struct buf settings;    /* a value document */
  enum { LOADING, LOADED, FAILED } loaded;
  uint64_t due; /* ns: when the core has something to do; 0: nothing */
  bool opened, closed, quitting;
};

/* An environment; it stays for as long as the host's userdata. */
struct core_generation {
  struct generation generation; /* first */
  struct core_generation *before;
  lua_Integer number;      /* from 1, in the order in which they were made */
  int env, finish, anchor; /* registry references: environment, finish(hooks), thread */
};

/* ---- core_host.c ---- */

/* Sets the constructor in the table at the top; for a state that is not a host's own. [-0, +0, m] */
void core_host_open(lua_State *L);
struct core_host *core_host_check(lua_State *L, int index); /* [-0, +0, v] */

/* ---- core_host_generation.c: the environment as a generation ---- */

extern const struct generation_kind core_host_generation;
/* The same for a coroutine that may be a script's, or the spec's: raises inside of another host's scripts.
 * [-0, +0, v] */
void core_host_switch(lua_State *L, struct core_host *self);
/* The generation that serves, or else the latest. */
struct generation *core_host_serving(const struct core_host *self);
/* True while scripts are on the stack. */
bool core_host_inside(const struct core_host *self);
/* Has what runs in `co` belong to the host: the border finds it by the coroutine. [-0, +0, -] */
static inline void core_host_bind(struct core_host *self, lua_State *co) {
  *(struct generation **)lua_getextraspace(co) = core_host_serving(self);
}

/* ---- core_host_link.c ---- */

/* host:connect(origin): a link, whose methods are write, take and close. */
int core_host_connect(lua_State *L);
void core_host_link_open(lua_State *L); /* its class; [-0, +0, m] */
/* Ends all links; those of the far side notice. */
void core_host_end_links(struct core_host *self);

#endif
