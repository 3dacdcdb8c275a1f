/*
 * link: one client connection of the load generator: connected, greeted, and kept full of invokes. Each reply
 * read makes room for one more invoke; what one read made room for is one block and one write.
 */
#ifndef IPCHOST_BENCH_LINK_H
#define IPCHOST_BENCH_LINK_H

#include "base/buf.h"

struct link {
  int fd;
  bool websocket; /* blocks are messages */
  uint64_t calls; /* invokes made so far; also the last call number */
  uint64_t in_flight;
  struct buf in, out; /* received and not yet parsed; written and not yet taken by the socket */
};

/* What all links send, and how much is left to do. */
struct job {
  struct slice payload; /* the arguments of every invoke */
  bool exact;           /* replies carry the very bytes that were sent */
  uint64_t to_send, to_receive;
};

/* Connects to "unix:PATH", "tcp://127.0.0.1:PORT" or, for a WebSocket, "http://127.0.0.1:PORT", says hello
 * and waits for welcome. Ends the program on failure. */
void link_open(struct link *link, const char *address);
void link_close(struct link *link);
void link_set_nonblocking(struct link *link);
/* Appends up to `count` invokes, as the job allows, as one block. */
void link_fill(struct link *link, struct job *job, uint64_t count);
/* Writes what it can; true when nothing is left. */
bool link_write(struct link *link);
/* A block of packets that the caller appends to link->out. */
size_t link_begin(struct link *link);
void link_end(struct link *link, size_t begin);
/* Reads once; returns how many packets of the kind came, and of the last one `call` and the payload's length.
 */
uint64_t link_read_kind(struct link *link, uint64_t kind, uint64_t *call, size_t *len);
/* Reads once and checks the replies; returns how many came. */
uint64_t link_read(struct link *link, struct job *job);

#endif
