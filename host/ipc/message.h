/*
 * message: what crosses the border between the core and the scripts, inwards: one send, sync, invoke or post,
 * with the identity of its sender as it was when it arrived. All pointers are borrowed for the call.
 */
#ifndef IPCHOST_IPC_MESSAGE_H
#define IPCHOST_IPC_MESSAGE_H

#include <stdbool.h>

#include "base/slice.h"
#include "base/status.h"

enum message_kind { MESSAGE_SEND, MESSAGE_SYNC, MESSAGE_INVOKE, MESSAGE_POST };

struct message {
  enum message_kind kind;
  uint64_t call;     /* names the answer for core_reply; 0 where none is expected */
  uint64_t deadline; /* ms, 0 for none: invoke */
  uint64_t process, frame, node, contents;
  struct slice channel;
  struct slice payload; /* one value document */
};

/* Why nobody waits for an answer any longer. */
enum abort_reason { ABORT_CANCELLED, ABORT_TIMEOUT, ABORT_DESTROYED };

/* Inwards: what the scripts' side supplies. No function may raise; each may call back into the core. */
struct border {
  /* ST_OK, or ST_MALFORMED/ST_LIMIT with `fault` filled when the payload cannot be decoded; no listener has
   * run then. */
  enum status (*message)(void *user, const struct message *message, struct fault *fault);
  void (*aborted)(void *user, uint64_t call, enum abort_reason reason);
  void (*contents_created)(void *user, uint64_t contents);
  void (*frame_created)(void *user, uint64_t contents, uint64_t frame);
  void (*frame_destroyed)(void *user, uint64_t frame);
  /* `gone` is NULL after a clean end, else why the process is gone ("crashed", "killed", "abnormal-exit",
   * ...). */
  void (*contents_destroyed)(void *user, uint64_t contents, const char *gone);
};

#endif
