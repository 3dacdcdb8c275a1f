/* wire_libcbor: every document of the value vectors is well-formed CBOR in the eyes of libcbor too, to its
 * last byte, and what libcbor writes of it is well-formed here. */
#include <cbor.h>
#include <stdlib.h>

#include "check.h"
#include "wire/cbor.h"

#define VECTORS "spec/vectors/values.json"
#define DEPTH 1000

static char *read_vectors(void) {
  FILE *file = fopen(VECTORS, "rb");
  size_t cap = (size_t)4 << 20, len;
  char *text = malloc(cap + 1);
  if (!CHECK(file && text)) exit(1);
  len = fread(text, 1, cap, file);
  text[len] = '\0';
  fclose(file);
  return text;
}

/* Returns new: the bytes of the digits up to a quote. */
static uint8_t *bytes_of(const char *hex, size_t *len) {
  uint8_t *bytes;
  *len = strcspn(hex, "\"") / 2;
  bytes = malloc(*len + 1);
  if (!bytes) exit(1);
  for (size_t i = 0; i < *len; i++) {
    char pair[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
    bytes[i] = (uint8_t)strtoul(pair, NULL, 16);
  }
  return bytes;
}

static bool agrees(const uint8_t *bytes, size_t len) {
  struct cbor_load_result result;
  cbor_item_t *item = cbor_load(bytes, len, &result);
  unsigned char *written = NULL;
  size_t cap, written_len;
  struct slice in = slice_of(bytes, len);
  bool agree = cbor_skip(&in, DEPTH) == ST_OK && !in.len && item && result.read == len;
  if (agree) {
    written_len = cbor_serialize_alloc(item, &written, &cap);
    in = slice_of(written, written_len);
    agree = written_len && cbor_skip(&in, DEPTH) == ST_OK && !in.len;
    free(written);
  }
  if (item) cbor_decref(&item);
  return agree;
}

TEST(documents_are_the_same_to_both) {
  char *text = read_vectors();
  char *end = strstr(text, "\"invalid\"");
  int count = 0;
  if (!CHECK(end != NULL)) return;
  *end = '\0';
  for (char *at = text; (at = strstr(at, "\"hex\":\"")); count++) {
    size_t len;
    uint8_t *bytes;
    at += strlen("\"hex\":\"");
    bytes = bytes_of(at, &len);
    if (!CHECK(agrees(bytes, len))) fprintf(stderr, "%.60s\n", at);
    free(bytes);
  }
  CHECK(count > 200);
  free(text);
}

int main(void) {
  RUN(documents_are_the_same_to_both);
  return check_end();
}
