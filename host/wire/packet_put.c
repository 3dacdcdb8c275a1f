/*
 * packet_put: packets written from struct packet: the frequent ones straight, the others by the table of
 * packet_layout.h. Room is made once, HEAD_MAX bytes for every head and what the strings take; the writers
 * below count on it. It knows no meaning of an item.
 */
#include "wire/cbor.h"
#include "wire/packet_layout.h"

#define HEAD_MAX 9

/* Spelled out, it becomes one instruction. */
static inline void store_big_endian(uint8_t *at, uint64_t value) {
  at[0] = (uint8_t)(value >> 56);
  at[1] = (uint8_t)(value >> 48);
  at[2] = (uint8_t)(value >> 40);
  at[3] = (uint8_t)(value >> 32);
  at[4] = (uint8_t)(value >> 24);
  at[5] = (uint8_t)(value >> 16);
  at[6] = (uint8_t)(value >> 8);
  at[7] = (uint8_t)value;
}

/* Always writes HEAD_MAX bytes; what of them is too much is written over by what follows. */
static inline uint8_t *put_wide(uint8_t *at, uint8_t major, uint64_t value) {
  unsigned power = (value > UINT8_MAX) + (value > UINT16_MAX) + (value > UINT32_MAX);
  unsigned size = 1u << power;
  uint64_t high = value << (64 - 8 * size);
  *at++ = (uint8_t)(major << 5 | (24 + power));
  store_big_endian(at, high);
  return at + size;
}

static inline uint8_t *put_head(uint8_t *at, uint8_t major, uint64_t value) {
  if (value >= 24) return put_wide(at, major, value);
  *at++ = (uint8_t)(major << 5 | value);
  return at;
}

static inline uint8_t *put_string(uint8_t *at, uint8_t major, struct slice bytes) {
  at = put_head(at, major, bytes.len);
  if (bytes.len) memcpy(at, bytes.data, bytes.len);
  return at + bytes.len;
}

/* From the plain array, or else as they are encoded in the packet. */
static uint8_t *put_ports(uint8_t *at, const uint64_t *ports, const struct packet *packet) {
  if (!ports && packet->port_count) {
    memcpy(at, packet->ports.data, packet->ports.len);
    return at + packet->ports.len;
  }
  at = put_head(at, CBOR_ARRAY, packet->port_count);
  for (size_t i = 0; i < packet->port_count; i++) at = put_head(at, CBOR_UINT, ports[i]);
  return at;
}

static uint8_t *put_item(uint8_t *at, const struct packet_item *item, const struct packet *packet,
                         const uint64_t *ports, size_t payload_len) {
  const void *member = (const uint8_t *)packet + item->offset;
  switch ((enum packet_item_type)item->type) {
  case ITEM_UINT:
    return put_head(at, CBOR_UINT, *(const uint64_t *)member);
  case ITEM_BOOL:
    *at = *(const bool *)member ? 0xf5 : 0xf4;
    return at + 1;
  case ITEM_TEXT:
  case ITEM_CHANNEL:
    return put_string(at, CBOR_TEXT, *(const struct slice *)member);
  case ITEM_PORTS:
    return put_ports(at, ports, packet);
  case ITEM_PAYLOAD:
    return put_head(at, CBOR_BYTES, payload_len);
  case ITEM_BYTES:
  case ITEM_KEY:
    break;
  }
  return put_string(at, CBOR_BYTES, *(const struct slice *)member);
}

/* What the packet can take at most; members that are not of its kind are not looked at. */
static size_t room(const struct packet_layout *layout, const struct packet *packet) {
  size_t need = HEAD_MAX * (2 + layout->count);
  for (size_t i = 0; i < layout->count; i++) {
    const struct packet_item *item = &layout->items[i];
    const void *member = (const uint8_t *)packet + item->offset;
    if (item->type == ITEM_PORTS) need += HEAD_MAX * packet->port_count;
    if (item->type >= ITEM_TEXT && item->type <= ITEM_KEY) need += ((const struct slice *)member)->len;
  }
  return need;
}

/* Kept apart: inlined it costs the others registers. */
__attribute__((noinline)) static enum status put_by_table(struct buf *out, const struct packet *packet,
                                                          const uint64_t *ports, size_t payload_len) {
  const struct packet_layout *layout;
  uint8_t *at;
  if (packet->kind >= PACKET_KINDS) return ST_INVALID;
  layout = &packet_layouts[packet->kind];
  if (buf_reserve(out, room(layout, packet)) != ST_OK) return ST_NOMEM;
  at = out->data + out->len;
  at = put_head(at, CBOR_ARRAY, layout->count + 1);
  at = put_head(at, CBOR_UINT, packet->kind);
  for (size_t i = 0; i < layout->count; i++) at = put_item(at, &layout->items[i], packet, ports, payload_len);
  out->len = (size_t)(at - out->data);
  return ST_OK;
}

/* The array's head and the kind, both below 24. */
static inline uint8_t *put_start(uint8_t *at, uint8_t count, uint8_t kind) {
  at[0] = (uint8_t)(CBOR_ARRAY << 5 | count);
  at[1] = kind;
  return at + 2;
}

static enum status put_port_message(struct buf *out, const struct packet *packet, size_t payload_len) {
  uint8_t *at;
  if (buf_reserve(out, (size_t)4 * HEAD_MAX) != ST_OK) return ST_NOMEM;
  at = put_start(out->data + out->len, 4, PACKET_PORT_MESSAGE);
  at = put_head(at, CBOR_UINT, packet->port);
  at = put_head(at, CBOR_ARRAY, 0);
  at = put_head(at, CBOR_BYTES, payload_len);
  out->len = (size_t)(at - out->data);
  return ST_OK;
}

/* An invoke's, which has the most: array, kind, frame, call, deadline, channel, payload. */
#define HOT_ROOM ((size_t)7 * HEAD_MAX)

enum status packet_put(struct buf *out, const struct packet *packet, const uint64_t *ports,
                       size_t payload_len) {
  bool reply = packet->kind == PACKET_REPLY, invoke = packet->kind == PACKET_INVOKE;
  uint8_t *at;
  if (packet->kind == PACKET_PORT_MESSAGE && !packet->port_count)
    return put_port_message(out, packet, payload_len);
  if (!reply && !invoke && packet->kind != PACKET_SEND) return put_by_table(out, packet, ports, payload_len);
  if (buf_reserve(out, HOT_ROOM + (reply ? 0 : packet->channel.len)) != ST_OK) return ST_NOMEM;
  at = out->data + out->len;
  if (reply) {
    at = put_start(at, 4, PACKET_REPLY);
    at = put_head(at, CBOR_UINT, packet->call);
    at = put_head(at, CBOR_UINT, packet->status);
  } else {
    at = put_start(at, invoke ? 6 : 4, (uint8_t)packet->kind);
    at = put_head(at, CBOR_UINT, packet->frame);
    if (invoke) at = put_head(at, CBOR_UINT, packet->call);
    if (invoke) at = put_head(at, CBOR_UINT, packet->deadline);
    at = put_string(at, CBOR_TEXT, packet->channel);
  }
  at = put_head(at, CBOR_BYTES, payload_len);
  out->len = (size_t)(at - out->data);
  return ST_OK;
}
