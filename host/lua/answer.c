/*
 * answer: results and errors on their way back to a renderer, as section "Errors on the wire" of
 * docs/protocol.md has them. An error value becomes name, message, code, data and cause; positions and
 * tracebacks stay in the log unless `dev`.
 */
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "lua/runtime.h"

enum { RECORD_VALUE = 1, RECORD_TRACEBACK };

/* ---- catching ---- */

/* The end of a ":line: " in `text`, or NULL. */
static const char *after_line(const char *text) {
  for (; (text = strchr(text, ':')); text++) {
    size_t digits = strspn(text + 1, "0123456789");
    if (digits && strncmp(text + 1 + digits, ": ", 2) == 0) return text + digits + 3;
  }
  return NULL;
}

/* The length of a "file:line: " in front of `text` that is the position of a function in the traceback, else
 * 0. */
static size_t position_length(const char *text, const char *traceback) {
  char frame[LUA_IDSIZE + 32];
  for (const char *end = after_line(text); end && end - text < LUA_IDSIZE + 24; end = after_line(end)) {
    snprintf(frame, sizeof frame, "\n\t%.*sin ", (int)(end - text), text);
    if (strstr(traceback, frame)) return (size_t)(end - text);
  }
  return 0;
}

/* Pushes the traceback of the coroutine, and of where the error at the index was raised first, if it was
 * awaited: the work of a hook, which says it without the frames of its own. [-0, +1, m] */
static void push_traceback(lua_State *L, int error) {
  hook_push(L, "trace");
  lua_pushvalue(L, error);
  lua_pushinteger(L, 2);
  if (lua_pcall(L, 2, 1, 0) == LUA_OK && lua_isstring(L, -1)) return;
  lua_pop(L, 1);
  luaL_traceback(L, L, NULL, 1);
}

int answer_catch(lua_State *L) {
  int error = lua_gettop(L);
  lua_createtable(L, 2, 0);
  push_traceback(L, error);
  if (lua_type(L, error) == LUA_TSTRING) {
    size_t len, position;
    const char *text = lua_tolstring(L, error, &len);
    position = position_length(text, lua_tostring(L, -1));
    lua_pushlstring(L, text + position, len - position);
    lua_rawseti(L, error + 1, RECORD_VALUE);
    lua_pushfstring(L, "%s\n%s", text, lua_tostring(L, -1));
    lua_remove(L, -2);
  } else {
    lua_pushvalue(L, error);
    lua_rawseti(L, error + 1, RECORD_VALUE);
  }
  lua_rawseti(L, error + 1, RECORD_TRACEBACK);
  return 1;
}

/* Pushes a part of the record at the index. An error of which Lua could make no record is its own value. [-0,
 * +1,
 * -] */
static void push_part(lua_State *L, int record, int part) {
  if (lua_istable(L, record))
    lua_rawgeti(L, record, part);
  else if (part == RECORD_VALUE)
    lua_pushvalue(L, record);
  else
    lua_pushnil(L);
}

/* ---- from an error value to a map ---- */

/* Makes the string at the top valid UTF-8: each byte that is not becomes U+FFFD. [-1, +1, m] */
static void repair_text(lua_State *L) {
  struct slice text;
  size_t valid;
  luaL_Buffer repaired;
  text.data = (const uint8_t *)lua_tolstring(L, -1, &text.len);
  if (utf8_valid(text)) return;
  luaL_buffinit(L, &repaired);
  while ((valid = utf8_prefix(text)) < text.len) {
    luaL_addlstring(&repaired, (const char *)text.data, valid);
    luaL_addstring(&repaired, "\xef\xbf\xbd");
    text = slice_of(text.data + valid + 1, text.len - valid - 1);
  }
  luaL_addlstring(&repaired, (const char *)text.data, text.len);
  luaL_pushresult(&repaired);
  lua_remove(L, -2);
}

/* A field that the protocol wants to be text, where it is a string. */
static void repair_field(lua_State *L, int map, const char *key) {
  if (lua_getfield(L, map, key) == LUA_TSTRING) repair_text(L);
  lua_setfield(L, map, key);
}

static void copy_field(lua_State *L, int from, int to, const char *key) {
  if (lua_getfield(L, from, key) == LUA_TNIL)
    lua_pop(L, 1);
  else
    lua_setfield(L, to, key);
}

static bool has_metafield(lua_State *L, int index, const char *name) {
  if (luaL_getmetafield(L, index, name) == LUA_TNIL) return false;
  lua_pop(L, 1);
  return true;
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
  if (has_metafield(L, error, "__tostring"))
    luaL_tolstring(L, error, NULL);
  else
    lua_pushliteral(L, "an object without a message was raised");
  lua_setfield(L, map, "message");
}

