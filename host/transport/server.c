/* server: see server.h. */
#include "transport/server.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "transport/http_server.h"
#include "transport/implementation.h"
#include "transport/listen.h"
#include "transport/peer.h"
#include "transport/stdio.h"
#include "transport/stream.h"

#define ACCEPTS_A_TURN 64 /* the others of the loop have a right to run */
#define STARVED_MS 1000

struct server {
  struct transport_env *env;
  struct server_events events;
  void *user;
  uv_poll_t poll;
  uv_timer_t retry;
  unsigned handles; /* open: when the last is closed, the server is freed */
  int fd, spare, diag;
  struct list starved; /* node; in env->starved while no descriptor is free */
  uint64_t refused_at; /* loop time, ms, of the last connection refused so; 0: none */
  bool complained;     /* about that */
  bool closing;
  struct address address;
  struct socket_file file;
  struct http_server http; /* of an http address */
  char name[sizeof((struct address *)0)->path * 3 + sizeof "unix:"];
};

static void on_connection(uv_poll_t *poll, int status, int events);

/* ---- no descriptor is free ---- */

static int open_spare(void) {
  return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void resume(struct server *server) {
  list_remove(&server->starved);
  uv_timer_stop(&server->retry);
  uv_poll_start(&server->poll, UV_READABLE, on_connection);
}

static void on_retry(uv_timer_t *timer) {
  resume(timer->data);
}

void servers_resume(struct transport_env *env) {
  while (!list_empty(&env->starved)) resume(LIST_ENTRY(env->starved.next, struct server, starved));
}

/* Tells one peer by a close, which the spare descriptor makes possible; the others wait in the queue of the
 * kernel. */
static void refuse_one(struct server *server) {
  uint64_t now = uv_now(server->env->loop);
  int fd;
  if (server->refused_at && now - server->refused_at < STARVED_MS) return;
  server->refused_at = now;
  if (server->spare >= 0) close(server->spare);
  fd = accept4(server->fd, NULL, NULL, SOCK_CLOEXEC);
  if (fd >= 0) close(fd);
  server->spare = open_spare();
}

static void starve(struct server *server, int error) {
  if (!server->complained)
    log_line(
        server->env->log, LOG_WARN, "transport",
        "%s: cannot accept: %s; connections wait until one closes (raise the limit of open files: ulimit -n)",
        server->address.text, strerror(error));
  server->complained = true;
  if (error == EMFILE || error == ENFILE) refuse_one(server);
  uv_poll_stop(&server->poll);
  uv_timer_start(&server->retry, on_retry, STARVED_MS, 0);
  list_push(&server->env->starved, &server->starved);
}

/* ---- accepting ---- */

static void open_stream(struct server *server, int fd, const struct peer *peer) {
  struct transport *transport;
  if (stream_open(&transport, server->env, fd, peer) != ST_OK)
    close(fd);
  else
    server->events.accepted(server->user, transport);
}

static void open_link(struct server *server, int fd, const union inet_address *remote) {
  char text[PEER_ADDRESS_MAX];
  struct peer peer;
  int on = 1;
  if (server->address.scheme == ADDRESS_UNIX) {
    peer_of_unix(fd, &peer);
  } else {
    peer_of_tcp(server->diag, fd, remote, &peer, text);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  if (server->address.scheme == ADDRESS_HTTP)
    http_server_take(&server->http, fd, &peer);
  else
    open_stream(server, fd, &peer);
}

/* Errors of the one connection, which is gone already; accept(2) says to go on. */
static bool is_passing(int error) {
  static const int passing[] = {ECONNABORTED, EINTR,  EPROTO,       ENETDOWN,   ENOPROTOOPT,
                                EHOSTDOWN,    ENONET, EHOSTUNREACH, EOPNOTSUPP, ENETUNREACH};
  for (size_t i = 0; i < sizeof passing / sizeof *passing; i++)
    if (error == passing[i]) return true;
  return false;
}

static void on_connection(uv_poll_t *poll, int status, int events) {
  struct server *server = poll->data;
  (void)status;
  (void)events;
  for (int i = 0; i < ACCEPTS_A_TURN && !server->closing; i++) {
    union inet_address remote = {0};
    socklen_t len = sizeof remote;
    int fd = accept4(server->fd, &remote.any, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      open_link(server, fd, &remote);
    } else if (errno == EAGAIN) {
      server->complained = false;
      return;
    } else if (!is_passing(errno)) {
      starve(server, errno);
      return;
    }
  }
}

/* ---- the name ---- */

static void name_unix(struct server *server) {
  static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";
  char *out = server->name + sprintf(server->name, "unix:");
  for (const char *c = server->address.path; *c; c++)
    out += sprintf(out, strchr(plain, *c) ? "%c" : "%%%02X", (unsigned char)*c);
}

/* With the address that was bound, for a name may have several; the % of a zone is the only byte to encode.
 */
static void name_inet(struct server *server, const union inet_address *bound) {
  const char *scheme = server->address.scheme == ADDRESS_HTTP ? "http" : "tcp";
  char text[PEER_ADDRESS_MAX], *zone;
  inet_text(bound, text);
  if ((zone = strchr(text, '%'))) *zone++ = '\0';
  snprintf(server->name, sizeof server->name, zone ? "%s://%s%%25%s" : "%s://%s", scheme, text, zone);
}

const char *server_address(const struct server *server) {
  return server->name;
}

/* ---- opening and closing ---- */

static enum status bind_address(struct server *server, struct fault *fault) {
  if (server->address.scheme == ADDRESS_UNIX)
    return listen_unix(&server->address, &server->fd, &server->file, fault);
  return listen_tcp(&server->address, &server->fd, fault);
}

/* What is there of the descriptors and the socket file. */
static void release(struct server *server) {
  if (server->address.scheme == ADDRESS_UNIX) socket_file_unlink(server->address.path, &server->file);
  close(server->fd);
  if (server->spare >= 0) close(server->spare);
  if (server->diag >= 0) close(server->diag);
}

static enum status start(struct server *server, struct fault *fault) {
  int error = uv_poll_init(server->env->loop, &server->poll, server->fd);
  if (error) return fault_set(fault, ST_IO, 0, NULL, "%s: %s", server->address.text, uv_strerror(error));
  uv_timer_init(server->env->loop, &server->retry);
  server->poll.data = server->retry.data = server;
  server->handles = 2;
  server->spare = open_spare();
  if (server->address.scheme != ADDRESS_UNIX) server->diag = peer_diag_open();
  uv_poll_start(&server->poll, UV_READABLE, on_connection);
  return ST_OK;
}

/* The one link of stdio: is gone, and no other can come. */
static void on_stdio_ended(void *user) {
  struct server *server = user;
  server->events.closed(server->user, server);
  free(server);
}

static enum status open_stdio(struct server *server, struct fault *fault) {
  struct transport *transport;
  enum status status = stdio_open(&transport, server->env, on_stdio_ended, server, fault);
  memcpy(server->name, "stdio:", sizeof "stdio:");
  if (status == ST_OK) server->events.accepted(server->user, transport);
  return status;
}

static void forget_handle(struct server *server) {
  if (--server->handles) return;
  server->events.closed(server->user, server);
  free(server);
}

static void on_http_closed(void *user) {
  forget_handle(user);
}

static void open_http(struct server *server, int port) {
  server->http = (struct http_server){.env = server->env,
                                      .options = server->env->http,
                                      .port = port,
                                      .accepted = server->events.accepted,
                                      .accepted_user = server->user,
                                      .closed = on_http_closed,
                                      .closed_user = server};
  http_server_open(&server->http);
  server->handles++;
}

static void open_inet(struct server *server) {
  union inet_address bound = {0};
  socklen_t len = sizeof bound;
  getsockname(server->fd, &bound.any, &len);
  name_inet(server, &bound);
  /* the port stands at one place in both families */
  if (server->address.scheme == ADDRESS_HTTP) open_http(server, ntohs(bound.v4.sin_port));
}

static enum status open_listening(struct server *server, struct fault *fault) {
  enum status status = bind_address(server, fault);
  if (status != ST_OK) return status;
  if ((status = start(server, fault)) != ST_OK) {
    release(server);
    return status;
  }
  if (server->address.scheme == ADDRESS_UNIX)
    name_unix(server);
  else
    open_inet(server);
  return ST_OK;
}

enum status server_open(struct server **out, struct transport_env *env, const struct address *address,
                        const struct server_events *events, void *user, struct fault *fault) {
  struct server *server = calloc(1, sizeof *server);
  enum status status;
  if (!server) return fault_set(fault, ST_NOMEM, 0, NULL, "out of memory");
  *server = (struct server){
      .env = env, .events = *events, .user = user, .spare = -1, .diag = -1, .address = *address};
  list_init(&server->starved);
  status = address->scheme == ADDRESS_STDIO ? open_stdio(server, fault) : open_listening(server, fault);
  if (status == ST_OK)
    *out = server;
  else
    free(server);
  return status;
}

static void on_handle_closed(uv_handle_t *handle) {
  forget_handle(handle->data);
}

void server_close(struct server *server) {
  if (server->closing || server->address.scheme == ADDRESS_STDIO) return;
  server->closing = true;
  list_remove(&server->starved);
  uv_close((uv_handle_t *)&server->poll, on_handle_closed);
  uv_close((uv_handle_t *)&server->retry, on_handle_closed);
  if (server->address.scheme == ADDRESS_HTTP) http_server_close(&server->http);
  release(server);
}
