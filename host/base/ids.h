/*
 * ids: the one allocator of public ids. Each kind counts from 1, no id is ever given twice in a host's life,
 * and none reaches 2^53; the top 12 of the 53 bits are a node number, 0 for the only host there is today.
 */
#ifndef IPCHOST_BASE_IDS_H
#define IPCHOST_BASE_IDS_H

#include <stdint.h>

enum id_kind { ID_PROCESS, ID_CONTENTS, ID_FRAME, ID_FRAME_NODE, ID_CONNECTION, ID_KINDS };

struct ids {
  uint64_t last[ID_KINDS];
  uint64_t node; /* 0..4095 */
};

/* The next id of that kind. 2^41 of them last longer than any host. */
static inline uint64_t ids_next(struct ids *ids, enum id_kind kind) {
  return (ids->node << 41) | ++ids->last[kind];
}

#endif
