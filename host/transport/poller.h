/*
 * poller: which sockets of a loop can be read or written, told by an epoll set of its own behind one uv_poll.
 * A libuv handle for each socket would be half of what an idle connection costs, and two system calls more
 * for each change. It knows nothing of what is read or written.
 */
#ifndef IPCHOST_TRANSPORT_POLLER_H
#define IPCHOST_TRANSPORT_POLLER_H

#include <stdbool.h>
#include <uv.h>

#include "base/status.h"

enum { WATCH_READ = 1, WATCH_WRITE = 2 };

/* A socket's part, to be embedded. While it waits for nothing, neither it nor its errors are told, and it
 * does not hold the loop. */
struct watch {
  /* Some of what it waits for can be done; after an error or a hang-up all of it can, and will say so. The
   * watch must not be freed from inside, nor another one: what is in hand may name it. Returns false if there
   * was nothing after all, which may be: see poller.c. */
  bool (*ready)(struct watch *watch, unsigned events);
  int fd;
  uint8_t events; /* what it waits for; set by watch_set */
};

struct poller;

/* Returns new. ST_OK, ST_NOMEM or ST_IO. */
enum status poller_open(struct poller **out, uv_loop_t *loop);
/* Nothing waits any more. It is freed with the loop's next turns. */
void poller_close(struct poller *poller);
/* Waits for these events, or for none before the descriptor is closed. ST_OK; ST_IO: it waits as before. */
enum status watch_set(struct poller *poller, struct watch *watch, unsigned events);

#endif
