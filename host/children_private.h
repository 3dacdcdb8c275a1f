/* children_private: one child, and what children.c and children_spawn.c share. */
#ifndef IPCHOST_CHILDREN_PRIVATE_H
#define IPCHOST_CHILDREN_PRIVATE_H

#include "base/list.h"
#include "children.h"
#include "transport/stream.h"

/* A process that is only waited for. */
struct stray {
  struct list node;
  pid_t pid;
};

struct children {
  struct children_options options;
  struct list all;
  struct list strays;
  uv_signal_t signal; /* SIGCHLD */
  uint64_t last_id;
  bool closing;
};

struct child {
  struct children *owner;
  struct list node;
  uint64_t id;
  uint64_t generation; /* which load of the scripts asked for it last */
  pid_t pid;
  char *name, *key;
  struct transport *transport; /* NULL: it speaks no packets, or no longer */
  uint64_t contents;           /* what came by it; set when that is about to end */
  /* An open one has the child as its data. */
  uv_pipe_t input, output, error;
  uv_timer_t timer; /* closed last */
  unsigned handles; /* not closed yet; without any it is freed */
  int status;       /* of waitpid, once it has exited */
  bool exited, told;
  bool stopping; /* it ends, by SIGKILL in the end */
  bool met_cap;  /* of what waits for it */
  bool killed;   /* scripts have told it to end */
};

struct child *child_find(const struct children *children, uint64_t id);
/* SIGTERM, if scripts have not sent it, as a second one may mean something else to it, and after limits.drain
 * SIGKILL. */
void child_stop(struct child *child);
/* Closes one of its pipes, if it is open. */
void child_close_pipe(struct child *child, uv_pipe_t *pipe);
/* children.c: one of its pipes has ended. */
void child_pipe_ended(struct child *child, uv_pipe_t *pipe);
void child_free(struct child *child);
/* children.c: as in struct child_ops; `user` is the struct children. */
void children_reap(void *user, pid_t pid);

#endif
