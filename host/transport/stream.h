/*
 * stream: the transport over unix and TCP sockets: blocks with a length before each (wire/block.h) on a link.
 */
#ifndef IPCHOST_TRANSPORT_STREAM_H
#define IPCHOST_TRANSPORT_STREAM_H

#include "transport/implementation.h"
#include "wire/block.h"

/* Returns new, reading: `fd` is a connected non-blocking socket that it takes over; the peer's texts are
 * copied. ST_OK, ST_NOMEM or ST_IO; the caller then keeps `fd`. */
enum status stream_open(struct transport **out, struct transport_env *env, int fd, const struct peer *peer);

/* Of a stream to a child: when it is lost, `closed` waits a moment for the release, so that how the child has
 * ended is known. */
void stream_hold(struct transport *transport);
void stream_release(struct transport *transport);

/* Parts that memory.c shares. */
size_t stream_header(uint8_t *end, size_t block_len);
/* Hands the whole blocks among the bytes to events->block; when they break the framing, that is the end. */
void stream_blocks(struct transport *transport, struct block_reader *reader, struct slice bytes);

#endif
