/* scripts: see scripts.h. */
#include "lua/scripts.h"

#include <stdlib.h>

#include "lua/runtime.h"

/* The idle collector: at most 5% of the time, until two full cycles have passed since Lua last ran. */
#define COLLECT_INTERVAL_MS 20
#define COLLECT_SLICE_NS 1000000u
#define COLLECT_CYCLES 2
#define COLLECT_REST 20 /* times as long as it took */

struct scripts {
  struct runtime runtime; /* first: the border's `user` is both */
  struct scripts_options options;
  uv_timer_t collector;
  uv_timer_t porter;   /* the next turn of the loop has messages for ports */
  int cycles;          /* still to do */
  uint64_t rest_until; /* ns: no earlier than then */
  bool collecting;
  int closing; /* parts that are still open */
  void (*loaded)(void *user, enum status status);
  void (*closed)(void *user);
};

/* ---- what crosses the border ---- */

static enum status on_message(void *user, const struct message *message, struct fault *fault) {
  return dispatch_message(user, message, fault);
}

/* One event for the scripts, on its way into the protected call. */
struct notice {
  struct runtime *rt;
  uint64_t contents, frame, call;
  enum abort_reason reason;
  const struct gone *gone;
  const char *name;
  bool in_page;
};

static int aborted(lua_State *L) {
  const struct notice *notice = lua_touserdata(L, 1);
  event_abort(L, notice->call, notice->reason);
  return 0;
}

static void on_aborted(void *user, uint64_t call, enum abort_reason reason) {
  struct runtime *rt = user;
  struct notice notice = {.rt = rt, .call = call, .reason = reason};
  /* Else no handler waits, nor does one that runs have a signal. */
  if (rt->guards || rt->anchored) generation_enter(rt->generation, "abort", aborted, &notice);
}

static enum status on_answered(void *user, uint64_t ask, bool fine, struct slice payload,
                               struct fault *fault) {
  return ask_answered(user, ask, fine, payload, fault);
}

static void on_unanswered(void *user, uint64_t ask, enum ask_result why) {
  ask_unanswered(user, ask, why);
}

static void on_drained(void *user, uint64_t process) {
  drain_happened(user, process);
}

static bool app_listens(struct runtime *rt) {
  lua_State *L = rt->generation->L;
  const struct emitter *app;
  lua_rawgeti(L, LUA_REGISTRYINDEX, rt->app);
  app = lua_touserdata(L, -1);
  lua_pop(L, 1);
  return app && app->listeners;
}

/* app: <name>(event, contents?) */
static int emit_app(lua_State *L) {
  const struct notice *notice = lua_touserdata(L, 1);
  lua_rawgeti(L, LUA_REGISTRYINDEX, notice->rt->app);
  lua_newtable(L);
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "replayed");
  if (notice->contents) contents_push(L, notice->contents);
  emitter_emit(L, 2, notice->name, notice->contents ? 2 : 1);
  return 0;
}

static void on_contents_created(void *user, uint64_t contents) {
  struct runtime *rt = user;
  struct notice notice = {.rt = rt, .contents = contents, .name = "web-contents-created"};
  if (app_listens(rt)) generation_enter(rt->generation, "web-contents-created", emit_app, &notice);
}

static int frame_created(lua_State *L) {
  const struct notice *notice = lua_touserdata(L, 1);
  if (!contents_find(L, notice->contents)) return 0;
  lua_createtable(L, 0, 1);
  lua_createtable(L, 0, 1);
  frame_push(L, notice->frame);
  lua_setfield(L, -2, "frame");
  emitter_emit(L, 2, "frame-created", 2);
  return 0;
}

static void on_frame_created(void *user, uint64_t contents, uint64_t frame) {
  struct runtime *rt = user;
  struct notice notice = {.rt = rt, .contents = contents, .frame = frame};
  if (rt->scoped) generation_enter(rt->generation, "frame-created", frame_created, &notice);
}

static int navigated(lua_State *L) {
  const struct notice *notice = lua_touserdata(L, 1);
  navigation_emit(L, core_frame(notice->rt->core, notice->frame), notice->in_page);
  return 0;
}

static void on_navigated(void *user, uint64_t frame, bool in_page) {
  struct runtime *rt = user;
  struct notice notice = {.rt = rt, .frame = frame, .in_page = in_page};
  if (rt->scoped) generation_enter(rt->generation, "did-navigate", navigated, &notice);
}

