/*
 * packet: see packet.h. Here is the fast path: send, invoke, reply and port-message in the shape that most
 * are written, read byte by byte without a table. Whatever it does not know it leaves to packet_parse.c,
 * which also names what is wrong.
 */
#include "wire/packet.h"

#include "base/utf8.h"
#include "wire/cbor.h"
#include "wire/packet_layout.h"

#define HEAD(major) ((uint8_t)((major) << 5))
#define ASCII UINT64_C(0x8080808080808080)

static uint64_t load_big_endian(const uint8_t *at) {
  return (uint64_t)at[0] << 56 | (uint64_t)at[1] << 48 | (uint64_t)at[2] << 40 | (uint64_t)at[3] << 32 |
         (uint64_t)at[4] << 24 | (uint64_t)at[5] << 16 | (uint64_t)at[6] << 8 | at[7];
}

/* The argument of a head in more than one byte; `info` is 24 to 27. NULL if it is anything else. */
static inline const uint8_t *take_wide(const uint8_t *at, const uint8_t *end, uint8_t info, uint64_t *out) {
  unsigned size = 1u << (info & 3);
  size_t left = (size_t)(end - at);
  uint64_t value = 0;
  if (info > 27 || left < size) return NULL;
  if (left >= sizeof value) {
    value = load_big_endian(at) >> (64 - 8 * size);
  } else {
    for (unsigned i = 0; i < size; i++) value = value << 8 | at[i];
  }
  if (value >= UINT64_C(1) << 53) return NULL;
  *out = value;
  return at + size;
}

/* The argument of a head of that major type; returns what follows it, or NULL. */
static inline const uint8_t *take(const uint8_t *at, const uint8_t *end, uint8_t major, uint64_t *out) {
  uint8_t info;
  if (at == end) return NULL;
  info = *at++ ^ major;
  if (info >= 24) return take_wide(at, end, info, out);
  *out = info;
  return at;
}

static inline const uint8_t *take_string(const uint8_t *at, const uint8_t *end, uint8_t major,
                                         struct slice *out) {
  uint64_t len;
  at = take(at, end, major, &len);
  if (!at || len > (size_t)(end - at)) return NULL;
  *out = slice_of(at, (size_t)len);
  return at + len;
}

static inline uint64_t load_word(const uint8_t *at) {
  uint64_t word;
  memcpy(&word, at, sizeof word);
  return word;
}

/* Eight bytes at a time, the last eight of them read together with some that were read before. */
static inline bool is_ascii(struct slice text) {
  uint64_t seen = 0;
  size_t i = 0;
  if (text.len < sizeof seen) {
    for (; i < text.len; i++) seen |= text.data[i];
    return !(seen & 0x80);
  }
  for (; i + sizeof seen < text.len; i += sizeof seen) seen |= load_word(text.data + i);
  return !((seen | load_word(text.data + text.len - sizeof seen)) & ASCII);
}

static inline const uint8_t *take_channel(const uint8_t *at, const uint8_t *end, struct slice *out) {
  at = take_string(at, end, HEAD(CBOR_TEXT), out);
  if (!at || out->len > CHANNEL_MAX) return NULL;
  return is_ascii(*out) || utf8_valid(*out) ? at : NULL;
}

static inline const uint8_t *take_message(const uint8_t *at, const uint8_t *end, struct packet *out) {
  at = take_channel(at, end, &out->channel);
  return at ? take_string(at, end, HEAD(CBOR_BYTES), &out->payload) : NULL;
}

static inline const uint8_t *take_send(const uint8_t *at, const uint8_t *end, struct packet *out) {
  at = take(at, end, HEAD(CBOR_UINT), &out->frame);
  return at ? take_message(at, end, out) : NULL;
}

static inline const uint8_t *take_invoke(const uint8_t *at, const uint8_t *end, struct packet *out) {
  at = take(at, end, HEAD(CBOR_UINT), &out->frame);
  if (at) at = take(at, end, HEAD(CBOR_UINT), &out->call);
  if (at) at = take(at, end, HEAD(CBOR_UINT), &out->deadline);
  return at ? take_message(at, end, out) : NULL;
}

static inline const uint8_t *take_reply(const uint8_t *at, const uint8_t *end, struct packet *out) {
  at = take(at, end, HEAD(CBOR_UINT), &out->call);
  if (at) at = take(at, end, HEAD(CBOR_UINT), &out->status);
  return at ? take_string(at, end, HEAD(CBOR_BYTES), &out->payload) : NULL;
}

/* One without ports. */
static inline const uint8_t *take_port_message(const uint8_t *at, const uint8_t *end, struct packet *out) {
  at = take(at, end, HEAD(CBOR_UINT), &out->port);
  if (!at || at == end || *at != HEAD(CBOR_ARRAY)) return NULL;
  out->ports = slice_of(at, 1);
  return take_string(at + 1, end, HEAD(CBOR_BYTES), &out->payload);
}

/* The array heads of just these items, without trailing ones. */
enum { ITEMS_SEND = 0x84, ITEMS_INVOKE = 0x86, ITEMS_REPLY = 0x84, ITEMS_PORT_MESSAGE = 0x84 };

enum status packet_parse(struct slice *in, struct packet *out, struct fault *fault) {
  const uint8_t *at = in->data, *end;
  if (in->len < 2) return packet_parse_layout(in, out, fault);
  end = at + in->len;
  *out = (struct packet){.kind = at[1]};
  if (at[0] == ITEMS_INVOKE && at[1] == PACKET_INVOKE) {
    at = take_invoke(at + 2, end, out);
  } else if (at[0] == ITEMS_SEND && at[1] == PACKET_SEND) {
    at = take_send(at + 2, end, out);
  } else if (at[0] == ITEMS_REPLY && at[1] == PACKET_REPLY) {
    at = take_reply(at + 2, end, out);
  } else if (at[0] == ITEMS_PORT_MESSAGE && at[1] == PACKET_PORT_MESSAGE) {
    at = take_port_message(at + 2, end, out);
  } else {
    at = NULL;
  }
  if (!at) return packet_parse_layout(in, out, fault);
  *in = slice_of(at, (size_t)(end - at));
  return ST_OK;
}

bool packet_ports_next(struct slice *ports, uint64_t *port) {
  struct cbor_head head;
  if (ports->len && ports->data[0] >> 5 == CBOR_ARRAY && cbor_read_head(ports, &head) != ST_OK) return false;
  return ports->len && cbor_read_uint(ports, port) == ST_OK;
}
