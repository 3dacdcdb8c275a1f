/* websocket: see websocket.h. The reader; what is written is in websocket_put.c. */
#include "wire/websocket.h"

#include <inttypes.h>

#include "base/utf8.h"

/* An idle connection keeps no buffer worth naming. */
#define KEEP 256

#define FINAL 0x80
#define RESERVED 0x70
#define MASKED 0x80
#define LEN_16 126 /* the length follows in two bytes */
#define LEN_64 127
#define SHORT_HEADER (2 + WEBSOCKET_MASK)

enum opcode { OP_CONTINUATION = 0, OP_TEXT = 1, OP_BINARY = 2, OP_CLOSE = 8, OP_PING = 9, OP_PONG = 10 };

static bool is_control(uint8_t opcode) {
  return opcode & 8;
}

static enum status broken(struct fault *fault, const char *what) {
  return fault_set(fault, ST_MALFORMED, 1002, "ERR_PROTOCOL", "websocket: %s", what);
}

/* ---- the header of a frame ---- */

static enum status check_control(uint8_t first, unsigned len, struct fault *fault) {
  if (!(first & FINAL)) return broken(fault, "a control frame must not be fragmented");
  if (len > WEBSOCKET_CONTROL_MAX) return broken(fault, "a control frame is longer than 125 bytes");
  if ((first & 15) > OP_PONG) return broken(fault, "reserved opcode");
  return ST_OK;
}

static enum status check_data(const struct websocket_reader *reader, uint8_t opcode, struct fault *fault) {
  if (opcode > OP_BINARY) return broken(fault, "reserved opcode");
  if (opcode == OP_CONTINUATION && !reader->fragmented)
    return broken(fault, "a continuation without a message");
  if (opcode != OP_CONTINUATION && reader->fragmented)
    return broken(fault, "a message inside of a fragmented one");
  if (opcode == OP_TEXT)
    return fault_set(fault, ST_UNSUPPORTED, 1003, "ERR_PROTOCOL",
                     "websocket: text messages are not spoken here; send binary ones");
  return ST_OK;
}

static bool is_masked(const struct websocket_reader *reader) {
  return reader->side == WEBSOCKET_OF_CLIENT;
}

/* What the first two bytes tell. */
static enum status check_start(const struct websocket_reader *reader, const uint8_t *bytes,
                               struct fault *fault) {
  if (bytes[0] & RESERVED) return broken(fault, "a reserved bit is set");
  if (!!(bytes[1] & MASKED) != is_masked(reader))
    return broken(fault,
                  is_masked(reader) ? "a client's frame must be masked" : "a server's frame is masked");
  return is_control(bytes[0] & 15) ? check_control(bytes[0], bytes[1] & 127, fault)
                                   : check_data(reader, bytes[0] & 15, fault);
}

static uint64_t big_endian(const uint8_t *bytes, unsigned count) {
  uint64_t value = 0;
  for (unsigned i = 0; i < count; i++) value = value << 8 | bytes[i];
  return value;
}

static enum status check_length(const struct websocket_reader *reader, const struct websocket_frame *frame,
                                unsigned extended, struct fault *fault) {
  uint64_t least = extended == 2 ? LEN_16 : extended == 8 ? 0x10000 : 0;
  if (frame->left < least) return broken(fault, "the length is not written as short as it can be");
  if (frame->left >> 63) return broken(fault, "the length's top bit must be 0");
  if (!is_control(frame->opcode) && frame->left + reader->message_len > reader->limit)
    return fault_set(fault, ST_LIMIT, 1009, "ERR_LIMIT_PACKET",
                     "limits.packet (%" PRIu64 " bytes) exceeded by a message of %" PRIu64 " bytes or more",
                     reader->limit, frame->left + reader->message_len);
  return ST_OK;
}

/* Reads the header at the front of `len` bytes. ST_OK and its size; ST_MORE; or what is wrong, as soon as it
 * can be told. */
