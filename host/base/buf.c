/* buf: see buf.h. */
#include "base/buf.h"

#include <stdlib.h>

enum status buf_grow(struct buf *buf, size_t more) {
  size_t need, cap = buf->cap ? buf->cap : 64;
  uint8_t *data;
  if (__builtin_add_overflow(buf->len, more, &need) || need > SIZE_MAX / 2) return ST_NOMEM;
  while (cap < need) cap *= 2;
  data = realloc(buf->data, cap);
  if (!data) return ST_NOMEM;
  buf->data = data;
  buf->cap = cap;
  return ST_OK;
}

void buf_deinit(struct buf *buf) {
  free(buf->data);
  buf->data = NULL;
  buf->len = buf->cap = 0;
}

void buf_reset(struct buf *buf, size_t keep) {
  if (buf->cap > keep) buf_deinit(buf);
  buf->len = 0;
}
