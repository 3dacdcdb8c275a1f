/*
 * value_collection: see value_collection.h. Members stand in slots, in order; a deleted one leaves its slot
 * empty until the slots are compacted. Each has a sequence number, which never changes and by which an
 * iterator finds its place after that. Methods are in value_collection_methods.c.
 */
#include "lua/value_collection.h"

#include "lua/value_bigint.h"
#include "lua/value_collection_private.h"

#define COMPACT_FROM 32

static const char gone = 0, nan_key = 0; /* lightuserdata: an empty slot; what stands for NaN in an index */

/* [-0, +1, -] */
static int push_part(lua_State *L, int index, enum collection_part part) {
  return lua_getiuservalue(L, index, (int)part);
}

static int stride(const struct collection *collection) {
  return collection->value.kind == VALUE_MAP ? 2 : 1;
}

void collection_new(lua_State *L, enum value_kind kind, int count) {
  struct collection *collection = value_new(L, kind, sizeof *collection, PART_COUNT);
  collection->sequence = 1;
  lua_createtable(L, 0, count);
  lua_setiuservalue(L, -2, PART_INDEX);
  lua_createtable(L, count * stride(collection), 0);
  lua_setiuservalue(L, -2, PART_MEMBERS);
}

size_t collection_size(lua_State *L, int index) {
  const struct collection *collection = lua_touserdata(L, index);
  return (size_t)collection->live;
}

/* ---- keys ---- */

/* Replaces nil and -0 at the absolute index by what JavaScript keeps. [-0, +0, -] */
static void normalise(lua_State *L, int index) {
  if (lua_isnil(L, index))
    value_push_undefined(L);
  else if (lua_type(L, index) == LUA_TNUMBER && lua_tonumber(L, index) == 0)
    lua_pushinteger(L, 0);
  else
    return;
  lua_replace(L, index);
}

/* Pushes the table in which a key's slot is found, or nil, and what it is found by. A BigInt is found by its
 * value.
 * [-0, +2, m] */
static void push_lookup(lua_State *L, int index, int key) {
  if (lua_type(L, key) == LUA_TUSERDATA && value_kind(L, key) == VALUE_BIGINT) {
    push_part(L, index, PART_BIGINTS);
    bigint_push_bytes(L, key);
    return;
  }
  push_part(L, index, PART_INDEX);
  if (lua_type(L, key) == LUA_TNUMBER && lua_tonumber(L, key) != lua_tonumber(L, key))
    lua_pushlightuserdata(L, (void *)&nan_key);
  else
    lua_pushvalue(L, key);
}

lua_Integer collection_find(lua_State *L, int index, int key) {
  lua_Integer slot = 0;
  normalise(L, key);
  push_lookup(L, index, key);
  if (lua_istable(L, -2)) {
    lua_rawget(L, -2);
    slot = lua_tointeger(L, -1);
  }
  lua_pop(L, 2);
  return slot;
}

/* Records the slot of the normalised key; 0 forgets it. [-0, +0, m] */
static void set_slot(lua_State *L, int index, int key, lua_Integer slot) {
  push_lookup(L, index, key);
  if (lua_isnil(L, -2)) {
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, index, PART_BIGINTS);
    lua_replace(L, -3);
  }
  if (slot)
    lua_pushinteger(L, slot);
  else
    lua_pushnil(L);
  lua_rawset(L, -3);
  lua_pop(L, 1);
}

/* ---- slots ---- */

/* Stores the value at the top as the `part`-th of a slot. [-1, +0, m] */
static void set_member(lua_State *L, int index, lua_Integer slot, int part) {
  const struct collection *collection = lua_touserdata(L, index);
  push_part(L, index, PART_MEMBERS);
  lua_insert(L, -2);
  lua_rawseti(L, -2, (slot - 1) * stride(collection) + part);
  lua_pop(L, 1);
}

/* [-0, +1, -] */
static void push_member(lua_State *L, int index, lua_Integer slot, int part) {
  const struct collection *collection = lua_touserdata(L, index);
  push_part(L, index, PART_MEMBERS);
  lua_rawgeti(L, -1, (slot - 1) * stride(collection) + part);
  lua_remove(L, -2);
}

void collection_push_value(lua_State *L, int index, lua_Integer slot) {
  push_member(L, index, slot, 2);
}

