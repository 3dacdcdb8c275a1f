/* value_bigint: ipc.BigInt: integers of any size, immutable. */
#ifndef IPCHOST_LUA_VALUE_BIGINT_H
#define IPCHOST_LUA_VALUE_BIGINT_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "lua/value.h"

struct bigint {
  struct value value;
  bool negative;
  size_t count; /* limbs, trimmed; 0 for 0 */
  uint32_t limbs[];
};

/* Pushes the number with these big-endian bytes, or -1 less it. [-0, +1, m] */
void bigint_from_bytes(lua_State *L, struct slice bytes, bool complement);
void bigint_from_integer(lua_State *L, lua_Integer value); /* [-0, +1, m] */
void bigint_from_unsigned(lua_State *L, uint64_t value);   /* [-0, +1, m] */
/* The low 64 bits in two's complement, as JavaScript's BigInt.asUintN(64). */
uint64_t bigint_low64(const struct bigint *bigint);
/* Pushes a string that only equal BigInts have in common. [-0, +1, m] */
void bigint_push_bytes(lua_State *L, int index);
/* The big-endian bytes of the number, or of -1 less it when it is negative, without zeros in front: how many,
 * and their copy to `to`. */
size_t bigint_byte_count(const struct bigint *bigint);
void bigint_bytes(const struct bigint *bigint, uint8_t *to);
/* Adds the class to the table at the top. [-0, +0, m] */
void value_bigint_open(lua_State *L);

#endif
