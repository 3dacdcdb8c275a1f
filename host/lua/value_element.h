/*
 * value_element: one element of a typed array: its size, and its way between memory, little-endian and
 * unaligned, and Lua, by JavaScript's conversions. The kinds are those from VALUE_UINT8_ARRAY on.
 */
#ifndef IPCHOST_LUA_VALUE_ELEMENT_H
#define IPCHOST_LUA_VALUE_ELEMENT_H

#include <stddef.h>

#include "lua/value.h"

size_t element_size(enum value_kind kind);
/* [-0, +1, m] */
void element_push(lua_State *L, enum value_kind kind, const uint8_t *at);
/* Stores the value at the index; raises when it is not a number (for BigInt elements a BigInt or an integer).
 * [-0, +0, v] */
void element_set(lua_State *L, enum value_kind kind, uint8_t *at, int index);
/* Turns the order of the bytes of each element around. */
void element_swap(enum value_kind kind, uint8_t *data, size_t length);

#endif
