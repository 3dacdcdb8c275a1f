/* config: see config.h. This file runs the file and reads its top level; config_limits.c and
 * config_security.c read sections. */
#include "config.h"

#include <errno.h>
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config_reader.h"
#include "lua/clone.h"

static const char SCRIPT_KEY;

/* ---- the state that the file runs in ---- */

/* What only scripts have: a file that asks for one of them and is no config is a script. */
static const char *const script_globals[] = {"ipcMain", "webContents", "webFrameMain",      "app",
                                             "hot",     "ipc",         "Promise",           "AbortController",
                                             "async",   "await",       "MessageChannelMain"};

static void mark_script(lua_State *L) {
  lua_pushboolean(L, 1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &SCRIPT_KEY);
}

static bool is_marked(lua_State *L) {
  bool marked = lua_rawgetp(L, LUA_REGISTRYINDEX, &SCRIPT_KEY) != LUA_TNIL;
  lua_pop(L, 1);
  return marked;
}

static int unknown_global(lua_State *L) {
  const char *name = lua_tostring(L, 2);
  for (size_t i = 0; name && i < sizeof script_globals / sizeof *script_globals; i++)
    if (strcmp(name, script_globals[i]) == 0) mark_script(L);
  return 0;
}

static int require_ipchost(lua_State *L) {
  mark_script(L);
  return luaL_error(L, "a config cannot use the scripts' modules");
}

/* Standard output has the ready line and nothing else. */
static int print_to_stderr(lua_State *L) {
  int count = lua_gettop(L);
  for (int i = 1; i <= count; i++) {
    fprintf(stderr, "%s%s", i > 1 ? "\t" : "", luaL_tolstring(L, i, NULL));
    lua_pop(L, 1);
  }
  fputc('\n', stderr);
  return 0;
}

static int refuse_exit(lua_State *L) {
  return luaL_error(L, "os.exit: a config returns a table; raise an error to stop");
}

static void set_up(struct config_reader *reader) {
  static const char *const modules[] = {"ipchost", "async", "ipchost.renderer", "ipchost.test"};
  lua_State *L = reader->L;
  luaL_openlibs(L);
  lua_register(L, "print", print_to_stderr);
  lua_getglobal(L, "os");
  lua_pushcfunction(L, refuse_exit);
  lua_setfield(L, -2, "exit");
  lua_getglobal(L, "io");
  lua_getfield(L, -1, "output");
  lua_getfield(L, -2, "stderr");
  lua_call(L, 1, 0);
  lua_getglobal(L, "package");
  lua_pushfstring(L, "%s/?.lua;", reader->config->base);
  lua_getfield(L, -2, "path");
  lua_concat(L, 2);
  lua_setfield(L, -2, "path");
  lua_getfield(L, -1, "preload");
  for (size_t i = 0; i < sizeof modules / sizeof *modules; i++) {
    lua_pushcfunction(L, require_ipchost);
    lua_setfield(L, -2, modules[i]);
  }
  lua_pushglobaltable(L);
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, unknown_global);
  lua_setfield(L, -2, "__index");
  lua_setmetatable(L, -2);
  lua_settop(L, 0);
}

_Noreturn static void fail_as_script(struct config_reader *reader, const char *why) {
  fault_set(reader->fault, ST_INVALID, 0, NULL,
            "%s looks like a script, not a config%s: put it into scripts = { \"%s\" } of a config.lua",
            reader->file, why, reader->file);
  lua_error(reader->L);
  abort(); /* lua_error does not return */
}

/* Lua's messages name file and line themselves. */
_Noreturn static void fail_as_lua(struct config_reader *reader) {
  fault_set(reader->fault, ST_INVALID, 0, NULL, "%s", luaL_tolstring(reader->L, -1, NULL));
  lua_error(reader->L);
  abort(); /* lua_error does not return */
}

/* Pushes the table that the file returns. [-0, +1, v] */
static void run_file(struct config_reader *reader) {
  lua_State *L = reader->L;
  int status = luaL_loadfilex(L, reader->file, "t");
  if (status == LUA_ERRFILE) {
    lua_pushliteral(L, " (ipchost --help says how to name a config)");
    lua_concat(L, 2);
  }
  if (status != LUA_OK) fail_as_lua(reader);
  status = lua_pcall(L, 0, 1, 0);
  if (lua_istable(L, -1) && status == LUA_OK) return;
  if (is_marked(L)) fail_as_script(reader, "");
  if (status != LUA_OK) fail_as_lua(reader);
  if (lua_isnil(L, -1)) fail_as_script(reader, " (it returns nothing; a config returns a table)");
  config_fail(reader, "expected the file to return a table, but it returned a %s", luaL_typename(L, -1));
}

