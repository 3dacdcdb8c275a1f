/* listen_tcp: TCP sockets of one address. Part of listen.h. */
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "transport/listen.h"

/* Returns a descriptor, or -1 with errno. [::] is IPv6 alone: what is to be reached by IPv4 is listed. */
static int bind_one(const struct addrinfo *info) {
  int on = 1, error, fd = socket(info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
  if (fd < 0) return -1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (info->ai_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (bind(fd, info->ai_addr, info->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0) return fd;
  error = errno;
  close(fd);
  errno = error;
  return -1;
}

enum status listen_tcp(const struct address *address, int *fd, struct fault *fault) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
  struct addrinfo *found;
  char port[8];
  int error;
  snprintf(port, sizeof port, "%d", address->port);
  if ((error = getaddrinfo(address->host, port, &hints, &found)) != 0)
    return fault_set(fault, ST_IO, 0, NULL, "%s: the host cannot be resolved: %s", address->text,
                     gai_strerror(error));
  *fd = -1;
  for (const struct addrinfo *info = found; info && *fd < 0; info = info->ai_next) {
    *fd = bind_one(info);
    if (*fd < 0 && errno == EADDRINUSE) break;
  }
  error = errno;
  freeaddrinfo(found);
  errno = error;
  if (*fd >= 0) return ST_OK;
  if (error == EADDRINUSE)
    return fault_set(fault, ST_EXISTS, 0, NULL,
                     "%s: the address is in use: another process listens there; choose another port, or 0",
                     address->text);
  return listen_refused(address, "the system refuses to listen", fault);
}
