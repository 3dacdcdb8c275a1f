/*
 * clone_decode: from a value document to Lua values: what every document is made of (numbers, text, arrays,
 * plain objects). Tags are in clone_decode_tag.c, the forms of tag 27 in clone_decode_named.c.
 */
#include "lua/clone_decode.h"

#include <stdio.h>

#include "base/utf8.h"
#include "lua/clone.h"
#include "lua/clone_quick.h"
#include "lua/clone_text.h"
#include "lua/value.h"
#include "lua/value_array.h"
#include "lua/value_bigint.h"

#define CODE "ERR_PAYLOAD"
#define CLOSE_PAYLOAD 1007
#define ROOM_MAX (1 << 16)
#define BREAK 0xff
#define UNDEFINED 0xf7

/* ---- faults, heads ---- */

void decode_fault(struct decoder *d, const char *what) {
  fault_set(d->fault, ST_MALFORMED, CLOSE_PAYLOAD, CODE, "malformed payload at byte %zu: %s",
            d->size - d->in.len, what);
}

static enum status over_limit(struct decoder *d, const char *what, unsigned limit) {
  return fault_set(d->fault, ST_LIMIT, CLOSE_PAYLOAD, CODE, "%s (%u) exceeded by a payload at byte %zu", what,
                   limit, d->size - d->in.len);
}

enum status decode_long_head(struct decoder *d, struct cbor_head *head) {
  if (cbor_read_head(&d->in, head) == ST_OK) return ST_OK;
  return decode_bad(d, d->in.len ? "a head is broken" : "the bytes end early");
}

static bool take_byte(struct decoder *d, uint8_t byte) {
  if (!d->in.len || d->in.data[0] != byte) return false;
  d->in.data++;
  d->in.len--;
  return true;
}

bool decode_take_undefined(struct decoder *d) {
  return take_byte(d, UNDEFINED);
}

enum status decode_uint(struct decoder *d, uint64_t max, uint64_t *out) {
  struct cbor_head head;
  enum status status = decode_head(d, &head);
  if (status != ST_OK) return status;
  if (head.major != CBOR_UINT || head.value > max) return decode_bad(d, "a number is not what it must be");
  *out = head.value;
  return ST_OK;
}

/* ---- arrays and maps, step by step ---- */

/* Room on Lua's stack for what a level keeps there and for making what is in it. */
static enum status reserve(struct decoder *d) {
  return lua_checkstack(d->L, LUA_MINSTACK) ? ST_OK : over_limit(d, "Lua's stack", LUAI_MAXSTACK);
}

enum status items_open(struct decoder *d, const struct cbor_head *head, struct items *items) {
  unsigned pairs = head->major == CBOR_MAP;
  items->each = 1 + pairs;
  items->indefinite = head->indefinite;
  items->left = head->value;
  if (!d->depth) return over_limit(d, "limits.nesting", d->limit);
  if (reserve(d) != ST_OK) return ST_LIMIT;
  if (!items->indefinite) {
    if (d->owed > d->in.len || items->left > (d->in.len - d->owed) >> pairs)
      return decode_bad(d, "more items are declared than follow");
    d->owed += (size_t)items->left << pairs;
  }
  d->depth--;
  return ST_OK;
}

bool items_next(struct decoder *d, struct items *items) {
  bool more = items->indefinite ? !take_byte(d, BREAK) : items->left > 0;
  if (!more) {
    d->depth++;
  } else if (!items->indefinite) {
    items->left--;
    d->owed -= items->each;
  }
  return more;
}

int items_room(const struct items *items) {
  return items->left < ROOM_MAX ? (int)items->left : ROOM_MAX;
}

/* ---- strings ---- */

