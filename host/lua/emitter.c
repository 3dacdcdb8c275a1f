/*
 * emitter: see emitter.h. This file keeps and finds registrations and emits to them; emitter_methods.c is
 * what scripts call, emitter_class.c how they reach it. It knows neither events nor coroutines.
 */
#include "lua/emitter.h"

#include <lauxlib.h>
#include <string.h>

#include "lua/emitter_private.h"

#define SLOTS 16 /* stack that a removal and its announcement may need */

static const char START_KEY, WARN_KEY, SWITCH_KEY, ONCE_KEY;

/* The events that an emitter has of its own; their addresses are their keys. */
static const char *const own_events[] = {"newListener", "removeListener"};
enum { OWN_EVENTS = sizeof own_events / sizeof *own_events };

void emitter_setup(lua_State *L, emitter_start_fn start, emitter_warn_fn warn) {
  *(emitter_start_fn *)lua_newuserdatauv(L, sizeof start, 0) = start;
  lua_rawsetp(L, LUA_REGISTRYINDEX, &START_KEY);
  *(emitter_warn_fn *)lua_newuserdatauv(L, sizeof warn, 0) = warn;
  lua_rawsetp(L, LUA_REGISTRYINDEX, &WARN_KEY);
}

void emitter_on_switch(lua_State *L, emitter_switch_fn fn) {
  *(emitter_switch_fn *)lua_newuserdatauv(L, sizeof fn, 0) = fn;
  lua_rawsetp(L, LUA_REGISTRYINDEX, &SWITCH_KEY);
}

void emitter_switch_slow(lua_State *L, void *owner) {
  emitter_switch_fn *fn;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &SWITCH_KEY);
  fn = lua_touserdata(L, -1);
  lua_pop(L, 1);
  if (fn) (*fn)(L, owner);
}

void emitter_warn(lua_State *L, const char *text) {
  emitter_warn_fn *warn;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &WARN_KEY);
  warn = lua_touserdata(L, -1);
  lua_pop(L, 1);
  if (warn) (*warn)(L, text);
}

/* Starts the listener below its nargs arguments. [-(1+nargs), +0, e] */
static void start(lua_State *L, int nargs) {
  emitter_start_fn *fn;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &START_KEY);
  fn = lua_touserdata(L, -1);
  lua_pop(L, 1);
  if (fn)
    (*fn)(L, nargs);
  else
    lua_call(L, nargs, 0);
}

struct emitter *emitter_new(lua_State *L, size_t size, int uservalues, const char *type_name,
                            const char *name, unsigned flags) {
  struct emitter *emitter = lua_newuserdatauv(L, size, EMITTER_UV + uservalues);
  memset(emitter, 0, size);
  emitter->owner = *(void **)lua_getextraspace(L);
  emitter->flags = flags;
  emitter->max_listeners = 10;
  strncpy(emitter->name, name, sizeof emitter->name - 1);
  luaL_setmetatable(L, type_name);
  return emitter;
}

bool emitter_table(lua_State *L, int emitter, enum emitter_table which) {
  if (lua_getiuservalue(L, emitter, (int)which) == LUA_TTABLE) return true;
  lua_pop(L, 1);
  return false;
}

void emitter_make_table(lua_State *L, int emitter, enum emitter_table which) {
  emitter = lua_absindex(L, emitter);
  if (emitter_table(L, emitter, which)) return;
  lua_newtable(L);
  lua_pushvalue(L, -1);
  lua_setiuservalue(L, emitter, (int)which);
}

void emitter_push_handlers(lua_State *L, int emitter) {
  emitter_make_table(L, lua_absindex(L, emitter), EMITTER_HANDLER);
}

void emitter_push_listeners(lua_State *L, int emitter) {
  emitter_make_table(L, lua_absindex(L, emitter), EMITTER_LISTENERS);
}

/* ---- keys ---- */

void emitter_push_key(lua_State *L, int index) {
  const char *name;
  size_t len;
  index = lua_absindex(L, index);
  if (lua_type(L, index) != LUA_TSTRING) luaL_error(L, "Missing required channel argument");
  name = lua_tolstring(L, index, &len);
  for (int i = 0; i < OWN_EVENTS; i++) {
    if (len != strlen(own_events[i]) || memcmp(name, own_events[i], len) != 0) continue;
    lua_pushlightuserdata(L, (void *)&own_events[i]);
    return;
  }
  lua_pushvalue(L, index);
}

