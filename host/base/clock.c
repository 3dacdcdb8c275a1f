/* clock: see clock.h. */
#include "base/clock.h"

#include <stddef.h>
#include <time.h>

static uint64_t system_now(const struct clock *clock) {
  struct timespec ts;
  (void)clock;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return (uint64_t)ts.tv_sec * UINT64_C(1000000000) + (uint64_t)ts.tv_nsec;
}

static uint64_t fake_now(const struct clock *clock) {
  return clock->fake;
}

struct clock clock_system(void) {
  return (struct clock){system_now, 0};
}

struct clock clock_fake(uint64_t now) {
  return (struct clock){fake_now, now};
}
