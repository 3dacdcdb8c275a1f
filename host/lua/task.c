/*
 * task: coroutines for listeners and handlers. A coroutine that ends without having yielded goes back to the
 * pool; one that has yielded is anchored only by what it waits for, and never comes back.
 */
#include <stdlib.h>

#include "lua/runtime.h"

#define BATCH 16

/* [-0, +0, m] with the runtime as a lightuserdata: makes BATCH coroutines more. */
static int make_tasks(lua_State *L) {
  struct runtime *rt = lua_touserdata(L, 1);
  if (rt->task_cap < rt->task_count + BATCH) {
    size_t cap = rt->task_cap + BATCH;
    struct task *tasks = realloc(rt->tasks, cap * sizeof *tasks);
    if (!tasks) return luaL_error(L, "not enough memory");
    rt->tasks = tasks;
    rt->task_cap = cap;
  }
  lua_rawgeti(L, LUA_REGISTRYINDEX, rt->threads);
  for (int i = 0; i < BATCH; i++) {
    lua_State *co = lua_newthread(L);
    *(struct generation **)lua_getextraspace(co) = rt->generation; /* the main thread may have another */
    generation_mark_top_level(L, co);
    lua_rawgeti(L, LUA_REGISTRYINDEX, rt->dispatcher);
    lua_xmove(L, co, 1);
    lua_rawseti(L, -2, ++rt->slots);
    rt->tasks[rt->task_count++] = (struct task){co, rt->slots};
  }
  lua_pop(L, 1);
  return 0;
}

bool task_take(struct runtime *rt, lua_State *from, struct task *out) {
  if (!rt->task_count) {
    if (!lua_checkstack(from, 4)) return false;
    lua_pushcfunction(from, make_tasks);
    lua_pushlightuserdata(from, rt);
    if (lua_pcall(from, 1, 0, 0) != LUA_OK) {
      lua_pop(from, 1);
      return false;
    }
  }
  *out = rt->tasks[--rt->task_count];
  return true;
}

int task_run(struct runtime *rt, lua_State *from, struct task *task, int nargs, const char *where) {
  int nresults, status = generation_resume(rt->generation, task->co, from, nargs, &nresults);
  /* The pool may have been filled up again while this one was out. */
  if (status == LUA_OK && rt->task_count < rt->task_cap) {
    if (nresults > TASK_DISPATCHER) lua_settop(task->co, TASK_DISPATCHER);
    rt->tasks[rt->task_count++] = *task;
    return status;
  }
  if (status != LUA_OK && status != LUA_YIELD) {
    lua_xmove(task->co, from, 1);
    generation_log_error(from, task->co, where);
  }
  lua_rawgeti(from, LUA_REGISTRYINDEX, rt->threads);
  lua_pushnil(from);
  lua_rawseti(from, -2, task->slot);
  lua_pop(from, 1);
  return status;
}

void tasks_deinit(struct runtime *rt) {
  free(rt->tasks);
  rt->tasks = NULL;
  rt->task_count = rt->task_cap = 0;
}

/* Stack of a listener's coroutine: 1 answer_catch, 2 the event (or what was emitted first), then the call. */
static int listener_done(lua_State *L, int status, lua_KContext context) {
  struct event *event = event_at(L, 2);
  (void)context;
  if (status != LUA_OK && status != LUA_YIELD) {
    if (event) event->raised++;
    answer_log(L, -1, "listener", 0);
  } else if (event && event->sync && event->call && !lua_isnil(L, -1) &&
             core_call_pending(runtime_of(L)->core, event->call)) {
    misuse_returned(L, event_push_channel(L, 2));
  }
  if (event) {
    event->running--;
    if (event->sync) dispatch_settle(L, event, 2);
  }
  if (status == LUA_YIELD) generation_scope_done(L);
  return 0;
}

/* Base of a listener's coroutine: [listener, arg1 ... argN]. */
static int listener_base(lua_State *L) {
  int nargs = lua_gettop(L) - 1;
  lua_pushcfunction(L, answer_catch);
  if (nargs)
    lua_pushvalue(L, 2);
  else
    lua_pushnil(L);
  lua_rotate(L, 1, 2);
  return listener_done(L, lua_pcallk(L, nargs, 1, 1, 0, listener_done), 0);
}

void task_start_listener(lua_State *L, int nargs) {
  struct runtime *rt = runtime_of(L);
  struct event *event = nargs ? event_at(L, -nargs) : NULL;
  struct task task;
  luaL_checkstack(L, 12, "too many listeners");
  if (!task_take(rt, L, &task)) {
    luaL_error(L, "not enough memory");
    return;
  }
  if (!lua_checkstack(task.co, nargs + 8)) {
    rt->tasks[rt->task_count++] = task; /* as it was */
    luaL_error(L, "too many arguments");
    return;
  }
  if (event) {
    event->started++;
    event->running++;
  }
  lua_pushcfunction(task.co, listener_base);
  lua_xmove(L, task.co, nargs + 1);
  if (task_run(rt, L, &task, nargs + 1, "listener") != LUA_YIELD) return;
  lua_pushthread(task.co); /* nothing anchors it any longer */
  lua_xmove(task.co, L, 1);
  generation_scope_suspended(L);
}
