/* host: see host.h. */
#include "host.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "children.h"
#include "client.h"
#include "connection.h"
#include "core_module.h"
#include "lua/generations.h"
#include "transport/http.h"
#include "transport/server.h"
#include "watch.h"
#include "wire/cbor.h"

#define SWEEP_MS 1000
#define ACK_MS 100 /* half of what a client may wait for it */
#define DRAIN_POLL_MS 5

enum phase { LOADING, SERVING, DRAINING, CLOSING };

struct host {
  const struct config *config;
  struct log *log;
  uv_loop_t loop;
  struct clock clock;
  struct core core;
  struct security security;
  struct connections connections;
  struct transport_env env;
  struct http_options http;
  struct generations *scripts;
  struct children *children;
  struct watch *watch;     /* NULL: nothing is watched */
  struct server **servers; /* in listen order; NULL once closed */
  size_t server_count;
  uv_signal_t term, interrupt, hangup;
  uv_timer_t sweep, drain, alarm, ack;
  char run_dir[4096];
  char child_address[512]; /* what processes that are started connect to; empty: there is nothing */
  uint64_t drain_until;    /* ns */
  enum phase phase;
  int exit_code;
  bool quits;    /* as soon as it serves */
  bool remnants; /* threads are left that do not end */
};

/* ---- shutdown: close servers, answer what is in flight, say bye, end the scripts ---- */

static void on_scripts_closed(void *user, bool remnants) {
  struct host *host = user;
  host->remnants = remnants;
  host->scripts = NULL;
  transport_env_close(&host->env);
}

static void close_handles(struct host *host) {
  uv_close((uv_handle_t *)&host->term, NULL);
  uv_close((uv_handle_t *)&host->interrupt, NULL);
  uv_close((uv_handle_t *)&host->hangup, NULL);
  uv_close((uv_handle_t *)&host->sweep, NULL);
  uv_close((uv_handle_t *)&host->drain, NULL);
  uv_close((uv_handle_t *)&host->alarm, NULL);
  uv_close((uv_handle_t *)&host->ack, NULL);
}

static void close_servers(struct host *host) {
  for (size_t i = 0; i < host->server_count; i++)
    if (host->servers[i]) server_close(host->servers[i]);
}

/* The last part: nothing is in flight any more, or it took too long. */
static void finish(struct host *host) {
  if (host->phase == CLOSING) return;
  host->phase = CLOSING;
  connections_close(&host->connections, 1001, "the host is closing");
  if (host->children) children_close(host->children);
  close_servers(host);
  close_handles(host);
  if (host->watch) watch_close(host->watch);
  host->watch = NULL;
  if (host->scripts)
    generations_close(host->scripts, on_scripts_closed);
  else
    transport_env_close(&host->env);
}

static bool calls_pending(const struct host *host) {
  size_t cursor = 0;
  const struct session *session;
  while ((session = map_next(&host->core.sessions.by_process, &cursor)))
    if (session->call_count) return true;
  return false;
}

static void on_drain(uv_timer_t *timer) {
  struct host *host = timer->data;
  bool pending = calls_pending(host), unread = connections_unread(&host->connections);
  if ((pending || unread) && clock_now(&host->clock) < host->drain_until) return;
  if (pending) log_line(host->log, LOG_WARN, "host", "limits.drain exceeded: calls are left unanswered");
  if (unread)
    log_line(host->log, LOG_WARN, "host", "limits.drain exceeded: not all was read that clients were sent");
  finish(host);
}

static void stop(struct host *host) {
  if (host->phase == LOADING) {
    finish(host);
    return;
  }
  if (host->phase != SERVING) return;
  host->phase = DRAINING;
  host->core.closing = true;
  close_servers(host);
  generations_before_quit(host->scripts);
  host->drain_until = clock_now(&host->clock) + host->config->limits.drain * 1000000;
  uv_timer_start(&host->drain, on_drain, 0, DRAIN_POLL_MS);
}

