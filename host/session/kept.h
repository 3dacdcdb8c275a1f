/*
 * kept: packets that were numbered and may have to be written (again): towards a main lane that is not there
 * yet, or until they are acknowledged. Payloads that are shared stay so. It knows no lane.
 */
#ifndef IPCHOST_SESSION_KEPT_H
#define IPCHOST_SESSION_KEPT_H

#include "base/buf.h"
#include "base/payload.h"
#include "base/status.h"

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
  size_t bytes;    /* with what each packet costs besides */
};

void kept_deinit(struct kept *kept);
/* Appends a packet: the bytes of `head`, copied, and `body` (may be NULL) by reference; its number follows
 * the last one's. ST_OK or ST_NOMEM. */
enum status kept_put(struct kept *kept, struct slice head, struct payload *body);
/* Forgets the packets up to that number. */
void kept_drop(struct kept *kept, uint64_t number);

#endif
