/* CBOR primitives: heads, skipping, writers; the numbers are from RFC 8949, appendix A. */
#include <math.h>
#include <stdlib.h>

#include "check.h"
#include "wire/cbor.h"

#define BYTES(...) slice_of((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static enum status read_head(struct slice in, struct cbor_head *head, size_t *used) {
  size_t before = in.len;
  enum status status = cbor_read_head(&in, head);
  *used = before - in.len;
  return status;
}

TEST(heads_of_every_length) {
  struct cbor_head head;
  size_t used;
  CHECK_INT(read_head(BYTES(0x17), &head, &used), ST_OK);
  CHECK(head.major == CBOR_UINT && head.value == 23 && used == 1 && !head.indefinite);
  CHECK_INT(read_head(BYTES(0x38, 0x63), &head, &used), ST_OK);
  CHECK(head.major == CBOR_NINT && head.value == 99 && used == 2);
  CHECK_INT(read_head(BYTES(0x59, 0x01, 0x00), &head, &used), ST_OK);
  CHECK(head.major == CBOR_BYTES && head.value == 256 && used == 3);
  CHECK_INT(read_head(BYTES(0x9a, 0x00, 0x0f, 0x42, 0x40), &head, &used), ST_OK);
  CHECK(head.major == CBOR_ARRAY && head.value == 1000000 && used == 5);
  CHECK_INT(read_head(BYTES(0x1b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), &head, &used), ST_OK);
  CHECK(head.value == UINT64_MAX && used == 9);
  CHECK_INT(read_head(BYTES(0x18, 0x05), &head, &used), ST_OK); /* not minimal */
  CHECK_INT(head.value, 5);
}

TEST(heads_of_major_seven) {
  struct cbor_head head;
  size_t used;
  CHECK_INT(read_head(BYTES(0xf7), &head, &used), ST_OK);
  CHECK(head.info == 23 && head.value == 23);
  CHECK_INT(read_head(BYTES(0xf8, 0xff), &head, &used), ST_OK);
  CHECK(head.info == 24 && head.value == 255);
  CHECK_INT(read_head(BYTES(0xf8, 0x1f), &head, &used), ST_MALFORMED);
  CHECK_INT(read_head(BYTES(0xf9, 0x3c, 0x00), &head, &used), ST_OK);
  CHECK(head.info == 25 && head.value == 0x3c00);
  CHECK_INT(read_head(BYTES(0xff), &head, &used), ST_OK);
  CHECK(head.major == CBOR_SIMPLE && head.info == 31 && head.indefinite);
}

