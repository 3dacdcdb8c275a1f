/* ports: see ports.h. This file has ends and what waits for them. */
#include "ipc/ports_private.h"

#include <stdlib.h>

/* Messages that an end gets in one go. */
#define BATCH 64

void ports_init(struct ports *ports) {
  *ports = (struct ports){0};
  list_init(&ports->ready);
  list_init(&ports->doomed);
}

struct port_end *port_end_of(const struct core *core, uint64_t id) {
  return id ? map_get(&core->ports.ends, id) : NULL;
}

/* ---- what waits ---- */

static struct parcel *parcel_new(struct slice payload, uint64_t origin, const uint64_t *ids, size_t count) {
  struct parcel *parcel = malloc(sizeof *parcel + count * sizeof *ids);
  if (!parcel) return NULL;
  *parcel = (struct parcel){.payload = payload_new(payload), .origin = origin, .port_count = count};
  if (!parcel->payload) {
    free(parcel);
    return NULL;
  }
  if (count) memcpy(parcel->ports, ids, count * sizeof *ids);
  return parcel;
}

static void parcel_free(struct parcel *parcel) {
  payload_unref(parcel->payload);
  free(parcel);
}

static void push(struct parcels *queue, struct parcel *parcel) {
  parcel->next = NULL;
  if (queue->last)
    queue->last->next = parcel;
  else
    queue->first = parcel;
  queue->last = parcel;
  queue->bytes += cost_of(parcel->payload->len);
}

static struct parcel *pop(struct parcels *queue) {
  struct parcel *parcel = queue->first;
  queue->first = parcel->next;
  if (!queue->first) queue->last = NULL;
  queue->bytes -= cost_of(parcel->payload->len);
  return parcel;
}

/* ---- the life of ends ---- */

static struct port_end *end_new(struct core *core) {
  struct port_end *end = calloc(1, sizeof *end);
  if (!end) return NULL;
  end->id = ++core->ports.last_end;
  list_init(&end->node);
  if (map_set(&core->ports.ends, end->id, end) == ST_OK) return end;
  free(end);
  return NULL;
}

static void end_free(struct core *core, struct port_end *end) {
  map_remove(&core->ports.ends, end->id);
  list_remove(&end->node);
  free(end);
}

enum status port_pair_new(struct core *core, struct port_end **first, struct port_end **second) {
  struct port_end *a = end_new(core), *b = end_new(core);
  if (!a || !b) {
    if (a) end_free(core, a);
    if (b) end_free(core, b);
    return ST_NOMEM;
  }
  a->peer = b;
  b->peer = a;
  *first = a;
  *second = b;
  return ST_OK;
}

/* Ends are closed from a list, not by recursion: each may have others waiting in it. */
static void doom(struct core *core, struct port_end *end) {
  if (!end || end->doomed) return;
  end->doomed = true;
  list_remove(&end->node);
  list_push(&core->ports.doomed, &end->node);
}

static void discard(struct core *core, struct parcels *queue) {
  while (queue->first) {
    struct parcel *parcel = pop(queue);
    for (size_t i = 0; i < parcel->port_count; i++) doom(core, port_end_of(core, parcel->ports[i]));
    parcel_free(parcel);
  }
}

static void close_one(struct core *core, struct port_end *end) {
  struct port_end *peer = end->peer;
  if (end->draining) end->draining->end = NULL;
  if (end->link) {
    port_link_write_close(end->link);
    end->link->end = NULL;
  }
  discard(core, &end->queue);
  discard(core, &end->held);
  end_free(core, end);
  if (!peer) return;
  peer->peer = NULL;
  if (peer->awaits_drain) peer->drained = true;
  peer->awaits_drain = false;
  port_end_advance(core, peer);
}

static void close_doomed(struct core *core) {
  struct ports *ports = &core->ports;
  if (ports->closing) return;
  ports->closing = true;
  while (!list_empty(&ports->doomed)) close_one(core, LIST_ENTRY(ports->doomed.next, struct port_end, node));
  ports->closing = false;
}

void port_end_close(struct core *core, struct port_end *end) {
  doom(core, end);
  close_doomed(core);
}

void ports_drop(struct core *core, const uint64_t *ids, size_t count) {
  for (size_t i = 0; i < count; i++) doom(core, port_end_of(core, ids[i]));
  close_doomed(core);
}

void ports_deinit(struct core *core) {
  struct port_end *end;
  size_t cursor = 0;
  while ((end = map_next(&core->ports.ends, &cursor))) doom(core, end);
  close_doomed(core);
  map_deinit(&core->ports.ends);
}

/* ---- moving on ---- */

static bool has_news(const struct port_end *end) {
  return end->drained || (end->queue.first ? end->started : !end->peer);
}

