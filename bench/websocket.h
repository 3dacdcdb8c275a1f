/*
 * websocket: the client's half of RFC 6455 as far as the benchmark needs it: the upgrade, binary messages in
 * one frame, masked, and the server's frames. It trusts its peer: what it does not expect ends the program.
 */
#ifndef IPCHOST_BENCH_WEBSOCKET_H
#define IPCHOST_BENCH_WEBSOCKET_H

#include "base/buf.h"

/* Asks for the upgrade on a connected socket and waits for the answer. */
void websocket_upgrade(int fd, const char *port);
/* Keeps room for a message's header, to be filled by websocket_end, which masks; returns where it is. */
size_t websocket_begin(struct buf *out);
void websocket_end(struct buf *out, size_t begin);
/* Takes the next whole message from the front of *in; false when it is not whole yet. */
bool websocket_block(struct slice *in, struct slice *block);

#endif
