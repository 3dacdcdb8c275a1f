/* asks: see asks.h. */
#include "ipc/asks.h"

#include <stdlib.h>

void asks_init(struct asks *asks) {
  *asks = (struct asks){0};
  list_init(&asks->ended);
}

void asks_deinit(struct asks *asks) {
  map_deinit(&asks->by_id);
}

static enum status prepare(struct session *session) {
  if (session->asks) return ST_OK;
  if (!(session->asks = calloc(1, sizeof *session->asks))) return ST_NOMEM;
  list_init(&session->asks->all);
  return ST_OK;
}

struct ask *ask_open(struct asks *asks, struct session *session, uint64_t frame) {
  struct ask *ask;
  if (prepare(session) != ST_OK || !(ask = malloc(sizeof *ask))) return NULL;
  *ask =
      (struct ask){.session = session, .id = asks->last + 1, .wire = session->asks->last + 1, .frame = frame};
  if (map_set(&asks->by_id, ask->id, ask) != ST_OK) goto out;
  if (map_set(&session->asks->by_wire, ask->wire, ask) != ST_OK) {
    map_remove(&asks->by_id, ask->id);
    goto out;
  }
  list_push(&session->asks->all, &ask->node);
  asks->last++;
  session->asks->last++;
  return ask;
out:
  free(ask);
  return NULL;
}

struct ask *ask_find(const struct session *session, uint64_t wire) {
  return session->asks && wire ? map_get(&session->asks->by_wire, wire) : NULL;
}

size_t asks_of(const struct session *session) {
  return session->asks ? session->asks->by_wire.count : 0;
}

static void unlink_ask(struct asks *asks, struct ask *ask) {
  list_remove(&ask->node);
  map_remove(&asks->by_id, ask->id);
  map_remove(&ask->session->asks->by_wire, ask->wire);
}

void ask_close(struct asks *asks, struct ask *ask) {
  unlink_ask(asks, ask);
  free(ask);
}

void asks_end(struct asks *asks, struct session *session, uint64_t frame, enum ask_result end) {
  struct list *node, *next;
  if (!session->asks) return;
  for (node = session->asks->all.next; node != &session->asks->all; node = next) {
    struct ask *ask = LIST_ENTRY(node, struct ask, node);
    next = node->next;
    if (frame && ask->frame != frame) continue;
    unlink_ask(asks, ask);
    ask->session = NULL;
    ask->end = end;
    list_push(&asks->ended, &ask->node);
  }
}

bool asks_next_ended(struct asks *asks, uint64_t *id, enum ask_result *end) {
  struct ask *ask;
  if (list_empty(&asks->ended)) return false;
  ask = LIST_ENTRY(asks->ended.next, struct ask, node);
  *id = ask->id;
  *end = ask->end;
  list_remove(&ask->node);
  free(ask);
  return true;
}

void session_asks_free(struct session_asks *asks) {
  if (!asks) return;
  map_deinit(&asks->by_wire);
  free(asks);
}
