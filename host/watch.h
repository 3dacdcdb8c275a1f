/*
 * watch: looks after the files that the scripts were made of, and those of the pages: watches their
 * directories, waits until what has changed is still, and tells when it is other than what was loaded. It
 * knows no scripts.
 */
#ifndef IPCHOST_WATCH_H
#define IPCHOST_WATCH_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/log.h"
#include "base/status.h"

struct watch;

struct watch_options {
  uv_loop_t *loop; /* borrowed, as all below */
  struct log *log;
  const char *base;   /* the config's folder, absolute */
  const char *config; /* the config itself: the log says if it changes */
  const char *public; /* the folder of the pages, or NULL */
  void (*changed)(void *user);
  /* A file of the pages has changed; the path is relative to the folder. */
  void (*public_changed)(void *user, const char *path);
  void *user;
};

/* Returns new. ST_OK or ST_NOMEM. */
enum status watch_open(struct watch **out, const struct watch_options *options);
/* A load begins: what changes from now on is news to it. */
void watch_begin(struct watch *watch);
/* The load has read that file, and the hash of what it read; or, without `exists`, has looked for it in vain.
 */
void watch_add(struct watch *watch, const char *path, uint64_t hash, bool exists);
/* The load is over. `fine`: what was added is all there is; else what was there before matters too. False:
 * not all is any more what was added, and once it is still `changed` is called, whatever it is then. A file
 * that changes at every load is none of that. */
bool watch_end(struct watch *watch, bool fine);
/* Frees it, in later turns of the loop; nobody is told anything any more. */
void watch_close(struct watch *watch);

#endif
