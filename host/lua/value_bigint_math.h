/*
 * value_bigint_math: arithmetic on magnitudes: arrays of 32-bit limbs, the lowest first. It knows no sign, no
 * Lua and no allocation: results go to the caller's memory, whose length is said at each function. A length
 * counts limbs; "trimmed" means that the highest is not 0 (0 has none).
 */
#ifndef IPCHOST_LUA_VALUE_BIGINT_MATH_H
#define IPCHOST_LUA_VALUE_BIGINT_MATH_H

#include <stddef.h>
#include <stdint.h>

/* The length without zeros on top. */
size_t limbs_trim(const uint32_t *limbs, size_t count);
/* <0, 0, >0 for trimmed ones. */
int limbs_compare(const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count);
/* out = a + b; a_count >= b_count; out has a_count + 1. */
void limbs_add(uint32_t *out, const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count);
/* out = a - b; a >= b; out has a_count, and may be a. */
void limbs_subtract(uint32_t *out, const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count);
/* out = a * b; out has a_count + b_count and is neither. */
void limbs_multiply(uint32_t *out, const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count);
/*
 * a = quotient * b + remainder, b trimmed and of 2 limbs at least, a_count >= b_count. `work` has a_count + 1
 * + b_count; afterwards its first b_count are the remainder. quotient has a_count - b_count + 1.
 */
void limbs_divide(uint32_t *quotient, uint32_t *work, const uint32_t *a, size_t a_count, const uint32_t *b,
                  size_t b_count);
/* limbs = limbs / divisor in place; returns the remainder. */
uint32_t limbs_divide_small(uint32_t *limbs, size_t count, uint32_t divisor);
/* limbs = limbs * factor + addend in place; returns what does not fit. */
uint32_t limbs_multiply_small(uint32_t *limbs, size_t count, uint32_t factor, uint32_t addend);

#endif
