/*
 * log: see log.h. Lines are made by whoever logs and appended to a queue; the thread takes the whole queue at
 * once and writes it without holding the lock, so that a reader that stands still costs the others nothing.
 */
#include "base/log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log_format.h"

#define TEXT_MAX 65536 /* of one line; the rest is cut */
#define CLOSE_SECONDS 1

struct log {
  int fd;
  enum log_level level;
  enum log_format format;
  bool color;
  size_t queue_max;
  log_sink_fn sink; /* instead of all that follows */
  void *sink_user;
  pthread_t thread;
  pthread_mutex_t lock; /* guards what follows */
  pthread_cond_t wake;  /* for the thread: there is something to do */
  pthread_cond_t idle;  /* for log_close: the thread has ended */
  struct buf queue;
  size_t taken; /* bytes that the thread is writing */
  uint64_t dropped;
  bool closing, ended;
};

/* ---- the thread ---- */

/* The only place where the thread may be cancelled: it holds no lock here. */
static ssize_t write_some(int fd, const uint8_t *data, size_t len) {
  struct pollfd writable = {fd, POLLOUT, 0};
  ssize_t written;
  int old;
  pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &old);
  written = write(fd, data, len);
  if (written < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
    poll(&writable, 1, -1);
    written = 0;
  } else if (written < 0 && errno == EINTR) {
    written = 0;
  }
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
  return written;
}

/* What cannot be written is lost: there is nobody left to tell. */
static void write_all(struct log *log, struct slice bytes) {
  while (bytes.len) {
    ssize_t written = write_some(log->fd, bytes.data, bytes.len);
    if (written < 0) return;
    bytes = slice_of(bytes.data + written, bytes.len - (size_t)written);
  }
}

static enum status put_line(struct log *log, struct buf *out, enum log_level level, const char *where,
                            struct slice text) {
  struct log_entry entry = {.level = level, .where = where, .text = text};
  if (text.len > TEXT_MAX) {
    entry.text.len = TEXT_MAX;
    entry.cut = text.len - TEXT_MAX;
  }
  clock_gettime(CLOCK_REALTIME, &entry.time);
  return log_format_entry(out, &entry, log->format, log->color);
}

static void put_dropped(struct log *log, struct buf *out, uint64_t dropped) {
  char text[96];
  size_t len = out->len;
  snprintf(text, sizeof text, "%llu lines were dropped: limits.log_queue is full",
           (unsigned long long)dropped);
  if (dropped && put_line(log, out, LOG_WARN, "log", slice_str(text)) != ST_OK) out->len = len;
}

/* Waits for lines and takes them; false at the end. */
static bool take(struct log *log, struct buf *batch) {
  uint64_t dropped;
  struct buf spare = *batch;
  bool more;
  pthread_mutex_lock(&log->lock);
  log->taken = 0;
  while (!log->queue.len && !log->dropped && !log->closing) pthread_cond_wait(&log->wake, &log->lock);
  more = log->queue.len || log->dropped;
  *batch = log->queue;
  log->queue = spare;
  log->taken = batch->len;
  dropped = log->dropped;
  log->dropped = 0;
  pthread_mutex_unlock(&log->lock);
  put_dropped(log, batch, dropped);
  return more;
}

static void free_buf(void *buf) {
  buf_deinit(buf);
}

static void *run(void *arg) {
  struct log *log = arg;
  struct buf batch = {0};
  int old;
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
  pthread_cleanup_push(free_buf, &batch);
  while (take(log, &batch)) {
    write_all(log, buf_slice(&batch));
    buf_reset(&batch, 4096);
  }
  pthread_cleanup_pop(1);
  pthread_mutex_lock(&log->lock);
  log->ended = true;
  pthread_cond_signal(&log->idle);
  pthread_mutex_unlock(&log->lock);
  return NULL;
}

/* ---- open and close ---- */

static bool wants_color(int fd) {
  const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
  return isatty(fd) && !(no_color && *no_color) && term && strcmp(term, "dumb") != 0;
}

