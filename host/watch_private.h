/* watch_private: files and directories, for watch.c, watch_files.c and watch_dirs.c. */
#ifndef IPCHOST_WATCH_PRIVATE_H
#define IPCHOST_WATCH_PRIVATE_H

#include <sys/stat.h>

#include "base/list.h"
#include "base/map.h"
#include "watch.h"

/* What a file was when it was looked at. */
struct look {
  bool exists;
  uint64_t hash; /* of its bytes */
  dev_t device;
  ino_t inode;
  off_t size;
  struct timespec modified, changed;
};

struct watched_file {
  struct list node;
  char *path;
  struct look now;
  bool existed;      /* when it was loaded, */
  uint64_t loaded;   /* and its hash then */
  bool fresh;        /* added since the load began */
  unsigned restless; /* loads in a row during which it changed */
};

struct watched_dir {
  struct watch *watch;
  struct list node;
  uv_fs_event_t event;
  dev_t device;
  ino_t inode;
  bool wanted, public;
  char path[];
};

struct watch {
  struct watch_options options;
  struct list files;
  struct map by_path; /* hash of the path -> file */
  struct list dirs;
  struct watched_file config;
  uv_timer_t settle;
  uint64_t first, still_since; /* ms: of the changes that are waited for */
  uint64_t sum;                /* of all that was seen */
  struct list pages;           /* paths that have changed, not told yet */
  size_t page_count;
  bool settling, closing, cannot;
  bool owed;      /* a load waits for `changed` */
  size_t handles; /* open */
};

/* ---- watch_files.c ---- */

/* Looks at the file anew; `all`: reads it although it seems to be the same. */
void watched_file_look(struct watched_file *file, bool all);
static inline bool watched_file_differs(const struct watched_file *file) {
  return file->now.exists != file->existed || (file->existed && file->now.hash != file->loaded);
}
/* Looks at all files; returns a number that is another one when one of them is. */
uint64_t watch_look(struct watch *watch, bool all);
/* Watches the directories that there are now, and then reads all files: the other way round what is saved
 * between would be missed. */
void watch_look_anew(struct watch *watch);
bool watch_differs(const struct watch *watch);
void watch_free_files(struct watch *watch);

/* ---- watch_dirs.c ---- */

/* Watches the directories that matter now, and no others: they come and go, and links are set anew. */
void watch_refresh(struct watch *watch);
void watch_close_dirs(struct watch *watch);

/* ---- watch.c ---- */

/* Something has happened in a directory. */
void watch_wake(struct watch *watch);
/* The same, below the folder of the pages; takes `path` (malloc), or NULL. */
void watch_wake_page(struct watch *watch, char *path);
void watch_handle_closed(struct watch *watch);

#endif
