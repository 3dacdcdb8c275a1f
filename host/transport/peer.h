/* peer: who is at the other end of an accepted socket, as the kernel tells it. It trusts nobody by itself. */
#ifndef IPCHOST_TRANSPORT_PEER_H
#define IPCHOST_TRANSPORT_PEER_H

#include <netinet/in.h>

#include "transport/transport.h"

#define PEER_ADDRESS_MAX 80

union inet_address {
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
};

/* By SO_PEERCRED: who connected. */
void peer_of_unix(int fd, struct peer *out);

/* Opens the netlink socket that peer_of_tcp asks; -1 if the system has none. */
int peer_diag_open(void);
/*
 * `text` holds the address that *out borrows. The uid of a loopback peer is asked of sock_diag through `diag`
 * (or -1): to be called right after accept, before anything is read, while the peer cannot have got what it
 * wants and left. Known only if the peer's socket is found, is connected (half closed counts) and has an
 * inode: a socket whose process is gone reads as uid 0. The four-tuple names at most one established socket.
 */
void peer_of_tcp(int diag, int fd, const union inet_address *remote, struct peer *out,
                 char text[PEER_ADDRESS_MAX]);

/*
 * After an end of file: true when the peer has closed its socket, not only shut down its own direction, as
 * far as that can be told: of unix sockets, and of TCP on this machine.
 */
bool peer_has_left(int fd, const struct peer *peer);

/* "127.0.0.1:7000", "[::1]:7000" */
void inet_text(const union inet_address *address, char text[PEER_ADDRESS_MAX]);

#endif
