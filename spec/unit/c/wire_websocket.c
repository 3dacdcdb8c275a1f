/* wire/websocket: every rule of RFC 6455's framing, read whole and in steps of 1 to 9 bytes. */
#include "check.h"
#include "websocket_frames.h"

#define LIMIT 100000

static struct buf stream;

static void frame(uint8_t first, const char *payload) {
  put_frame(&stream, first, slice_str(payload));
}

/* The stream, in every step, gives these events and then asks for more, or fails with this code. */
static void expect(const char *events, int close) {
  for (size_t step = 0; step < 10; step++) {
    struct heard heard = feed(buf_slice(&stream), step ? step : stream.len, LIMIT);
    buf_put_byte(&heard.events, 0);
    CHECK_STR((char *)heard.events.data, events);
    if (close)
      CHECK_INT(heard.fault.close, close);
    else
      CHECK_INT(heard.status, ST_MORE);
    buf_deinit(&heard.events);
  }
  stream.len = 0;
}

static void expect_bytes(const char *bytes, size_t len, int close) {
  buf_put(&stream, bytes, len);
  expect("", close);
}

TEST(messages) {
  frame(0x82, "one");
  frame(0x82, "");
  frame(0x82, "a message of some length, to be unmasked by words and a rest");
  expect("M3:oneM0:M60:a message of some length, to be unmasked by words and a rest", 0);
}

/* The example of RFC 6455 section 5.7, but binary: a client's "Hello". */
TEST(the_example_of_the_standard) {
  buf_put(&stream, "\x82\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 11);
  expect("M5:Hello", 0);
}

TEST(lengths_of_every_form) {
  static const size_t lens[] = {125, 126, 65535, 65536, LIMIT};
  static uint8_t bytes[LIMIT];
  for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * 7);
  for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
    struct heard heard, cut;
    char head[32];
    put_frame(&stream, 0x82, slice_of(bytes, lens[i]));
    heard = feed(buf_slice(&stream), stream.len, LIMIT);
    cut = feed(buf_slice(&stream), 4093, LIMIT);
    snprintf(head, sizeof head, "M%zu:", lens[i]);
    CHECK(heard.events.len == strlen(head) + lens[i] && !memcmp(heard.events.data, head, strlen(head)));
    CHECK(!memcmp(heard.events.data + strlen(head), bytes, lens[i]));
    CHECK(slice_equal(buf_slice(&heard.events), buf_slice(&cut.events)));
    buf_deinit(&heard.events);
    buf_deinit(&cut.events);
    stream.len = 0;
  }
}

TEST(fragments) {
  frame(0x02, "frag");
  frame(0x00, "");
  frame(0x00, "men");
  frame(0x80, "ted");
  frame(0x82, "next");
  frame(0x02, "");
  frame(0x80, "");
  expect("M10:fragmentedM4:nextM0:", 0);
}

TEST(control_frames_between_fragments) {
  frame(0x02, "frag");
  frame(0x89, "are you there?");
  frame(0x00, "men");
  frame(0x8a, "");
  frame(0x89, "");
  frame(0x80, "ted");
  frame(0x88, "");
  expect("I14:are you there?O0:I0:M10:fragmentedC0:", 0);
}

TEST(broken_headers) {
  expect_bytes("\xc2\x80\0\0\0\0", 6, 1002); /* reserved bits */
  expect_bytes("\xa2\x80\0\0\0\0", 6, 1002);
  expect_bytes("\x92\x80\0\0\0\0", 6, 1002);
  expect_bytes("\x83\x80\0\0\0\0", 6, 1002); /* reserved opcodes */
  expect_bytes("\x87\x80\0\0\0\0", 6, 1002);
  expect_bytes("\x8b\x80\0\0\0\0", 6, 1002);
  expect_bytes("\x8f\x80\0\0\0\0", 6, 1002);
  expect_bytes("\x82\x01x", 3, 1002);        /* not masked */
  expect_bytes("\x09\x80\0\0\0\0", 6, 1002); /* a control frame in fragments */
  expect_bytes("\x89\xfe\0\x7e", 4, 1002);   /* and one too long */
  expect_bytes("\x80\x80\0\0\0\0", 6, 1002); /* nothing to continue */
  expect_bytes("\x00\x80\0\0\0\0", 6, 1002);
  expect_bytes("\x81\x80\0\0\0\0", 6, 1003); /* text */
  expect_bytes("\x01\x80\0\0\0\0", 6, 1003);
  expect_bytes("\x82\xfe\0\x7d", 4, 1002); /* lengths in more bytes than needed */
  expect_bytes("\x82\xff\0\0\0\0\0\0\xff\xff", 10, 1002);
  expect_bytes("\x82\xff\x80\0\0\0\0\1\0\0", 10, 1002); /* the top bit */
}

