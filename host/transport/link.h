/*
 * link: a transport over a connected stream socket: reading into the loop's buffer, writing the queue, the
 * end of both directions. It knows no framing: what a read brings goes to `received`, and the header of a
 * block is the transport_ops' own. Everything happens on one uv_poll, so that an idle link costs little.
 */
#ifndef IPCHOST_TRANSPORT_LINK_H
#define IPCHOST_TRANSPORT_LINK_H

#include "transport/implementation.h"

struct link;

struct link_ops {
  /* The bytes of one read, borrowed; never none. Calls events->block until the transport is closing. */
  void (*received)(struct link *link, struct slice bytes);
  /* An end of file now would cut something that is not whole. */
  bool (*cut)(const struct link *link);
  /* Frees the link and what belongs to it. The descriptor is closed already. */
  void (*free)(struct link *link);
};

struct link {
  struct transport transport;
  const struct link_ops *ops;
  uv_poll_t poll;
  uv_timer_t *timer; /* bounds the end; NULL before */
  int fd;            /* -1: closed, `closed` is on its way */
  uint8_t events;    /* what `poll` waits for */
  bool paused;
  bool blocked;   /* the socket takes no more, or `drained` is due: waits until it can be written */
  bool ended;     /* the peer has sent its last byte */
  bool broken;    /* a write failed in a way that says that the connection is lost */
  bool lingering; /* once written, it waits for the peer to close */
  bool patient;   /* its timer begins anew as long as the peer reads */
  bool progress;  /* the peer has read since the timer began */
};

/* To be part of the implementation's transport_ops: all but the header. */
void link_write(struct transport *transport);
void link_close(struct transport *transport, unsigned linger_ms);
void link_abort(struct transport *transport);
void link_pause(struct transport *transport, bool on);

/* Starts reading on `fd`, a connected non-blocking socket that it takes over, in zeroed memory. ST_OK, or
 * ST_IO and the caller keeps both. */
enum status link_open(struct link *link, struct transport_env *env, const struct link_ops *ops,
                      const struct transport_ops *transport_ops, int fd, const struct peer *peer);

#endif