static enum status read_header(const struct websocket_reader *reader, const uint8_t *bytes, size_t len,
                               struct websocket_frame *frame, size_t *size, struct fault *fault) {
  enum status status;
  unsigned short_len, extended;
  if (len < 2) return ST_MORE;
  if ((status = check_start(reader, bytes, fault)) != ST_OK) return status;
  short_len = bytes[1] & 127;
  extended = short_len == LEN_64 ? 8 : short_len == LEN_16 ? 2 : 0;
  *size = 2 + extended + (is_masked(reader) ? WEBSOCKET_MASK : 0);
  if (len < 2 + extended) return ST_MORE;
  frame->opcode = bytes[0] & 15;
  frame->final = bytes[0] & FINAL;
  frame->left = extended ? big_endian(bytes + 2, extended) : short_len;
  if ((status = check_length(reader, frame, extended, fault)) != ST_OK) return status;
  if (len < *size) return ST_MORE;
  if (is_masked(reader)) memcpy(frame->mask, bytes + 2 + extended, sizeof frame->mask);
  return ST_OK;
}

static void advance(struct websocket_input *in, size_t by) {
  in->data += by;
  in->len -= by;
}

/* A header that the end of a read has cut. */
static enum status collect_header(struct websocket_reader *reader, struct websocket_input *in,
                                  struct fault *fault) {
  enum status status = ST_MORE;
  size_t size;
  while (in->len && status == ST_MORE) {
    reader->header[reader->header_len++] = *in->data;
    advance(in, 1);
    status = read_header(reader, reader->header, reader->header_len, &reader->frame, &size, fault);
  }
  if (status == ST_OK) reader->header_len = 0;
  return status;
}

static enum status next_header(struct websocket_reader *reader, struct websocket_input *in,
                               struct fault *fault) {
  enum status status;
  size_t size = 0;
  if (reader->header_len) return collect_header(reader, in, fault);
  status = read_header(reader, in->data, in->len, &reader->frame, &size, fault);
  if (status == ST_MORE) return collect_header(reader, in, fault);
  if (status == ST_OK) advance(in, size);
  return status;
}

/* ---- its bytes ---- */

void websocket_mask(uint8_t *data, size_t len, const uint8_t mask[WEBSOCKET_MASK]) {
  uint32_t half;
  uint64_t wide, word;
  size_t at = 0;
  memcpy(&half, mask, sizeof half);
  wide = (uint64_t)half << 32 | half;
  for (; len - at >= sizeof word; at += sizeof word) {
    memcpy(&word, data + at, sizeof word);
    word ^= wide;
    memcpy(data + at, &word, sizeof word);
  }
  for (; at < len; at++) data[at] ^= mask[at & 3];
}

static enum websocket_kind kind_of(uint8_t opcode) {
  switch (opcode) {
  case OP_CLOSE:
    return WEBSOCKET_CLOSE;
  case OP_PING:
    return WEBSOCKET_PING;
  case OP_PONG:
    return WEBSOCKET_PONG;
  default:
    return WEBSOCKET_MESSAGE;
  }
}

/* A short message of a client in one frame, between messages and whole in the input: most are, and need no
 * more looks than these. */
static bool take_short(const struct websocket_reader *reader, struct websocket_input *in,
                       struct websocket_event *event) {
  uint8_t *bytes = in->data, *message = bytes + SHORT_HEADER;
  size_t len;
  if (in->len < SHORT_HEADER || bytes[0] != (FINAL | OP_BINARY) || bytes[1] < MASKED ||
      bytes[1] >= (MASKED | LEN_16))
    return false;
  len = bytes[1] & 127;
  if (in->len - SHORT_HEADER < len || len > reader->limit || reader->header_len || reader->fragmented ||
      !is_masked(reader))
    return false;
  websocket_mask(message, len, bytes + 2);
  *event = (struct websocket_event){WEBSOCKET_MESSAGE, slice_of(message, len)};
  advance(in, SHORT_HEADER + len);
  return true;
}

/* A frame that is an event by itself and stands whole in the input. */
static bool take_whole(struct websocket_reader *reader, struct websocket_input *in,
                       struct websocket_event *event) {
  const struct websocket_frame *frame = &reader->frame;
  size_t len = (size_t)frame->left;
  if (!frame->final || frame->opcode == OP_CONTINUATION || in->len < frame->left) return false;
  if (is_masked(reader)) websocket_mask(in->data, len, frame->mask);
  *event = (struct websocket_event){kind_of(frame->opcode), slice_of(in->data, len)};
  advance(in, len);
  return true;
}

