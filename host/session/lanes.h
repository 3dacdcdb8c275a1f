/*
 * lanes: what a session needs besides one living main lane: its sync lanes, the packets kept for a main lane
 * that is not there, and, where the session can be resumed, those that are not acknowledged. Made on demand;
 * a session that can be resumed always has it. It knows no call and no clock; times are given to it.
 */
#ifndef IPCHOST_SESSION_LANES_H
#define IPCHOST_SESSION_LANES_H

#include "session/kept.h"
#include "session/session.h"

/* A sync lane's part, beside its struct lane. */
struct sync_lane {
  struct list node; /* in the session's */
  struct lane *lane;
  struct buf held;     /* packets that wait for those before them; at most a block and what a read brought */
  uint64_t held_since; /* ns */
  size_t calls;        /* that are to be answered on it */
};

struct lanes {
  struct list node;  /* in sessions->lanes */
  struct list owing; /* in sessions->owing, or in nothing */
  struct session *session;
  struct list sync; /* of struct sync_lane */
  struct kept kept;
  size_t kept_max;
  uint64_t acked;       /* what the client was told last of session->received */
  size_t unacked_bytes; /* that have come since then, about */
  uint64_t due;         /* ns: without a main lane the session ends then */
  uint64_t wait;        /* ns: how long it may take the client to bring one */
  bool overfull;        /* more than kept_max was to be kept, so that the session must end */
};

/* Makes session->lanes if it is not there. ST_OK or ST_NOMEM. */
enum status session_need_lanes(struct sessions *sessions, struct session *session);
/* Makes `lane` a sync lane of the session, counting from `sent`. ST_OK or ST_NOMEM. */
enum status session_attach_sync(struct sessions *sessions, struct session *session, struct lane *lane,
                                uint64_t sent);
/* Makes `lane` the main lane of a session that has none, counting from `sent`; forgets what is kept up to
 * `received`. */
void session_attach_main(struct session *session, struct lane *lane, uint64_t sent, uint64_t received);
/* The number before that of the first packet that session_resend would write. */
uint64_t session_resends_after(const struct session *session);
/* Writes what is kept to the main lane. The session is left without struct lanes if it needs none any longer.
 */
void session_resend(struct session *session);
/* The client of a session that can be resumed has everything up to that number. */
void session_acknowledged(struct session *session, uint64_t received);
/* So many bytes have come on a lane: says what was received if that is due, else the session owes it. */
void session_owe_ack(struct sessions *sessions, struct session *session, size_t bytes);
/* Says it to all clients to which it is owed. */
void sessions_ack(struct sessions *sessions);
/* Takes a lane of either kind from its session. */
void session_detach(struct lane *lane);
/* The same for a sync lane whose session is about to end. */
void lanes_detach_sync(struct lane *lane);
/* A sync lane whose held packets may go on, or NULL. */
struct lane *session_ready(const struct session *session);
/* session_write where there is a struct lanes. */
enum status lanes_write(struct session *session, const struct packet *packet, struct slice payload,
                        struct payload *shared);
/* Its client waits on a sync lane, and neither reads nor brings back the main lane meanwhile. */
bool session_waits(const struct session *session);
/* Frees session->lanes, if any; its sync lanes are detached. */
void lanes_free(struct session *session);

/* The lane is to carry answers that are not there yet. */
static inline bool lane_busy(const struct lane *lane) {
  if (!lane->session) return false;
  return lane->sync ? lane->sync->calls || lane->sync->held.len : lane->session->call_count > 0;
}

#endif
