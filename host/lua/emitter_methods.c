/*
 * emitter_methods: Node's EventEmitter as scripts call it, https://nodejs.org/api/events.html. Registrations
 * return the emitter. It knows nothing of handlers: those are emitter_handlers.c.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "lua/emitter_private.h"

enum { KEY = 4 }; /* where methods keep the key: 1 emitter, 2 channel, 3 listener */

/* Raises unless argument 3 can be called; says what it is. [-0, +0, v] */
static void check_listener(lua_State *L) {
  const char *text;
  char brief[40] = "";
  int type = lua_type(L, 3);
  if (emitter_callable(L, 3)) return;
  text = luaL_tolstring(L, 3, NULL);
  if (type == LUA_TSTRING)
    snprintf(brief, sizeof brief, " ('%.25s')", text);
  else if (type == LUA_TNUMBER || type == LUA_TBOOLEAN)
    snprintf(brief, sizeof brief, " (%.25s)", text);
  luaL_error(L, "The \"listener\" argument must be of type function. Received type %s%s",
             lua_typename(L, type), brief);
}

/* One warning for as long as the channel has listeners: its order is negative then. [-0, +0, m] */
static void warn_of_leak(lua_State *L, const struct emitter *self, int count) {
  char text[512];
  lua_Integer order;
  if (self->max_listeners <= 0 || count <= self->max_listeners) return;
  emitter_make_table(L, 1, EMITTER_ORDER);
  lua_pushvalue(L, KEY);
  lua_rawget(L, -2);
  order = lua_tointeger(L, -1);
  lua_pop(L, 1);
  if (order > 0) {
    lua_pushvalue(L, KEY);
    lua_pushinteger(L, -order);
    lua_rawset(L, -3);
    snprintf(text, sizeof text,
             "MaxListenersExceededWarning: Possible EventEmitter memory leak detected. %d '%.200s' listeners "
             "added to %s."
             " Use %s%csetMaxListeners() to increase limit",
             count, lua_tostring(L, 2), self->name, self->name, self->flags & EMITTER_DOT ? '.' : ':');
    emitter_warn(L, text);
  }
  lua_pop(L, 1);
}

static int add(lua_State *L, bool once, bool front) {
  const struct emitter *self = emitter_self(L);
  lua_settop(L, 3);
  emitter_push_key(L, 2);
  check_listener(L);
  emitter_announce(L, 1, "newListener", KEY, 3);
  if (once) {
    emitter_push_once(L, 1, KEY, 3);
    lua_replace(L, 3);
  }
  warn_of_leak(L, self, emitter_add(L, 1, KEY, 3, front));
  lua_settop(L, 1);
  return 1;
}

static int on(lua_State *L) {
  return add(L, false, false);
}

static int once(lua_State *L) {
  return add(L, true, false);
}

static int prepend_listener(lua_State *L) {
  return add(L, false, true);
}

static int prepend_once_listener(lua_State *L) {
  return add(L, true, true);
}

static int off(lua_State *L) {
  emitter_self(L);
  lua_settop(L, 3);
  emitter_push_key(L, 2);
  check_listener(L);
  emitter_remove(L, 1, KEY, 3);
  lua_settop(L, 1);
  return 1;
}

/* ---- removing all ---- */

static bool is_watched(lua_State *L) {
  bool watched;
  lua_pushliteral(L, "removeListener");
  emitter_push_key(L, -1);
  watched = emitter_listeners(L, 1, -1) > 0;
  lua_pop(L, watched ? 3 : 2);
  return watched;
}

/* Removes the channel of the key at the index; each listener, the last first, when somebody watches. [-0, +0,
 * e] */
static void remove_channel(lua_State *L, int key) {
  int top = lua_gettop(L), count;
  if (!is_watched(L)) {
    emitter_clear(L, 1, key);
    return;
  }
  count = emitter_listeners(L, 1, key);
  for (int i = count; i > 0; i--) {
    lua_rawgeti(L, top + 1, i);
    emitter_remove(L, 1, key, top + 2);
    lua_settop(L, top + 1);
  }
  lua_settop(L, top);
}

/* A channel's key by the order of its first registration. */
struct ordered {
  lua_Integer order;
  int place;
};

static int compare(const void *a, const void *b) {
  lua_Integer x = ((const struct ordered *)a)->order, y = ((const struct ordered *)b)->order;
  return (x > y) - (x < y);
}

