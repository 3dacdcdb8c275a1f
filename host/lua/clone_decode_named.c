/* clone_decode_named: the forms of tag 27, an array that begins with the name of a JavaScript class. */
#include <stdlib.h>
#include <string.h>

#include "lua/clone_decode.h"
#include "lua/value.h"
#include "lua/value_array.h"
#include "lua/value_error.h"
#include "lua/value_regexp.h"

/* Whether the string at the top is that text; its bytes may be any. */
static bool top_is(lua_State *L, const char *text) {
  size_t len;
  const char *top = lua_tolstring(L, -1, &len);
  return slice_equal(slice_of(top, len), slice_str(text));
}

enum status named_next(struct decoder *d, struct named *named) {
  return items_next(d, &named->items) ? ST_OK : decode_bad(d, "a part after the name is missing");
}

/* ---- arrays with other properties, or very sparse ---- */

/* Whether the string at the top is how JavaScript writes an index of an array: such a key is an element. */
static bool is_index(lua_State *L) {
  size_t len;
  const char *text = lua_tolstring(L, -1, &len);
  if (!len || len > strlen("4294967294") || strspn(text, "0123456789") != len) return false;
  return (text[0] != '0' || len == 1) && strtoll(text, NULL, 10) < ARRAY_LENGTH_MAX;
}

/* One entry of the map of elements and properties, into the array at the top. */
static enum status decode_array_entry(struct decoder *d, uint64_t length) {
  struct cbor_head head;
  struct slice start = d->in;
  enum status status = decode_head(d, &head);
  if (status != ST_OK) return status;
  if (head.major == CBOR_UINT) {
    if (head.value >= length) return decode_bad(d, "an element is past the array's length");
    if ((status = decode_element(d)) == ST_OK) lua_rawseti(d->L, -2, (lua_Integer)head.value + 1);
    return status;
  }
  d->in = start;
  if (head.major == CBOR_NINT) return decode_bad(d, "an array's key is negative");
  if ((status = decode_object_key(d)) != ST_OK) return status;
  if (is_index(d->L)) return decode_bad(d, "an array's index is text");
  if (top_is(d->L, "length")) return decode_bad(d, "an array's length is among its keys");
  if ((status = decode_element(d)) == ST_OK) lua_rawset(d->L, -3);
  return status;
}

static enum status decode_sparse(struct decoder *d, struct named *named) {
  struct cbor_head head;
  struct items items;
  struct array_shape shape;
  uint64_t length;
  enum status status;
  if ((status = decode_uint(d, ARRAY_LENGTH_MAX, &length)) != ST_OK) return status;
  if ((status = named_next(d, named)) != ST_OK || (status = decode_head(d, &head)) != ST_OK) return status;
  if (head.major != CBOR_MAP) return decode_bad(d, "an array's elements are not a map");
  if ((status = items_open(d, &head, &items)) != ST_OK) return status;
  lua_newtable(d->L);
  share_put(d, named->share);
  while (items_next(d, &items))
    if ((status = decode_array_entry(d, length)) != ST_OK) return status;
  array_shape(d->L, -1, &shape);
  if (shape.count == (lua_Integer)length)
    value_set_class(d->L, VALUE_ARRAY);
  else
    array_set_length(d->L, (lua_Integer)length);
  return ST_OK;
}

/* ---- errors ---- */

/* A text or undefined, as a field of the error at the top. */
static enum status decode_error_text(struct decoder *d, const char *field) {
  enum status status;
  lua_pushstring(d->L, field);
  if ((status = decode_value(d)) != ST_OK) return status;
  if (!lua_isnil(d->L, -1) && lua_type(d->L, -1) != LUA_TSTRING)
    return decode_bad(d, "an error's message or stack is not text");
  lua_rawset(d->L, -3);
  return ST_OK;
}

