/* value_bigint_operators: arithmetic and comparison of ipc.BigInt, among themselves and with integers.
 * Division cuts towards 0, as JavaScript's does. */
#include <math.h>
#include <string.h>

#include "lua/value_bigint_math.h"
#include "lua/value_bigint_private.h"

/* ---- operands ---- */

static void check_operands(lua_State *L, struct operand *a, struct operand *b) {
  for (int i = 1; i <= 2; i++)
    if (!operand_at(L, i, i == 1 ? a : b))
      luaL_error(L, "Cannot mix ipc.BigInt and %s; convert with ipc.BigInt(...) or :tonumber()",
                 lua_type(L, i) == LUA_TNUMBER ? "a float" : luaL_typename(L, i));
}

static void check_size(lua_State *L, size_t limbs) {
  if (limbs > BIGINT_LIMBS_MAX) luaL_error(L, "Maximum BigInt size exceeded");
}

static int compare_magnitudes(const struct operand *a, const struct operand *b) {
  return limbs_compare(a->limbs, a->count, b->limbs, b->count);
}

static int compare_operands(const struct operand *a, const struct operand *b) {
  if (a->negative != b->negative) return a->negative ? -1 : 1;
  return a->negative ? compare_magnitudes(b, a) : compare_magnitudes(a, b);
}

/* ---- sums ---- */

/* Pushes a + b, b's sign being `negative`. */
static int push_sum(lua_State *L, const struct operand *a, const struct operand *b, bool negative) {
  const struct operand *large = compare_magnitudes(a, b) >= 0 ? a : b, *small = large == a ? b : a;
  struct bigint *sum;
  check_size(L, large->count + 1);
  sum = bigint_new(L, large->count + 1);
  if (a->negative == negative)
    limbs_add(sum->limbs, large->limbs, large->count, small->limbs, small->count);
  else
    limbs_subtract(sum->limbs, large->limbs, large->count, small->limbs, small->count);
  sum->negative = large == a ? a->negative : negative;
  bigint_trim(sum);
  return 1;
}

static int add(lua_State *L) {
  struct operand a, b;
  check_operands(L, &a, &b);
  return push_sum(L, &a, &b, b.negative);
}

static int subtract(lua_State *L) {
  struct operand a, b;
  check_operands(L, &a, &b);
  return push_sum(L, &a, &b, !b.negative);
}

static int negate(lua_State *L) {
  const struct bigint *from = value_self(L, VALUE_BIGINT, "__unm");
  struct bigint *to = bigint_new(L, from->count);
  if (from->count) memcpy(to->limbs, from->limbs, from->count * sizeof *to->limbs);
  to->negative = !from->negative;
  bigint_trim(to);
  return 1;
}

/* ---- products ---- */

static struct bigint *push_product(lua_State *L, const struct operand *a, const struct operand *b) {
  struct bigint *product;
  check_size(L, a->count + b->count);
  product = bigint_new(L, a->count + b->count);
  limbs_multiply(product->limbs, a->limbs, a->count, b->limbs, b->count);
  product->negative = a->negative != b->negative;
  bigint_trim(product);
  return product;
}

static int multiply(lua_State *L) {
  struct operand a, b;
  check_operands(L, &a, &b);
  push_product(L, &a, &b);
  return 1;
}

/* Multiplies the BigInt at `index` by the one at `by`, in its place on the stack. */
static void multiply_at(lua_State *L, int index, int by) {
  struct operand a, b;
  operand_at(L, index, &a);
  operand_at(L, by, &b);
  push_product(L, &a, &b);
  lua_replace(L, index);
}

/* By squaring. A base of more than one bit bounds the exponent, as the result has a limb per 32 of it at
 * least. */
static int power(lua_State *L) {
  struct operand a, b;
  uint32_t exponent;
  check_operands(L, &a, &b);
  if (b.negative) return luaL_error(L, "Exponent must be non-negative");
  exponent = b.count ? b.limbs[0] : 0;
  if (a.count == 0 || (a.count == 1 && a.limbs[0] == 1))
    exponent = exponent & 1 ? 1 : b.count ? 2 : 0;
  else if (b.count > 1 || exponent / 32 > BIGINT_LIMBS_MAX)
    check_size(L, BIGINT_LIMBS_MAX + 1);
  lua_settop(L, 1);
  bigint_from_integer(L, 1);
  while (exponent) {
    if (exponent & 1) multiply_at(L, 2, 1);
    if (exponent >>= 1) multiply_at(L, 1, 1);
  }
  lua_settop(L, 2);
  return 1;
}

/* ---- quotients ---- */

