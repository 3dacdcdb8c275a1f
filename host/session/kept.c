/* kept: see kept.h. */
#include "session/kept.h"

#include <stdlib.h>

#define SHARE_MIN 1024 /* below, a payload of its own costs more than the copy */

static size_t size_of(const struct kept_packet *packet) {
  return packet->len + (packet->body ? packet->body->len : 0);
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

static struct kept_packet *packet_new(struct slice head, struct slice inlined, struct payload *body) {
  struct kept_packet *packet = malloc(sizeof *packet + head.len + inlined.len);
  if (!packet) return NULL;
  *packet = (struct kept_packet){.body = body, .len = head.len + inlined.len};
  memcpy(packet->head, head.data, head.len);
  if (inlined.len) memcpy(packet->head + head.len, inlined.data, inlined.len);
  return packet;
}

static struct kept_packet *make(const struct packet *packet, struct slice payload, struct payload *shared) {
  struct slice none = slice_of(NULL, 0);
  struct kept_packet *made = NULL;
  struct payload *body = NULL;
  struct buf head = {0};
  size_t len = shared ? shared->len : payload.len;
  if (packet_put(&head, packet, NULL, len) != ST_OK) goto out;
  if (len >= SHARE_MIN && !(body = shared ? payload_ref(shared) : payload_new(payload))) goto out;
  if (shared && !body) payload = payload_slice(shared);
  made = packet_new(buf_slice(&head), body ? none : payload, body);
  if (!made) payload_unref(body);
out:
  buf_deinit(&head);
  return made;
}

struct kept_packet *kept_put(struct kept *kept, const struct packet *packet, struct slice payload,
                             struct payload *shared) {
  struct kept_packet *made = make(packet, payload, shared);
  if (!made) return NULL;
  if (kept->last)
    kept->last->next = made;
  else
    kept->first = made;
  kept->last = made;
  kept->bytes += size_of(made);
  return made;
}
