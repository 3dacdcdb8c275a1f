/* websocket_put: what is written: by the server the header of a message, and control frames; by a client
 * whole frames. See websocket.h. */
#include "wire/websocket.h"

#define FINAL 0x80
#define MASKED 0x80

enum { OP_BINARY = 2, OP_CLOSE = 8, OP_PING = 9, OP_PONG = 10 };

size_t websocket_header(uint8_t *end, size_t len) {
  unsigned extended = len < 126 ? 0 : len < 0x10000 ? 2 : 8;
  uint8_t *start = end - extended - 2;
  start[0] = FINAL | OP_BINARY;
  start[1] = extended == 0 ? (uint8_t)len : extended == 2 ? 126 : 127;
  for (unsigned i = 0; i < extended; i++) end[-1 - (int)i] = (uint8_t)((uint64_t)len >> 8 * i);
  return extended + 2;
}

static enum status put_control(struct buf *out, uint8_t opcode, size_t len) {
  uint8_t header[2] = {FINAL | opcode, (uint8_t)len};
  return buf_reserve(out, sizeof header + len) == ST_OK ? buf_put(out, header, sizeof header) : ST_NOMEM;
}

/* The longest start of the text that is at most `max` bytes and ends between characters. */
static size_t cut(struct slice text, size_t max) {
  if (text.len <= max) return text.len;
  while (max && (text.data[max] & 0xC0) == 0x80) max--;
  return max;
}

enum status websocket_put_close(struct buf *out, int code, struct slice reason) {
  uint8_t bytes[2] = {(uint8_t)(code >> 8), (uint8_t)code};
  size_t len = cut(reason, WEBSOCKET_CONTROL_MAX - sizeof bytes);
  if (!websocket_code_sendable(code)) return put_control(out, OP_CLOSE, 0);
  if (put_control(out, OP_CLOSE, sizeof bytes + len) != ST_OK) return ST_NOMEM;
  buf_put(out, bytes, sizeof bytes);
  return buf_put(out, reason.data, len);
}

enum status websocket_put_pong(struct buf *out, struct slice bytes) {
  if (put_control(out, OP_PONG, bytes.len) != ST_OK) return ST_NOMEM;
  return buf_put(out, bytes.data, bytes.len);
}

enum status websocket_put_masked(struct buf *out, enum websocket_kind kind, struct slice bytes,
                                 const uint8_t mask[WEBSOCKET_MASK]) {
  static const uint8_t opcodes[] = {[WEBSOCKET_MESSAGE] = OP_BINARY,
                                    [WEBSOCKET_CLOSE] = OP_CLOSE,
                                    [WEBSOCKET_PING] = OP_PING,
                                    [WEBSOCKET_PONG] = OP_PONG};
  uint8_t header[WEBSOCKET_HEADER_MAX];
  size_t len = websocket_header(header + sizeof header, bytes.len);
  uint8_t *start = header + sizeof header - len;
  start[0] = FINAL | opcodes[kind];
  start[1] |= MASKED;
  if (buf_reserve(out, len + WEBSOCKET_MASK + bytes.len) != ST_OK) return ST_NOMEM;
  buf_put(out, start, len);
  buf_put(out, mask, WEBSOCKET_MASK);
  buf_put(out, bytes.data, bytes.len);
  websocket_mask(out->data + out->len - bytes.len, bytes.len, mask);
  return ST_OK;
}
