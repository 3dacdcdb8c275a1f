/* init: see init.h. */
#include "init.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "template.h"

/* In a file of the template: the folder of what editors and linters read of ipchost. */
#define SHARE "@SHARE@"
#define SHARE_DEFAULT "/usr/local/share/ipchost"

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

/* ---- where the binary's share/ipchost is ---- */

static bool is_share(const char *folder, const char *beside, char *out) {
  char path[PATH_MAX];
  int len = snprintf(path, sizeof path, "%s/%s/lua-meta", folder, beside);
  if (len < 0 || (size_t)len >= sizeof path || !realpath(path, out)) return false;
  *strrchr(out, '/') = '\0';
  return !strpbrk(out, "\"\\\n\r\t"); /* nothing that JSON and Lua would have to escape */
}

/* Beside the binary as it is built, or above it as it is installed. `out` has PATH_MAX bytes. */
static void find_share(char *out) {
  char binary[PATH_MAX];
  ssize_t len = readlink("/proc/self/exe", binary, sizeof binary - 1);
  if (len > 0) {
    binary[len] = '\0';
    *strrchr(binary, '/') = '\0';
    if (is_share(binary, "share/ipchost", out) || is_share(binary, "../share/ipchost", out)) return;
  }
  strcpy(out, SHARE_DEFAULT);
}

/* Writes the text with the folder in the places of SHARE. */
static enum status write_text(int fd, const struct template_file *file, const char *share) {
  const unsigned char *text = file->text, *end = text + file->len, *found;
  enum status status = ST_OK;
  while (status == ST_OK && (found = memmem(text, (size_t)(end - text), SHARE, strlen(SHARE)))) {
    status = write_all(fd, text, (size_t)(found - text));
    if (status == ST_OK) status = write_all(fd, (const unsigned char *)share, strlen(share));
    text = found + strlen(SHARE);
  }
  return status == ST_OK ? write_all(fd, text, (size_t)(end - text)) : status;
}

/* ---- the files ---- */

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

static enum status write_file(int root, const struct template_file *file, const char *share,
                              struct fault *fault) {
  enum status status = make_parent(root, file, fault);
  int fd;
  if (status != ST_OK) return status;
  fd = openat(root, file->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd < 0) return failed(fault, file->path);
  if (write_text(fd, file, share) != ST_OK) status = failed(fault, file->path);
  if (close(fd) != 0 && status == ST_OK) status = failed(fault, file->path);
  return status;
}

enum status init_project(const char *folder, struct fault *fault) {
  char share[PATH_MAX];
  enum status status;
  int root;
  if (mkdir(folder, 0777) != 0 && errno != EEXIST) return failed(fault, folder);
  status = require_empty(folder, fault);
  if (status != ST_OK) return status;
  root = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (root < 0) return failed(fault, folder);
  find_share(share);
  for (const struct template_file *file = template_files; file->path && status == ST_OK; file++)
    status = write_file(root, file, share, fault);
  close(root);
  return status;
}
