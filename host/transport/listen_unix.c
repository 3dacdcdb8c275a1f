/* listen_unix: unix sockets, bound by hand: libuv cuts long paths and sets the mode too late. Part of
 * listen.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "transport/listen.h"

#define LOCK_TRIES 100
#define LOCK_WAIT_NS 10000000 /* 10 ms */

enum status listen_refused(const struct address *address, const char *what, struct fault *fault) {
  return fault_set(fault, ST_IO, 0, NULL, "%s: %s: %s", address->text, what, strerror(errno));
}

static struct sockaddr_un name_of(const char *path) {
  struct sockaddr_un name = {.sun_family = AF_UNIX};
  memcpy(name.sun_path, path, strlen(path) + 1);
  return name;
}

/*
 * Opens the folder of the socket, made if it is missing, and locks it: of two hosts that start at once one
 * would take the other's socket, which does not listen yet, for a stale one. Who holds the lock longer than a
 * start takes is no host, and is not waited for.
 */
static int open_folder(const char *path) {
  char folder[sizeof((struct address *)0)->path];
  char *slash;
  int fd;
  memcpy(folder, path, sizeof folder);
  slash = strrchr(folder, '/');
  slash[slash == folder] = '\0';
  if (mkdir(folder, 0700) != 0 && errno != EEXIST) return -1;
  fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  for (int i = 0; fd >= 0 && i < LOCK_TRIES && flock(fd, LOCK_EX | LOCK_NB) != 0; i++)
    nanosleep(&(struct timespec){.tv_nsec = LOCK_WAIT_NS}, NULL);
  return fd;
}

/* True when somebody listens there, or nobody can tell. */
static bool is_live(const char *path) {
  struct sockaddr_un name = name_of(path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  bool stale = fd >= 0 && connect(fd, (struct sockaddr *)&name, sizeof name) != 0 && errno == ECONNREFUSED;
  if (fd >= 0) close(fd);
  return !stale;
}

/* Makes way for the socket. */
static enum status clear_path(const struct address *address, struct fault *fault) {
  struct stat found;
  if (lstat(address->path, &found) != 0) return ST_OK;
  if (!S_ISSOCK(found.st_mode))
    return fault_set(
        fault, ST_EXISTS, 0, NULL,
        "%s: a file that is no socket is there, and is left alone; remove it or choose another path",
        address->text);
  if (is_live(address->path))
    return fault_set(fault, ST_EXISTS, 0, NULL, "%s: the address is in use: another process listens there",
                     address->text);
  return unlink(address->path) == 0 || errno == ENOENT
             ? ST_OK
             : listen_refused(address, "the stale socket cannot be removed", fault);
}

/* On Linux a socket file gets the mode of the socket: 0600 is set before there is a file. */
static enum status bind_path(const struct address *address, int fd, struct socket_file *file,
                             struct fault *fault) {
  struct sockaddr_un name = name_of(address->path);
  struct stat bound;
  *file = (struct socket_file){0};
  if (fchmod(fd, 0600) != 0 || bind(fd, (struct sockaddr *)&name, sizeof name) != 0)
    return listen_refused(address, "the socket cannot be made", fault);
  if (lstat(address->path, &bound) == 0) {
    *file = (struct socket_file){bound.st_dev, bound.st_ino};
    if (listen(fd, SOMAXCONN) == 0) return ST_OK;
  }
  listen_refused(address, "the socket cannot listen", fault);
  socket_file_unlink(address->path, file);
  return ST_IO;
}

enum status listen_unix(const struct address *address, int *fd, struct socket_file *file,
                        struct fault *fault) {
  int folder = open_folder(address->path);
  enum status status;
  if (folder < 0) return listen_refused(address, "the folder of the socket cannot be used", fault);
  status = clear_path(address, fault);
  if (status == ST_OK) {
    *fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    status = *fd >= 0 ? bind_path(address, *fd, file, fault)
                      : listen_refused(address, "no socket can be made", fault);
    if (status != ST_OK && *fd >= 0) close(*fd);
  }
  close(folder);
  return status;
}

void socket_file_unlink(const char *path, const struct socket_file *file) {
  struct stat found;
  if (lstat(path, &found) != 0 || found.st_dev != file->device || found.st_ino != file->inode) return;
  unlink(path);
}
