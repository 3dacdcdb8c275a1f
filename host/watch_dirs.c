/* watch_dirs: the directories that are watched: those of the files, of links on the way to them, and of what
 * these point to; up to the config's folder, as one of them may be moved. Part of watch.h. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "watch_private.h"

#define LINKS_MAX 8    /* links that point to links */
#define FOLDERS_MAX 64 /* below one another */

/* ---- watching one ---- */

static void on_closed(uv_handle_t *handle) {
  struct watched_dir *dir = handle->data;
  struct watch *watch = dir->watch;
  free(dir);
  watch_handle_closed(watch);
}

static void close_dir(struct watched_dir *dir) {
  list_remove(&dir->node);
  uv_close((uv_handle_t *)&dir->event, on_closed);
}

/* What editors write beside a file. */
static bool is_passing(const char *name) {
  size_t len = strlen(name);
  return name[0] == '.' || (len && name[len - 1] == '~');
}

/* Returns new: the path below the folder of the pages; NULL if nobody wants to know. */
static char *page_of(const struct watched_dir *dir, const char *name) {
  const char *folder = dir->path + strlen(dir->watch->options.public);
  char path[PATH_MAX];
  while (*folder == '/') folder++;
  if (!name || is_passing(name)) return NULL;
  snprintf(path, sizeof path, "%s%s%s", folder, *folder ? "/" : "", name);
  return strdup(path);
}

static void on_event(uv_fs_event_t *event, const char *name, int events, int status) {
  struct watched_dir *dir = event->data;
  (void)events;
  if (status < 0) return;
  if (dir->public)
    watch_wake_page(dir->watch, page_of(dir, name));
  else
    watch_wake(dir->watch);
}

static void say_cannot(struct watch *watch, const char *path, const char *why) {
  if (!watch->cannot) log_line(watch->options.log, LOG_WARN, "watch", "%s cannot be watched: %s", path, why);
  watch->cannot = true;
}

static void open_dir(struct watch *watch, const char *path, const struct stat *about, bool public) {
  struct watched_dir *dir = calloc(1, sizeof *dir + strlen(path) + 1);
  int error;
  if (!dir) return;
  strcpy(dir->path, path);
  dir->watch = watch;
  dir->device = about->st_dev;
  dir->inode = about->st_ino;
  dir->wanted = true;
  dir->public = public;
  dir->event.data = dir;
  uv_fs_event_init(watch->options.loop, &dir->event);
  uv_unref((uv_handle_t *)&dir->event);
  watch->handles++;
  list_push(&watch->dirs, &dir->node);
  if ((error = uv_fs_event_start(&dir->event, on_event, path, 0)) == 0) return;
  say_cannot(watch, path, uv_strerror(error));
  close_dir(dir);
}

/* ---- which they are ---- */

static struct watched_dir *find(const struct watch *watch, const char *path, bool public) {
  for (struct list *node = watch->dirs.next; node != &watch->dirs; node = node->next) {
    struct watched_dir *dir = LIST_ENTRY(node, struct watched_dir, node);
    if (dir->public == public && strcmp(dir->path, path) == 0) return dir;
  }
  return NULL;
}

/* Another directory of that name is another one. True if it was wanted already. */
static bool want(struct watch *watch, const char *path, bool public) {
  struct watched_dir *dir = find(watch, path, public);
  struct stat about;
  if (dir && dir->wanted) return true;
  if (stat(path, &about) != 0 || !S_ISDIR(about.st_mode)) return false;
  if (dir && dir->device == about.st_dev && dir->inode == about.st_ino) {
    dir->wanted = true;
    return false;
  }
  if (dir) close_dir(dir);
  open_dir(watch, path, &about, public);
  return false;
}

/* Cuts the last part; false at the root. */
static bool cut(char *path) {
  char *slash = strrchr(path, '/');
  if (!slash || slash == path) return false;
  *slash = '\0';
  return true;
}

static bool is_inside(const char *folder, const char *path) {
  size_t len = strlen(folder);
  return strncmp(folder, path, len) == 0 && path[len] == '/';
}

static void want_way(struct watch *watch, const char *path, int links);

/* If the path is a link: what it points to matters too. */
static void follow(struct watch *watch, const char *path, int links) {
  char target[PATH_MAX], full[PATH_MAX];
  ssize_t len = readlink(path, target, sizeof target - 1);
  const char *slash = strrchr(path, '/');
  if (len <= 0 || links >= LINKS_MAX) return;
  target[len] = '\0';
  if (target[0] == '/')
    snprintf(full, sizeof full, "%s", target);
  else if (snprintf(full, sizeof full, "%.*s/%s", (int)(slash - path), path, target) >= (int)sizeof full)
    return;
  want_way(watch, full, links + 1);
}

/* The directories on the way to the path, from within the config's folder, or else the last two. */
static void want_way(struct watch *watch, const char *path, int links) {
  char way[PATH_MAX];
  bool inside = is_inside(watch->options.base, path), known;
  if (snprintf(way, sizeof way, "%s", path) >= (int)sizeof way) return;
  for (int i = 0; inside || i < 2; i++) {
    follow(watch, way, links);
    if (!cut(way)) return;
    known = want(watch, way, false);
    if (strcmp(way, watch->options.base) == 0 || (known && inside)) return;
  }
}

/* The folder and those below, which pages may use. */
static void want_tree(struct watch *watch, const char *folder, int depth) {
  char path[PATH_MAX];
  struct dirent *entry;
  DIR *dir;
  want(watch, folder, true);
  if (depth >= FOLDERS_MAX || !(dir = opendir(folder))) return;
  while ((entry = readdir(dir))) {
    if (is_passing(entry->d_name) || (entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN)) continue;
    if (snprintf(path, sizeof path, "%s/%s", folder, entry->d_name) < (int)sizeof path)
      want_tree(watch, path, depth + 1);
  }
  closedir(dir);
}

void watch_refresh(struct watch *watch) {
  struct list *node, *next;
  for (node = watch->dirs.next; node != &watch->dirs; node = node->next)
    LIST_ENTRY(node, struct watched_dir, node)->wanted = false;
  for (node = watch->files.next; node != &watch->files; node = node->next)
    want_way(watch, LIST_ENTRY(node, struct watched_file, node)->path, 0);
  want_way(watch, watch->options.config, 0);
  if (watch->options.public) want_tree(watch, watch->options.public, 0);
  for (node = watch->dirs.next; node != &watch->dirs; node = next) {
    struct watched_dir *dir = LIST_ENTRY(node, struct watched_dir, node);
    next = node->next;
    if (!dir->wanted) close_dir(dir);
  }
}

void watch_close_dirs(struct watch *watch) {
  while (!list_empty(&watch->dirs)) close_dir(LIST_ENTRY(watch->dirs.next, struct watched_dir, node));
}
