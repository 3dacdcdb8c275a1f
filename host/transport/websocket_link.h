/*
 * websocket_link: the transport over a WebSocket: each block one binary message on a link. Pings are
 * answered, and the closing handshake is held, with the codes of docs/protocol.md. The handshake that opened
 * it was http_answer's.
 */
#ifndef IPCHOST_TRANSPORT_WEBSOCKET_LINK_H
#define IPCHOST_TRANSPORT_WEBSOCKET_LINK_H

#include "transport/transport.h"

/* Returns new, reading: `fd` is a connected non-blocking socket that it takes over. The peer's texts and the
 * origin (data NULL: a native client) are copied. ST_OK, ST_NOMEM or ST_IO; the caller then keeps `fd`. */
enum status websocket_link_open(struct transport **out, struct transport_env *env, int fd,
                                const struct peer *peer, struct slice origin);

#endif
