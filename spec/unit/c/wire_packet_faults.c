/* What packet_parse says of malformed headers, its limits, and reading `ports`. */
#include "check.h"
#include "packet_vectors.h"
#include "wire/packet.h"

struct spoken {
  const char *hex;
  const char *text;
};

static const struct spoken said[] = {
    {"03", "packet: expected an array of definite length"},
    {"9f03ff", "packet: expected an array of definite length"},
    {"80", "packet: expected an array that begins with a kind"},
    {"9b00000000ffffffff03", "packet: more items than bytes are left of the block"},
    {"8118", "packet: item 0 (kind): cut off or not well-formed"},
    {"8161", "packet: item 0 (kind): expected an unsigned integer"},
    {"816161", "packet: item 0 (kind): expected an unsigned integer"},
    {"811b0020000000000000", "packet: item 0 (kind): must be at most 2^53 - 1"},
    {"8203006161", "invoke: expected at least 6 items, not 2"},
    {"86030061610061784180", "invoke: item 2 (call): expected an unsigned integer"},
    {"86030020006178418000", "invoke: item 2 (call): expected an unsigned integer"},
    {"8603001b0020000000000000006178418000", "invoke: item 2 (call): must be at most 2^53 - 1"},
    {"8603000100417841800000", "invoke: item 4 (channel): expected text"},
    {"86030001007f6178ff4180", "invoke: item 4 (channel): must be of definite length"},
    {"860300010061ff4180", "invoke: item 4 (channel): not valid UTF-8"},
    {"86030001006578", "invoke: item 4 (channel): longer than what is left of the block"},
    {"8603000100617880", "invoke: item 5 (arguments): expected a byte string"},
    {"86030001006178", "invoke: item 5 (arguments): missing: the block ends before it"},
    {"84050100a0", "reply: item 3 (value): expected a byte string"},
    {"850101000041a0", "welcome: item 1 (resumed): expected a boolean"},
    {"8907", "packet: more items than bytes are left of the block"},
    {"85070061708161784100", "post: item 3 (ports): expected an array of unsigned integers"},
    {"85070061709f01ff4100", "post: item 3 (ports): must be of definite length"},
    {"850700617084010203", "post: item 3 (ports): longer than what is left of the block"},
    {"89000100420102500000000000000000000000000000000000004000", "hello: item 3 (id): expected 16 bytes"},
    {"83000100", "hello: item 3 (id): missing: the packet ends before it"},
    {"831205ff", "ack: item 2: not well-formed"},
    {"8312190100", "ack: item 2: missing"},
    {"821863ff", "unknown: item 1: not well-formed"},
};

static struct slice from_hex(const char *hex, uint8_t *out) {
  size_t len = strlen(hex) / 2;
  for (size_t i = 0; i < len; i++) {
    char pair[3] = {hex[2 * i], hex[2 * i + 1], 0};
    out[i] = (uint8_t)strtoul(pair, NULL, 16);
  }
  return slice_of(out, len);
}

TEST(faults_name_packet_item_and_reason) {
  for (size_t i = 0; i < COUNT(said); i++) {
    uint8_t bytes[64];
    struct slice in = from_hex(said[i].hex, bytes), before = in;
    struct packet packet;
    struct fault fault = {.close = 0};
    CHECK_INT(packet_parse(&in, &packet, &fault), ST_MALFORMED);
    CHECK_INT(fault.status, ST_MALFORMED);
    CHECK_INT(fault.close, 1002);
    CHECK_STR(fault.code, "ERR_PROTOCOL");
    if (!CHECK_STR(fault.text, said[i].text)) fprintf(stderr, "  of: %s\n", said[i].hex);
    CHECK(in.data == before.data && in.len == before.len);
  }
}

TEST(a_fault_is_optional_and_no_input_is_a_fault) {
  struct packet packet;
  struct fault fault;
  struct slice none = slice_of(NULL, 0);
  CHECK_INT(packet_parse(&none, &packet, NULL), ST_MALFORMED);
  CHECK_INT(packet_parse(&none, &packet, &fault), ST_MALFORMED);
}

