/*
 * kept: packets that were numbered and may have to be written (again): towards a main lane that is not there
 * yet, or until they are acknowledged. Payloads that are shared stay so. It knows no lane.
 */
#ifndef IPCHOST_SESSION_KEPT_H
#define IPCHOST_SESSION_KEPT_H

#include "base/buf.h"
#include "base/payload.h"
#include "wire/packet.h"

struct kept_packet {
  struct kept_packet *next;
  struct payload *body; /* the payload's bytes, or NULL when they are in `head` */
  size_t len;
  uint8_t head[];
};

/* A zeroed struct is empty and owns nothing. */
struct kept {
  struct kept_packet *first, *last;
  uint64_t before; /* the number before that of `first` */
  size_t bytes;
};

void kept_deinit(struct kept *kept);
/* Appends the packet with that payload, `shared` (may be NULL) by reference, else a copy; its number follows
 * the last one's. Borrowed from the queue; NULL when out of memory. */
struct kept_packet *kept_put(struct kept *kept, const struct packet *packet, struct slice payload,
                             struct payload *shared);
/* Forgets the packets up to that number. */
void kept_drop(struct kept *kept, uint64_t number);

#endif