void emitter_push_name(lua_State *L, int index) {
  const char *const *own = lua_touserdata(L, index);
  if (own)
    lua_pushstring(L, *own);
  else
    lua_pushvalue(L, index);
}

bool emitter_callable(lua_State *L, int index) {
  if (lua_isfunction(L, index)) return true;
  if (luaL_getmetafield(L, index, "__call") == LUA_TNIL) return false;
  lua_pop(L, 1);
  return true;
}

/* ---- once wrappers: callable tables { listener = fn, channel's key, emitter, fired } ---- */

enum { WRAPPED_KEY = 1, WRAPPED_EMITTER, WRAPPED_FIRED };

static int once_called(lua_State *L, int status, lua_KContext context) {
  (void)status, (void)context;
  return lua_gettop(L);
}

/* A script calls what rawListeners gave it: that fires it. */
static int once_call(lua_State *L) {
  int emitter = lua_gettop(L) + 1;
  lua_rawgeti(L, 1, WRAPPED_EMITTER);
  lua_pushvalue(L, 1);
  if (!emitter_at(L, emitter) || !emitter_unwrap(L, emitter)) return 0;
  lua_replace(L, 1);
  lua_settop(L, emitter - 1);
  lua_callk(L, emitter - 2, LUA_MULTRET, 0, once_called);
  return lua_gettop(L);
}

static void push_once_metatable(lua_State *L) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &ONCE_KEY) == LUA_TTABLE) return;
  lua_pop(L, 1);
  lua_createtable(L, 0, 2);
  lua_pushcfunction(L, once_call);
  lua_setfield(L, -2, "__call");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &ONCE_KEY);
}

void emitter_push_once(lua_State *L, int emitter, int key, int listener) {
  lua_createtable(L, WRAPPED_FIRED, 1);
  lua_pushvalue(L, listener);
  lua_setfield(L, -2, "listener");
  lua_pushvalue(L, key);
  lua_rawseti(L, -2, WRAPPED_KEY);
  lua_pushvalue(L, emitter);
  lua_rawseti(L, -2, WRAPPED_EMITTER);
  push_once_metatable(L);
  lua_setmetatable(L, -2);
}

bool emitter_is_once(lua_State *L, int index) {
  bool is;
  if (lua_type(L, index) != LUA_TTABLE || !lua_getmetatable(L, index)) return false;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &ONCE_KEY);
  is = lua_rawequal(L, -1, -2);
  lua_pop(L, 2);
  return is;
}

void emitter_push_original(lua_State *L, int index) {
  if (emitter_is_once(L, index))
    lua_getfield(L, index, "listener");
  else
    lua_pushvalue(L, index);
}

bool emitter_unwrap(lua_State *L, int emitter) {
  int wrapper = lua_gettop(L);
  bool fired;
  if (!emitter_is_once(L, wrapper)) return true;
  emitter = lua_absindex(L, emitter);
  luaL_checkstack(L, SLOTS, "too many listeners");
  fired = lua_rawgeti(L, wrapper, WRAPPED_FIRED) != LUA_TNIL;
  if (!fired) {
    lua_pushboolean(L, 1);
    lua_rawseti(L, wrapper, WRAPPED_FIRED);
    lua_rawgeti(L, wrapper, WRAPPED_KEY);
    emitter_remove(L, emitter, wrapper + 2, wrapper);
    lua_getfield(L, wrapper, "listener");
    lua_replace(L, wrapper);
  }
  lua_settop(L, fired ? wrapper - 1 : wrapper);
  return !fired;
}

/* ---- arrays are replaced, never changed ---- */

int emitter_listeners(lua_State *L, int emitter, int channel) {
  const struct emitter *self = lua_touserdata(L, emitter);
  if (!self->listeners) return 0;
  channel = lua_absindex(L, channel);
  lua_getiuservalue(L, emitter, EMITTER_LISTENERS);
  lua_pushvalue(L, channel);
  if (lua_rawget(L, -2) == LUA_TTABLE) {
    lua_remove(L, -2);
    return (int)lua_rawlen(L, -1);
  }
  lua_pop(L, 2);
  return 0;
}

/* Pushes a copy of the array without item `skip` (0: none), with `front` free places before it. [-0, +1, m]
 */
