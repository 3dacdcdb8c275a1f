/*
 * answer: results and errors on their way back to a renderer, as section "Errors on the wire" of
 * docs/protocol.md has them. An error value becomes name, message, code, data and cause; positions and
 * tracebacks stay in the log unless `dev`.
 */
#include <stdio.h>
#include <string.h>

#include "lua/runtime.h"

enum { RECORD_VALUE = 1, RECORD_TRACEBACK };

/* ---- catching ---- */

/* The length of a "file:line: " in front of `text` that is the position of a function on the stack, else 0.
 */
static size_t position_length(lua_State *L, const char *text) {
  lua_Debug ar;
  for (int level = 0; level < 64 && lua_getstack(L, level, &ar); level++) {
    char position[LUA_IDSIZE + 24];
    size_t len;
    lua_getinfo(L, "Sl", &ar);
    if (ar.currentline <= 0) continue;
    len = (size_t)snprintf(position, sizeof position, "%s:%d: ", ar.short_src, ar.currentline);
    if (len < sizeof position && strncmp(text, position, len) == 0) return len;
  }
  return 0;
}

int answer_catch(lua_State *L) {
  int error = lua_gettop(L);
  lua_createtable(L, 2, 0);
  if (lua_type(L, error) == LUA_TSTRING) {
    const char *text = lua_tostring(L, error);
    lua_pushstring(L, text + position_length(L, text));
  } else {
    lua_pushvalue(L, error);
  }
  lua_rawseti(L, error + 1, RECORD_VALUE);
  luaL_traceback(L, L, lua_type(L, error) == LUA_TSTRING ? lua_tostring(L, error) : NULL, 1);
  lua_rawseti(L, error + 1, RECORD_TRACEBACK);
  return 1;
}

/* ---- from an error value to a map ---- */

static void copy_field(lua_State *L, int from, int to, const char *key) {
  if (lua_getfield(L, from, key) == LUA_TNIL)
    lua_pop(L, 1);
  else
    lua_setfield(L, to, key);
}

static void set_message(lua_State *L, int map, const char *message) {
  lua_pushstring(L, message);
  lua_setfield(L, map, "message");
}

/* An error object's own text, or what tostring makes of it. */
static void object_fields(lua_State *L, int error, int map) {
  copy_field(L, error, map, "name");
  copy_field(L, error, map, "code");
  copy_field(L, error, map, "data");
  copy_field(L, error, map, "cause");
  if (lua_getfield(L, error, "message") == LUA_TSTRING) {
    lua_setfield(L, map, "message");
    return;
  }
  lua_pop(L, 1);
  if (luaL_getmetafield(L, error, "__tostring") == LUA_TNIL) {
    set_message(L, map, "an object without a message was raised");
    return;
  }
  lua_pop(L, 1);
  luaL_tolstring(L, error, NULL);
  lua_setfield(L, map, "message");
}

/* [-2, +1, e] with the error value and its traceback or nil: the map of an error reply. May run metamethods.
 */
static int error_map(lua_State *L) {
  lua_settop(L, 2);
  lua_createtable(L, 0, 4);
  if (lua_istable(L, 1) || lua_isuserdata(L, 1)) {
    object_fields(L, 1, 3);
  } else {
    luaL_tolstring(L, 1, NULL);
    lua_setfield(L, 3, "message");
  }
  if (lua_getfield(L, 3, "name") != LUA_TSTRING) {
    lua_pushliteral(L, "Error");
    lua_setfield(L, 3, "name");
  }
  if (runtime_of(L)->dev && lua_isstring(L, 2)) {
    lua_pushvalue(L, 2);
    lua_setfield(L, 3, "stack");
  }
  lua_settop(L, 3);
  return 1;
}

/* Drops a field that cannot be cloned, with a warning. */
static void drop_field(lua_State *L, int map, const char *key, const struct fault *fault) {
  misuse_warn(L, "error.%s was left out: %s", key, fault->text);
  lua_pushnil(L);
  lua_setfield(L, map, key);
}

/* Encodes the map into scratch, without what cannot be cloned. */
static enum status encode_map(lua_State *L, int map) {
  static const char *const loose[] = {"data", "cause", "code"};
  struct runtime *rt = runtime_of(L);
  struct fault fault;
  for (size_t i = 0; i < sizeof loose / sizeof *loose; i++) {
    rt->scratch.len = 0;
    lua_getfield(L, map, loose[i]);
    if (clone_encode(L, -1, loose[i], &rt->clone, &rt->scratch, &fault) != ST_OK)
      drop_field(L, map, loose[i], &fault);
    lua_pop(L, 1);
  }
  rt->scratch.len = 0;
  return clone_encode(L, map, "error", &rt->clone, &rt->scratch, &fault);
}

