/* value_collection_private: what value_collection.c offers to the methods of ipc.Map and ipc.Set. */
#ifndef IPCHOST_LUA_VALUE_COLLECTION_PRIVATE_H
#define IPCHOST_LUA_VALUE_COLLECTION_PRIVATE_H

#include "lua/value_collection.h"

/* The user values. */
enum collection_part {
  PART_INDEX = 1, /* key -> slot */
  PART_MEMBERS,   /* the slots, one after the other: member, or key and value */
  PART_BIGINTS,   /* nil, or the bytes of a BigInt -> slot */
  PART_SEQUENCES, /* nil while it is the same as the slot; slot -> sequence number */
  PART_COUNT = PART_SEQUENCES
};

struct collection {
  struct value value;
  lua_Integer used;     /* slots, empty ones included */
  lua_Integer live;     /* members */
  lua_Integer sequence; /* of the next member */
  unsigned epoch;       /* changes when slots move */
};

struct collection_iterator {
  lua_Integer slot, sequence;
  unsigned epoch;
  bool done; /* once at the end it stays there */
};

/* Indices are absolute; a key that is nil or -0 is replaced by what JavaScript keeps. */
lua_Integer collection_find(lua_State *L, int index, int key);         /* 0: none. [-0, +0, m] */
void collection_push_value(lua_State *L, int index, lua_Integer slot); /* of a Map. [-0, +1, -] */
bool collection_delete(lua_State *L, int index, int key);              /* [-0, +0, m] */
void collection_clear(lua_State *L, int index);                        /* [-0, +0, m] */
/* As collection_next. [-0, +(1|2|0), -] */
bool collection_step(lua_State *L, int index, struct collection_iterator *iterator);

#endif