static void turn_mask(uint8_t mask[WEBSOCKET_MASK], size_t by) {
  uint8_t turned[WEBSOCKET_MASK];
  for (size_t i = 0; i < WEBSOCKET_MASK; i++) turned[i] = mask[(i + by) & 3];
  memcpy(mask, turned, sizeof turned);
}

/* Moves what has arrived of the frame to the buffer. ST_OK: that is all of it. */
static enum status collect(struct websocket_reader *reader, struct websocket_input *in) {
  struct websocket_frame *frame = &reader->frame;
  size_t part = in->len < frame->left ? in->len : (size_t)frame->left;
  if (is_masked(reader)) websocket_mask(in->data, part, frame->mask);
  if (buf_put(&reader->kept, in->data, part) != ST_OK) return ST_NOMEM;
  turn_mask(frame->mask, part);
  advance(in, part);
  frame->left -= part;
  if (!is_control(frame->opcode)) reader->message_len = reader->kept.len;
  return frame->left ? ST_MORE : ST_OK;
}

/* The frame in hand was collected. True: that makes an event. */
static bool finish(struct websocket_reader *reader, struct websocket_event *event) {
  const struct websocket_frame *frame = &reader->frame;
  size_t from = is_control(frame->opcode) ? reader->message_len : 0;
  reader->in_frame = false;
  if (!is_control(frame->opcode)) {
    reader->fragmented = !frame->final;
    if (!frame->final) return false;
    reader->message_len = 0;
  }
  *event = (struct websocket_event){kind_of(frame->opcode), buf_slice(&reader->kept)};
  if (from) event->bytes = slice_of(reader->kept.data + from, reader->kept.len - from);
  return true;
}

/* What was handed out of the buffer is done with. */
static void release(struct websocket_reader *reader) {
  if (reader->in_frame || reader->kept.len == reader->message_len) return;
  if (reader->message_len)
    reader->kept.len = reader->message_len;
  else
    buf_reset(&reader->kept, KEEP);
}

enum status websocket_next(struct websocket_reader *reader, struct websocket_input *in,
                           struct websocket_event *event, struct fault *fault) {
  enum status status;
  release(reader);
  for (;;) {
    if (!reader->in_frame) {
      if (take_short(reader, in, event)) return ST_OK;
      if (!in->len) return ST_MORE;
      if ((status = next_header(reader, in, fault)) != ST_OK) return status;
      if (take_whole(reader, in, event)) return ST_OK;
      reader->in_frame = true;
    }
    if ((status = collect(reader, in)) != ST_OK) return status;
    if (finish(reader, event)) return ST_OK;
  }
}

/* ---- the rest ---- */

void websocket_reader_init(struct websocket_reader *reader, enum websocket_side side, uint64_t limit) {
  *reader = (struct websocket_reader){.side = side, .limit = limit};
}

void websocket_reader_deinit(struct websocket_reader *reader) {
  buf_deinit(&reader->kept);
}

bool websocket_reader_partial(const struct websocket_reader *reader) {
  return reader->header_len || reader->in_frame || reader->fragmented;
}

bool websocket_code_sendable(int code) {
  return (code >= 1000 && code <= 1014 && (code < 1004 || code > 1006)) || (code >= 3000 && code <= 4999);
}

enum status websocket_close_parse(struct slice bytes, int *code, struct slice *reason, struct fault *fault) {
  *code = 1005;
  *reason = slice_of(NULL, 0);
  if (!bytes.len) return ST_OK;
  if (bytes.len == 1) return broken(fault, "half a close code");
  *code = (int)big_endian(bytes.data, 2);
  if (!websocket_code_sendable(*code)) return broken(fault, "a close code that must not be sent");
  *reason = slice_of(bytes.data + 2, bytes.len - 2);
  if (utf8_valid(*reason)) return ST_OK;
  return fault_set(fault, ST_MALFORMED, 1007, "ERR_PROTOCOL", "websocket: the close reason is not UTF-8");
}