static void copy_array(lua_State *L, int array, int count, int skip, int front) {
  int to = front;
  lua_createtable(L, count + 1 - (skip > 0), 0);
  for (int i = 1; i <= count; i++) {
    if (i == skip) continue;
    lua_rawgeti(L, array, i);
    lua_rawseti(L, -2, ++to);
  }
}

/* Sets [key] of a table of the emitter to the value at the top. [-1, +0, m] */
static void set_entry(lua_State *L, int emitter, enum emitter_table which, int key) {
  emitter_make_table(L, emitter, which);
  lua_pushvalue(L, key);
  lua_rotate(L, -3, -1);
  lua_rawset(L, -3);
  lua_pop(L, 1);
}

int emitter_add(lua_State *L, int emitter, int key, int listener, bool front) {
  struct emitter *self = lua_touserdata(L, emitter);
  int top = lua_gettop(L), count = emitter_listeners(L, emitter, key);
  if (count) {
    copy_array(L, top + 1, count, 0, front);
  } else {
    lua_pushinteger(L, (lua_Integer)++self->order);
    set_entry(L, emitter, EMITTER_ORDER, key);
    lua_createtable(L, 1, 0);
  }
  lua_pushvalue(L, listener);
  lua_rawseti(L, -2, front ? 1 : count + 1);
  set_entry(L, emitter, EMITTER_LISTENERS, key);
  lua_settop(L, top);
  self->listeners++;
  return count + 1;
}

void emitter_clear(lua_State *L, int emitter, int key) {
  struct emitter *self = lua_touserdata(L, emitter);
  int top = lua_gettop(L), count = emitter_listeners(L, emitter, key);
  if (count) {
    lua_pushnil(L);
    set_entry(L, emitter, EMITTER_LISTENERS, key);
    lua_pushnil(L);
    set_entry(L, emitter, EMITTER_ORDER, key);
    self->listeners -= (unsigned)count;
  }
  lua_settop(L, top);
}

/* The last place of the listener, or of a once wrapper of it, in the array; 0 for none. [-0, +0, m] */
static int last_place(lua_State *L, int array, int count, int listener) {
  for (int i = count; i > 0; i--) {
    bool same;
    lua_rawgeti(L, array, i);
    emitter_push_original(L, -1);
    same = lua_rawequal(L, -1, listener) || lua_rawequal(L, -2, listener);
    lua_pop(L, 2);
    if (same) return i;
  }
  return 0;
}

bool emitter_remove(lua_State *L, int emitter, int key, int listener) {
  struct emitter *self = lua_touserdata(L, emitter);
  int top = lua_gettop(L), count = emitter_listeners(L, emitter, key);
  int place = count ? last_place(L, top + 1, count, listener) : 0;
  if (place) {
    lua_rawgeti(L, top + 1, place);
    if (count == 1) {
      emitter_clear(L, emitter, key);
    } else {
      copy_array(L, top + 1, count, place, 0);
      set_entry(L, emitter, EMITTER_LISTENERS, key);
      self->listeners--;
    }
    emitter_announce(L, emitter, "removeListener", key, top + 2);
  }
  lua_settop(L, top);
  return place != 0;
}

/* ---- emitting ---- */

void emitter_announce(lua_State *L, int emitter, const char *event, int key, int listener) {
  int top = lua_gettop(L);
  lua_pushstring(L, event);
  emitter_push_key(L, top + 1);
  emitter_push_name(L, key);
  emitter_push_original(L, listener);
  emitter_emit_key(L, emitter, top + 2, 2);
  lua_settop(L, top);
}

int emitter_emit_key(lua_State *L, int emitter, int key, int nargs) {
  int first = lua_gettop(L) - nargs + 1, count, array;
  luaL_checkstack(L, nargs + SLOTS, "too many arguments");
  count = emitter_listeners(L, emitter, key);
  array = first + nargs;
  for (int i = 1; i <= count; i++) {
    lua_rawgeti(L, array, i);
    if (!emitter_unwrap(L, emitter)) continue;
    for (int arg = 0; arg < nargs; arg++) lua_pushvalue(L, first + arg);
    start(L, nargs);
  }
  lua_settop(L, first - 1);
  return count;
}

int emitter_emit(lua_State *L, int emitter, const char *event, int nargs) {
  int key = lua_gettop(L) - nargs + 1, count;
  luaL_checkstack(L, 1, "too many arguments");
  lua_pushstring(L, event);
  lua_insert(L, key);
  count = emitter_emit_key(L, emitter, key, nargs);
  lua_settop(L, key - 1);
  return count;
}