/* One piece of a string of chunks; at its break *more is false. */
static enum status next_chunk(struct decoder *d, enum cbor_major major, struct slice *out, bool *more) {
  struct cbor_head head = {.value = 0};
  enum status status;
  *out = slice_of(NULL, 0);
  *more = !take_byte(d, BREAK);
  if (!*more) return ST_OK;
  if ((status = decode_head(d, &head)) != ST_OK) return status;
  if (head.major != major || head.indefinite || head.value > d->in.len)
    return decode_bad(d, "a chunk of a string is not one");
  *out = slice_of(d->in.data, (size_t)head.value);
  d->in = slice_of(d->in.data + out->len, d->in.len - out->len);
  return ST_OK;
}

/* Reads over the chunks and leaves `in` in front of them: what they come to. */
static enum status measure(struct decoder *d, enum cbor_major major, size_t *out) {
  struct slice start = d->in, chunk;
  enum status status;
  bool more = false;
  *out = 0;
  while ((status = next_chunk(d, major, &chunk, &more)) == ST_OK && more) {
    if (major == CBOR_TEXT && !utf8_valid(chunk)) return decode_bad(d, "text is not UTF-8");
    *out += chunk.len;
  }
  if (status == ST_OK) d->in = start;
  return status;
}

enum status decode_bytes_length(struct decoder *d, const struct cbor_head *head, size_t *out) {
  if (head->indefinite) return measure(d, head->major, out);
  if (head->value > d->in.len) return decode_bad(d, "the bytes end early");
  *out = (size_t)head->value;
  return ST_OK;
}

void decode_bytes(struct decoder *d, const struct cbor_head *head, uint8_t *to, size_t length) {
  struct slice chunk;
  bool more = false;
  if (!head->indefinite) {
    if (length) memcpy(to, d->in.data, length);
    d->in = slice_of(d->in.data + length, d->in.len - length);
    return;
  }
  while (next_chunk(d, head->major, &chunk, &more) == ST_OK && more) {
    if (chunk.len) memcpy(to, chunk.data, chunk.len);
    to += chunk.len;
  }
}

static enum status decode_plain_text(struct decoder *d, uint64_t length) {
  struct slice text = slice_of(d->in.data, (size_t)length);
  if (length > d->in.len) return decode_bad(d, "the bytes end early");
  if (!utf8_ascii(text) && !utf8_valid(text)) return decode_bad(d, "text is not UTF-8");
  d->in = slice_of(text.data + text.len, d->in.len - text.len);
  lua_pushlstring(d->L, (const char *)text.data, text.len);
  return ST_OK;
}

enum status decode_text(struct decoder *d, const struct cbor_head *head) {
  enum status status;
  size_t length;
  luaL_Buffer buffer;
  if (!head->indefinite) return decode_plain_text(d, head->value);
  if ((status = measure(d, CBOR_TEXT, &length)) != ST_OK) return status;
  decode_bytes(d, head, (uint8_t *)luaL_buffinitsize(d->L, &buffer, length), length);
  luaL_pushresultsize(&buffer, length);
  return ST_OK;
}

/* ---- arrays ---- */

/* A hole is tag 31 over undefined; `in` is at a tag. */
static enum status take_tagged_hole(struct decoder *d, bool *out) {
  struct cbor_head head;
  struct slice rest = d->in;
  if (cbor_read_head(&rest, &head) != ST_OK || head.value != 31) return ST_OK;
  d->in = rest;
  *out = true;
  return decode_take_undefined(d) ? ST_OK : decode_bad(d, "a hole is not over undefined");
}

static inline enum status take_hole(struct decoder *d, bool *out) {
  *out = false;
  return d->in.len && d->in.data[0] >> 5 == CBOR_TAG ? take_tagged_hole(d, out) : ST_OK;
}

enum status decode_element(struct decoder *d) {
  if (!decode_take_undefined(d)) return decode_value(d);
  value_push_undefined(d->L);
  return ST_OK;
}

enum status decode_array(struct decoder *d, const struct cbor_head *head) {
  struct items items;
  lua_Integer length = 0;
  bool holes = false, hole;
  enum status status = items_open(d, head, &items);
  if (status != ST_OK) return status;
  lua_createtable(d->L, items_room(&items), 0);
  share_put(d, share_take(d));
  value_set_class(d->L, VALUE_ARRAY);
  while (items_next(d, &items)) {
    if ((status = take_hole(d, &hole)) != ST_OK) return status;
    length++;
    holes |= hole;
    if (hole) continue;
    if ((status = decode_element(d)) != ST_OK) return status;
    lua_rawseti(d->L, -2, length);
  }
  if (holes) array_set_length(d->L, length);
  return ST_OK;
}

