/* wire: see wire.h. */
#include "wire.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

enum {
  MAJOR_UINT = 0,
  MAJOR_BYTES = 2,
  MAJOR_TEXT = 3,
  MAJOR_ARRAY = 4,
  MAJOR_MAP = 5,
  MAJOR_TAG = 6,
  MAJOR_SIMPLE = 7
};

void fail(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fputs("bench: ", stderr);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  va_end(arguments);
  exit(1);
}

static inline void take(struct slice *in, size_t len) {
  if (in->len < len) fail("a packet is cut");
  in->data += len;
  in->len -= len;
}

static inline uint64_t head(struct slice *in, unsigned *major) {
  if (!in->len) fail("a packet is cut");
  uint8_t first = in->data[0];
  *major = first >> 5;
  unsigned info = first & 31;
  take(in, 1);
  if (info < 24) return info;
  if (info > 27) fail("an indefinite length");
  size_t size = (size_t)1 << (info - 24);
  if (in->len < size) fail("a packet is cut");
  uint64_t value = 0;
  for (size_t i = 0; i < size; i++) value = value << 8 | in->data[i];
  take(in, size);
  return value;
}

static inline uint64_t expect(struct slice *in, unsigned wanted) {
  unsigned major;
  uint64_t value = head(in, &major);
  if (major != wanted) fail("major type %u where %u was expected", major, wanted);
  return value;
}

static inline struct slice string(struct slice *in, unsigned major) {
  uint64_t len = expect(in, major);
  struct slice text = {in->data, (size_t)len};
  take(in, (size_t)len);
  return text;
}

static void skip(struct slice *in, uint64_t count) {
  while (count--) {
    unsigned major;
    uint64_t value = head(in, &major);
    switch (major) {
    case MAJOR_BYTES:
    case MAJOR_TEXT:
      take(in, (size_t)value);
      break;
    case MAJOR_ARRAY:
      count += value;
      break;
    case MAJOR_MAP:
      count += 2 * value;
      break;
    case MAJOR_TAG:
      count++;
      break;
    default:
      break;
    }
  }
}

bool wire_next(struct slice *in, struct wire_packet *out) {
  if (!in->len) return false;
  uint64_t count = expect(in, MAJOR_ARRAY);
  out->kind = expect(in, MAJOR_UINT);
  out->payload = slice_of(NULL, 0);
  switch (out->kind) {
  case WIRE_INVOKE:
    (void)expect(in, MAJOR_UINT);
    out->call = expect(in, MAJOR_UINT);
    (void)expect(in, MAJOR_UINT);
    (void)string(in, MAJOR_TEXT);
    out->payload = string(in, MAJOR_BYTES);
    skip(in, count - 6);
    break;
  case WIRE_REPLY:
    out->call = expect(in, MAJOR_UINT);
    out->status = expect(in, MAJOR_UINT);
    out->payload = string(in, MAJOR_BYTES);
    skip(in, count - 4);
    break;
  case WIRE_POST:
    (void)expect(in, MAJOR_UINT);
    (void)string(in, MAJOR_TEXT);
    if (!expect(in, MAJOR_ARRAY)) fail("a post without a port");
    out->call = expect(in, MAJOR_UINT);
    out->payload = string(in, MAJOR_BYTES);
    skip(in, count - 5);
    break;
  case WIRE_PORT_MESSAGE:
    out->call = expect(in, MAJOR_UINT);
    skip(in, expect(in, MAJOR_ARRAY));
    out->payload = string(in, MAJOR_BYTES);
    skip(in, count - 4);
    break;
  case WIRE_BYE:
    out->call = expect(in, MAJOR_UINT);
    out->payload = string(in, MAJOR_TEXT);
    skip(in, count - 3);
    break;
  case WIRE_PING:
    out->call = expect(in, MAJOR_UINT);
    skip(in, count - 2);
    break;
  default:
    skip(in, count - 1);
  }
  return true;
}

