/* value_bigint: see value_bigint.h. Making BigInts and reading them; their operators are in
 * value_bigint_operators.c. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lua/value_bigint_math.h"
#include "lua/value_bigint_private.h"

#define CHUNK 1000000000u /* the largest power of 10 in a limb */
#define CHUNK_DIGITS 9
#define DIGITS_MAX 39456

/* ---- making ---- */

struct bigint *bigint_new(lua_State *L, size_t count) {
  struct bigint *bigint = value_new(L, VALUE_BIGINT, sizeof *bigint + count * sizeof(uint32_t), 0);
  bigint->count = count;
  return bigint;
}

void bigint_trim(struct bigint *bigint) {
  bigint->count = limbs_trim(bigint->limbs, bigint->count);
  if (!bigint->count) bigint->negative = false;
}

void bigint_from_unsigned(lua_State *L, uint64_t value) {
  struct bigint *bigint = bigint_new(L, 2);
  bigint->limbs[0] = (uint32_t)value;
  bigint->limbs[1] = (uint32_t)(value >> 32);
  bigint_trim(bigint);
}

void bigint_from_integer(lua_State *L, lua_Integer value) {
  bigint_from_unsigned(L, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
  ((struct bigint *)lua_touserdata(L, -1))->negative = value < 0;
}

void bigint_from_bytes(lua_State *L, struct slice bytes, bool complement) {
  struct bigint *bigint;
  const uint32_t one = 1;
  bigint = bigint_new(L, bytes.len / 4 + 2);
  for (size_t i = 0; i < bytes.len; i++)
    bigint->limbs[i / 4] |= (uint32_t)bytes.data[bytes.len - 1 - i] << 8 * (i % 4);
  if (complement) limbs_add(bigint->limbs, bigint->limbs, bigint->count - 1, &one, 1);
  bigint->negative = complement;
  bigint_trim(bigint);
}

/* ---- reading ---- */

uint64_t bigint_low64(const struct bigint *bigint) {
  uint64_t low = bigint->count ? bigint->limbs[0] : 0;
  if (bigint->count > 1) low |= (uint64_t)bigint->limbs[1] << 32;
  return bigint->negative ? 0 - low : low;
}

void bigint_push_bytes(lua_State *L, int index) {
  const struct bigint *bigint = lua_touserdata(L, index);
  lua_pushlstring(L, (const char *)bigint->limbs, bigint->count * sizeof(uint32_t));
  lua_pushstring(L, bigint->negative ? "-" : "+");
  lua_concat(L, 2);
}

/* The lowest limb that is not 0; what is below it becomes all ones when 1 is taken away. */
static size_t lowest(const struct bigint *bigint) {
  size_t i = 0;
  while (i + 1 < bigint->count && !bigint->limbs[i]) i++;
  return i;
}

size_t bigint_byte_count(const struct bigint *bigint) {
  size_t bytes = 4 * bigint->count;
  uint32_t top;
  if (!bytes) return 0;
  top = bigint->limbs[bigint->count - 1] - (bigint->negative && lowest(bigint) == bigint->count - 1);
  return top ? bytes - (size_t)__builtin_clz(top) / 8 : bytes - 4;
}

void bigint_bytes(const struct bigint *bigint, uint8_t *to) {
  size_t count = bigint_byte_count(bigint), low = lowest(bigint);
  for (size_t i = 0; i < count; i++) {
    uint32_t limb = bigint->limbs[i / 4] - (bigint->negative && i / 4 <= low);
    to[count - 1 - i] = (uint8_t)(limb >> 8 * (i % 4));
  }
}

void operand_from_integer(struct operand *operand, lua_Integer value) {
  uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
  operand->negative = value < 0;
  operand->small[0] = (uint32_t)magnitude;
  operand->small[1] = (uint32_t)(magnitude >> 32);
  operand->limbs = operand->small;
  operand->count = limbs_trim(operand->small, 2);
}

bool operand_at(lua_State *L, int index, struct operand *operand) {
  if (lua_isinteger(L, index)) {
    operand_from_integer(operand, lua_tointeger(L, index));
    return true;
  }
  if (lua_type(L, index) != LUA_TUSERDATA || value_kind(L, index) != VALUE_BIGINT) return false;
  const struct bigint *bigint = lua_touserdata(L, index);
  operand->negative = bigint->negative;
  operand->count = bigint->count;
  operand->limbs = bigint->limbs;
  return true;
}

/* ---- text ---- */

/* Into the limbs of the BigInt at the top, which have room. */
static void parse_decimal(struct bigint *bigint, const char *digits, size_t len) {
  size_t used = 0;
  while (len) {
    char chunk[CHUNK_DIGITS + 1] = "";
    size_t take = len % CHUNK_DIGITS ? len % CHUNK_DIGITS : CHUNK_DIGITS;
    uint32_t carry;
    memcpy(chunk, digits, take);
    carry = limbs_multiply_small(bigint->limbs, used, CHUNK, (uint32_t)strtoul(chunk, NULL, 10));
    if (carry) bigint->limbs[used++] = carry;
    digits += take;
    len -= take;
  }
}

static void parse_hex(struct bigint *bigint, const char *digits, size_t len) {
  for (size_t i = 0; i < len; i++) {
    char digit = digits[len - 1 - i];
    uint32_t value = (uint32_t)(digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10);
    bigint->limbs[i / 8] |= value << 4 * (i % 8);
  }
}

/* Pushes the BigInt that the string at index 2 writes. */
static int parse(lua_State *L) {
  size_t len;
  const char *text = lua_tolstring(L, 2, &len), *digits = text, *set = "0123456789";
  bool negative = *digits == '-', hex;
  struct bigint *bigint;
  if (*digits == '-' || *digits == '+') digits++;
  hex = digits == text && digits[0] == '0' && (digits[1] | 0x20) == 'x';
  if (hex) digits += 2, set = "0123456789abcdefABCDEF";
  len -= (size_t)(digits - text);
  if (!len || strspn(digits, set) != len) return luaL_error(L, "Cannot convert '%s' to a BigInt", text);
  if (!hex && len > DIGITS_MAX)
    return luaL_error(L, "a BigInt of %I digits is too long for decimal text; write it as 0x...",
                      (LUAI_UACINT)len);
  bigint = bigint_new(L, len / 8 + 1);
  if (hex)
    parse_hex(bigint, digits, len);
  else
    parse_decimal(bigint, digits, len);
  bigint->negative = negative;
  bigint_trim(bigint);
  return 1;
}

/* The limbs are used up. Digits come lowest first, into the end of `text`. */
static char *write_decimal(uint32_t *limbs, size_t count, char *end) {
  do {
    uint32_t chunk = limbs_divide_small(limbs, count, CHUNK);
    count = limbs_trim(limbs, count);
    for (int i = 0; i < CHUNK_DIGITS && (count || chunk || !i); i++, chunk /= 10)
      *--end = (char)('0' + chunk % 10);
  } while (count);
  return end;
}

static char *write_hex(const uint32_t *limbs, size_t count, char *end) {
  for (size_t i = 0; i < 8 * count; i++) {
    uint32_t digit = limbs[i / 8] >> 4 * (i % 8) & 15;
    if (i / 8 == count - 1 && !(limbs[i / 8] >> 4 * (i % 8))) break;
    *--end = "0123456789abcdef"[digit];
  }
  *--end = 'x';
  *--end = '0';
  return end;
}

/* Decimal without JavaScript's n; past BIGINT_LIMBS_MAX hexadecimal. */
static int bigint_tostring(lua_State *L) {
  const struct bigint *bigint = value_self(L, VALUE_BIGINT, "__tostring");
  size_t room = bigint->count * 10 + 8, copy = (bigint->count * sizeof(uint32_t) + 7) & ~(size_t)7;
  uint32_t *limbs = lua_newuserdatauv(L, copy + room, 0);
  char *end = (char *)limbs + copy + room, *text;
  if (bigint->count) memcpy(limbs, bigint->limbs, bigint->count * sizeof(uint32_t));
  text = bigint->count > BIGINT_LIMBS_MAX ? write_hex(limbs, bigint->count, end)
                                          : write_decimal(limbs, bigint->count, end);
  if (bigint->negative) *--text = '-';
  lua_pushlstring(L, text, (size_t)(end - text));
  return 1;
}

/* ---- methods ---- */

/* ipc.BigInt(string, integer or BigInt) */
static int bigint_construct(lua_State *L) {
  int is_integer;
  lua_Integer value;
  lua_settop(L, 2);
  if (lua_type(L, 2) == LUA_TSTRING) return parse(L);
  if (lua_type(L, 2) == LUA_TNUMBER) {
    value = lua_tointegerx(L, 2, &is_integer);
    if (!is_integer)
      return luaL_error(L, "The number %s cannot be converted to a BigInt because it is not an integer",
                        lua_tostring(L, 2));
    bigint_from_integer(L, value);
    return 1;
  }
  if (value_kind(L, 2) == VALUE_BIGINT) return 1;
  return luaL_error(L, "ipc.BigInt expects a string or an integer, but got %s", luaL_typename(L, 2));
}

/* The Lua integer, or nil when it is none. */
static int bigint_tointeger(lua_State *L) {
  const struct bigint *bigint = value_self(L, VALUE_BIGINT, "tointeger");
  uint64_t low = bigint_low64(bigint);
  bool fits = bigint->count <= 2 && (!bigint->count || low >> 63 == bigint->negative);
  if (fits)
    lua_pushinteger(L, (lua_Integer)low);
  else
    lua_pushnil(L);
  return 1;
}

/* The nearest number, or one beside it. */
static int bigint_tonumber(lua_State *L) {
  const struct bigint *bigint = value_self(L, VALUE_BIGINT, "tonumber");
  double value = 0;
  if (bigint->count > 33) value = HUGE_VAL;
  for (size_t i = bigint->count; i && bigint->count <= 33; i--)
    value = value * 4294967296.0 + bigint->limbs[i - 1];
  lua_pushnumber(L, bigint->negative ? -value : value);
  return 1;
}

void value_bigint_open(lua_State *L) {
  static const luaL_Reg functions[] = {{"__tostring", bigint_tostring},
                                       {"tointeger", bigint_tointeger},
                                       {"tonumber", bigint_tonumber},
                                       {NULL, NULL}};
  static const struct value_class class = {
      .kind = VALUE_BIGINT, .construct = bigint_construct, .functions = functions};
  value_class_open(L, &class);
  value_push_class(L, VALUE_BIGINT);
  luaL_setfuncs(L, bigint_operators, 0);
  lua_pop(L, 1);
}
