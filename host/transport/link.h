/*
 * link: a transport over a connected stream socket: reading into the loop's buffer, writing the queue, the
 * end of both directions. It knows no framing: what a read brings goes to `received`, and the header of a
 * block is the transport_ops' own.
 */
#ifndef IPCHOST_TRANSPORT_LINK_H
#define IPCHOST_TRANSPORT_LINK_H

#include "transport/implementation.h"
#include "transport/poller.h"

struct link;

struct link_ops {
  /* The bytes of one read, borrowed; never none. Calls events->block until the transport is closing. */
  void (*received)(struct link *link, struct slice bytes);
  /* An end of file now would cut something that is not whole. */
  bool (*cut)(const struct link *link);
  /* After link_wake, from a callback of the loop; NULL where that is not called. */
  void (*woken)(struct link *link);
  /* Frees the link and what belongs to it. The descriptor is closed already. */
  void (*free)(struct link *link);
};

/* It is small: of an idle connection this is all that there is here. */
struct link {
  struct transport transport;
  const struct link_ops *ops;
  struct watch watch; /* fd is -1 once closed; then `closed` is on its way */
  bool paused : 1;
  bool blocked : 1;   /* the socket takes no more, or the user is to be told when all is written */
  bool ended : 1;     /* the peer has sent its last byte */
  bool said : 1;      /* what it still sends is of no meaning */
  bool broken : 1;    /* a write failed in a way that says that the connection is lost */
  bool lingering : 1; /* once written, it waits for the peer to close */
  bool patient : 1;   /* its timer begins anew as long as the peer reads */
  bool progress : 1;  /* the peer has read since the timer began */
  unsigned held : 4;  /* when it is lost, `closed` waits for link_release, so many turns at most */
  uv_timer_t *timer;  /* bounds the end; NULL before */
};

/* To be part of the implementation's transport_ops: all but the header. */
void link_write(struct transport *transport);
void link_close(struct transport *transport, unsigned linger_ms);
void link_abort(struct transport *transport);
void link_pause(struct transport *transport, bool on);

/* Of a link whose peer is a child: how that has ended is known a moment after its sockets are closed, and is
 * to be known when `closed` is told; it is released by itself 200 ms after it was lost. */
void link_hold(struct link *link);
void link_release(struct link *link);
/* The peer has said all that it will, though it has not ended: calls events->ending as after an end of file.
 * From `received` or `woken`. */
void link_said(struct link *link);
/* Has `woken` called in a later turn, also while paused. */
void link_wake(struct link *link);

/* Starts reading on `fd`, a connected non-blocking socket that it takes over, in zeroed memory. ST_OK, or
 * ST_IO and the caller keeps both. */
enum status link_open(struct link *link, struct transport_env *env, const struct link_ops *ops,
                      const struct transport_ops *transport_ops, int fd, const struct peer *peer);

#endif
