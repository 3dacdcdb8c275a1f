// layer: wire
/*
 * One block of packets: the fast path and the table agree on every packet, what was read and is written again
 * reads the same, and everything that is borrowed lies within the input.
 */
#include <stdlib.h>

#include "wire/cbor.h"
#include "wire/packet_layout.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds) {
  if (!holds) abort();
}

static void within(struct slice part, struct slice all) {
  if (!part.len) return;
  demand(part.data >= all.data && part.data + part.len <= all.data + all.len);
}

static void same(const struct packet *a, const struct packet *b) {
  demand(a->kind == b->kind && a->frame == b->frame && a->parent == b->parent && a->call == b->call);
  demand(a->deadline == b->deadline && a->version == b->version && a->features == b->features);
  demand(a->sent == b->sent && a->received == b->received && a->port == b->port);
  demand(slice_equal(a->channel, b->channel) && slice_equal(a->text, b->text) && slice_equal(a->id, b->id));
  demand(slice_equal(a->secret, b->secret) && slice_equal(a->payload, b->payload));
  demand(a->port_count == b->port_count);
}

/* Returns new, NULL without ports. */
static uint64_t *read_ports(const struct packet *packet) {
  struct slice left = packet->ports;
  uint64_t *ports = packet->port_count ? malloc(packet->port_count * sizeof *ports) : NULL;
  for (size_t i = 0; i < packet->port_count; i++) demand(packet_ports_next(&left, &ports[i]));
  demand(left.len == 0 || packet->port_count == 0);
  return ports;
}

static void write_and_read(const struct packet *packet) {
  uint64_t *ports = read_ports(packet);
  struct buf out = {0};
  struct packet back;
  struct slice in;
  demand(packet_put(&out, packet, ports, packet->payload.len) == ST_OK);
  demand(buf_put(&out, packet->payload.data, packet->payload.len) == ST_OK);
  in = buf_slice(&out);
  demand(packet_parse(&in, &back, NULL) == ST_OK && in.len == 0);
  same(packet, &back);
  free(ports);
  buf_deinit(&out);
}

/* False at the end of what can be read. */
static bool one_packet(struct slice *in) {
  struct slice all = *in, slow_in = *in, item = *in;
  struct packet packet, slow;
  struct fault fault = {.close = 0};
  enum status status = packet_parse(in, &packet, &fault);
  demand(packet_parse_layout(&slow_in, &slow, NULL) == status);
  if (status != ST_OK) {
    demand(fault.close == 1002 && fault.text[0] && in->len == all.len);
    return false;
  }
  same(&packet, &slow);
  demand(in->data == slow_in.data);
  demand(cbor_skip(&item, PACKET_TRAILING_DEPTH + 1) == ST_OK && item.data == in->data);
  within(packet.channel, all);
  within(packet.payload, all);
  within(packet.ports, all);
  if (packet.kind < PACKET_KINDS && (packet.kind != PACKET_HELLO || packet.version == PROTOCOL_VERSION))
    write_and_read(&packet);
  return in->len > 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct slice in = slice_of(data, size);
  while (size && one_packet(&in)) continue;
  return 0;
}
