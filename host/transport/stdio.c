/* stdio: see stdio.h. */
#include "transport/stdio.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "transport/peer.h"
#include "transport/poller.h"
#include "transport/stream.h"

#define VECTORS 64
#define WRITE_MS 1000 /* how long the end waits for a peer that does not read */
#define LOOK_MS 500   /* after an end of file: whether the peer reads any more */
#define LEFT "standard input has ended"

struct stdio {
  struct transport transport;
  struct block_reader reader;
  struct watch in, out;    /* fd is -1 once closed; then `closed` is on its way */
  int in_flags, out_flags; /* of the descriptors as they were found, for others may have them too */
  bool paused, blocked, ended;
  uv_timer_t *timer; /* after an end of file, or bounds the end; NULL before */
  void (*gone)(void *user);
  void *user;
};

static struct stdio *stdio_of(struct transport *transport) {
  return (struct stdio *)transport;
}

/* ---- the end ---- */

static void on_timer_closed(uv_handle_t *handle) {
  free(handle);
}

static void close_watch(struct stdio *stdio, struct watch *watch, int flags) {
  watch_set(stdio->transport.env->poller, watch, 0);
  fcntl(watch->fd, F_SETFL, flags);
  close(watch->fd);
  watch->fd = -1;
}

/* Closes both; `closed` is told, and it is freed, with the turn's flush. */
static void end(struct stdio *stdio) {
  if (stdio->in.fd < 0) return;
  if (stdio->timer) uv_close((uv_handle_t *)stdio->timer, on_timer_closed);
  stdio->timer = NULL;
  close_watch(stdio, &stdio->in, stdio->in_flags);
  close_watch(stdio, &stdio->out, stdio->out_flags);
  transport_later(&stdio->transport);
}

static void on_lost(struct stdio *stdio, int code, const char *why) {
  struct fault fault;
  fault_set(&fault, ST_CLOSED, code, NULL, "%s", why);
  transport_stop(&stdio->transport, &fault);
  transport_drop(&stdio->transport);
  end(stdio);
}

static void on_timer(uv_timer_t *timer) {
  struct stdio *stdio = timer->data;
  if (stdio->transport.closing)
    end(stdio);
  else if (peer_has_left(stdio->out.fd, &stdio->transport.peer))
    on_lost(stdio, 1000, LEFT);
  else
    uv_timer_start(timer, on_timer, LOOK_MS, 0);
}

/* Without memory for a timer the end is now. */
static void start_timer(struct stdio *stdio, unsigned ms) {
  if (!stdio->timer && (stdio->timer = malloc(sizeof *stdio->timer))) {
    uv_timer_init(stdio->transport.env->loop, stdio->timer);
    stdio->timer->data = stdio;
  }
  if (stdio->timer)
    uv_timer_start(stdio->timer, on_timer, ms, 0);
  else
    on_lost(stdio, 4005, "out of memory");
}

/* ---- what it waits for ---- */

static void update_watches(struct stdio *stdio) {
  struct poller *poller = stdio->transport.env->poller;
  bool reads = !stdio->ended && !stdio->paused && !stdio->transport.closing;
  if (stdio->in.fd < 0) return;
  if (watch_set(poller, &stdio->in, reads ? WATCH_READ : 0) != ST_OK ||
      watch_set(poller, &stdio->out, stdio->blocked ? WATCH_WRITE : 0) != ST_OK)
    on_lost(stdio, 4005, "the system cannot watch standard input and output");
}

/* ---- writing ---- */

/* The peer takes nothing any more. What it has sent is still to be read, and then its end. */
static void write_failed(struct stdio *stdio) {
  stdio->transport.deaf = true;
  stdio->transport.over_mark = false;
  transport_drop(&stdio->transport);
  if (stdio->ended) on_lost(stdio, 1000, LEFT);
}

static void write_queue(struct stdio *stdio) {
  struct transport *transport = &stdio->transport;
  struct iovec iov[VECTORS];
  while (transport_seal(transport) && !stdio->blocked) {
    int n = outq_gather(transport->out, iov, VECTORS);
    ssize_t written = writev(stdio->out.fd, iov, n);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && errno != EAGAIN) {
      write_failed(stdio);
      return;
    }
    stdio->blocked = written < 0;
    if (written > 0) transport_taken(transport, (size_t)written);
  }
}

static void write_stdio(struct transport *transport) {
  struct stdio *stdio = stdio_of(transport);
  if (stdio->in.fd < 0) {
    void (*gone)(void *user) = stdio->gone;
    void *user = stdio->user;
    transport_ended(transport);
    block_reader_deinit(&stdio->reader);
    free(stdio);
    gone(user);
    return;
  }
  if (!stdio->blocked) write_queue(stdio);
  /* The user waits to be told that all is written: `drained`, or `ending` once more. */
  if (transport_drain_due(transport) || (stdio->ended && !transport->out)) stdio->blocked = true;
  update_watches(stdio);
}

static void tell_ending(struct stdio *stdio) {
  struct fault fault;
  fault_set(&fault, ST_CLOSED, 1000, NULL, "%s", LEFT);
  stdio->transport.events->ending(&stdio->transport, &fault);
}

static bool on_writable(struct watch *watch, unsigned events) {
  struct stdio *stdio = (struct stdio *)((char *)watch - offsetof(struct stdio, out));
  struct transport *transport = &stdio->transport;
  (void)events;
  stdio->blocked = false;
  write_queue(stdio);
  if (!transport->closing) {
    transport_drained(transport);
    if (stdio->ended && !transport->out && !transport->closing) tell_ending(stdio);
  } else if (!transport->out) {
    end(stdio);
  }
  update_watches(stdio);
  return true;
}