TEST(a_message_inside_of_another) {
  frame(0x02, "a");
  frame(0x82, "b");
  expect("", 1002);
  frame(0x02, "a");
  frame(0x81, "b");
  expect("", 1002);
}

/* A message ends the reading where it is broken; what came before it was handed out. */
TEST(what_came_before_is_heard) {
  frame(0x82, "good");
  frame(0x89, "");
  buf_put(&stream, "\xff\xff", 2);
  expect("M4:goodI0:", 1002);
}

/* Refused by its header, before the bytes come, and for the sum of its fragments. */
TEST(the_limit) {
  struct buf half = {0};
  expect_bytes("\x82\xff\0\0\0\0\0\1\x86\xa1", 10, 1009);
  expect_bytes("\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff", 10, 1009);
  for (size_t i = 0; i < LIMIT / 2; i++) buf_put_byte(&half, 'x');
  put_frame(&stream, 0x02, buf_slice(&half));
  put_frame(&stream, 0x00, buf_slice(&half));
  put_frame(&stream, 0x89, slice_str("a control frame is not counted"));
  expect("I30:a control frame is not counted", 0);
  put_frame(&stream, 0x02, buf_slice(&half));
  put_frame(&stream, 0x00, buf_slice(&half));
  put_frame(&stream, 0x80, slice_str("x"));
  expect("", 1009);
  buf_deinit(&half);
}

/* A header that declares a huge frame costs nothing until its bytes come. */
TEST(memory_follows_what_arrived) {
  struct websocket_reader reader;
  struct websocket_event event;
  uint8_t bytes[] = "\x82\xff\0\0\0\0\x10\0\0\0mask0123";
  struct websocket_input in = {bytes, sizeof bytes - 1};
  struct fault fault;
  websocket_reader_init(&reader, WEBSOCKET_OF_CLIENT, (uint64_t)1 << 40);
  CHECK_INT(websocket_next(&reader, &in, &event, &fault), ST_MORE);
  CHECK(reader.kept.cap <= 256);
  CHECK(websocket_reader_partial(&reader));
  websocket_reader_deinit(&reader);
}

TEST(what_is_not_whole) {
  struct heard heard;
  frame(0x82, "abc");
  for (size_t len = 0; len <= stream.len; len++) {
    heard = feed(slice_of(stream.data, len), len, LIMIT);
    CHECK_INT(heard.partial, len > 0 && len < stream.len);
    buf_deinit(&heard.events);
  }
  stream.len = 0;
  frame(0x02, "abc");
  heard = feed(buf_slice(&stream), stream.len, LIMIT);
  CHECK(heard.partial);
  stream.len = 0;
}

static int close_code(const char *bytes, size_t len, struct slice *reason) {
  struct fault fault = {.close = 0};
  int code;
  return websocket_close_parse(slice_of(bytes, len), &code, reason, &fault) == ST_OK ? code : -fault.close;
}

TEST(close_payloads) {
  static const int good[] = {1000, 1001, 1002, 1003, 1007, 1011, 1014, 3000, 4000, 4999};
  static const int bad[] = {0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535};
  struct slice reason;
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    char bytes[] = {(char)(good[i] >> 8), (char)good[i], 'o', 'k'};
    CHECK_INT(close_code(bytes, 2, &reason), good[i]);
    CHECK_INT(close_code(bytes, 4, &reason), good[i]);
    CHECK(slice_equal(reason, slice_str("ok")));
  }
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    char bytes[] = {(char)(bad[i] >> 8), (char)bad[i]};
    CHECK_INT(close_code(bytes, 2, &reason), -1002);
  }
  CHECK_INT(close_code("", 0, &reason), 1005);
  CHECK_INT(close_code("\x03", 1, &reason), -1002);
  CHECK_INT(close_code("\x03\xe8\xc3\x28", 4, &reason), -1007);
  CHECK_INT(close_code("\x03\xe8\xed\xa0\x80", 5, &reason), -1007);
  CHECK_INT(close_code("\x03\xe8\xc3", 3, &reason), -1007);
}

