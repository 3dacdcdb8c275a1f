/*
 * calls: the calls (invoke and sync) that renderers wait on. A call's public id finds its slot at once and is
 * never given twice: index and use count in one number below 2^53.
 */
#ifndef IPCHOST_IPC_CALLS_H
#define IPCHOST_IPC_CALLS_H

#include "base/list.h"
#include "session/session.h"

struct call {
  struct list node;        /* in the session's calls */
  struct session *session; /* NULL in a free slot */
  struct lane *lane;       /* a sync call: the lane that asked; NULL for invokes */
  uint64_t frame;          /* that asked */
  uint64_t wire;           /* the client's number of it */
  uint64_t due;            /* ns: answered with a time-out then; 0 for never */
  uint32_t index, uses;
};

struct calls {
  struct call **slots;
  uint32_t cap, count;
  uint32_t *free;
  uint32_t free_count;
};

void calls_deinit(struct calls *calls);
/* Returns a new invoke of the session, linked into it; NULL when out of memory. */
struct call *call_open(struct calls *calls, struct session *session, uint64_t frame, uint64_t wire);
/* The public id, above 0. */
static inline uint64_t call_id(const struct call *call) {
  return ((uint64_t)call->uses << 22) | (call->index + 1);
}
static inline bool call_is_sync(const struct call *call) {
  return call->lane != NULL;
}
/* The call, or NULL if it was closed. */
static inline struct call *call_get(const struct calls *calls, uint64_t id) {
  uint64_t index = (id & 0x3fffff) - 1;
  struct call *call = index < calls->cap ? calls->slots[index] : NULL;
  return call && call->session && call->uses == id >> 22 ? call : NULL;
}
/* The session's call with the client's number, or NULL; the latest, if it gave the number twice. */
struct call *call_find(struct session *session, uint64_t wire);
/* Unlinks and frees the slot for reuse. */
void call_close(struct calls *calls, struct call *call);

#endif
