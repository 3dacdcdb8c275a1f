/* http_file: see http_file.h. */
#include "transport/http_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define OPEN_TRIES 16
#define READ_FLAGS (O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)

static int close_with(int fd, int error) {
  close(fd);
  errno = error;
  return -1;
}

/* EAGAIN: something was renamed while a link with ".." was followed. */
static int open_beneath(int root, const char *path) {
  struct open_how how = {.flags = READ_FLAGS, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
  int fd = -1;
  for (int tries = 0; tries < OPEN_TRIES; tries++) {
    fd = (int)syscall(SYS_openat2, root, path, &how, sizeof how);
    if (fd >= 0 || errno != EAGAIN) break;
  }
  return fd;
}

/* The path of what a descriptor stands for. */
static bool true_path(int fd, char out[PATH_MAX]) {
  char link[48];
  ssize_t len;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  len = readlink(link, out, PATH_MAX - 1);
  if (len <= 0) return false;
  out[len] = '\0';
  return true;
}

static bool is_below(int root, int fd) {
  char folder[PATH_MAX], path[PATH_MAX];
  size_t len;
  if (!true_path(root, folder) || !true_path(fd, path)) return false;
  len = strlen(folder);
  if (strncmp(folder, path, len) != 0) return false;
  return len == 1 || path[len] == '/' || !path[len];
}

/* Without openat2: a name is opened, which touches nothing, and looked at before it is opened for reading. */
static int open_checked(int root, const char *path) {
  char link[48];
  int fd, name = openat(root, path, O_PATH | O_CLOEXEC);
  if (name < 0) return -1;
  if (!is_below(root, name)) return close_with(name, EXDEV);
  snprintf(link, sizeof link, "/proc/self/fd/%d", name);
  fd = open(link, READ_FLAGS);
  close_with(name, errno);
  return fd;
}

static int open_below(int root, const char *path, enum http_walk walk) {
  int fd = walk == WALK_BENEATH ? open_beneath(root, path) : -1;
  bool unknown = walk == WALK_CHECKED || (fd < 0 && (errno == ENOSYS || errno == EPERM));
  return unknown ? open_checked(root, path) : fd;
}

/* The time of the last change of any kind, which nobody can set back; so a copy with an old date is new. */
static void describe(const struct stat *stat, struct http_version *out) {
  out->size = (uint64_t)stat->st_size;
  out->modified = stat->st_mtime;
  snprintf(out->etag, sizeof out->etag, "\"%" PRIx64 "-%" PRIx64 "-%" PRIx64 "%08lx\"",
           (uint64_t)stat->st_ino, (uint64_t)stat->st_size, (uint64_t)stat->st_ctim.tv_sec,
           (unsigned long)stat->st_ctim.tv_nsec);
}

static enum status status_of(int error) {
  return error == EMFILE || error == ENFILE || error == ENOMEM ? ST_LIMIT : ST_NOT_FOUND;
}

enum status http_file_open(const char *root, const char *path, enum http_walk walk, struct http_file *out) {
  struct stat stat = {0};
  int folder = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return status_of(errno);
  out->fd = open_below(folder, path, walk);
  close_with(folder, errno);
  if (out->fd < 0) return status_of(errno);
  if (fstat(out->fd, &stat) == 0 && S_ISREG(stat.st_mode)) {
    describe(&stat, &out->version);
    return ST_OK;
  }
  close(out->fd);
  return S_ISDIR(stat.st_mode) ? ST_EXISTS : ST_NOT_FOUND;
}
