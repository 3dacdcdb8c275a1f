/* base64: see base64.h. */
#include "base/base64.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(char *out, struct slice bytes) {
  for (size_t at = 0; at < bytes.len; at += 3) {
    size_t part = bytes.len - at < 3 ? bytes.len - at : 3;
    uint32_t group = 0;
    for (size_t i = 0; i < 3; i++) group = group << 8 | (i < part ? bytes.data[at + i] : 0);
    for (size_t i = 0; i < 4; i++) *out++ = i <= part ? digits[group >> (18 - 6 * i) & 63] : '=';
  }
  *out = '\0';
}

static int value_of(uint8_t c) {
  const char *digit = c ? strchr(digits, c) : NULL;
  return digit ? (int)(digit - digits) : -1;
}

bool base64_is(struct slice text, size_t len) {
  size_t padding = (3 - len % 3) % 3;
  int last = 0;
  if (text.len != BASE64_SIZE(len)) return false;
  for (size_t i = 0; i < text.len - padding; i++)
    if ((last = value_of(text.data[i])) < 0) return false;
  for (size_t i = text.len - padding; i < text.len; i++)
    if (text.data[i] != '=') return false;
  return (last & ((1 << 2 * padding) - 1)) == 0;
}
