/* http_server: see http_server.h. */
#include "transport/http_server.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "transport/http_connection.h"

#define CLOCK_MS 500

static void on_clock(uv_timer_t *timer) {
  struct http_server *server = timer->data;
  uint64_t now = uv_now(server->env->loop);
  struct list *next;
  for (struct list *node = server->connections.next; node != &server->connections; node = next) {
    next = node->next;
    http_connection_check(http_connection_of(node), now);
  }
}

static void finish(struct http_server *server) {
  if (server->clock_closed && !server->count) server->closed(server->closed_user);
}

static void on_clock_closed(uv_handle_t *handle) {
  struct http_server *server = handle->data;
  server->clock_closed = true;
  finish(server);
}

void http_server_open(struct http_server *server) {
  list_init(&server->connections);
  uv_timer_init(server->env->loop, &server->clock);
  server->clock.data = server;
}

/* The clock runs only while there is something to watch. */
static void update_clock(struct http_server *server) {
  const struct limits *limits = server->env->limits;
  uint64_t ms = (limits->idle && limits->idle < limits->handshake ? limits->idle : limits->handshake) / 4;
  if (!server->count)
    uv_timer_stop(&server->clock);
  else if (!uv_is_active((uv_handle_t *)&server->clock))
    uv_timer_start(&server->clock, on_clock, ms, ms < CLOCK_MS ? ms + 1 : CLOCK_MS);
}

static void refuse(const struct http_server *server, int fd) {
  char text[256];
  int len =
      snprintf(text, sizeof text,
               "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Type: text/plain\r\n\r\n"
               "503: limits.connections (%llu) exceeded\n",
               (unsigned long long)server->env->limits->connections);
  (void)send(fd, text, (size_t)len, MSG_NOSIGNAL | MSG_DONTWAIT);
  close(fd);
}

void http_server_take(struct http_server *server, int fd, const struct peer *peer) {
  if (server->count >= server->env->limits->connections) {
    refuse(server, fd);
  } else if (http_connection_open(server, fd, peer) != ST_OK) {
    close(fd);
  } else {
    server->count++;
    update_clock(server);
  }
}

void http_server_forget(struct http_server *server, struct list *node) {
  list_remove(node);
  server->count--;
  if (server->closing)
    finish(server);
  else
    update_clock(server);
}

void http_server_close(struct http_server *server) {
  struct list *next;
  server->closing = true;
  for (struct list *node = server->connections.next; node != &server->connections; node = next) {
    next = node->next;
    http_connection_close(http_connection_of(node));
  }
  uv_close((uv_handle_t *)&server->clock, on_clock_closed);
}
