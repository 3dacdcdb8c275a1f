/* hash: FNV-1a of 64 bits, to tell one content from another; it protects nothing. */
#ifndef IPCHOST_BASE_HASH_H
#define IPCHOST_BASE_HASH_H

#include "base/slice.h"

#define HASH_START UINT64_C(0xcbf29ce484222325)

static inline uint64_t hash_more(uint64_t hash, struct slice bytes) {
  for (size_t i = 0; i < bytes.len; i++) hash = (hash ^ bytes.data[i]) * UINT64_C(0x100000001b3);
  return hash;
}
static inline uint64_t hash_of(struct slice bytes) {
  return hash_more(HASH_START, bytes);
}

#endif
