/* Packets: the shared vectors, read and written, and that the fast path and the table agree. */
#include "check.h"
#include "packet_vectors.h"
#include "wire/packet_layout.h"

static bool has_flag(uint64_t kind) {
  return kind == PACKET_WELCOME || kind == PACKET_FRAME_NAVIGATE;
}

static bool same_items(const struct packet *a, const struct packet *b) {
  bool flag = has_flag(a->kind) ? a->resumed == b->resumed : a->deadline == b->deadline;
  return flag && a->kind == b->kind && a->frame == b->frame && a->parent == b->parent && a->call == b->call &&
         a->version == b->version && a->features == b->features && a->sent == b->sent &&
         a->received == b->received && a->port == b->port && a->port_count == b->port_count &&
         slice_equal(a->channel, b->channel) && slice_equal(a->text, b->text) && slice_equal(a->id, b->id) &&
         slice_equal(a->secret, b->secret) && slice_equal(a->payload, b->payload);
}

static bool same_ports(const struct packet *packet, const uint64_t *ports) {
  struct slice left = packet->ports;
  uint64_t port;
  for (size_t i = 0; i < packet->port_count; i++)
    if (!packet_ports_next(&left, &port) || port != ports[i]) return false;
  return !packet_ports_next(&left, &port) && left.len == 0;
}

/* Reads a whole block; returns 0 or the close code. */
static int read_block(struct slice in, size_t *count) {
  struct packet packet;
  struct fault fault = {.close = -1};
  for (*count = 0; in.len; ++*count)
    if (packet_parse(&in, &packet, &fault) != ST_OK) return fault.close;
  return 0;
}

static bool reads_as(const struct valid_vector *vector) {
  uint8_t *copy = exact_copy(vector->bytes);
  struct slice in = slice_of(copy, vector->bytes.len);
  struct packet packet;
  struct fault fault;
  bool good = true;
  for (size_t i = 0; good && i < vector->count; i++)
    good = packet_parse(&in, &packet, &fault) == ST_OK && same_items(&packet, &vector->packets[i].packet) &&
           same_ports(&packet, vector->packets[i].ports);
  free(copy);
  return good && in.len == 0;
}

TEST(valid_vectors_read) {
  for (size_t i = 0; i < COUNT(valid_vectors); i++)
    if (!CHECK(reads_as(&valid_vectors[i]))) fprintf(stderr, "  vector: %s\n", valid_vectors[i].name);
}

TEST(every_kind_has_two_vectors) {
  size_t seen[PACKET_KINDS] = {0};
  for (size_t i = 0; i < COUNT(valid_vectors); i++)
    for (size_t k = 0; k < valid_vectors[i].count; k++)
      if (valid_vectors[i].packets[k].packet.kind < PACKET_KINDS)
        seen[valid_vectors[i].packets[k].packet.kind]++;
  for (size_t kind = 0; kind < PACKET_KINDS; kind++) CHECK(seen[kind] >= 2);
}

TEST(invalid_vectors_are_refused) {
  for (size_t i = 0; i < COUNT(invalid_vectors); i++) {
    const struct invalid_vector *vector = &invalid_vectors[i];
    uint8_t *copy = exact_copy(vector->bytes);
    size_t count;
    if (!CHECK_INT(read_block(slice_of(copy, vector->bytes.len), &count), vector->close))
      fprintf(stderr, "  vector: %s\n", vector->name);
    free(copy);
  }
}

TEST(every_prefix_of_a_packet_is_refused) {
  for (size_t i = 0; i < COUNT(valid_vectors); i++) {
    const struct valid_vector *vector = &valid_vectors[i];
    if (vector->count != 1) continue;
    for (size_t len = 1; len < vector->bytes.len; len++) {
      uint8_t *copy = exact_copy(slice_of(vector->bytes.data, len));
      size_t count;
      CHECK_INT(read_block(slice_of(copy, len), &count), 1002);
      free(copy);
    }
  }
}

/* Both parsers: the same status, items, rest and fault. */
static bool agree(struct slice in) {
  struct slice fast_in = in, slow_in = in;
  struct packet fast, slow;
  struct fault fast_fault = {.close = 0}, slow_fault = {.close = 0};
  enum status status = packet_parse(&fast_in, &fast, &fast_fault);
  if (packet_parse_layout(&slow_in, &slow, &slow_fault) != status) return false;
  if (fast_in.data != slow_in.data || fast_in.len != slow_in.len) return false;
  if (status != ST_OK) return fast_in.len == in.len && strcmp(fast_fault.text, slow_fault.text) == 0;
  return same_items(&fast, &slow) && slice_equal(fast.ports, slow.ports);
}

