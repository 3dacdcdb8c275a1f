/*
 * http_server: the connections of one HTTP listener, from accept until each is closed or has become a
 * WebSocket. server.c accepts; this keeps the list and the clock.
 */
#ifndef IPCHOST_TRANSPORT_HTTP_SERVER_H
#define IPCHOST_TRANSPORT_HTTP_SERVER_H

#include "transport/http.h"

struct http_server {
  struct transport_env *env;
  const struct http_options *options; /* borrowed */
  int port;
  void (*accepted)(void *user, struct transport *transport); /* a WebSocket */
  void (*closed)(void *user);
  void *accepted_user, *closed_user;
  struct list connections;
  size_t count;
  uv_timer_t clock;
  bool closing, clock_closed;
};

/* All above `connections` is set. */
void http_server_open(struct http_server *server);
/* Takes over an accepted socket; over limits.connections it is told so and closed. */
void http_server_take(struct http_server *server, int fd, const struct peer *peer);
/* Closes what is left of HTTP (WebSockets live on); `closed` is called from a later turn of the loop. */
void http_server_close(struct http_server *server);
/* A connection is gone. Private to http_connection.c. */
void http_server_forget(struct http_server *server, struct list *node);

#endif
