/*
 * value: what the value types of structured clone have in common: their kinds, their classes, and how the
 * kind of a Lua value is told without running its metamethods. A class (ipc.Map, ipc.Array, ...) is at once
 * the metatable of its values and, called, their constructor. It knows no wire form.
 *
 * Arrays and errors are tables; every other value is a full userdata that begins with a struct value and
 * keeps what it holds in memory of Lua's. Needs clone_open once a state.
 */
#ifndef IPCHOST_LUA_VALUE_H
#define IPCHOST_LUA_VALUE_H

#include <lauxlib.h>
#include <stdbool.h>
#include <stdint.h>

enum value_kind {
  VALUE_NONE, /* none of these */
  /* tables */
  VALUE_ARRAY,
  VALUE_SPARSE_ARRAY,
  VALUE_OBJECT,
  VALUE_ERROR,
  /* userdata */
  VALUE_UNDEFINED,
  VALUE_MAP,
  VALUE_SET,
  VALUE_DATE,
  VALUE_REGEXP,
  VALUE_BIGINT,
  VALUE_BOXED,
  VALUE_BUFFER,
  VALUE_DATA_VIEW,
  VALUE_UINT8_ARRAY,
  VALUE_UINT8_CLAMPED_ARRAY,
  VALUE_UINT16_ARRAY,
  VALUE_UINT32_ARRAY,
  VALUE_BIG_UINT64_ARRAY,
  VALUE_INT8_ARRAY,
  VALUE_INT16_ARRAY,
  VALUE_INT32_ARRAY,
  VALUE_BIG_INT64_ARRAY,
  VALUE_FLOAT16_ARRAY,
  VALUE_FLOAT32_ARRAY,
  VALUE_FLOAT64_ARRAY,
  VALUE_KINDS
};
#define VALUE_LAST_TABLE VALUE_ERROR
#define VALUE_FIRST_VIEW VALUE_DATA_VIEW

/* What every userdata of these kinds begins with. */
struct value {
  enum value_kind kind;
};

/* The classes of one state, by address. Owned by the state. */
struct value_types {
  const void *classes[VALUE_KINDS];
};

/* JavaScript's name of the kind ("ArrayBuffer"), and the one under `ipc` ("Buffer"). */
const char *value_js_name(enum value_kind kind);
const char *value_name(enum value_kind kind);

/* Makes the table of the classes' addresses. [-0, +0, m] */
void value_open(lua_State *L);
/*
 * Makes the class of a kind and stores it in the table at the top under the kind's name: `functions` are its
 * metamethods and methods, `construct` (NULL: none) what `ipc.Name(...)` calls, the class being argument 1.
 * Values of a userdata class read their methods through `index` (NULL: the methods only), which has the
 * class as its upvalue. [-0, +0, m]
 */
struct value_class {
  enum value_kind kind;
  lua_CFunction construct, index;
  const luaL_Reg *functions;
};
void value_class_open(lua_State *L, const struct value_class *class);

/* [-0, +0, -] */
const struct value_types *value_types(lua_State *L);
/* The kind of the table or userdata at the index. [-0, +0, -] */
enum value_kind value_kind_at(lua_State *L, const struct value_types *types, int index);
/* The same when the types are not at hand. [-0, +0, -] */
enum value_kind value_kind(lua_State *L, int index);
/* Pushes the class. [-0, +1, -] */
void value_push_class(lua_State *L, enum value_kind kind);
/* Sets the class of the table at the top. [-0, +0, -] */
void value_set_class(lua_State *L, enum value_kind kind);
/* Pushes a userdata of a kind, `size` bytes, zeroed. [-0, +1, m] */
void *value_new(lua_State *L, enum value_kind kind, size_t size, int user_values);
/* Pushes a number as JavaScript's one type of number is shown in Lua: integral ones as integers. [-0, +1, -]
 */
void value_push_number(lua_State *L, double value);
/* Pushes ipc.undefined. [-0, +1, -] */
void value_push_undefined(lua_State *L);
/* The value at index 1 if it is of the kind, or raises that the method wants a colon. [-0, +0, v] */
void *value_self(lua_State *L, enum value_kind kind, const char *method);
/* __index of classes without fields: the class's own functions. Upvalue 1 is the class. [-2, +1, -] */
int value_method(lua_State *L);

#endif
