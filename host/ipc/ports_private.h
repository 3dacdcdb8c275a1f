/* ports_private: what the parts of ports.h share: ends, links to sessions, and what waits. */
#ifndef IPCHOST_IPC_PORTS_PRIVATE_H
#define IPCHOST_IPC_PORTS_PRIVATE_H

#include "base/payload.h"
#include "ipc/core.h"
#include "ipc/ports.h"

/* What a message costs of a window beside its payload. */
#define PARCEL_COST 64
/* Origins of a parcel that are no link. */
#define ORIGIN_SCRIPT 0
#define ORIGIN_PAID UINT64_MAX

/* A message on its way to an end. */
struct parcel {
  struct parcel *next;
  struct payload *payload;
  uint64_t origin; /* the link that it came on, which is credited when it is taken */
  size_t port_count;
  uint64_t ports[]; /* ends in transit, the parcel's own */
};

struct parcels {
  struct parcel *first, *last;
  uint64_t bytes;
};

enum port_place { PORT_IN_TRANSIT, PORT_AT_SCRIPTS, PORT_AT_SESSION };

struct port_end {
  uint64_t id;
  struct port_end *peer; /* NULL once that is closed */
  enum port_place place;
  uint64_t carrier;           /* in transit: the end that the message with it waits at; 0: at none */
  struct port_link *link;     /* PORT_AT_SESSION */
  struct port_link *draining; /* the link that it left, on which a client still gives back what it had */
  struct parcels queue;       /* what comes next */
  struct parcels held;        /* while draining: what comes after that */
  struct list node;           /* in ready or doomed, or in neither */
  bool started;               /* at the scripts */
  bool awaits_drain;          /* the scripts wait until the other end's reader has caught up */
  bool drained;               /* it has: the scripts must be told */
  bool doomed;
};

/* A number of a session, and the end that is there. */
struct port_link {
  uint64_t id, number;
  struct session *session;
  struct port_end *end;         /* NULL when the client has closed it, or given it back */
  uint64_t window, outstanding; /* towards the client; no window before its port-open */
  uint64_t inflow;              /* what came from the client and was not credited */
  uint64_t owed;                /* of that: taken already */
  bool open, returning, close_sent;
};

/* One a session, made with its first port. */
struct session_ports {
  struct map links; /* by number */
  uint64_t last_client, last_host;
};

static inline uint64_t cost_of(size_t payload) {
  return payload + PARCEL_COST;
}

/* ---- ports.c ---- */

struct port_end *port_end_of(const struct core *core, uint64_t id);
/* Returns a new pair, both in transit; ST_OK or ST_NOMEM. */
enum status port_pair_new(struct core *core, struct port_end **first, struct port_end **second);
/* Closes an end that is no longer at a session. */
void port_end_close(struct core *core, struct port_end *end);
/* Takes a message for the end, and the ends in `ids`, which are in transit. ST_OK or ST_NOMEM (nothing is
 * taken). */
enum status port_end_accept(struct core *core, struct port_end *end, struct slice payload, uint64_t origin,
                            const uint64_t *ids, size_t count);
/* The same for one that a client gives back: it comes before what is held. */
enum status port_end_restore(struct core *core, struct port_end *end, struct slice payload,
                             const uint64_t *ids, size_t count);
/* Moves on what can be moved on. */
void port_end_advance(struct core *core, struct port_end *end);
/* The client has given back all that it had. */
void port_end_drained(struct core *core, struct port_end *end);
/* True when a message may be handed to the scripts at once. */
bool port_end_listens(const struct port_end *end);
/* Hands a message to the scripts, and its ends, which are in transit. The end may be gone afterwards. */
void port_end_deliver(struct core *core, uint64_t id, struct slice payload, uint64_t origin,
                      const uint64_t *ids, size_t count);
/* A message of that cost was taken from the end's queue. */
void port_end_taken(struct core *core, struct port_end *end, uint64_t origin, uint64_t cost);

/* ---- ports_session.c ---- */

/* True when a message may be written to the client now. */
static inline bool port_link_ready(const struct port_link *link) {
  return link->open && link->outstanding < link->window;
}
/* Writes a message; its ends are in transit. False if they are too many for the session, or with its numbers
 * the packet is too long, which the log says: nothing was written. */
bool port_link_write(struct core *core, struct port_link *link, struct slice payload, struct payload *shared,
                     const uint64_t *ids, size_t count);
/* Tells the client that nothing more comes. Idempotent. */
void port_link_write_close(struct port_link *link);
/* Credits the client, at once or later. */
void port_link_owe(struct core *core, struct port_link *link, uint64_t cost);
/* Gives ends in transit numbers at the session, and writes them to `numbers`, as CBOR. ST_OK, ST_LIMIT or
 * ST_NOMEM (nothing was done). */
enum status port_links_open(struct core *core, struct session *session, const uint64_t *ids, size_t count,
                            struct buf *numbers);

#endif
