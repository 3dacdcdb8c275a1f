/* value_date: ipc.Date, a point in time as JavaScript has it: ms since 1970, or invalid. */
#ifndef IPCHOST_LUA_VALUE_DATE_H
#define IPCHOST_LUA_VALUE_DATE_H

#include <lua.h>

#define DATE_MS_MAX 8.64e15

/* Pushes a date; NaN and what is beyond DATE_MS_MAX make an invalid one. [-0, +1, m] */
void date_new(lua_State *L, double ms);
/* The ms of the ipc.Date at the index, integral or NaN. [-0, +0, -] */
double date_ms(lua_State *L, int index);
/* Adds the class to the table at the top. [-0, +0, m] */
void value_date_open(lua_State *L);

#endif
