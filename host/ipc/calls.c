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

struct call *call_open(struct calls *calls, struct session *session, uint64_t wire) {
  struct call *call = calls->free_count ? calls->slots[calls->free[--calls->free_count]] : new_slot(calls);
  if (!call) return NULL;
  call->session = session;
  call->wire = wire;
  call->uses++;
  call->lane = NULL;
  call->due = 0;
  call->sync = false;
  list_push(&session->calls, &call->node);
  session->call_count++;
  return call;
}

struct call *call_find(const struct session *session, uint64_t wire) {
  for (struct list *node = session->calls.next; node != &session->calls; node = node->next) {
    struct call *call = LIST_ENTRY(node, struct call, node);
    if (call->wire == wire) return call;
  }
  return NULL;
}

void call_close(struct calls *calls, struct call *call) {
  list_remove(&call->node);
  call->session->call_count--;
  call->session = NULL;
  /* A slot that has used up its ids is left alone; 2^31 calls on one slot take hours at full speed. */
  if (call->uses < USES_MAX) calls->free[calls->free_count++] = call->index;
}
