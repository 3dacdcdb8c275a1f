/*
 * cbor: the primitives of RFC 8949 that everything on the wire is made of: item heads, skipping,
 * well-formedness. A pure codec over slices: it knows no packet kind, no Lua, no allocation but the caller's
 * buf.
 */
#ifndef IPCHOST_WIRE_CBOR_H
#define IPCHOST_WIRE_CBOR_H

#include "base/buf.h"
#include "base/slice.h"
#include "base/status.h"

enum cbor_major {
  CBOR_UINT = 0,
  CBOR_NINT = 1, /* the value is -1 - n */
  CBOR_BYTES = 2,
  CBOR_TEXT = 3,
  CBOR_ARRAY = 4,
  CBOR_MAP = 5,
  CBOR_TAG = 6,
  CBOR_SIMPLE = 7
};

/* One item head: for major 7 `info` tells simple values (< 24, 24), half (25), float (26), double (27) and
 * break (31). */
struct cbor_head {
  uint8_t major;
  uint8_t info;    /* the low five bits of the initial byte */
  bool indefinite; /* info 31 on majors 2 to 5; for major 7 it is the break */
  uint64_t value;  /* argument: number, length, count, tag, or the bits of the float */
};

/*
 * Reads one head from the front of *in and moves *in past it. ST_OK; ST_MALFORMED for reserved info values
 * (28 to 30), a truncated head, or indefinite length where none is allowed (majors 0, 1, 6). Non-minimal
 * lengths are accepted (RFC 8949 asks no more of a decoder). The content of strings is not consumed.
 */
enum status cbor_read_head(struct slice *in, struct cbor_head *out);
/* Reads an unsigned integer of at most 2^53 - 1. ST_OK or ST_MALFORMED. */
enum status cbor_read_uint(struct slice *in, uint64_t *out);
enum status cbor_read_bool(struct slice *in, bool *out);
/* Reads a definite-length string of `major` (CBOR_BYTES or CBOR_TEXT; text is NOT checked for UTF-8). Borrows
 * from in. */
enum status cbor_read_string(struct slice *in, enum cbor_major major, struct slice *out);
/*
 * Skips one whole well-formed item, iteratively. An array, map or string of chunks is a level; at most
 * `depth` of them (and never more than CBOR_DEPTH_MAX) may stand within one another; tags take none. ST_OK,
 * ST_MALFORMED, ST_LIMIT.
 */
#define CBOR_DEPTH_MAX 1024u
enum status cbor_skip(struct slice *in, unsigned depth);

/* Writers append and return ST_OK or ST_NOMEM. Heads are always minimal. */
enum status cbor_put_head(struct buf *out, enum cbor_major major, uint64_t value);
static inline enum status cbor_put_uint(struct buf *out, uint64_t value) {
  return cbor_put_head(out, CBOR_UINT, value);
}
enum status cbor_put_int(struct buf *out, int64_t value);
enum status cbor_put_bool(struct buf *out, bool value);
enum status cbor_put_string(struct buf *out, enum cbor_major major, struct slice bytes);
static inline enum status cbor_put_text(struct buf *out, const char *text) {
  return cbor_put_string(out, CBOR_TEXT, slice_str(text));
}
/* Half for -0, NaN and the infinities (0xf98000, 0xf97e00, 0xf97c00, 0xf9fc00), else float if it keeps the
 * value, else double: docs/protocol.md, section 8. Never writes an integer. */
enum status cbor_put_float(struct buf *out, double value);
double cbor_half_to_double(uint16_t half);

#endif
