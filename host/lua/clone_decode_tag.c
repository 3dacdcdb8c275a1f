/* clone_decode_tag: the tagged items of docs/protocol.md, section 8, each over the kind of item it is meant
 * for. */
#include <math.h>

#include "lua/clone_decode.h"
#include "lua/clone_text.h"

/* ---- sharing: tags 28 and 29 ---- */

static enum status decode_shared(struct decoder *d) {
  enum status status;
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
  if (number >= (uint64_t)d->count || !lua_istable(d->L, d->refs) ||
      lua_rawgeti(d->L, d->refs, (lua_Integer)number + 1) == LUA_TNIL)
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

enum status decode_tag(struct decoder *d, uint64_t tag) {
  switch (tag) {
  case 27:
    return decode_named(d);
  case 28:
    return decode_shared(d);
  case 29:
    return decode_reference(d);
  case 273:
    return decode_wtf8(d);
  default:
    return decode_bad(d, "a tag has no meaning here");
  }
}
