/*
 * asks: the calls that the host makes of renderers and waits on, in the order in which they were made. Each
 * has an id in the host and, as the protocol wants it, a number from 1 in its session.
 */
#ifndef IPCHOST_IPC_ASKS_H
#define IPCHOST_IPC_ASKS_H

#include "base/list.h"
#include "base/map.h"
#include "session/session.h"

/* Why an ask was not made, or will not be answered. */
enum ask_result { ASK_OK, ASK_DESTROYED, ASK_CLOSED, ASK_LIMIT, ASK_MEMORY };

struct ask {
  struct list node;        /* in the session's, then in `ended` */
  struct session *session; /* NULL once ended */
  uint64_t id, wire;       /* wire: the number in the session */
  uint64_t frame;          /* the frame's id */
  enum ask_result end;
};

/* Of one session, made with its first ask. */
struct session_asks {
  struct list all;
  struct map by_wire;
  uint64_t last; /* number */
};

struct asks {
  struct map by_id;
  uint64_t last;     /* id */
  struct list ended; /* those that nobody was told of yet */
};

void asks_init(struct asks *asks);
/* None may be left. */
void asks_deinit(struct asks *asks);
/* Makes one; returns new, linked everywhere; NULL when out of memory. */
struct ask *ask_open(struct asks *asks, struct session *session, uint64_t frame);
static inline struct ask *ask_get(const struct asks *asks, uint64_t id) {
  return map_get(&asks->by_id, id);
}
/* The session's ask with that number, or NULL. */
struct ask *ask_find(const struct session *session, uint64_t wire);
size_t asks_of(const struct session *session);
/* Unlinks and frees. */
void ask_close(struct asks *asks, struct ask *ask);
/* Moves those of the session to `ended`: of one frame, or with 0 of all. */
void asks_end(struct asks *asks, struct session *session, uint64_t frame, enum ask_result end);
/* Takes the first of `ended` out; false if there is none. */
bool asks_next_ended(struct asks *asks, uint64_t *id, enum ask_result *end);
/* Of a session that is being freed, whose asks have ended. */
void session_asks_free(struct session_asks *asks);

#endif
