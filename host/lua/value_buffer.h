/*
 * value_buffer: ipc.Buffer, which is JavaScript's ArrayBuffer, resizable or not, and the views into one:
 * typed arrays and ipc.DataView. In Lua elements are numbered from 1; byte offsets count from 0 as in
 * JavaScript.
 */
#ifndef IPCHOST_LUA_VALUE_BUFFER_H
#define IPCHOST_LUA_VALUE_BUFFER_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lua/value.h"

struct buffer {
  struct value value;
  bool resizable;
  uint8_t *data; /* behind the struct, or in user value 1 */
  size_t length;
  size_t capacity;
  uint64_t max; /* as far as a resizable one may grow; otherwise its length */
};

struct view {
  struct value value;
  bool tracking;         /* its length follows a resizable buffer's */
  struct buffer *buffer; /* user value 1 */
  size_t offset;         /* bytes */
  size_t length;         /* elements; unused when tracking */
};

/* Pushes a buffer of zeros of a fixed length, or one that may be resized up to `max`. [-0, +1, m] */
struct buffer *buffer_new(lua_State *L, size_t length);
struct buffer *buffer_new_resizable(lua_State *L, size_t length, uint64_t max);
/* Pushes a view into the buffer at the top, in its place. The caller has checked what view_fits checks.
 * [-1, +1, m] */
struct view *view_new(lua_State *L, enum value_kind kind, size_t offset, size_t length, bool tracking);
/* NULL, or what is wrong with such a view. */
const char *view_misfit(const struct buffer *buffer, enum value_kind kind, uint64_t offset, uint64_t length,
                        bool tracking);
/* The length in elements now; *outside: its buffer has become too short for it. */
size_t view_length(const struct view *view, bool *outside);
/* Whether the view is the whole of a buffer that cannot be resized. */
bool view_is_whole(const struct view *view);
/* Add the classes to the table at the top. [-0, +0, m] */
void value_buffer_open(lua_State *L);
void value_view_open(lua_State *L);
void value_data_view_open(lua_State *L);

#endif
