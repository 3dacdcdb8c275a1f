/* core_host: see core_host.h. This file has its life and its methods. */
#include "core_host.h"

#include <stdlib.h>
#include <string.h>

#include "core_module.h"
#include "lua/clone.h"

#define HOST "ipchost.host"
#define NS_PER_MS 1000000u
#define START_NS UINT64_C(1000000000) /* no time of the clock is 0 */

struct core_host *core_host_check(lua_State *L, int index) {
  struct core_host *self = luaL_checkudata(L, index, HOST);
  if (!self->opened || self->closed) luaL_error(L, "the host was closed");
  return self;
}

/* ---- the log ---- */

struct line {
  enum log_level level;
  size_t len;
};

static void on_line(void *user, enum log_level level, const char *where, struct slice text) {
  struct buf *lines = &((struct core_host *)user)->lines;
  struct line line = {level, text.len};
  (void)where;
  if (buf_reserve(lines, sizeof line + text.len) != ST_OK) return;
  buf_put(lines, &line, sizeof line);
  buf_put(lines, text.data, text.len);
}

/* host:log(): what was logged since the last call: level, text, level, text, ... */
static int host_log(lua_State *L) {
  static const char *const levels[] = {"debug", "info", "warn", "error"};
  struct core_host *self = luaL_checkudata(L, 1, HOST);
  struct line line;
  lua_Integer count = 0;
  lua_newtable(L);
  for (size_t at = 0; at < self->lines.len; at += line.len) {
    memcpy(&line, self->lines.data + at, sizeof line);
    at += sizeof line;
    lua_pushstring(L, levels[line.level]);
    lua_rawseti(L, -2, ++count);
    lua_pushlstring(L, (const char *)self->lines.data + at, line.len);
    lua_rawseti(L, -2, ++count);
  }
  buf_reset(&self->lines, 0);
  return 1;
}

/* ---- processes: there are none ---- */

static enum status spawn(void *user, const struct child_request *request, uint64_t *id, struct fault *fault) {
  (void)user;
  (void)id;
  return fault_set(fault, ST_INVALID, 0, NULL,
                   "%.60s: a test starts no process; put what starts it into a module, and a fake of that on "
                   "the host's path",
                   request->name);
}
static bool look(void *user, uint64_t id, struct child_info *out) {
  (void)user;
  (void)id;
  (void)out;
  return false;
}
static enum child_written write_child(void *user, uint64_t id, struct slice bytes) {
  (void)user;
  (void)id;
  (void)bytes;
  return CHILD_GONE;
}
static bool kill_child(void *user, uint64_t id, int signal) {
  (void)user;
  (void)id;
  (void)signal;
  return false;
}
static const char *address(void *user) {
  (void)user;
  return NULL;
}
static bool find(void *user, const char *name, const char *key, uint64_t *id) {
  (void)user;
  (void)name;
  (void)key;
  (void)id;
  return false;
}
static void retire(void *user, uint64_t generation) {
  (void)user;
  (void)generation;
}
static void reap(void *user, pid_t pid) {
  (void)user;
  (void)pid;
}
static const struct child_ops no_children = {spawn, find,        retire,     reap,
                                             look,  write_child, kill_child, address};

/* ---- life ---- */

static void on_quit(void *user) {
  struct core_host *self = user;
  if (self->quitting) return;
  self->quitting = self->core.closing = true;
  generations_before_quit(self->scripts);
}

static void on_loaded(void *user, enum status status) {
  ((struct core_host *)user)->loaded = status == ST_OK ? LOADED : FAILED;
}

static void on_wake(void *user, uint64_t due) {
  ((struct core_host *)user)->due = due;
}

static enum status open_core(struct core_host *self, struct fault *fault) {
  if (uv_loop_init(&self->loop) != 0) return fault_set(fault, ST_IO, 0, NULL, "no loop can be made");
  self->loop.data = self;
  uv_async_init(&self->loop, &self->keep, NULL);
  self->opened = true;
  if (log_open_sink(&self->log, LOG_DEBUG, on_line, self) != ST_OK ||
      core_init(&self->core, &self->limits, &self->clock, self->log) != ST_OK)
    return fault_set(fault, ST_IO, 0, NULL, "no host can be made");
  self->core.wake = on_wake;
  self->core.wake_user = self;
  return ST_OK;
}

