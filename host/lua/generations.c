/* generations: see generations.h. This file has their life, and how one takes another's place; border.c whom
 * the core tells what. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lua/generations_private.h"

#define EXIT_MS 500 /* what closing waits for requests that do not end */

/* ---- looks ---- */

struct generation *generations_serving(const struct generations *generations) {
  const struct scripts *serving = generations->roles[SERVING];
  return serving ? serving->runtime.generation : NULL;
}

bool generations_reloading(const struct generations *generations) {
  return generations->roles[LOADING] != NULL;
}

size_t generations_living(const struct generations *generations) {
  return generations->count;
}

size_t generations_remnants(const struct generations *generations) {
  size_t count = 0;
  for (const struct list *node = generations->all.next; node != &generations->all; node = node->next)
    if (LIST_ENTRY(node, const struct scripts, node)->remnant) count++;
  return count;
}

/* ---- a clock that somebody moves, a collector that somebody runs ---- */

uint64_t generations_due(const struct generations *generations) {
  const struct scripts *draining = generations->roles[DRAINING];
  return draining ? draining->cut_at : 0;
}

void generations_pass(struct generations *generations) {
  if (generations->roles[DRAINING]) scripts_pass(generations->roles[DRAINING]);
}

void generations_release(struct generations *generations) {
  for (int role = 0; role < ROLES; role++)
    if (generations->roles[role]) scripts_release(generations->roles[role]);
}

bool generations_published(const struct generations *generations) {
  const struct scripts *serving = generations->roles[SERVING];
  return serving && serving->runtime.ready;
}

bool generations_ending(const struct generations *generations) {
  return generations->closing;
}

/* ---- reports ---- */

static uint64_t elapsed_ms(const struct generations *generations) {
  return (clock_now(generations->options.clock) - generations->begun) / 1000000;
}

static void report(struct generations *generations, const struct reload_report *report) {
  static const int told[] = {SERVING, DRAINING};
  for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
    struct scripts *scripts = generations->roles[told[i]];
    if (scripts && !scripts->closing) hot_report(&scripts->runtime, report);
  }
}

/* False: what was loaded is out of date. */
static bool end_load(struct generations *generations, const struct scripts *scripts, bool fine) {
  const struct generations_options *options = &generations->options;
  if (!options->load_ended || !scripts || !scripts->runtime.generation) return true;
  return options->load_ended(options->user, scripts->runtime.generation, fine);
}

static void give_up_loading(struct generations *generations) {
  struct scripts *loading = generations->roles[LOADING];
  uv_timer_stop(&generations->limit);
  generations->roles[LOADING] = NULL;
  if (loading) scripts_close(loading);
}

/* What only one can have the scripts that serve have. */
static const char *advice_on(const char *why) {
  return strstr(why, "EADDRINUSE") ? " (the scripts that serve may have it: open it in app.on(\"ready\"))"
                                   : "";
}

static void fail(struct generations *generations, const char *why) {
  char text[512];
  struct reload_report failure = {.load = generations->loads, .error = text, .ms = elapsed_ms(generations)};
  struct scripts *loading = generations->roles[LOADING];
  snprintf(text, sizeof text, "%s%s", why, advice_on(why));
  if (loading) failure.files = loading->runtime.generation;
  log_line(generations->options.log, LOG_ERROR, "host", "reload failed, generation %llu goes on: %s",
           (unsigned long long)generations->number, text);
  generations->roles[LOADING] = NULL;
  report(generations, &failure);
  end_load(generations, loading, false);
  generations->roles[LOADING] = loading;
  give_up_loading(generations);
}

/* ---- one takes another's place ---- */

static void hand_over_state(struct scripts *from, struct scripts *to) {
  struct buf state = {0};
  hot_leave(&from->runtime, &state);
  if (state.len) hot_take_over(&to->runtime, buf_slice(&state));
  buf_deinit(&state);
}

/* All in one turn of the loop: no message comes between. */
static void take_over(struct generations *generations) {
  struct scripts *old = generations->roles[SERVING], *new = generations->roles[LOADING];
  struct generation_retired retired;
  struct reload_report success = {
      .load = generations->loads, .fine = true, .retired = &retired, .files = new->runtime.generation};
  uint64_t before = generations->number;
  if (generations->roles[DRAINING]) scripts_close(generations->roles[DRAINING]);
  hand_over_state(old, new);
  generations->roles[LOADING] = NULL;
  generations->roles[SERVING] = new;
  generations->roles[DRAINING] = old;
  success.leftovers = scripts_retire(old, &retired);
  generations->number = new->runtime.number;
  scripts_publish(new, true);
  generations->options.child_ops->retire(generations->options.child_user, before);
  success.ms = elapsed_ms(generations);
  log_line(generations->options.log, LOG_INFO, "host", "reload: generation %llu serves after %llu ms",
           (unsigned long long)generations->number, (unsigned long long)success.ms);
  report(generations, &success);
}

/* A file that was read while it was being saved may be half of what it is to be, and others of another make:
 * that does not serve, and waits to be loaded anew. */
