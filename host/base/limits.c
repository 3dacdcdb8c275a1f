/* limits: see limits.h. */
#include "base/limits.h"

#define KIB(n) ((uint64_t)(n) << 10)
#define MIB(n) ((uint64_t)(n) << 20)

struct limits limits_default(void) {
  return (struct limits){.packet = MIB(64),
                         .nesting = 1000,
                         .connections = 16384,
                         .frames = 1000,
                         .ports = 10000,
                         .invokes = 65536,
                         .outbound = MIB(1),
                         .outbound_max = MIB(256),
                         .window = MIB(1),
                         .handshake = 10000,
                         .idle = 30000,
                         .handler = 2000,
                         .handler_abort = 0,
                         .reply = 0,
                         .sync_reply = 30000,
                         .load = 10000,
                         .drain = 5000,
                         .grace = 1000,
                         .answer = 250,
                         .resume = 10000,
                         .memory = 0,
                         .log_queue = KIB(1024)};
}
