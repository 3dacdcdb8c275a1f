/*
 * implementation: what an implementation of a transport calls, beside outq.h; the users of transports see
 * none of it. Its struct begins with `struct transport`. In its life it calls, in this order:
 *
 *   transport_init         once it can read and write;
 *   events->block          for each block of a read, until `closing` is set, then events->batch_end and
 *                          transport_flush;
 *   events->ending         when the peer sends no more, or broke the framing;
 *   transport_taken        when bytes of the queue were written, and then, from a callback of the loop,
 *                          transport_drained;
 *   transport_stop         when the end came from the peer, to say why (after transport_close it has been
 * said); transport_ended        once, from a callback of the loop, and then it frees itself.
 */
#ifndef IPCHOST_TRANSPORT_IMPLEMENTATION_H
#define IPCHOST_TRANSPORT_IMPLEMENTATION_H

#include "transport/outq.h"
#include "transport/transport.h"

#define TRANSPORT_READ_SIZE ((size_t)256 * 1024)

/* Fills the struct and counts it. The peer's texts are the implementation's to keep. */
void transport_init(struct transport *transport, struct transport_env *env, const struct transport_ops *ops,
                    const struct peer *peer);

/* Ends an open block, so that all of the queue can be written. NULL: there is nothing to write. */
struct outq *transport_seal(struct transport *transport);
/* `len` bytes of the queue were written; an empty queue goes back to the pool. */
void transport_taken(struct transport *transport, size_t len);
/* True when `drained` is due. */
static inline bool transport_drain_due(const struct transport *transport) {
  return transport->over_mark && transport->queued <= transport->env->limits->outbound / 2;
}
/* Calls `drained` if it is due. */
void transport_drained(struct transport *transport);
/* Throws the queue away. */
void transport_drop(struct transport *transport);

/* Has ops->write called with this turn's flush, though nothing new is queued. */
void transport_later(struct transport *transport);

/* Keeps the fault for `closed` and sets `closing`; what was queued is still to be written. The first call
 * counts. */
void transport_stop(struct transport *transport, const struct fault *fault);
/* Calls `closed`; the transport is then known to nobody else. */
void transport_ended(struct transport *transport);

/* A descriptor was closed: servers that wait for one accept again. In server.c. */
void servers_resume(struct transport_env *env);

#endif
