/* core_kit: what a lane and a border do in tests of the core that are not about them: nothing. */
#ifndef IPCHOST_CORE_KIT_H
#define IPCHOST_CORE_KIT_H

#include "ipc/core.h"

static inline void ignore(void *user) {
  (void)user;
}
static inline void ignore_close(void *user, const struct fault *fault) {
  (void)user;
  (void)fault;
}
static inline void ignore_contents(void *user, uint64_t contents) {
  (void)user;
  (void)contents;
}
static inline void ignore_frame(void *user, uint64_t contents, uint64_t frame) {
  (void)user;
  (void)contents;
  (void)frame;
}
static inline void ignore_frame_destroyed(void *user, uint64_t frame) {
  (void)user;
  (void)frame;
}
static inline void ignore_contents_destroyed(void *user, uint64_t contents, const struct gone *gone) {
  (void)user;
  (void)contents;
  (void)gone;
}

#endif
