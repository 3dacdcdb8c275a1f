/* packet_vectors: spec/vectors/packets.json as C tables; the build writes packets.inc with packets_to_c.lua.
 */
#ifndef IPCHOST_PACKET_VECTORS_H
#define IPCHOST_PACKET_VECTORS_H

#include <stdlib.h>

#include "wire/packet.h"

struct expected {
  struct packet packet; /* its `ports` is not set */
  const uint64_t *ports;
};

struct valid_vector {
  const char *name;
  struct slice bytes;
  const struct expected *packets;
  size_t count;
};

struct invalid_vector {
  const char *name;
  struct slice bytes;
  int close;
};

struct stream_vector {
  const char *name;
  struct slice bytes;
  const struct slice *blocks;
  size_t count;
  uint64_t limit;
  int close; /* 0: no error */
  bool partial;
};

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-const-variable"
#include "packets.inc"
#pragma GCC diagnostic pop

#define COUNT(table) (sizeof(table) / sizeof *(table))

/* Returns new: a copy in a block of its exact size, so that ASan sees every read past its end. */
static inline uint8_t *exact_copy(struct slice bytes) {
  uint8_t *copy = malloc(bytes.len ? bytes.len : 1);
  if (!copy) abort();
  if (bytes.len) memcpy(copy, bytes.data, bytes.len);
  return copy;
}

#endif
