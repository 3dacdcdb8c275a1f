/*
 * buf: a growable byte buffer. Appending never raises: it returns ST_NOMEM and leaves the buffer as it was.
 * A zeroed struct is an empty buffer that owns nothing; buf_deinit may be called on it any number of times.
 */
#ifndef IPCHOST_BASE_BUF_H
#define IPCHOST_BASE_BUF_H

#include "base/slice.h"
#include "base/status.h"

struct buf {
  uint8_t *data;
  size_t len;
  size_t cap;
};

/* Makes room for `more` bytes past len. Grows by doubling. */
enum status buf_grow(struct buf *buf, size_t more);
void buf_deinit(struct buf *buf);
/* Sets len to 0; gives memory back when more than `keep` bytes are held. */
void buf_reset(struct buf *buf, size_t keep);

static inline enum status buf_reserve(struct buf *buf, size_t more) {
  return buf->cap - buf->len >= more ? ST_OK : buf_grow(buf, more);
}

static inline enum status buf_put(struct buf *buf, const void *data, size_t len) {
  if (buf_reserve(buf, len) != ST_OK) return ST_NOMEM;
  if (len) memcpy(buf->data + buf->len, data, len);
  buf->len += len;
  return ST_OK;
}

static inline enum status buf_put_byte(struct buf *buf, uint8_t byte) {
  if (buf_reserve(buf, 1) != ST_OK) return ST_NOMEM;
  buf->data[buf->len++] = byte;
  return ST_OK;
}

static inline struct slice buf_slice(const struct buf *buf) {
  return slice_of(buf->data, buf->len);
}

#endif
