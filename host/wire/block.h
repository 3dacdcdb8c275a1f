/*
 * block: the framing of stream transports, docs/protocol.md section 1. Whole blocks are handed out in place
 * from the reader's bytes; only a block that is cut by the end of a read is collected in a buffer of its own,
 * which grows by what has arrived, never by the length that the peer declared.
 */
#ifndef IPCHOST_WIRE_BLOCK_H
#define IPCHOST_WIRE_BLOCK_H

#include "base/buf.h"
#include "base/slice.h"
#include "base/status.h"

#define BLOCK_HEADER 4

struct block_reader {
  struct buf partial; /* header and bytes of the one block that is not whole yet */
  uint64_t limit;     /* the longest block allowed, bytes */
};

void block_reader_init(struct block_reader *reader, uint64_t limit);
void block_reader_deinit(struct block_reader *reader);
/*
 * Takes the next whole block from *in. ST_OK: *block borrows from *in or from the reader, until the next
 * call. ST_MORE: *in is used up (what was left of it is kept). ST_MALFORMED (reserved bit: close 1002) or
 * ST_LIMIT (close 1009, "ERR_LIMIT_PACKET", names limits.packet) with `fault` filled; the reader is of no use
 * after that. ST_NOMEM. Call it until it says ST_MORE.
 */
enum status block_next(struct block_reader *reader, struct slice *in, struct slice *block,
                       struct fault *fault);
/* True when a block has begun and is not whole: an end of file now cuts it. */
bool block_reader_partial(const struct block_reader *reader);
/* Writes the 4-byte header of a block of `len` bytes (below 2^31). */
void block_header(uint8_t out[BLOCK_HEADER], size_t len);

#endif
