/*
 * core: the small pure middle of the host: sessions, frames, channels, calls and replies. Packets come in
 * from connections on one side, messages go to the scripts on the other, and back. It knows neither libuv nor
 * Lua.
 *
 * Frames, contents and calls cross its border by id only.
 */
#ifndef IPCHOST_IPC_CORE_H
#define IPCHOST_IPC_CORE_H

#include "base/clock.h"
#include "base/ids.h"
#include "base/limits.h"
#include "base/log.h"
#include "frame/frame.h"
#include "frame/vouchers.h"
#include "ipc/asks.h"
#include "ipc/calls.h"
#include "ipc/gate.h"
#include "ipc/message.h"
#include "ipc/newcomers.h"
#include "ipc/ports.h"
#include "session/closed.h"
#include "session/lanes.h"
#include "session/session.h"

#define HOST_ID_LEN 16
#define CORE_NEVER UINT64_MAX /* ns: no time */
#define NS_A_MS 1000000

struct details;

struct core {
  struct ids ids;
  struct sessions sessions;
  struct closed_sessions closed; /* whose clients may not have heard of it */
  struct frames frames;
  struct vouchers tickets; /* of session by processId, about the frame that is to be the parent */
  struct vouchers proofs;  /* of the URLs at which pages were served */
  struct calls calls;
  struct ports ports;
  struct asks asks;
  struct gate gate;
  const struct limits *limits; /* borrowed */
  struct clock *clock;         /* borrowed */
  struct log *log;             /* borrowed */
  const struct border
      *border; /* set by the scripts' side; NULL: messages are answered as if nobody listened */
  void *border_user;
  struct list newcomers;                  /* whose hello waits */
  struct list formers;                    /* core_tabs.c: sessions of documents that others have followed */
  void (*wake)(void *user, uint64_t due); /* asks for core_wake at that time, in ns; NULL: core_sweep does */
  void *wake_user;
  uint8_t host[HOST_ID_LEN];
  size_t sync_calls; /* pending sync calls */
  bool closing;      /* new invokes are refused */
  bool closes;       /* scripts close a contents: no document in it is to come again */
};

/* ST_OK or ST_IO (no randomness). `limits`, `clock` and `log` are borrowed for the core's life. */
enum status core_init(struct core *core, const struct limits *limits, struct clock *clock, struct log *log);
/* All lanes must be closed. */
void core_deinit(struct core *core);

/* ---- from connections ---- */

/* What a connection knows of its peer, for the session that it opens. */
struct core_peer {
  const char *origin; /* NULL for native clients */
  bool page;          /* speaks WebSocket with an Origin */
  bool resumable;     /* its session may outlive the connection, if it wishes so */
  uint64_t child;     /* the process's number, if the host has started it; else 0 */
};

/*
 * The first packet of a connection. Opens the session, its contents and its main frame, and answers welcome
 * on `lane`. ST_OK, or a status with `fault` filled (its close code ends the connection). ST_MORE: it is to
 * be held, with what follows it, and given again when the lane's go_on is called.
 */
enum status core_hello(struct core *core, struct lane *lane, const struct packet *hello,
                       const struct core_peer *peer, struct fault *fault);
/*
 * Every further packet. ST_OK, or a status with `fault` filled: the connection must end with it. ST_MORE: it
 * came on a sync lane before those that precede it; it is to be held, with what follows it on this lane, and
 * given again when the lane's go_on is called. The session may be gone after the call.
 */
enum status core_packet(struct core *core, struct lane *lane, const struct packet *packet,
                        struct fault *fault);
/* What waits on the lane has fallen to half of limits.outbound or less. */
void core_lane_drained(struct core *core, const struct lane *lane);
/* The peer sends no more: what was asked of it will not be answered. */
void core_lane_mute(struct core *core, struct lane *lane);
/* After the packets of a block of `len` bytes on `lane`: calls go_on of the sync lanes whose held packets are
 * due now, and says what was received if that is due. */
static inline void core_advance(struct core *core, struct lane *lane, size_t len);
/* How a lane came to its end: by the peer's own wish, for a fault of one side, or because the link broke. */
enum lane_end { LANE_CLEAN, LANE_FAILED, LANE_LOST };
/* The lane is closed: with the main lane its session ends, unless that can be resumed and the lane is lost;
 * with a sync lane only the calls made on it. After a clean close what a browser's tab shows is kept for
 * limits.grace. */