/* Pushes the list of the keys of all channels in order, and returns how many there are. [-0, +1, m] */
static int push_keys(lua_State *L) {
  int list, count = 0;
  struct ordered *all;
  lua_newtable(L);
  list = lua_gettop(L);
  emitter_make_table(L, 1, EMITTER_ORDER);
  for (lua_pushnil(L); lua_next(L, list + 1); lua_pop(L, 1)) count++;
  all = lua_newuserdatauv(L, (size_t)count * sizeof *all + 1, 0);
  lua_createtable(L, count, 0);
  lua_pushnil(L);
  for (int i = 0; lua_next(L, list + 1); i++) {
    if (i == count) { /* a finalizer has registered more */
      lua_pop(L, 2);
      break;
    }
    all[i] = (struct ordered){llabs(lua_tointeger(L, -1)), i + 1};
    lua_pop(L, 1);
    lua_pushvalue(L, -1);
    lua_rawseti(L, list + 3, i + 1);
  }
  qsort(all, (size_t)count, sizeof *all, compare);
  for (int i = 0; i < count; i++) {
    lua_rawgeti(L, list + 3, all[i].place);
    lua_rawseti(L, list, i + 1);
  }
  lua_settop(L, list);
  return count;
}

static int remove_all_listeners(lua_State *L) {
  emitter_self(L);
  if (lua_gettop(L) > 1) {
    /* A nil here is a mistake, not the wish to remove everything. */
    emitter_push_key(L, 2);
    remove_channel(L, lua_gettop(L));
  } else {
    int count = push_keys(L);
    lua_pushliteral(L, "removeListener");
    emitter_push_key(L, 3);
    for (int i = 1; i <= count; i++) {
      lua_rawgeti(L, 2, i);
      if (!lua_rawequal(L, -1, 4)) remove_channel(L, 5);
      lua_settop(L, 4);
    }
    remove_channel(L, 4);
  }
  lua_settop(L, 1);
  return 1;
}

/* ---- emitting and asking ---- */

static int emit(lua_State *L) {
  int count;
  emitter_self(L);
  emitter_push_key(L, 2);
  lua_replace(L, 2);
  count = emitter_emit_key(L, 1, 2, lua_gettop(L) - 2);
  lua_pushboolean(L, count > 0);
  return 1;
}

static int list(lua_State *L, bool original) {
  int count;
  emitter_self(L);
  lua_settop(L, 2);
  emitter_push_key(L, 2);
  lua_newtable(L);
  count = emitter_listeners(L, 1, 3);
  for (int i = 1; i <= count; i++) {
    lua_rawgeti(L, 5, i);
    if (original) emitter_push_original(L, 6);
    lua_rawseti(L, 4, i);
    lua_settop(L, 5);
  }
  lua_settop(L, 4);
  return 1;
}

static int listeners(lua_State *L) {
  return list(L, true);
}

static int raw_listeners(lua_State *L) {
  return list(L, false);
}

static int listener_count(lua_State *L) {
  int count, same = 0;
  emitter_self(L);
  lua_settop(L, 3);
  emitter_push_key(L, 2);
  count = emitter_listeners(L, 1, KEY);
  if (lua_isnil(L, 3)) same = count;
  for (int i = 1; i <= count && !lua_isnil(L, 3); i++) {
    lua_rawgeti(L, 5, i);
    emitter_push_original(L, 6);
    same += lua_rawequal(L, 6, 3) || lua_rawequal(L, 7, 3);
    lua_settop(L, 5);
  }
  lua_pushinteger(L, same);
  return 1;
}

static int event_names(lua_State *L) {
  int count;
  emitter_self(L);
  lua_settop(L, 1);
  count = push_keys(L);
  for (int i = 1; i <= count; i++) {
    lua_rawgeti(L, 2, i);
    emitter_push_name(L, 3);
    lua_rawseti(L, 2, i);
    lua_settop(L, 2);
  }
  return 1;
}

static int set_max_listeners(lua_State *L) {
  struct emitter *self = emitter_self(L);
  lua_settop(L, 2);
  if (lua_type(L, 2) != LUA_TNUMBER || !(lua_tonumber(L, 2) >= 0))
    return luaL_error(L, "The value of \"n\" is out of range. It must be a non-negative number. Received %s",
                      luaL_tolstring(L, 2, NULL));
  self->max_listeners = lua_tonumber(L, 2);
  lua_settop(L, 1);
  return 1;
}

static int get_max_listeners(lua_State *L) {
  double max = emitter_self(L)->max_listeners;
  lua_Integer whole;
  if (lua_numbertointeger(max, &whole) && (double)whole == max)
    lua_pushinteger(L, whole);
  else
    lua_pushnumber(L, max);
  return 1;
}

const struct emitter_method emitter_methods[] = {
    {"on", "channel, listener", on},
    {"addListener", "channel, listener", on},
    {"once", "channel, listener", once},
    {"prependListener", "channel, listener", prepend_listener},
    {"prependOnceListener", "channel, listener", prepend_once_listener},
    {"off", "channel, listener", off},
    {"removeListener", "channel, listener", off},
    {"removeAllListeners", "channel", remove_all_listeners},
    {"emit", "channel, ...", emit},
    {"listeners", "channel", listeners},
    {"rawListeners", "channel", raw_listeners},
    {"listenerCount", "channel", listener_count},
    {"eventNames", "", event_names},
    {"setMaxListeners", "n", set_max_listeners},
    {"getMaxListeners", "", get_max_listeners},
    {NULL, NULL, NULL}};
