/* kept: see kept.h. */
#include "session/kept.h"

#include <stdlib.h>

static size_t size_of(const struct kept_packet *packet) {
  return sizeof *packet + packet->len + (packet->body ? packet->body->len : 0);
}

static void drop_first(struct kept *kept) {
  struct kept_packet *packet = kept->first;
  kept->first = packet->next;
  if (!kept->first) kept->last = NULL;
  kept->bytes -= size_of(packet);
  kept->before++;
  payload_unref(packet->body);
  free(packet);
}

void kept_deinit(struct kept *kept) {
  while (kept->first) drop_first(kept);
}

void kept_drop(struct kept *kept, uint64_t number) {
  while (kept->first && kept->before < number) drop_first(kept);
}

enum status kept_put(struct kept *kept, struct slice head, struct payload *body) {
  struct kept_packet *packet = malloc(sizeof *packet + head.len);
  if (!packet) return ST_NOMEM;
  *packet = (struct kept_packet){.body = body ? payload_ref(body) : NULL, .len = head.len};
  memcpy(packet->head, head.data, head.len);
  if (kept->last)
    kept->last->next = packet;
  else
    kept->first = packet;
  kept->last = packet;
  kept->bytes += size_of(packet);
  return ST_OK;
}