static void make_ready(struct core *core, struct port_end *end) {
  bool first = list_empty(&core->ports.ready);
  list_remove(&end->node);
  list_push(&core->ports.ready, &end->node);
  if (first && core->border) core->border->ports_ready(core->border_user);
}

static void advance_at_session(struct core *core, struct port_end *end) {
  while (end->queue.first && port_link_ready(end->link)) {
    struct parcel *parcel = pop(&end->queue);
    bool written = port_link_write(core, end->link, slice_of(NULL, 0), parcel->payload, parcel->ports,
                                   parcel->port_count);
    if (written)
      port_end_taken(core, end, parcel->origin, cost_of(parcel->payload->len));
    else
      for (size_t i = 0; i < parcel->port_count; i++) doom(core, port_end_of(core, parcel->ports[i]));
    parcel_free(parcel);
    if (!written) {
      port_end_close(core, end);
      return;
    }
  }
  if (!end->queue.first && !end->peer) port_link_write_close(end->link);
}

void port_end_advance(struct core *core, struct port_end *end) {
  if (end->doomed || end->draining) return;
  if (end->place == PORT_AT_SESSION)
    advance_at_session(core, end);
  else if (end->place == PORT_AT_SCRIPTS && has_news(end))
    make_ready(core, end);
}

void port_end_taken(struct core *core, struct port_end *end, uint64_t origin, uint64_t cost) {
  struct port_end *peer = end->peer;
  if (!peer) return;
  if (peer->link && peer->link->id == origin) port_link_owe(core, peer->link, cost);
  if (!peer->awaits_drain || end->queue.bytes + end->held.bytes > core->limits->window) return;
  peer->awaits_drain = false;
  peer->drained = true;
  port_end_advance(core, peer);
}

static bool contains(const uint64_t *ids, size_t count, uint64_t id) {
  for (size_t i = 0; i < count; i++)
    if (ids[i] == id) return true;
  return false;
}

/* Whether the end is one of them, or on its way inside of one, perhaps of several: what waits there for one
 * that waits in it could never be taken out again. */
static bool within(const struct core *core, const struct port_end *end, const uint64_t *ids, size_t count) {
  for (; end; end = end->place == PORT_IN_TRANSIT ? port_end_of(core, end->carrier) : NULL)
    if (contains(ids, count, end->id)) return true;
  return false;
}

/* Queues a message at the end, which carries the ends in it from then on. */
static void queue_at(struct core *core, struct port_end *end, struct parcels *queue, struct parcel *parcel) {
  struct port_end *carried;
  for (size_t i = 0; i < parcel->port_count; i++)
    if ((carried = port_end_of(core, parcel->ports[i]))) carried->carrier = end->id;
  push(queue, parcel);
}

enum status port_end_accept(struct core *core, struct port_end *end, struct slice payload, uint64_t origin,
                            const uint64_t *ids, size_t count) {
  struct parcel *parcel;
  if (count && within(core, end, ids, count)) {
    ports_drop(core, ids, count);
    return ST_OK;
  }
  if (end->place == PORT_AT_SESSION && !end->draining && !end->queue.first && port_link_ready(end->link)) {
    if (port_link_write(core, end->link, payload, NULL, ids, count)) {
      port_end_taken(core, end, origin, cost_of(payload.len));
    } else {
      ports_drop(core, ids, count);
      port_end_close(core, end);
    }
    return ST_OK;
  }
  if (!(parcel = parcel_new(payload, origin, ids, count))) return ST_NOMEM;
  queue_at(core, end, end->draining ? &end->held : &end->queue, parcel);
  port_end_advance(core, end);
  return ST_OK;
}

enum status port_end_restore(struct core *core, struct port_end *end, struct slice payload,
                             const uint64_t *ids, size_t count) {
  struct parcel *parcel;
  if (count && within(core, end, ids, count)) {
    ports_drop(core, ids, count);
    return ST_OK;
  }
  if (!(parcel = parcel_new(payload, ORIGIN_PAID, ids, count))) return ST_NOMEM;
  queue_at(core, end, &end->queue, parcel);
  return ST_OK;
}

void port_end_drained(struct core *core, struct port_end *end) {
  end->draining = NULL;
  while (end->held.first) push(&end->queue, pop(&end->held));
  port_end_advance(core, end);
}

/* ---- at the scripts ---- */

bool port_end_listens(const struct port_end *end) {
  return end->place == PORT_AT_SCRIPTS && end->started && !end->draining && !end->queue.first;
}

