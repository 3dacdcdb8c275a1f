/* payload: see payload.h. */
#include "payload.h"

#include <stdlib.h>

#include "wire.h"

enum { UINT = 0, BYTES = 2, ARRAY = 4, MAP = 5, TAG = 6, UINT8_ARRAY = 64 };

static void put_raw(struct buf *out, const char *bytes, size_t len) {
  if (buf_put(out, bytes, len) != ST_OK) fail("out of memory");
}

static void put_object10(struct buf *out) {
  static const struct {
    const char *key;
    const char *text; /* NULL: the number */
    uint64_t number;
  } fields[] = {{"id", NULL, 48213},     {"title", "Buy milk and bread", 0}, {"priority", NULL, 3},
                {"owner", "someone", 0}, {"created", NULL, 1700000000},      {"state", "open", 0},
                {"estimate", NULL, 90},  {"project", "household", 0}};
  wire_put_head(out, MAP, 10);
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
    wire_put_text(out, fields[i].key);
    if (fields[i].text)
      wire_put_text(out, fields[i].text);
    else
      wire_put_head(out, UINT, fields[i].number);
  }
  wire_put_text(out, "done");
  put_raw(out, "\xf4", 1);
  wire_put_text(out, "ratio");
  put_raw(out, "\xfb\x3f\xb9\x99\x99\x99\x99\x99\x9a", 9); /* 0.1 */
}

static void put_byte_array(struct buf *out, size_t len) {
  wire_put_head(out, TAG, UINT8_ARRAY);
  wire_put_head(out, BYTES, len);
  for (size_t i = 0; i < len; i++) {
    char byte = (char)(i * 31);
    put_raw(out, &byte, 1);
  }
}

void payload_put(struct buf *out, const char *shape) {
  wire_put_head(out, ARRAY, 1);
  if (strcmp(shape, "int") == 0)
    wire_put_head(out, UINT, 7);
  else if (strcmp(shape, "string") == 0)
    wire_put_text(out, "hello world");
  else if (strcmp(shape, "object10") == 0)
    put_object10(out);
  else if (strncmp(shape, "bytes:", 6) == 0)
    put_byte_array(out, strtoul(shape + 6, NULL, 10));
  else
    fail("not a shape: %s (int, string, object10, bytes:N)", shape);
}
