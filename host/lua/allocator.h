/*
 * allocator: the memory of one Lua state. Small blocks come from free lists by size, because a collector
 * frees in bulk what the next messages take again, which the C library's caches are too short for; large ones
 * from malloc. Chunks of small blocks go back when the state is gone. It knows nothing of Lua but the shape
 * of lua_Alloc.
 */
#ifndef IPCHOST_LUA_ALLOCATOR_H
#define IPCHOST_LUA_ALLOCATOR_H

#include <stddef.h>

#define ALLOCATOR_STEP 16   /* bytes between two size classes */
#define ALLOCATOR_SMALL 256 /* the largest small block */

struct allocator_block;
struct allocator_chunk;

struct allocator {
  size_t used; /* bytes that the state has */
  struct allocator_block *free[ALLOCATOR_SMALL / ALLOCATOR_STEP];
  struct allocator_chunk *chunks;
  char *fresh, *end; /* what is left of the newest chunk */
};

/* A lua_Alloc; `user` is a zeroed struct allocator. */
void *allocator_alloc(void *user, void *block, size_t old, size_t size);
/* The state is closed: gives the chunks back. */
void allocator_deinit(struct allocator *allocator);

#endif
