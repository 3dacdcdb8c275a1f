/* clone_text: see clone_text.h. WTF-8 is UTF-8 between lone surrogates, so the runs between are checked as
 * that. */
#include "lua/clone_text.h"

#include "base/utf8.h"

/* The surrogate at `at`: 0xd800 to 0xdfff, or 0. */
static unsigned surrogate(const uint8_t *at, size_t left) {
  if (left < 3 || at[0] != 0xed || at[1] < 0xa0 || at[1] > 0xbf || (at[2] & 0xc0) != 0x80) return 0;
  return 0xd000u | (at[1] & 0x3fu) << 6 | (at[2] & 0x3fu);
}

/* How many bytes stand in front of the next surrogate. In UTF-8 0xed begins a sequence and stands nowhere
 * else. */
static size_t run(const uint8_t *at, size_t left) {
  const uint8_t *start = at, *end = at + left;
  while (at < end && (at = memchr(at, 0xed, (size_t)(end - at)))) {
    if (surrogate(at, (size_t)(end - at))) return (size_t)(at - start);
    at++;
  }
  return left;
}

enum text_kind text_kind_of(struct slice bytes) {
  unsigned last = 0; /* the surrogate right in front, or 0 */
  if (utf8_valid(bytes)) return TEXT_UTF8;
  while (bytes.len) {
    size_t len = run(bytes.data, bytes.len);
    if (!utf8_valid(slice_of(bytes.data, len))) return TEXT_BYTES;
    bytes = slice_of(bytes.data + len, bytes.len - len);
    if (len) last = 0;
    if (bytes.len) {
      unsigned here = surrogate(bytes.data, bytes.len);
      if (last && last < 0xdc00 && here >= 0xdc00) return TEXT_BYTES;
      last = here;
      bytes = slice_of(bytes.data + 3, bytes.len - 3);
    }
  }
  return TEXT_WTF8;
}
