/* calls: see calls.h. Slots are allocated one by one and kept, so that a `struct call` never moves. */
#include "ipc/calls.h"

#include <stdlib.h>

#define CALLS_MAX 0x3fffffu /* what the 22 index bits of an id can name */
#define USES_MAX 0x7fffffffu

void calls_deinit(struct calls *calls) {
  for (uint32_t i = 0; i < calls->count; i++) free(calls->slots[i]);
  free(calls->slots);
  free(calls->free);
  *calls = (struct calls){0};
}

static enum status grow(struct calls *calls) {
  uint32_t cap = calls->cap ? calls->cap * 2 : 64;
  struct call **slots = realloc(calls->slots, cap * sizeof(void *));
  uint32_t *free_slots;
  if (!slots) return ST_NOMEM;
  calls->slots = slots;
  free_slots = realloc(calls->free, cap * sizeof *free_slots);
  if (!free_slots) return ST_NOMEM;
  calls->free = free_slots;
  memset(calls->slots + calls->cap, 0, (cap - calls->cap) * sizeof(void *));
  calls->cap = cap;
  return ST_OK;
}

static struct call *new_slot(struct calls *calls) {
  struct call *call;
  if (calls->count >= CALLS_MAX) return NULL;
  if (calls->count == calls->cap && grow(calls) != ST_OK) return NULL;
  call = calloc(1, sizeof *call);
  if (!call) return NULL;
  call->index = calls->count;
  calls->slots[calls->count++] = call;
  return call;
}

/* ---- the index: made by the first cancel that finds many calls, as most sessions never cancel ---- */

#define FEW_CALLS 32

/* No key is 0. */
static uint64_t key_of(uint64_t wire) {
  return wire + 1;
}

/* Without memory there is no index, and calls are looked for one by one. */
static void index_add(struct session *session, struct call *call) {
  if (map_set(&session->call_index, key_of(call->wire), call) != ST_OK) map_deinit(&session->call_index);
}

static bool is_indexed(const struct session *session) {
  return session->call_index.cap > 0;
}

static void index_all(struct session *session) {
  struct list *node = session->calls.next;
  do {
    index_add(session, LIST_ENTRY(node, struct call, node));
    node = node->next;
  } while (node != &session->calls && is_indexed(session));
}

static void index_remove(struct session *session, const struct call *call) {
  if (map_get(&session->call_index, key_of(call->wire)) == call)
    map_remove(&session->call_index, key_of(call->wire));
}

/* ---- calls ---- */

struct call *call_open(struct calls *calls, struct session *session, uint64_t frame, uint64_t wire) {
  struct call *call = calls->free_count ? calls->slots[calls->free[--calls->free_count]] : new_slot(calls);
  if (!call) return NULL;
  call->session = session;
  call->frame = frame;
  call->wire = wire;
  call->uses++;
  call->lane = NULL;
  call->due = 0;
  list_push(&session->calls, &call->node);
  session->call_count++;
  if (is_indexed(session)) index_add(session, call);
  return call;
}

struct call *call_find(struct session *session, uint64_t wire) {
  if (!is_indexed(session) && session->call_count > FEW_CALLS) index_all(session);
  if (is_indexed(session)) return map_get(&session->call_index, key_of(wire));
  for (struct list *node = session->calls.prev; node != &session->calls; node = node->prev) {
    struct call *call = LIST_ENTRY(node, struct call, node);
    if (call->wire == wire) return call;
  }
  return NULL;
}

void call_close(struct calls *calls, struct call *call) {
  list_remove(&call->node);
  if (is_indexed(call->session)) index_remove(call->session, call);
  call->session->call_count--;
  call->session = NULL;
  /* A slot that has used up its ids is left alone; 2^31 calls on one slot take hours at full speed. */
  if (call->uses < USES_MAX) calls->free[calls->free_count++] = call->index;
}
