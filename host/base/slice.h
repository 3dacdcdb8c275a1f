/* slice: a borrowed run of bytes. Whoever made it says how long the bytes live. It owns nothing. */
#ifndef IPCHOST_BASE_SLICE_H
#define IPCHOST_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
  const uint8_t *data;
  size_t len;
};

static inline struct slice slice_of(const void *data, size_t len) {
  struct slice s = {(const uint8_t *)data, len};
  return s;
}

static inline struct slice slice_str(const char *text) {
  return slice_of(text, strlen(text));
}

static inline bool slice_equal(struct slice a, struct slice b) {
  return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

#endif
