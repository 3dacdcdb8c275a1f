/* ports_session: the ends that are at sessions: their numbers, their packets, their windows. Part of ports.h.
 */
#include "ipc/ports_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "wire/cbor.h"

/* What a port-message has beside its payload and its ports' numbers, and each of these, at most. */
#define HEADS_MAX 40
#define NUMBER_MAX 9

static enum status malformed(struct fault *fault, const char *what, uint64_t number) {
  return fault_set(fault, ST_MALFORMED, 1002, "ERR_PROTOCOL", what, (unsigned long long)number);
}

static enum status out_of_memory(struct fault *fault) {
  return fault_set(fault, ST_NOMEM, 4005, "ERR_LIMIT_MEMORY", "ports: out of memory");
}

static enum status too_many(const struct core *core, struct fault *fault) {
  return fault_set(fault, ST_LIMIT, 4005, "ERR_LIMIT_PORTS", "limits.ports (%llu) exceeded",
                   (unsigned long long)core->limits->ports);
}

/* ---- links ---- */

static struct port_link *link_of(const struct session *session, uint64_t number) {
  return session->ports && number ? map_get(&session->ports->links, number) : NULL;
}

static size_t link_count(const struct session *session) {
  return session->ports ? session->ports->links.count : 0;
}

/* Returns a new link without an end; NULL when out of memory. The session must not be ending. */
static struct port_link *link_new(struct core *core, struct session *session, uint64_t number) {
  struct port_link *link;
  if (!session->ports && !(session->ports = calloc(1, sizeof *session->ports))) return NULL;
  if (!(link = calloc(1, sizeof *link))) return NULL;
  link->id = ++core->ports.last_link;
  link->number = number;
  link->session = session;
  if (map_set(&session->ports->links, number, link) == ST_OK) return link;
  free(link);
  return NULL;
}

static void link_free(struct port_link *link) {
  map_remove(&link->session->ports->links, link->number);
  free(link);
}

static void attach(struct port_end *end, struct port_link *link) {
  end->place = PORT_AT_SESSION;
  end->started = end->awaits_drain = end->drained = false;
  list_remove(&end->node);
  end->link = link;
  link->end = end;
}

/* ---- to clients ---- */

static void take_links_back(struct session *session, size_t made) {
  for (; made; made--, session->ports->last_host -= 2) link_free(link_of(session, session->ports->last_host));
}

static enum status put_numbers(struct buf *out, uint64_t first, size_t count) {
  if (cbor_put_head(out, CBOR_ARRAY, count) != ST_OK) return ST_NOMEM;
  for (size_t i = 0; i < count; i++)
    if (cbor_put_uint(out, first + 2 * i) != ST_OK) return ST_NOMEM;
  return ST_OK;
}

/* The number that the host gives next. */
static uint64_t next_number(const struct session *session) {
  return session->ports ? session->ports->last_host + 2 : 2;
}

enum status port_links_open(struct core *core, struct session *session, const uint64_t *ids, size_t count,
                            struct buf *numbers) {
  size_t made = 0;
  uint64_t first = next_number(session);
  if (link_count(session) + count > core->limits->ports) return ST_LIMIT;
  for (; made < count && link_new(core, session, first + 2 * made); made++)
    session->ports->last_host = first + 2 * made;
  if (made < count || put_numbers(numbers, first, count) != ST_OK) {
    take_links_back(session, made);
    return ST_NOMEM;
  }
  for (size_t i = 0; i < count; i++) {
    struct port_end *end = port_end_of(core, ids[i]);
    if (end) attach(end, link_of(session, first + 2 * i));
  }
  return ST_OK;
}

/* What was waiting in ends that have just been transferred. One that is gone is told as closed. */
static void after_transfer(struct core *core, struct session *session, struct slice numbers) {
  uint64_t number;
  while (packet_ports_next(&numbers, &number)) {
    struct port_link *link = link_of(session, number);
    if (link && link->end)
      port_end_advance(core, link->end);
    else if (link)
      port_link_write_close(link);
  }
}

/* Writes a packet that transfers ends. ST_OK, or as port_links_open. */
static enum status write_with_ports(struct core *core, struct session *session, struct packet *packet,
                                    struct slice payload, struct payload *shared, const uint64_t *ids,
                                    size_t count) {
  struct buf numbers = {0};
  enum status status = port_links_open(core, session, ids, count, &numbers);
  if (status == ST_OK) {
    packet->ports = buf_slice(&numbers);
    packet->port_count = count;
    session_write(session, packet, payload, shared);
    after_transfer(core, session, packet->ports);
  }
  buf_deinit(&numbers);
  return status;
}

/* Whether the message is a packet that the client takes. The numbers of its session may be longer than those
 * with which the message came. */
static bool fits(const struct core *core, const struct port_link *link, size_t payload, size_t count) {
  struct packet packet = {.kind = PACKET_PORT_MESSAGE, .port = link->number, .port_count = count};
  struct buf numbers = {0}, head = {0};
  bool fits = payload + HEADS_MAX + count * NUMBER_MAX <= core->limits->packet;
  if (fits) return true;
  if (put_numbers(&numbers, next_number(link->session), count) == ST_OK) {
    packet.ports = buf_slice(&numbers);
    fits = packet_put(&head, &packet, NULL, payload) == ST_OK && head.len + payload <= core->limits->packet;
  }
  buf_deinit(&numbers);
  buf_deinit(&head);
  return fits;
}

