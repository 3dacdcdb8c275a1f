/* allocator: see allocator.h. */
#include "lua/allocator.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK ((size_t)16 * 1024)

struct allocator_block {
  struct allocator_block *next;
};

struct allocator_chunk {
  alignas(ALLOCATOR_STEP) struct allocator_chunk *next;
};

/* A sanitizer sees every block by itself. */
#if defined(__SANITIZE_ADDRESS__)
#define POOLED 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POOLED 0
#endif
#endif
#ifndef POOLED
#define POOLED 1
#endif

static inline int is_small(size_t size) {
  return POOLED && size <= ALLOCATOR_SMALL;
}

static inline size_t class_of(size_t size) {
  return (size - 1) / ALLOCATOR_STEP;
}

/* What is left of a chunk goes to the free lists before the next one is begun. */
static void retire_chunk(struct allocator *allocator) {
  size_t left = (size_t)(allocator->end - allocator->fresh);
  struct allocator_block *block = (struct allocator_block *)(void *)allocator->fresh;
  if (!left) return;
  block->next = allocator->free[class_of(left)];
  allocator->free[class_of(left)] = block;
}

static void *carve(struct allocator *allocator, size_t rounded) {
  void *block;
  if ((size_t)(allocator->end - allocator->fresh) < rounded) {
    struct allocator_chunk *chunk = malloc(CHUNK);
    if (!chunk) return NULL;
    retire_chunk(allocator);
    chunk->next = allocator->chunks;
    allocator->chunks = chunk;
    allocator->fresh = (char *)(chunk + 1);
    allocator->end = (char *)chunk + CHUNK;
  }
  block = allocator->fresh;
  allocator->fresh += rounded;
  return block;
}

static inline void *take(struct allocator *allocator, size_t size) {
  struct allocator_block *block;
  if (!is_small(size)) return malloc(size);
  block = allocator->free[class_of(size)];
  if (!block) return carve(allocator, (class_of(size) + 1) * ALLOCATOR_STEP);
  allocator->free[class_of(size)] = block->next;
  return block;
}

static inline void give(struct allocator *allocator, void *memory, size_t size) {
  struct allocator_block *block = memory;
  if (!is_small(size)) {
    free(memory);
    return;
  }
  block->next = allocator->free[class_of(size)];
  allocator->free[class_of(size)] = block;
}

static void *move(struct allocator *allocator, void *block, size_t old, size_t size) {
  void *moved;
  if (!is_small(old) && !is_small(size)) return realloc(block, size);
  if (is_small(old) && is_small(size) && class_of(old) == class_of(size)) return block;
  moved = take(allocator, size);
  if (!moved) return is_small(old) && size <= old ? block : NULL; /* Lua counts on shrinking */
  memcpy(moved, block, old < size ? old : size);
  give(allocator, block, old);
  return moved;
}

void *allocator_alloc(void *user, void *block, size_t old, size_t size) {
  struct allocator *allocator = user;
  void *out;
  if (!block) old = 0; /* then it is the kind of an object */
  if (!size) {
    if (old) give(allocator, block, old);
    allocator->used -= old;
    return NULL;
  }
  out = old ? move(allocator, block, old, size) : take(allocator, size);
  if (out) allocator->used += size - old;
  return out;
}

void allocator_deinit(struct allocator *allocator) {
  while (allocator->chunks) {
    struct allocator_chunk *next = allocator->chunks->next;
    free(allocator->chunks);
    allocator->chunks = next;
  }
}
