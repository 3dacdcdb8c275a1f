/*
 * generation: one load of the scripts: a lua_State with its own allocator and its own uv_loop_t, driven by a
 * uv_poll on its backend descriptor, one outer timer and an idle handle. The one protected way into Lua is
 * here, and `running`, which says what Lua runs now. It knows no session and no frame; what it offers to
 * scripts beyond luv and the standard libraries is added by `setup`.
 *
 * A scope is a dispatch by number: what runs on its behalf, and the handles and coroutines made there, are of
 * its scope, so that a generation which retires can tell what must go on from what must stop.
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
  bool beside;                 /* another one serves: an empty entry is refused */
  bool generational;           /* gc = "generational" */
  uint64_t load_limit;         /* ms that the entries may run without a pause; 0: as long as they want */
  bool dev;
  lua_CFunction setup; /* called once in the new state, with `user` as a lightuserdata, before any script: the
                          globals */
  void *user;
  /* After the outermost leave of Lua, outside protection: e.g. to flush what was written, to step the
   * collector. */
  void (*left)(void *user);
  /* A process that a script has started with luv, and for which luv does not wait any more: its handle is
   * closed. */
  void (*stray)(void *user, int pid);
  void (*closed)(
      void *user); /* after generation_close, when the state is gone; the struct is freed after it */
};

#define SCOPE_NONE 0       /* entries, and events that are no messages */
#define SCOPE_UNKNOWN (-1) /* promise reactions and raw callbacks of luv's: on whose behalf nobody knows */

/* What generation_retire has ended. */
struct generation_retired {
  unsigned handles[UV_HANDLE_TYPE_MAX]; /* by kind */
  unsigned tasks;
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
  uv_idle_t idle;       /* active while it wants to run again at once */
  uv_prepare_t prepare; /* runs the inner loop once before the outer one blocks, if Lua ran */
  bool inner_dirty;     /* Lua ran since the inner loop was last run */
  uv_prepare_t polling; /* in the inner loop: ends `timing` */
  bool timing;          /* the inner loop runs its timers, or is about to */
  bool timed;           /* one of them has been run */
  uint64_t due, time;   /* ms: the inner loop's when the first of them ran, and when the last one returned */
  unsigned handles;     /* outer handles still open while closing */
  void (*emptied)(struct generation *generation);

  uint64_t load_until; /* while it loads: uv_hrtime */

  /* generation_scope.c */
  lua_Integer scope;  /* on whose behalf Lua runs */
  lua_Integer scopes; /* given out so far */
  int scope_of;       /* registry reference: weak, coroutine -> scope, once it has waited */
  int made;           /* registry reference: weak, handle -> scope */
  int waiting;        /* registry reference: weak, what a dispatch is awaited by -> scope */

  /* registry references of what rocks/ipchost/ipchost/environment.lua gave */
  int drain, top_level, load, contexts, retire, files, hashes, position;
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
/* Where the entries wait while they are loaded: "file:line" in `out`, or an empty string. */
void generation_position(struct generation *generation, char *out, size_t size);
/* How many files have been read or looked for, and one of them, from 0: its path, valid until Lua runs again;
 * the hash of what was read; false if it was not there. */
size_t generation_file_count(const struct generation *generation);
bool generation_file(const struct generation *generation, size_t index, const char **path, uint64_t *hash);
/* Closes what the inner loop holds, runs it until it is empty, then lua_close, uv_loop_close and `closed`.
 * Asynchronous, on the outer loop. */
void generation_close(struct generation *generation);
/* Of one that is closing, when the host ends: it keeps the outer loop from ending no longer. Its memory
 * stays. */
void generation_abandon(struct generation *generation);

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

/* ---- generation_scope.c ---- */

/* Returns a registry reference to a new table that is weak: of mode "k" or "v". [-0, +0, m] */
int generation_weak_table(lua_State *L, const char *mode);
/* Begins a dispatch; returns what `scope` was, to be set again at its end. */
static inline lua_Integer generation_scope_begin(struct generation *generation) {
  lua_Integer before = generation->scope;
  generation->scope = ++generation->scopes;
  return before;
}
/* The coroutine at the top of L, which has yielded, is of the current scope; a dispatch's. [-1, +0, m] */
void generation_scope_suspended(lua_State *L);
/* The dispatch of the current scope is not over while the value at the index lives. [-0, +0, m] */
void generation_scope_await(lua_State *L, int index);
/* The running coroutine, or the value at the index, is waited for no longer. [-0, +0, m] */
void generation_scope_done(lua_State *L);
void generation_scope_forget(lua_State *L, int index);
/* Pushes the table of what dispatches are awaited by: value -> scope, weak. [-0, +1, -] */
void generation_scope_push(lua_State *L);
/*
 * Ends what no dispatch needs: handles that listen, watch or repeat, and with `all` every other one too; else
 * those handles and coroutines that were not made for a dispatch which is still awaited. Lua must not run.
 */
void generation_retire(struct generation *generation, bool all, struct generation_retired *out);

/* The generation of a state, from any of its coroutines: NULL outside of the host. [-0, +0, -] */
static inline struct generation *generation_of(lua_State *L) {
  return *(struct generation **)lua_getextraspace(L);
}
/* Logs the error value at the top of L with a traceback of `co` (may be L) and pops it. Raises nothing.
 * [-1, +0, -] */
void generation_log_error(lua_State *L, lua_State *co, const char *where);

#endif
