/*
 * payload: immutable, reference-counted bytes. One encoding is shared by every connection and session that
 * sends it. Counts are not atomic: a payload belongs to one loop's thread.
 */
#ifndef IPCHOST_BASE_PAYLOAD_H
#define IPCHOST_BASE_PAYLOAD_H

#include "base/slice.h"

struct payload {
  size_t refs;
  size_t len;
  uint8_t data[];
};

/* Returns new, with one reference and a copy of the bytes; NULL when out of memory. */
struct payload *payload_new(struct slice bytes);
static inline struct payload *payload_ref(struct payload *payload) {
  payload->refs++;
  return payload;
}
/* Gives one reference back; the last one frees. NULL is allowed. */
void payload_unref(struct payload *payload);

static inline struct slice payload_slice(const struct payload *payload) {
  return slice_of(payload->data, payload->len);
}

#endif
