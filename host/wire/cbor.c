/* cbor: see cbor.h. Reading heads and items; cbor_put.c writes them. */
#include "wire/cbor.h"

/* Big-endian, `size` bytes: 1, 2, 4 or 8. */
static uint64_t load(const uint8_t *at, unsigned size) {
  uint64_t value = 0;
  for (unsigned i = 0; i < size; i++) value = value << 8 | at[i];
  return value;
}

/* Info 31: a length that is not told, or the break. */
static enum status read_indefinite(struct cbor_head *out) {
  if (out->major < CBOR_BYTES || out->major == CBOR_TAG) return ST_MALFORMED;
  out->indefinite = true;
  return ST_OK;
}

enum status cbor_read_head(struct slice *in, struct cbor_head *out) {
  unsigned size;
  if (!in->len) return ST_MALFORMED;
  *out = (struct cbor_head){.major = in->data[0] >> 5, .info = in->data[0] & 31};
  size = out->info < 24 ? 0 : out->info < 28 ? 1u << (out->info - 24) : 0;
  if (in->len - 1 < size) return ST_MALFORMED;
  if (out->info < 24) {
    out->value = out->info;
  } else if (out->info < 28) {
    out->value = load(in->data + 1, size);
    /* simple values below 32 have one encoding only (RFC 8949, section 3.3) */
    if (out->major == CBOR_SIMPLE && out->info == 24 && out->value < 32) return ST_MALFORMED;
  } else if (out->info < 31 || read_indefinite(out) != ST_OK) {
    return ST_MALFORMED;
  }
  in->data += 1 + size;
  in->len -= 1 + size;
  return ST_OK;
}

enum status cbor_read_uint(struct slice *in, uint64_t *out) {
  struct slice rest = *in;
  struct cbor_head head;
  if (cbor_read_head(&rest, &head) != ST_OK) return ST_MALFORMED;
  if (head.major != CBOR_UINT || head.value >= UINT64_C(1) << 53) return ST_MALFORMED;
  *out = head.value;
  *in = rest;
  return ST_OK;
}

enum status cbor_read_bool(struct slice *in, bool *out) {
  if (!in->len || (in->data[0] != 0xf4 && in->data[0] != 0xf5)) return ST_MALFORMED;
  *out = in->data[0] == 0xf5;
  in->data++;
  in->len--;
  return ST_OK;
}

enum status cbor_read_string(struct slice *in, enum cbor_major major, struct slice *out) {
  struct slice rest = *in;
  struct cbor_head head;
  if (cbor_read_head(&rest, &head) != ST_OK) return ST_MALFORMED;
  if (head.major != major || head.indefinite || head.value > rest.len) return ST_MALFORMED;
  *out = slice_of(rest.data, (size_t)head.value);
  *in = slice_of(rest.data + head.value, rest.len - (size_t)head.value);
  return ST_OK;
}

/* What is open while an item is skipped. `left` counts the items to come, itself included when definite. */
struct level {
  uint64_t left;
  uint8_t major;
  bool indefinite;
  bool odd; /* an indefinite map has a key whose value is to come */
};

struct skipper {
  struct slice in;
  unsigned depth, max;
  struct level levels[CBOR_DEPTH_MAX];
};

static enum status skip_open(struct skipper *skip, const struct cbor_head *head, uint64_t count) {
  if (skip->depth == skip->max) return ST_LIMIT;
  skip->levels[skip->depth++] =
      (struct level){.left = count, .major = head->major, .indefinite = head->indefinite};
  return ST_OK;
}

/* An item has ended: so have the definite levels of which it was the last. */
static void skip_end(struct skipper *skip) {
  while (skip->depth) {
    struct level *top = &skip->levels[skip->depth - 1];
    top->odd = !top->odd;
    if (top->indefinite || --top->left) return;
    skip->depth--;
  }
}

static enum status skip_break(struct skipper *skip) {
  struct level *top = skip->depth ? &skip->levels[skip->depth - 1] : NULL;
  if (!top || !top->indefinite || (top->major == CBOR_MAP && top->odd)) return ST_MALFORMED;
  skip->depth--;
  skip_end(skip);
  return ST_OK;
}

/* An array or a map with a told count; every item takes a byte at least. */
static enum status skip_items(struct skipper *skip, const struct cbor_head *head) {
  unsigned each = head->major == CBOR_MAP ? 2 : 1;
  if (head->value > skip->in.len / each) return ST_MALFORMED;
  if (!head->value) {
    if (skip->depth == skip->max) return ST_LIMIT;
    skip_end(skip);
    return ST_OK;
  }
  return skip_open(skip, head, head->value * each);
}

static enum status skip_string(struct skipper *skip, const struct cbor_head *head) {
  if (head->value > skip->in.len) return ST_MALFORMED;
  skip->in = slice_of(skip->in.data + head->value, skip->in.len - (size_t)head->value);
  skip_end(skip);
  return ST_OK;
}

/* Within a string of chunks stand definite strings of its kind, and the break. */
static bool chunk_fits(const struct skipper *skip, const struct cbor_head *head) {
  const struct level *top = skip->depth ? &skip->levels[skip->depth - 1] : NULL;
  if (!top || top->major == CBOR_ARRAY || top->major == CBOR_MAP) return true;
  return head->indefinite ? head->major == CBOR_SIMPLE : head->major == top->major;
}

/* *tagged: the head was a tag, so what follows belongs to the same item. */
static enum status skip_step(struct skipper *skip, bool *tagged) {
  struct cbor_head head;
  bool was_tagged = *tagged;
  if (cbor_read_head(&skip->in, &head) != ST_OK || !chunk_fits(skip, &head)) return ST_MALFORMED;
  *tagged = head.major == CBOR_TAG;
  if (*tagged) return ST_OK;
  if (head.indefinite && head.major == CBOR_SIMPLE) return was_tagged ? ST_MALFORMED : skip_break(skip);
  if (head.indefinite) return skip_open(skip, &head, 0);
  if (head.major == CBOR_BYTES || head.major == CBOR_TEXT) return skip_string(skip, &head);
  if (head.major == CBOR_ARRAY || head.major == CBOR_MAP) return skip_items(skip, &head);
  skip_end(skip);
  return ST_OK;
}

enum status cbor_skip(struct slice *in, unsigned depth) {
  struct skipper skip; /* its levels are written before they are read */
  enum status status;
  bool tagged = false;
  skip.in = *in;
  skip.depth = 0;
  skip.max = depth < CBOR_DEPTH_MAX ? depth : CBOR_DEPTH_MAX;
  do status = skip_step(&skip, &tagged);
  while (status == ST_OK && (skip.depth || tagged));
  if (status == ST_OK) *in = skip.in;
  return status;
}
