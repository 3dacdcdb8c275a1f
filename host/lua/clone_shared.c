/* clone_shared: see clone_shared.h. A few objects are a list; more are hashed by address in memory of Lua's,
 * which an error in Lua leaves to the collector. */
#include "lua/clone_shared.h"

#include <string.h>

void shared_init(struct shared *shared, lua_State *L, int slot) {
  shared->L = L;
  shared->slot = slot;
  shared->any = shared->marking = false;
  shared->next = 0;
  shared->count = 0;
  shared->cap = SHARED_FEW;
  shared->entries = shared->few;
  shared->index = NULL;
}

void shared_mark(struct shared *shared) {
  shared->marking = true;
}

/* Where the object is in the index, or would be. */
static size_t probe(const struct shared *shared, const void *object) {
  size_t mask = 2 * shared->cap - 1,
         at = (size_t)((uintptr_t)object * UINT64_C(0x9e3779b97f4a7c15) >> 20) & mask;
  while (shared->index[at] && shared->entries[shared->index[at] - 1].object != object) at = (at + 1) & mask;
  return at;
}

static struct shared_entry *find(const struct shared *shared, const void *object) {
  if (shared->index) {
    uint32_t position = shared->index[probe(shared, object)];
    return position ? &shared->entries[position - 1] : NULL;
  }
  for (size_t i = 0; i < shared->count; i++)
    if (shared->entries[i].object == object) return &shared->entries[i];
  return NULL;
}

static void grow(struct shared *shared) {
  size_t cap = shared->cap * 4;
  struct shared_entry *entries =
      lua_newuserdatauv(shared->L, cap * sizeof *entries + 2 * cap * sizeof *shared->index, 0);
  memcpy(entries, shared->entries, shared->count * sizeof *entries);
  shared->entries = entries;
  shared->index = (uint32_t *)(void *)(entries + cap);
  shared->cap = cap;
  memset(shared->index, 0, 2 * cap * sizeof *shared->index);
  for (size_t i = 0; i < shared->count; i++)
    shared->index[probe(shared, entries[i].object)] = (uint32_t)i + 1;
  lua_replace(shared->L, shared->slot);
}

static void add(struct shared *shared, const void *object) {
  if (shared->count == shared->cap) grow(shared);
  shared->entries[shared->count] = (struct shared_entry){.object = object};
  if (shared->index) shared->index[probe(shared, object)] = (uint32_t)shared->count + 1;
  shared->count++;
}

enum shared_visit shared_visit(struct shared *shared, const void *object, uint32_t *number) {
  struct shared_entry *entry = find(shared, object);
  if (!entry) {
    add(shared, object);
    return SHARED_NEW;
  }
  if (!shared->marking) {
    *number = 0;
    entry->again = shared->any = true;
    return SHARED_AGAIN;
  }
  if (!entry->again) return SHARED_NEW;
  if (entry->number) {
    *number = entry->number - 1;
    return SHARED_AGAIN;
  }
  entry->number = ++shared->next;
  return SHARED_FIRST;
}

bool shared_again(const struct shared *shared, const void *object) {
  const struct shared_entry *entry = find(shared, object);
  return entry && entry->again;
}