bool wire_block(struct slice *in, struct slice *block) {
  if (in->len < 4) return false;
  uint32_t len = (uint32_t)in->data[0] | (uint32_t)in->data[1] << 8 | (uint32_t)in->data[2] << 16 |
                 (uint32_t)in->data[3] << 24;
  if (in->len - 4 < len) return false;
  *block = slice_of(in->data + 4, len);
  take(in, 4 + (size_t)len);
  return true;
}

static void put(struct buf *out, const void *data, size_t len) {
  if (buf_put(out, data, len) != ST_OK) fail("out of memory");
}

size_t wire_begin(struct buf *out) {
  size_t begin = out->len;
  put(out, "\0\0\0", 4);
  return begin;
}

void wire_end(struct buf *out, size_t begin) {
  uint32_t len = (uint32_t)(out->len - begin - 4);
  for (size_t i = 0; i < 4; i++) out->data[begin + i] = (uint8_t)(len >> (8 * i));
}

void wire_put_head(struct buf *out, unsigned major, uint64_t value) {
  uint8_t bytes[9];
  if (value < 24) {
    bytes[0] = (uint8_t)(major << 5 | value);
    put(out, bytes, 1);
    return;
  }
  unsigned log = value <= UINT8_MAX ? 0 : value <= UINT16_MAX ? 1 : value <= UINT32_MAX ? 2 : 3;
  size_t size = (size_t)1 << log;
  bytes[0] = (uint8_t)(major << 5 | (24 + log));
  for (size_t i = 0; i < size; i++) bytes[1 + i] = (uint8_t)(value >> (8 * (size - 1 - i)));
  put(out, bytes, 1 + size);
}

void wire_put_text(struct buf *out, const char *text) {
  wire_put_head(out, MAJOR_TEXT, strlen(text));
  put(out, text, strlen(text));
}

static void put_bytes(struct buf *out, struct slice bytes) {
  wire_put_head(out, MAJOR_BYTES, bytes.len);
  put(out, bytes.data, bytes.len);
}

void wire_put_hello(struct buf *out) {
  uint8_t random[32];
  if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random) fail("no random bytes");
  put(out, "\x89\x00\x01\x00", 4); /* nine items: hello, version 1, no features */
  put_bytes(out, slice_of(random, 16));
  put_bytes(out, slice_of(random + 16, 16));
  put(out, "\x00\x00\x00", 3);         /* main lane, nothing sent, nothing received */
  put_bytes(out, slice_of("\xa0", 1)); /* no details */
}

void wire_put_welcome(struct buf *out) {
  put(out, "\x85\x01\xf4\x00\x00\x41\xa0", 7);
}

void wire_put_invoke(struct buf *out, uint64_t call, struct slice payload) {
  put(out, "\x86\x03\x00", 3);
  wire_put_head(out, MAJOR_UINT, call);
  put(out,
      "\x00\x64"
      "echo",
      6);
  put_bytes(out, payload);
}

void wire_put_reply(struct buf *out, uint64_t call, struct slice payload) {
  put(out, "\x84\x05", 2);
  wire_put_head(out, MAJOR_UINT, call);
  put(out, "\x00", 1);
  put_bytes(out, payload);
}

void wire_put_join(struct buf *out) {
  put(out,
      "\x85\x07\x00\x64"
      "join"
      "\x81\x01\x41\x00",
      12);
}

void wire_put_port_open(struct buf *out, uint64_t port, uint64_t window) {
  put(out, "\x83\x08", 2);
  wire_put_head(out, MAJOR_UINT, port);
  wire_put_head(out, MAJOR_UINT, window);
}

void wire_put_port_credit(struct buf *out, uint64_t port, uint64_t bytes) {
  put(out, "\x83\x0b", 2);
  wire_put_head(out, MAJOR_UINT, port);
  wire_put_head(out, MAJOR_UINT, bytes);
}

void wire_put_port_message(struct buf *out, uint64_t port, struct slice payload) {
  put(out, "\x84\x09", 2);
  wire_put_head(out, MAJOR_UINT, port);
  put(out, "\x80", 1);
  put_bytes(out, payload);
}

void wire_put_pong(struct buf *out, uint64_t token) {
  put(out, "\x82\x14", 2);
  wire_put_head(out, MAJOR_UINT, token);
}
