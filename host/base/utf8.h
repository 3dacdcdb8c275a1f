/* utf8: validation by RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef IPCHOST_BASE_UTF8_H
#define IPCHOST_BASE_UTF8_H

#include "base/slice.h"

/* True when all bytes are ASCII, as those of most texts and names are. */
static inline bool utf8_ascii(struct slice text) {
  const uint8_t *at = text.data, *end = at + text.len;
  uint64_t word, last;
  uint32_t half, other;
  if (text.len >= sizeof word) {
    memcpy(&last, end - sizeof last, sizeof last);
    for (; end - at > (ptrdiff_t)sizeof word; at += sizeof word) {
      memcpy(&word, at, sizeof word);
      if (word & UINT64_C(0x8080808080808080)) return false;
    }
    return !(last & UINT64_C(0x8080808080808080));
  }
  if (text.len >= sizeof half) {
    memcpy(&half, at, sizeof half);
    memcpy(&other, end - sizeof other, sizeof other);
    return !((half | other) & UINT32_C(0x80808080));
  }
  return !text.len || (at[0] | at[text.len / 2] | end[-1]) < 0x80;
}

/* How many bytes at the front are valid UTF-8; runs of ASCII are checked eight bytes at a time. */
size_t utf8_prefix(struct slice text);
static inline bool utf8_valid(struct slice text) {
  return utf8_prefix(text) == text.len;
}

#endif
