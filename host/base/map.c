/* map: see map.h. Removal shifts the run back, so there are no tombstones. */
#include "base/map.h"

#include <stdlib.h>

static size_t slot_of(uint64_t key, size_t cap) {
  return (size_t)((key * UINT64_C(0x9E3779B97F4A7C15)) >> 20) & (cap - 1);
}

static struct map_slot *find(const struct map *map, uint64_t key) {
  size_t i = slot_of(key, map->cap);
  while (map->slots[i].key && map->slots[i].key != key) i = (i + 1) & (map->cap - 1);
  return &map->slots[i];
}

static enum status rehash(struct map *map, size_t cap) {
  struct map next = {calloc(cap, sizeof *next.slots), cap, map->count};
  if (!next.slots) return ST_NOMEM;
  for (size_t i = 0; i < map->cap; i++)
    if (map->slots[i].key) *find(&next, map->slots[i].key) = map->slots[i];
  free(map->slots);
  *map = next;
  return ST_OK;
}

void map_deinit(struct map *map) {
  free(map->slots);
  map->slots = NULL;
  map->cap = map->count = 0;
}

void *map_get(const struct map *map, uint64_t key) {
  return map->cap ? find(map, key)->value : NULL;
}

enum status map_set(struct map *map, uint64_t key, void *value) {
  struct map_slot *slot;
  if (map->count * 4 >= map->cap * 3 && rehash(map, map->cap ? map->cap * 2 : 8) != ST_OK) return ST_NOMEM;
  slot = find(map, key);
  if (!slot->key) map->count++;
  slot->key = key;
  slot->value = value;
  return ST_OK;
}

void *map_remove(struct map *map, uint64_t key) {
  struct map_slot *slot;
  size_t hole, i;
  void *value;
  if (!map->cap || !(slot = find(map, key))->key) return NULL;
  value = slot->value;
  hole = i = (size_t)(slot - map->slots);
  map->count--;
  for (;;) {
    size_t home;
    i = (i + 1) & (map->cap - 1);
    if (!map->slots[i].key) break;
    home = slot_of(map->slots[i].key, map->cap);
    if (((i - home) & (map->cap - 1)) < ((i - hole) & (map->cap - 1))) continue;
    map->slots[hole] = map->slots[i];
    hole = i;
  }
  map->slots[hole] = (struct map_slot){0, NULL};
  return value;
}

void *map_next(const struct map *map, size_t *cursor) {
  while (*cursor < map->cap) {
    const struct map_slot *slot = &map->slots[(*cursor)++];
    if (slot->key) return slot->value;
  }
  return NULL;
}
