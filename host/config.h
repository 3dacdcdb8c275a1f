/*
 * config: what the config file says, as plain data: addresses parsed, paths absolute, limits in bytes and
 * milliseconds. The file is Lua and runs in a state of its own that is thrown away. It opens nothing and
 * knows neither sessions nor a loop.
 */
#ifndef IPCHOST_CONFIG_H
#define IPCHOST_CONFIG_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/log.h"
#include "transport/server.h"

struct config {
  char *base;             /* the folder of the file, absolute; paths in the file are relative to it */
  struct address *listen; /* in the file's order */
  size_t listen_count;
  char **scripts; /* absolute, NULL-terminated */
  size_t script_count;
  char *public; /* absolute: the folder of the pages; NULL: none */
  char *file;   /* of the config itself, absolute */
  bool watch;   /* load the scripts anew when they change */
  bool dev;
  bool generational;
  struct buf settings;     /* a value document; empty when there are none */
  char **origins, **hosts; /* NULL-terminated */
  size_t origin_count, host_count;
  uid_t *uids;
  size_t uid_count;
  char *token; /* NULL: none set */
  struct limits limits;
  enum log_level log_level;
  enum log_format log_format;
};

/*
 * Runs the file and checks all that it says. ST_OK, or ST_INVALID with a text that names the file, the key,
 * its value, what is allowed and the nearest name. `out` need not be initialised; config_deinit it in every
 * case.
 */
enum status config_load(const char *path, struct config *out, struct fault *fault);
void config_deinit(struct config *config);

#endif
