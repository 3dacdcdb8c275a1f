/*
 * clone_shared: which objects of a document occur more than once. An encoder walks its values twice at most:
 * the first walk notes every object, and only when one comes again a second walk writes tags 28 and 29. It
 * knows objects by address only.
 */
#ifndef IPCHOST_LUA_CLONE_SHARED_H
#define IPCHOST_LUA_CLONE_SHARED_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHARED_FEW 16

struct shared_entry {
  const void *object;
  uint32_t number; /* 1 + its number once tag 28 is written */
  bool again;
};

struct shared {
  lua_State *L;
  int slot; /* stack slot that anchors the memory of more than a few */
  bool any; /* some object came again */
  bool marking;
  uint32_t next; /* tags 28 so far */
  size_t count, cap;
  struct shared_entry *entries;
  uint32_t *index; /* 1 + an entry's position, by hash; NULL while there are a few; 2 * cap long */
  struct shared_entry few[SHARED_FEW];
};

enum shared_visit {
  SHARED_NEW,   /* write it */
  SHARED_FIRST, /* write tag 28, then the object */
  SHARED_AGAIN  /* write tag 29 over *number; on the first walk, what is written does not matter */
};

/* `slot` holds nil and becomes shared's. */
void shared_init(struct shared *shared, lua_State *L, int slot);
/* Starts the second walk. */
void shared_mark(struct shared *shared);
/* Notes that the walk has come to the object. [-0, +0, m] */
enum shared_visit shared_visit(struct shared *shared, const void *object, uint32_t *number);
/* Whether the object occurs more than once; known on the second walk. */
bool shared_again(const struct shared *shared, const void *object);

#endif