/* ---- the keys of the top level; each reader finds its value at the top of the stack ---- */

/* Whether two entries would be one place. Port 0 is another port each time. */
static bool same_place(const struct address *a, const struct address *b) {
  if (a->scheme == ADDRESS_UNIX || b->scheme == ADDRESS_UNIX)
    return a->scheme == b->scheme && strcmp(a->path, b->path) == 0;
  if (a->scheme == ADDRESS_STDIO || b->scheme == ADDRESS_STDIO) return a->scheme == b->scheme;
  return a->port && a->port == b->port && strcasecmp(a->host, b->host) == 0;
}

/* The entry at the index, which has just been read, against those before. */
static void check_listen(struct config_reader *reader, const char *key, size_t at) {
  const struct address *listen = reader->config->listen;
  for (size_t i = 0; i < at; i++) {
    if (!same_place(&listen[i], &listen[at])) continue;
    if (listen[at].scheme == ADDRESS_STDIO)
      config_fail_value(reader, key, "the host has one standard input and output; stdio: may stand once");
    config_fail_value(reader, key, "listen[%zu] = \"%.120s\" is there already; leave one of them out", i + 1,
                      listen[i].text);
  }
}

static void read_listen(struct config_reader *reader) {
  struct config *config = reader->config;
  struct fault fault;
  char key[32];
  size_t n = config_list(reader, "listen", "{ \"unix:run/app.sock\", \"tcp://127.0.0.1:7000\" }");
  if (!n) config_fail(reader, "listen: expected at least one address such as \"unix:run/app.sock\"");
  config->listen = config_alloc(reader, n, sizeof *config->listen);
  for (size_t i = 0; i < n; i++) {
    const char *text;
    lua_rawgeti(reader->L, -1, (lua_Integer)i + 1);
    snprintf(key, sizeof key, "listen[%zu]", i + 1);
    text = config_string(reader, key);
    if (address_parse(text, config->base, &config->listen[i], &fault) != ST_OK)
      config_fail_value(reader, key, "%s", fault.text);
    check_listen(reader, key, i);
    config->listen_count++;
    lua_pop(reader->L, 1);
  }
}

/* Returns new: the path, absolute. */
static char *absolute(struct config_reader *reader, const char *path) {
  size_t size = strlen(reader->config->base) + strlen(path) + 2;
  char *out;
  while (strncmp(path, "./", 2) == 0) path += 2;
  if (path[0] == '/') return config_copy(reader, path);
  out = config_alloc(reader, size, 1);
  snprintf(out, size, "%s/%s", reader->config->base, path);
  return out;
}

static void read_scripts(struct config_reader *reader) {
  struct config *config = reader->config;
  struct stat about;
  char key[32];
  size_t n = config_list(reader, "scripts", "{ \"scripts/main.lua\" }");
  free(config->scripts);
  config->scripts = NULL;
  config->scripts = config_alloc(reader, n + 1, sizeof *config->scripts);
  for (size_t i = 0; i < n; i++) {
    char *path;
    lua_rawgeti(reader->L, -1, (lua_Integer)i + 1);
    snprintf(key, sizeof key, "scripts[%zu]", i + 1);
    path = config->scripts[i] = absolute(reader, config_string(reader, key));
    config->script_count++;
    if (stat(path, &about) != 0) config_fail_value(reader, key, "%.120s: %s", path, strerror(errno));
    if (!S_ISREG(about.st_mode)) config_fail_value(reader, key, "%.120s is not a file", path);
    lua_pop(reader->L, 1);
  }
}

static void read_settings(struct config_reader *reader) {
  struct config *config = reader->config;
  struct clone_limits limits = {.depth = (unsigned)config->limits.nesting};
  struct fault fault;
  if (!lua_istable(reader->L, -1)) config_fail_value(reader, "settings", "expected a table");
  clone_open(reader->L);
  lua_pop(reader->L, 1);
  if (clone_encode(reader->L, lua_gettop(reader->L), "settings", &limits, &config->settings, &fault) != ST_OK)
    config_fail(reader, "%s", fault.text);
}

static void read_log(struct config_reader *reader) {
  static const char *const names[] = {"level", "format", NULL};
  static const char *const levels[] = {"debug", "info", "warn", "error", "off", NULL};
  static const char *const formats[] = {"text", "json", NULL};
  config_check_keys(reader, "log.", names);
  if (config_field(reader, "level")) {
    log_level_parse(levels[config_choice(reader, "log.level", levels)], &reader->config->log_level);
    lua_pop(reader->L, 1);
  }
  if (config_field(reader, "format")) {
    reader->config->log_format = config_choice(reader, "log.format", formats) == 1 ? LOG_JSON : LOG_TEXT;
    lua_pop(reader->L, 1);
  }
}

