/* value_date: see value_date.h. */
#include "lua/value_date.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "lua/value.h"

#define DAY_MS INT64_C(86400000)

struct date {
  struct value value;
  double ms;
};

void date_new(lua_State *L, double ms) {
  struct date *date = value_new(L, VALUE_DATE, sizeof *date, 0);
  date->ms = fabs(ms) <= DATE_MS_MAX ? trunc(ms) + 0.0 : NAN;
}

double date_ms(lua_State *L, int index) {
  const struct date *date = lua_touserdata(L, index);
  return date->ms;
}

static double now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return floor((double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6);
}

/* ipc.Date(ms); without an argument, now. */
static int date_construct(lua_State *L) {
  if (lua_gettop(L) > 1 && lua_type(L, 2) != LUA_TNUMBER)
    return luaL_error(L, "ipc.Date expects milliseconds since 1970, but got %s", luaL_typename(L, 2));
  date_new(L, lua_gettop(L) > 1 ? lua_tonumber(L, 2) : now_ms());
  return 1;
}

static int date_get_time(lua_State *L) {
  const struct date *date = value_self(L, VALUE_DATE, "getTime");
  if (isnan(date->ms))
    lua_pushnumber(L, date->ms);
  else
    lua_pushinteger(L, (lua_Integer)date->ms);
  return 1;
}

/* Year, month and day of a day counted from 1970-01-01, by the proleptic Gregorian calendar: years begin in
 * March, so that the leap day is their last, and are counted within eras of 400. */
static void civil(int64_t days, int64_t *year, int *month, int *day) {
  int64_t shifted = days + 719468, era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
  int64_t of_era = shifted - era * 146097;
  int64_t years = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  int64_t of_year = of_era - (365 * years + years / 4 - years / 100);
  int64_t shifted_month = (5 * of_year + 2) / 153;
  *day = (int)(of_year - (153 * shifted_month + 2) / 5 + 1);
  *month = (int)(shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
  *year = years + era * 400 + (*month <= 2);
}

static void push_iso(lua_State *L, double value) {
  char text[80]; /* as much as the widest numbers of these types take */
  int64_t ms = (int64_t)value, days = ms / DAY_MS - (ms % DAY_MS < 0), rest = ms - days * DAY_MS, year;
  int month, day;
  civil(days, &year, &month, &day);
  snprintf(text, sizeof text, "%s%0*lld-%02d-%02dT%02d:%02d:%02d.%03dZ",
           year < 0      ? "-"
           : year > 9999 ? "+"
                         : "",
           year < 0 || year > 9999 ? 6 : 4, (long long)(year < 0 ? -year : year), month, day,
           (int)(rest / 3600000), (int)(rest / 60000 % 60), (int)(rest / 1000 % 60), (int)(rest % 1000));
  lua_pushstring(L, text);
}

static int date_iso(lua_State *L) {
  const struct date *date = value_self(L, VALUE_DATE, "toISOString");
  if (isnan(date->ms)) return luaL_error(L, "Invalid time value");
  push_iso(L, date->ms);
  return 1;
}

static int date_tostring(lua_State *L) {
  const struct date *date = value_self(L, VALUE_DATE, "__tostring");
  if (isnan(date->ms))
    lua_pushliteral(L, "Invalid Date");
  else
    push_iso(L, date->ms);
  return 1;
}

static void check_pair(lua_State *L) {
  if (value_kind(L, 1) != VALUE_DATE || value_kind(L, 2) != VALUE_DATE)
    luaL_error(L, "an ipc.Date is compared with an ipc.Date only; use date:getTime()");
}

static int date_lt(lua_State *L) {
  check_pair(L);
  lua_pushboolean(L, date_ms(L, 1) < date_ms(L, 2));
  return 1;
}

static int date_le(lua_State *L) {
  check_pair(L);
  lua_pushboolean(L, date_ms(L, 1) <= date_ms(L, 2));
  return 1;
}

void value_date_open(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"getTime", date_get_time}, {"toISOString", date_iso}, {"__tostring", date_tostring},
      {"__lt", date_lt},          {"__le", date_le},         {NULL, NULL}};
  static const struct value_class class = {
      .kind = VALUE_DATE, .construct = date_construct, .functions = functions};
  value_class_open(L, &class);
}
