/*
 * clock: monotonic nanoseconds behind one indirection, so that a fake clock can stand in for the real one.
 * Everything in the host that asks for the time asks a `struct clock`.
 */
#ifndef IPCHOST_BASE_CLOCK_H
#define IPCHOST_BASE_CLOCK_H

#include <stdint.h>

struct clock {
  uint64_t (*now)(const struct clock *clock); /* monotonic nanoseconds */
  uint64_t fake;                              /* what a fake clock answers; advanced by its owner */
};

/* The system's CLOCK_MONOTONIC. */
struct clock clock_system(void);
/* A clock that stands still at `now` until its owner changes `fake`. */
struct clock clock_fake(uint64_t now);

static inline uint64_t clock_now(const struct clock *clock) {
  return clock->now(clock);
}

#endif