/* Signals are for the other threads; a SIGPIPE of this one stays blocked. */
static int start_thread(struct log *log) {
  sigset_t all, old;
  int error;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  error = pthread_create(&log->thread, NULL, run, log);
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  return error;
}

static void destroy(struct log *log) {
  pthread_cond_destroy(&log->wake);
  pthread_cond_destroy(&log->idle);
  pthread_mutex_destroy(&log->lock);
  buf_deinit(&log->queue);
  free(log);
}

enum status log_open(struct log **out, int fd, enum log_level level, enum log_format format,
                     size_t queue_max) {
  pthread_condattr_t monotonic;
  struct log *log = calloc(1, sizeof *log);
  if (!log) return ST_NOMEM;
  log->fd = fd;
  log->level = level;
  log->format = format;
  log->color = format == LOG_TEXT && wants_color(fd);
  log->queue_max = queue_max;
  pthread_mutex_init(&log->lock, NULL);
  pthread_cond_init(&log->wake, NULL);
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init(&log->idle, &monotonic);
  pthread_condattr_destroy(&monotonic);
  if (start_thread(log) != 0) {
    destroy(log);
    return ST_IO;
  }
  *out = log;
  return ST_OK;
}

enum status log_open_sink(struct log **out, enum log_level level, log_sink_fn sink, void *user) {
  struct log *log = calloc(1, sizeof *log);
  if (!log) return ST_NOMEM;
  log->level = level;
  log->sink = sink;
  log->sink_user = user;
  *out = log;
  return ST_OK;
}

void log_close(struct log *log) {
  struct timespec until;
  int error = 0;
  if (!log) return;
  if (log->sink) {
    free(log);
    return;
  }
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_sec += CLOSE_SECONDS;
  pthread_mutex_lock(&log->lock);
  log->closing = true;
  pthread_cond_signal(&log->wake);
  while (!log->ended && error != ETIMEDOUT) error = pthread_cond_timedwait(&log->idle, &log->lock, &until);
  pthread_mutex_unlock(&log->lock);
  if (error == ETIMEDOUT) pthread_cancel(log->thread);
  pthread_join(log->thread, NULL);
  destroy(log);
}

/* ---- logging ---- */

bool log_enabled(const struct log *log, enum log_level level) {
  return log && level >= log->level && level < LOG_OFF;
}

static void enqueue(struct log *log, const struct buf *line) {
  pthread_mutex_lock(&log->lock);
  if (!line->len || log->queue.len + log->taken + line->len > log->queue_max ||
      buf_put(&log->queue, line->data, line->len) != ST_OK)
    log->dropped++;
  pthread_cond_signal(&log->wake);
  pthread_mutex_unlock(&log->lock);
}

void log_text(struct log *log, enum log_level level, const char *where, struct slice text) {
  struct buf line = {0};
  if (!log_enabled(log, level)) return;
  if (log->sink) {
    log->sink(log->sink_user, level, where, text);
    return;
  }
  if (put_line(log, &line, level, where, text) != ST_OK) line.len = 0;
  enqueue(log, &line);
  buf_deinit(&line);
}

void log_line(struct log *log, enum log_level level, const char *where, const char *format, ...) {
  char brief[512], *text = brief;
  va_list args;
  int len;
  if (!log_enabled(log, level)) return;
  va_start(args, format);
  len = vsnprintf(brief, sizeof brief, format, args);
  va_end(args);
  if (len < 0) return;
  if ((size_t)len >= sizeof brief && (text = malloc((size_t)len + 1))) {
    va_start(args, format);
    vsnprintf(text, (size_t)len + 1, format, args);
    va_end(args);
  }
  if (!text) { /* out of memory: the beginning will do */
    text = brief;
    len = sizeof brief - 1;
  }
  log_text(log, level, where, slice_of(text, (size_t)len));
  if (text != brief) free(text);
}
