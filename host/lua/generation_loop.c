/*
 * generation_loop: a generation's own uv_loop_t inside of the host's loop. libuv hands new watchers to the
 * kernel only when a loop runs, so the inner loop runs once, without blocking, after Lua ran; then the poll
 * on its backend descriptor and one timer tell when it has something to do, or an idle handle that it has at
 * once. It knows nothing of scripts but how to close their handles.
 */
#include <lauxlib.h>
#include <luv/lhandle.h>
#include <stddef.h>

#include "lua/generation_private.h"

static void on_timer(uv_timer_t *timer);
static void on_idle(uv_idle_t *idle);

/* Handles of luv's that are not referenced do not make the loop alive, but their watchers want to run too.
 * `keep` is the last in the loop's queue for as long as there is none. */
static bool has_handles(const struct generation *generation) {
  return generation->loop.handle_queue[1] != (const void *)&generation->keep.handle_queue;
}

/* A turn of the outer loop for a turn of the inner one: libuv runs timers until none is due, so one of no
 * time that is started from its own callback would keep it from all else. */
static void plan(struct generation *generation) {
  int timeout = generation->inner_dirty ? 0 : uv_backend_timeout(&generation->loop);
  if (!uv_loop_alive(&generation->loop)) timeout = -1;
  if (timeout == 0)
    uv_idle_start(&generation->idle, on_idle);
  else
    uv_idle_stop(&generation->idle);
  if (timeout > 0)
    uv_timer_start(&generation->timer, on_timer, (uint64_t)timeout, 0);
  else
    uv_timer_stop(&generation->timer);
}

/* ---- timers of the scripts' ---- */

static struct generation *of_polling(uv_prepare_t *polling) {
  return (struct generation *)((char *)polling - offsetof(struct generation, polling));
}

/* Its timers have been run. */
static void on_polling(uv_prepare_t *polling) {
  struct generation *generation = of_polling(polling);
  uv_prepare_stop(polling);
  generation->timing = false;
}

/*
 * The inner loop's timers too run until none is due, and callbacks start them anew, or move the loop's time
 * (uv.update_time, which async.sleep calls): after the first of them the loop's time is a millisecond ago
 * whenever no callback runs. So what is due by now waits for the next turn, what was due before is run.
 */
void generation_loop_timer_begins(struct generation *generation) {
  if (!generation->timed) generation->due = generation->time = generation->loop.time;
  generation->timed = true;
  generation->loop.time = generation->time;
}

void generation_loop_timer_ends(struct generation *generation) {
  generation->time = generation->loop.time;
  generation->loop.time = generation->due - 1;
}

static void run_once(struct generation *generation) {
  if (generation->loop.timer_heap.min) {
    generation->timing = true;
    generation->timed = false;
    uv_prepare_start(&generation->polling, on_polling);
  }
  uv_run(&generation->loop, UV_RUN_NOWAIT);
}

/* ---- turns ---- */

static void run_inner(struct generation *generation) {
  generation->inner_dirty = false;
  if (!uv_loop_alive(&generation->loop)) {
    if (!has_handles(generation) || generation->closing) {
      uv_idle_stop(&generation->idle);
      uv_timer_stop(&generation->timer);
      return;
    }
    uv_ref((uv_handle_t *)&generation->keep);
    run_once(generation);
    uv_unref((uv_handle_t *)&generation->keep);
  } else {
    run_once(generation);
  }
  plan(generation);
}

/* At once, as another timer of the host's that is later may be due by now too. */
static void on_timer(uv_timer_t *timer) {
  run_inner(timer->data);
}

static void on_idle(uv_idle_t *idle) {
  generation_loop_touch(idle->data);
}

static void on_poll(uv_poll_t *poll, int status, int events) {
  (void)status;
  (void)events;
  run_inner(poll->data);
}

static void on_prepare(uv_prepare_t *prepare) {
  struct generation *generation = prepare->data;
  if (generation->inner_dirty) run_inner(generation);
}

enum status generation_loop_open(struct generation *generation, struct fault *fault) {
  uv_loop_t *outer = generation->options.outer;
  int error = uv_loop_init(&generation->loop);
  if (error) return fault_set(fault, ST_IO, 0, NULL, "the scripts' loop: %s", uv_strerror(error));
  uv_prepare_init(&generation->loop, &generation->polling);
  error = uv_async_init(&generation->loop, &generation->keep, NULL);
  if (error) {
    uv_loop_close(&generation->loop);
    return fault_set(fault, ST_IO, 0, NULL, "the scripts' loop: %s", uv_strerror(error));
  }
  uv_unref((uv_handle_t *)&generation->polling);
  uv_unref((uv_handle_t *)&generation->keep);
  uv_poll_init(outer, &generation->poll, uv_backend_fd(&generation->loop));
  uv_timer_init(outer, &generation->timer);
  uv_idle_init(outer, &generation->idle);
  uv_prepare_init(outer, &generation->prepare);
  generation->poll.data = generation->timer.data = generation->idle.data = generation->prepare.data =
      generation;
  uv_poll_start(&generation->poll, UV_READABLE, on_poll);
  uv_prepare_start(&generation->prepare, on_prepare);
  return ST_OK;
}

/* ---- processes ---- */