static enum status open_scripts(struct core_host *self, struct fault *fault) {
  static const luaL_Reg none[] = {{NULL, NULL}};
  struct generations_options options = {.kind = &core_host_generation,
                                        .kept = true,
                                        .loop = &self->loop,
                                        .core = &self->core,
                                        .log = self->log,
                                        .limits = &self->limits,
                                        .clock = &self->clock,
                                        .base = self->base,
                                        .settings = buf_slice(&self->settings),
                                        .modules = none,
                                        .child_ops = &no_children,
                                        .child_user = self,
                                        .quit = on_quit,
                                        .user = self};
  return generations_open(&self->scripts, &options, fault);
}

/* host:open(): sets the environment up; true, or nil and why not, after which it can only be closed. */
static int host_open(lua_State *L) {
  struct core_host *self = luaL_checkudata(L, 1, HOST);
  struct fault fault;
  if (self->opened) return luaL_error(L, "the host is open");
  if (open_core(self, &fault) != ST_OK || open_scripts(self, &fault) != ST_OK) {
    lua_pushnil(L);
    lua_pushstring(L, fault.text);
    return 2;
  }
  lua_pushboolean(L, 1);
  return 1;
}

static void close_loop(struct core_host *self) {
  uv_close((uv_handle_t *)&self->keep, NULL);
  while (uv_run(&self->loop, UV_RUN_DEFAULT)) {
  }
  uv_loop_close(&self->loop);
}

/* Ids and events that scripts hold say then that what they name is gone. */
static void close_host(struct core_host *self) {
  if (!self->opened || self->closed || core_host_inside(self)) return;
  self->closed = true;
  core_host_end_links(self);
  if (self->scripts) generations_close(self->scripts, NULL);
  close_loop(self);
  core_deinit(&self->core);
  core_init(&self->core, &self->limits, &self->clock, NULL);
}

/* host:inside(): its scripts are on the stack, and it cannot be closed. */
static int host_inside(lua_State *L) {
  lua_pushboolean(L, core_host_inside(core_host_check(L, 1)));
  return 1;
}

/* host:close(): its log may still be read. */
static int host_close(lua_State *L) {
  close_host(luaL_checkudata(L, 1, HOST));
  return 0;
}

static int host_free(lua_State *L) {
  struct core_host *self = luaL_checkudata(L, 1, HOST);
  close_host(self);
  if (self->scripts) generations_free(self->scripts);
  self->scripts = NULL;
  while (self->made) {
    struct core_generation *before = self->made->before;
    free(self->made);
    self->made = before;
  }
  if (self->opened) core_deinit(&self->core);
  log_close(self->log);
  self->log = NULL;
  buf_deinit(&self->lines);
  buf_deinit(&self->settings);
  free(self->base);
  self->base = NULL;
  return 0;
}

/* ---- time and turns ---- */

/* host:turn(): what the border has to do in a turn of the loop. True if there was something, or the next has.
 */
static int host_turn(lua_State *L) {
  struct core_host *self = core_host_check(L, 1);
  bool did = ports_ready(&self->core.ports);
  uv_run(&self->loop, UV_RUN_NOWAIT);
  did = did || uv_backend_timeout(&self->loop) == 0;
  for (struct core_generation *made = self->made; made; made = made->before) {
    struct generation *generation = &made->generation;
    if (!generation->microtasks || generation->closing || generation->depth) continue;
    did = true;
    generation_begin(generation);
    generation_leave(generation);
  }
  lua_pushboolean(L, did);
  return 1;
}

/* host:now(): milliseconds. */
static int host_now(lua_State *L) {
  const struct core_host *self = luaL_checkudata(L, 1, HOST);
  lua_pushinteger(L, (lua_Integer)(self->clock.fake / NS_PER_MS));
  return 1;
}

