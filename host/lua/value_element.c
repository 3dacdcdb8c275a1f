/* value_element: see value_element.h. */
#include "lua/value_element.h"

#include <math.h>
#include <string.h>

#include "lua/value_bigint.h"
#include "wire/cbor.h"

enum number { UNSIGNED, SIGNED, CLAMPED, FLOAT, BIG_UNSIGNED, BIG_SIGNED };

static const struct layout {
  uint8_t size, number;
} layouts[VALUE_KINDS] = {
    [VALUE_UINT8_ARRAY] = {1, UNSIGNED},
    [VALUE_UINT8_CLAMPED_ARRAY] = {1, CLAMPED},
    [VALUE_UINT16_ARRAY] = {2, UNSIGNED},
    [VALUE_UINT32_ARRAY] = {4, UNSIGNED},
    [VALUE_BIG_UINT64_ARRAY] = {8, BIG_UNSIGNED},
    [VALUE_INT8_ARRAY] = {1, SIGNED},
    [VALUE_INT16_ARRAY] = {2, SIGNED},
    [VALUE_INT32_ARRAY] = {4, SIGNED},
    [VALUE_BIG_INT64_ARRAY] = {8, BIG_SIGNED},
    [VALUE_FLOAT16_ARRAY] = {2, FLOAT},
    [VALUE_FLOAT32_ARRAY] = {4, FLOAT},
    [VALUE_FLOAT64_ARRAY] = {8, FLOAT},
    [VALUE_DATA_VIEW] = {1, UNSIGNED},
};

size_t element_size(enum value_kind kind) {
  return layouts[kind].size;
}

static uint64_t load(const uint8_t *at, unsigned size) {
  uint64_t bits = 0;
  for (unsigned i = size; i; i--) bits = bits << 8 | at[i - 1];
  return bits;
}

static void store(uint8_t *at, uint64_t bits, unsigned size) {
  for (unsigned i = 0; i < size; i++) at[i] = (uint8_t)(bits >> 8 * i);
}

/* ---- floats ---- */

static double float_of(uint64_t bits, unsigned size) {
  double value;
  if (size == 2) return cbor_half_to_double((uint16_t)bits);
  if (size == 4) {
    uint32_t small = (uint32_t)bits;
    float single;
    memcpy(&single, &small, sizeof single);
    return (double)single;
  }
  memcpy(&value, &bits, sizeof value);
  return value;
}

/* Rounds once, half to even: a mantissa that rounds up past its bits carries into the exponent. */
static uint64_t half_bits(double value) {
  uint64_t sign = signbit(value) ? 0x8000 : 0;
  double magnitude = fabs(value);
  int exponent;
  if (isnan(value)) return 0x7e00;
  if (magnitude >= 65520) return sign | 0x7c00;
  if (magnitude < 0x1p-14) return sign | (uint64_t)nearbyint(magnitude * 0x1p24);
  magnitude = nearbyint(ldexp(frexp(magnitude, &exponent), 11));
  return sign | (((uint64_t)(exponent + 14) << 10) + (uint64_t)magnitude - 1024);
}

/* A double past float's range must not be converted: C leaves that undefined. */
static float single_of(double value) {
  if (fabs(value) < 0x1.ffffffp127) return (float)value;
  return isnan(value) ? NAN : value < 0 ? -INFINITY : INFINITY;
}

static uint64_t float_bits(double value, unsigned size) {
  uint64_t bits;
  if (size == 2) return half_bits(value);
  if (size == 4) {
    float single = single_of(value);
    uint32_t small;
    memcpy(&small, &single, sizeof small);
    return small;
  }
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

/* ---- integers ---- */

/* The low 64 bits of the integral part; of NaN and the infinities none. */
static uint64_t low_bits(double value) {
  double magnitude = fmod(fabs(trunc(value)), 0x1p64);
  if (!isfinite(value)) return 0;
  return value < 0 ? 0 - (uint64_t)magnitude : (uint64_t)magnitude;
}

static uint64_t clamp(double value) {
  if (!(value > 0)) return 0;
  return value > 255 ? 255 : (uint64_t)nearbyint(value);
}

static lua_Integer sign_extend(uint64_t bits, unsigned size) {
  return size == 1 ? (int8_t)bits : size == 2 ? (int16_t)bits : (int32_t)bits;
}

static uint64_t number_bits(lua_State *L, const struct layout *layout, int index) {
  double value = lua_tonumber(L, index);
  if (lua_type(L, index) == LUA_TBOOLEAN) value = lua_toboolean(L, index);
  if (layout->number == FLOAT) return float_bits(value, layout->size);
  if (layout->number == CLAMPED) return clamp(value);
  return lua_isinteger(L, index) ? (uint64_t)lua_tointeger(L, index) : low_bits(value);
}

static uint64_t big_bits(lua_State *L, enum value_kind kind, int index) {
  if (lua_isinteger(L, index)) return (uint64_t)lua_tointeger(L, index);
  if (lua_type(L, index) != LUA_TUSERDATA || value_kind(L, index) != VALUE_BIGINT)
    luaL_error(L, "an element of %s is an ipc.BigInt or an integer, not %s", value_name(kind),
               lua_type(L, index) == LUA_TNUMBER ? "a float" : luaL_typename(L, index));
  return bigint_low64(lua_touserdata(L, index));
}

/* ---- elements ---- */

void element_push(lua_State *L, enum value_kind kind, const uint8_t *at) {
  const struct layout *layout = &layouts[kind];
  uint64_t bits = load(at, layout->size);
  switch ((enum number)layout->number) {
  case UNSIGNED:
  case CLAMPED:
    lua_pushinteger(L, (lua_Integer)bits);
    break;
  case SIGNED:
    lua_pushinteger(L, sign_extend(bits, layout->size));
    break;
  case FLOAT:
    value_push_number(L, float_of(bits, layout->size));
    break;
  case BIG_UNSIGNED:
    bigint_from_unsigned(L, bits);
    break;
  case BIG_SIGNED:
    bigint_from_integer(L, (lua_Integer)bits);
    break;
  }
}

void element_set(lua_State *L, enum value_kind kind, uint8_t *at, int index) {
  const struct layout *layout = &layouts[kind];
  int type = lua_type(L, index);
  if (layout->number >= BIG_UNSIGNED) {
    store(at, big_bits(L, kind, index), layout->size);
    return;
  }
  if (type != LUA_TNUMBER && type != LUA_TBOOLEAN)
    luaL_error(L, "an element of %s is a number, not %s", value_name(kind), luaL_typename(L, index));
  store(at, number_bits(L, layout, index), layout->size);
}

void element_swap(enum value_kind kind, uint8_t *data, size_t length) {
  size_t size = element_size(kind);
  for (uint8_t *at = data; at + size <= data + length; at += size)
    for (size_t i = 0; i < size / 2; i++) {
      uint8_t byte = at[i];
      at[i] = at[size - 1 - i];
      at[size - 1 - i] = byte;
    }
}
