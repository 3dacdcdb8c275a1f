/*
 * border: what the core tells the scripts, and whom. Messages are for the generation that serves; an answer,
 * or what comes for a port, for the one that has asked or has the port; what ends is told to all that may
 * hold it.
 */
#include "lua/generations_private.h"

/* One event for the scripts, on its way into the protected call. */
struct notice {
  struct runtime *rt;
  uint64_t contents, frame, call;
  enum abort_reason reason;
  const struct gone *gone;
  bool in_page;
};

/* ---- whom ---- */

static inline struct runtime *serving(const struct generations *generations) {
  return &generations->roles[SERVING]->runtime;
}

/* The one that has the thing, or NULL. */
static struct runtime *owner_of(const struct generations *generations, uint64_t id,
                                bool (*is_of)(struct runtime *rt, uint64_t id)) {
  for (int role = 0; role < ROLES; role++) {
    struct scripts *scripts = generations->roles[role];
    if (scripts && is_of(&scripts->runtime, id)) return &scripts->runtime;
  }
  return NULL;
}

static void tell_all(const struct generations *generations, struct notice *notice,
                     void (*tell)(struct runtime *rt, struct notice *notice)) {
  for (int role = 0; role < ROLES; role++) {
    if (!generations->roles[role]) continue;
    notice->rt = &generations->roles[role]->runtime;
    tell(notice->rt, notice);
  }
}

/* ---- messages and answers ---- */

static enum status on_message(void *user, const struct message *message, struct fault *fault) {
  return dispatch_message(serving(user), message, fault);
}

static int aborted(lua_State *L) {
  const struct notice *notice = lua_touserdata(L, 1);
  event_abort(L, notice->call, notice->reason);
  return 0;
}

/* Without guards no handler waits, nor does one that runs have a signal. */
static void tell_aborted(struct runtime *rt, struct notice *notice) {
  if (rt->guards || rt->anchored) generation_enter(rt->generation, "abort", aborted, notice);
}

static void on_aborted(void *user, uint64_t call, enum abort_reason reason) {
  struct notice notice = {.call = call, .reason = reason};
  tell_all(user, &notice, tell_aborted);
}

static enum status on_answered(void *user, uint64_t ask, bool fine, struct slice payload,
                               struct fault *fault) {
  struct runtime *rt = owner_of(user, ask, ask_is_of);
  return rt ? ask_answered(rt, ask, fine, payload, fault) : ST_OK;
}

static void on_unanswered(void *user, uint64_t ask, enum ask_result why) {
  struct runtime *rt = owner_of(user, ask, ask_is_of);
  if (rt) ask_unanswered(rt, ask, why);
}

static void on_drained(void *user, uint64_t process) {
  const struct generations *generations = user;
  for (int role = 0; role < ROLES; role++)
    if (generations->roles[role]) drain_happened(&generations->roles[role]->runtime, process);
}

/* ---- contents and frames ---- */

static bool app_listens(struct runtime *rt) {
  lua_State *L = rt->generation->L;
  const struct emitter *app;
  lua_rawgeti(L, LUA_REGISTRYINDEX, rt->app);
  app = lua_touserdata(L, -1);
  lua_pop(L, 1);
  return app && app->listeners;
}

/* One that is loaded meanwhile is told when it serves. */
static void on_contents_created(void *user, uint64_t contents) {
  const struct generations *generations = user;
  if (app_listens(serving(generations)))
    scripts_emit_app(generations->roles[SERVING], "web-contents-created", contents);
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
  struct runtime *rt = serving(user);
  struct notice notice = {.rt = rt, .contents = contents, .frame = frame};
  if (rt->scoped) generation_enter(rt->generation, "frame-created", frame_created, &notice);
}

static int navigated(lua_State *L) {
  const struct notice *notice = lua_touserdata(L, 1);
  navigation_emit(L, core_frame(notice->rt->core, notice->frame), notice->in_page);
  return 0;
}

static void on_navigated(void *user, uint64_t frame, bool in_page) {
  struct runtime *rt = serving(user);
  struct notice notice = {.rt = rt, .frame = frame, .in_page = in_page};
  if (rt->scoped) generation_enter(rt->generation, "did-navigate", navigated, &notice);
}

static int frame_destroyed(lua_State *L) {
  uint64_t frame = ((const struct notice *)lua_touserdata(L, 1))->frame;
  frame_bury(L, frame);
  drain_frame_gone(L, frame);
  return 0;
}

static void tell_frame_destroyed(struct runtime *rt, struct notice *notice) {
  if (rt->scoped || rt->draining)
    generation_enter(rt->generation, "frame-destroyed", frame_destroyed, notice);
}

static void on_frame_destroyed(void *user, uint64_t frame) {
  struct notice notice = {.frame = frame};
  tell_all(user, &notice, tell_frame_destroyed);
}

static int contents_destroyed(lua_State *L) {
  const struct notice *notice = lua_touserdata(L, 1);
  if (!contents_find(L, notice->contents)) return 0;
  contents_bury(L, notice->contents);
  if (notice->rt->retired) return 0; /* its listeners are no longer the application's */
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

static void tell_contents_destroyed(struct runtime *rt, struct notice *notice) {
  if (rt->scoped) generation_enter(rt->generation, "destroyed", contents_destroyed, notice);
}

static void on_contents_destroyed(void *user, uint64_t contents, const struct gone *gone) {
  struct notice notice = {.contents = contents, .gone = gone};
  tell_all(user, &notice, tell_contents_destroyed);
}

/* ---- ports ---- */

static bool on_port_message(void *user, uint64_t port, struct slice payload, const uint64_t *ids,
                            size_t count) {
  struct runtime *rt = owner_of(user, port, port_is_of);
  return rt && port_message(rt, port, payload, ids, count);
}

static void on_port_closed(void *user, uint64_t port) {
  struct runtime *rt = owner_of(user, port, port_is_of);
  if (rt) port_closed(rt, port);
}

static void on_port_drained(void *user, uint64_t port) {
  struct runtime *rt = owner_of(user, port, port_is_of);
  if (rt) port_has_drained(rt, port);
}

/* Timers that start each other anew keep the loop from all else; this is called once a turn. */
void border_port_turn(uv_idle_t *porter) {
  struct generations *generations = porter->data;
  struct core *core = generations->options.core;
  ports_deliver(core);
  if (!ports_ready(&core->ports)) uv_idle_stop(porter);
}

static void on_ports_ready(void *user) {
  struct generations *generations = user;
  if (!generations->closing) uv_idle_start(&generations->porter, border_port_turn);
}

const struct border generations_border = {.message = on_message,
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
