/*
 * outq: what one transport has yet to write: blocks with their headers, in chunks of bytes, between which
 * shared payloads stand by reference. At most one block, the last, is open: packets are appended to it. It
 * knows no socket and no packet.
 *
 * An implementation writes so: if a block is open, outq_seal; then outq_gather, write, outq_consume, until
 * the queue is empty or the socket takes no more; an empty queue goes back to the pool (transport_taken of
 * implementation.h does both). Bytes that are no block (the answer to an HTTP request, a control frame of a
 * WebSocket) are queued in order with the blocks: seal, outq_open with no room, append, outq_packet, and seal
 * without a header.
 */
#ifndef IPCHOST_TRANSPORT_OUTQ_H
#define IPCHOST_TRANSPORT_OUTQ_H

#include <sys/uio.h>

#include "base/buf.h"
#include "base/payload.h"

/* A run of bytes: of the chunk, from `from` on, or (payload set) of a shared payload. */
struct out_span {
  struct payload *payload;
  size_t from, len;
};

struct out_chunk {
  struct out_chunk *next;
  struct buf bytes;
  struct out_span *spans; /* in the order of writing; those before `first` are written */
  size_t first, count, cap;
};

struct outq {
  struct outq *next;               /* in the pool */
  struct out_chunk *oldest, *last; /* one or more */
  bool open;
  size_t room;        /* bytes kept before the open block for its header */
  size_t block_at;    /* where that room begins in the last chunk */
  size_t block_span;  /* index of the block's first span */
  size_t block_len;   /* bytes of the block's whole packets */
  size_t span_from;   /* where bytes begin that are in no span yet */
  size_t packet_at;   /* where the last packet begins */
  size_t packet_span; /* how many spans there were before it, and span_from then */
  size_t packet_from;
  struct payload *packet_shared;
};

typedef size_t out_header_fn(uint8_t *end, size_t block_len);

/* Queues that are not in use, with a chunk each, at most a MiB in all. */
struct out_pool {
  struct outq *idle;
  size_t count, bytes;
};

void out_pool_deinit(struct out_pool *pool);
/* Takes an empty queue, or makes one; NULL: out of memory. */
struct outq *outq_take(struct out_pool *pool);
/* Gives a queue back, with whatever is in it dropped. NULL is allowed. */
void outq_give(struct out_pool *pool, struct outq *queue);

/* Opens a block, with `room` bytes before it for a header. None is open. ST_OK or ST_NOMEM. */
enum status outq_open(struct outq *queue, size_t room);

/* The open block's buffer, to append one packet to. */
static inline struct buf *outq_begin(struct outq *queue) {
  struct out_chunk *chunk = queue->last;
  queue->packet_at = chunk->bytes.len;
  queue->packet_span = chunk->count;
  queue->packet_from = queue->span_from;
  queue->packet_shared = NULL;
  return &chunk->bytes;
}
/* Adds a payload to the packet, at most once, by reference. ST_OK or ST_NOMEM. */
enum status outq_share(struct outq *queue, struct payload *payload);
/* Completes the packet; returns its length. */
static inline size_t outq_end(struct outq *queue) {
  size_t len = queue->last->bytes.len - queue->packet_at;
  if (queue->packet_shared) len += queue->packet_shared->len;
  queue->block_len += len;
  return len;
}
/* Ends the block before its last packet, which begins the next one. Returns the header's length in
 * *header_len. ST_OK or ST_NOMEM (and the queue is of no use). */
enum status outq_split(struct outq *queue, out_header_fn *header, size_t *header_len);
/* Ends the block; returns the header's length. A block of no bytes is taken back. A NULL `header` for what
 * was opened without room. */
size_t outq_seal(struct outq *queue, out_header_fn *header);

/* Fills `iov` with what is to be written next, without an open block; returns how many, 0 when that is
 * nothing. The bytes are borrowed until anything else is done to the queue. */
int outq_gather(const struct outq *queue, struct iovec *iov, int max);
/* Forgets the first `len` bytes of what outq_gather gave. */
void outq_consume(struct outq *queue, size_t len);
bool outq_empty(const struct outq *queue);

#endif
