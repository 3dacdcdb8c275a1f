/* value_collection_methods: the methods of ipc.Map and ipc.Set, and their constructors. */
#include <string.h>

#include "lua/value_array.h"
#include "lua/value_collection_private.h"

/* The collection at index 1 of either class, for a method with `count` arguments. */
static void check_self(lua_State *L, const char *method, int count) {
  enum value_kind kind = value_kind(L, 1);
  if (kind != VALUE_MAP && kind != VALUE_SET) value_self(L, VALUE_MAP, method);
  lua_settop(L, 1 + count);
}

static int map_get(lua_State *L) {
  lua_Integer slot;
  value_self(L, VALUE_MAP, "get");
  lua_settop(L, 2);
  slot = collection_find(L, 1, 2);
  if (slot)
    collection_push_value(L, 1, slot);
  else
    lua_pushnil(L);
  return 1;
}

static int map_set(lua_State *L) {
  value_self(L, VALUE_MAP, "set");
  lua_settop(L, 3);
  collection_put(L, 1);
  return 1;
}

static int set_add(lua_State *L) {
  value_self(L, VALUE_SET, "add");
  lua_settop(L, 2);
  collection_put(L, 1);
  return 1;
}

static int has(lua_State *L) {
  check_self(L, "has", 1);
  lua_pushboolean(L, collection_find(L, 1, 2) != 0);
  return 1;
}

static int delete (lua_State *L) {
  check_self(L, "delete", 1);
  lua_pushboolean(L, collection_delete(L, 1, 2));
  return 1;
}

static int clear(lua_State *L) {
  check_self(L, "clear", 0);
  collection_clear(L, 1);
  return 0;
}

static int size(lua_State *L) {
  check_self(L, "size", 0);
  lua_pushinteger(L, (lua_Integer)collection_size(L, 1));
  return 1;
}

static int index_field(lua_State *L) {
  if (lua_type(L, 2) == LUA_TSTRING && strcmp(lua_tostring(L, 2), "size") == 0) return size(L);
  return value_method(L);
}

/* ---- iterators ---- */

enum view { VIEW_KEYS, VIEW_VALUES, VIEW_ENTRIES };

/* Upvalues: the collection, the iterator, the view. */
static int iterate(lua_State *L) {
  struct collection_iterator *iterator = lua_touserdata(L, lua_upvalueindex(2));
  enum view view = (enum view)lua_tointeger(L, lua_upvalueindex(3));
  lua_settop(L, 0);
  lua_pushvalue(L, lua_upvalueindex(1));
  if (!collection_step(L, 1, iterator)) return lua_pushnil(L), 1;
  if (lua_gettop(L) == 2 && view != VIEW_KEYS)
    lua_pushvalue(L, 2); /* a member of a Set is its key and value */
  if (view == VIEW_ENTRIES) return 2;
  lua_settop(L, view == VIEW_KEYS ? 2 : 3);
  return 1;
}

static int push_iterator(lua_State *L, enum view view) {
  struct collection_iterator *iterator;
  const struct collection *collection = lua_touserdata(L, 1);
  lua_pushvalue(L, 1);
  iterator = lua_newuserdatauv(L, sizeof *iterator, 0);
  *iterator = (struct collection_iterator){.epoch = collection->epoch};
  lua_pushinteger(L, (lua_Integer)view);
  lua_pushcclosure(L, iterate, 3);
  return 1;
}

static int keys(lua_State *L) {
  check_self(L, "keys", 0);
  return push_iterator(L, VIEW_KEYS);
}

static int values(lua_State *L) {
  check_self(L, "values", 0);
  return push_iterator(L, VIEW_VALUES);
}

static int entries(lua_State *L) {
  check_self(L, "entries", 0);
  return push_iterator(L, VIEW_ENTRIES);
}

/* ---- constructors ---- */

/* The list at index 2, or raises what is expected instead; its length. */
static lua_Integer check_list(lua_State *L, const char *expects) {
  struct array_shape shape;
  lua_Integer length;
  if (!lua_istable(L, 2)) luaL_error(L, "%s, but got %s", expects, luaL_typename(L, 2));
  array_shape(L, 2, &shape);
  if (shape.names || shape.other) luaL_error(L, "%s, but got a table with other keys", expects);
  length = value_kind(L, 2) == VALUE_SPARSE_ARRAY ? array_length(L, 2) : shape.max;
  if (length > 2 * shape.count + 8) luaL_error(L, "%s, but got a table full of holes", expects);
  return length;
}

/* Copies the collection at index 2, of the same kind, into the one at the top. */
static int copy(lua_State *L) {
  int to = lua_gettop(L);
  lua_Integer slot = 0;
  while (collection_next(L, 2, &slot)) collection_put(L, to);
  return 1;
}

/* ipc.Map(pairs): a list of { key, value }, or a Map to copy. */
static int map_construct(lua_State *L) {
  static const char expects[] = "ipc.Map expects a list of pairs, { { key, value }, ... }";
  lua_Integer length = 0;
  bool other;
  lua_settop(L, 2);
  other = value_kind(L, 2) == VALUE_MAP;
  if (!other && !lua_isnil(L, 2)) length = check_list(L, expects);
  collection_new(L, VALUE_MAP, 0);
  if (other) return copy(L);
  for (lua_Integer i = 1; i <= length; i++) {
    if (lua_rawgeti(L, 2, i) != LUA_TTABLE)
      return luaL_error(L, "%s; its element %I is none", expects, (LUAI_UACINT)i);
    lua_rawgeti(L, 4, 1);
    lua_rawgeti(L, 4, 2);
    collection_put(L, 3);
    lua_settop(L, 3);
  }
  return 1;
}

/* ipc.Set(list), or a Set to copy. */
static int set_construct(lua_State *L) {
  lua_Integer length = 0;
  bool other;
  lua_settop(L, 2);
  other = value_kind(L, 2) == VALUE_SET;
  if (!other && !lua_isnil(L, 2)) length = check_list(L, "ipc.Set expects a list");
  collection_new(L, VALUE_SET, 0);
  if (other) return copy(L);
  for (lua_Integer i = 1; i <= length; i++) {
    lua_rawgeti(L, 2, i);
    collection_put(L, 3);
  }
  return 1;
}

void value_collection_open(lua_State *L) {
  static const luaL_Reg map[] = {{"get", map_get},     {"set", map_set},     {"has", has},
                                 {"delete", delete},   {"clear", clear},     {"keys", keys},
                                 {"values", values},   {"entries", entries}, {"__len", size},
                                 {"__pairs", entries}, {NULL, NULL}};
  static const luaL_Reg set[] = {
      {"add", set_add},   {"has", has},         {"delete", delete}, {"clear", clear},     {"keys", keys},
      {"values", values}, {"entries", entries}, {"__len", size},    {"__pairs", entries}, {NULL, NULL}};
  static const struct value_class classes[] = {
      {.kind = VALUE_MAP, .construct = map_construct, .index = index_field, .functions = map},
      {.kind = VALUE_SET, .construct = set_construct, .index = index_field, .functions = set}};
  for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) value_class_open(L, &classes[i]);
}
