/* Blocks: the stream vectors, cut into reads of every small size. */
#include "check.h"
#include "packet_vectors.h"
#include "wire/block.h"

struct outcome {
  size_t seen;
  bool same;
  struct fault fault;
};

/* Takes the blocks out of one read; false once the reader failed. */
static bool take_read(struct block_reader *reader, struct slice in, const struct stream_vector *vector,
                      struct outcome *outcome) {
  struct slice block;
  enum status status;
  while ((status = block_next(reader, &in, &block, &outcome->fault)) == ST_OK) {
    if (outcome->seen >= vector->count || !slice_equal(block, vector->blocks[outcome->seen]))
      outcome->same = false;
    if (block_reader_partial(reader)) outcome->same = false;
    outcome->seen++;
  }
  if (status == ST_MORE && in.len) outcome->same = false;
  return status == ST_MORE;
}

static bool splits_as(const struct stream_vector *vector, size_t step) {
  struct outcome outcome = {.same = true};
  struct block_reader reader;
  bool good, partial;
  block_reader_init(&reader, vector->limit);
  for (size_t at = 0; at < vector->bytes.len; at += step) {
    size_t len = vector->bytes.len - at < step ? vector->bytes.len - at : step;
    uint8_t *read = exact_copy(slice_of(vector->bytes.data + at, len));
    bool more = take_read(&reader, slice_of(read, len), vector, &outcome);
    free(read);
    if (!more) break;
  }
  partial = block_reader_partial(&reader);
  good = outcome.same && outcome.seen == vector->count && outcome.fault.close == vector->close;
  block_reader_deinit(&reader);
  return good && (vector->close || partial == vector->partial);
}

TEST(streams_split_the_same_in_any_reads) {
  static const size_t steps[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 64, 1000, SIZE_MAX / 2};
  for (size_t i = 0; i < COUNT(stream_vectors); i++)
    for (size_t k = 0; k < COUNT(steps); k++)
      if (!CHECK(splits_as(&stream_vectors[i], steps[k])))
        fprintf(stderr, "  vector: %s, in steps of %zu\n", stream_vectors[i].name, steps[k]);
}

TEST(a_whole_block_is_handed_out_in_place) {
  static const uint8_t bytes[] = {3, 0, 0, 0, 'a', 'b', 'c', 1, 0, 0, 0, 'd'};
  struct slice in = slice_of(bytes, sizeof bytes), block;
  struct block_reader reader;
  block_reader_init(&reader, 16);
  CHECK_INT(block_next(&reader, &in, &block, NULL), ST_OK);
  CHECK(block.data == bytes + 4 && block.len == 3);
  CHECK_INT(block_next(&reader, &in, &block, NULL), ST_OK);
  CHECK(block.data == bytes + 11 && block.len == 1);
  CHECK_INT(block_next(&reader, &in, &block, NULL), ST_MORE);
  CHECK(reader.partial.data == NULL);
  block_reader_deinit(&reader);
}

TEST(a_declared_length_reserves_nothing) {
  uint8_t bytes[BLOCK_HEADER + 2] = {0};
  struct slice in = slice_of(bytes, sizeof bytes), block;
  struct block_reader reader;
  block_header(bytes, (size_t)1 << 30);
  block_reader_init(&reader, UINT64_MAX);
  CHECK_INT(block_next(&reader, &in, &block, NULL), ST_MORE);
  CHECK(in.len == 0 && block_reader_partial(&reader));
  CHECK(reader.partial.cap <= 64);
  block_reader_deinit(&reader);
  CHECK(!block_reader_partial(&reader));
}

/* A connection that falls idle behind a long block gives its buffer back. */
TEST(a_long_block_leaves_no_buffer_behind) {
  enum { LEN = 5000 };
  static uint8_t bytes[BLOCK_HEADER + LEN];
  struct slice first = slice_of(bytes, 100), last = slice_of(bytes + 100, sizeof bytes - 100), block;
  struct block_reader reader;
  block_header(bytes, LEN);
  block_reader_init(&reader, LEN);
  CHECK_INT(block_next(&reader, &first, &block, NULL), ST_MORE);
  CHECK_INT(block_next(&reader, &last, &block, NULL), ST_OK);
  CHECK_INT(block.len, LEN);
  CHECK_INT(block_next(&reader, &last, &block, NULL), ST_MORE);
  CHECK(reader.partial.cap <= 256);
  block_reader_deinit(&reader);
}

TEST(an_empty_read_changes_nothing) {
  struct slice none = slice_of(NULL, 0), cut = slice_of("\x02\0", 2), rest = slice_of("\0\0hi", 4), block;
  struct block_reader reader;
  block_reader_init(&reader, 16);
  CHECK_INT(block_next(&reader, &none, &block, NULL), ST_MORE);
  CHECK_INT(block_next(&reader, &cut, &block, NULL), ST_MORE);
  CHECK_INT(block_next(&reader, &none, &block, NULL), ST_MORE);
  CHECK(block_reader_partial(&reader));
  CHECK_INT(block_next(&reader, &rest, &block, NULL), ST_OK);
  CHECK(slice_equal(block, slice_str("hi")));
  block_reader_deinit(&reader);
}

TEST(faults_name_the_limit) {
  struct slice over = slice_of("\x11\0\0\0", 4), reserved = slice_of("\0\0\0\x80", 4), block;
  struct block_reader reader;
  struct fault fault;
  block_reader_init(&reader, 16);
  CHECK_INT(block_next(&reader, &over, &block, &fault), ST_LIMIT);
  CHECK_STR(fault.code, "ERR_LIMIT_PACKET");
  CHECK_STR(fault.text, "limits.packet (16 bytes) exceeded by a block of 17 bytes");
  CHECK_INT(block_next(&reader, &reserved, &block, &fault), ST_MALFORMED);
  CHECK_STR(fault.code, "ERR_PROTOCOL");
  block_reader_deinit(&reader);
}

TEST(headers_are_little_endian) {
  uint8_t header[BLOCK_HEADER];
  block_header(header, 0x7a030201);
  CHECK(memcmp(header, "\x01\x02\x03\x7a", 4) == 0);
}

int main(void) {
  RUN(streams_split_the_same_in_any_reads);
  RUN(a_whole_block_is_handed_out_in_place);
  RUN(a_declared_length_reserves_nothing);
  RUN(a_long_block_leaves_no_buffer_behind);
  RUN(an_empty_read_changes_nothing);
  RUN(faults_name_the_limit);
  RUN(headers_are_little_endian);
  return check_end();
}
