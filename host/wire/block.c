/* block: see block.h. */
#include "wire/block.h"

#include <inttypes.h>

/* An idle connection keeps no buffer worth naming. */
#define KEEP 256
#define RESERVED_BIT 0x80000000u

static uint32_t declared(const uint8_t *header) {
  return (uint32_t)header[0] | (uint32_t)header[1] << 8 | (uint32_t)header[2] << 16 |
         (uint32_t)header[3] << 24;
}

static enum status check(const struct block_reader *reader, uint32_t len, struct fault *fault) {
  if (len & RESERVED_BIT)
    return fault_set(fault, ST_MALFORMED, 1002, "ERR_PROTOCOL", "block: the length's top bit must be 0");
  if (len > reader->limit)
    return fault_set(fault, ST_LIMIT, 1009, "ERR_LIMIT_PACKET",
                     "limits.packet (%" PRIu64 " bytes) exceeded by a block of %" PRIu32 " bytes",
                     reader->limit, len);
  return ST_OK;
}

/* The block in the buffer is whole, so it was handed out. */
static bool whole(const struct buf *partial) {
  return partial->len >= BLOCK_HEADER && partial->len - BLOCK_HEADER == declared(partial->data);
}

void block_reader_init(struct block_reader *reader, uint64_t limit) {
  *reader = (struct block_reader){.limit = limit};
}

void block_reader_deinit(struct block_reader *reader) {
  buf_deinit(&reader->partial);
}

bool block_reader_partial(const struct block_reader *reader) {
  return reader->partial.len && !whole(&reader->partial);
}

void block_header(uint8_t out[BLOCK_HEADER], size_t len) {
  for (unsigned i = 0; i < BLOCK_HEADER; i++) out[i] = (uint8_t)(len >> 8 * i);
}

static struct slice advance(struct slice in, size_t by) {
  return by ? slice_of(in.data + by, in.len - by) : in;
}

/* Moves bytes from *in until the buffer holds `want` of them. */
static enum status collect(struct block_reader *reader, struct slice *in, size_t want) {
  size_t missing = want - reader->partial.len;
  size_t take = missing < in->len ? missing : in->len;
  if (buf_put(&reader->partial, in->data, take) != ST_OK) return ST_NOMEM;
  *in = advance(*in, take);
  return take == missing ? ST_OK : ST_MORE;
}

static enum status next_collected(struct block_reader *reader, struct slice *in, struct slice *block,
                                  struct fault *fault) {
  enum status status = ST_OK;
  uint32_t len;
  if (reader->partial.len < BLOCK_HEADER) status = collect(reader, in, BLOCK_HEADER);
  if (status != ST_OK) return status;
  len = declared(reader->partial.data);
  status = check(reader, len, fault);
  if (status == ST_OK) status = collect(reader, in, BLOCK_HEADER + (size_t)len);
  if (status == ST_OK) *block = slice_of(reader->partial.data + BLOCK_HEADER, len);
  return status;
}

enum status block_next(struct block_reader *reader, struct slice *in, struct slice *block,
                       struct fault *fault) {
  uint32_t len;
  enum status status;
  if (whole(&reader->partial)) buf_reset(&reader->partial, KEEP);
  if (reader->partial.len || in->len < BLOCK_HEADER)
    return in->len ? next_collected(reader, in, block, fault) : ST_MORE;
  len = declared(in->data);
  status = check(reader, len, fault);
  if (status != ST_OK) return status;
  if (in->len - BLOCK_HEADER < len) return next_collected(reader, in, block, fault);
  *block = slice_of(in->data + BLOCK_HEADER, len);
  *in = advance(*in, BLOCK_HEADER + (size_t)len);
  return ST_OK;
}
