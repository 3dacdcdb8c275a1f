/*
 * emitter_handlers: at most one handler a channel, for invoke: what Electron's ipcMain has beside the
 * EventEmitter. It finds handlers; running them and answering is the dispatcher's.
 */
#include <stdlib.h>
#include <string.h>

#include "base/slice.h"
#include "lua/emitter_private.h"

enum { CHANNEL = 2, HANDLER = 3 };

/* [channel] of the handler table becomes the value at the top. [-1, +0, m] */
static void set_handler(lua_State *L, int emitter, int channel) {
  emitter = lua_absindex(L, emitter);
  channel = lua_absindex(L, channel);
  emitter_make_table(L, emitter, EMITTER_HANDLER);
  lua_pushvalue(L, channel);
  lua_rotate(L, -3, -1);
  lua_rawset(L, -3);
  lua_pop(L, 1);
}

/* Pushes what is registered, a function or a once wrapper. [-0, +(0|1), -] */
static bool find(lua_State *L, int emitter, int channel) {
  const struct emitter *self = lua_touserdata(L, emitter);
  if (!self->handlers) return false;
  channel = lua_absindex(L, channel);
  lua_getiuservalue(L, emitter, EMITTER_HANDLER);
  lua_pushvalue(L, channel);
  if (lua_rawget(L, -2) != LUA_TNIL) {
    lua_remove(L, -2);
    return true;
  }
  lua_pop(L, 2);
  return false;
}

bool emitter_handler(lua_State *L, int emitter, int channel) {
  struct emitter *self;
  emitter = lua_absindex(L, emitter);
  channel = lua_absindex(L, channel);
  if (!find(L, emitter, channel)) return false;
  if (!emitter_is_once(L, -1)) return true;
  self = lua_touserdata(L, emitter);
  self->handlers--;
  lua_pushnil(L);
  set_handler(L, emitter, channel);
  emitter_push_original(L, -1);
  lua_remove(L, -2);
  return true;
}

/* ---- what scripts call ---- */

static void check_channel(lua_State *L) {
  if (lua_type(L, CHANNEL) != LUA_TSTRING) luaL_error(L, "Missing required channel argument");
}

static int add(lua_State *L, bool once) {
  struct emitter *self = emitter_self(L);
  lua_settop(L, HANDLER);
  check_channel(L);
  if (find(L, 1, CHANNEL))
    return luaL_error(L, "Attempted to register a second handler for '%s'", lua_tostring(L, CHANNEL));
  if (!emitter_callable(L, HANDLER))
    return luaL_error(L, "Expected handler to be a function, but found type '%s'", luaL_typename(L, HANDLER));
  if (once) emitter_push_once(L, 1, CHANNEL, HANDLER);
  set_handler(L, 1, CHANNEL);
  self->handlers++;
  lua_settop(L, 1);
  return 1;
}

static int handle(lua_State *L) {
  return add(L, false);
}

static int handle_once(lua_State *L) {
  return add(L, true);
}

static int remove_handler(lua_State *L) {
  struct emitter *self = emitter_self(L);
  lua_settop(L, CHANNEL);
  check_channel(L);
  if (find(L, 1, CHANNEL)) {
    lua_pushnil(L);
    set_handler(L, 1, CHANNEL);
    self->handlers--;
  }
  lua_settop(L, 1);
  return 1;
}

static int get_handler(lua_State *L) {
  emitter_self(L);
  lua_settop(L, CHANNEL);
  check_channel(L);
  if (find(L, 1, CHANNEL))
    emitter_push_original(L, -1);
  else
    lua_pushnil(L);
  return 1;
}

static int compare(const void *a, const void *b) {
  const struct slice *x = a, *y = b;
  int order = memcmp(x->data, y->data, x->len < y->len ? x->len : y->len);
  return order ? order : (x->len > y->len) - (x->len < y->len);
}

/* The channels that have one, sorted. */
static int handlers(lua_State *L) {
  const struct emitter *self = emitter_self(L);
  struct slice *names;
  size_t count = 0, max = self->handlers; /* the collector may run finalizers, which may register more */
  lua_settop(L, 1);
  names = lua_newuserdatauv(L, (max + 1) * sizeof *names, 0);
  emitter_make_table(L, 1, EMITTER_HANDLER);
  for (lua_pushnil(L); lua_next(L, 3); lua_pop(L, 1)) {
    struct slice *name = &names[count < max ? count++ : max];
    name->data = (const uint8_t *)lua_tolstring(L, -2, &name->len);
  }
  qsort(names, count, sizeof *names, compare);
  lua_createtable(L, (int)count, 0);
  for (size_t i = 0; i < count; i++) {
    lua_pushlstring(L, (const char *)names[i].data, names[i].len);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  return 1;
}

const struct emitter_method emitter_handler_methods[] = {
    {"handle", "channel, handler", handle},       {"handleOnce", "channel, handler", handle_once},
    {"removeHandler", "channel", remove_handler}, {"handlers", "", handlers},
    {"getHandler", "channel", get_handler},       {NULL, NULL, NULL}};