/* In the first `ready` the scripts serve already, and the host does in a moment: it ends as from then on. */
static void on_quit(void *user) {
  struct host *host = user;
  if (host->phase == LOADING && generations_published(host->scripts))
    host->quits = true;
  else
    stop(host);
}

static void on_signal(uv_signal_t *handle, int signum) {
  struct host *host = handle->data;
  if (signum == SIGHUP) {
    log_line(host->log, LOG_INFO, "host", "SIGHUP: loading the scripts anew");
    if (host->phase == SERVING) generations_reload(host->scripts);
    return;
  }
  if (host->phase == DRAINING || host->phase == CLOSING) _exit(128 + signum); /* the second: at once */
  log_line(host->log, LOG_INFO, "host", "%s: closing", signum == SIGTERM ? "SIGTERM" : "SIGINT");
  stop(host);
}

/* ---- start ---- */

static void on_sweep(uv_timer_t *timer) {
  struct host *host = timer->data;
  connections_sweep(&host->connections);
  core_sweep(&host->core);
}

static void on_alarm(uv_timer_t *timer) {
  core_wake(&((struct host *)timer->data)->core);
}

/* The core has something to do at that time. */
static void on_wake(void *user, uint64_t due) {
  struct host *host = user;
  uint64_t now = clock_now(&host->clock), wait = due > now ? (due - now + 999999) / 1000000 : 0;
  if (host->phase == CLOSING) return;
  uv_update_time(&host->loop);
  uv_timer_start(&host->alarm, on_alarm, wait, 0);
}

static void on_ack(uv_timer_t *timer) {
  sessions_ack(&((struct host *)timer->data)->core.sessions);
}

static void ack_later(void *user) {
  struct host *host = user;
  if (host->phase != CLOSING) uv_timer_start(&host->ack, on_ack, ACK_MS, 0);
}

static void on_accepted(void *user, struct transport *transport) {
  connection_open(&((struct host *)user)->connections, transport);
}

/* When standard input ends, and nothing else is served, the host has nothing more to do. */
static void on_server_closed(void *user, struct server *server) {
  struct host *host = user;
  bool serves = false;
  for (size_t i = 0; i < host->server_count; i++) {
    if (host->servers[i] == server) host->servers[i] = NULL;
    if (host->servers[i]) serves = true;
  }
  if (serves || host->phase != SERVING) return;
  log_line(host->log, LOG_INFO, "host", "stdio: has ended: closing");
  stop(host);
}

static const struct server_events server_events = {on_accepted, on_server_closed};

/* Standard output: one line alone, the addresses in `listen` order. With stdio: that is standard error by
 * now. */
static void print_ready(const struct host *host) {
  fputs("ipchost ready", stdout);
  for (size_t i = 0; i < host->server_count; i++)
    if (host->servers[i]) printf(" %s", server_address(host->servers[i]));
  putchar('\n');
  fflush(stdout);
}

static void on_loaded(void *user, enum status status) {
  struct host *host = user;
  if (host->phase != LOADING) return;
  if (status != ST_OK) {
    host->exit_code = 1;
    finish(host);
    return;
  }
  host->phase = SERVING;
  connections_release(&host->connections);
  print_ready(host);
  if (host->quits) stop(host);
}

static enum status on_admit(void *user, const struct peer *peer, struct slice token, struct fault *fault) {
  return security_admit(&((struct host *)user)->security, peer, token, fault);
}

static void on_prove(void *user, struct slice url, char proof[HTTP_PROOF_SIZE]) {
  if (core_prove(&((struct host *)user)->core, url, proof) != ST_OK) *proof = '\0';
}

static void set_http(struct host *host) {
  const struct config *config = host->config;
  host->http = (struct http_options){.public = config->public,
                                     .hosts = (const char *const *)config->hosts,
                                     .origins = (const char *const *)config->origins,
                                     .assets = client_files,
                                     .admit = on_admit,
                                     .prove = on_prove,
                                     .user = host};
  host->env.http = &host->http;
}

