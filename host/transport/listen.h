/* listen: sockets that are bound and listen, made from an address. It accepts nothing. */
#ifndef IPCHOST_TRANSPORT_LISTEN_H
#define IPCHOST_TRANSPORT_LISTEN_H

#include "transport/server.h"

/* Which file a socket's path names: ours, as long as these are the same. */
struct socket_file {
  dev_t device;
  ino_t inode;
};

/* All return a non-blocking descriptor in *fd, the caller's; statuses and texts are those of server_open. */
enum status listen_unix(const struct address *address, int *fd, struct socket_file *file,
                        struct fault *fault);
enum status listen_tcp(const struct address *address, int *fd, struct fault *fault);

/* Unlinks the path if it is still that file. */
void socket_file_unlink(const char *path, const struct socket_file *file);

/* ST_IO, "listen 'ENTRY': what: the system's words" */
enum status listen_refused(const struct address *address, const char *what, struct fault *fault);

#endif