static void reject_with(lua_State *L, uint64_t call, int error, int traceback) {
  struct runtime *rt = runtime_of(L);
  if (!core_call_pending(rt->core, call)) return;
  error = lua_absindex(L, error);
  traceback = traceback ? lua_absindex(L, traceback) : 0;
  lua_pushcfunction(L, error_map);
  lua_pushvalue(L, error);
  if (traceback)
    lua_pushvalue(L, traceback);
  else
    lua_pushnil(L);
  if (lua_pcall(L, 2, 1, 0) == LUA_OK && encode_map(L, lua_gettop(L)) == ST_OK)
    core_reply(rt->core, call, REPLY_ERROR, buf_slice(&rt->scratch));
  else
    core_reply_error(rt->core, call, "Error", "an error was raised that cannot be described", NULL);
  rt->scratch.len = 0;
  lua_pop(L, 1);
}

void answer_reject(lua_State *L, uint64_t call, int index) {
  reject_with(L, call, index, 0);
}

void answer_raised(lua_State *L, uint64_t call, int record, int channel) {
  record = lua_absindex(L, record);
  answer_log(L, record, "handler for", channel);
  lua_rawgeti(L, record, RECORD_VALUE);
  lua_rawgeti(L, record, RECORD_TRACEBACK);
  reject_with(L, call, -2, -1);
  lua_pop(L, 2);
}

/* [-1, +1, e] the text of an error value: "Name: message" of a plain table; may run metamethods */
static int error_text(lua_State *L) {
  if (lua_istable(L, 1) && luaL_getmetafield(L, 1, "__tostring") == LUA_TNIL &&
      lua_getfield(L, 1, "message") == LUA_TSTRING) {
    const char *name = lua_getfield(L, 1, "name") == LUA_TSTRING ? lua_tostring(L, -1) : "Error";
    lua_pushfstring(L, "%s: %s", name, lua_tostring(L, 2));
    return 1;
  }
  luaL_tolstring(L, 1, NULL);
  return 1;
}

void answer_log(lua_State *L, int record, const char *what, int channel) {
  struct log *log = generation_of(L)->options.log;
  const char *text, *traceback;
  const char *name = channel ? lua_tostring(L, channel) : NULL, *quote = name ? "'" : "",
             *space = name ? " " : "";
  int top = lua_gettop(L);
  record = lua_absindex(L, record);
  lua_rawgeti(L, record, RECORD_TRACEBACK);
  traceback = lua_tostring(L, -1);
  lua_pushcfunction(L, error_text);
  lua_rawgeti(L, record, RECORD_VALUE);
  /* A string is in its traceback already, with its position. */
  if (lua_type(L, -1) == LUA_TSTRING) {
    log_line(log, LOG_ERROR, "script", "Error occurred in %s%s%s%s%s: %s", what, space, quote,
             name ? name : "", quote, traceback);
  } else {
    text = lua_pcall(L, 1, 1, 0) == LUA_OK ? lua_tostring(L, -1) : "an error that cannot be described";
    log_line(log, LOG_ERROR, "script", "Error occurred in %s%s%s%s%s: %s\n%s", what, space, quote,
             name ? name : "", quote, text, traceback);
  }
  lua_settop(L, top);
}

/* ---- results ---- */

enum status answer_set(lua_State *L, uint64_t call, int index, struct fault *fault) {
  struct runtime *rt = runtime_of(L);
  enum status status;
  if (!core_call_pending(rt->core, call)) return ST_OK;
  rt->scratch.len = 0;
  status = clone_encode(L, index, "result", &rt->clone, &rt->scratch, fault);
  if (status == ST_OK) core_reply(rt->core, call, REPLY_OK, buf_slice(&rt->scratch));
  buf_reset(&rt->scratch, SCRATCH_KEEP);
  return status;
}

void answer_value(lua_State *L, uint64_t call, int index) {
  struct fault fault;
  if (answer_set(L, call, index, &fault) == ST_OK) return;
  log_line(generation_of(L)->options.log, LOG_ERROR, "script", "Error occurred in handler: %s", fault.text);
  core_reply_error(runtime_of(L)->core, call, fault.status == ST_INVALID ? "DataCloneError" : "RangeError",
                   fault.text, fault.code);
}
