/*
 * server: a listening socket, or standard input and output, made from one entry of `listen`. It accepts,
 * finds out who the peer is, and hands the transport on; an HTTP server does so with its WebSockets. It knows
 * no session and no policy.
 */
#ifndef IPCHOST_TRANSPORT_SERVER_H
#define IPCHOST_TRANSPORT_SERVER_H

#include "transport/transport.h"

enum address_scheme { ADDRESS_UNIX, ADDRESS_TCP, ADDRESS_HTTP, ADDRESS_STDIO };

/* One parsed entry of `listen`: "unix:PATH" (relative to the config's folder), "tcp://HOST:PORT",
 * "http://HOST:PORT", "stdio:". */
struct address {
  enum address_scheme scheme;
  char host[256]; /* numeric or a name; brackets of IPv6 removed */
  int port;
  char path[108]; /* unix, absolute: 107 bytes and a NUL, the longest that sockaddr_un takes */
  char text[280]; /* the entry as it was written, for messages; cut to fit */
};

/* ST_OK, or ST_INVALID with a text that says what is wrong and what is allowed. `base` is the folder relative
 * paths start in. */
enum status address_parse(const char *text, const char *base, struct address *out, struct fault *fault);

struct server;

struct server_events {
  /* A new link; its `peer` is known. It must set transport->events and ->user before it returns, or
   * transport_close it. */
  void (*accepted)(void *user, struct transport *transport);
  void (*closed)(void *user, struct server *server);
};

/*
 * Binds and listens; returns new. unix: the directory is made 0700 if it is missing (only its last
 * component), the socket file is 0600 from its first moment; a stale file (nobody accepts there) is replaced,
 * a live one is ST_EXISTS naming it, a file that is no socket is left alone and is ST_EXISTS. tcp:
 * SO_REUSEADDR; a taken port is ST_EXISTS naming the address; so http, which serves env->http (http.h).
 * stdio: the one link there is (stdio.h) is accepted at once, and the server is closed by itself when that
 * has ended. What the system refuses otherwise is ST_IO. Fault texts speak of
 * the entry as the config gave it. EMFILE while accepting: the spare descriptor is closed, the connection
 * accepted and closed at once, at most once a second, one log line; it resumes at the next close. More than
 * limits.connections: accepted and closed with a bye by the user.
 */
enum status server_open(struct server **out, struct transport_env *env, const struct address *address,
                        const struct server_events *events, void *user, struct fault *fault);
/* Stops accepting and unlinks the socket file (if it is still ours); `closed` follows, then the server is
 * freed; that of stdio waits for its link. Idempotent. */
void server_close(struct server *server);
/* "unix:/abs/path", "tcp://127.0.0.1:7000" or "http://127.0.0.1:8080" with the real port, percent-encoded;
 * "stdio:". Borrowed from the server. */
const char *server_address(const struct server *server);

#endif
