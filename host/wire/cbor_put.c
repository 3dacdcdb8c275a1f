/* cbor_put: the writers of cbor.h. */
#include <math.h>

#include "wire/cbor.h"

#define HEAD_MAX 9

static uint8_t *store(uint8_t *at, uint64_t value, unsigned size) {
  for (unsigned i = size; i; i--) *at++ = (uint8_t)(value >> 8 * (i - 1));
  return at;
}

enum status cbor_put_head(struct buf *out, enum cbor_major major, uint64_t value) {
  uint8_t first = (uint8_t)(major << 5), *at;
  if (buf_reserve(out, HEAD_MAX) != ST_OK) return ST_NOMEM;
  at = out->data + out->len;
  if (value < 24) {
    *at++ = first | (uint8_t)value;
  } else {
    unsigned power = value <= UINT8_MAX ? 0 : value <= UINT16_MAX ? 1 : value <= UINT32_MAX ? 2 : 3;
    *at++ = first | (uint8_t)(24 + power);
    at = store(at, value, 1u << power);
  }
  out->len = (size_t)(at - out->data);
  return ST_OK;
}

enum status cbor_put_int(struct buf *out, int64_t value) {
  if (value >= 0) return cbor_put_head(out, CBOR_UINT, (uint64_t)value);
  return cbor_put_head(out, CBOR_NINT, (uint64_t)(-1 - value));
}

enum status cbor_put_bool(struct buf *out, bool value) {
  return buf_put_byte(out, value ? 0xf5 : 0xf4);
}

enum status cbor_put_string(struct buf *out, enum cbor_major major, struct slice bytes) {
  if (bytes.len > SIZE_MAX - HEAD_MAX || buf_reserve(out, HEAD_MAX + bytes.len) != ST_OK) return ST_NOMEM;
  (void)cbor_put_head(out, major, bytes.len);
  return buf_put(out, bytes.data, bytes.len);
}

/* Initial byte and bits; `size` is 2, 4 or 8. */
static enum status put_bits(struct buf *out, uint64_t bits, unsigned size) {
  uint8_t *at;
  if (buf_reserve(out, 1 + size) != ST_OK) return ST_NOMEM;
  at = out->data + out->len;
  *at++ = size == 2 ? 0xf9 : size == 4 ? 0xfa : 0xfb;
  out->len = (size_t)(store(at, bits, size) - out->data);
  return ST_OK;
}

/* A double outside float's range must not be converted: C leaves that undefined. */
static bool fits_float(double value) {
  return fabs(value) <= 3.4028234663852886e38 && (double)(float)value == value;
}

enum status cbor_put_float(struct buf *out, double value) {
  uint64_t bits;
  if (isnan(value)) return put_bits(out, 0x7e00, 2);
  if (isinf(value)) return put_bits(out, value < 0 ? 0xfc00 : 0x7c00, 2);
  if (value == 0 && signbit(value)) return put_bits(out, 0x8000, 2);
  if (fits_float(value)) {
    float single = (float)value;
    uint32_t small;
    memcpy(&small, &single, sizeof small);
    return put_bits(out, small, 4);
  }
  memcpy(&bits, &value, sizeof bits);
  return put_bits(out, bits, 8);
}

double cbor_half_to_double(uint16_t half) {
  unsigned exponent = half >> 10 & 31, mantissa = half & 1023;
  double value;
  if (exponent == 0) {
    value = ldexp(mantissa, -24);
  } else if (exponent < 31) {
    value = ldexp(mantissa + 1024, (int)exponent - 25);
  } else {
    value = mantissa ? NAN : INFINITY;
  }
  return half & 0x8000 ? -value : value;
}
