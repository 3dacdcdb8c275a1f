/* websocket: see websocket.h. */
#include "websocket.h"

#include <stdio.h>
#include <unistd.h>

#include "wire.h"

enum { HEADER_MAX = 14, MASK = 4, BINARY = 0x82, MASKED = 0x80, LEN_16 = 126, LEN_64 = 127 };

static const uint8_t mask[8] = {0x37, 0xfa, 0x21, 0x3d, 0x37, 0xfa, 0x21, 0x3d};

void websocket_upgrade(int fd, const char *port) {
  char text[512];
  size_t len = 0;
  int asked = snprintf(text, sizeof text,
                       "GET /ipchost HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nConnection: Upgrade\r\n"
                       "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                       "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
                       port);
  if (write(fd, text, (size_t)asked) != asked) fail("the upgrade was cut");
  while (len < 4 || memcmp(text + len - 4, "\r\n\r\n", 4) != 0) {
    ssize_t count = read(fd, text + len, sizeof text - 1 - len);
    if (count <= 0) fail("no answer to the upgrade");
    len += (size_t)count;
  }
  text[len] = '\0';
  if (strncmp(text, "HTTP/1.1 101 ", 13) != 0) fail("no upgrade: %s", text);
}

size_t websocket_begin(struct buf *out) {
  size_t begin = out->len;
  if (buf_reserve(out, HEADER_MAX) != ST_OK) fail("out of memory");
  out->len += HEADER_MAX;
  return begin;
}

static void apply_mask(uint8_t *data, size_t len) {
  uint64_t wide, word;
  size_t at = 0;
  memcpy(&wide, mask, sizeof wide);
  for (; len - at >= sizeof word; at += sizeof word) {
    memcpy(&word, data + at, sizeof word);
    word ^= wide;
    memcpy(data + at, &word, sizeof word);
  }
  for (; at < len; at++) data[at] ^= mask[at & 3];
}

/* Writes the header at `at`; returns its length. */
static size_t put_header(uint8_t *at, size_t len) {
  unsigned extended = len < LEN_16 ? 0 : len < 0x10000 ? 2 : 8;
  at[0] = BINARY;
  at[1] = (uint8_t)(MASKED | (extended == 0 ? len : extended == 2 ? LEN_16 : LEN_64));
  for (unsigned i = 0; i < extended; i++) at[1 + extended - i] = (uint8_t)((uint64_t)len >> 8 * i);
  memcpy(at + 2 + extended, mask, MASK);
  return 2 + extended + MASK;
}

/* The header turns out shorter than its room, so the message moves up to it. */
void websocket_end(struct buf *out, size_t begin) {
  uint8_t *message = out->data + begin + HEADER_MAX;
  size_t len = out->len - begin - HEADER_MAX;
  size_t header = put_header(out->data + begin, len);
  memmove(out->data + begin + header, message, len);
  apply_mask(out->data + begin + header, len);
  out->len = begin + header + len;
}

bool websocket_block(struct slice *in, struct slice *block) {
  unsigned extended;
  uint64_t len;
  if (in->len < 2) return false;
  if (in->data[0] != BINARY) fail("a frame that is no whole binary message: %02x", in->data[0]);
  len = in->data[1];
  extended = len == LEN_64 ? 8 : len == LEN_16 ? 2 : 0;
  if (in->len < 2 + extended) return false;
  if (extended) len = 0;
  for (unsigned i = 0; i < extended; i++) len = len << 8 | in->data[2 + i];
  if (in->len - 2 - extended < len) return false;
  *block = slice_of(in->data + 2 + extended, (size_t)len);
  *in = slice_of(block->data + len, in->len - 2 - extended - (size_t)len);
  return true;
}
