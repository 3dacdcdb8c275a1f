/* packet_put: packets written from struct packet by the table of packet_layout.h. Room is made once; the
 * writers below then write straight. */
#include "wire/cbor.h"
#include "wire/packet_layout.h"

#define HEAD_MAX 9

static inline uint8_t *put_wide(uint8_t *at, uint8_t major, uint64_t value) {
  unsigned power = value <= UINT8_MAX ? 0 : value <= UINT16_MAX ? 1 : value <= UINT32_MAX ? 2 : 3;
  unsigned size = 1u << power;
  *at++ = (uint8_t)(major << 5 | (24 + power));
  for (unsigned i = size; i; i--) *at++ = (uint8_t)(value >> 8 * (i - 1));
  return at;
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

static uint8_t *put_ports(uint8_t *at, const uint64_t *ports, size_t count) {
  at = put_head(at, CBOR_ARRAY, count);
  for (size_t i = 0; i < count; i++) at = put_head(at, CBOR_UINT, ports[i]);
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
    return put_ports(at, ports, packet->port_count);
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

enum status packet_put(struct buf *out, const struct packet *packet, const uint64_t *ports,
                       size_t payload_len) {
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
