/*
 * emitter_private: what the parts of emitter.h share with each other. In it a channel is a *key*: the string
 * that scripts use, but a lightuserdata for newListener and removeListener, which a renderer therefore cannot
 * name.
 */
#ifndef IPCHOST_LUA_EMITTER_PRIVATE_H
#define IPCHOST_LUA_EMITTER_PRIVATE_H

#include <lauxlib.h>

#include "lua/emitter.h"

enum emitter_table { EMITTER_LISTENERS = 1, EMITTER_ORDER, EMITTER_HANDLER, EMITTER_BOUND };

/* Pushes a table of the emitter; nothing and false if it was not made yet. [-0, +(0|1), -] */
bool emitter_table(lua_State *L, int emitter, enum emitter_table which);
/* Pushes it, made if need be. [-0, +1, m] */
void emitter_make_table(lua_State *L, int emitter, enum emitter_table which);

/* ---- emitter_class.c ---- */

/* A method as scripts see it; `arguments` is for the message that says how to call it. */
struct emitter_method {
  const char *name, *arguments;
  lua_CFunction function;
};
extern const struct emitter_method emitter_methods[];         /* emitter_methods.c */
extern const struct emitter_method emitter_handler_methods[]; /* emitter_handlers.c */

/* For methods: when it returns the emitter is at index 1, called with a dot or a colon; raises for anything
 * else.
 * [-0, +(0|1), v] */
struct emitter *emitter_self(lua_State *L);
/* Marks the metatable at the top as that of an emitter. [-0, +0, m] */
void emitter_mark_class(lua_State *L);

/* ---- emitter.c ---- */

/* Pushes the key for the channel at `index`, or raises `Missing required channel argument`. [-0, +1, v] */
void emitter_push_key(lua_State *L, int index);
/* Pushes the name that scripts use for the key at `index`. [-0, +1, m] */
void emitter_push_name(lua_State *L, int index);
/* True for a function and for what has __call. [-0, +0, m] */
bool emitter_callable(lua_State *L, int index);
/* Warns through what emitter_setup was given. [-0, +0, m] */
void emitter_warn(lua_State *L, const char *text);

bool emitter_is_once(lua_State *L, int index); /* [-0, +0, -] */
/* Pushes a once wrapper. Indices are absolute. [-0, +1, m] */
void emitter_push_once(lua_State *L, int emitter, int key, int listener);
/* Pushes what the entry at `index` was made from: itself, or a once wrapper's listener. [-0, +1, m] */
void emitter_push_original(lua_State *L, int index);

/* Adds without a word to anybody; returns the channel's count. Indices are absolute. [-0, +0, m] */
int emitter_add(lua_State *L, int emitter, int key, int listener, bool front);
/* Removes the instance added last, a once wrapper by its original too, and announces it. [-0, +0, e] */
bool emitter_remove(lua_State *L, int emitter, int key, int listener);
/* Removes the channel, without a word to anybody. [-0, +0, m] */
void emitter_clear(lua_State *L, int emitter, int key);
/* Emits newListener or removeListener with (channel, original listener). [-0, +0, e] */
void emitter_announce(lua_State *L, int emitter, const char *event, int key, int listener);
/* emitter_emit by key. [-nargs, +0, e] */
int emitter_emit_key(lua_State *L, int emitter, int key, int nargs);

#endif
