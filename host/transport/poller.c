/* poller: see poller.h. */
#include "transport/poller.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define EVENTS_A_TURN 128 /* the others of the loop have a right to run */

struct poller {
  uv_poll_t poll;
  size_t waiting; /* watches that wait for something */
  int fd;
};

static unsigned events_of(const struct epoll_event *event) {
  if (event->events & (EPOLLERR | EPOLLHUP)) return WATCH_READ | WATCH_WRITE;
  return (event->events & EPOLLIN ? WATCH_READ : 0U) | (event->events & EPOLLOUT ? WATCH_WRITE : 0U);
}

/* What an earlier one of the turn has done to a watch shows in its `events`. */
static void on_ready(uv_poll_t *poll, int status, int what) {
  struct poller *poller = poll->data;
  struct epoll_event events[EVENTS_A_TURN];
  int n = epoll_wait(poller->fd, events, EVENTS_A_TURN, 0);
  (void)status;
  (void)what;
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
  event.events =
      (events & WATCH_READ ? (uint32_t)EPOLLIN : 0U) | (events & WATCH_WRITE ? (uint32_t)EPOLLOUT : 0U);
  if (epoll_ctl(poller->fd, operation, watch->fd, &event) != 0) return ST_IO;
  if (operation != EPOLL_CTL_MOD) count(poller, events ? 1 : -1);
  watch->events = (uint8_t)events;
  return ST_OK;
}
