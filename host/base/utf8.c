/* utf8: see utf8.h. */
#include "base/utf8.h"

static bool continuation(uint8_t byte) {
  return (byte & 0xc0) == 0x80;
}

/* The length of the valid sequence at `at`, or 0. */
static size_t sequence(const uint8_t *at, size_t left) {
  uint8_t lead = at[0];
  if (lead < 0xc2 || lead > 0xf4) return 0;
  if (lead < 0xe0) return left >= 2 && continuation(at[1]) ? 2 : 0;
  if (lead < 0xf0) {
    if (left < 3 || !continuation(at[1]) || !continuation(at[2])) return 0;
    if (lead == 0xe0 && at[1] < 0xa0) return 0; /* overlong */
    if (lead == 0xed && at[1] > 0x9f) return 0; /* surrogate */
    return 3;
  }
  if (left < 4 || !continuation(at[1]) || !continuation(at[2]) || !continuation(at[3])) return 0;
  if (lead == 0xf0 && at[1] < 0x90) return 0; /* overlong */
  if (lead == 0xf4 && at[1] > 0x8f) return 0; /* above U+10FFFF */
  return 4;
}

size_t utf8_prefix(struct slice text) {
  const uint8_t *at = text.data;
  size_t left = text.len;
  while (left) {
    uint64_t word;
    size_t step;
    if (left >= sizeof word) {
      memcpy(&word, at, sizeof word);
      if (!(word & UINT64_C(0x8080808080808080))) {
        at += sizeof word;
        left -= sizeof word;
        continue;
      }
    }
    step = *at < 0x80 ? 1 : sequence(at, left);
    if (!step) break;
    at += step;
    left -= step;
  }
  return text.len - left;
}