/* The last part, and there may be one more: the cause. */
static enum status decode_error(struct decoder *d, struct named *named) {
  enum status status;
  error_new(d->L);
  share_put(d, named->share);
  lua_pushliteral(d->L, "name");
  lua_pushstring(d->L, named->name);
  lua_rawset(d->L, -3);
  if ((status = decode_error_text(d, "message")) != ST_OK) return status;
  if ((status = named_next(d, named)) != ST_OK) return status;
  if ((status = decode_error_text(d, "stack")) != ST_OK) return status;
  if (!items_next(d, &named->items)) return ST_OK;
  lua_pushliteral(d->L, "cause");
  if ((status = decode_element(d)) != ST_OK) return status;
  lua_rawset(d->L, -3);
  return items_next(d, &named->items) ? decode_bad(d, "an error has too many parts") : ST_OK;
}

/* ---- boxed primitives ---- */

static enum status decode_boxed(struct decoder *d, struct named *named) {
  enum status status = decode_value(d);
  if (status != ST_OK) return status;
  if (!boxed_new(d->L) || strcmp(boxed_class_name(d->L, -1), named->name) != 0)
    return decode_bad(d, "a boxed value is of another type");
  share_put(d, named->share);
  return ST_OK;
}

/* ---- by name ---- */

typedef enum status decode_named_fn(struct decoder *d, struct named *named);

static const struct form {
  const char *name;
  decode_named_fn *decode;
  enum value_kind kind;
  bool open; /* reads to the end of the array by itself */
} forms[] = {
    {"Array", decode_sparse, VALUE_ARRAY, false},     {"ArrayBuffer", decode_resizable, VALUE_BUFFER, false},
    {"Number", decode_boxed, VALUE_BOXED, false},     {"String", decode_boxed, VALUE_BOXED, false},
    {"Boolean", decode_boxed, VALUE_BOXED, false},    {"BigInt", decode_boxed, VALUE_BOXED, false},
    {"Error", decode_error, VALUE_ERROR, true},       {"EvalError", decode_error, VALUE_ERROR, true},
    {"RangeError", decode_error, VALUE_ERROR, true},  {"ReferenceError", decode_error, VALUE_ERROR, true},
    {"SyntaxError", decode_error, VALUE_ERROR, true}, {"TypeError", decode_error, VALUE_ERROR, true},
    {"URIError", decode_error, VALUE_ERROR, true}};

/* A view has the name of its kind. */
static bool find_view(lua_State *L, struct form *out) {
  for (enum value_kind kind = VALUE_FIRST_VIEW; kind < VALUE_KINDS; kind++) {
    if (!top_is(L, value_js_name(kind))) continue;
    *out = (struct form){value_js_name(kind), decode_view, kind, true};
    return true;
  }
  return false;
}

static bool find_form(lua_State *L, struct form *out) {
  for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
    if (!top_is(L, forms[i].name)) continue;
    *out = forms[i];
    return true;
  }
  return find_view(L, out);
}

/* The first part: the name of a form. */
static enum status decode_form(struct decoder *d, struct named *named, struct form *out) {
  struct cbor_head head;
  bool found;
  enum status status = named_next(d, named);
  if (status != ST_OK || (status = decode_head(d, &head)) != ST_OK) return status;
  if (head.major != CBOR_TEXT) return decode_bad(d, "tag 27 does not begin with a name");
  if ((status = decode_text(d, &head)) != ST_OK) return status;
  found = find_form(d->L, out);
  lua_pop(d->L, 1);
  return found ? ST_OK : decode_bad(d, "tag 27 names an unknown class");
}

enum status decode_named(struct decoder *d) {
  struct cbor_head head;
  struct named named = {.share = share_take(d)};
  struct form form = {.open = false};
  enum status status = decode_head(d, &head);
  if (status != ST_OK) return status;
  if (head.major != CBOR_ARRAY) return decode_bad(d, "tag 27 is not over an array");
  if ((status = items_open(d, &head, &named.items)) != ST_OK) return status;
  if ((status = decode_form(d, &named, &form)) != ST_OK) return status;
  named.name = form.name;
  named.kind = form.kind;
  if ((status = named_next(d, &named)) != ST_OK) return status;
  if ((status = form.decode(d, &named)) != ST_OK || form.open) return status;
  return items_next(d, &named.items) ? decode_bad(d, "too many parts after the name") : ST_OK;
}
