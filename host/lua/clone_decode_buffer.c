/* clone_decode_buffer: buffers and the views into them. */
#include "lua/clone_decode.h"
#include "lua/value_buffer.h"
#include "lua/value_element.h"

/* A buffer with the bytes whose head was read. [-0, +1, m] */
static enum status decode_plain_buffer(struct decoder *d, const struct cbor_head *head, struct buffer **out) {
  size_t length;
  enum status status = decode_bytes_length(d, head, &length);
  if (status != ST_OK) return status;
  *out = buffer_new(d->L, length);
  decode_bytes(d, head, (*out)->data, length);
  return ST_OK;
}

enum status decode_buffer(struct decoder *d, const struct cbor_head *head) {
  struct buffer *buffer;
  enum status status = decode_plain_buffer(d, head, &buffer);
  if (status == ST_OK) share_put(d, share_take(d));
  return status;
}

/* ---- RFC 8746 ---- */

static const struct typed {
  uint8_t tag;
  bool big_endian;
  enum value_kind kind;
} typed[] = {{64, false, VALUE_UINT8_ARRAY},         {65, true, VALUE_UINT16_ARRAY},
             {66, true, VALUE_UINT32_ARRAY},         {67, true, VALUE_BIG_UINT64_ARRAY},
             {68, false, VALUE_UINT8_CLAMPED_ARRAY}, {69, false, VALUE_UINT16_ARRAY},
             {70, false, VALUE_UINT32_ARRAY},        {71, false, VALUE_BIG_UINT64_ARRAY},
             {72, false, VALUE_INT8_ARRAY},          {73, true, VALUE_INT16_ARRAY},
             {74, true, VALUE_INT32_ARRAY},          {75, true, VALUE_BIG_INT64_ARRAY},
             {77, false, VALUE_INT16_ARRAY},         {78, false, VALUE_INT32_ARRAY},
             {79, false, VALUE_BIG_INT64_ARRAY},     {80, true, VALUE_FLOAT16_ARRAY},
             {81, true, VALUE_FLOAT32_ARRAY},        {82, true, VALUE_FLOAT64_ARRAY},
             {84, false, VALUE_FLOAT16_ARRAY},       {85, false, VALUE_FLOAT32_ARRAY},
             {86, false, VALUE_FLOAT64_ARRAY}};

static const struct typed *find_typed(uint64_t tag) {
  for (size_t i = 0; i < sizeof typed / sizeof *typed; i++)
    if (typed[i].tag == tag) return &typed[i];
  return NULL;
}

enum status decode_typed_array(struct decoder *d, uint64_t tag) {
  const struct typed *type = find_typed(tag);
  struct cbor_head head;
  struct buffer *buffer;
  lua_Integer share = share_take(d);
  enum status status;
  if (!type) return ST_NOT_FOUND;
  if ((status = decode_head(d, &head)) != ST_OK) return status;
  if (head.major != CBOR_BYTES) return decode_bad(d, "a typed array is not over bytes");
  if ((status = decode_plain_buffer(d, &head, &buffer)) != ST_OK) return status;
  if (buffer->length % element_size(type->kind)) return decode_bad(d, "a typed array ends within an element");
  if (type->big_endian) element_swap(type->kind, buffer->data, buffer->length);
  view_new(d->L, type->kind, 0, buffer->length / element_size(type->kind), false);
  share_put(d, share);
  return ST_OK;
}

/* ---- tag 27 ---- */

/* ["ArrayBuffer", bytes, maxByteLength] */
enum status decode_resizable(struct decoder *d, struct named *named) {
  struct cbor_head head;
  struct buffer *buffer;
  size_t length;
  uint64_t max;
  enum status status = decode_head(d, &head);
  if (status != ST_OK) return status;
  if (head.major != CBOR_BYTES) return decode_bad(d, "an ArrayBuffer is not over bytes");
  if ((status = decode_bytes_length(d, &head, &length)) != ST_OK) return status;
  buffer = buffer_new_resizable(d->L, length, length);
  decode_bytes(d, &head, buffer->data, length);
  if ((status = named_next(d, named)) != ST_OK) return status;
  if ((status = decode_uint(d, (UINT64_C(1) << 53) - 1, &max)) != ST_OK) return status;
  if (max < length) return decode_bad(d, "an ArrayBuffer is longer than it may be");
  buffer->max = max;
  share_put(d, named->share);
  return ST_OK;
}

/* [name, buffer, offset, length], the length being absent in one that follows its buffer's. */
enum status decode_view(struct decoder *d, struct named *named) {
  uint64_t offset, length = 0;
  const char *misfit;
  bool tracking;
  enum status status = decode_value(d);
  if (status != ST_OK) return status;
  if (lua_type(d->L, -1) != LUA_TUSERDATA || value_kind(d->L, -1) != VALUE_BUFFER)
    return decode_bad(d, "a view is over what is no buffer");
  if ((status = named_next(d, named)) != ST_OK) return status;
  if ((status = decode_uint(d, UINT64_MAX, &offset)) != ST_OK) return status;
  tracking = !items_next(d, &named->items);
  if (!tracking && (status = decode_uint(d, UINT64_MAX, &length)) != ST_OK) return status;
  if (!tracking && items_next(d, &named->items)) return decode_bad(d, "a view has too many parts");
  misfit = view_misfit(lua_touserdata(d->L, -1), named->kind, offset, length, tracking);
  if (misfit) return decode_bad(d, misfit);
  view_new(d->L, named->kind, (size_t)offset, (size_t)length, tracking);
  share_put(d, named->share);
  return ST_OK;
}
