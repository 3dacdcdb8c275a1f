/* packet_parse: a packet read by the table of packet_layout.h, and the words for what is wrong with it. It
 * knows no kind but hello, whose items belong to its version. */
#include <inttypes.h>

#include "base/utf8.h"
#include "wire/cbor.h"
#include "wire/packet_layout.h"

/* Where the parser stands: what a fault names. */
struct place {
  const char *packet; /* its name */
  const char *item;   /* or NULL */
  uint64_t index;
};

static enum status complain(struct fault *fault, const struct place *place, const char *what) {
  bool named = place->item != NULL;
  return fault_set(fault, ST_MALFORMED, 1002, "ERR_PROTOCOL", "%s: item %" PRIu64 "%s%s%s: %s", place->packet,
                   place->index, named ? " (" : "", named ? place->item : "", named ? ")" : "", what);
}

static const char *expected(enum packet_item_type type) {
  switch (type) {
  case ITEM_UINT:
    return "expected an unsigned integer";
  case ITEM_BOOL:
    return "expected a boolean";
  case ITEM_TEXT:
  case ITEM_CHANNEL:
    return "expected text";
  case ITEM_KEY:
    return "expected 16 bytes";
  case ITEM_PORTS:
    return "expected an array of unsigned integers";
  case ITEM_BYTES:
  case ITEM_PAYLOAD:
    break;
  }
  return "expected a byte string";
}

static enum cbor_major item_major(enum packet_item_type type) {
  static const enum cbor_major majors[] = {
      [ITEM_UINT] = CBOR_UINT,    [ITEM_BOOL] = CBOR_SIMPLE,  [ITEM_TEXT] = CBOR_TEXT,
      [ITEM_CHANNEL] = CBOR_TEXT, [ITEM_BYTES] = CBOR_BYTES,  [ITEM_KEY] = CBOR_BYTES,
      [ITEM_PORTS] = CBOR_ARRAY,  [ITEM_PAYLOAD] = CBOR_BYTES};
  return majors[type];
}

/* Why `in` does not begin with an item of that type; called only when it does not. */
static const char *reason(struct slice in, enum packet_item_type type) {
  struct cbor_head head;
  if (!in.len) return "missing: the block ends before it";
  if (cbor_read_head(&in, &head) != ST_OK) return "cut off or not well-formed";
  if (head.major != item_major(type) || type == ITEM_BOOL) return expected(type);
  if (head.indefinite) return "must be of definite length";
  if (type == ITEM_UINT) return "must be at most 2^53 - 1";
  return head.value > in.len ? "longer than what is left of the block" : expected(type);
}

/* Each returns NULL when the item was read, else what is wrong; *in then still stands before it. */
static const char *read_text(struct slice *in, enum packet_item_type type, struct slice *out) {
  struct slice rest = *in, text;
  if (cbor_read_string(&rest, CBOR_TEXT, &text) != ST_OK) return reason(*in, type);
  if (type == ITEM_CHANNEL && text.len > CHANNEL_MAX) return "longer than 65535 bytes";
  if (!utf8_valid(text)) return "not valid UTF-8";
  *out = text;
  *in = rest;
  return NULL;
}

static const char *read_bytes(struct slice *in, enum packet_item_type type, struct slice *out) {
  struct slice rest = *in, bytes;
  if (cbor_read_string(&rest, CBOR_BYTES, &bytes) != ST_OK) return reason(*in, type);
  if (type == ITEM_KEY && bytes.len != SESSION_KEY_LEN) return expected(type);
  *out = bytes;
  *in = rest;
  return NULL;
}

/* The loop ends with the bytes, whatever count was declared. */
static const char *read_ports(struct slice *in, struct packet *out) {
  struct slice rest = *in;
  struct cbor_head head;
  uint64_t port;
  if (cbor_read_head(&rest, &head) != ST_OK || head.major != CBOR_ARRAY || head.indefinite)
    return reason(*in, ITEM_PORTS);
  for (uint64_t i = 0; i < head.value; i++) {
    if (cbor_read_uint(&rest, &port) == ST_OK) continue;
    return rest.len ? expected(ITEM_PORTS) : "longer than what is left of the block";
  }
  out->ports = slice_of(in->data, in->len - rest.len);
  out->port_count = (size_t)head.value;
  *in = rest;
  return NULL;
}

