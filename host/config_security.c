/* config_security: the section `security`: who may connect. It checks shapes; what they mean is security.c's.
 */
#include <ctype.h>
#include <stdio.h>

#include "config_reader.h"

#define TOKEN_MAX 128
#define UID_LIMIT 4294967294 /* (uid_t)-1 is nobody's */

/* Printable ASCII without blanks and without any byte of `refused`. */
static bool is_plain(const char *text, const char *refused) {
  for (; *text; text++)
    if (!isgraph((unsigned char)*text) || strchr(refused, *text)) return false;
  return true;
}

/* As browsers write it: scheme://host[:port], lower case, or null. */
static bool is_origin(const char *text) {
  const char *host = strstr(text, "://");
  if (strcmp(text, "null") == 0) return true;
  if (!host || host == text || !host[3]) return false;
  for (const char *c = text; *c; c++)
    if (isupper((unsigned char)*c)) return false;
  return is_plain(host + 3, "/?#@\\");
}

static bool is_host(const char *text) {
  return is_plain(text, "/?#@\\");
}

/* The list of strings at the top, each of which `check` takes. */
static void read_strings(struct config_reader *reader, const char *name, bool (*check)(const char *),
                         const char *expected, char ***where, size_t *count) {
  char key[64], example[96];
  size_t n;
  snprintf(key, sizeof key, "security.%s", name);
  snprintf(example, sizeof example, "{ \"%s\" }", expected);
  n = config_list(reader, key, example);
  *where = config_alloc(reader, n + 1, sizeof **where);
  for (size_t i = 0; i < n; i++) {
    const char *text;
    lua_rawgeti(reader->L, -1, (lua_Integer)i + 1);
    snprintf(key, sizeof key, "security.%s[%zu]", name, i + 1);
    text = config_string(reader, key);
    if (!check(text)) config_fail_value(reader, key, "expected the form \"%s\"", expected);
    (*where)[(*count)++] = config_copy(reader, text);
    lua_pop(reader->L, 1);
  }
}

static void read_uids(struct config_reader *reader) {
  struct config *config = reader->config;
  size_t n = config_list(reader, "security.uids", "{ 1000 }");
  char key[48];
  config->uids = config_alloc(reader, n, sizeof *config->uids);
  for (size_t i = 0; i < n; i++) {
    int exact;
    lua_Integer uid;
    lua_rawgeti(reader->L, -1, (lua_Integer)i + 1);
    snprintf(key, sizeof key, "security.uids[%zu]", i + 1);
    uid = lua_tointegerx(reader->L, -1, &exact);
    if (lua_type(reader->L, -1) != LUA_TNUMBER || !exact || uid < 0 || uid > UID_LIMIT)
      config_fail_value(reader, key, "expected a user id, a number from 0 to %lld", (long long)UID_LIMIT);
    config->uids[config->uid_count++] = (uid_t)uid;
    lua_pop(reader->L, 1);
  }
}

/* A token is not repeated in a message. */
static void read_token(struct config_reader *reader) {
  size_t len;
  const char *token = lua_type(reader->L, -1) == LUA_TSTRING ? lua_tolstring(reader->L, -1, &len) : NULL;
  if (!token || !len || len > TOKEN_MAX || strlen(token) != len || !is_plain(token, ""))
    config_fail(reader, "security.token: expected a string of 1 to %d printable characters without blanks",
                TOKEN_MAX);
  reader->config->token = config_copy(reader, token);
}

void config_read_security(struct config_reader *reader) {
  static const char *const names[] = {"origins", "hosts", "uids", "token", "policy", NULL};
  struct config *config = reader->config;
  lua_State *L = reader->L;
  config_check_keys(reader, "security.", names);
  if (config_field(reader, "origins")) {
    read_strings(reader, "origins", is_origin, "https://app.example", &config->origins,
                 &config->origin_count);
    lua_pop(L, 1);
  }
  if (config_field(reader, "hosts")) {
    read_strings(reader, "hosts", is_host, "app.example:8080", &config->hosts, &config->host_count);
    lua_pop(L, 1);
  }
  if (config_field(reader, "uids")) {
    read_uids(reader);
    lua_pop(L, 1);
  }
  if (config_field(reader, "token")) {
    read_token(reader);
    lua_pop(L, 1);
  }
  if (config_field(reader, "policy")) config_fail(reader, "security.policy is not available yet");
}