void core_lane_closed(struct core *core, struct lane *lane, enum lane_end end);

/* ---- from servers of pages ---- */

#define PROOF_LEN ((size_t)2 * VOUCHER_LEN) /* hexadecimal digits */
/* Makes what a page that is served at the URL shows in its hello. ST_OK, ST_NOMEM, ST_IO, or ST_LIMIT when
 * the URL is too long. */
enum status core_prove(struct core *core, struct slice url, char proof[PROOF_LEN + 1]);

/* ---- from the scripts ---- */

/* Answers a call; silently nothing if nobody waits any longer. `status` is REPLY_OK or REPLY_ERROR. */
void core_reply(struct core *core, uint64_t call, unsigned status, struct slice payload);
/* Answers a call with an error made here: a map of name, message and code. */
void core_reply_error(struct core *core, uint64_t call, const char *name, const char *message,
                      const char *code);
/* True while somebody waits for that answer. */
static inline bool core_call_pending(const struct core *core, uint64_t call) {
  return call_get(&core->calls, call) != NULL;
}

/* Asks a frame's ipcRenderer. ASK_OK, and `answered` or `unanswered` of the border follows for *ask, unless
 * it is cancelled; another result, and nothing was sent. `deadline` is in ms, 0 for none. */
enum ask_result core_ask(struct core *core, uint64_t frame, struct slice channel, struct slice payload,
                         uint64_t deadline, uint64_t *ask);
/* Gives an ask up: CANCEL_ABORTED or CANCEL_TIMEOUT. Nothing follows; nothing happens if it is over. */
void core_cancel(struct core *core, uint64_t ask, unsigned reason);

enum send_result { SEND_OK, SEND_DESTROYED, SEND_DETACHED, SEND_MARK };
/* Sends to a frame's ipcRenderer: PACKET_SEND or PACKET_POST (without ports). `shared` may be NULL: `payload`
 * is copied then. */
enum send_result core_send(struct core *core, uint64_t frame, unsigned kind, struct slice channel,
                           struct slice payload, struct payload *shared);
/* Sends to the main frame of every contents but `except` (0: none); the payload is shared. Returns how many.
 */
size_t core_broadcast(struct core *core, uint64_t except, struct slice channel, struct payload *shared);
/* Bytes waiting on the frame's lane. */
size_t core_buffered(const struct core *core, uint64_t frame);
/* True when they are half of limits.outbound or less; else `drained` of the border follows for the process,
 * or the end of the frame. */
bool core_drained(const struct core *core, uint64_t frame);
/* Ends a webContents with all its frames: the session of the main frame is told with bye 1000. */
void core_close_contents(struct core *core, uint64_t contents);

/* Looks, borrowed until the next call into the core; NULL once destroyed. */
static inline const struct frame *core_frame(const struct core *core, uint64_t frame) {
  return frame_get(&core->frames, frame);
}
static inline const struct contents *core_contents(const struct core *core, uint64_t contents) {
  return contents_get(&core->frames, contents);
}

/* ---- from the host's clock ---- */

/* Answers sync calls that are past limits.sync_reply, gives up lanes that wait for as long, ends sessions
 * whose main lane does not come (again), and forgets old tickets. Call it about once a second. */
void core_sweep(struct core *core);
/* Where what the lane has to hold is put, or NULL: it holds nothing. */
struct buf *core_held(const struct core *core, const struct lane *lane);
/* What the core has asked for by `wake`: ends the contents whose grace is over, and decides on newcomers. */
void core_wake(struct core *core);

/* ---- shared with its own parts ---- */

/* core_session.c: ends a session and all that is its own, telling the scripts; `gone` as in struct border.
 * Sessions whose main frames are below its own end with it, and are told with bye 4007, or 4008 where `gone`
 * says that it may come again. */
void core_end_session(struct core *core, struct session *session, const struct gone *gone);
/* The parts of that: aborts and ends calls, asks, ports and lanes; destroys a frame with its descendants, or
 * these alone. */