/* [-2, +1, e] with the error value and its traceback or nil: the map of an error reply. May run metamethods.
 */
static int error_map(lua_State *L) {
  static const char *const texts[] = {"name", "message", "code", "stack"};
  lua_settop(L, 2);
  lua_createtable(L, 0, 4);
  if (lua_istable(L, 1) || (lua_isuserdata(L, 1) && has_metafield(L, 1, "__index"))) {
    object_fields(L, 1, 3);
  } else if (lua_islightuserdata(L, 1) && !lua_touserdata(L, 1)) {
    lua_pushliteral(L, "null");
    lua_setfield(L, 3, "message");
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
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) repair_field(L, 3, texts[i]);
  lua_settop(L, 3);
  return 1;
}

/* Drops a field that cannot be sent, with a warning. */
static void drop_field(lua_State *L, int map, const char *key, const char *why) {
  misuse_warn(L, "error.%s was left out: %s", key, why);
  lua_pushnil(L);
  lua_setfield(L, map, key);
}

static void check_code(lua_State *L, int map) {
  int type = lua_getfield(L, map, "code");
  if (type != LUA_TNIL && type != LUA_TSTRING && !lua_isinteger(L, -1))
    drop_field(L, map, "code", "expected a string or an integer");
  lua_pop(L, 1);
}

/* Encodes the map, without what cannot be cloned. */
static enum status encode_map(lua_State *L, int map, struct buf *out, struct fault *fault) {
  static const char *const loose[] = {"data", "cause"};
  const struct clone_limits *limits = &runtime_of(L)->clone;
  enum status status;
  check_code(L, map);
  for (size_t i = 0; i < sizeof loose / sizeof *loose; i++) {
    lua_getfield(L, map, loose[i]);
    if (clone_encode(L, -1, loose[i], limits, out, fault) != ST_OK) drop_field(L, map, loose[i], fault->text);
    lua_pop(L, 1);
    out->len = 0;
  }
  status = clone_encode(L, map, "error", limits, out, fault);
  return status == ST_OK ? scratch_fits(L, out, 0, fault) : status;
}

/* Answers with the map at the top. */
static void reject_with_map(lua_State *L, uint64_t call) {
  struct core *core = runtime_of(L)->core;
  struct buf *out = scratch_take(L);
  struct fault fault;
  if (encode_map(L, lua_gettop(L), out, &fault) == ST_OK)
    core_reply(core, call, REPLY_ERROR, buf_slice(out));
  else
    core_reply_error(core, call, "Error", fault.text, fault.code);
  scratch_give(L, out);
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
  if (lua_pcall(L, 2, 1, 0) == LUA_OK)
    reject_with_map(L, call);
  else
    core_reply_error(rt->core, call, "Error", "an error was raised that cannot be described", NULL);
  lua_pop(L, 1);
}

void answer_reject(lua_State *L, uint64_t call, int index) {
  reject_with(L, call, index, 0);
}

void answer_raised(lua_State *L, uint64_t call, int record, int channel) {
  record = lua_absindex(L, record);
  answer_log(L, record, "handler for", channel);
  push_part(L, record, RECORD_VALUE);
  push_part(L, record, RECORD_TRACEBACK);
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
  push_part(L, record, RECORD_TRACEBACK);
  traceback = lua_tostring(L, -1);
  lua_pushcfunction(L, error_text);
  push_part(L, record, RECORD_VALUE);
  if (!traceback) traceback = lua_tostring(L, -1);
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

static const char *fault_name(const struct fault *fault) {
  return fault->status == ST_INVALID ? "DataCloneError" : "RangeError";
}

void answer_push_fault(lua_State *L, const struct fault *fault) {
  if (fault->status == ST_NOMEM)
    lua_pushstring(L, fault->text);
  else
    clone_push_error(L, fault_name(fault), fault->text, fault->code);
}

enum status answer_set(lua_State *L, uint64_t call, int index, struct fault *fault) {
  struct runtime *rt = runtime_of(L);
  struct buf *out;
  enum status status;
  if (!core_call_pending(rt->core, call)) return ST_OK;
  out = scratch_take(L);
  status = clone_encode(L, index, "result", &rt->clone, out, fault);
  if (status == ST_OK) status = scratch_fits(L, out, 0, fault);
  if (status == ST_OK) core_reply(rt->core, call, REPLY_OK, buf_slice(out));
  scratch_give(L, out);
  return status;
}

void answer_value(lua_State *L, uint64_t call, int index) {
  struct fault fault;
  if (answer_set(L, call, index, &fault) == ST_OK) return;
  log_line(generation_of(L)->options.log, LOG_ERROR, "script", "Error occurred in handler: %s", fault.text);
  core_reply_error(runtime_of(L)->core, call, fault_name(&fault), fault.text, fault.code);
}
