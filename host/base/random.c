/* random: see random.h. */
#include "base/random.h"

#include <errno.h>
#include <stdint.h>
#include <sys/random.h>

enum status random_bytes(void *out, size_t len) {
  uint8_t *at = out;
  while (len) {
    ssize_t got = getrandom(at, len, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return ST_IO;
    at += got;
    len -= (size_t)got;
  }
  return ST_OK;
}

void hex_encode(char *out, const void *in, size_t len) {
  static const char digits[] = "0123456789abcdef";
  const uint8_t *at = in;
  for (size_t i = 0; i < len; i++) {
    *out++ = digits[at[i] >> 4];
    *out++ = digits[at[i] & 15];
  }
  *out = '\0';
}
