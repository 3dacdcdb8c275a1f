/*
 * generation: one load of the scripts: a lua_State with its own allocator and its own uv_loop_t, driven by a
 * uv_poll on its backend descriptor and one outer timer. The one protected way into Lua is here, and
 * `running`, which says what Lua runs now. It knows no session and no frame; what it offers to scripts beyond
 * luv and the standard libraries is added by `setup`.
 */
#ifndef IPCHOST_LUA_GENERATION_H
#define IPCHOST_LUA_GENERATION_H

#include <lua.h>
#include <stdbool.h>
#include <uv.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/status.h"
#include "lua/allocator.h"

struct generation_options {
  uv_loop_t *outer;            /* the host's loop */
  struct log *log;             /* borrowed */
  const struct limits *limits; /* borrowed */
  struct clock *clock;         /* borrowed */
  const char *base;            /* the config's folder, absolute */
  const char *const *scripts;  /* absolute paths of the entries, in order; NULL-terminated */
  bool generational;           /* gc = "generational" */
  bool dev;
  lua_CFunction setup; /* called once in the new state, with `user` as a lightuserdata, before any script: the
                          globals */
  void *user;
  /* After the outermost leave of Lua, outside protection: e.g. to flush what was written, to step the
   * collector. */
  void (*left)(void *user);
  void (*closed)(
      void *user); /* after generation_close, when the state is gone; the struct is freed after it */
};

struct generation {
  lua_State *L; /* the main state; script code runs in coroutines made from it */
  struct generation_options options;
  struct allocator allocator;
  lua_State *running; /* the coroutine that runs now, or NULL; kept right by resume, wrap and close */
  uint64_t serial;    /* of entries into Lua */
  unsigned depth;     /* entries in progress */
  bool microtasks;    /* the scheduler of rocks/async has work: drained before the outermost leave */
  bool closing;

  /* generation_loop.c: the inner loop and what drives it */
  uv_loop_t loop;       /* luv's */
  uv_async_t keep;      /* in the inner loop: referenced where it must run although nothing in it is */
  uv_poll_t poll;       /* on the inner loop's backend descriptor */
  uv_timer_t timer;     /* when the inner loop next wants to run */
  uv_prepare_t prepare; /* runs the inner loop once before the outer one blocks, if Lua ran */
  bool inner_dirty;     /* Lua ran since the inner loop was last run */
  unsigned handles;     /* outer handles still open while closing */
  void (*emptied)(struct generation *generation);

  /* registry references of what rocks/ipchost/ipchost/environment.lua gave */
  int drain, top_level, load;
  void (*loaded)(void *user, enum status status, const struct fault *fault);
};

/*
 * Opens the state: luv on its own loop, the standard libraries with what environment.lua refuses and
 * replaces, the coroutine functions that keep `running` right, the embedded modules; then calls setup. Runs
 * no script yet. ST_OK, ST_NOMEM, ST_IO, or ST_SCRIPT with `fault` filled. Returns new in *out, before setup
 * runs; after an error *out is NULL, or what generation_close must still end.
 */
enum status generation_open(struct generation **out, const struct generation_options *options,
                            struct fault *fault);
/* Runs the entries in order in a coroutine, so that each may await; `done` is called once, with options.user:
 * with ST_OK when all have returned, or ST_SCRIPT and the beginning of the error in `fault`; the whole, with
 * its traceback, is in the log then. */
void generation_load(struct generation *generation,
                     void (*done)(void *user, enum status status, const struct fault *fault));
/* Closes what the inner loop holds, runs it until it is empty, then lua_close, uv_loop_close and `closed`.
 * Asynchronous, on the outer loop. */
void generation_close(struct generation *generation);

/* How a generation is made and ended, for who owns one of either kind: the host's own state, or (the test
 * kit) an environment within a state that is somebody else's. open and close are as the functions above. */
struct generation_kind {
  enum status (*open)(struct generation **out, const struct generation_options *options, struct fault *fault);
  void (*close)(struct generation *generation);
};
extern const struct generation_kind generation_own;

/*
 * The one protected entry: calls fn in L with `arg` as its only argument, a lightuserdata. An error is logged
 * with its traceback (`where` names the entry) and returned as ST_SCRIPT or ST_NOMEM; nothing crosses. Before
 * the outermost one returns, microtasks are drained. [-0, +0, -]
 */
enum status generation_enter(struct generation *generation, const char *where, lua_CFunction fn, void *arg);
/*
 * For callers that are protected by themselves (lua_resume on a coroutine of this state): brackets of an
 * entry. leave drains the microtasks and calls `left` when it is the outermost.
 */
void generation_begin(struct generation *generation);
void generation_leave(struct generation *generation);
/* lua_resume from `from` (the state that is running, or generation->L) with `running` kept right. Returns
 * lua_resume's status. */
int generation_resume(struct generation *generation, lua_State *co, lua_State *from, int nargs,
                      int *nresults);

/* Tells the scheduler that `co` is a top-level coroutine of the host's: what runs in it may await. [-0, +0,
 * m] */
void generation_mark_top_level(lua_State *L, lua_State *co);

/* The bytes that Lua has; of a state that is not its own, all of that. [-0, +0, -] */
size_t generation_memory(struct generation *generation);
/* How many handles of luv's are open in it. */
size_t generation_handles(struct generation *generation);

/* The generation of a state, from any of its coroutines: NULL outside of the host. [-0, +0, -] */
static inline struct generation *generation_of(lua_State *L) {
  return *(struct generation **)lua_getextraspace(L);
}
/* Logs the error value at the top of L with a traceback of `co` (may be L) and pops it. Raises nothing.
 * [-1, +0, -] */
void generation_log_error(lua_State *L, lua_State *co, const char *where);

#endif
