/*
 * children: what app.spawn asks of the composition, which owns the processes: the border names them by id and
 * holds neither a descriptor nor a process. What they do comes back through scripts.h.
 */
#ifndef IPCHOST_LUA_CHILDREN_H
#define IPCHOST_LUA_CHILDREN_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/slice.h"
#include "base/status.h"

/* All borrowed for the call; lists end with NULL. */
struct child_request {
  const char *name;
  const char *key; /* whether the options are those of the living child of that name */
  const char *command, *cwd;
  const char *const *args; /* without the command */
  const char *const *env;  /* all of it: "NAME=value" */
  uint64_t generation;     /* which load of the scripts asks */
  bool pipe;               /* standard input and output are the scripts', and carry no packets */
};

struct child_info {
  pid_t pid;
  uint64_t contents; /* 0: it has not said hello */
};

/* CHILD_MARK: it took them, over limits.outbound; CHILD_LIMIT: not, for limits.outbound_max. */
enum child_written { CHILD_TOOK, CHILD_MARK, CHILD_GONE, CHILD_LIMIT };

struct child_ops {
  /* Starts a process, or finds the living one of that name and key; one of another key is ended, unless a
   * later load of the scripts has asked for it: then ST_CLOSED. ST_OK and its id, or a status with `fault`
   * filled, the code being that of the system. */
  enum status (*spawn)(void *user, const struct child_request *request, uint64_t *id, struct fault *fault);
  /* Finds the living one of that name and key; false: there is none. */
  bool (*find)(void *user, const char *name, const char *key, uint64_t *id);
  /* Ends those that were last asked for by that load of the scripts. */
  void (*retire)(void *user, uint64_t generation);
  /* Of a process that is nobody's any longer: waits for its end, so that nothing is left of it. */
  void (*reap)(void *user, pid_t pid);
  /* False: there is none of that id any longer. */
  bool (*look)(void *user, uint64_t id, struct child_info *out);
  /* Bytes for its standard input, which are copied; without data that ends. */
  enum child_written (*write)(void *user, uint64_t id, struct slice bytes);
  /* False: it has ended. */
  bool (*kill)(void *user, uint64_t id, int signal);
  /* Where a process of this machine reaches the host; NULL: nowhere. */
  const char *(*address)(void *user);
};

#endif
