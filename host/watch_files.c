/* watch_files: what files are, and whether they are what was loaded. Part of watch.h. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "watch_private.h"

static bool same_time(const struct timespec *a, const struct timespec *b) {
  return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool seems_same(const struct look *look, const struct stat *about) {
  return look->exists && look->device == about->st_dev && look->inode == about->st_ino &&
         look->size == about->st_size && same_time(&look->modified, &about->st_mtim) &&
         same_time(&look->changed, &about->st_ctim);
}

/* False if it cannot be read. */
static bool hash_file(const char *path, uint64_t *out) {
  uint8_t bytes[16384];
  uint64_t hash = HASH_START;
  ssize_t len;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return false;
  while ((len = read(fd, bytes, sizeof bytes)) > 0) hash = hash_more(hash, slice_of(bytes, (size_t)len));
  close(fd);
  *out = hash;
  return len == 0;
}

void watched_file_look(struct watched_file *file, bool all) {
  struct look look = {0};
  struct stat about;
  if (stat(file->path, &about) != 0 || !S_ISREG(about.st_mode)) {
    file->now = look;
    return;
  }
  if (!all && seems_same(&file->now, &about)) return;
  look = (struct look){.device = about.st_dev,
                       .inode = about.st_ino,
                       .size = about.st_size,
                       .modified = about.st_mtim,
                       .changed = about.st_ctim};
  look.exists = hash_file(file->path, &look.hash);
  file->now = look;
}

static uint64_t add_look(uint64_t sum, const struct look *look) {
  const uint64_t parts[] = {look->exists,
                            look->hash,
                            (uint64_t)look->inode,
                            (uint64_t)look->size,
                            (uint64_t)look->modified.tv_sec,
                            (uint64_t)look->modified.tv_nsec};
  return hash_more(sum, slice_of(parts, sizeof parts));
}

uint64_t watch_look(struct watch *watch, bool all) {
  uint64_t sum = HASH_START;
  for (struct list *node = watch->files.next; node != &watch->files; node = node->next) {
    struct watched_file *file = LIST_ENTRY(node, struct watched_file, node);
    watched_file_look(file, all);
    sum = add_look(sum, &file->now);
  }
  watched_file_look(&watch->config, all);
  return add_look(sum, &watch->config.now);
}

void watch_look_anew(struct watch *watch) {
  watch_refresh(watch);
  watch_look(watch, true);
}

bool watch_differs(const struct watch *watch) {
  for (const struct list *node = watch->files.next; node != &watch->files; node = node->next)
    if (watched_file_differs(LIST_ENTRY(node, const struct watched_file, node))) return true;
  return false;
}

/* ---- which they are ---- */

static void free_file(struct watch *watch, struct watched_file *file) {
  map_remove(&watch->by_path, hash_of(slice_str(file->path)));
  list_remove(&file->node);
  free(file->path);
  free(file);
}

void watch_free_files(struct watch *watch) {
  while (!list_empty(&watch->files))
    free_file(watch, LIST_ENTRY(watch->files.next, struct watched_file, node));
  map_deinit(&watch->by_path);
}

void watch_begin(struct watch *watch) {
  watch_look(watch, false);
  for (struct list *node = watch->files.next; node != &watch->files; node = node->next) {
    struct watched_file *file = LIST_ENTRY(node, struct watched_file, node);
    file->existed = file->now.exists;
    file->loaded = file->now.hash;
    file->fresh = false;
  }
  watch->owed = false;
}

static struct watched_file *file_new(struct watch *watch, const char *path) {
  struct watched_file *file = calloc(1, sizeof *file);
  if (!file) return NULL;
  list_init(&file->node);
  if (!(file->path = strdup(path)) || map_set(&watch->by_path, hash_of(slice_str(path)), file) != ST_OK) {
    free(file->path);
    free(file);
    return NULL;
  }
  list_push(&watch->files, &file->node);
  return file;
}

void watch_add(struct watch *watch, const char *path, uint64_t hash, bool exists) {
  struct watched_file *file = map_get(&watch->by_path, hash_of(slice_str(path)));
  if (!file && !(file = file_new(watch, path))) return;
  file->existed = exists;
  file->loaded = hash;
  file->fresh = true;
}

#define RESTLESS 5

/* A file that changes at every load is written by the scripts themselves: it would have them loaded for ever.
 */
static void look_for_restless(struct watch *watch, struct watched_file *file) {
  if (!watched_file_differs(file)) {
    file->restless = 0;
    return;
  }
  if (++file->restless < RESTLESS) return;
  if (file->restless == RESTLESS)
    log_line(watch->options.log, LOG_WARN, "watch",
             "%s changes whenever the scripts are loaded: that is no reason to load them anew", file->path);
  file->existed = file->now.exists;
  file->loaded = file->now.hash;
}

/* Those that the load has not read. */
static void forget_others(struct watch *watch) {
  struct list *node = watch->files.next, *next;
  for (; node != &watch->files; node = next) {
    struct watched_file *file = LIST_ENTRY(node, struct watched_file, node);
    next = node->next;
    if (!file->fresh) free_file(watch, file);
  }
}

bool watch_end(struct watch *watch, bool fine) {
  bool differs = false;
  watch_look_anew(watch);
  for (struct list *node = watch->files.next; node != &watch->files; node = node->next) {
    struct watched_file *file = LIST_ENTRY(node, struct watched_file, node);
    if (fine && !file->fresh) continue;
    look_for_restless(watch, file);
    differs = differs || watched_file_differs(file);
  }
  watch->owed = fine && differs;
  if (fine && !differs) {
    forget_others(watch);
    watch_refresh(watch);
  }
  if (differs) watch_wake(watch);
  return !differs;
}