static const char *read_item(struct slice *in, const struct packet_item *item, struct packet *out) {
  void *member = (uint8_t *)out + item->offset;
  enum packet_item_type type = item->type;
  switch (type) {
  case ITEM_UINT:
    return cbor_read_uint(in, member) == ST_OK ? NULL : reason(*in, type);
  case ITEM_BOOL:
    return cbor_read_bool(in, member) == ST_OK ? NULL : reason(*in, type);
  case ITEM_TEXT:
  case ITEM_CHANNEL:
    return read_text(in, type, member);
  case ITEM_PORTS:
    return read_ports(in, out);
  case ITEM_BYTES:
  case ITEM_KEY:
  case ITEM_PAYLOAD:
    break;
  }
  return read_bytes(in, type, member);
}

/* Steps over the items from `index` on, up to the `count`th. */
static enum status skip_rest(struct slice *in, const char *name, uint64_t index, uint64_t count,
                             struct fault *fault) {
  for (; index < count; index++) {
    struct place place = {name, NULL, index};
    enum status status = cbor_skip(in, PACKET_TRAILING_DEPTH);
    if (status == ST_LIMIT) return complain(fault, &place, "nested deeper than 32 levels");
    if (status != ST_OK) return complain(fault, &place, in->len ? "not well-formed" : "missing");
  }
  return ST_OK;
}

/* A hello of another version has items of its own: all that can be told is the version. */
static bool is_foreign(const struct packet *packet) {
  return packet->kind == PACKET_HELLO && packet->version != PROTOCOL_VERSION;
}

static enum status read_items(struct slice *in, uint64_t count, struct packet *out, struct fault *fault) {
  const struct packet_layout *layout = &packet_layouts[out->kind];
  size_t index = 1;
  if (count <= layout->count && out->kind != PACKET_HELLO)
    return fault_set(fault, ST_MALFORMED, 1002, "ERR_PROTOCOL",
                     "%s: expected at least %zu items, not %" PRIu64, layout->name, layout->count + 1, count);
  for (; index <= layout->count; index++) {
    const struct packet_item *item = &layout->items[index - 1];
    struct place place = {layout->name, item->name, index};
    const char *wrong = index < count ? read_item(in, item, out) : "missing: the packet ends before it";
    if (wrong) return complain(fault, &place, wrong);
    if (is_foreign(out)) return skip_rest(in, layout->name, index + 1, count, fault);
  }
  return skip_rest(in, layout->name, index, count, fault);
}

/* The array's head and the kind. */
static enum status read_start(struct slice *in, uint64_t *count, uint64_t *kind, struct fault *fault) {
  const struct place place = {"packet", "kind", 0};
  struct cbor_head head;
  const char *wrong = NULL;
  if (cbor_read_head(in, &head) != ST_OK || head.major != CBOR_ARRAY || head.indefinite)
    wrong = "packet: expected an array of definite length";
  else if (!head.value)
    wrong = "packet: expected an array that begins with a kind";
  else if (head.value > in->len)
    wrong = "packet: more items than bytes are left of the block";
  if (wrong) return fault_set(fault, ST_MALFORMED, 1002, "ERR_PROTOCOL", "%s", wrong);
  if (cbor_read_uint(in, kind) != ST_OK) return complain(fault, &place, reason(*in, ITEM_UINT));
  *count = head.value;
  return ST_OK;
}

enum status packet_parse_layout(struct slice *in, struct packet *out, struct fault *fault) {
  struct slice rest = *in;
  enum status status;
  uint64_t count = 0;
  memset(out, 0, sizeof *out);
  status = read_start(&rest, &count, &out->kind, fault);
  if (status != ST_OK) return status;
  if (out->kind < PACKET_KINDS) {
    status = read_items(&rest, count, out, fault);
  } else {
    status = skip_rest(&rest, "unknown", 1, count, fault);
  }
  if (status == ST_OK) *in = rest;
  return status;
}