TEST(headers) {
  uint8_t bytes[WEBSOCKET_HEADER_MAX], *end = bytes + sizeof bytes;
  CHECK_INT(websocket_header(end, 0), 2);
  CHECK(!memcmp(end - 2, "\x82\x00", 2));
  CHECK_INT(websocket_header(end, 125), 2);
  CHECK(!memcmp(end - 2, "\x82\x7d", 2));
  CHECK_INT(websocket_header(end, 126), 4);
  CHECK(!memcmp(end - 4, "\x82\x7e\x00\x7e", 4));
  CHECK_INT(websocket_header(end, 65535), 4);
  CHECK(!memcmp(end - 4, "\x82\x7e\xff\xff", 4));
  CHECK_INT(websocket_header(end, 65536), 10);
  CHECK(!memcmp(end - 10, "\x82\x7f\0\0\0\0\0\1\0\0", 10));
}

static void expect_written(const char *bytes, size_t len) {
  CHECK(slice_equal(buf_slice(&stream), slice_of(bytes, len)));
  stream.len = 0;
}

TEST(control_frames_written) {
  char reason[129] = {0};
  websocket_put_close(&stream, 1008, slice_str("no"));
  expect_written("\x88\x04\x03\xf0no", 6);
  websocket_put_close(&stream, 1006, slice_str("must not be sent"));
  expect_written("\x88\x00", 2);
  websocket_put_pong(&stream, slice_str("same"));
  expect_written("\x8a\x04same", 6);
  memset(reason, 'r', sizeof reason - 1);
  memcpy(reason + 121, "\xe2\x82\xac", 3); /* does not fit whole */
  websocket_put_close(&stream, 4003, slice_str(reason));
  CHECK_INT(stream.len, 2 + 2 + 121);
  CHECK_INT(stream.data[1], 123);
  stream.len = 0;
}

static int reads_of_server(const char *bytes, size_t len, struct websocket_event *event) {
  static uint8_t read[64]; /* what was read borrows it */
  struct websocket_input in = {read, len};
  struct websocket_reader reader;
  struct fault fault = {.close = 0};
  enum status status;
  memcpy(read, bytes, len);
  websocket_reader_init(&reader, WEBSOCKET_OF_SERVER, LIMIT);
  status = websocket_next(&reader, &in, event, &fault);
  websocket_reader_deinit(&reader);
  return status == ST_OK ? 0 : fault.close;
}

TEST(the_frames_of_a_server) {
  struct websocket_event event;
  CHECK_INT(reads_of_server("\x82\x03one", 5, &event), 0);
  CHECK(event.kind == WEBSOCKET_MESSAGE && slice_equal(event.bytes, slice_str("one")));
  CHECK_INT(reads_of_server("\x88\x02\x03\xe8", 4, &event), 0);
  CHECK(event.kind == WEBSOCKET_CLOSE && event.bytes.len == 2);
  CHECK_INT(reads_of_server("\x82\x83mask123", 9, &event), 1002);
}

TEST(the_frames_that_a_client_writes) {
  static const uint8_t mask[] = {1, 2, 3, 4};
  static const size_t lens[] = {0, 5, 125, 126, 65535, 65536};
  static uint8_t bytes[65536];
  for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * 3);
  for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
    struct heard heard;
    char head[32];
    snprintf(head, sizeof head, "M%zu:", lens[i]);
    CHECK_INT(websocket_put_masked(&stream, WEBSOCKET_MESSAGE, slice_of(bytes, lens[i]), mask), ST_OK);
    heard = feed(buf_slice(&stream), stream.len, LIMIT);
    CHECK(heard.events.len == strlen(head) + lens[i] && !memcmp(heard.events.data, head, strlen(head)));
    CHECK(!memcmp(heard.events.data + strlen(head), bytes, lens[i]));
    buf_deinit(&heard.events);
    stream.len = 0;
  }
  websocket_put_masked(&stream, WEBSOCKET_PING, slice_str("ping"), mask);
  websocket_put_masked(&stream, WEBSOCKET_PONG, slice_str("pong"), mask);
  websocket_put_masked(&stream, WEBSOCKET_CLOSE, slice_of("\x03\xe8", 2), mask);
  expect("I4:pingO4:pongC2:\x03\xe8", 0);
}

int main(void) {
  RUN(messages);
  RUN(the_example_of_the_standard);
  RUN(lengths_of_every_form);
  RUN(fragments);
  RUN(control_frames_between_fragments);
  RUN(broken_headers);
  RUN(a_message_inside_of_another);
  RUN(what_came_before_is_heard);
  RUN(the_limit);
  RUN(memory_follows_what_arrived);
  RUN(what_is_not_whole);
  RUN(close_payloads);
  RUN(headers);
  RUN(control_frames_written);
  RUN(the_frames_of_a_server);
  RUN(the_frames_that_a_client_writes);
  buf_deinit(&stream);
  return check_end();
}
