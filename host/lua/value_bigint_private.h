/* value_bigint_private: what the files of ipc.BigInt share. */
#ifndef IPCHOST_LUA_VALUE_BIGINT_PRIVATE_H
#define IPCHOST_LUA_VALUE_BIGINT_PRIVATE_H

#include "lua/value_bigint.h"

/* Arithmetic and decimal text take time that grows with the square of the length, in C code that nothing can
 * interrupt: past this many limbs (39,456 digits) they are refused. Any length is carried. */
#define BIGINT_LIMBS_MAX 4096

/* A BigInt or an integer, taken for one. */
struct operand {
  bool negative;
  size_t count;
  const uint32_t *limbs;
  uint32_t small[2];
};

/* Pushes a BigInt whose `count` limbs are zero and for the caller to fill and bigint_trim. [-0, +1, m] */
struct bigint *bigint_new(lua_State *L, size_t count);
void bigint_trim(struct bigint *bigint);
void operand_from_integer(struct operand *operand, lua_Integer value);
/* The value at the index if it is a BigInt or an integer. `operand` borrows from it. [-0, +0, -] */
bool operand_at(lua_State *L, int index, struct operand *operand);
extern const luaL_Reg bigint_operators[];

#endif