static void read_gc(struct config_reader *reader) {
  static const char *const modes[] = {"incremental", "generational", NULL};
  reader->config->generational = config_choice(reader, "gc", modes) == 1;
}

static void read_dev(struct config_reader *reader) {
  reader->config->dev = config_bool(reader, "dev");
}

static void read_watch(struct config_reader *reader) {
  reader->config->watch = config_bool(reader, "watch");
}

static void read_public(struct config_reader *reader) {
  struct config *config = reader->config;
  struct stat about;
  config->public = absolute(reader, config_string(reader, "public"));
  if (stat(config->public, &about) != 0)
    config_fail_value(reader, "public", "%.120s: %s", config->public, strerror(errno));
  if (!S_ISDIR(about.st_mode)) config_fail_value(reader, "public", "%.120s is not a folder", config->public);
}

struct key {
  const char *name;
  void (*read)(struct config_reader *reader);
};

/* In the order in which they are read: settings needs limits.nesting. */
static const struct key keys[] = {{"listen", read_listen},
                                  {"scripts", read_scripts},
                                  {"public", read_public},
                                  {"watch", read_watch},
                                  {"dev", read_dev},
                                  {"gc", read_gc},
                                  {"limits", config_read_limits},
                                  {"settings", read_settings},
                                  {"security", config_read_security},
                                  {"log", read_log}};
enum { KEYS = sizeof keys / sizeof *keys };

static void read_top(struct config_reader *reader) {
  const char *names[KEYS + 1] = {NULL};
  for (size_t i = 0; i < KEYS; i++) names[i] = keys[i].name;
  config_check_keys(reader, "", names);
  for (size_t i = 0; i < KEYS; i++) {
    if (!config_field(reader, keys[i].name)) continue;
    keys[i].read(reader);
    lua_pop(reader->L, 1);
  }
  if (!reader->config->listen)
    config_fail(
        reader,
        "listen is missing: expected a list such as { \"unix:run/app.sock\", \"tcp://127.0.0.1:7000\" }");
}

/* ---- loading ---- */

/* The protected part. */
static int load(lua_State *L) {
  struct config_reader *reader = lua_touserdata(L, 1);
  set_up(reader);
  run_file(reader);
  read_top(reader);
  return 0;
}

/* Returns new: the folder of the file, absolute; NULL with `fault` filled. */
static char *folder_of(const char *path, struct fault *fault) {
  const char *slash = strrchr(path, '/');
  char *name = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
  char *base = name ? realpath(name, NULL) : NULL;
  if (!base) fault_set(fault, ST_INVALID, 0, NULL, "%s: cannot be read: %s", path, strerror(errno));
  free(name);
  return base;
}

/* Returns new. */
static char *file_of(const char *base, const char *path) {
  const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
  size_t size = strlen(base) + strlen(name) + 2;
  char *file = malloc(size);
  if (file) snprintf(file, size, "%s/%s", base, name);
  return file;
}

static enum status set_defaults(struct config *config) {
  config->limits = limits_default();
  config->log_level = LOG_INFO;
  config->log_format = LOG_TEXT;
  config->scripts = calloc(1, sizeof *config->scripts);
  return config->scripts ? ST_OK : ST_NOMEM;
}

enum status config_load(const char *path, struct config *out, struct fault *fault) {
  struct config_reader reader = {.file = path, .config = out, .fault = fault};
  enum status status = ST_OK;
  int raised;
  *out = (struct config){0};
  fault_set(fault, ST_NOMEM, 0, NULL, "%s: not enough memory", path);
  if (!(out->base = folder_of(path, fault))) return ST_INVALID;
  if (!(out->file = file_of(out->base, path))) return ST_NOMEM;
  if (set_defaults(out) != ST_OK || !(reader.L = luaL_newstate())) return ST_NOMEM;
  lua_pushcfunction(reader.L, load);
  lua_pushlightuserdata(reader.L, &reader);
  raised = lua_pcall(reader.L, 1, 0, 0);
  if (raised == LUA_ERRRUN &&
      fault->status == ST_NOMEM) /* an error value whose __tostring raises, and the like */
    fault_set(fault, ST_INVALID, 0, NULL, "%s: the file raised an error that cannot be shown", path);
  if (raised != LUA_OK) status = fault->status;
  lua_close(reader.L);
  return status;
}

static void free_strings(char **strings) {
  for (char **string = strings; string && *string; string++) free(*string);
  free(strings);
}

void config_deinit(struct config *config) {
  free(config->base);
  free(config->file);
  free(config->listen);
  free_strings(config->scripts);
  free(config->public);
  free_strings(config->origins);
  free_strings(config->hosts);
  free(config->uids);
  free(config->token);
  buf_deinit(&config->settings);
  *config = (struct config){0};
}
