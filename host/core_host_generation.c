/*
 * core_host_generation: a generation that is an environment of a state that goes on: its globals and its
 * `package.loaded` are tables of its own. While the environment is set up they stand in for the state's.
 */
#include "core_host.h"

#include <lualib.h>
#include <stdlib.h>

#include "core_module.h"
#include "lua/generation_private.h"
#include "lua/runtime.h"

static const char *const no_scripts[] = {NULL};

static struct core_host *host_of(const struct generation *generation) {
  return generation->options.outer->data;
}

/* ---- what environment.lua is given; upvalue 1 is the generation ---- */

static int request(lua_State *L) {
  struct generation *generation = lua_touserdata(L, lua_upvalueindex(1));
  generation->microtasks = true;
  return 0;
}

static int write_log(lua_State *L) {
  const struct generation *generation = lua_touserdata(L, lua_upvalueindex(1));
  enum log_level level = LOG_INFO;
  struct slice text;
  log_level_parse(luaL_checkstring(L, 1), &level);
  text.data = (const uint8_t *)luaL_checklstring(L, 2, &text.len);
  log_text(generation->options.log, level, "script", text);
  return 0;
}

static void push_environment_host(lua_State *L, struct generation *generation) {
  static const luaL_Reg functions[] = {{"request", request}, {"log", write_log}, {NULL, NULL}};
  luaL_newlibtable(L, functions);
  lua_pushlightuserdata(L, generation);
  luaL_setfuncs(L, functions, 1);
  lua_pushstring(L, generation->options.base);
  lua_setfield(L, -2, "base");
  lua_newtable(L);
  lua_setfield(L, -2, "scripts");
}

/* Of the table at the top, when the kit's finish(table) has put its own there. [-0, +0, e] */
static void take_hooks(lua_State *L, struct generation *generation) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, ((struct core_generation *)generation)->finish);
  lua_pushvalue(L, -2);
  lua_call(L, 1, 0);
  generation_take_hooks(L, generation);
}

/* [-0, +0, e] with the environment as the state's globals */
static int set_up(lua_State *L) {
  struct generation *generation = generation_of(L);
  lua_getglobal(L, LUA_COLIBNAME);
  generation_open_coroutines(L);
  generation_scope_open(L);
  lua_getglobal(L, "require");
  lua_pushliteral(L, "ipchost.environment");
  lua_call(L, 1, 1);
  push_environment_host(L, generation);
  lua_call(L, 1, 1);
  take_hooks(L, generation);
  lua_settop(L, 0);
  lua_pushcfunction(L, generation->options.setup);
  lua_pushlightuserdata(L, generation->options.user);
  lua_call(L, 1, 0);
  return 0;
}

/* ---- whose coroutine it is ---- */

/* The registry has every generation of a host's, by address: the extra space of coroutines that are older
 * than this module has anything. [-0, +0, -] */
static struct generation *known(lua_State *L, void *generation) {
  bool found = lua_rawgetp(L, LUA_REGISTRYINDEX, generation) == LUA_TBOOLEAN;
  lua_pop(L, 1);
  return found ? generation : NULL;
}

static void switch_to(lua_State *L, void *owner) {
  struct generation *to = known(L, owner), *from = known(L, generation_of(L));
  if (!to || to == from) return;
  if (from && from->depth)
    luaL_error(L, "this is another host's: use it when the scripts of this one have returned");
  *(struct generation **)lua_getextraspace(L) = to;
}

void core_host_switch(lua_State *L, struct core_host *self) {
  switch_to(L, core_host_serving(self));
}

struct generation *core_host_serving(const struct core_host *self) {
  struct generation *serving = self->scripts ? generations_serving(self->scripts) : NULL;
  return serving || !self->made ? serving : &self->made->generation;
}

bool core_host_inside(const struct core_host *self) {
  for (const struct core_generation *made = self->made; made; made = made->before)
    if (made->generation.depth) return true;
  return false;
}

/* Of listeners that are started in the state, those of hosts are the border's. */
static void start(lua_State *L, int nargs) {
  const struct generation *generation = known(L, generation_of(L));
  if (generation && !generation->closing)
    task_start_listener(L, nargs);
  else
    core_emitter_start(L, nargs);
}

static void warn(lua_State *L, const char *text) {
  const struct generation *generation = known(L, generation_of(L));
  if (generation && !generation->closing)
    warn_traceback(L, text);
  else
    core_emitter_warn(L, text);
}

/* Exchanges the value at the top with the registry's, which it leaves there. [-1, +1, -] */
static void swap_globals(lua_State *L) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
  lua_insert(L, -2);
  lua_rawseti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
}
static void swap_loaded(lua_State *L) {
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_insert(L, -2);
  lua_setfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
}

