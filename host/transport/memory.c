/* memory: see memory.h. What the host writes stays in its queue until the far side takes it. */
#include "transport/memory.h"

#include <stdlib.h>
#include <unistd.h>

#include "transport/stream.h"

struct memory {
  struct transport transport;
  struct block_reader reader;
  struct buf left; /* what the host wrote before it closed */
  bool closed;
};

static struct memory *memory_of(struct transport *transport) {
  return (struct memory *)transport;
}

/* Moves the queue to the end of `out`, or, without memory, leaves both as they are. */
static enum status move_queue(struct transport *transport, struct buf *out) {
  struct iovec iov;
  transport_seal(transport);
  if (buf_reserve(out, transport->queued) != ST_OK) return ST_NOMEM;
  while (transport->out && outq_gather(transport->out, &iov, 1)) {
    buf_put(out, iov.iov_base, iov.iov_len);
    transport_taken(transport, iov.iov_len);
  }
  return ST_OK;
}

static void close_now(struct memory *memory) {
  move_queue(&memory->transport, &memory->left);
  memory->closed = true;
  transport_ended(&memory->transport);
}

/* ---- transport_ops ---- */

static void write_memory(struct transport *transport) {
  if (transport->closing) close_now(memory_of(transport));
}
static void close_memory(struct transport *transport, unsigned linger_ms) {
  (void)linger_ms;
  transport_later(transport);
}
static void pause_memory(struct transport *transport, bool on) {
  (void)transport;
  (void)on;
}

static const struct transport_ops transport_ops = {BLOCK_HEADER, stream_header,   write_memory,
                                                   close_memory, transport_later, pause_memory};

/* ---- the far side ---- */

struct transport *memory_open(struct transport_env *env) {
  const struct peer peer = {.kind = TRANSPORT_MEMORY,
                            .uid = geteuid(),
                            .pid = getpid(),
                            .uid_known = true,
                            .local = true,
                            .address = "memory"};
  struct memory *memory = calloc(1, sizeof *memory);
  if (!memory) return NULL;
  transport_init(&memory->transport, env, &transport_ops, &peer);
  block_reader_init(&memory->reader, env->limits->packet);
  return &memory->transport;
}

void memory_feed(struct transport *transport, struct slice bytes) {
  if (transport->closing) return;
  stream_blocks(transport, &memory_of(transport)->reader, bytes);
  if (!transport->closing) transport->events->batch_end(transport);
}

enum status memory_take(struct transport *transport, struct buf *out) {
  struct memory *memory = memory_of(transport);
  enum status status =
      memory->closed ? buf_put(out, memory->left.data, memory->left.len) : move_queue(transport, out);
  if (status != ST_OK) return status;
  memory->left.len = 0;
  if (!memory->closed) transport_drained(transport);
  return ST_OK;
}

bool memory_closed(const struct transport *transport) {
  return ((const struct memory *)transport)->closed;
}

void memory_end(struct transport *transport) {
  struct memory *memory = memory_of(transport);
  struct fault fault;
  if (block_reader_partial(&memory->reader))
    fault_set(&fault, ST_CLOSED, 1006, NULL, "the connection ended inside a block");
  else
    fault_set(&fault, ST_CLOSED, 1000, NULL, "the peer has closed the connection");
  if (!memory->closed) {
    transport_stop(transport, &fault);
    transport_ended(transport);
  }
  block_reader_deinit(&memory->reader);
  buf_deinit(&memory->left);
  free(memory);
}
