/* value_bigint_math: see value_bigint_math.h. Division is Knuth's algorithm D (The Art of Computer
 * Programming, 4.3.1).
 */
#include "lua/value_bigint_math.h"

#include <string.h>

size_t limbs_trim(const uint32_t *limbs, size_t count) {
  while (count && !limbs[count - 1]) count--;
  return count;
}

int limbs_compare(const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count) {
  if (a_count != b_count) return a_count < b_count ? -1 : 1;
  for (size_t i = a_count; i; i--)
    if (a[i - 1] != b[i - 1]) return a[i - 1] < b[i - 1] ? -1 : 1;
  return 0;
}

void limbs_add(uint32_t *out, const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count) {
  uint64_t carry = 0;
  for (size_t i = 0; i < a_count; i++) {
    carry += (uint64_t)a[i] + (i < b_count ? b[i] : 0);
    out[i] = (uint32_t)carry;
    carry >>= 32;
  }
  out[a_count] = (uint32_t)carry;
}

void limbs_subtract(uint32_t *out, const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count) {
  uint64_t borrow = 0;
  for (size_t i = 0; i < a_count; i++) {
    uint64_t difference = (uint64_t)a[i] - (i < b_count ? b[i] : 0) - borrow;
    out[i] = (uint32_t)difference;
    borrow = difference >> 63;
  }
}

void limbs_multiply(uint32_t *out, const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count) {
  memset(out, 0, (a_count + b_count) * sizeof *out);
  for (size_t i = 0; i < a_count; i++) {
    uint64_t carry = 0;
    for (size_t j = 0; j < b_count; j++) {
      carry += (uint64_t)a[i] * b[j] + out[i + j];
      out[i + j] = (uint32_t)carry;
      carry >>= 32;
    }
    out[i + b_count] = (uint32_t)carry;
  }
}

uint32_t limbs_divide_small(uint32_t *limbs, size_t count, uint32_t divisor) {
  uint64_t rest = 0;
  for (size_t i = count; i; i--) {
    rest = rest << 32 | limbs[i - 1];
    limbs[i - 1] = (uint32_t)(rest / divisor);
    rest %= divisor;
  }
  return (uint32_t)rest;
}

uint32_t limbs_multiply_small(uint32_t *limbs, size_t count, uint32_t factor, uint32_t addend) {
  uint64_t carry = addend;
  for (size_t i = 0; i < count; i++) {
    carry += (uint64_t)limbs[i] * factor;
    limbs[i] = (uint32_t)carry;
    carry >>= 32;
  }
  return (uint32_t)carry;
}

/* to = from << shift, shift < 32; returns the bits that leave the top. */
static uint32_t shift_left(uint32_t *to, const uint32_t *from, size_t count, unsigned shift) {
  uint64_t carry = 0;
  for (size_t i = 0; i < count; i++) {
    carry |= (uint64_t)from[i] << shift;
    to[i] = (uint32_t)carry;
    carry >>= 32;
  }
  return (uint32_t)carry;
}

static void shift_right(uint32_t *limbs, size_t count, unsigned shift) {
  for (size_t i = 0; i < count; i++) {
    uint64_t above = i + 1 < count ? limbs[i + 1] : 0;
    limbs[i] = (uint32_t)((above << 32 | limbs[i]) >> shift);
  }
}

/* One digit of the quotient, guessed from the top of the rest (step D3): right, or 1 too large. */
static uint32_t guess(const uint32_t *rest, const uint32_t *divisor, size_t count) {
  uint64_t top = (uint64_t)rest[count] << 32 | rest[count - 1];
  uint64_t digit = top / divisor[count - 1], left = top % divisor[count - 1];
  while (digit > UINT32_MAX || digit * divisor[count - 2] > (left << 32 | rest[count - 2])) {
    digit--;
    left += divisor[count - 1];
    if (left > UINT32_MAX) break;
  }
  return (uint32_t)digit;
}

/* rest -= digit * divisor; returns whether it went below 0. */
static uint32_t subtract_product(uint32_t *rest, const uint32_t *divisor, size_t count, uint32_t digit) {
  uint64_t carry = 0, borrow = 0;
  for (size_t i = 0; i <= count; i++) {
    uint64_t difference;
    carry += i < count ? (uint64_t)digit * divisor[i] : 0;
    difference = (uint64_t)rest[i] - (uint32_t)carry - borrow;
    rest[i] = (uint32_t)difference;
    borrow = difference >> 63;
    carry >>= 32;
  }
  return (uint32_t)borrow;
}

static void add_back(uint32_t *rest, const uint32_t *divisor, size_t count) {
  uint64_t carry = 0;
  for (size_t i = 0; i <= count; i++) {
    carry += (uint64_t)rest[i] + (i < count ? divisor[i] : 0);
    rest[i] = (uint32_t)carry;
    carry >>= 32;
  }
}

void limbs_divide(uint32_t *quotient, uint32_t *work, const uint32_t *a, size_t a_count, const uint32_t *b,
                  size_t b_count) {
  unsigned shift = (unsigned)__builtin_clz(b[b_count - 1]);
  uint32_t *divisor = work + a_count + 1;
  (void)shift_left(divisor, b, b_count, shift);
  work[a_count] = shift_left(work, a, a_count, shift);
  for (size_t i = a_count - b_count + 1; i; i--) {
    uint32_t *rest = work + i - 1, digit = guess(rest, divisor, b_count);
    if (subtract_product(rest, divisor, b_count, digit)) {
      digit--;
      add_back(rest, divisor, b_count);
    }
    quotient[i - 1] = digit;
  }
  shift_right(work, b_count, shift);
}