void port_end_deliver(struct core *core, uint64_t id, struct slice payload, uint64_t origin,
                      const uint64_t *ids, size_t count) {
  struct port_end *end;
  bool taken;
  ports_give(core, ids, count);
  taken = core->border && core->border->port_message(core->border_user, id, payload, ids, count);
  if (!taken) ports_drop(core, ids, count);
  if (!(end = port_end_of(core, id))) return;
  if (taken) {
    port_end_taken(core, end, origin, cost_of(payload.len));
    return;
  }
  port_end_close(core, end);
  if (core->border) core->border->port_closed(core->border_user, id);
}

/* The scripts' end with that id, if it may be given something. */
static struct port_end *at_scripts(const struct core *core, uint64_t id) {
  struct port_end *end = port_end_of(core, id);
  return end && end->place == PORT_AT_SCRIPTS && !end->draining ? end : NULL;
}

static void deliver_batch(struct core *core, uint64_t id) {
  struct port_end *end = at_scripts(core, id);
  for (int i = 0; i < BATCH && end && end->started && end->queue.first; i++) {
    struct parcel *parcel = pop(&end->queue);
    port_end_deliver(core, id, payload_slice(parcel->payload), parcel->origin, parcel->ports,
                     parcel->port_count);
    parcel_free(parcel);
    end = at_scripts(core, id);
  }
  if (!end) return;
  if (end->queue.first || end->peer) {
    port_end_advance(core, end);
    return;
  }
  end_free(core, end);
  if (core->border) core->border->port_closed(core->border_user, id);
}

void ports_deliver(struct core *core) {
  struct list *ready = &core->ports.ready;
  size_t count = 0;
  for (struct list *node = ready->next; node != ready; node = node->next) count++;
  for (; count && !list_empty(ready); count--) {
    struct port_end *end = LIST_ENTRY(ready->next, struct port_end, node);
    uint64_t id = end->id;
    bool drained = end->drained;
    list_remove(&end->node);
    end->drained = false;
    if (drained && core->border) core->border->port_drained(core->border_user, id);
    deliver_batch(core, id);
  }
}

static void leave_scripts(struct port_end *end) {
  end->started = end->awaits_drain = end->drained = false;
  end->place = PORT_IN_TRANSIT;
  list_remove(&end->node);
}

enum status ports_pair(struct core *core, uint64_t *first, uint64_t *second) {
  struct port_end *a, *b;
  if (port_pair_new(core, &a, &b) != ST_OK) return ST_NOMEM;
  a->place = b->place = PORT_AT_SCRIPTS;
  *first = a->id;
  *second = b->id;
  return ST_OK;
}

enum port_result ports_post(struct core *core, uint64_t port, struct slice payload, const uint64_t *ids,
                            size_t count) {
  struct port_end *end = port_end_of(core, port), *moved;
  if (!end || end->place != PORT_AT_SCRIPTS || !end->peer) {
    ports_drop(core, ids, count);
    return PORT_CLOSED;
  }
  if (port_end_accept(core, end->peer, payload, ORIGIN_SCRIPT, ids, count) != ST_OK) return PORT_NOMEM;
  for (size_t i = 0; i < count; i++)
    if ((moved = port_end_of(core, ids[i])) && moved->place == PORT_AT_SCRIPTS) leave_scripts(moved);
  return ports_buffered(core, port) > core->limits->window ? PORT_MARK : PORT_SENT;
}

void ports_start(struct core *core, uint64_t port) {
  struct port_end *end = port_end_of(core, port);
  if (!end || end->place != PORT_AT_SCRIPTS) return;
  end->started = true;
  port_end_advance(core, end);
}

void ports_pause(struct core *core, uint64_t port) {
  struct port_end *end = port_end_of(core, port);
  if (!end || end->place != PORT_AT_SCRIPTS) return;
  end->started = false;
  if (!has_news(end)) list_remove(&end->node);
}

void ports_give(struct core *core, const uint64_t *ids, size_t count) {
  struct port_end *end;
  for (size_t i = 0; i < count; i++) {
    if (!(end = port_end_of(core, ids[i])) || end->place != PORT_IN_TRANSIT) continue;
    end->place = PORT_AT_SCRIPTS;
    port_end_advance(core, end);
  }
}

uint64_t ports_buffered(const struct core *core, uint64_t port) {
  const struct port_end *end = port_end_of(core, port);
  return end && end->peer ? end->peer->queue.bytes + end->peer->held.bytes : 0;
}

bool ports_await_drain(struct core *core, uint64_t port) {
  struct port_end *end = port_end_of(core, port);
  if (ports_buffered(core, port) <= core->limits->window) return false;
  end->awaits_drain = true;
  return true;
}

bool ports_exists(const struct core *core, uint64_t port) {
  return port_end_of(core, port) != NULL;
}
