/* clone_decode_tag: the tagged items of docs/protocol.md, section 8, each over the kind of item it is meant
 * for. */
#include <math.h>

#include "lua/clone_decode.h"
#include "lua/clone_text.h"
#include "lua/value_bigint.h"
#include "lua/value_collection.h"
#include "lua/value_date.h"
#include "lua/value_regexp.h"

/* ---- sharing: tags 28 and 29 ---- */

static enum status decode_shared(struct decoder *d) {
  enum status status;
  if (!d->refs) return ST_MORE;
  if (d->share >= 0) return decode_bad(d, "tag 28 over tag 28");
  d->share = d->count++;
  if ((status = decode_value(d)) != ST_OK) return status;
  return d->share < 0 ? ST_OK : decode_bad(d, "tag 28 over what is no object");
}

static enum status decode_reference(struct decoder *d) {
  uint64_t number;
  enum status status;
  if (d->share >= 0) return decode_bad(d, "tag 28 over tag 29");
  if ((status = decode_uint(d, UINT64_MAX, &number)) != ST_OK) return status;
  if (number >= (uint64_t)d->count || lua_rawgeti(d->L, d->refs, (lua_Integer)number + 1) == LUA_TNIL)
    return decode_bad(d, "a reference names nothing");
  return ST_OK;
}

/* ---- text with lone surrogates ---- */

static enum status decode_wtf8(struct decoder *d) {
  struct cbor_head head;
  size_t length;
  luaL_Buffer buffer;
  enum text_kind kind;
  enum status status = decode_head(d, &head);
  if (status != ST_OK) return status;
  if (head.major != CBOR_BYTES) return decode_bad(d, "tag 273 is not over bytes");
  if ((status = decode_bytes_length(d, &head, &length)) != ST_OK) return status;
  luaL_buffinit(d->L, &buffer);
  decode_bytes(d, &head, (uint8_t *)luaL_prepbuffsize(&buffer, length), length);
  kind = text_kind_of(slice_of(luaL_buffaddr(&buffer), length));
  luaL_pushresultsize(&buffer, length);
  return kind == TEXT_BYTES ? decode_bad(d, "tag 273 is over bytes that are not WTF-8") : ST_OK;
}

/* ---- numbers that are more ---- */

static enum status decode_date(struct decoder *d) {
  enum status status;
  double seconds, whole;
  lua_Integer share = share_take(d);
  if ((status = decode_value(d)) != ST_OK) return status;
  if (lua_type(d->L, -1) != LUA_TNUMBER) return decode_bad(d, "tag 1 is not over a number");
  seconds = lua_tonumber(d->L, -1);
  if (fabs(seconds) > DATE_MS_MAX / 1000) return decode_bad(d, "a date is out of range");
  lua_pop(d->L, 1);
  whole = floor(seconds);
  date_new(d->L, whole * 1000 + round((seconds - whole) * 1000));
  share_put(d, share);
  return ST_OK;
}

static enum status decode_bigint(struct decoder *d, bool complement) {
  struct cbor_head head;
  size_t length;
  uint8_t *bytes;
  enum status status = decode_head(d, &head);
  if (status != ST_OK) return status;
  if (head.major != CBOR_BYTES) return decode_bad(d, "a BigInt is not over bytes");
  if ((status = decode_bytes_length(d, &head, &length)) != ST_OK) return status;
  bytes = lua_newuserdatauv(d->L, length, 0);
  decode_bytes(d, &head, bytes, length);
  bigint_from_bytes(d->L, slice_of(bytes, length), complement);
  lua_remove(d->L, -2);
  return ST_OK;
}

/* ---- objects of parts ---- */

/* Enters the array or map that a tag is over. */
static enum status open_items(struct decoder *d, enum cbor_major major, struct items *items) {
  struct cbor_head head;
  enum status status = decode_head(d, &head);
  if (status != ST_OK) return status;
  if (head.major != major) return decode_bad(d, "a tag is over an item of another kind");
  return items_open(d, &head, items);
}

static enum status decode_regexp_part(struct decoder *d, struct items *items) {
  enum status status;
  if (!items_next(d, items)) return decode_bad(d, "a RegExp lacks a part");
  if ((status = decode_value(d)) != ST_OK) return status;
  return lua_type(d->L, -1) == LUA_TSTRING ? ST_OK : decode_bad(d, "a part of a RegExp is not text");
}

static enum status decode_regexp(struct decoder *d) {
  struct items items;
  lua_Integer share = share_take(d);
  enum status status = open_items(d, CBOR_ARRAY, &items);
  if (status == ST_OK) status = decode_regexp_part(d, &items);
  if (status == ST_OK) status = decode_regexp_part(d, &items);
  if (status != ST_OK) return status;
  if (items_next(d, &items)) return decode_bad(d, "a RegExp has too many parts");
  if (!regexp_new(d->L)) return decode_bad(d, "a RegExp has flags that there are not");
  share_put(d, share);
  return ST_OK;
}

static enum status decode_collection(struct decoder *d, enum value_kind kind) {
  struct items items;
  lua_Integer share = share_take(d);
  enum status status = open_items(d, kind == VALUE_MAP ? CBOR_MAP : CBOR_ARRAY, &items);
  int index = lua_gettop(d->L) + 1;
  if (status != ST_OK) return status;
  collection_new(d->L, kind, items_room(&items));
  share_put(d, share);
  while (items_next(d, &items)) {
    status = decode_element(d);
    if (status == ST_OK && kind == VALUE_MAP) status = decode_element(d);
    if (status != ST_OK) return status;
    collection_put(d->L, index);
  }
  return ST_OK;
}

/* ---- by number ---- */

static enum status decode_other_tag(struct decoder *d, uint64_t tag) {
  enum status status = decode_typed_array(d, tag);
  return status == ST_NOT_FOUND ? decode_bad(d, "a tag has no meaning here") : status;
}

enum status decode_tag(struct decoder *d, uint64_t tag) {
  switch (tag) {
  case 1:
    return decode_date(d);
  case 2:
  case 3:
    return decode_bigint(d, tag == 3);
  case 27:
    return decode_named(d);
  case 28:
    return decode_shared(d);
  case 29:
    return decode_reference(d);
  case 258:
    return decode_collection(d, VALUE_SET);
  case 259:
    return decode_collection(d, VALUE_MAP);
  case 273:
    return decode_wtf8(d);
  case 21066:
    return decode_regexp(d);
  default:
    return decode_other_tag(d, tag);
  }
}
