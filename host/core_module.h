/*
 * core_module: the Lua module `ipchost.core`, which the Lua renderer is written on: value types, packets,
 * blocks, random bytes and the emitter. Built as ipchost/core.so for any lua5.4, whose lua_* it takes from
 * the process; preloaded in the host. It knows no socket, no loop and no session.
 */
#ifndef IPCHOST_CORE_MODULE_H
#define IPCHOST_CORE_MODULE_H

#include <lua.h>

#include "base/status.h"

/* Pushes the table of the module. A lua_CFunction for package.preload["ipchost.core"] of a state in which
 * emitter_setup was called: listeners are started as that said. [-0, +1, e] */
int core_module_open(lua_State *L);

/* The same for a state that is no host's: what `require` looks up in core.so, its one visible symbol. */
__attribute__((visibility("default"))) int luaopen_ipchost_core(lua_State *L);

/* ---- shared by its parts ---- */

/* core_reader.c, core_writer.c, core_websocket.c, core_emitter.c: each sets its constructors in the table at
 * the top. [-0, +0, m] */
void core_reader_open(lua_State *L);
void core_writer_open(lua_State *L);
void core_websocket_open(lua_State *L);
void core_emitter_open(lua_State *L);
/* Calls emitter_setup and sets `set_runner(run, warn)` in the table at the top: what starts a listener. [-0,
 * +0, m] */
void core_emitter_own(lua_State *L);

/* What that has emitter_setup call. */
void core_emitter_start(lua_State *L, int nargs);
void core_emitter_warn(lua_State *L, const char *text);
/* What set_runner has set, run and warn; and sets it to those at the top. [-0, +2, -] and [-2, +0, m] */
void core_emitter_push_runner(lua_State *L);
void core_emitter_pop_runner(lua_State *L);

/* Returns nil, message, code, close code. [-0, +4, m] */
int core_push_fault(lua_State *L, const struct fault *fault);

#endif
