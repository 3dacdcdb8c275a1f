/*
 * http: what the HTTP servers of a loop serve, and to whom: plain data given by the composition. The
 * WebSocket at /ipchost hands its links on as every server does; pages, the client's files and refusals are
 * answered here. It knows no config, no session and no packet.
 */
#ifndef IPCHOST_TRANSPORT_HTTP_H
#define IPCHOST_TRANSPORT_HTTP_H

#include "transport/transport.h"

#define HTTP_PROOF_SIZE 64

/* A file that the program carries with it. */
struct http_asset {
  const char *path; /* "/ipchost/renderer.js"; NULL ends the list */
  const char *type;
  struct slice bytes;
};

/* All borrowed; lists end with NULL, and are NULL when empty. */
struct http_options {
  const char *public; /* the absolute path of a folder; NULL: no pages */
  const char *const *hosts;
  const char *const *origins;
  const struct http_asset *assets;
  /* Whether the peer may have pages: ST_OK, or ST_DENIED with a text that begins "403: ". `token` is what it
   * brought in Authorization: Bearer, or empty. What a WebSocket may do is decided at its hello. */
  enum status (*admit)(void *user, const struct peer *peer, struct slice token, struct fault *fault);
  /* Writes what a page proves by that it was served at the URL, a token for a header; "" for none. NULL:
   * there are no proofs. */
  void (*prove)(void *user, struct slice url, char proof[HTTP_PROOF_SIZE]);
  void *user;
};

#endif
