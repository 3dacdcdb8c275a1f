/* init: see init.h. */
#include "init.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "template.h"

static enum status failed(struct fault *fault, const char *path) {
  return fault_set(fault, ST_IO, 0, NULL, "init: %.120s: %s", path, strerror(errno));
}

static enum status occupied(struct fault *fault, const char *folder, const char *name) {
  return fault_set(
      fault, ST_EXISTS, 0, NULL,
      "init: %.120s is not empty (%.60s is there), and nothing is overwritten; name a new folder", folder,
      name);
}

/* A repository that was made before the project is no obstacle. */
static bool is_obstacle(const char *name) {
  return strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && strcmp(name, ".git") != 0;
}

static enum status require_empty(const char *folder, struct fault *fault) {
  enum status status = ST_OK;
  struct dirent *entry;
  DIR *dir = opendir(folder);
  if (!dir) return failed(fault, folder);
  while (status == ST_OK && (entry = readdir(dir)))
    if (is_obstacle(entry->d_name)) status = occupied(fault, folder, entry->d_name);
  closedir(dir);
  return status;
}

static enum status write_all(int fd, const unsigned char *text, size_t len) {
  while (len > 0) {
    ssize_t written = write(fd, text, len);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return ST_IO;
    text += written;
    len -= (size_t)written;
  }
  return ST_OK;
}

/* Makes the folders of a file's path, which are one deep. */
static enum status make_parent(int root, const struct template_file *file, struct fault *fault) {
  char parent[64];
  const char *slash = strrchr(file->path, '/');
  size_t len = slash ? (size_t)(slash - file->path) : 0;
  if (len == 0 || len >= sizeof parent) return ST_OK;
  memcpy(parent, file->path, len);
  parent[len] = '\0';
  return mkdirat(root, parent, 0777) == 0 || errno == EEXIST ? ST_OK : failed(fault, parent);
}

static enum status write_file(int root, const struct template_file *file, struct fault *fault) {
  enum status status = make_parent(root, file, fault);
  int fd;
  if (status != ST_OK) return status;
  fd = openat(root, file->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd < 0) return failed(fault, file->path);
  if (write_all(fd, file->text, file->len) != ST_OK) status = failed(fault, file->path);
  if (close(fd) != 0 && status == ST_OK) status = failed(fault, file->path);
  return status;
}

enum status init_project(const char *folder, struct fault *fault) {
  enum status status;
  int root;
  if (mkdir(folder, 0777) != 0 && errno != EEXIST) return failed(fault, folder);
  status = require_empty(folder, fault);
  if (status != ST_OK) return status;
  root = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (root < 0) return failed(fault, folder);
  for (const struct template_file *file = template_files; file->path && status == ST_OK; file++)
    status = write_file(root, file, fault);
  close(root);
  return status;
}
