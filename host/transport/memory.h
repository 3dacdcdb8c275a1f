/*
 * memory: the in-memory transport. The host's end obeys the contract of transport.h; the other end is a pair
 * of calls, for the test kit, fuzz targets and unit tests. Bytes are stream bytes (framed as on a unix
 * socket). Delivery is synchronous in memory_feed.
 */
#ifndef IPCHOST_TRANSPORT_MEMORY_H
#define IPCHOST_TRANSPORT_MEMORY_H

#include "transport/transport.h"

/* Returns new: a transport with peer kind memory, uid our own, local. Set events and user before feeding.
 * The far side holds it until memory_end, which it calls once, also after the host has closed. NULL: out of
 * memory. */
struct transport *memory_open(struct transport_env *env);
/* Feeds stream bytes as one read: blocks and batch_end are called from inside. Pausing is for sockets: what
 * is fed is delivered. After the host has closed it is thrown away. */
void memory_feed(struct transport *transport, struct slice bytes);
/* Appends to `out` what the host has written since the last take; flushes first. `drained` is called from
 * inside. ST_OK, or ST_NOMEM and nothing is taken. */
enum status memory_take(struct transport *transport, struct buf *out);
/* True once `closed` was called: after transport_close it comes with the loop's next turn. */
bool memory_closed(const struct transport *transport);
/* Ends it from the far side, as an end of file does, and frees it; `closed` is called from inside, unless it
 * was before. Not to be called from inside an event. */
void memory_end(struct transport *transport);

#endif