/* host:pass(ms): the time that the clock shows is that much later. */
static int host_pass(lua_State *L) {
  struct core_host *self = core_host_check(L, 1);
  lua_Integer ms = luaL_checkinteger(L, 2);
  luaL_argcheck(L, ms >= 0 && ms <= INT64_MAX / 4 / NS_PER_MS, 2, "expected milliseconds");
  self->clock.fake += (uint64_t)ms * NS_PER_MS;
  if (self->due && self->due <= self->clock.fake) {
    self->due = 0;
    core_wake(&self->core);
  }
  core_sweep(&self->core);
  generations_pass(self->scripts);
  return 0;
}

static uint64_t due(const struct core_host *self) {
  uint64_t cut = generations_due(self->scripts);
  return cut && (!self->due || cut < self->due) ? cut : self->due;
}

/* host:due(): milliseconds until the host has something to do; nil: it has nothing. */
static int host_due(lua_State *L) {
  const struct core_host *self = core_host_check(L, 1);
  uint64_t now = self->clock.fake, then = due(self);
  if (!then) return 0;
  lua_pushinteger(L, (lua_Integer)(then > now ? (then - now + NS_PER_MS - 1) / NS_PER_MS : 0));
  return 1;
}

/* host:collect(): finds what nobody holds any longer, and tells who waits for it. */
static int host_collect(lua_State *L) {
  struct core_host *self = core_host_check(L, 1);
  generations_release(self->scripts);
  lua_gc(L, LUA_GCCOLLECT);
  lua_gc(L, LUA_GCCOLLECT); /* what was in the finalized */
  generations_release(self->scripts);
  return 0;
}

/* ---- scripts ---- */

/* host:bind(co): what runs in the coroutine (by default the one that runs) belongs to the host. */
static int host_bind(lua_State *L) {
  struct core_host *self = luaL_checkudata(L, 1, HOST);
  lua_State *co = lua_tothread(L, 2);
  if (co)
    core_host_bind(self, co);
  else
    core_host_switch(L, self);
  return 0;
}

static struct generation *find_generation(const struct core_host *self, lua_Integer number) {
  struct core_generation *made = self->made;
  if (!number) return core_host_serving(self);
  while (made && made->number != number) made = made->before;
  return made && !made->generation.closing ? &made->generation : NULL;
}

/* host:enter(number, fn, ...): calls it as a callback of that generation's, of the one that serves for 0:
 * what it raises is logged. Nothing is called where that one is closed. */
static int host_enter(lua_State *L) {
  struct core_host *self = core_host_check(L, 1);
  struct generation *generation = find_generation(self, luaL_checkinteger(L, 2));
  struct generation **bound = lua_getextraspace(L), *before = *bound;
  int status;
  if (!generation) return 0;
  *bound = generation;
  generation_begin(generation);
  status = lua_pcall(L, lua_gettop(L) - 3, LUA_MULTRET, 0);
  if (status != LUA_OK) generation_log_error(L, L, "a callback");
  generation_leave(generation);
  *bound = before;
  return status == LUA_OK ? lua_gettop(L) - 2 : 0;
}

/* host:apart(run, warn, fn, ...): calls fn where listeners are started by run(listener, ...), as no
 * generation's. */
static int host_apart(lua_State *L) {
  struct generation **bound = lua_getextraspace(L), *before = *bound;
  int status, top = lua_gettop(L);
  luaL_checkudata(L, 1, HOST);
  luaL_checkany(L, 4);
  core_emitter_push_runner(L);
  lua_insert(L, 2);
  lua_insert(L, 2); /* host, run and warn before, run, warn, fn, ... */
  lua_pushvalue(L, 4);
  lua_pushvalue(L, 5);
  core_emitter_pop_runner(L);
  *bound = NULL;
  status = lua_pcall(L, top - 4, LUA_MULTRET, 0);
  *bound = before;
  lua_pushvalue(L, 2);
  lua_pushvalue(L, 3);
  core_emitter_pop_runner(L);
  return status == LUA_OK ? lua_gettop(L) - 5 : lua_error(L);
}

