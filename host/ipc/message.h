/*
 * message: what crosses the border between the core and the scripts, inwards: one send, sync, invoke or post,
 * with the identity of its sender as it was when it arrived. All pointers are borrowed for the call.
 */
#ifndef IPCHOST_IPC_MESSAGE_H
#define IPCHOST_IPC_MESSAGE_H

#include <stdbool.h>

#include "base/slice.h"
#include "base/status.h"
#include "ipc/asks.h"

enum message_kind { MESSAGE_SEND, MESSAGE_SYNC, MESSAGE_INVOKE, MESSAGE_POST };

struct message {
  enum message_kind kind;
  uint64_t call;     /* names the answer for core_reply; 0 where none is expected */
  uint64_t deadline; /* ms, 0 for none: invoke */
  uint64_t process, frame, node, contents;
  struct slice channel;
  struct slice payload;  /* one value document */
  const uint64_t *ports; /* post: ends that are at the scripts now */
  size_t port_count;
};

/* Why nobody waits for an answer any longer. */
enum abort_reason { ABORT_CANCELLED, ABORT_TIMEOUT, ABORT_DESTROYED, ABORT_RETIRED };

/* Inwards: what the scripts' side supplies. No function may raise; each may call back into the core. */
/* Why a renderer's process is gone, in Electron's words ("crashed", "killed", "abnormal-exit", "clean-exit");
 * the code is 0 where the host does not know it. */
struct gone {
  const char *reason;
  int exit_code;
  bool expired; /* its client may come again, as another session */
};

struct border {
  /* ST_OK, or ST_MALFORMED/ST_LIMIT with `fault` filled when the payload cannot be decoded; no listener has
   * run then. */
  enum status (*message)(void *user, const struct message *message, struct fault *fault);
  /* A message for a port; the ends in `ports` are at the scripts now. False, and they are not taken, when it
   * cannot be decoded. */
  bool (*port_message)(void *user, uint64_t port, struct slice payload, const uint64_t *ports, size_t count);
  void (*port_closed)(void *user, uint64_t port);
  void (*port_drained)(void *user, uint64_t port);
  /* ports_deliver has something to do from now on. */
  void (*ports_ready)(void *user);
  void (*aborted)(void *user, uint64_t call, enum abort_reason reason);
  /* The answer to an ask: its result, or a map that says what went wrong. ST_OK, or a status with `fault`
   * filled when it cannot be decoded. */
  enum status (*answered)(void *user, uint64_t ask, bool fine, struct slice payload, struct fault *fault);
  /* An ask that will not be answered: ASK_DESTROYED or ASK_CLOSED. */
  void (*unanswered)(void *user, uint64_t ask, enum ask_result why);
  /* What waits for the process has fallen to half of limits.outbound or less, from above that. */
  void (*drained)(void *user, uint64_t process);
  /* Of its main frame `frame_created` tells next. */
  void (*contents_created)(void *user, uint64_t contents);
  void (*frame_created)(void *user, uint64_t contents, uint64_t frame);
  /* A frame shows another document, or, in the page, another URL of the same one. */
  void (*navigated)(void *user, uint64_t frame, bool in_page);
  void (*frame_destroyed)(void *user, uint64_t frame);
  /* `gone` is NULL after a clean end. */
  void (*contents_destroyed)(void *user, uint64_t contents, const struct gone *gone);
};

#endif