static int frame_destroyed(lua_State *L) {
  uint64_t frame = ((const struct notice *)lua_touserdata(L, 1))->frame;
  frame_bury(L, frame);
  drain_frame_gone(L, frame);
  return 0;
}

static void on_frame_destroyed(void *user, uint64_t frame) {
  struct runtime *rt = user;
  struct notice notice = {.rt = rt, .frame = frame};
  if (rt->scoped || rt->draining)
    generation_enter(rt->generation, "frame-destroyed", frame_destroyed, &notice);
}

static int contents_destroyed(lua_State *L) {
  const struct notice *notice = lua_touserdata(L, 1);
  if (!contents_find(L, notice->contents)) return 0;
  contents_bury(L, notice->contents);
  if (notice->gone) {
    lua_newtable(L);
    lua_createtable(L, 0, 2);
    lua_pushstring(L, notice->gone->reason);
    lua_setfield(L, -2, "reason");
    lua_pushinteger(L, notice->gone->exit_code);
    lua_setfield(L, -2, "exitCode");
    emitter_emit(L, 2, "render-process-gone", 2);
  }
  lua_newtable(L);
  emitter_emit(L, 2, "destroyed", 1);
  return 0;
}

static void on_contents_destroyed(void *user, uint64_t contents, const struct gone *gone) {
  struct runtime *rt = user;
  struct notice notice = {.rt = rt, .contents = contents, .gone = gone};
  if (rt->scoped) generation_enter(rt->generation, "destroyed", contents_destroyed, &notice);
}

static bool on_port_message(void *user, uint64_t port, struct slice payload, const uint64_t *ids,
                            size_t count) {
  return port_message(user, port, payload, ids, count);
}

static void on_port_closed(void *user, uint64_t port) {
  port_closed(user, port);
}

static void on_port_drained(void *user, uint64_t port) {
  port_has_drained(user, port);
}

static void deliver_to_ports(uv_timer_t *timer) {
  struct scripts *scripts = timer->data;
  struct core *core = scripts->runtime.core;
  ports_deliver(core);
  if (ports_ready(&core->ports) && !scripts->closing) uv_timer_start(timer, deliver_to_ports, 0, 0);
}

static void on_ports_ready(void *user) {
  struct scripts *scripts = user;
  if (!scripts->closing) uv_timer_start(&scripts->porter, deliver_to_ports, 0, 0);
}

static const struct border border = {.message = on_message,
                                     .port_message = on_port_message,
                                     .port_closed = on_port_closed,
                                     .port_drained = on_port_drained,
                                     .ports_ready = on_ports_ready,
                                     .aborted = on_aborted,
                                     .answered = on_answered,
                                     .unanswered = on_unanswered,
                                     .drained = on_drained,
                                     .contents_created = on_contents_created,
                                     .frame_created = on_frame_created,
                                     .navigated = on_navigated,
                                     .frame_destroyed = on_frame_destroyed,
                                     .contents_destroyed = on_contents_destroyed};

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
  uint64_t end = clock_now(scripts->options.clock) + COLLECT_SLICE_NS;
  do {
    if (lua_gc(L, LUA_GCSTEP, 0)) scripts->cycles--;
  } while (scripts->cycles > 0 && clock_now(scripts->options.clock) < end);
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

static void plan_collection(struct scripts *scripts) {
  uint64_t now = clock_now(scripts->options.clock), rest = COLLECT_INTERVAL_MS;
  if (scripts->rest_until > now + rest * 1000000) rest = (scripts->rest_until - now) / 1000000;
  uv_timer_start(&scripts->collector, on_collect, rest, 0);
}

static void on_collect(uv_timer_t *timer) {
  struct scripts *scripts = timer->data;
  uint64_t start = clock_now(scripts->options.clock), end;
  scripts->collecting = true;
  generation_enter(scripts->runtime.generation, "collector", collect_slice, scripts);
  scripts->collecting = false;
  end = clock_now(scripts->options.clock);
  scripts->rest_until = end + (end - start) * COLLECT_REST;
  if (scripts->cycles > 0 && is_worth_collecting(&scripts->runtime)) plan_collection(scripts);
}

/* After each outermost entry into Lua. */
static void on_left(void *user) {
  struct scripts *scripts = user;
  struct runtime *rt = &scripts->runtime;
  scratch_reset(rt);
  if (rt->lost_count) answer_lost(rt);
  if (rt->lost_port_count) close_lost_ports(rt);
  if (!(is_worth_collecting(rt) || rt->anchored) || scripts->collecting || scripts->closing) return;
  scripts->cycles = COLLECT_CYCLES;
  if (!uv_is_active((uv_handle_t *)&scripts->collector)) plan_collection(scripts);
}

