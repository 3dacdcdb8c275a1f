/* payload: see payload.h. */
#include "base/payload.h"

#include <stdlib.h>

struct payload *payload_new(struct slice bytes) {
  struct payload *payload;
  if (bytes.len > SIZE_MAX - sizeof *payload) return NULL;
  payload = malloc(sizeof *payload + bytes.len);
  if (!payload) return NULL;
  payload->refs = 1;
  payload->len = bytes.len;
  if (bytes.len) memcpy(payload->data, bytes.data, bytes.len);
  return payload;
}

void payload_unref(struct payload *payload) {
  if (payload && --payload->refs == 0) free(payload);
}
