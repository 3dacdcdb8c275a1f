/* limits: every bound that section `limits` of the config sets, with its default. Sizes are bytes, times ms;
 * 0 is off where a comment says so. It is plain data, read by all layers. */
#ifndef IPCHOST_BASE_LIMITS_H
#define IPCHOST_BASE_LIMITS_H

#include <stdint.h>

struct limits {
  uint64_t packet;        /* one block on the wire */
  uint64_t nesting;       /* depth of a payload */
  uint64_t connections;   /* at once, all servers */
  uint64_t frames;        /* a session */
  uint64_t ports;         /* a session */
  uint64_t invokes;       /* calls in flight a session */
  uint64_t outbound;      /* mark: send answers false past it, per connection */
  uint64_t outbound_max;  /* cap: past it the connection is closed */
  uint64_t window;        /* bytes of credit a port */
  uint64_t handshake;     /* ms from accept to hello */
  uint64_t idle;          /* ms of unanswered pings; 0 is off */
  uint64_t handler;       /* ms of CPU a dispatch; 0 is off */
  uint64_t handler_abort; /* 1: end the process when a C function cannot be interrupted */
  uint64_t reply;         /* ms until an unanswered invoke rejects; 0 is off */
  uint64_t sync_reply;    /* ms until an unanswered sendSync is answered with an error */
  uint64_t load;          /* ms a load of the scripts may take */
  uint64_t drain;         /* ms that shutdown and reload wait for what is in flight */
  uint64_t grace;         /* ms a cleanly closed page may take to come back */
  uint64_t answer;        /* ms a page may take to say that its tab is still its own */
  uint64_t resume;        /* ms a lost session is kept */
  uint64_t memory;        /* bytes of Lua memory a generation; 0 is off */
  uint64_t log_queue;     /* bytes of log that wait to be written */
};

struct limits limits_default(void);

#endif