/* Pushes the magnitudes of a // b and a % b. */
static void push_quotient(lua_State *L, const struct operand *a, const struct operand *b) {
  struct bigint *quotient = bigint_new(L, a->count - b->count + 1), *rest = bigint_new(L, b->count);
  uint32_t *work = lua_newuserdatauv(L, (a->count + 1 + b->count) * sizeof *work, 0);
  if (b->count == 1) {
    memcpy(quotient->limbs, a->limbs, a->count * sizeof *a->limbs);
    rest->limbs[0] = limbs_divide_small(quotient->limbs, a->count, b->limbs[0]);
  } else {
    limbs_divide(quotient->limbs, work, a->limbs, a->count, b->limbs, b->count);
    memcpy(rest->limbs, work, b->count * sizeof *work);
  }
  lua_pop(L, 1);
}

/* Pushes quotient and rest with their signs. */
static void divide(lua_State *L) {
  struct operand a, b;
  struct bigint *quotient, *rest;
  check_operands(L, &a, &b);
  if (!b.count) luaL_error(L, "Division by zero");
  check_size(L, a.count);
  if (a.count < b.count) {
    bigint_new(L, 0);
    rest = bigint_new(L, a.count);
    if (a.count) memcpy(rest->limbs, a.limbs, a.count * sizeof *a.limbs);
  } else {
    push_quotient(L, &a, &b);
  }
  quotient = lua_touserdata(L, -2);
  rest = lua_touserdata(L, -1);
  quotient->negative = a.negative != b.negative;
  rest->negative = a.negative;
  bigint_trim(quotient);
  bigint_trim(rest);
}

static int quotient_of(lua_State *L) {
  divide(L);
  lua_pop(L, 1);
  return 1;
}

static int rest_of(lua_State *L) {
  divide(L);
  return 1;
}

static int no_fraction(lua_State *L) {
  return luaL_error(L, "an ipc.BigInt has no fractions; write a // b");
}

/* ---- comparison ---- */

/* The integral part of a finite float, in `limbs` of 34. */
static void operand_from_float(struct operand *operand, double value, uint32_t limbs[34]) {
  int exponent;
  uint64_t mantissa = (uint64_t)ldexp(frexp(fabs(trunc(value)), &exponent), 53);
  int shift = exponent - 53;
  memset(limbs, 0, 34 * sizeof *limbs);
  if (shift < 0) {
    mantissa >>= -shift < 64 ? -shift : 63;
    shift = 0;
  }
  for (int bit = 0; bit < 53; bit++)
    if (mantissa >> bit & 1) limbs[(shift + bit) / 32] |= 1u << (shift + bit) % 32;
  operand->negative = value <= -1;
  operand->limbs = limbs;
  operand->count = limbs_trim(limbs, 34);
}

/* a against b, of which one is a BigInt: <0, 0, >0; *unordered when there is a NaN. */
static int compare_values(lua_State *L, bool *unordered) {
  struct operand sides[2];
  uint32_t limbs[34];
  int order;
  double fraction = 0;
  *unordered = false;
  for (int i = 1; i <= 2; i++) {
    double value;
    if (operand_at(L, i, &sides[i - 1])) continue;
    if (lua_type(L, i) != LUA_TNUMBER)
      return luaL_error(L, "attempt to compare ipc.BigInt with %s", luaL_typename(L, i));
    value = lua_tonumber(L, i);
    *unordered = isnan(value);
    if (*unordered || isinf(value)) return (value > 0) == (i == 2) ? -1 : 1;
    operand_from_float(&sides[i - 1], value, limbs);
    fraction = i == 2 ? value - trunc(value) : trunc(value) - value;
  }
  order = compare_operands(&sides[0], &sides[1]);
  return order ? order : (fraction < 0) - (fraction > 0);
}

static int less(lua_State *L) {
  bool unordered;
  int order = compare_values(L, &unordered);
  lua_pushboolean(L, order < 0 && !unordered);
  return 1;
}

static int less_or_equal(lua_State *L) {
  bool unordered;
  int order = compare_values(L, &unordered);
  lua_pushboolean(L, order <= 0 && !unordered);
  return 1;
}

static int equal(lua_State *L) {
  struct operand a, b;
  lua_pushboolean(L, operand_at(L, 1, &a) && operand_at(L, 2, &b) && compare_operands(&a, &b) == 0);
  return 1;
}

static int concat(lua_State *L) {
  luaL_tolstring(L, 1, NULL);
  luaL_tolstring(L, 2, NULL);
  lua_concat(L, 2);
  return 1;
}

const luaL_Reg bigint_operators[] = {
    {"__add", add},     {"__sub", subtract},     {"__mul", multiply}, {"__idiv", quotient_of},
    {"__mod", rest_of}, {"__pow", power},        {"__unm", negate},   {"__div", no_fraction},
    {"__lt", less},     {"__le", less_or_equal}, {"__eq", equal},     {"__concat", concat},
    {NULL, NULL}};