static enum status parse_channel(uint64_t kind, size_t len) {
  struct packet packet = {.kind = kind}, back;
  struct buf out = {0};
  struct slice in;
  enum status status;
  char *channel = malloc(len);
  memset(channel, 'c', len);
  packet.channel = slice_of(channel, len);
  CHECK_INT(packet_put(&out, &packet, NULL, 0), ST_OK);
  in = buf_slice(&out);
  status = packet_parse(&in, &back, NULL);
  if (status == ST_OK) CHECK(slice_equal(back.channel, packet.channel));
  buf_deinit(&out);
  free(channel);
  return status;
}

TEST(channels_have_at_most_65535_bytes) {
  static const uint64_t kinds[] = {PACKET_SEND, PACKET_INVOKE, PACKET_SYNC, PACKET_POST};
  for (size_t i = 0; i < COUNT(kinds); i++) {
    CHECK_INT(parse_channel(kinds[i], CHANNEL_MAX), ST_OK);
    CHECK_INT(parse_channel(kinds[i], CHANNEL_MAX + 1), ST_MALFORMED);
  }
}

static enum status parse_trailing(unsigned depth, uint8_t open, struct fault *fault) {
  uint8_t bytes[100] = {0x83, PACKET_ACK, 5};
  struct slice in;
  struct packet packet;
  memset(bytes + 3, open, depth);
  in = slice_of(bytes, 3 + depth + 1);
  return packet_parse(&in, &packet, fault);
}

TEST(trailing_items_are_skipped_to_a_depth) {
  struct fault fault;
  CHECK_INT(parse_trailing(32, 0x81, &fault), ST_OK);
  CHECK_INT(parse_trailing(33, 0x81, &fault), ST_MALFORMED);
  CHECK_STR(fault.text, "ack: item 2: nested deeper than 32 levels");
  CHECK_INT(parse_trailing(90, 0xc1, &fault), ST_OK); /* tags take no level */
}

/* It may have other items; the refusal needs no more than the number. */
TEST(a_hello_of_another_version_tells_its_version) {
  static const uint8_t two[] = {0x83, 0, 2, 0x61, 'x'}, none[] = {0x81, 0}, cut[] = {0x83, 0, 2, 0x61};
  struct slice in = slice_of(two, sizeof two);
  struct packet packet;
  CHECK_INT(packet_parse(&in, &packet, NULL), ST_OK);
  CHECK(packet.kind == PACKET_HELLO && packet.version == 2 && in.len == 0);
  in = slice_of(none, sizeof none);
  CHECK_INT(packet_parse(&in, &packet, NULL), ST_MALFORMED);
  in = slice_of(cut, sizeof cut);
  CHECK_INT(packet_parse(&in, &packet, NULL), ST_MALFORMED);
}

TEST(ports_are_read_one_by_one) {
  static const uint8_t bytes[] = {0x83, 1, 0x18, 200, 0x19, 1, 0};
  struct slice ports = slice_of(bytes, sizeof bytes), none = slice_of("\x80", 1), empty = slice_of(NULL, 0);
  uint64_t port = 0;
  CHECK(packet_ports_next(&ports, &port) && port == 1);
  CHECK(packet_ports_next(&ports, &port) && port == 200);
  CHECK(packet_ports_next(&ports, &port) && port == 256);
  CHECK(!packet_ports_next(&ports, &port));
  CHECK(!packet_ports_next(&none, &port));
  CHECK(!packet_ports_next(&empty, &port));
}

TEST(names_and_numbering) {
  CHECK_STR(packet_name(PACKET_HELLO), "hello");
  CHECK_STR(packet_name(PACKET_PORT_OPEN), "port-open");
  CHECK_STR(packet_name(PACKET_BYE), "bye");
  CHECK_STR(packet_name(PACKET_KINDS), "unknown");
  CHECK_STR(packet_name(UINT64_MAX), "unknown");
  for (uint64_t kind = 0; kind < 30; kind++) {
    bool counts = kind != PACKET_HELLO && kind != PACKET_WELCOME && kind != PACKET_ACK &&
                  kind != PACKET_PING && kind != PACKET_PONG && kind != PACKET_BYE;
    CHECK(packet_numbered(kind) == counts);
  }
}

int main(void) {
  RUN(faults_name_packet_item_and_reason);
  RUN(a_fault_is_optional_and_no_input_is_a_fault);
  RUN(channels_have_at_most_65535_bytes);
  RUN(trailing_items_are_skipped_to_a_depth);
  RUN(a_hello_of_another_version_tells_its_version);
  RUN(ports_are_read_one_by_one);
  RUN(names_and_numbering);
  return check_end();
}
