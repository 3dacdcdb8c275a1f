/* scripts: see scripts.h. */
#include "lua/scripts.h"

#include <stdlib.h>

/* The idle collector: at most 5% of the time, until two full cycles have passed since Lua last ran. */
#define COLLECT_INTERVAL_MS 20
#define COLLECT_SLICE_NS 1000000u
#define COLLECT_CYCLES 2
#define COLLECT_REST 20 /* times as long as it took */

#define REMNANT_MS 1000 /* after which a generation that does not end is said to be one */

/* ---- answers that can never come ---- */

static void answer_lost(struct runtime *rt) {
  while (rt->lost_count)
    core_reply_error(rt->core, rt->lost[--rt->lost_count], "Error", "reply was never sent", "ERR_NO_REPLY");
}

/* Ends whose object nobody holds any longer. */
static void close_lost_ports(struct runtime *rt) {
  ports_drop(rt->core, rt->lost_ports, rt->lost_port_count);
  rt->lost_port_count = 0;
}

/* The idle collector may find an answer that can never come, or a port that nobody holds. */
static bool is_worth_collecting(const struct runtime *rt) {
  return rt->guards || rt->loose_ports;
}

static void step(lua_State *L, struct scripts *scripts) {
  uint64_t end = clock_now(scripts->runtime.core->clock) + COLLECT_SLICE_NS;
  do {
    if (lua_gc(L, LUA_GCSTEP, 0)) scripts->cycles--;
  } while (scripts->cycles > 0 && clock_now(scripts->runtime.core->clock) < end);
}

/* A generational collector has no steps, and leaves what is old: it collects all at once. Which one it is
 * scripts may have changed. */
static int collect_slice(lua_State *L) {
  struct scripts *scripts = lua_touserdata(L, 1);
  event_release_signals(L);
  if (lua_gc(L, LUA_GCINC, 0, 0, 0) == LUA_GCINC) {
    step(L, scripts);
  } else {
    lua_gc(L, LUA_GCCOLLECT);
    lua_gc(L, LUA_GCGEN, 0, 0);
    scripts->cycles = 0;
  }
  return 0;
}

static void on_collect(uv_timer_t *timer);
static void on_look(uv_timer_t *timer);

static void enter_apart(struct scripts *scripts, const char *where, lua_CFunction fn, void *arg) {
  scripts->apart = true;
  generation_enter(scripts->runtime.generation, where, fn, arg);
  scripts->apart = false;
}

/* It may be over. */
static void plan_look(struct scripts *scripts) {
  if (scripts->runtime.retired && !scripts->closing) uv_timer_start(&scripts->look, on_look, 0, 0);
}

static int release(lua_State *L) {
  event_release_signals(L);
  return 0;
}

void scripts_release(struct scripts *scripts) {
  enter_apart(scripts, "collector", release, NULL);
  plan_look(scripts);
}

static void plan_collection(struct scripts *scripts) {
  uint64_t now = clock_now(scripts->runtime.core->clock), rest = COLLECT_INTERVAL_MS;
  if (scripts->rest_until > now + rest * 1000000) rest = (scripts->rest_until - now) / 1000000;
  uv_timer_start(&scripts->collector, on_collect, rest, 0);
}

static void on_collect(uv_timer_t *timer) {
  struct scripts *scripts = timer->data;
  uint64_t start = clock_now(scripts->runtime.core->clock), end;
  enter_apart(scripts, "collector", collect_slice, scripts);
  end = clock_now(scripts->runtime.core->clock);
  scripts->rest_until = end + (end - start) * COLLECT_REST;
  plan_look(scripts);
  if (scripts->cycles > 0 && is_worth_collecting(&scripts->runtime)) plan_collection(scripts);
}

/* After each outermost entry into Lua: mostly there is nothing to do. */
static void on_left(void *user) {
  struct scripts *scripts = user;
  struct runtime *rt = &scripts->runtime;
  if (!(rt->scratch_used | rt->lost_count | rt->lost_port_count | rt->guards | rt->loose_ports |
        rt->anchored | rt->retired))
    return;
  if (rt->scratch_used) scratch_reset(rt);
  if (rt->lost_count) answer_lost(rt);
  if (rt->lost_port_count) close_lost_ports(rt);
  if (scripts->apart || scripts->closing) return;
  plan_look(scripts);
  if (!(is_worth_collecting(rt) || rt->anchored) || scripts->passes) return;
  scripts->cycles = COLLECT_CYCLES;
  if (!uv_is_active((uv_handle_t *)&scripts->collector)) plan_collection(scripts);
}

/* ---- taking over ---- */

static int emit_app(lua_State *L, struct runtime *rt, const char *name, uint64_t contents, bool replayed) {
  int app = lua_gettop(L) + 1;
  lua_rawgeti(L, LUA_REGISTRYINDEX, rt->app);
  lua_createtable(L, 0, 1);
  lua_pushboolean(L, replayed);
  lua_setfield(L, -2, "replayed");
  if (contents) contents_push(L, contents);
  emitter_emit(L, app, name, contents ? 2 : 1);
  lua_settop(L, app - 1);
  return 0;
}