/* Every initial byte: allowed or not, and cut at every length. */
TEST(heads_that_are_not_well_formed) {
  for (unsigned first = 0; first < 256; first++) {
    uint8_t bytes[9] = {(uint8_t)first, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    unsigned major = first >> 5, info = first & 31;
    size_t need = info < 24 || info > 27 ? 1 : 1 + ((size_t)1 << (info - 24)), used;
    bool allowed = info < 28 || (info == 31 && major >= CBOR_BYTES && major != CBOR_TAG);
    struct cbor_head head;
    for (size_t len = 0; len <= sizeof bytes; len++) {
      enum status wanted = allowed && len >= need ? ST_OK : ST_MALFORMED;
      CHECK_INT(read_head(slice_of(bytes, len), &head, &used), wanted);
      CHECK_INT(used, wanted == ST_OK ? need : 0);
    }
  }
}

TEST(typed_reads) {
  uint64_t number = 0;
  bool flag = false;
  struct slice in = BYTES(0x1b, 0x00, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), text;
  CHECK_INT(cbor_read_uint(&in, &number), ST_OK);
  CHECK(number == (UINT64_C(1) << 53) - 1 && in.len == 0);
  in = BYTES(0x1b, 0x00, 0x20, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00);
  CHECK_INT(cbor_read_uint(&in, &number), ST_MALFORMED);
  CHECK_INT(in.len, 9);
  in = BYTES(0x20);
  CHECK_INT(cbor_read_uint(&in, &number), ST_MALFORMED);
  in = BYTES(0xf5, 0xf4, 0xf6);
  CHECK(cbor_read_bool(&in, &flag) == ST_OK && flag);
  CHECK(cbor_read_bool(&in, &flag) == ST_OK && !flag);
  CHECK_INT(cbor_read_bool(&in, &flag), ST_MALFORMED);
  CHECK_INT(in.len, 1);
  in = BYTES(0x62, 'h', 'i', 0x41, 0x00);
  CHECK_INT(cbor_read_string(&in, CBOR_BYTES, &text), ST_MALFORMED);
  CHECK_INT(cbor_read_string(&in, CBOR_TEXT, &text), ST_OK);
  CHECK(slice_equal(text, slice_str("hi")) && in.len == 2);
  CHECK_INT(cbor_read_string(&in, CBOR_BYTES, &text), ST_OK);
  in = BYTES(0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff);
  CHECK_INT(cbor_read_string(&in, CBOR_BYTES, &text), ST_MALFORMED);
  in = BYTES(0x5f, 0xff);
  CHECK_INT(cbor_read_string(&in, CBOR_BYTES, &text), ST_MALFORMED);
}

/* Skips an item that is followed by one byte, which must be all that is left. */
static bool skips(struct slice bytes, unsigned depth) {
  uint8_t *copy = malloc(bytes.len + 1);
  struct slice in;
  bool good;
  memcpy(copy, bytes.data, bytes.len);
  copy[bytes.len] = 0xff;
  in = slice_of(copy, bytes.len + 1);
  good = cbor_skip(&in, depth) == ST_OK && in.len == 1;
  free(copy);
  return good;
}

TEST(skipping_well_formed_items) {
  CHECK(skips(BYTES(0x00), 0));
  CHECK(skips(BYTES(0xfb, 1, 2, 3, 4, 5, 6, 7, 8), 0));
  CHECK(skips(BYTES(0x63, 'a', 'b', 'c'), 0));
  CHECK(skips(BYTES(0xc1, 0xc2, 0x41, 0x01), 0));
  CHECK(skips(BYTES(0x80), 1) && skips(BYTES(0xa0), 1) && skips(BYTES(0x9f, 0xff), 1));
  CHECK(skips(BYTES(0x83, 0x01, 0x82, 0x02, 0x03, 0x80), 2));
  CHECK(skips(BYTES(0xa2, 0x61, 'a', 0x01, 0x61, 'b', 0x82, 0x02, 0x03), 2));
  CHECK(skips(BYTES(0x9f, 0x01, 0x82, 0x02, 0x03, 0x9f, 0x04, 0x05, 0xff, 0xff), 2));
  CHECK(skips(BYTES(0xbf, 0x61, 'a', 0x01, 0x61, 'b', 0xa0, 0xff), 2));
  CHECK(skips(BYTES(0x5f, 0x42, 1, 2, 0x40, 0x43, 3, 4, 5, 0xff), 1));
  CHECK(skips(BYTES(0x82, 0x7f, 0x61, 'a', 0xff, 0xc1, 0x9f, 0xff), 2));
  CHECK(skips(BYTES(0x82, 0xbf, 0xff, 0xbf, 0x80, 0xa0, 0xff), 3));
}

TEST(skipping_what_is_not_well_formed) {
  static const struct slice none = {NULL, 0};
  const struct slice bad[] = {
      none,
      BYTES(0xff),
      BYTES(0xc1),
      BYTES(0x62, 'a'),
      BYTES(0x81),
      BYTES(0x82, 0x01),
      BYTES(0xa1, 0x01),
      BYTES(0x81, 0xff),
      BYTES(0xa1, 0x01, 0xff),
      BYTES(0x9f, 0x01),
      BYTES(0xbf, 0x01, 0xff),
      BYTES(0xbf, 0x01, 0x02, 0x03, 0xff),
      BYTES(0x9f, 0xc1, 0xff),
      BYTES(0x5f, 0x61, 'a', 0xff),
      BYTES(0x7f, 0x41, 'a', 0xff),
      BYTES(0x5f, 0x5f, 0xff, 0xff),
      BYTES(0x5f, 0xc1, 0x41, 'a', 0xff),
      BYTES(0x5f, 0x00, 0xff),
      BYTES(0x1c),
      BYTES(0xfc),
      BYTES(0xf8, 0x00),
      BYTES(0x9b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00),
      BYTES(0xbb, 0x80, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00),
      BYTES(0x82, 0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff),
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct slice in = bad[i];
    if (!CHECK_INT(cbor_skip(&in, 8), ST_MALFORMED)) fprintf(stderr, "  item %zu\n", i);
    CHECK(in.len == bad[i].len);
  }
}

TEST(skipping_is_bounded_in_depth_not_in_stack) {
  enum { DEEP = 1 << 20 };
  uint8_t *bytes = calloc(1, DEEP);
  const uint8_t opens[] = {0x81, 0x9f, 0xa1, 0xbf};
  for (size_t i = 0; i < sizeof opens; i++) {
    struct slice in = slice_of(bytes, DEEP);
    memset(bytes, opens[i], DEEP);
    CHECK_INT(cbor_skip(&in, 100), ST_LIMIT);
    CHECK_INT(cbor_skip(&in, UINT32_MAX), ST_LIMIT);
  }
  memset(bytes, 0xc1, DEEP); /* tags take no level */
  bytes[DEEP - 1] = 0;
  CHECK_INT(cbor_skip(&(struct slice){bytes, DEEP}, 0), ST_OK);
  memset(bytes, 0x81, DEEP);
  bytes[CBOR_DEPTH_MAX] = 0;
  CHECK_INT(cbor_skip(&(struct slice){bytes, DEEP}, CBOR_DEPTH_MAX), ST_OK);
  CHECK_INT(cbor_skip(&(struct slice){bytes, DEEP}, CBOR_DEPTH_MAX - 1), ST_LIMIT);
  free(bytes);
}

static bool wrote(struct buf *out, struct slice wanted) {
  bool same = slice_equal(buf_slice(out), wanted);
  out->len = 0;
  return same;
}

TEST(heads_are_written_minimal) {
  static const uint64_t edges[] = {0,         23, 24, 255, 256, 65535, 65536, UINT32_MAX, UINT64_C(1) << 32,
                                   UINT64_MAX};
  static const size_t sizes[] = {1, 1, 2, 2, 3, 3, 5, 5, 9, 9};
  struct buf out = {0};
  for (unsigned major = 0; major < 7; major++) {
    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) {
      struct cbor_head head;
      struct slice in;
      out.len = 0;
      CHECK_INT(cbor_put_head(&out, (enum cbor_major)major, edges[i]), ST_OK);
      in = buf_slice(&out);
      CHECK_INT(in.len, sizes[i]);
      CHECK_INT(cbor_read_head(&in, &head), ST_OK);
      CHECK(head.major == major && head.value == edges[i] && in.len == 0);
    }
  }
  buf_deinit(&out);
}

