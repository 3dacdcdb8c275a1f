/* link: see link.h. */
#include "transport/link.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "transport/peer.h"

#define VECTORS 64
#define WRITE_MS 1000 /* how long the end waits for a peer that does not read */
#define LOOK_MS 20   /* after an end of file: whether the peer has left altogether, which may be seen late; */
#define WATCH_MS 500 /* and as long as it waits for answers */
#define HOLD_MS 20   /* a held link is looked after so often, HOLD_TURNS times, and then released */
#define HOLD_TURNS 10
#define LEFT "the peer has closed the connection"

static struct link *link_of(struct transport *transport) {
  return (struct link *)transport;
}

/* ---- the end ---- */

static void on_timer_closed(uv_handle_t *handle) {
  free(handle);
}

static void close_timer(struct link *link) {
  if (link->timer) uv_close((uv_handle_t *)link->timer, on_timer_closed);
  link->timer = NULL;
}

/* Bytes that nobody read would make the close a reset, which may overtake what was written last. */
static void swallow(int fd) {
  char waste[16 * 1024]; /* not the loop's buffer: the end may come while a block of that is looked at */
  for (int i = 0; i < 16 && recv(fd, waste, sizeof waste, MSG_DONTWAIT) > 0; i++)
    ;
}

/* Closes the descriptor; `closed` is told, and the link freed, with the turn's flush. */
static void end(struct link *link) {
  struct transport_env *env = link->transport.env;
  if (link->watch.fd < 0) return;
  close_timer(link);
  watch_set(env->poller, &link->watch, 0);
  if (!link->ended) swallow(link->watch.fd);
  close(link->watch.fd);
  link->watch.fd = -1;
  transport_later(&link->transport);
  servers_resume(env);
}

static void stop(struct link *link, int code, const char *text) {
  struct fault fault;
  fault_set(&fault, ST_CLOSED, code, NULL, "%s", text);
  transport_stop(&link->transport, &fault);
}

/* Nobody is there to be told anything. */
static void on_lost(struct link *link, int code, const char *why) {
  stop(link, code, why);
  transport_drop(&link->transport);
  end(link);
}

static void on_left(struct link *link) {
  on_lost(link, link->broken ? 1006 : 1000, link->broken ? "the connection is lost" : LEFT);
}

static void on_timer(uv_timer_t *timer) {
  struct link *link = timer->data;
  if (link->transport.closing) {
    if (!link->patient || !link->progress) {
      end(link);
      return;
    }
    link->progress = false;
    uv_timer_start(timer, on_timer, WRITE_MS, 0);
  } else if (peer_has_left(link->watch.fd, &link->transport.peer)) {
    on_left(link);
  } else {
    uv_timer_start(timer, on_timer, WATCH_MS, 0);
  }
}

static uv_timer_t *timer_new(struct link *link) {
  uv_timer_t *timer = malloc(sizeof *timer);
  if (!timer) return NULL;
  uv_timer_init(link->transport.env->loop, timer);
  timer->data = link;
  return timer;
}

/* Without memory for a timer the end is now. */
static void start_timer(struct link *link, unsigned ms) {
  if (!link->timer) link->timer = timer_new(link);
  if (link->timer)
    uv_timer_start(link->timer, on_timer, ms, 0);
  else
    on_lost(link, 4005, "out of memory");
}

/* Closing, and all is written. */
static void all_written(struct link *link) {
  if (link->lingering && !link->ended && !link->transport.deaf)
    shutdown(link->watch.fd, SHUT_WR);
  else
    end(link);
}

/* ---- what it waits for ---- */

static void update_watch(struct link *link) {
  bool reads = !link->ended && (!link->paused || link->transport.closing);
  unsigned events = (reads ? WATCH_READ : 0U) | (link->blocked ? WATCH_WRITE : 0U);
  if (link->watch.fd < 0 || events == link->watch.events) return;
  if (watch_set(link->transport.env->poller, &link->watch, events) != ST_OK)
    on_lost(link, 4005, "the system cannot watch the socket");
}

/* ---- writing ---- */

/* The peer takes nothing any more. What it has sent is still to be read, and then its end. */
static void write_failed(struct link *link, int error) {
  link->broken = error != EPIPE;
  link->transport.deaf = true;
  link->transport.over_mark = false;
  transport_drop(&link->transport);
  if (link->ended) on_left(link);
}

/* Returns how many bytes of the vectors the socket took, or -1. */
static ssize_t write_vectors(int fd, struct iovec *iov, int n) {
  struct msghdr message = {.msg_iov = iov, .msg_iovlen = (size_t)n};
  ssize_t written;
  do
    written = n == 1 ? send(fd, iov->iov_base, iov->iov_len, MSG_NOSIGNAL | MSG_DONTWAIT)
                     : sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  while (written < 0 && errno == EINTR);
  return written;
}

static void write_queue(struct link *link) {
  struct transport *transport = &link->transport;
  struct iovec iov[VECTORS];
  while (transport_seal(transport) && !link->blocked) {
    int n = outq_gather(transport->out, iov, VECTORS);
    ssize_t written = write_vectors(link->watch.fd, iov, n);
    size_t offered = 0;
    if (written < 0 && errno != EAGAIN) {
      write_failed(link, errno);
      return;
    }
    for (int i = 0; i < n; i++) offered += iov[i].iov_len;
    link->blocked = written < (ssize_t)offered;
    if (written <= 0) return;
    link->progress = true;
    transport_taken(transport, (size_t)written);
  }
}