static int open_state(lua_State *L) {
  struct core_generation *made = lua_touserdata(L, 1);
  int status;
  lua_pushboolean(L, 1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &made->generation);
  lua_rawgeti(L, LUA_REGISTRYINDEX, made->env);
  lua_getfield(L, -1, "package");
  lua_getfield(L, -1, "loaded");
  lua_replace(L, -2);
  swap_loaded(L);
  lua_insert(L, -2);
  swap_globals(L);
  lua_pushcfunction(L, set_up);
  status = lua_pcall(L, 0, 0, 0);
  if (status != LUA_OK) lua_insert(L, 2);
  swap_globals(L);
  lua_pop(L, 1);
  swap_loaded(L);
  lua_pop(L, 1);
  emitter_setup(L, start, warn);
  emitter_on_switch(L, switch_to);
  return status == LUA_OK ? 0 : lua_error(L);
}

/* make(number) gives the environment and finish(hooks). [-0, +0, e] */
static int make(lua_State *L) {
  struct core_generation *made = lua_touserdata(L, 1);
  struct core_host *self = host_of(&made->generation);
  lua_rawgeti(L, LUA_REGISTRYINDEX, self->make);
  lua_pushinteger(L, made->number);
  lua_call(L, 1, 2);
  made->finish = luaL_ref(L, LUA_REGISTRYINDEX);
  made->env = luaL_ref(L, LUA_REGISTRYINDEX);
  made->generation.L = lua_newthread(L);
  made->anchor = luaL_ref(L, LUA_REGISTRYINDEX);
  return 0;
}

static enum status make_environment(struct core_host *self, struct core_generation *made) {
  lua_State *L = self->thread;
  enum status status = ST_OK;
  lua_pushcfunction(L, make);
  lua_pushlightuserdata(L, made);
  if (lua_pcall(L, 1, 0, 0) == LUA_OK) return ST_OK;
  log_line(self->log, LOG_ERROR, "script", "the script environment: %s", lua_tostring(L, -1));
  status = ST_SCRIPT;
  lua_pop(L, 1);
  return status;
}

static enum status open_generation(struct generation **out, const struct generation_options *options,
                                   struct fault *fault) {
  struct core_host *self = options->outer->data;
  struct core_generation *made = calloc(1, sizeof *made);
  struct generation *generation = &made->generation;
  if (!made) return fault_set(fault, ST_NOMEM, 0, NULL, "out of memory");
  generation->options = *options;
  generation->options.scripts = no_scripts;
  generation->loop.handle_queue[0] = generation->loop.handle_queue[1] = &generation->loop.handle_queue;
  made->number = ++self->made_count;
  if (make_environment(self, made) != ST_OK) {
    free(made);
    return fault_set(fault, ST_SCRIPT, 0, NULL, "the script environment cannot be set up");
  }
  made->before = self->made;
  self->made = made;
  *(struct generation **)lua_getextraspace(generation->L) = generation;
  *out = generation;
  if (generation_enter(generation, "the script environment", open_state, made) != ST_OK)
    return fault_set(fault, ST_SCRIPT, 0, NULL, "the script environment cannot be set up");
  return ST_OK;
}

/* ---- the end ---- */

static void drop(lua_State *L, int reference) {
  if (reference <= 0) return;
  lua_pushvalue(L, -1);
  lua_rawseti(L, LUA_REGISTRYINDEX, reference);
}

/* What is left of it finds an empty table where it had its own, so that all that can be collected is. [-0,
 * +0, m] */
static int forget(lua_State *L) {
  const struct core_generation *made = lua_touserdata(L, 1);
  const struct generation *generation = &made->generation;
  const struct runtime *rt = generation->options.user;
  const int references[] = {made->env,
                            made->finish,
                            generation->drain,
                            generation->top_level,
                            generation->load,
                            generation->contexts,
                            generation->retire,
                            generation->files,
                            generation->hashes,
                            generation->position,
                            generation->scope_of,
                            generation->made,
                            generation->waiting,
                            rt->threads,
                            rt->ipcmain,
                            rt->app,
                            rt->handlers,
                            rt->listeners,
                            rt->contents,
                            rt->frames,
                            rt->dead,
                            rt->pending,
                            rt->signals,
                            rt->hooks,
                            rt->asks,
                            rt->warned,
                            rt->ports,
                            rt->started_ports,
                            rt->children,
                            rt->held};
  lua_newtable(L);
  for (size_t i = 0; i < sizeof references / sizeof *references; i++) drop(L, references[i]);
  return 0;
}

static void close_generation(struct generation *generation) {
  lua_State *L = host_of(generation)->thread;
  generation->closing = true;
  lua_pushcfunction(L, forget);
  lua_pushlightuserdata(L, generation);
  if (lua_pcall(L, 1, 0, 0) != LUA_OK) lua_pop(L, 1);
  generation->options.closed(generation->options.user);
}

const struct generation_kind core_host_generation = {open_generation, close_generation};
