/*
 * children: the processes that the host has started: their pipes, their end, and, for those that speak
 * packets, the transport at their standard input and output. It knows no Lua, and leaves no process behind.
 */
#ifndef IPCHOST_CHILDREN_H
#define IPCHOST_CHILDREN_H

#include "ipc/message.h"
#include "lua/children.h"
#include "transport/transport.h"

struct children;

/* All borrowed. */
struct children_options {
  struct transport_env *env;
  const char *address; /* may be NULL: see struct child_ops */
  void (*accepted)(void *user, struct transport *transport);
  /* Something that a child wrote, on standard error or output. False: nobody heard it. */
  bool (*output)(void *user, uint64_t child, bool error, struct slice bytes);
  /* A child has ended, after all that it wrote: with a code, or by a signal (else 0). */
  void (*ended)(void *user, uint64_t child, int code, int signal);
  void *user;
};

/* Returns new. ST_OK or ST_NOMEM. */
enum status children_open(struct children **out, const struct children_options *options);
/* What scripts call; their `user` is the struct children. */
extern const struct child_ops children_ops;
/* Says how the process has ended at whose end that transport is; false: it is none of a child, or of one that
 * lives. */
bool children_gone(const struct children *children, const struct transport *transport, struct gone *out);
/* The contents that came by that transport, or 0, is about to be destroyed: scripts may ask for it still. */
void children_note(struct children *children, const struct transport *transport, uint64_t contents);
/* That transport is about to be forgotten, and the contents is destroyed. */
void children_forget(struct children *children, const struct transport *transport);
/* Ends them all: SIGTERM, and after limits.drain SIGKILL. Nobody is told anything any more. It is freed when
 * the last has ended, in later turns of the loop. */
void children_close(struct children *children);

#endif