/* Turns of the loop are counted: where it had none, the news of the child's end may be there unread. */
static void on_hold(uv_timer_t *timer) {
  struct link *link = timer->data;
  if (!--link->held) link_release(link);
}

/* A peer that has closed its ends and lives on is not waited for without end. */
static void hold_on(struct link *link) {
  if (!link->timer) link->timer = timer_new(link);
  if (link->timer)
    uv_timer_start(link->timer, on_hold, HOLD_MS, HOLD_MS);
  else
    link_release(link);
}

/* The user waits to be told that all is written: `drained`, or `ending` once more. */
static bool told_when_written(const struct link *link) {
  return transport_drain_due(&link->transport) || ((link->ended || link->said) && !link->transport.out);
}

void link_write(struct transport *transport) {
  struct link *link = link_of(transport);
  if (link->watch.fd < 0) {
    if (link->held) {
      hold_on(link);
      return;
    }
    transport_ended(transport);
    link->ops->free(link);
    return;
  }
  if (link->blocked) return;
  write_queue(link);
  if (told_when_written(link)) link->blocked = true;
  update_watch(link);
}

static void tell_ending(struct link *link) {
  struct fault fault;
  fault_set(&fault, ST_CLOSED, 1000, NULL, "%s", LEFT);
  link->transport.events->ending(&link->transport, &fault);
}

static void on_writable(struct link *link) {
  struct transport *transport = &link->transport;
  link->blocked = false;
  if (link->ops->woken) link->ops->woken(link);
  if (link->watch.fd < 0) return;
  write_queue(link);
  if (transport->closing) {
    if (!transport->out) all_written(link);
    return;
  }
  transport_drained(transport);
  if ((link->ended || link->said) && !transport->out && !transport->closing) tell_ending(link);
}

void link_said(struct link *link) {
  link->said = true;
  tell_ending(link);
}

void link_wake(struct link *link) {
  link->blocked = true;
  update_watch(link);
}

/* ---- reading ---- */

static void close_cut(struct transport *transport) {
  struct fault fault;
  fault_set(&fault, ST_CLOSED, 1006, NULL, "the connection ended inside a block");
  transport_close(transport, &fault, 0);
}

/* The peer has sent its last byte, but may still read the answers. */
static void on_end_of_file(struct link *link) {
  struct transport *transport = &link->transport;
  link->ended = true;
  if (transport->closing) {
    if (!transport->out) end(link);
  } else if (link->ops->cut(link)) {
    close_cut(transport);
  } else if (transport->deaf || peer_has_left(link->watch.fd, &transport->peer)) {
    on_left(link);
  } else {
    tell_ending(link);
    if (!transport->closing) start_timer(link, LOOK_MS);
  }
}

/* False: nothing has come. */
static bool on_readable(struct link *link) {
  struct transport *transport = &link->transport;
  const uv_buf_t *buffer = &transport->env->read_buffer;
  ssize_t len = recv(link->watch.fd, buffer->base, buffer->len, MSG_DONTWAIT);
  if (len < 0) {
    if (errno == EAGAIN || errno == EINTR) return false;
    on_lost(link, 1006, strerror(errno));
  } else if (!len) {
    on_end_of_file(link);
  } else if (!transport->closing) {
    link->ops->received(link, slice_of(buffer->base, (size_t)len));
    if (!transport->closing) transport->events->batch_end(transport);
    transport_flush(transport);
  }
  return true;
}

static bool on_ready(struct watch *watch, unsigned events) {
  struct link *link = (struct link *)((char *)watch - offsetof(struct link, watch));
  bool something = false;
  if (events & WATCH_WRITE) on_writable(link);
  if (events & WATCH_READ && watch->fd >= 0) something = on_readable(link);
  update_watch(link);
  return something;
}

/* ---- transport_ops ---- */

void link_close(struct transport *transport, unsigned linger_ms) {
  struct link *link = link_of(transport);
  link->held = 0;
  link->lingering = linger_ms > 0;
  link->patient = link->ended;
  if (!link->blocked) write_queue(link);
  if (!transport->out) all_written(link);
  if (link->watch.fd >= 0) start_timer(link, linger_ms ? linger_ms : WRITE_MS);
  update_watch(link);
}

void link_abort(struct transport *transport) {
  link_of(transport)->held = 0;
  end(link_of(transport));
}

void link_pause(struct transport *transport, bool on) {
  link_of(transport)->paused = on;
  update_watch(link_of(transport));
}

void link_hold(struct link *link) {
  link->held = HOLD_TURNS;
}

void link_release(struct link *link) {
  link->held = 0;
  if (link->watch.fd >= 0) return;
  close_timer(link);
  transport_later(&link->transport);
}

enum status link_open(struct link *link, struct transport_env *env, const struct link_ops *ops,
                      const struct transport_ops *transport_ops, int fd, const struct peer *peer) {
  link->watch = (struct watch){.ready = on_ready, .fd = fd};
  if (watch_set(env->poller, &link->watch, WATCH_READ) != ST_OK) return ST_IO;
  link->ops = ops;
  transport_init(&link->transport, env, transport_ops, peer);
  return ST_OK;
}
