/*
 * websocket: RFC 6455 framing, without extensions, for either side. Messages are unmasked and handed out
 * in place from the reader's bytes; only what is cut by the end of a read, or comes in fragments, is
 * collected in a buffer, which grows by what has arrived, never by the length that the peer declared. It
 * knows no socket and no handshake.
 */
#ifndef IPCHOST_WIRE_WEBSOCKET_H
#define IPCHOST_WIRE_WEBSOCKET_H

#include "base/buf.h"
#include "base/slice.h"
#include "base/status.h"

#define WEBSOCKET_HEADER_MAX 10 /* of a frame of the server: it is not masked */
#define WEBSOCKET_MASK 4
#define WEBSOCKET_CONTROL_MAX 125

enum websocket_kind { WEBSOCKET_MESSAGE, WEBSOCKET_CLOSE, WEBSOCKET_PING, WEBSOCKET_PONG };

/* Whose frames are read. */
enum websocket_side { WEBSOCKET_OF_CLIENT, WEBSOCKET_OF_SERVER };

/* The bytes of one read, which are unmasked where they stand. */
struct websocket_input {
  uint8_t *data;
  size_t len;
};

struct websocket_event {
  enum websocket_kind kind;
  struct slice bytes; /* the message, or what the control frame carries */
};

/* The frame in hand. */
struct websocket_frame {
  uint64_t left; /* bytes that are still to come */
  uint8_t opcode;
  bool final;
  uint8_t mask[WEBSOCKET_MASK]; /* turned so that it begins with the next byte */
};

struct websocket_reader {
  struct buf kept;    /* the message that is not whole yet; behind it a control frame that is not */
  size_t message_len; /* how much of it is the message */
  uint64_t limit;     /* the longest message allowed, bytes */
  enum websocket_side side;
  struct websocket_frame frame;
  bool in_frame;   /* the header of `frame` was read, its bytes were not */
  bool fragmented; /* a message has begun and its final fragment has not */
  uint8_t header_len;
  uint8_t header[14]; /* a header that is not whole yet */
};

void websocket_reader_init(struct websocket_reader *reader, enum websocket_side side, uint64_t limit);
void websocket_reader_deinit(struct websocket_reader *reader);
/*
 * Takes the next event from *in. ST_OK: its bytes are borrowed from *in or from the reader, until the next
 * call. ST_MORE: *in is used up. ST_MALFORMED (close 1002), ST_UNSUPPORTED (a text message: 1003) or ST_LIMIT
 * (1009, "ERR_LIMIT_PACKET", names limits.packet) with `fault` filled, or ST_NOMEM; the reader is of no use
 * after these. Call it until it says ST_MORE.
 */
enum status websocket_next(struct websocket_reader *reader, struct websocket_input *in,
                           struct websocket_event *event, struct fault *fault);
/* True when a message or a frame has begun and is not whole. */
bool websocket_reader_partial(const struct websocket_reader *reader);

/*
 * Reads what a close frame carries. ST_OK: *code is the peer's, or 1005 when it gave none; *reason borrows.
 * ST_MALFORMED with `fault` filled: 1002 (a length of 1, or a code that must not be sent), 1007 (a reason
 * that is not UTF-8).
 */
enum status websocket_close_parse(struct slice bytes, int *code, struct slice *reason, struct fault *fault);
/* True for a code that RFC 6455 or its registry lets an endpoint send. */
bool websocket_code_sendable(int code);

/* Applies a mask, or takes it away. */
void websocket_mask(uint8_t *data, size_t len, const uint8_t mask[WEBSOCKET_MASK]);

/* Writes the header of a server's binary message of `len` bytes so that it ends at `end`; returns its length.
 */
size_t websocket_header(uint8_t *end, size_t len);
/* Appends a close frame; the reason is cut to fit, between characters. A code that is not sendable is left
 * out, with the reason. ST_OK or ST_NOMEM. */
enum status websocket_put_close(struct buf *out, int code, struct slice reason);
/* Appends a pong with the bytes of a ping, at most WEBSOCKET_CONTROL_MAX. ST_OK or ST_NOMEM. */
enum status websocket_put_pong(struct buf *out, struct slice bytes);
/* Appends a client's frame of the kind, whole and masked: what control frames carry must fit. ST_OK or
 * ST_NOMEM. */
enum status websocket_put_masked(struct buf *out, enum websocket_kind kind, struct slice bytes,
                                 const uint8_t mask[WEBSOCKET_MASK]);

#endif
