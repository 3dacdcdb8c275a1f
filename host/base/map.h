/*
 * map: a hash map from a uint64_t id (never 0) to a pointer (never NULL). Open addressing, linear probing.
 * It owns its slots, not what they point to. A zeroed struct is an empty map.
 */
#ifndef IPCHOST_BASE_MAP_H
#define IPCHOST_BASE_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct map_slot {
  uint64_t key;
  void *value;
};

struct map {
  struct map_slot *slots;
  size_t cap; /* 0 or a power of two */
  size_t count;
};

void map_deinit(struct map *map);
/* Returns the value, or NULL. */
void *map_get(const struct map *map, uint64_t key);
/* Sets or replaces. ST_OK or ST_NOMEM. */
enum status map_set(struct map *map, uint64_t key, void *value);
/* Removes; returns the value that was there, or NULL. */
void *map_remove(struct map *map, uint64_t key);
/*
 * Walks the map: start with *cursor = 0; returns NULL at the end. The map must not change during a walk, but
 * for setting existing keys.
 */
void *map_next(const struct map *map, size_t *cursor);

#endif