static enum status open_servers(struct host *host) {
  struct fault fault;
  host->servers = calloc(host->config->listen_count + 1, sizeof *host->servers);
  if (!host->servers) return ST_NOMEM;
  for (size_t i = 0; i < host->config->listen_count; i++) {
    enum status status =
        server_open(&host->servers[i], &host->env, &host->config->listen[i], &server_events, host, &fault);
    if (status != ST_OK) {
      log_line(host->log, LOG_ERROR, "host", "listen[%zu]: %s", i + 1, fault.text);
      return status;
    }
    host->server_count = i + 1;
  }
  return ST_OK;
}

/* ---- watching ---- */

static void on_changed(void *user) {
  struct host *host = user;
  if (host->phase == SERVING) generations_reload(host->scripts);
}

/* ipchost:public-changed {path} */
static void on_public_changed(void *user, const char *path) {
  struct host *host = user;
  struct buf list = {0};
  struct payload *payload;
  if (cbor_put_head(&list, CBOR_ARRAY, 1) == ST_OK && cbor_put_head(&list, CBOR_MAP, 1) == ST_OK &&
      cbor_put_text(&list, "path") == ST_OK && cbor_put_text(&list, path) == ST_OK &&
      (payload = payload_new(buf_slice(&list)))) {
    core_broadcast(&host->core, 0, slice_str("ipchost:public-changed"), payload);
    payload_unref(payload);
  }
  buf_deinit(&list);
}

static void on_load_began(void *user) {
  struct host *host = user;
  if (host->watch) watch_begin(host->watch);
}

static bool on_load_ended(void *user, const struct generation *generation, bool fine) {
  struct host *host = user;
  size_t count = generation_file_count(generation);
  if (!host->watch) return true;
  for (size_t i = 0; i < count; i++) {
    const char *path;
    uint64_t hash;
    bool exists = generation_file(generation, i, &path, &hash);
    watch_add(host->watch, path, hash, exists);
  }
  return watch_end(host->watch, fine);
}

static enum status open_watch(struct host *host) {
  const struct config *config = host->config;
  struct watch_options options = {.loop = &host->loop,
                                  .log = host->log,
                                  .base = config->base,
                                  .config = config->file,
                                  .public = config->dev ? config->public : NULL,
                                  .changed = on_changed,
                                  .public_changed = on_public_changed,
                                  .user = host};
  return config->watch ? watch_open(&host->watch, &options) : ST_OK;
}

/* ---- children ---- */

static bool on_child_output(void *user, uint64_t child, bool error, struct slice bytes) {
  struct host *host = user;
  return host->scripts && generations_child_output(host->scripts, child, error, bytes);
}

static void on_child_ended(void *user, uint64_t child, int code, int signal) {
  struct host *host = user;
  if (host->scripts) generations_child_ended(host->scripts, child, code, signal);
}

/* Where processes of this machine connect: a unix socket rather than TCP, TCP rather than HTTP. */
static void set_child_address(struct host *host) {
  static const enum address_scheme order[] = {ADDRESS_UNIX, ADDRESS_TCP, ADDRESS_HTTP};
  for (size_t i = 0; i < sizeof order / sizeof *order; i++)
    for (size_t j = 0; j < host->server_count && !host->child_address[0]; j++)
      if (host->config->listen[j].scheme == order[i]) {
        const char *address = server_address(host->servers[j]);
        bool web = order[i] == ADDRESS_HTTP;
        snprintf(host->child_address, sizeof host->child_address, "%s%s", web ? "ws" : "",
                 web ? address + strlen("http") : address);
      }
}