static int compare_ids(const void *a, const void *b) {
  uint64_t first = *(const uint64_t *)a, second = *(const uint64_t *)b;
  return first < second ? -1 : first > second;
}

/* Listeners may close some meanwhile: those are told of no longer. */
static void replay_contents(lua_State *L, struct runtime *rt) {
  const struct map *map = &rt->core->frames.contents;
  const struct contents *contents;
  size_t cursor = 0, count = 0, max = map->count;
  uint64_t *ids = lua_newuserdatauv(L, max * sizeof *ids + 1, 0);
  while (count < max && (contents = map_next(map, &cursor))) ids[count++] = contents->id;
  qsort(ids, count, sizeof *ids, compare_ids);
  for (size_t i = 0; i < count; i++)
    if (core_contents(rt->core, ids[i])) emit_app(L, rt, "web-contents-created", ids[i], true);
  lua_pop(L, 1);
}

static void tell_renderers(lua_State *L, struct runtime *rt) {
  int first = lua_gettop(L) + 1;
  lua_pushliteral(L, "ipchost:reloaded");
  lua_createtable(L, 0, 1);
  lua_pushinteger(L, (lua_Integer)rt->number);
  lua_setfield(L, -2, "generation");
  broadcast(L, 0, first);
  lua_settop(L, first - 1);
}

struct publication {
  struct runtime *rt;
  const char *name;
  uint64_t contents;
  bool replayed;
};

static int publish(lua_State *L) {
  const struct publication *publication = lua_touserdata(L, 1);
  struct runtime *rt = publication->rt;
  hold_release(L);
  hook_push(L, "resolve_ready");
  lua_call(L, 0, 0);
  if (publication->replayed) replay_contents(L, rt);
  emit_app(L, rt, "ready", 0, publication->replayed);
  if (publication->replayed) tell_renderers(L, rt);
  return 0;
}

void scripts_publish(struct scripts *scripts, bool replayed) {
  struct publication publication = {.rt = &scripts->runtime, .replayed = replayed};
  scripts->runtime.beside = false;
  scripts->runtime.ready = true;
  generation_enter(scripts->runtime.generation, "ready", publish, &publication);
}

static int emit_one(lua_State *L) {
  const struct publication *publication = lua_touserdata(L, 1);
  return emit_app(L, publication->rt, publication->name, publication->contents, false);
}

void scripts_emit_app(struct scripts *scripts, const char *name, uint64_t contents) {
  struct publication publication = {.rt = &scripts->runtime, .name = name, .contents = contents};
  generation_enter(scripts->runtime.generation, name, emit_one, &publication);
}

/* ---- retirement ---- */

struct count {
  size_t awaited;
};

static int count_awaited(lua_State *L) {
  ((struct count *)lua_touserdata(L, 1))->awaited = event_count_awaited(L);
  return 0;
}

static size_t awaited(struct scripts *scripts) {
  struct count count = {0};
  enter_apart(scripts, "retiring the scripts", count_awaited, &count);
  return count.awaited;
}

static void on_look(uv_timer_t *timer) {
  struct scripts *scripts = timer->data;
  (void)timer;
  if (!awaited(scripts)) scripts_close(scripts);
}

static void cut_late(struct scripts *scripts) {
  log_line(scripts->runtime.core->log, LOG_WARN, "script",
           "limits.drain exceeded: generation %llu is cut with what it had not answered",
           (unsigned long long)scripts->runtime.number);
  scripts_close(scripts);
}

static void on_late(uv_timer_t *timer) {
  cut_late(timer->data);
}

void scripts_pass(struct scripts *scripts) {
  if (scripts->cut_at && scripts->cut_at <= clock_now(scripts->runtime.core->clock)) cut_late(scripts);
}

size_t scripts_retire(struct scripts *scripts, struct generation_retired *out) {
  struct runtime *rt = &scripts->runtime;
  size_t left;
  rt->retired = true;
  awaited(scripts);
  generation_retire(rt->generation, false, out);
  left = awaited(scripts);
  if (!left) return 0;
  uv_timer_stop(&scripts->look);
  scripts->cut_at = clock_now(rt->core->clock) + rt->core->limits->drain * 1000000;
  if (scripts->passes) return left;
  uv_update_time(scripts->end.loop); /* it may not have turned for long */
  uv_timer_start(&scripts->end, on_late, rt->core->limits->drain, 0);
  return left;
}

/* ---- life ---- */

static int setup(lua_State *L) {
  const struct scripts *scripts = generation_of(L)->options.user;
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  luaL_setfuncs(L, scripts->runtime.modules, 0);
  modules_open(L);
  return 0;
}

void scripts_free(struct scripts *scripts) {
  tasks_deinit(&scripts->runtime);
  scratch_deinit(&scripts->runtime);
  close_lost_ports(&scripts->runtime);
  free(scripts->runtime.lost_ports);
  free(scripts->runtime.lost);
  free(scripts);
}

