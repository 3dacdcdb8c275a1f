/* generation_private: what the parts of generation.h share with each other. */
#ifndef IPCHOST_LUA_GENERATION_PRIVATE_H
#define IPCHOST_LUA_GENERATION_PRIVATE_H

#include "lua/generation.h"

/* ---- generation_loop.c ---- */

/* Initialises the inner loop and what drives it. ST_OK or ST_IO; nothing is left open then. */
enum status generation_loop_open(struct generation *generation, struct fault *fault);
/* Called when Lua is left: the inner loop has to run before the outer one blocks. */
static inline void generation_loop_touch(struct generation *generation) {
  generation->inner_dirty = true;
}
/* Called when Lua is entered: the inner loop has not run since the outer one began to wait, and luv's timers
 * count from its time. */
static inline void generation_loop_wake(struct generation *generation) {
  uint64_t now = uv_now(generation->options.outer);
  if (now > generation->loop.time) generation->loop.time = now;
}
/* Around a callback of luv's while `timing`: no timer runs twice in one turn of the inner loop. */
void generation_loop_timer_begins(struct generation *generation);
void generation_loop_timer_ends(struct generation *generation);
/* Has luv's `close` leave a process that lives to the host, which waits for it. [-0, +0, m] */
void generation_loop_wrap(lua_State *L);
/* Calls handle:close() on one of luv's handles that is open. [-0, +0, e] */
void generation_close_handle(lua_State *L, uv_handle_t *handle);
/* Closes what scripts left open, runs the inner loop until it is empty, then calls `done`. */
void generation_loop_close(struct generation *generation, void (*done)(struct generation *generation));
/* To be called in a state without other finalizers: makes the one that runs last when the state is closed,
 * and empties the loop of what finalizers opened. [-0, +0, m] */
void generation_loop_guard(lua_State *L);
/* Closes the inner loop, after the state. */
void generation_loop_deinit(struct generation *generation);

/* ---- generation_scope.c ---- */

/* Makes the tables, and has luv's handles remembered. [-0, +0, m] */
void generation_scope_open(lua_State *L);
/* Around the resume of a coroutine by a script: what has waited goes on in its own scope. enter returns the
 * scope before. [-0, +0, m] */
lua_Integer generation_scope_enter(lua_State *L, lua_State *co);
void generation_scope_leave(lua_State *L, lua_State *co, bool yielded, lua_Integer before);

/* ---- generation_coroutines.c ---- */

/* Sets them in the table at the top. [-0, +0, m] */
void generation_open_coroutines(lua_State *L);

/* ---- generation_libs.c ---- */

/* Standard libraries, luv and the embedded modules. Raises. [-0, +0, e] */
void generation_open_libs(lua_State *L);
/* References what the environment at the top of the stack has for the host. [-0, +0, m] */
void generation_take_hooks(lua_State *L, struct generation *generation);
/* luv's callback into Lua, luv_CFpcall: the function and nargs arguments are at the top. [-(1+nargs), +0, -]
 */
int generation_luv_callback(lua_State *L, int nargs, int nresults, int flags);

#endif