TEST(the_fast_path_agrees_with_the_table) {
  for (size_t i = 0; i < COUNT(valid_vectors); i++) {
    struct slice bytes = valid_vectors[i].bytes;
    uint8_t *copy = exact_copy(bytes);
    bool good = agree(slice_of(copy, bytes.len));
    for (size_t at = 0; bytes.len <= 80 && at < bytes.len; at++) {
      for (int value = 0; value < 256; value++) {
        copy[at] = (uint8_t)value;
        good = agree(slice_of(copy, bytes.len)) && good;
      }
      copy[at] = bytes.data[at];
    }
    if (!CHECK(good)) fprintf(stderr, "  vector: %s\n", valid_vectors[i].name);
    free(copy);
  }
}

static void write_back(const struct expected *expected, struct buf *out) {
  const struct packet *packet = &expected->packet;
  CHECK_INT(packet_put(out, packet, expected->ports, packet->payload.len), ST_OK);
  CHECK_INT(buf_put(out, packet->payload.data, packet->payload.len), ST_OK);
}

TEST(what_is_written_reads_back_identically) {
  size_t identical = 0;
  for (size_t i = 0; i < COUNT(valid_vectors); i++) {
    struct valid_vector again = valid_vectors[i];
    struct buf out = {0};
    bool known = true;
    for (size_t k = 0; k < again.count; k++) known = known && again.packets[k].packet.kind < PACKET_KINDS;
    for (size_t k = 0; known && k < again.count; k++) write_back(&again.packets[k], &out);
    again.bytes = buf_slice(&out);
    if (known && !CHECK(reads_as(&again))) fprintf(stderr, "  vector: %s\n", again.name);
    if (known && slice_equal(again.bytes, valid_vectors[i].bytes)) identical++;
    if (known) CHECK(again.bytes.len <= valid_vectors[i].bytes.len);
    buf_deinit(&out);
  }
  CHECK(identical >= 70); /* all but those with more bytes than they need */
}

TEST(writing_appends_or_leaves_the_buffer_alone) {
  struct buf out = {0};
  struct packet packet = {.kind = PACKET_ACK, .received = 7};
  CHECK_INT(buf_put(&out, "ab", 2), ST_OK);
  CHECK_INT(packet_put(&out, &packet, NULL, 99), ST_OK);
  CHECK(slice_equal(buf_slice(&out), slice_of("ab\x82\x12\x07", 5)));
  packet.kind = PACKET_KINDS;
  CHECK_INT(packet_put(&out, &packet, NULL, 0), ST_INVALID);
  packet = (struct packet){.kind = PACKET_SEND, .channel = {(const uint8_t *)"x", SIZE_MAX / 2}};
  CHECK_INT(packet_put(&out, &packet, NULL, 0), ST_NOMEM);
  CHECK_INT(out.len, 5);
  buf_deinit(&out);
}

TEST(payload_heads_of_every_size) {
  static const size_t sizes[] = {0, 23, 24, 255, 256, 65535, 65536, 70000};
  for (size_t i = 0; i < COUNT(sizes); i++) {
    struct packet packet = {.kind = PACKET_REPLY, .call = 1}, back;
    struct buf out = {0};
    struct slice in;
    uint8_t *payload = calloc(1, sizes[i] + 1);
    packet.payload = slice_of(payload, sizes[i]);
    write_back(&(struct expected){packet, NULL}, &out);
    in = buf_slice(&out);
    CHECK_INT(packet_parse(&in, &back, NULL), ST_OK);
    CHECK(in.len == 0 && same_items(&packet, &back));
    buf_deinit(&out);
    free(payload);
  }
}

int main(void) {
  RUN(valid_vectors_read);
  RUN(every_kind_has_two_vectors);
  RUN(invalid_vectors_are_refused);
  RUN(every_prefix_of_a_packet_is_refused);
  RUN(the_fast_path_agrees_with_the_table);
  RUN(what_is_written_reads_back_identically);
  RUN(writing_appends_or_leaves_the_buffer_alone);
  RUN(payload_heads_of_every_size);
  return check_end();
}