static void part_closed(struct scripts *scripts) {
  if (--scripts->closing) return;
  scripts->closing = 1; /* for ever */
  generations_closed(scripts->owner, scripts);
}

static void on_timer_closed(uv_handle_t *handle) {
  part_closed(handle->data);
}

static void on_generation_closed(void *user) {
  struct scripts *scripts = user;
  uv_close((uv_handle_t *)&scripts->end, on_timer_closed);
  part_closed(scripts);
}

static void open_timers(struct scripts *scripts, uv_loop_t *loop) {
  uv_timer_t *const timers[] = {&scripts->collector, &scripts->look, &scripts->end};
  for (size_t i = 0; i < sizeof timers / sizeof timers[0]; i++) {
    uv_timer_init(loop, timers[i]);
    uv_unref((uv_handle_t *)timers[i]);
    timers[i]->data = scripts;
  }
}

static void runtime_init(struct runtime *rt, const struct generations_options *options) {
  *rt = (struct runtime){.core = options->core,
                         .clone = {.depth = (unsigned)options->limits->nesting},
                         .dev = options->dev,
                         .base = options->base,
                         .settings = options->settings,
                         .modules = options->modules,
                         .child_ops = options->child_ops,
                         .child_user = options->child_user,
                         .quit = options->quit,
                         .user = options->user};
}

/* At the host's end nobody waits any more: the system does. */
static void on_stray(void *user, int pid) {
  const struct scripts *scripts = user;
  const struct runtime *rt = &scripts->runtime;
  if (!generations_ending(scripts->owner)) rt->child_ops->reap(rt->child_user, pid);
}

enum status scripts_open(struct scripts **out, struct generations *owner,
                         const struct generations_options *options, uint64_t number, bool beside,
                         struct fault *fault) {
  struct scripts *scripts = calloc(1, sizeof *scripts);
  struct generation_options generation = {.outer = options->loop,
                                          .log = options->log,
                                          .limits = options->limits,
                                          .clock = options->clock,
                                          .base = options->base,
                                          .scripts = options->entries,
                                          .generational = options->generational,
                                          .dev = options->dev,
                                          .beside = beside,
                                          .load_limit = options->kept ? 0 : options->limits->load,
                                          .setup = setup,
                                          .user = scripts,
                                          .left = on_left,
                                          .stray = on_stray,
                                          .closed = on_generation_closed};
  if (!scripts) return fault_set(fault, ST_NOMEM, 0, NULL, "out of memory");
  scripts->owner = owner;
  scripts->kind = options->kind;
  scripts->passes = options->kept;
  list_init(&scripts->node);
  runtime_init(&scripts->runtime, options);
  scripts->runtime.generations = owner;
  scripts->runtime.number = number;
  scripts->runtime.beside = beside;
  open_timers(scripts, options->loop);
  *out = scripts;
  return options->kind->open(&scripts->runtime.generation, &generation, fault);
}

static void on_loaded(void *user, enum status status, const struct fault *fault) {
  struct scripts *scripts = user;
  scripts->loaded(scripts, status, fault);
}

void scripts_load(struct scripts *scripts,
                  void (*loaded)(struct scripts *scripts, enum status status, const struct fault *fault)) {
  scripts->loaded = loaded;
  generation_load(scripts->runtime.generation, on_loaded);
}

/* What it has not done is not done any more; callers are told. */
static int cut(lua_State *L) {
  event_retire_all(L);
  ask_cancel_all(L);
  return 0;
}

static void on_remnant(uv_timer_t *timer) {
  struct scripts *scripts = timer->data;
  scripts->remnant = true;
  log_line(scripts->runtime.core->log, LOG_WARN, "script",
           "generation %llu is kept: a request in its thread pool, or a handle, does not end",
           (unsigned long long)scripts->runtime.number);
}

void scripts_close(struct scripts *scripts) {
  struct generation *generation = scripts->runtime.generation;
  struct generation_retired retired;
  if (scripts->closing) return;
  if (generation && scripts->runtime.retired) {
    generation_enter(generation, "retiring the scripts", cut, NULL);
    generation_retire(generation, true, &retired);
    scripts->runtime.child_ops->retire(scripts->runtime.child_user, scripts->runtime.number);
  }
  scripts->closing = 4;
  scripts->cut_at = 0;
  generations_closing(scripts->owner, scripts);
  uv_close((uv_handle_t *)&scripts->collector, on_timer_closed);
  uv_close((uv_handle_t *)&scripts->look, on_timer_closed);
  uv_timer_start(&scripts->end, on_remnant, REMNANT_MS, 0);
  if (generation)
    scripts->kind->close(generation);
  else
    on_generation_closed(scripts);
}

bool scripts_abandon(struct scripts *scripts) {
  if (uv_is_closing((uv_handle_t *)&scripts->end)) return false; /* the generation is closed */
  generation_abandon(scripts->runtime.generation);
  return true;
}