/* ---- life ---- */

static int setup(lua_State *L) {
  const struct scripts *scripts = generation_of(L)->options.user;
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  luaL_setfuncs(L, scripts->options.modules, 0);
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
  void (*closed)(void *) = scripts->closed;
  void *user = scripts->options.user;
  if (--scripts->closing) return;
  if (scripts->options.kept)
    scripts->closing = 1; /* for ever */
  else
    scripts_free(scripts);
  if (closed) closed(user);
}

static void on_generation_closed(void *user) {
  part_closed(user);
}

static void on_timer_closed(uv_handle_t *handle) {
  part_closed(handle->data);
}

enum status scripts_open(struct scripts **out, const struct scripts_options *options, struct fault *fault) {
  struct scripts *scripts = calloc(1, sizeof *scripts);
  struct generation_options generation = {.outer = options->loop,
                                          .log = options->log,
                                          .limits = options->limits,
                                          .clock = options->clock,
                                          .base = options->base,
                                          .scripts = options->entries,
                                          .generational = options->generational,
                                          .dev = options->dev,
                                          .setup = setup,
                                          .user = scripts,
                                          .left = on_left,
                                          .closed = on_generation_closed};
  enum status status;
  if (!scripts) return fault_set(fault, ST_NOMEM, 0, NULL, "out of memory");
  scripts->options = *options;
  scripts->runtime = (struct runtime){.core = options->core,
                                      .clone = {.depth = (unsigned)options->limits->nesting},
                                      .dev = options->dev,
                                      .base = options->base,
                                      .settings = options->settings,
                                      .child_ops = options->child_ops,
                                      .child_user = options->child_user,
                                      .quit = options->quit,
                                      .user = options->user};
  uv_timer_init(options->loop, &scripts->collector);
  uv_unref((uv_handle_t *)&scripts->collector);
  scripts->collector.data = scripts;
  uv_timer_init(options->loop, &scripts->porter);
  uv_unref((uv_handle_t *)&scripts->porter);
  scripts->porter.data = scripts;
  *out = scripts;
  status = options->kind->open(&scripts->runtime.generation, &generation, fault);
  if (status != ST_OK) return status;
  options->core->border = &border;
  options->core->border_user = &scripts->runtime;
  return ST_OK;
}

static int app_ready(lua_State *L) {
  const struct notice *notice = lua_touserdata(L, 1);
  hook_push(L, "resolve_ready");
  lua_call(L, 0, 0);
  lua_settop(L, 1);
  (void)notice;
  return emit_app(L);
}

static void on_loaded(void *user, enum status status, const struct fault *fault) {
  struct scripts *scripts = user;
  struct notice notice = {.rt = &scripts->runtime, .name = "ready"};
  (void)fault;
  if (status == ST_OK) {
    scripts->runtime.ready = true;
    generation_enter(scripts->runtime.generation, "ready", app_ready, &notice);
  }
  scripts->loaded(scripts->options.user, status);
}

void scripts_load(struct scripts *scripts, void (*done)(void *user, enum status status)) {
  scripts->loaded = done;
  generation_load(scripts->runtime.generation, on_loaded);
}

bool scripts_child_output(struct scripts *scripts, uint64_t child, bool error, struct slice bytes) {
  return child_output(&scripts->runtime, child, error, bytes);
}

void scripts_child_ended(struct scripts *scripts, uint64_t child, int code, int signal) {
  child_ended(&scripts->runtime, child, code, signal);
}

void scripts_before_quit(struct scripts *scripts) {
  struct notice notice = {.rt = &scripts->runtime, .name = "before-quit"};
  generation_enter(scripts->runtime.generation, "before-quit", emit_app, &notice);
}

void scripts_close(struct scripts *scripts, void (*closed)(void *user)) {
  scripts->closed = closed;
  scripts->closing = 3;
  scripts->options.core->border = NULL;
  uv_close((uv_handle_t *)&scripts->collector, on_timer_closed);
  uv_close((uv_handle_t *)&scripts->porter, on_timer_closed);
  if (scripts->runtime.generation)
    scripts->options.kind->close(scripts->runtime.generation);
  else
    part_closed(scripts);
}
