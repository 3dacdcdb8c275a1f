/*
 * ports: the switchboard of MessagePorts (docs/protocol.md, section 5.1). A pair has two ends; each is at a
 * session, at the scripts, or in transit inside of a message. What goes from one session to another passes
 * here as opaque bytes. It knows no Lua and no native MessagePort.
 *
 * Ends cross the core's border by id only. An id that is gone stands for a closed end.
 */
#ifndef IPCHOST_IPC_PORTS_H
#define IPCHOST_IPC_PORTS_H

#include "base/list.h"
#include "base/map.h"
#include "base/slice.h"
#include "wire/packet.h"

struct core;
struct session;

struct ports {
  struct map ends;    /* by id */
  struct list ready;  /* ends at the scripts that have something to deliver */
  struct list doomed; /* ends that are being closed */
  uint64_t last_end, last_link;
  bool closing; /* the doomed are being freed */
};

void ports_init(struct ports *ports);
/* The sessions must be gone. */
void ports_deinit(struct core *core);

/* ---- from connections (ports_session.c) ---- */

/*
 * Takes the ends that a packet of the session transfers: they are in transit then, and the caller's, who
 * hands them on or calls ports_drop. Returns new in *out, packet->port_count ids (NULL for none), to be
 * freed. `source` is the port that the message came on, or 0. ST_OK, or a status with `fault` filled.
 */
enum status ports_adopt(struct core *core, struct session *session, const struct packet *packet,
                        uint64_t source, uint64_t **out, struct fault *fault);
/* port-open, port-message, port-close and port-credit. ST_OK, or a status with `fault` filled. */
enum status ports_packet(struct core *core, struct session *session, const struct packet *packet,
                         struct fault *fault);
/* The session ends: so do its ends. */
void ports_end_session(struct core *core, struct session *session);

/* ---- from the scripts ---- */

/* Makes a pair whose ends are both at the scripts. ST_OK or ST_NOMEM. */
enum status ports_pair(struct core *core, uint64_t *first, uint64_t *second);
enum port_result { PORT_SENT, PORT_MARK, PORT_CLOSED, PORT_DETACHED, PORT_NOMEM, PORT_LIMIT };
/*
 * Posts to the other end of `port`, which is at the scripts. The ends in `ids` are transferred with it,
 * unless the result is PORT_NOMEM. PORT_MARK: sent, and more than the window waits for the reader.
 * PORT_CLOSED: nobody is there any longer; what was transferred is closed.
 */
enum port_result ports_post(struct core *core, uint64_t port, struct slice payload, const uint64_t *ids,
                            size_t count);
/* Posts to a frame with ends that are at the scripts. PORT_DETACHED: its document is gone; what was
 * transferred is closed, as with PORT_CLOSED. PORT_LIMIT: its session would have more than limits.ports;
 * nothing is transferred then, as with PORT_NOMEM. */
enum port_result ports_post_to_frame(struct core *core, uint64_t frame, struct slice channel,
                                     struct slice payload, const uint64_t *ids, size_t count);
/* What is queued, and what comes from now on, is handed to the scripts. */
void ports_start(struct core *core, uint64_t port);
/* Nothing is handed to the scripts until it is started again. */
void ports_pause(struct core *core, uint64_t port);
/* Ends in transit are at the scripts now. */
void ports_give(struct core *core, const uint64_t *ids, size_t count);
/* Closes ends: the other ends hear of it after what was queued for them. */
void ports_drop(struct core *core, const uint64_t *ids, size_t count);
/* Bytes that were posted by this end and that the other has not taken; 0 once one is closed. */
uint64_t ports_buffered(const struct core *core, uint64_t port);
/* Has the border told when no more than the window waits; false if that is so already. */
bool ports_await_drain(struct core *core, uint64_t port);
/* True while the end exists; it may have been transferred. */
bool ports_exists(const struct core *core, uint64_t port);

/* True when ports_deliver has something to do. */
static inline bool ports_ready(const struct ports *ports) {
  return !list_empty(&ports->ready);
}
/* Hands to the scripts what is ready now: at most a batch an end. Call it outside of Lua. */
void ports_deliver(struct core *core);

#endif
