/* config_limits: the section `limits`: sizes, durations and counts, each with its bounds. See base/limits.h
 * for what they mean. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "config_reader.h"

#define MAX_COUNT 1000000000u
#define MAX_SIZE ((uint64_t)1 << 46)
#define MAX_MS ((uint64_t)1000 * 3600 * 24 * 366)

enum kind { SIZE, DURATION, COUNT, FLAG };

struct limit {
  const char *name;
  size_t offset;
  uint64_t min, max;
  enum kind kind;
  bool later; /* a version to come keeps to it */
};

#define LIMIT(name, kind, min, max)                                                                          \
  { #name, offsetof(struct limits, name), min, max, kind, false }
#define LATER(name, kind, min, max)                                                                          \
  { #name, offsetof(struct limits, name), min, max, kind, true }

static const struct limit table[] = {
    LIMIT(packet, SIZE, 256, 0x7fffffff), /* a block's length has 31 bits */
    LIMIT(nesting, COUNT, 1, 10000),        LIMIT(connections, COUNT, 1, MAX_COUNT),
    LIMIT(frames, COUNT, 1, MAX_COUNT),     LIMIT(ports, COUNT, 0, MAX_COUNT),
    LIMIT(invokes, COUNT, 1, MAX_COUNT),    LIMIT(outbound, SIZE, 1, MAX_SIZE),
    LIMIT(outbound_max, SIZE, 1, MAX_SIZE), LIMIT(window, SIZE, 1, MAX_SIZE),
    LIMIT(handshake, DURATION, 1, MAX_MS),  LIMIT(idle, DURATION, 0, MAX_MS),
    LATER(handler, DURATION, 0, MAX_MS),    LATER(handler_abort, FLAG, 0, 1),
    LATER(reply, DURATION, 0, MAX_MS),      LIMIT(sync_reply, DURATION, 1, MAX_MS),
    LIMIT(load, DURATION, 1, MAX_MS),       LIMIT(drain, DURATION, 0, MAX_MS),
    LIMIT(grace, DURATION, 0, MAX_MS),      LIMIT(answer, DURATION, 1, MAX_MS),
    LIMIT(resume, DURATION, 0, MAX_MS),     LATER(memory, SIZE, 0, MAX_SIZE),
    LIMIT(log_queue, SIZE, 256, MAX_SIZE)};

enum { LIMITS = sizeof table / sizeof *table };

struct unit {
  const char *name;
  uint64_t factor;
};

static const struct unit sizes[] = {
    {"B", 1}, {"KiB", (uint64_t)1 << 10}, {"MiB", (uint64_t)1 << 20}, {"GiB", (uint64_t)1 << 30}, {NULL, 0}};
static const struct unit durations[] = {{"ms", 1}, {"s", 1000}, {"min", 60000}, {"h", 3600000}, {NULL, 0}};

/* "1.5GiB" with one of the units. */
static bool parse(const char *text, const struct unit *units, double *out) {
  size_t digits = strspn(text, "0123456789"), fraction = 0;
  double number = strtod(text, NULL);
  if (!digits || digits > 15) return false;
  if (text[digits] == '.') fraction = 1 + strspn(text + digits + 1, "0123456789");
  if (fraction == 1) return false;
  text += digits + fraction;
  text += strspn(text, " ");
  for (; units->name; units++) {
    if (strcmp(text, units->name) != 0) continue;
    *out = number * (double)units->factor;
    return true;
  }
  return false;
}

/* The number that the value at the top says, or raises. */
static double value(struct config_reader *reader, const char *key, const struct limit *limit) {
  static const char *const expected[] = {
      "a size such as \"64MiB\" (units B, KiB, MiB, GiB) or a number of bytes",
      "a duration such as \"2s\" (units ms, s, min, h) or a number of milliseconds", "a number",
      "true or false"};
  lua_State *L = reader->L;
  double number = 0;
  if (limit->kind == FLAG) return config_bool(reader, key);
  if (lua_type(L, -1) == LUA_TNUMBER) return lua_tonumber(L, -1);
  if (lua_type(L, -1) == LUA_TSTRING && limit->kind != COUNT &&
      parse(lua_tostring(L, -1), limit->kind == SIZE ? sizes : durations, &number))
    return number;
  config_fail_value(reader, key, "expected %s", expected[limit->kind]);
}

/* A bound in the largest unit that keeps it whole. */
static void describe(uint64_t bound, enum kind kind, char *out, size_t size) {
  const struct unit *units = kind == SIZE ? sizes : durations;
  const struct unit *best = &units[0];
  if (kind == COUNT) {
    snprintf(out, size, "%llu", (unsigned long long)bound);
    return;
  }
  for (; units->name; units++)
    if (bound && bound % units->factor == 0) best = units;
  snprintf(out, size, "%llu%s", (unsigned long long)(bound / best->factor), best->name);
}

static void read_limit(struct config_reader *reader, const struct limit *limit) {
  char key[48], min[32], max[32];
  double number;
  snprintf(key, sizeof key, "limits.%s", limit->name);
  if (limit->later) config_fail_value(reader, key, "not limited by this version; leave it out");
  number = value(reader, key, limit);
  describe(limit->min, limit->kind, min, sizeof min);
  describe(limit->max, limit->kind, max, sizeof max);
  if (!(number >= (double)limit->min && number <= (double)limit->max))
    config_fail_value(reader, key, "allowed is %s to %s", min, max);
  if (limit->kind == COUNT && floor(number) != number)
    config_fail_value(reader, key, "expected a whole number");
  *(uint64_t *)(void *)((char *)&reader->config->limits + limit->offset) = (uint64_t)number;
}

/* A cap below a mark that nobody set takes the mark along. */
static void check_outbound(struct config_reader *reader, bool mark_is_set) {
  struct limits *limits = &reader->config->limits;
  if (limits->outbound <= limits->outbound_max) return;
  if (mark_is_set)
    config_fail(reader, "limits.outbound (%llu bytes) is over limits.outbound_max (%llu bytes)",
                (unsigned long long)limits->outbound, (unsigned long long)limits->outbound_max);
  limits->outbound = limits->outbound_max;
}

void config_read_limits(struct config_reader *reader) {
  const char *names[LIMITS + 1];
  bool mark_is_set = false;
  for (size_t i = 0; i < LIMITS; i++) names[i] = table[i].name;
  names[LIMITS] = NULL;
  config_check_keys(reader, "limits.", names);
  for (size_t i = 0; i < LIMITS; i++) {
    if (!config_field(reader, table[i].name)) continue;
    read_limit(reader, &table[i]);
    mark_is_set = mark_is_set || table[i].offset == offsetof(struct limits, outbound);
    lua_pop(reader->L, 1);
  }
  check_outbound(reader, mark_is_set);
}