/* host:load(): begins to run the scripts. */
static int host_load(lua_State *L) {
  struct core_host *self = core_host_check(L, 1);
  generations_load(self->scripts, on_loaded);
  return 0;
}

/* host:loaded(): true, false when they have failed, nil while they are loaded. */
static int host_loaded(lua_State *L) {
  const struct core_host *self = core_host_check(L, 1);
  if (self->loaded == LOADING)
    lua_pushnil(L);
  else
    lua_pushboolean(L, self->loaded == LOADED);
  return 1;
}

/* host:number(): of the generation that serves, in the order in which they were made. */
static int host_number(lua_State *L) {
  const struct core_host *self = core_host_check(L, 1);
  lua_pushinteger(L, ((const struct core_generation *)core_host_serving(self))->number);
  return 1;
}

/* host:scope(): on whose behalf the scripts run. */
static int host_scope(lua_State *L) {
  core_host_check(L, 1);
  lua_pushinteger(L, generation_of(L)->scope);
  return 1;
}

/* host:quit(): as app.quit. */
static int host_quit(lua_State *L) {
  on_quit(core_host_check(L, 1));
  return 0;
}

/* ---- making one ---- */

static void copy_options(lua_State *L, struct core_host *self) {
  struct clone_limits limits = {.depth = (unsigned)self->limits.nesting};
  struct fault fault;
  lua_getfield(L, 1, "base");
  self->base = strdup(luaL_checkstring(L, -1));
  lua_getfield(L, 1, "settings");
  if (!lua_isnil(L, -1) && clone_encode(L, -1, "settings", &limits, &self->settings, &fault) != ST_OK)
    luaL_error(L, "%s", fault.text);
  if (!self->base) luaL_error(L, "not enough memory");
  lua_getfield(L, 1, "make");
  self->make = luaL_ref(L, LUA_REGISTRYINDEX);
  lua_pop(L, 2);
}

/* host{ base, settings, make } */
static int host_new(lua_State *L) {
  struct core_host *self;
  luaL_checktype(L, 1, LUA_TTABLE);
  self = lua_newuserdatauv(L, sizeof *self, 1);
  memset(self, 0, sizeof *self);
  list_init(&self->links);
  self->limits = limits_default();
  self->clock = clock_fake(START_NS);
  luaL_setmetatable(L, HOST);
  lua_newtable(L);
  lua_setiuservalue(L, -2, 1);
  copy_options(L, self);
  lua_pushvalue(L, -1);
  self->self = luaL_ref(L, LUA_REGISTRYINDEX);
  self->thread = lua_newthread(L);
  self->anchor = luaL_ref(L, LUA_REGISTRYINDEX);
  return 1;
}

void core_host_open(lua_State *L) {
  static const luaL_Reg methods[] = {{"open", host_open},
                                     {"number", host_number},
                                     {"scope", host_scope},
                                     {"close", host_close},
                                     {"log", host_log},
                                     {"turn", host_turn},

                                     {"now", host_now},
                                     {"pass", host_pass},
                                     {"due", host_due},
                                     {"collect", host_collect},
                                     {"bind", host_bind},
                                     {"load", host_load},
                                     {"enter", host_enter},
                                     {"apart", host_apart},
                                     {"loaded", host_loaded},
                                     {"quit", host_quit},
                                     {"inside", host_inside},
                                     {"connect", core_host_connect},
                                     {NULL, NULL}};
  luaL_newmetatable(L, HOST);
  lua_pushcfunction(L, host_free);
  lua_setfield(L, -2, "__gc");
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  core_host_link_open(L);
  /* The state's coroutines belong to no host yet: those made from now on have what the main one has. */
  lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
  *(struct generation **)lua_getextraspace(lua_tothread(L, -1)) = NULL;
  *(struct generation **)lua_getextraspace(L) = NULL;
  lua_pop(L, 1);
  lua_pushcfunction(L, host_new);
  lua_setfield(L, -2, "host");
}
