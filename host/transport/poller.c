/* poller: see poller.h. */
#include "transport/poller.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define EVENTS_A_TURN 128 /* the others of the loop have a right to run */
#define STEADY 4          /* so many turns in a row make a watch steady */
#define LOOK_EVERY 16     /* turns after which the others are looked for all the same */

struct poller {
  uv_poll_t poll;
  size_t waiting;       /* watches that wait for something */
  struct watch *steady; /* the only one that could be read in the last `streak` turns, or NULL */
  unsigned streak;
  int fd;
};

static unsigned events_of(const struct epoll_event *event) {
  if (event->events & (EPOLLERR | EPOLLHUP)) return WATCH_READ | WATCH_WRITE;
  return (event->events & EPOLLIN ? WATCH_READ : 0U) | (event->events & EPOLLOUT ? WATCH_WRITE : 0U);
}

/*
 * A peer that asks one thing at a time is the only one that can be read, turn after turn: most likely it is
 * again, and reading it at once saves a system call of three. If not, or if others are due, the set is asked.
 */
static bool guess(struct poller *poller) {
  struct watch *steady = poller->steady;
  if (!steady || poller->streak < STEADY || ++poller->streak % LOOK_EVERY == 0) return false;
  if (steady->events & WATCH_READ && steady->ready(steady, WATCH_READ)) return true;
  poller->streak = 0;
  return false;
}

static void note(struct poller *poller, const struct epoll_event *events, int n) {
  struct watch *only = n == 1 && events->events == EPOLLIN ? events->data.ptr : NULL;
  poller->streak = only && only == poller->steady ? poller->streak + 1 : 0;
  poller->steady = only;
}

/* What an earlier one of the turn has done to a watch shows in its `events`. */
static void on_ready(uv_poll_t *poll, int status, int what) {
  struct poller *poller = poll->data;
  struct epoll_event events[EVENTS_A_TURN];
  int n;
  (void)status;
  (void)what;
  if (guess(poller)) return;
  n = epoll_wait(poller->fd, events, EVENTS_A_TURN, 0);
  note(poller, events, n);
  for (int i = 0; i < n; i++) {
    struct watch *watch = events[i].data.ptr;
    unsigned now = events_of(&events[i]) & watch->events;
    if (now) watch->ready(watch, now);
  }
}

enum status poller_open(struct poller **out, uv_loop_t *loop) {
  struct poller *poller = calloc(1, sizeof *poller);
  if (!poller) return ST_NOMEM;
  poller->fd = epoll_create1(EPOLL_CLOEXEC);
  if (poller->fd < 0 || uv_poll_init(loop, &poller->poll, poller->fd) != 0) {
    if (poller->fd >= 0) close(poller->fd);
    free(poller);
    return ST_IO;
  }
  poller->poll.data = poller;
  uv_poll_start(&poller->poll, UV_READABLE, on_ready);
  uv_unref((uv_handle_t *)&poller->poll);
  *out = poller;
  return ST_OK;
}

static void on_closed(uv_handle_t *handle) {
  free(handle->data);
}

void poller_close(struct poller *poller) {
  uv_close((uv_handle_t *)&poller->poll, on_closed);
  close(poller->fd);
}

/* The uv_poll holds the loop as long as something waits. */
static void count(struct poller *poller, int more) {
  poller->waiting += (size_t)more;
  if (poller->waiting)
    uv_ref((uv_handle_t *)&poller->poll);
  else
    uv_unref((uv_handle_t *)&poller->poll);
}

enum status watch_set(struct poller *poller, struct watch *watch, unsigned events) {
  struct epoll_event event = {.data.ptr = watch};
  int operation = !events ? EPOLL_CTL_DEL : watch->events ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
  if (events == watch->events) return ST_OK;
  if (!events && poller->steady == watch) poller->steady = NULL;
  event.events =
      (events & WATCH_READ ? (uint32_t)EPOLLIN : 0U) | (events & WATCH_WRITE ? (uint32_t)EPOLLOUT : 0U);
  if (epoll_ctl(poller->fd, operation, watch->fd, &event) != 0) return ST_IO;
  if (operation != EPOLL_CTL_MOD) count(poller, events ? 1 : -1);
  watch->events = (uint8_t)events;
  return ST_OK;
}