static void commit(struct generations *generations) {
  uv_timer_stop(&generations->limit);
  if (end_load(generations, generations->roles[LOADING], true)) take_over(generations);
}

/* ---- loading ---- */

static void on_turn(uv_timer_t *timer);

/* Scripts may reload for ever, and timers of no time would keep the loop in one turn. Where somebody else
 * turns the loop, nobody waits for a time to pass. */
static void plan(struct generations *generations, enum step step) {
  bool rests = step == STEP_BEGIN && !generations->options.kept;
  generations->step = step;
  uv_timer_start(&generations->turn, on_turn, rests ? 1 : 0, 0);
}

/* From within Lua: what follows waits until that is left. */
static void on_loaded(struct scripts *scripts, enum status status, const struct fault *fault) {
  struct generations *generations = scripts->owner;
  if (scripts != generations->roles[LOADING] || generations->step == STEP_BEGIN) return;
  generations->fault = *fault;
  plan(generations, status == ST_OK ? STEP_LOADED : STEP_FAILED);
}

/* What the next turn does may be decided already: the timers of a busy loop run late, and all at once. It
 * ends the limit. */
static void on_limit(uv_timer_t *timer) {
  struct generations *generations = timer->data;
  struct generation *generation = generations->roles[LOADING]->runtime.generation;
  char position[128], text[256];
  if (generations->step != STEP_NONE) {
    uv_timer_start(timer, on_limit, 1, 0);
    return;
  }
  generation_position(generation, position, sizeof position);
  snprintf(text, sizeof text, "%s%sthe scripts had not loaded after limits.load (%llu ms)", position,
           position[0] ? ": " : "", (unsigned long long)generations->options.limits->load);
  fail(generations, text);
}

static void begin(struct generations *generations) {
  enum status status;
  struct fault fault;
  give_up_loading(generations);
  generations->loads++;
  generations->begun = clock_now(generations->options.clock);
  if (generations->options.load_began) generations->options.load_began(generations->options.user);
  status = scripts_open(&generations->roles[LOADING], generations, &generations->options,
                        generations->number + 1, true, &fault);
  if (generations->roles[LOADING]) {
    list_push(&generations->all, &generations->roles[LOADING]->node);
    generations->count++;
  }
  if (status != ST_OK) {
    fail(generations, fault.text);
    return;
  }
  if (!generations->options.kept)
    uv_timer_start(&generations->limit, on_limit, generations->options.limits->load, 0);
  plan(generations, STEP_LOAD); /* messages go between */
}

static void on_turn(uv_timer_t *timer) {
  struct generations *generations = timer->data;
  enum step step = generations->step;
  generations->step = STEP_NONE;
  if (step == STEP_BEGIN)
    begin(generations);
  else if (step == STEP_LOAD)
    scripts_load(generations->roles[LOADING], on_loaded);
  else if (step == STEP_LOADED)
    commit(generations);
  else if (step == STEP_FAILED)
    fail(generations, generations->fault.text);
}

static void refuse(struct generations *generations, const char *text) {
  generations->loads++;
  fault_set(&generations->fault, ST_DENIED, 0, NULL, "%s", text);
  generations->begun = clock_now(generations->options.clock);
  plan(generations, STEP_FAILED);
}

uint64_t generations_reload(struct generations *generations) {
  uint64_t load = generations->loads + 1;
  if (generations->closing || !generations->roles[SERVING]) return load;
  if (generations->declined) {
    log_line(generations->options.log, LOG_WARN, "host",
             "the scripts have changed, and have declined to be reloaded: restart to load them anew");
    refuse(generations, "the scripts have called hot.decline()");
  } else {
    plan(generations, STEP_BEGIN);
  }
  return load;
}

void generations_decline(struct generations *generations) {
  generations->declined = true;
}

/* ---- the first ---- */

static void on_first_limit(uv_timer_t *timer);

static void on_first_loaded(struct scripts *scripts, enum status status, const struct fault *fault) {
  struct generations *generations = scripts->owner;
  (void)fault;
  uv_timer_stop(&generations->limit);
  if (status == ST_OK) scripts_publish(scripts, false);
  if (status == ST_OK) end_load(generations, scripts, true);
  generations->loaded(generations->options.user, status);
}

static void on_first_limit(uv_timer_t *timer) {
  struct generations *generations = timer->data;
  char position[128];
  generation_position(generations->roles[SERVING]->runtime.generation, position, sizeof position);
  log_line(generations->options.log, LOG_ERROR, "host",
           "%s%sthe scripts had not loaded after limits.load (%llu ms)", position, position[0] ? ": " : "",
           (unsigned long long)generations->options.limits->load);
  generations->loaded(generations->options.user, ST_LIMIT);
}

static void open_timers(struct generations *generations, uv_loop_t *loop) {
  uv_timer_t *const timers[] = {&generations->turn, &generations->limit};
  uv_idle_init(loop, &generations->porter);
  uv_unref((uv_handle_t *)&generations->porter);
  generations->porter.data = generations;
  for (size_t i = 0; i < sizeof timers / sizeof timers[0]; i++) {
    uv_timer_init(loop, timers[i]);
    uv_unref((uv_handle_t *)timers[i]);
    timers[i]->data = generations;
  }
}