TEST(writers) {
  struct buf out = {0};
  cbor_put_int(&out, -1);
  CHECK(wrote(&out, BYTES(0x20)));
  cbor_put_int(&out, 1000);
  CHECK(wrote(&out, BYTES(0x19, 0x03, 0xe8)));
  cbor_put_int(&out, INT64_MIN);
  CHECK(wrote(&out, BYTES(0x3b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)));
  cbor_put_bool(&out, true);
  cbor_put_bool(&out, false);
  CHECK(wrote(&out, BYTES(0xf5, 0xf4)));
  cbor_put_text(&out, "ab");
  cbor_put_string(&out, CBOR_BYTES, slice_of(NULL, 0));
  CHECK(wrote(&out, BYTES(0x62, 'a', 'b', 0x40)));
  CHECK_INT(cbor_put_string(&out, CBOR_BYTES, slice_of("x", SIZE_MAX)), ST_NOMEM);
  CHECK_INT(cbor_put_string(&out, CBOR_BYTES, slice_of("x", SIZE_MAX / 2)), ST_NOMEM);
  CHECK_INT(out.len, 0);
  buf_deinit(&out);
}

static bool float_writes(double value, struct slice wanted) {
  struct buf out = {0};
  bool good = cbor_put_float(&out, value) == ST_OK && wrote(&out, wanted);
  buf_deinit(&out);
  return good;
}

TEST(floats_are_written_as_the_value_document_says) {
  CHECK(float_writes(NAN, BYTES(0xf9, 0x7e, 0x00)) && float_writes(-NAN, BYTES(0xf9, 0x7e, 0x00)));
  CHECK(float_writes(INFINITY, BYTES(0xf9, 0x7c, 0x00)) && float_writes(-INFINITY, BYTES(0xf9, 0xfc, 0x00)));
  CHECK(float_writes(-0.0, BYTES(0xf9, 0x80, 0x00)));
  CHECK(float_writes(0.0, BYTES(0xfa, 0, 0, 0, 0)));
  CHECK(float_writes(1.5, BYTES(0xfa, 0x3f, 0xc0, 0, 0)));
  CHECK(float_writes(3.4028234663852886e38, BYTES(0xfa, 0x7f, 0x7f, 0xff, 0xff)));
  CHECK(float_writes(1.1, BYTES(0xfb, 0x3f, 0xf1, 0x99, 0x99, 0x99, 0x99, 0x99, 0x9a)));
  CHECK(float_writes(1e300, BYTES(0xfb, 0x7e, 0x37, 0xe4, 0x3c, 0x88, 0x00, 0x75, 0x9c)));
  CHECK(float_writes(-4.1, BYTES(0xfb, 0xc0, 0x10, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66)));
}

TEST(halves) {
  CHECK(cbor_half_to_double(0x0000) == 0 && !signbit(cbor_half_to_double(0x0000)));
  CHECK(cbor_half_to_double(0x8000) == 0 && signbit(cbor_half_to_double(0x8000)));
  CHECK(cbor_half_to_double(0x3c00) == 1.0);
  CHECK(cbor_half_to_double(0x3e00) == 1.5);
  CHECK(cbor_half_to_double(0x7bff) == 65504.0);
  CHECK(cbor_half_to_double(0x0001) == 5.960464477539063e-8);
  CHECK(cbor_half_to_double(0x0400) == 0.00006103515625);
  CHECK(cbor_half_to_double(0xc400) == -4.0);
  CHECK(isinf(cbor_half_to_double(0x7c00)) && cbor_half_to_double(0xfc00) < 0);
  CHECK(isnan(cbor_half_to_double(0x7e00)));
}

int main(void) {
  RUN(heads_of_every_length);
  RUN(heads_of_major_seven);
  RUN(heads_that_are_not_well_formed);
  RUN(typed_reads);
  RUN(skipping_well_formed_items);
  RUN(skipping_what_is_not_well_formed);
  RUN(skipping_is_bounded_in_depth_not_in_stack);
  RUN(heads_are_written_minimal);
  RUN(writers);
  RUN(floats_are_written_as_the_value_document_says);
  RUN(halves);
  return check_end();
}
