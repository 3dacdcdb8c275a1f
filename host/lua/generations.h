/*
 * generations: the loads of the scripts, of which one serves. A change is loaded beside it; when all is well
 * that one serves from one turn of the loop to the next, and the one before finishes what it has begun. It is
 * the scripts' side of the core's border, and tells whose an answer, a port or a child is. It knows no
 * connection.
 */
#ifndef IPCHOST_LUA_GENERATIONS_H
#define IPCHOST_LUA_GENERATIONS_H

#include <lauxlib.h>
#include <uv.h>

#include "ipc/core.h"
#include "lua/children.h"
#include "lua/generation.h"

struct generations;

struct generations_options {
  const struct generation_kind *kind;
  uv_loop_t *loop;
  struct core *core; /* borrowed, as all below; its border is set by generations_open */
  struct log *log;
  const struct limits *limits;
  struct clock *clock;
  const char *base;           /* the config's folder, absolute */
  const char *const *entries; /* absolute paths, NULL-terminated */
  struct slice settings;      /* a value document */
  const luaL_Reg *modules;    /* what else scripts may require, by name; the last has none */
  const struct child_ops *child_ops;
  void *child_user;
  bool dev, generational;
  /* Objects that scripts made may outlive generations_close: then generations_free frees. A load has no
   * limit, limits.drain is that of the clock, when generations_pass looks at it, and it is for others to
   * collect, after generations_release. */
  bool kept;
  void (*quit)(void *user); /* a script called app.quit */
  /* Either may be NULL. A load beside the one that serves begins; one has ended, the first too, and that has
   * read what generation_file says. False: that is not what is there any more, and generations_reload will be
   * called. */
  void (*load_began)(void *user);
  bool (*load_ended)(void *user, const struct generation *generation, bool fine);
  void *user;
};

/* How a reload went. All borrowed. */
struct reload_report {
  uint64_t load; /* its number: it answers what was asked for up to that one */
  bool fine;
  const char *error; /* NULL when it is fine */
  uint64_t ms;
  const struct generation_retired *retired; /* NULL when it is not fine */
  size_t leftovers;                         /* dispatches that go on in the generation before */
  struct generation *files;                 /* the one that has read them, or NULL */
};

/* Makes the first one's Lua state; runs no script. ST_OK, or a status with `fault` filled. Returns new in
 * *out; after an error *out is NULL, or what generations_close must still end. */
enum status generations_open(struct generations **out, const struct generations_options *options,
                             struct fault *fault);
/* Runs the entries, then `ready` on app; `done` is called once (its errors are in the log already). */
void generations_load(struct generations *generations, void (*done)(void *user, enum status status));
/* Loads them anew, from a later turn of the loop; one that is being loaded is given up. Returns the number of
 * the load, whose report, or a later one's, is the answer. */
uint64_t generations_reload(struct generations *generations);
/* The one that serves; NULL once it is closed. */
struct generation *generations_serving(const struct generations *generations);
/* True once the first is loaded: its `ready` is emitted, or has been. */
bool generations_published(const struct generations *generations);
/* True while one is loaded beside the one that serves. */
bool generations_reloading(const struct generations *generations);
/* The one that serves wants no other in its place. */
void generations_decline(struct generations *generations);
/* How many have a Lua state, and of these those that are closed but for requests that do not end. */
size_t generations_living(const struct generations *generations);
size_t generations_remnants(const struct generations *generations);
/* When, by the clock, the one before is cut (ns); 0: there is none, or nothing is in flight there. */
uint64_t generations_due(const struct generations *generations);
/* Cuts it, if it is time. */
void generations_pass(struct generations *generations);
/* Has all of them let go of what nothing can ask for any longer, so that a collection finds it. */
void generations_release(struct generations *generations);
/* Emits before-quit on app. */
void generations_before_quit(struct generations *generations);
/* Something that a child wrote. False: nobody heard it. */
bool generations_child_output(struct generations *generations, uint64_t child, bool error,
                              struct slice bytes);
/* A child has ended with that code, or by that signal (else 0). */
void generations_child_ended(struct generations *generations, uint64_t child, int code, int signal);
/* Ends them all and frees; `closed` follows from a later turn of the loop, and says whether memory is left to
 * requests that do not end: then the process must not wait for its threads. */
void generations_close(struct generations *generations, void (*closed)(void *user, bool remnants));

/* Frees what was kept, when no object is left. */
void generations_free(struct generations *generations);

#endif