static enum status open_children(struct host *host) {
  struct children_options options = {.env = &host->env,
                                     .accepted = on_accepted,
                                     .output = on_child_output,
                                     .ended = on_child_ended,
                                     .user = host};
  enum status status;
  set_child_address(host);
  if (host->child_address[0]) options.address = host->child_address;
  status = children_open(&host->children, &options);
  host->connections.children = host->children;
  return status;
}

static enum status open_scripts(struct host *host) {
  static const luaL_Reg modules[] = {{"ipchost.core", core_module_open}, {NULL, NULL}};
  const struct config *config = host->config;
  struct generations_options options = {.kind = &generation_own,
                                        .loop = &host->loop,
                                        .core = &host->core,
                                        .log = host->log,
                                        .limits = &config->limits,
                                        .clock = &host->clock,
                                        .base = config->base,
                                        .entries = (const char *const *)config->scripts,
                                        .settings = slice_of(config->settings.data, config->settings.len),
                                        .modules = modules,
                                        .dev = config->dev,
                                        .generational = config->generational,
                                        .child_ops = &children_ops,
                                        .child_user = host->children,
                                        .quit = on_quit,
                                        .load_began = on_load_began,
                                        .load_ended = on_load_ended,
                                        .user = host};
  struct fault fault;
  enum status status = generations_open(&host->scripts, &options, &fault);
  if (status != ST_OK) log_line(host->log, LOG_ERROR, "host", "%s", fault.text);
  return status;
}

static void open_handles(struct host *host) {
  uv_signal_t *const signals[] = {&host->term, &host->interrupt, &host->hangup};
  static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
  for (int i = 0; i < 3; i++) {
    uv_signal_init(&host->loop, signals[i]);
    signals[i]->data = host;
    uv_signal_start(signals[i], on_signal, numbers[i]);
  }
  uv_timer_init(&host->loop, &host->sweep);
  uv_timer_init(&host->loop, &host->drain);
  uv_timer_init(&host->loop, &host->alarm);
  uv_timer_init(&host->loop, &host->ack);
  host->sweep.data = host->drain.data = host->alarm.data = host->ack.data = host;
  uv_timer_start(&host->sweep, on_sweep, SWEEP_MS, SWEEP_MS);
}

static enum status start(struct host *host) {
  const struct config *config = host->config;
  enum status status;
  host->clock = clock_system();
  snprintf(host->run_dir, sizeof host->run_dir, "%s/run", config->base);
  if ((status = core_init(&host->core, &config->limits, &host->clock, host->log)) != ST_OK) return status;
  host->core.wake = on_wake;
  host->core.wake_user = host;
  host->core.sessions.ack_later = ack_later;
  host->core.sessions.ack_user = host;
  security_init(&host->security, config->uids, config->uid_count, config->token, host->run_dir, host->log);
  connections_init(&host->connections, &host->core, &host->security, &config->limits, host->log);
  open_handles(host);
  set_http(host);
  if ((status = open_servers(host)) != ST_OK || (status = open_children(host)) != ST_OK) return status;
  if ((status = open_watch(host)) != ST_OK) return status;
  return open_scripts(host);
}

int host_run(const struct config *config, struct log *log, bool *remnants) {
  struct host *host = calloc(1, sizeof *host);
  int exit_code = 1;
  if (!host) return 1;
  host->config = config;
  host->log = log;
  signal(SIGPIPE, SIG_IGN);
  if (uv_loop_init(&host->loop) != 0) goto out;
  if (transport_env_open(&host->env, &host->loop, log, &config->limits) != ST_OK) goto out;
  if (start(host) == ST_OK) {
    generations_load(host->scripts, on_loaded);
  } else {
    host->exit_code = 1;
    finish(host);
  }
  uv_run(&host->loop, UV_RUN_DEFAULT);
  exit_code = host->exit_code;
  *remnants = host->remnants;
  core_deinit(&host->core);
  uv_loop_close(&host->loop);
out:
  free(host->servers);
  free(host);
  return exit_code;
}
