/*
 * websocket_frames: frames as a client writes them, for tests: put_frame appends one, and `feed` reads a
 * stream in steps, each from memory of its own, and tells the events as text.
 */
#ifndef IPCHOST_WEBSOCKET_FRAMES_H
#define IPCHOST_WEBSOCKET_FRAMES_H

#include <stdio.h>
#include <stdlib.h>

#include "wire/websocket.h"

/* `first` is the whole first byte: 0x82 is a final binary frame. */
static inline void put_frame(struct buf *out, uint8_t first, struct slice payload) {
  static const uint8_t mask[4] = {0x37, 0xfa, 0x21, 0x3d};
  size_t len = payload.len, extended = len < 126 ? 0 : len < 0x10000 ? 2 : 8;
  buf_put_byte(out, first);
  buf_put_byte(out, (uint8_t)(0x80 | (extended == 0 ? len : extended == 2 ? 126 : 127)));
  for (size_t i = extended; i; i--) buf_put_byte(out, (uint8_t)((uint64_t)len >> 8 * (i - 1)));
  buf_put(out, mask, sizeof mask);
  for (size_t i = 0; i < len; i++) buf_put_byte(out, (uint8_t)(payload.data[i] ^ mask[i & 3]));
}

/* What came of a stream: events as a letter (M, C, I, O), their length and their bytes; the last status. */
struct heard {
  struct buf events;
  enum status status;
  struct fault fault;
  bool partial;
};

static inline void hear(struct heard *heard, const struct websocket_event *event) {
  char head[32];
  snprintf(head, sizeof head, "%c%zu:", "MCIO"[event->kind], event -> bytes.len);
  buf_put(&heard->events, head, strlen(head));
  buf_put(&heard->events, event->bytes.data, event->bytes.len);
}

static inline struct heard feed(struct slice stream, size_t step, uint64_t limit) {
  struct heard heard = {.status = ST_MORE};
  struct websocket_reader reader;
  struct websocket_event event;
  websocket_reader_init(&reader, WEBSOCKET_OF_CLIENT, limit);
  while (stream.len && heard.status == ST_MORE) {
    size_t len = stream.len < step ? stream.len : step;
    uint8_t *read = malloc(len); /* gone before the next read, as a shared read buffer is */
    struct websocket_input in = {read, len};
    memcpy(read, stream.data, len);
    while ((heard.status = websocket_next(&reader, &in, &event, &heard.fault)) == ST_OK) hear(&heard, &event);
    free(read);
    stream = slice_of(stream.data + len, stream.len - len);
  }
  heard.partial = websocket_reader_partial(&reader);
  websocket_reader_deinit(&reader);
  return heard;
}

#endif