/* The port is to be closed: its client cannot be given the message. */
static __attribute__((format(printf, 3, 4))) void
tell_lost(const struct core *core, const struct port_link *link, const char *why, ...) {
  char text[96];
  va_list args;
  va_start(args, why);
  vsnprintf(text, sizeof text, why, args);
  va_end(args);
  log_line(core->log, LOG_WARN, "port", "process %llu: port %llu is closed: %s",
           (unsigned long long)link->session->process, (unsigned long long)link->number, text);
}

bool port_link_write(struct core *core, struct port_link *link, struct slice payload, struct payload *shared,
                     const uint64_t *ids, size_t count) {
  struct packet packet = {.kind = PACKET_PORT_MESSAGE, .port = link->number};
  size_t len = shared ? shared->len : payload.len;
  enum status status = ST_OK;
  if (!fits(core, link, len, count)) {
    tell_lost(core, link, "limits.packet (%llu bytes) exceeded by a message that was forwarded",
              (unsigned long long)core->limits->packet);
    return false;
  }
  if (count)
    status = write_with_ports(core, link->session, &packet, payload, shared, ids, count);
  else
    session_write(link->session, &packet, payload, shared);
  if (status == ST_OK) {
    link->outstanding += cost_of(len);
    return true;
  }
  if (status == ST_LIMIT)
    tell_lost(core, link, "limits.ports (%llu) exceeded by a message with %zu of them",
              (unsigned long long)core->limits->ports, count);
  else
    tell_lost(core, link, "out of memory");
  return false;
}

void port_link_write_close(struct port_link *link) {
  struct packet packet = {.kind = PACKET_PORT_CLOSE, .port = link->number};
  if (link->close_sent) return;
  link->close_sent = true;
  session_write(link->session, &packet, slice_of(NULL, 0), NULL);
}

void port_link_owe(struct core *core, struct port_link *link, uint64_t cost) {
  struct packet packet = {.kind = PACKET_PORT_CREDIT, .port = link->number};
  link->owed += cost;
  if (link->owed < core->limits->window / 2) return;
  packet.bytes = link->owed;
  link->inflow -= link->owed;
  link->owed = 0;
  session_write(link->session, &packet, slice_of(NULL, 0), NULL);
}

enum port_result ports_post_to_frame(struct core *core, uint64_t frame, struct slice channel,
                                     struct slice payload, const uint64_t *ids, size_t count) {
  const struct frame *found = core_frame(core, frame);
  struct packet packet = {.kind = PACKET_POST, .channel = channel};
  enum status status;
  if (!found || found->detached || found->session->ending) {
    bool detached = found && found->detached;
    ports_drop(core, ids, count);
    return detached ? PORT_DETACHED : PORT_CLOSED;
  }
  packet.frame = found->number;
  status = write_with_ports(core, found->session, &packet, payload, NULL, ids, count);
  if (status != ST_OK) return status == ST_LIMIT ? PORT_LIMIT : PORT_NOMEM;
  return core_buffered(core, frame) > core->limits->outbound ? PORT_MARK : PORT_SENT;
}

/* ---- ends that clients transfer ---- */

/* A new pair: one end stays at the client. */
static enum status adopt_new(struct core *core, struct session *session, uint64_t number, uint64_t *out,
                             struct fault *fault) {
  struct port_end *theirs, *ours;
  struct port_link *link;
  if (number % 2 == 0 || (session->ports && number <= session->ports->last_client))
    return malformed(fault, "ports: port %llu is not at this session", number);
  if (link_count(session) >= core->limits->ports) return too_many(core, fault);
  if (!(link = link_new(core, session, number))) return out_of_memory(fault);
  if (port_pair_new(core, &theirs, &ours) != ST_OK) {
    link_free(link);
    return out_of_memory(fault);
  }
  session->ports->last_client = number;
  attach(theirs, link);
  *out = ours->id;
  return ST_OK;
}

/* The end leaves the client, which gives back what it had of it, up to its port-close. */
static enum status give_back(struct port_link *link, uint64_t *out, struct fault *fault) {
  struct port_end *end = link->end;
  if (!end || link->returning)
    return malformed(fault, "ports: port %llu is not at this session", link->number);
  link->returning = true;
  end->link = NULL;
  end->place = PORT_IN_TRANSIT;
  end->carrier = 0;
  if (link->outstanding) {
    end->draining = link;
    end->held = end->queue;
    end->queue = (struct parcels){0};
  } else {
    link->end = NULL;
  }
  port_link_write_close(link);
  *out = end->id;
  return ST_OK;
}