static lua_Integer sequence_of(lua_State *L, int index, lua_Integer slot) {
  lua_Integer sequence = slot;
  if (push_part(L, index, PART_SEQUENCES) == LUA_TTABLE) {
    lua_rawgeti(L, -1, slot);
    sequence = lua_tointeger(L, -1);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return sequence;
}

static void set_sequence(lua_State *L, int index, lua_Integer slot, lua_Integer sequence) {
  if (push_part(L, index, PART_SEQUENCES) == LUA_TTABLE) {
    lua_pushinteger(L, sequence);
    lua_rawseti(L, -2, slot);
  }
  lua_pop(L, 1);
}

bool collection_next(lua_State *L, int index, lua_Integer *slot) {
  const struct collection *collection = lua_touserdata(L, index);
  index = lua_absindex(L, index);
  while (++*slot <= collection->used) {
    push_member(L, index, *slot, 1);
    if (lua_touserdata(L, -1) == &gone) {
      lua_pop(L, 1);
      continue;
    }
    if (stride(collection) == 2) push_member(L, index, *slot, 2);
    return true;
  }
  return false;
}

/* ---- changes ---- */

/* Appends the normalised key at the absolute index. */
static lua_Integer append(lua_State *L, int index, int key) {
  struct collection *collection = lua_touserdata(L, index);
  lua_Integer slot = collection->used + 1;
  lua_pushvalue(L, key);
  set_member(L, index, slot, 1);
  set_sequence(L, index, slot, collection->sequence);
  if (stride(collection) == 2) {
    value_push_undefined(L);
    set_member(L, index, slot, 2);
  }
  set_slot(L, index, key, slot);
  collection->used = slot;
  collection->live++;
  collection->sequence++;
  return slot;
}

void collection_put(lua_State *L, int index) {
  const struct collection *collection = lua_touserdata(L, index);
  int width = stride(collection), key = lua_gettop(L) - width + 1;
  lua_Integer slot;
  index = lua_absindex(L, index);
  slot = collection_find(L, index, key);
  if (!slot) slot = append(L, index, key);
  if (width == 2) {
    if (lua_isnil(L, -1)) {
      value_push_undefined(L);
      lua_replace(L, -2);
    }
    set_member(L, index, slot, 2);
  }
  lua_settop(L, key - 1);
}

/* Pushes an empty collection of the same kind, whose slots and sequence numbers differ. [-0, +1, m] */
static int push_fresh(lua_State *L, const struct collection *like, lua_Integer count) {
  collection_new(L, like->value.kind, (int)count);
  lua_newtable(L);
  lua_setiuservalue(L, -2, PART_SEQUENCES);
  return lua_gettop(L);
}

/* Takes over the members of the collection at the top. Nothing is allocated, so what was built there comes
 * whole or not at all. [-1, +0, -] */
static void adopt(lua_State *L, int index) {
  struct collection *collection = lua_touserdata(L, index);
  const struct collection *fresh = lua_touserdata(L, -1);
  for (int part = 1; part <= PART_COUNT; part++) {
    lua_getiuservalue(L, -1, part);
    lua_setiuservalue(L, index, part);
  }
  collection->used = fresh->used;
  collection->live = fresh->live;
  collection->epoch++;
  lua_pop(L, 1);
}

void collection_clear(lua_State *L, int index) {
  push_fresh(L, lua_touserdata(L, index), 0);
  adopt(L, index);
}

/* Moves the members down over the empty slots. */
static void compact(lua_State *L, int index) {
  const struct collection *collection = lua_touserdata(L, index);
  int to = push_fresh(L, collection, collection->live);
  lua_Integer slot = 0, count = 0;
  while (collection_next(L, index, &slot)) {
    collection_put(L, to);
    set_sequence(L, to, ++count, sequence_of(L, index, slot));
  }
  adopt(L, index);
}

bool collection_delete(lua_State *L, int index, int key) {
  struct collection *collection = lua_touserdata(L, index);
  lua_Integer slot = collection_find(L, index, key);
  if (!slot) return false;
  set_slot(L, index, key, 0);
  lua_pushlightuserdata(L, (void *)&gone);
  set_member(L, index, slot, 1);
  if (stride(collection) == 2) {
    lua_pushboolean(L, 0);
    set_member(L, index, slot, 2);
  }
  collection->live--;
  if (collection->used > COMPACT_FROM && collection->live < collection->used / 4) compact(L, index);
  return true;
}

/* ---- iteration while members come and go ---- */

/* The last slot whose sequence number is at most that. */
static lua_Integer slot_before(lua_State *L, int index, lua_Integer sequence) {
  const struct collection *collection = lua_touserdata(L, index);
  lua_Integer low = 0, high = collection->used;
  while (low < high) {
    lua_Integer middle = low + (high - low + 1) / 2;
    if (sequence_of(L, index, middle) <= sequence)
      low = middle;
    else
      high = middle - 1;
  }
  return low;
}

bool collection_step(lua_State *L, int index, struct collection_iterator *iterator) {
  const struct collection *collection = lua_touserdata(L, index);
  if (iterator->done) return false;
  if (iterator->epoch != collection->epoch) {
    iterator->slot = slot_before(L, index, iterator->sequence);
    iterator->epoch = collection->epoch;
  }
  iterator->done = !collection_next(L, index, &iterator->slot);
  if (!iterator->done) iterator->sequence = sequence_of(L, index, iterator->slot);
  return !iterator->done;
}
