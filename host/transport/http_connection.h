/*
 * http_connection: one connection of an HTTP server, request by request: reads a head, has it answered, sends
 * the answer without blocking the loop, and goes on, also with requests that came meanwhile. An upgrade ends
 * it: its socket becomes a WebSocket's. It knows no route and no policy.
 */
#ifndef IPCHOST_TRANSPORT_HTTP_CONNECTION_H
#define IPCHOST_TRANSPORT_HTTP_CONNECTION_H

#include "transport/http_server.h"

struct http_connection;

/* Reads on `fd`, an accepted non-blocking socket that it takes over; the peer is copied. ST_OK, and it is in
 * the server's list; or ST_NOMEM or ST_IO, and the caller keeps `fd`. */
enum status http_connection_open(struct http_server *server, int fd, const struct peer *peer);
/* Ends it if its time is up; called now and then. */
void http_connection_check(struct http_connection *connection, uint64_t now);
/* Ends it at once; it is freed with a later turn of the loop. Idempotent. */
void http_connection_close(struct http_connection *connection);
struct http_connection *http_connection_of(struct list *node);

#endif