/* ---- reading ---- */

/* The peer has sent its last byte, but may still read the answers. */
static void on_end_of_file(struct stdio *stdio) {
  struct transport *transport = &stdio->transport;
  stdio->ended = true;
  if (block_reader_partial(&stdio->reader)) {
    on_lost(stdio, 1006, "standard input ended inside a block");
  } else if (transport->deaf || peer_has_left(stdio->out.fd, &transport->peer)) {
    on_lost(stdio, 1000, LEFT);
  } else {
    tell_ending(stdio);
    if (!transport->closing) start_timer(stdio, LOOK_MS);
  }
}

static bool on_readable(struct watch *watch, unsigned events) {
  struct stdio *stdio = (struct stdio *)((char *)watch - offsetof(struct stdio, in));
  struct transport *transport = &stdio->transport;
  const uv_buf_t *buffer = &transport->env->read_buffer;
  ssize_t len = read(watch->fd, buffer->base, buffer->len);
  (void)events;
  if (len < 0) {
    if (errno == EAGAIN || errno == EINTR) return false;
    on_lost(stdio, 1006, strerror(errno));
  } else if (!len) {
    on_end_of_file(stdio);
  } else {
    stream_blocks(transport, &stdio->reader, slice_of(buffer->base, (size_t)len));
    if (!transport->closing) transport->events->batch_end(transport);
    transport_flush(transport);
  }
  update_watches(stdio);
  return true;
}

/* ---- transport_ops ---- */

static void close_stdio(struct transport *transport, unsigned linger_ms) {
  struct stdio *stdio = stdio_of(transport);
  (void)linger_ms; /* a pipe delivers what was written, whoever closes first */
  if (!stdio->blocked) write_queue(stdio);
  if (!transport->out) {
    end(stdio);
    return;
  }
  start_timer(stdio, WRITE_MS);
  update_watches(stdio);
}

static void abort_stdio(struct transport *transport) {
  end(stdio_of(transport));
}

static void pause_stdio(struct transport *transport, bool on) {
  stdio_of(transport)->paused = on;
  update_watches(stdio_of(transport));
}

static const struct transport_ops transport_ops = {BLOCK_HEADER, stream_header, write_stdio,
                                                   close_stdio,  abort_stdio,   pause_stdio};

/* ---- opening ---- */

static bool carries_blocks(int fd) {
  struct stat about;
  return fstat(fd, &about) == 0 && (S_ISFIFO(about.st_mode) || S_ISSOCK(about.st_mode));
}

static enum status check(struct fault *fault) {
  static const char *const names[] = {"standard input", "standard output"};
  for (int fd = 0; fd < 2; fd++)
    if (!carries_blocks(fd))
      return fault_set(
          fault, ST_INVALID, 0, NULL,
          "stdio: %s is neither a pipe nor a socket; stdio: is for a program that starts the host "
          "and holds the other ends",
          names[fd]);
  return ST_OK;
}

/* Moves both away from 0 and 1, and puts there what can do no harm. */
static enum status take(struct stdio *stdio) {
  int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  bool moved;
  stdio->in.fd = fcntl(0, F_DUPFD_CLOEXEC, 3);
  stdio->out.fd = fcntl(1, F_DUPFD_CLOEXEC, 3);
  moved = null >= 0 && stdio->in.fd >= 0 && stdio->out.fd >= 0 && dup2(null, 0) == 0 && dup2(2, 1) == 1;
  if (null >= 0) close(null);
  stdio->in_flags = fcntl(stdio->in.fd, F_GETFL);
  stdio->out_flags = fcntl(stdio->out.fd, F_GETFL);
  fcntl(stdio->in.fd, F_SETFL, stdio->in_flags | O_NONBLOCK);
  fcntl(stdio->out.fd, F_SETFL, stdio->out_flags | O_NONBLOCK);
  return moved ? ST_OK : ST_IO;
}

static enum status start(struct stdio *stdio, struct transport_env *env) {
  const struct peer peer = {
      .kind = TRANSPORT_STDIO, .uid = geteuid(), .uid_known = true, .local = true, .address = "stdio"};
  stdio->in.ready = on_readable;
  stdio->out.ready = on_writable;
  if (take(stdio) != ST_OK || watch_set(env->poller, &stdio->in, WATCH_READ) != ST_OK) return ST_IO;
  transport_init(&stdio->transport, env, &transport_ops, &peer);
  block_reader_init(&stdio->reader, env->limits->packet);
  return ST_OK;
}

enum status stdio_open(struct transport **out, struct transport_env *env, void (*ended)(void *user),
                       void *user, struct fault *fault) {
  struct stdio *stdio;
  if (check(fault) != ST_OK) return ST_INVALID;
  stdio = calloc(1, sizeof *stdio);
  if (!stdio) return fault_set(fault, ST_NOMEM, 0, NULL, "out of memory");
  stdio->gone = ended;
  stdio->user = user;
  if (start(stdio, env) != ST_OK) {
    fault_set(fault, ST_IO, 0, NULL, "stdio: %s", strerror(errno));
    if (stdio->in.fd > 2) close(stdio->in.fd);
    if (stdio->out.fd > 2) close(stdio->out.fd);
    free(stdio);
    return ST_IO;
  }
  *out = &stdio->transport;
  return ST_OK;
}