/* The process that the handle waits for, or 0. */
static int awaited_process(const uv_handle_t *handle) {
  bool waits = handle->type == UV_PROCESS && uv_is_active(handle);
  return waits ? uv_process_get_pid((const uv_process_t *)handle) : 0;
}

/* Without its handle nobody would wait for it, and the system would keep it until the host ends. */
static void leave_process(lua_State *L, int pid) {
  const struct generation_options *options = &generation_of(L)->options;
  if (pid && options->stray) options->stray(options->user, pid);
}

/* close(handle, ...) of luv's, upvalue 1. */
static int close_process(lua_State *L) {
  uv_handle_t *const *handle = luaL_testudata(L, 1, "uv_process");
  int pid = handle && *handle ? awaited_process(*handle) : 0;
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, lua_gettop(L) - 1, 0);
  leave_process(L, pid);
  return 0;
}

/* Wraps `close` of the table at the top. [-0, +0, m] */
static void wrap_close(lua_State *L) {
  lua_getfield(L, -1, "close");
  lua_pushcclosure(L, close_process, 1);
  lua_setfield(L, -2, "close");
}

void generation_loop_wrap(lua_State *L) {
  int top = lua_gettop(L);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_getfield(L, -1, "luv");
  wrap_close(L);
  luaL_getmetatable(L, "uv_process");
  lua_getfield(L, -1, "__index");
  wrap_close(L);
  lua_settop(L, top);
}

/* ---- closing ---- */

/* The registry has the userdata of a handle while it is open. */
void generation_close_handle(lua_State *L, uv_handle_t *handle) {
  const luv_handle_t *data = handle->data;
  if (uv_is_closing(handle) || !data) return;
  lua_rawgeti(L, LUA_REGISTRYINDEX, data->ref);
  lua_getfield(L, -1, "close");
  lua_insert(L, -2);
  lua_call(L, 1, 0);
}

static void close_handle(uv_handle_t *handle, void *user) {
  generation_close_handle(user, handle);
}

static int close_handles(lua_State *L) {
  struct generation *generation = lua_touserdata(L, 1);
  uv_walk(&generation->loop, close_handle, L);
  return 0;
}

/* The poll is gone before the descriptor that it polls; the loop is not, for finalizers may use it. */
static void on_outer_closed(uv_handle_t *handle) {
  struct generation *generation = handle->data;
  if (--generation->handles) return;
  generation->emptied(generation);
}

/* The collector takes no notice any more of what is made now: its part is done here. */
static void collect_handle(uv_handle_t *handle, void *user) {
  lua_State *L = user;
  const luv_handle_t *data = handle->data;
  int pid = awaited_process(handle);
  if (uv_is_closing(handle) || !data) return;
  lua_rawgeti(L, LUA_REGISTRYINDEX, data->ref);
  luaL_callmeta(L, -1, "__gc");
  leave_process(L, pid);
  lua_settop(L, 1);
}

/* The last finalizer of the state: ends what the others have opened. */
static int end_loop(lua_State *L) {
  uv_loop_t *loop = &generation_of(L)->loop;
  do {
    uv_walk(loop, collect_handle, L);
    uv_run(loop, UV_RUN_ONCE);
  } while (uv_loop_alive(loop));
  return 0;
}

void generation_loop_guard(lua_State *L) {
  lua_newuserdatauv(L, 0, 0);
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, end_loop);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  luaL_ref(L, LUA_REGISTRYINDEX);
}

void generation_loop_deinit(struct generation *generation) {
  if (uv_loop_close(&generation->loop) != 0)
    log_line(generation->options.log, LOG_ERROR, "script", "the scripts' loop does not close");
}

static void close_outer(struct generation *generation) {
  enum { OUTER = 4 };
  uv_handle_t *const handles[OUTER] = {(uv_handle_t *)&generation->poll, (uv_handle_t *)&generation->timer,
                                       (uv_handle_t *)&generation->idle, (uv_handle_t *)&generation->prepare};
  generation->handles = OUTER;
  for (int i = 0; i < OUTER; i++) uv_close(handles[i], on_outer_closed);
}

/* Each turn of the outer loop, until nothing is left in the inner one. The script that ended it may have gone
 * on, and opened more. */
static void on_closing_turn(uv_prepare_t *prepare) {
  struct generation *generation = prepare->data;
  if (uv_loop_alive(&generation->loop))
    generation_enter(generation, "closing the scripts' handles", close_handles, generation);
  run_inner(generation);
  if (!uv_loop_alive(&generation->loop) && !uv_is_closing((uv_handle_t *)prepare)) close_outer(generation);
}

void generation_abandon(struct generation *generation) {
  uv_unref((uv_handle_t *)&generation->poll);
  uv_unref((uv_handle_t *)&generation->timer);
  uv_unref((uv_handle_t *)&generation->idle);
  uv_unref((uv_handle_t *)&generation->prepare);
}

void generation_loop_close(struct generation *generation, void (*done)(struct generation *generation)) {
  generation->emptied = done;
  generation_enter(generation, "closing the scripts' handles", close_handles, generation);
  uv_close((uv_handle_t *)&generation->polling, NULL);
  uv_close((uv_handle_t *)&generation->keep, NULL);
  uv_prepare_stop(&generation->prepare); /* it keeps its callback while it is active */
  uv_prepare_start(&generation->prepare, on_closing_turn);
}
