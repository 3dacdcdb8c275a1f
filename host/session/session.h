/*
 * session: one renderer process (docs/protocol.md, section 3): its id and secret, the numbering of its
 * packets in both directions, the lanes that carry them, and what belongs to it: frames and pending calls,
 * which the layers above keep in the lists here. It knows no frame's content, no channel, no transport: a
 * lane is a few functions that its owner supplies.
 */
#ifndef IPCHOST_SESSION_SESSION_H
#define IPCHOST_SESSION_SESSION_H

#include "base/list.h"
#include "base/map.h"
#include "base/payload.h"
#include "wire/packet.h"

struct frame;
struct lanes;
struct session;
struct session_ports;
struct session_asks;
struct sync_lane;

/* How a lane writes and closes; `user` is the owner's. The contract of begin, share and end is transport.h's.
 */
struct lane_ops {
  struct buf *(*begin)(void *user);
  void (*share)(void *user, struct payload *payload);
  void (*end)(void *user);
  void (*end_block)(void *user); /* what is written next is in another block */
  size_t (*queued)(void *user);
  void (*await_drain)(
      void *user); /* the owner tells the core when `queued` is half of limits.outbound or less */
  void (*close)(void *user, const struct fault *fault);
  void (*go_on)(void *user); /* a sync lane: what is held may be looked at again */
};

/* One connection's part in a session. The owner keeps the storage and detaches it before it frees it. */
struct lane {
  const struct lane_ops *ops;
  void *user;
  uint64_t received; /* number of the last numbered packet that came on this lane */
  struct session *session;
  struct sync_lane *sync; /* lanes.h; NULL: a main lane */
};

struct session {
  uint8_t id[SESSION_KEY_LEN], secret[SESSION_KEY_LEN];
  uint64_t process; /* processId */
  uint64_t features;
  uint64_t sent, received;  /* numbers of the last numbered packets, over all lanes */
  struct lane *main;        /* NULL: a sync lane came first, or the connection is lost */
  struct lanes *lanes;      /* lanes.h; NULL while the main lane is all that there is */
  struct session *chain;    /* sessions whose ids share their first eight bytes */
  char *origin;             /* that of the hello that opened it; NULL for native clients */
  struct frame *main_frame; /* the frame layer's */
  struct map frames;        /* the other frames, by the client's number */
  uint64_t frame_next;      /* frame numbers below were used */
  struct list calls;        /* calls from this session that wait for an answer; nodes of the ipc layer */
  size_t call_count;
  struct map call_index; /* the same by the client's number, where there are many; the ipc layer's too */
  struct session_ports *ports; /* NULL until there is one; the ipc layer's */
  struct session_asks *asks;   /* NULL until there is one: calls that the host makes of it; the ipc layer's */
  bool ending;
  bool mute;      /* the peer sends no more */
  bool resumable; /* it outlives the loss of its main lane */
};

struct sessions {
  struct map by_id, by_process;
  struct list lanes;             /* the struct lanes of all sessions that have one */
  struct list owing;             /* those whose clients are to be told what was received */
  size_t kept_max;               /* bytes that are kept for one session at most */
  void (*ack_later)(void *user); /* sessions_ack is to be called in a tenth of a second; may be NULL */
  void *ack_user;
};

void sessions_init(struct sessions *sessions, size_t kept_max);
void sessions_deinit(struct sessions *sessions);
struct session *sessions_by_process(const struct sessions *sessions, uint64_t process);
/* The session with the 16 bytes of `id`, or NULL. */
struct session *sessions_find(const struct sessions *sessions, struct slice id);

/* Opens the session that `hello` asks for, on `lane`; returns new in *out. ST_OK or ST_NOMEM. `origin` may be
 * NULL; it is copied. Without a lane (NULL: a sync lane is to be attached) its numbers are from 0. */
enum status session_open(struct sessions *sessions, const struct packet *hello, uint64_t process,
                         const char *origin, struct lane *lane, struct session **out);
/* Takes a session that is over out of all but the frames that are left of it: they keep it for who they were.
 * Its calls, asks and ports must be gone. */
void session_retire(struct sessions *sessions, struct session *session);
/* Forgets and frees; its frames, calls, asks and ports must be gone. Its lanes are detached, not closed. */
void session_free(struct sessions *sessions, struct session *session);
/* Constant-time. */
bool session_secret_equal(const struct session *session, struct slice secret);

enum receipt { RECEIVED_NEW, RECEIVED_BEFORE, RECEIVED_AHEAD };
/* Counts one numbered packet that came on `lane`: it is new, was received already, or, not counted then, has
 * to wait for those before it (only on a sync lane). */
static inline enum receipt session_receive(struct session *session, struct lane *lane) {
  if (lane->received > session->received) return RECEIVED_AHEAD;
  if (lane->received++ < session->received) return RECEIVED_BEFORE;
  session->received++;
  return RECEIVED_NEW;
}

/*
 * Writes a packet to the main lane, numbered if its kind is, or keeps it for one that is to come. `payload`
 * is copied, `shared` (may be NULL) is referenced in its stead. ST_OK, or ST_CLOSED when no lane is there.
 */
enum status session_write(struct session *session, const struct packet *packet, struct slice payload,
                          struct payload *shared);
/* The same where a main lane is there, and nothing is kept. */
enum status session_write_main(struct session *session, const struct packet *packet, struct slice payload,
                               struct payload *shared);
/* Writes a packet to that lane without a number: welcome, pong, the reply to a sync. */
void lane_write(struct lane *lane, const struct packet *packet, struct slice payload);

#endif
