/* details: see details.h. */
#include "ipc/details.h"

#include "base/utf8.h"
#include "frame/tabs.h"
#include "wire/cbor.h"

#define TEXT_MAX 65536

static enum status malformed(struct fault *fault, const char *what) {
  return fault_set(fault, ST_MALFORMED, 1007, "ERR_PAYLOAD", "details: %s", what);
}

static struct slice *text_member(struct details *details, struct slice key) {
  if (slice_equal(key, slice_str("url"))) return &details->claim.url;
  if (slice_equal(key, slice_str("name"))) return &details->claim.name;
  if (slice_equal(key, slice_str("title"))) return &details->claim.title;
  if (slice_equal(key, slice_str("visibilityState"))) return &details->claim.visibility;
  if (slice_equal(key, slice_str("tab"))) return &details->tab;
  if (slice_equal(key, slice_str("proof"))) return &details->proof;
  if (slice_equal(key, slice_str("type"))) return &details->type;
  if (slice_equal(key, slice_str("token"))) return &details->token;
  if (slice_equal(key, slice_str("client"))) return &details->client;
  return NULL;
}

static struct slice *bytes_member(struct details *details, struct slice key) {
  if (slice_equal(key, slice_str("host"))) return &details->host;
  if (slice_equal(key, slice_str("ticket"))) return &details->ticket;
  if (slice_equal(key, slice_str("issuer"))) return &details->issuer;
  return NULL;
}

/* Bytes, or as an encoder of values may write them: a Uint8Array. */
static enum status read_bytes(struct slice *in, struct slice *bytes, struct fault *fault) {
  static const uint8_t tag[] = {0xd8, 64};
  if (in->len > sizeof tag && memcmp(in->data, tag, sizeof tag) == 0)
    *in = slice_of(in->data + sizeof tag, in->len - sizeof tag);
  if (cbor_read_string(in, CBOR_BYTES, bytes) == ST_OK) return ST_OK;
  return malformed(fault, "host, ticket and issuer must be bytes");
}

static enum status read_entry(struct slice *in, struct details *details, struct fault *fault) {
  struct slice key, *text, *bytes;
  if (cbor_read_string(in, CBOR_TEXT, &key) != ST_OK) return malformed(fault, "keys must be text");
  if ((text = text_member(details, key))) {
    if (cbor_read_string(in, CBOR_TEXT, text) != ST_OK || text->len > TEXT_MAX || !utf8_valid(*text))
      return malformed(fault,
                       "url, name, title, type, token, client, proof, tab and visibilityState must be text");
    if (details->tab.len > TAB_TOKEN_MAX) return malformed(fault, "tab is too long");
    return ST_OK;
  }
  if (slice_equal(key, slice_str("handover")))
    return cbor_read_bool(in, &details->handover) == ST_OK ? ST_OK
                                                           : malformed(fault, "handover must be a boolean");
  if (slice_equal(key, slice_str("pid")))
    return cbor_read_uint(in, &details->pid) == ST_OK ? ST_OK
                                                      : malformed(fault, "pid must be an unsigned integer");
  if ((bytes = bytes_member(details, key))) return read_bytes(in, bytes, fault);
  return cbor_skip(in, 32) == ST_OK ? ST_OK : malformed(fault, "not well-formed");
}

enum status details_parse(struct slice map, struct details *out, struct fault *fault) {
  struct cbor_head head;
  *out = (struct details){0};
  if (cbor_read_head(&map, &head) != ST_OK || head.major != CBOR_MAP || head.indefinite)
    return malformed(fault, "must be a map of definite length");
  for (uint64_t i = 0; i < head.value; i++) {
    enum status status = read_entry(&map, out, fault);
    if (status != ST_OK) return status;
  }
  return map.len ? malformed(fault, "bytes follow the map") : ST_OK;
}
