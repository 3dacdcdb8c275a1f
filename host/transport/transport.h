/*
 * transport: the one contract between links of every kind (unix, TCP, WebSocket, stdio, in-memory)
 * and what stands above them: blocks of packets in, packets out, and who the peer is. It knows no packet, no
 * session, no Lua.
 *
 * Lifetime: a server makes a transport and hands it to `accepted`, which sets `events` and `user`. The
 * transport then belongs to its implementation: the user calls transport_close, exactly one `closed` follows
 * (never from inside the user's call to transport_close: from a later turn or a later callback), and after
 * `closed` returns the pointer is dead. The peer may bring `closed` about as well, with the user's
 * transport_close never called.
 *
 * An implementation has a struct that begins with `struct transport`, and a table of `transport_ops`. It
 * calls events->block for the blocks that come in, and takes what is to be written from outq.h;
 * implementation.h says how. One over a socket builds on link.h, which does all but the framing (stream.c is
 * that: some 60 lines; a WebSocket is another header and another parser).
 */
#ifndef IPCHOST_TRANSPORT_TRANSPORT_H
#define IPCHOST_TRANSPORT_TRANSPORT_H

#include <sys/types.h>
#include <uv.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/list.h"
#include "base/log.h"
#include "base/payload.h"
#include "base/slice.h"
#include "base/status.h"

enum transport_kind { TRANSPORT_UNIX, TRANSPORT_TCP, TRANSPORT_MEMORY, TRANSPORT_WS, TRANSPORT_STDIO };
/* "unix", "tcp", "memory", "ws", "stdio" */
const char *transport_kind_name(enum transport_kind kind);

/* Who is at the other end, as far as the operating system or the request tells it. */
struct peer {
  enum transport_kind kind;
  uid_t uid;
  pid_t pid;      /* 0 if unknown */
  bool uid_known; /* uid is proven by SO_PEERCRED or sock_diag (unique, connected, inode not 0) */
  bool local;     /* a unix socket, stdio, memory, or a loopback address */
  /* Both owned by the transport. */
  const char *origin;  /* the Origin header of a WebSocket; NULL elsewhere */
  const char *address; /* for the log: "unix", "127.0.0.1:40112" */
};

struct transport;

struct transport_events {
  /* One whole block. `block` is borrowed for the call. The user may close the transport in it; no block
   * follows then. */
  void (*block)(struct transport *transport, struct slice block);
  /* After the blocks of one read: the transport flushes by itself when this returns. */
  void (*batch_end)(struct transport *transport);
  /* `queued` fell from above limits.outbound to half of it or less. */
  void (*drained)(struct transport *transport);
  /*
   * The peer's part is over; no block follows. Either it sends no more but may still read (an end of file:
   * fault->close is 1000), or it broke the framing (1002, 1009, 4005). The user says its last words and calls
   * transport_close; after an end of file it may answer first what is pending, and is called again whenever
   * what it wrote since has been taken. A broken link is closed when this returns.
   */
  void (*ending)(struct transport *transport, const struct fault *fault);
  /* The end, once. `fault->close` is a code of docs/protocol.md (1000 for a clean end of file, 1006 for a
   * connection that was lost or cut inside a block, else what broke the rules); borrowed for the call. */
  void (*closed)(struct transport *transport, const struct fault *fault);
};

/* What an implementation does; called through the functions below. None of them calls the user. */
struct transport_ops {
  size_t header_max; /* bytes before a block, at most */
  /* Writes the header of a block so that it ends at `end`; returns its length. */
  size_t (*header)(uint8_t *end, size_t block_len);
  /* Hands the queue on, as much of it as goes now. */
  void (*write)(struct transport *transport);
  /* `closing` has just been set: hands the rest of the queue on, then ends. */
  void (*close)(struct transport *transport, unsigned linger_ms);
  /* The same without the queue: ends as soon as it may. */
  void (*abort)(struct transport *transport);
  void (*pause)(struct transport *transport, bool on); /* stop and start reading */
};

struct http_options;
struct outq;     /* outq.h: blocks being built and waiting to be written; private to transport/ */
struct out_pool; /* outq.h too */
struct poller;

/* What all transports of one loop share. Its memory must outlive the loop. */
struct transport_env {
  uv_loop_t *loop;
  struct log *log;             /* borrowed */
  const struct limits *limits; /* borrowed */
  uv_buf_t read_buffer;        /* 256 KiB, shared by all reads of the loop and parsed in place */
  struct list dirty;           /* transports with packets not yet flushed */
  uv_prepare_t flush;          /* flushes them once a loop turn, before the loop blocks */
  size_t live_count;           /* how many transports there are, and others that keep it */
  /* Borrowed: what HTTP servers serve (http.h). To be set before one is opened. */
  const struct http_options *http;
  /* Private: */
  struct list starved;   /* servers that wait for a free descriptor */
  struct out_pool *pool; /* free out buffers */
  struct poller *poller; /* of all sockets */
  struct buf sink;       /* where packets go that nobody will read */
  bool closing;
};

struct transport {
  const struct transport_ops *ops;
  const struct transport_events *events;
  void *user; /* the owner above; NULL until set by `accepted` */
  struct transport_env *env;
  struct peer peer;
  struct list dirty;   /* node */
  struct outq *out;    /* NULL while nothing waits, so that an idle link is small */
  struct fault *fault; /* why it ends; NULL before */
  size_t queued;       /* bytes given by the user that the socket has not taken */
  bool closing;        /* transport_close was called or the end is on its way: writes are dropped silently */
  bool deaf;      /* the peer reads no more: writes are dropped silently, what it has sent is still read */
  bool over_mark; /* queued went over limits.outbound; `drained` is due */
};

enum status transport_env_open(struct transport_env *env, uv_loop_t *loop, struct log *log,
                               const struct limits *limits);
/* All transports and servers must be closed, or closing. What they share is given up with the last of them;
 * its handles complete their close with the loop's next turns. */
void transport_env_close(struct transport_env *env);
/* For others that read into its buffer: it is given up with the last of them, as if they were transports. */
void transport_env_keep(struct transport_env *env);
void transport_env_let_go(struct transport_env *env);

/*
 * Writing one packet: transport_begin gives the buffer to append it to (never NULL: after a failed allocation
 * or while closing it is a sink whose bytes are thrown away); transport_share may follow once, adding a
 * shared payload without a copy (it takes its own reference; small ones are copied instead); transport_end
 * completes it. A writer that failed sets `len` back and calls transport_end all the same: a packet of no
 * bytes was lost for want of memory, and so the link is closed with 4005. Packets gather in one block until
 * the flush at the end of the read batch or the loop turn; a block that has reached 256 KiB is ended, and
 * none grows past limits.packet by gathering. Over limits.outbound_max the transport closes by itself, with
 * 4003; a packet over limits.packet closes it with 1009. Nothing is written from inside these calls.
 */
struct buf *transport_begin(struct transport *transport);
void transport_share(struct transport *transport, struct payload *payload);
void transport_end(struct transport *transport);
/* Packets that follow are in another block. */
void transport_end_block(struct transport *transport);
void transport_flush(struct transport *transport);
/* Writes what is queued, then closes; after `linger_ms` (0: at once when written, at most 1 s) it closes all
 * the same. What the peer sends meanwhile is thrown away. Idempotent: the first fault counts. */
void transport_close(struct transport *transport, const struct fault *fault, unsigned linger_ms);
/* Stops and starts reading. Blocks of the read in hand still come. */
void transport_pause(struct transport *transport, bool on);

#endif