enum status ports_adopt(struct core *core, struct session *session, const struct packet *packet,
                        uint64_t source, uint64_t **out, struct fault *fault) {
  struct slice numbers = packet->ports;
  enum status status = ST_OK;
  uint64_t number, *ids, used = session->ports ? session->ports->last_client : 0;
  size_t count = 0;
  *out = NULL;
  if (!packet->port_count) return ST_OK;
  if (packet->port_count > core->limits->ports) return too_many(core, fault);
  if (!(ids = malloc(packet->port_count * sizeof *ids))) return out_of_memory(fault);
  for (; status == ST_OK && packet_ports_next(&numbers, &number); count++) {
    struct port_link *link = link_of(session, number);
    if (number == source)
      status = malformed(fault, "ports: port %llu cannot be sent through itself", number);
    else if (link && (number % 2 == 0 || number <= used))
      status = give_back(link, &ids[count], fault);
    else
      status = adopt_new(core, session, number, &ids[count], fault);
  }
  if (status == ST_OK) {
    *out = ids;
    return ST_OK;
  }
  ports_drop(core, ids, count - 1);
  free(ids);
  return status;
}

/* ---- packets ---- */

/* A message that the client had when it transferred the port. */
static enum status receive_returned(struct core *core, struct port_link *link, const struct packet *packet,
                                    const uint64_t *ids, struct fault *fault) {
  uint64_t cost = cost_of(packet->payload.len);
  if (cost > link->outstanding) {
    ports_drop(core, ids, packet->port_count);
    return malformed(fault, "port-message: more comes back on port %llu than was sent", link->number);
  }
  link->outstanding -= cost;
  if (!link->end) {
    ports_drop(core, ids, packet->port_count);
    return ST_OK;
  }
  return port_end_restore(core, link->end, packet->payload, ids, packet->port_count) == ST_OK
             ? ST_OK
             : out_of_memory(fault);
}

static enum status receive_on(struct core *core, struct port_link *link, const struct packet *packet,
                              const uint64_t *ids, struct fault *fault) {
  struct port_end *peer = link->end ? link->end->peer : NULL;
  if (link->returning) return receive_returned(core, link, packet, ids, fault);
  if (!peer) {
    ports_drop(core, ids, packet->port_count);
    return ST_OK;
  }
  if (link->inflow >= core->limits->window) {
    ports_drop(core, ids, packet->port_count);
    return fault_set(fault, ST_LIMIT, 4005, "ERR_LIMIT_WINDOW",
                     "limits.window (%llu bytes) exceeded on port %llu",
                     (unsigned long long)core->limits->window, (unsigned long long)link->number);
  }
  link->inflow += cost_of(packet->payload.len);
  if (port_end_listens(peer)) {
    port_end_deliver(core, peer->id, packet->payload, link->id, ids, packet->port_count);
    return ST_OK; /* the link may be gone */
  }
  return port_end_accept(core, peer, packet->payload, link->id, ids, packet->port_count) == ST_OK
             ? ST_OK
             : out_of_memory(fault);
}

static enum status receive_message(struct core *core, struct session *session, const struct packet *packet,
                                   struct fault *fault) {
  struct port_link *link = link_of(session, packet->port);
  uint64_t *ids;
  enum status status;
  if (link && !packet->port_count) return receive_on(core, link, packet, NULL, fault);
  status = ports_adopt(core, session, packet, packet->port, &ids, fault);
  if (status != ST_OK) return status;
  if (link)
    status = receive_on(core, link, packet, ids, fault);
  else
    ports_drop(core, ids, packet->port_count);
  free(ids);
  return status;
}

/* The link's end, without the link. */
static void let_go(struct core *core, struct port_end *end, bool returning) {
  if (!end) return;
  if (returning) {
    port_end_drained(core, end);
  } else {
    end->link = NULL;
    port_end_close(core, end);
  }
}

static void receive_close(struct core *core, struct port_link *link) {
  struct port_end *end = link->end;
  bool returning = link->returning;
  port_link_write_close(link);
  link_free(link);
  let_go(core, end, returning);
}

enum status ports_packet(struct core *core, struct session *session, const struct packet *packet,
                         struct fault *fault) {
  struct port_link *link;
  if (packet->kind == PACKET_PORT_MESSAGE) return receive_message(core, session, packet, fault);
  if (!(link = link_of(session, packet->port))) return ST_OK;
  if (packet->kind == PACKET_PORT_CLOSE) {
    receive_close(core, link);
    return ST_OK;
  }
  if (packet->kind == PACKET_PORT_OPEN) {
    link->open = true;
    link->window = packet->window;
  } else {
    link->outstanding -= packet->bytes < link->outstanding ? packet->bytes : link->outstanding;
  }
  if (link->end && !link->returning) port_end_advance(core, link->end);
  return ST_OK;
}

void ports_end_session(struct core *core, struct session *session) {
  struct session_ports *ports = session->ports;
  struct port_link *link;
  size_t cursor = 0;
  if (!ports) return;
  while ((link = map_next(&ports->links, &cursor))) { /* nothing is written or opened from here on */
    link->open = false;
    link->close_sent = true;
  }
  for (cursor = 0; (link = map_next(&ports->links, &cursor));) let_go(core, link->end, link->returning);
  for (cursor = 0; (link = map_next(&ports->links, &cursor));) free(link);
  map_deinit(&ports->links);
  free(ports);
  session->ports = NULL;
}
