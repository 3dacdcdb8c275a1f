/*
 * scripts: the scripts' side of the core's border: it owns the generation, hands it the messages, and cares
 * for what scripts leave behind: answers that can never come, and the idle collection that finds them. It
 * knows no connection.
 */
#ifndef IPCHOST_LUA_SCRIPTS_H
#define IPCHOST_LUA_SCRIPTS_H

#include <lauxlib.h>
#include <uv.h>

#include "ipc/core.h"
#include "lua/children.h"
#include "lua/generation.h"

struct scripts;

struct scripts_options {
  const struct generation_kind *kind;
  uv_loop_t *loop;
  struct core *core; /* borrowed, as all below; its border is set by scripts_open */
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
  bool kept; /* objects that scripts made may outlive scripts_close: then scripts_free frees the struct */
  void (*quit)(void *user); /* a script called app.quit */
  void *user;
};

/* Makes the Lua state; runs no script. ST_OK, or a status with `fault` filled. Returns new in *out; after an
 * error *out is NULL, or what scripts_close must still end. */
enum status scripts_open(struct scripts **out, const struct scripts_options *options, struct fault *fault);
/* Runs the entries, then `ready` on app; `done` is called once (its errors are in the log already). */
void scripts_load(struct scripts *scripts, void (*done)(void *user, enum status status));
/* Emits before-quit on app. */
void scripts_before_quit(struct scripts *scripts);
/* Something that a child wrote. False: nobody heard it. */
bool scripts_child_output(struct scripts *scripts, uint64_t child, bool error, struct slice bytes);
/* A child has ended with that code, or by that signal (else 0). */
void scripts_child_ended(struct scripts *scripts, uint64_t child, int code, int signal);
/* Ends the generation and frees; `closed` follows from a later turn of the loop. */
void scripts_close(struct scripts *scripts, void (*closed)(void *user));
/* Frees what was kept, when no object is left. */
void scripts_free(struct scripts *scripts);

#endif