/* ---- plain objects ---- */

/* An integer key stands for its decimal text. */
static void push_integer_key(struct decoder *d, const struct cbor_head *head) {
  char text[24];
  int len;
  if (head->major == CBOR_UINT)
    len = snprintf(text, sizeof text, "%llu", (unsigned long long)head->value);
  else if (head->value < UINT64_MAX)
    len = snprintf(text, sizeof text, "-%llu", (unsigned long long)head->value + 1);
  else
    len = snprintf(text, sizeof text, "-18446744073709551616");
  lua_pushlstring(d->L, text, (size_t)len);
}

enum status decode_object_key(struct decoder *d) {
  struct cbor_head head;
  enum status status = decode_head(d, &head);
  if (status != ST_OK) return status;
  if (head.major == CBOR_TEXT) return decode_text(d, &head);
  if (head.major == CBOR_TAG && head.value == 273) return decode_tag(d, 273);
  if (head.major > CBOR_NINT) return decode_bad(d, "an object's key is not text");
  push_integer_key(d, &head);
  return ST_OK;
}

/* The value after the key at the top, both into the object below. [-1, +0, m] */
static enum status decode_property(struct decoder *d) {
  enum status status;
  if (decode_take_undefined(d)) {
    lua_pushvalue(d->L, -1);
    lua_pushnil(d->L);
    lua_rawset(d->L, -4);
    object_remember(d->L, -2);
    return ST_OK;
  }
  if ((status = decode_value(d)) != ST_OK) return status;
  lua_rawset(d->L, -3);
  return ST_OK;
}

static enum status decode_object(struct decoder *d, const struct cbor_head *head) {
  struct items items;
  enum status status = items_open(d, head, &items);
  if (status != ST_OK) return status;
  lua_createtable(d->L, 0, items_room(&items));
  share_put(d, share_take(d));
  while (items_next(d, &items)) {
    if ((status = decode_object_key(d)) != ST_OK) return status;
    if ((status = decode_property(d)) != ST_OK) return status;
  }
  return ST_OK;
}

/* ---- sharing ---- */

lua_Integer share_take(struct decoder *d) {
  lua_Integer share = d->share;
  d->share = -1;
  return share;
}

void share_put(struct decoder *d, lua_Integer share) {
  if (share < 0) return;
  lua_pushvalue(d->L, -1);
  lua_rawseti(d->L, d->refs, share + 1);
}

/* ---- numbers and simple values ---- */

static double float_of(const struct cbor_head *head) {
  if (head->info == 25) return cbor_half_to_double((uint16_t)head->value);
  if (head->info == 26) {
    uint32_t bits = (uint32_t)head->value;
    float value;
    memcpy(&value, &bits, sizeof value);
    return (double)value;
  }
  double value;
  memcpy(&value, &head->value, sizeof value);
  return value;
}

static enum status decode_simple(struct decoder *d, const struct cbor_head *head) {
  switch (head->info) {
  case 20:
  case 21:
    lua_pushboolean(d->L, head->info == 21);
    return ST_OK;
  case 22:
    lua_pushlightuserdata(d->L, NULL);
    return ST_OK;
  case 23:
    lua_pushnil(d->L);
    return ST_OK;
  case 25:
  case 26:
  case 27:
    value_push_number(d->L, float_of(head));
    return ST_OK;
  default:
    return decode_bad(d, "a simple value has no meaning here");
  }
}

/* Past 64 bits with a sign it is a BigInt. */
static enum status decode_big_integer(struct decoder *d, const struct cbor_head *head) {
  uint8_t bytes[8];
  for (int i = 0; i < 8; i++) bytes[i] = (uint8_t)(head->value >> 8 * (7 - i));
  bigint_from_bytes(d->L, slice_of(bytes, sizeof bytes), head->major == CBOR_NINT);
  return ST_OK;
}