void core_end_traffic(struct core *core, struct session *session);
void core_destroy_tree(struct core *core, uint64_t root, const struct gone *gone);
void core_destroy_children(struct core *core, uint64_t frame);
/* Ends it so, and closes its main lane with `fault`. */
void core_close_session(struct core *core, struct session *session, const struct fault *fault);
/* Answers hello on `lane` with the ids of the session that it has found or opened. ST_OK or ST_NOMEM. */
enum status core_welcome(struct core *core, struct lane *lane, bool resumed);
enum status core_frame_open(struct core *core, struct session *session, const struct packet *packet,
                            struct fault *fault);
enum status core_frame_update(struct core *core, struct session *session, const struct packet *packet,
                              struct fault *fault);
enum status core_frame_close(struct core *core, struct session *session, const struct packet *packet,
                             struct fault *fault);
/* core_ticket.c: answers the question for one. ST_OK, or ST_MALFORMED with `fault` filled. */
enum status core_give_ticket(struct core *core, struct session *session, const struct packet *packet,
                             struct fault *fault);
/* core_ticket.c: the frame that the ticket in a hello's details makes the parent, NULL without one. ST_OK, or
 * ST_DENIED with `fault` filled. */
enum status core_take_ticket(struct core *core, const struct details *details, const char *origin,
                             struct frame **parent, struct fault *fault);
/* core_tabs.c: ends the session, all but its main frame and the contents, for limits.grace. False, and
 * nothing was done, if these are not to be kept. */
bool core_begin_grace(struct core *core, struct session *session);
/* Ends the contents in, or on its way into, grace. */
void core_close_detached(struct core *core, struct contents *contents);
/* The document of `frame` has followed that of `before` in their contents: tells the scripts, and lets the
 * other go.
 */
void core_succeeded(struct core *core, uint64_t before, uint64_t frame);
/* Ends the sessions of documents that were followed in the contents. */
void core_end_formers(struct core *core, uint64_t contents);
/* Asks for core_wake when the next thing is due. */
void core_plan(struct core *core);
void core_deinit_tabs(struct core *core);
/* core_session.c: it is a document of a browser. */
bool core_is_document(const struct core_peer *peer, const struct details *details);
/* core_newcomer.c: the contents that the tab in hello means and may take over, NULL if none. ST_OK, ST_NOMEM,
 * or ST_MORE as core_hello says. */
enum status core_claim_tab(struct core *core, struct lane *lane, const struct core_peer *peer,
                           const struct details *details, struct contents **out);
/* The session has answered a ping. */
void core_ponged(struct core *core, const struct session *session);
/* ns: when the first of those who wait is to be decided on, or CORE_NEVER. */
uint64_t core_newcomers_due(const struct core *core);
void core_settle_newcomers(struct core *core, uint64_t now);
/* The lane is lost, or of a session. */
void core_forget_newcomer(struct core *core, const struct lane *lane);
void core_deinit_newcomers(struct core *core);
/* core_proof.c: what the proof in a hello's details shows stands in the place of the URL there, in `url`. One
 * that shows nothing is passed over. */
void core_take_proof(struct core *core, struct details *details, const char *origin, struct buf *url);
/* core_ask.c: a reply from a client; ST_OK, or a status with `fault` filled. */
enum status core_answer(struct core *core, struct session *session, const struct packet *packet,
                        struct fault *fault);
/* core_ask.c: tells the scripts of the asks that have ended. They may end the session. */
void core_tell_unanswered(struct core *core);
/* core_lane.c: hello for a session that is there. */
enum status core_attach(struct core *core, struct lane *lane, struct session *session,
                        const struct packet *hello, const char *origin, struct fault *fault);
/* Frees the slot of a call, which is answered or given up. */
void core_forget_call(struct core *core, struct call *call);
/* Gives a call up, unless it was answered, and has the scripts' side hear why: that may end anything. */
void core_abort_call(struct core *core, uint64_t id, enum abort_reason reason);
void core_advance_all(struct core *core, struct lane *lane, size_t len);
static inline void core_advance(struct core *core, struct lane *lane, size_t len) {
  if (lane->session && lane->session->lanes) core_advance_all(core, lane, len);
}
/* core_reply.c: answers sync calls that are past their time. */
void core_expire(struct core *core);
/* core_reply.c: appends the payload of an error reply. */
enum status error_payload(struct buf *out, const char *name, const char *message, const char *code);

#endif
