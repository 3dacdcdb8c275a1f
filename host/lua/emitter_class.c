/*
 * emitter_class: the metatable of an emitter class: how a script's `ipcMain.on` finds its method. The methods
 * of a module are bound to it, so that they may be called with a dot; those of other objects are shared, and
 * a dot is explained.
 */
#include <string.h>

#include "base/nearest.h"
#include "lua/emitter_private.h"

static const char MARK_KEY;

void emitter_mark_class(lua_State *L) {
  lua_pushboolean(L, 1);
  lua_rawsetp(L, -2, &MARK_KEY);
}

struct emitter *emitter_at(lua_State *L, int index) {
  struct emitter *emitter = lua_touserdata(L, index);
  bool is;
  if (!emitter || !lua_getmetatable(L, index)) return NULL;
  is = lua_rawgetp(L, -1, &MARK_KEY) == LUA_TBOOLEAN;
  lua_pop(L, 2);
  return is ? emitter : NULL;
}

/* Upvalues of a method: 1 the emitter that it is bound to, or the name of its class's objects; 2 its
 * emitter_method. */
struct emitter *emitter_self(lua_State *L) {
  const struct emitter_method *method = lua_touserdata(L, lua_upvalueindex(2));
  struct emitter *self = emitter_at(L, 1), *bound = lua_touserdata(L, lua_upvalueindex(1));
  const char *name;
  if (self && (!bound || self->flags == bound->flags)) return self;
  if (bound) {
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    return bound;
  }
  name = lua_tostring(L, lua_upvalueindex(1));
  luaL_error(L, "%s.%s was called with '.'; write %s:%s(%s)", name, method->name, name, method->name,
             method->arguments);
  return NULL;
}

static const struct emitter_method *find_in(const struct emitter_method *methods, const char *name) {
  for (; methods->name; methods++)
    if (strcmp(methods->name, name) == 0) return methods;
  return NULL;
}

static const struct emitter_method *find_method(unsigned flags, const char *name) {
  const struct emitter_method *method = find_in(emitter_methods, name);
  return method || !(flags & EMITTER_HANDLERS) ? method : find_in(emitter_handler_methods, name);
}

enum { UP_INDEX = 1, UP_SHARED, UP_FIELDS, UPVALUES = UP_FIELDS };

/* Within __index. */
static int no_field(lua_State *L, const struct emitter *self, const char *key) {
  struct nearest nearest = nearest_start(key);
  for (lua_pushnil(L); lua_next(L, lua_upvalueindex(UP_FIELDS)); lua_pop(L, 1))
    nearest_try(&nearest, lua_tostring(L, -2));
  if (!nearest.name) return luaL_error(L, "%s has no field '%s'", self->name, key);
  return luaL_error(L, "%s has no field '%s'; did you mean '%s'?", self->name, key, nearest.name);
}

/* True for a field of the class's, whose value then is nil. [-0, +0, -] */
static bool is_known(lua_State *L, int key) {
  bool known;
  lua_pushvalue(L, key);
  known = lua_rawget(L, lua_upvalueindex(UP_FIELDS)) != LUA_TNIL;
  lua_pop(L, 1);
  return known;
}

/* Pushes the table where made methods are kept: the emitter's own or the class's. [-0, +1, m] */
static void push_made(lua_State *L, const struct emitter *self) {
  if (self->flags & EMITTER_DOT)
    emitter_make_table(L, 1, EMITTER_BOUND);
  else
    lua_pushvalue(L, lua_upvalueindex(UP_SHARED));
}

/* __index: (emitter, key). */
static int class_index(lua_State *L) {
  lua_CFunction index = lua_tocfunction(L, lua_upvalueindex(UP_INDEX));
  const struct emitter *self = lua_touserdata(L, 1);
  const struct emitter_method *method;
  emitter_switch(L, self->owner);
  if (index && index(L) > 0 && !lua_isnil(L, -1)) return 1;
  lua_settop(L, 2);
  push_made(L, self);
  lua_pushvalue(L, 2);
  if (lua_rawget(L, 3) != LUA_TNIL) return 1;
  /* Whoever asks for `then` wants to know whether this is a promise. */
  if (lua_type(L, 2) != LUA_TSTRING || strcmp(lua_tostring(L, 2), "then") == 0) return 1;
  method = find_method(self->flags, lua_tostring(L, 2));
  if (!method && is_known(L, 2)) return lua_pushnil(L), 1;
  if (!method) return no_field(L, self, lua_tostring(L, 2));
  lua_pushvalue(L, 2);
  if (self->flags & EMITTER_DOT)
    lua_pushvalue(L, 1);
  else
    lua_pushstring(L, self->name);
  lua_pushlightuserdata(L, (void *)method);
  lua_pushcclosure(L, method->function, 2);
  lua_pushvalue(L, -1);
  lua_rotate(L, -3, 1);
  lua_rawset(L, 3);
  return 1;
}

/* __newindex: (emitter, key, value). */
static int class_newindex(lua_State *L) {
  const struct emitter *self = lua_touserdata(L, 1);
  return luaL_error(L, "%s.%s cannot be set", self->name, luaL_tolstring(L, 2, NULL));
}

static int class_tostring(lua_State *L) {
  const struct emitter *self = lua_touserdata(L, 1);
  lua_pushfstring(L, "%s: %p", self->name, (const void *)self);
  return 1;
}

/* Adds names to the table at the top. [-0, +0, m] */
static void add_methods(lua_State *L, const struct emitter_method *methods) {
  for (; methods->name; methods++) {
    lua_pushboolean(L, 1);
    lua_setfield(L, -2, methods->name);
  }
}

/* Pushes the table of all fields, which the metatable at the top has as `__fields`. [-0, +1, m] */
static void push_fields(lua_State *L, unsigned flags) {
  lua_newtable(L);
  add_methods(L, emitter_methods);
  if (flags & EMITTER_HANDLERS) add_methods(L, emitter_handler_methods);
  lua_pushvalue(L, -1);
  lua_setfield(L, -3, "__fields");
}

void emitter_class(lua_State *L, const char *type_name, unsigned flags, lua_CFunction index) {
  if (!luaL_newmetatable(L, type_name)) return;
  emitter_mark_class(L);
  push_fields(L, flags);
  if (index)
    lua_pushcfunction(L, index);
  else
    lua_pushnil(L);
  lua_insert(L, -2);
  lua_newtable(L);
  lua_insert(L, -2);
  lua_pushcclosure(L, class_index, UPVALUES);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, class_newindex);
  lua_setfield(L, -2, "__newindex");
  lua_pushcfunction(L, class_tostring);
  lua_setfield(L, -2, "__tostring");
  lua_pushboolean(L, 0); /* scripts cannot call these on anything else */
  lua_setfield(L, -2, "__metatable");
}

void emitter_class_names(lua_State *L, const char *const *names) {
  lua_getfield(L, -1, "__fields");
  for (; *names; names++) {
    lua_pushboolean(L, 1);
    lua_setfield(L, -2, *names);
  }
  lua_pop(L, 1);
}