enum status generations_open(struct generations **out, const struct generations_options *options,
                             struct fault *fault) {
  struct generations *generations = calloc(1, sizeof *generations);
  enum status status;
  if (!generations) return fault_set(fault, ST_NOMEM, 0, NULL, "out of memory");
  generations->options = *options;
  generations->number = 1;
  list_init(&generations->all);
  list_init(&generations->kept);
  open_timers(generations, options->loop);
  *out = generations;
  status = scripts_open(&generations->roles[SERVING], generations, options, 1, false, fault);
  if (generations->roles[SERVING]) {
    list_push(&generations->all, &generations->roles[SERVING]->node);
    generations->count++;
  }
  if (status != ST_OK) return status;
  options->core->border = &generations_border;
  options->core->border_user = generations;
  return ST_OK;
}

void generations_load(struct generations *generations, void (*done)(void *user, enum status status)) {
  generations->loaded = done;
  if (!generations->options.kept)
    uv_timer_start(&generations->limit, on_first_limit, generations->options.limits->load, 0);
  scripts_load(generations->roles[SERVING], on_first_loaded);
}

/* ---- what others tell ---- */

static struct runtime *child_owner(const struct generations *generations, uint64_t child) {
  for (int role = 0; role < ROLES; role++) {
    struct scripts *scripts = generations->roles[role];
    if (scripts && child_is_of(&scripts->runtime, child)) return &scripts->runtime;
  }
  return NULL;
}

bool generations_child_output(struct generations *generations, uint64_t child, bool error,
                              struct slice bytes) {
  struct runtime *rt = child_owner(generations, child);
  return rt && child_output(rt, child, error, bytes);
}

void generations_child_ended(struct generations *generations, uint64_t child, int code, int signal) {
  struct runtime *rt = child_owner(generations, child);
  if (rt) child_ended(rt, child, code, signal);
}

void generations_before_quit(struct generations *generations) {
  scripts_emit_app(generations->roles[SERVING], "before-quit", 0);
}

/* ---- the end ---- */

static void free_if_over(struct generations *generations) {
  void (*closed)(void *, bool) = generations->closed;
  void *user = generations->options.user;
  if (generations->handles || !list_empty(&generations->all)) return;
  if (!generations->options.kept) free(generations);
  if (closed) closed(user, false);
}

static void on_handle_closed(uv_handle_t *handle) {
  struct generations *generations = handle->data;
  generations->handles--;
  free_if_over(generations);
}

static void close_handle(struct generations *generations, void *handle) {
  generations->handles++;
  uv_close(handle, on_handle_closed);
}

void generations_closing(struct generations *generations, struct scripts *scripts) {
  for (int role = 0; role < ROLES; role++)
    if (generations->roles[role] == scripts) generations->roles[role] = NULL;
}

void generations_closed(struct generations *generations, struct scripts *scripts) {
  list_remove(&scripts->node);
  generations->count--;
  if (generations->options.kept)
    list_push(&generations->kept, &scripts->node);
  else
    scripts_free(scripts);
  if (!generations->closing || !list_empty(&generations->all)) return;
  close_handle(generations, &generations->limit);
}

/* Where closing a Lua state took all that time, nothing is left but what the next turns do. What is left else
 * keeps its memory, and the process ends without it. */
static void on_exit_limit(uv_timer_t *timer) {
  struct generations *generations = timer->data;
  size_t left = 0;
  for (struct list *node = generations->all.next; node != &generations->all; node = node->next)
    if (scripts_abandon(LIST_ENTRY(node, struct scripts, node))) left++;
  uv_unref((uv_handle_t *)timer);
  if (!left) return;
  log_line(generations->options.log, LOG_WARN, "host",
           "%zu generation(s) of the scripts do not end: left behind", left);
  generations->closed(generations->options.user, true);
  generations->closed = NULL;
}

void generations_close(struct generations *generations, void (*closed)(void *user, bool remnants)) {
  struct list *node = generations->all.next, *next;
  generations->closed = closed;
  generations->closing = true;
  generations->options.core->border = NULL;
  close_handle(generations, &generations->turn);
  close_handle(generations, &generations->porter);
  if (list_empty(&generations->all)) {
    close_handle(generations, &generations->limit);
    return;
  }
  uv_timer_start(&generations->limit, on_exit_limit, EXIT_MS, 0);
  uv_ref((uv_handle_t *)&generations->limit);
  for (; node != &generations->all; node = next) {
    next = node->next;
    scripts_close(LIST_ENTRY(node, struct scripts, node));
  }
}

void generations_free(struct generations *generations) {
  while (!list_empty(&generations->kept)) {
    struct scripts *scripts = LIST_ENTRY(generations->kept.next, struct scripts, node);
    list_remove(&scripts->node);
    scripts_free(scripts);
  }
  free(generations);
}
