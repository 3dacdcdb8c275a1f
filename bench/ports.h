/* ports: two links of the load generator whose ports are joined: what the host forwards from one to the
 * other. */
#ifndef IPCHOST_BENCH_PORTS_H
#define IPCHOST_BENCH_PORTS_H

#include "link.h"

struct joined {
  struct link from, to;
  uint64_t port;       /* at `to`; at `from` it is 1 */
  uint64_t uncredited; /* bytes that came and were not credited */
};

/* Connects twice, and has the host's script join a port of the one to the other. Ends the program on failure.
 */
void ports_open(struct joined *joined, const char *address);
void ports_close(struct joined *joined);
/* Sends `count` messages with at most `window` under way. */
void ports_run(struct joined *joined, struct slice payload, uint64_t window, uint64_t count);

#endif