static enum status decode_integer(struct decoder *d, const struct cbor_head *head) {
  if (head->value > (uint64_t)LUA_MAXINTEGER) return decode_big_integer(d, head);
  lua_pushinteger(d->L, head->major == CBOR_UINT ? (lua_Integer)head->value : -1 - (lua_Integer)head->value);
  return ST_OK;
}

static enum status decode_long(struct decoder *d) {
  struct cbor_head head;
  enum status status = decode_head(d, &head);
  if (status != ST_OK) return status;
  switch (head.major) {
  case CBOR_UINT:
  case CBOR_NINT:
    return decode_integer(d, &head);
  case CBOR_BYTES:
    return decode_buffer(d, &head);
  case CBOR_TEXT:
    return decode_text(d, &head);
  case CBOR_ARRAY:
    return decode_array(d, &head);
  case CBOR_MAP:
    return decode_object(d, &head);
  case CBOR_TAG:
    return decode_tag(d, head.value);
  default:
    return decode_simple(d, &head);
  }
}

enum status decode_any(struct decoder *d) {
  uint8_t byte = d->in.len ? d->in.data[0] : BREAK;
  unsigned info = byte & 31;
  if (byte >> 5 != CBOR_TEXT || info >= 24) return decode_long(d);
  d->in.data++;
  d->in.len--;
  return decode_plain_text(d, info);
}

/* ---- documents ---- */

static enum status decode_end(struct decoder *d) {
  return d->in.len ? decode_bad(d, "bytes follow the value") : ST_OK;
}

/* The elements of the outer array, each onto the stack. */
static enum status decode_arguments(struct decoder *d, int *count) {
  struct cbor_head head;
  struct items items;
  bool hole;
  enum status status = decode_head(d, &head);
  if (status != ST_OK) return status;
  if (head.major != CBOR_ARRAY) return decode_bad(d, "the arguments are not an array");
  if ((status = items_open(d, &head, &items)) != ST_OK) return status;
  while (items_next(d, &items)) {
    if ((status = reserve(d)) != ST_OK) return status;
    if ((status = take_hole(d, &hole)) != ST_OK) return status;
    if (hole)
      lua_pushnil(d->L);
    else if ((status = decode_value(d)) != ST_OK)
      return status;
    ++*count;
  }
  return ST_OK;
}

/* From the beginning, with the table for shared objects at `refs`, or without one. */
static enum status attempt(struct decoder *d, struct slice document, int refs, bool list, int *count) {
  enum status status;
  d->in = document;
  d->owed = 0;
  d->depth = d->limit;
  d->refs = refs;
  *count = list ? 0 : 1;
  if (list)
    status = decode_arguments(d, count);
  else if ((status = reserve(d)) == ST_OK)
    status = decode_value(d);
  return status == ST_OK ? decode_end(d) : status;
}

static int decode(lua_State *L, struct slice document, const struct clone_limits *limits, struct fault *fault,
                  bool list) {
  struct decoder d = {.L = L, .limit = limits->depth, .share = -1, .size = document.len, .fault = fault};
  int base = lua_gettop(L), count;
  enum status status = attempt(&d, document, 0, list, &count);
  if (status == ST_MORE) {
    lua_settop(L, base);
    lua_newtable(L);
    status = attempt(&d, document, base + 1, list, &count);
    if (status == ST_OK) lua_remove(L, base + 1);
  }
  if (status == ST_OK) return count;
  lua_settop(L, base);
  return -1;
}

int clone_decode(lua_State *L, struct slice document, const struct clone_limits *limits,
                 struct fault *fault) {
  return decode(L, document, limits, fault, false);
}

int clone_decode_list(lua_State *L, struct slice document, const struct clone_limits *limits,
                      struct fault *fault) {
  int count = quick_decode_list(L, document);
  return count >= 0 ? count : decode(L, document, limits, fault, true);
}
