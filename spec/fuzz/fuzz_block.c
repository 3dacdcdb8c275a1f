// layer: wire
/*
 * A stream: the first byte is the size of a read, the second the limit, the rest the bytes. However it is
 * cut, the blocks, the fault and what is left are the same as when it is read at once.
 */
#include <stdlib.h>

#include "wire/block.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
  struct buf blocks; /* each as its header and content */
  enum status status;
  bool partial;
};

static void demand(bool holds) {
  if (!holds) abort();
}

static enum status take_read(struct block_reader *reader, struct slice in, struct outcome *outcome) {
  struct slice block;
  struct fault fault = {.close = 0};
  enum status status;
  while ((status = block_next(reader, &in, &block, &fault)) == ST_OK) {
    uint8_t header[BLOCK_HEADER];
    demand(block.len <= reader->limit);
    block_header(header, block.len);
    demand(buf_put(&outcome->blocks, header, sizeof header) == ST_OK);
    demand(buf_put(&outcome->blocks, block.data, block.len) == ST_OK);
  }
  demand(status == ST_MORE ? in.len == 0 : fault.close != 0);
  return status;
}

static struct outcome split(struct slice stream, size_t step, uint64_t limit) {
  struct outcome outcome = {.status = ST_MORE};
  struct block_reader reader;
  block_reader_init(&reader, limit);
  while (stream.len && outcome.status == ST_MORE) {
    size_t len = stream.len < step ? stream.len : step;
    uint8_t *read = malloc(len); /* gone before the next read, as a shared read buffer is */
    memcpy(read, stream.data, len);
    outcome.status = take_read(&reader, slice_of(read, len), &outcome);
    free(read);
    stream = slice_of(stream.data + len, stream.len - len);
    demand(reader.partial.cap <= 64 || reader.partial.cap <= 2 * (limit + BLOCK_HEADER));
  }
  outcome.partial = block_reader_partial(&reader);
  block_reader_deinit(&reader);
  return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct slice stream;
  struct outcome whole, cut;
  if (size < 2) return 0;
  stream = slice_of(data + 2, size - 2);
  whole = split(stream, stream.len, data[1]);
  cut = split(stream, data[0] ? data[0] : 1, data[1]);
  demand(whole.status == cut.status);
  demand(whole.status != ST_MORE || whole.partial == cut.partial);
  demand(slice_equal(buf_slice(&whole.blocks), buf_slice(&cut.blocks)));
  /* what was handed out is what stands at the front of the stream */
  demand(whole.blocks.len <= stream.len);
  demand(!whole.blocks.len || memcmp(whole.blocks.data, stream.data, whole.blocks.len) == 0);
  buf_deinit(&whole.blocks);
  buf_deinit(&cut.blocks);
  return 0;
}
