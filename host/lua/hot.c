/* hot: what the global `hot` and app.reload are made on; what they mean to scripts is rocks/ipchost's,
 * hot.lua and prelude.lua. */
#include "lua/runtime.h"
#include "lua/value.h"

/* ---- what the Lua part calls ---- */

static int reloading(lua_State *L) {
  const struct runtime *rt = runtime_of(L);
  lua_pushboolean(L, rt->beside || generations_reloading(rt->generations));
  return 1;
}

static int decline(lua_State *L) {
  struct runtime *rt = runtime_of(L);
  if (rt->beside) {
    lua_pushcfunction(L, decline);
    hold_push(L);
  } else {
    generations_decline(rt->generations);
  }
  return 0;
}

/* reload(): the number of the load that is to come, or nil where this is no time for it. */
static int reload(lua_State *L) {
  struct runtime *rt = runtime_of(L);
  if (!rt->ready) return 0;
  lua_pushinteger(L, (lua_Integer)generations_reload(rt->generations));
  return 1;
}

static int write_log(lua_State *L) {
  enum log_level level = LOG_INFO;
  log_level_parse(luaL_checkstring(L, 1), &level);
  log_line(runtime_of(L)->core->log, level, "script", "%s", luaL_checkstring(L, 2));
  return 0;
}

#define WRAPPED 8 /* levels of a document around what is in it */

/* Pushes what is encoded as a string; or nil and what is wrong. [-0, +(1|2), v] */
static int push_encoded(lua_State *L, int index, const char *root, struct clone_limits limits) {
  struct buf *out = scratch_take(L);
  struct fault fault;
  enum status status = clone_encode(L, index, root, &limits, out, &fault);
  if (status == ST_OK) {
    lua_pushlstring(L, (const char *)out->data, out->len);
    scratch_give(L, out);
    return 1;
  }
  scratch_give(L, out);
  lua_pushnil(L);
  lua_pushstring(L, fault.text);
  return 2;
}

/* What may be in a document may be as deep as in a message. */
static struct clone_limits document_limits(lua_State *L) {
  struct clone_limits limits = runtime_of(L)->clone;
  limits.depth += WRAPPED;
  return limits;
}

static int encode(lua_State *L) {
  lua_settop(L, 1);
  return push_encoded(L, 1, "state", document_limits(L));
}

static int decode(lua_State *L) {
  struct fault fault;
  size_t len;
  const char *text = luaL_checklstring(L, 1, &len);
  struct clone_limits limits = document_limits(L);
  if (clone_decode(L, slice_of(text, len), &limits, &fault) < 0) return luaL_error(L, "%s", fault.text);
  return 1;
}

/* clonable(value): true, or nil and why not */
static int clonable(lua_State *L) {
  int count;
  lua_settop(L, 1);
  count = push_encoded(L, 1, "value", runtime_of(L)->clone);
  if (count == 2) return 2;
  lua_pushboolean(L, 1);
  return 1;
}

/* kind(value): the value type that it is of, or that it says of itself; nil for a table like any other, and
 * for what is no value. */
static int kind_of(lua_State *L) {
  enum value_kind kind = VALUE_NONE;
  lua_settop(L, 1);
  if (lua_type(L, 1) == LUA_TTABLE || lua_type(L, 1) == LUA_TUSERDATA) kind = value_kind(L, 1);
  if (kind != VALUE_NONE) return lua_pushstring(L, value_name(kind)), 1;
  if (lua_type(L, 1) == LUA_TTABLE && luaL_getmetafield(L, 1, "__clone") != LUA_TNIL)
    return lua_pushliteral(L, "other"), 1;
  return 0;
}

void hot_push_functions(lua_State *L) {
  static const luaL_Reg functions[] = {{"reloading", reloading},  {"decline", decline},  {"reload", reload},
                                       {"log", write_log},        {"encode", encode},    {"decode", decode},
                                       {"clonable", clonable},    {"kind", kind_of},     {"port", port_id},
                                       {"release", port_release}, {"adopt", port_adopt}, {NULL, NULL}};
  luaL_newlib(L, functions);
  lua_pushinteger(L, (lua_Integer)runtime_of(L)->number);
  lua_setfield(L, -2, "generation");
}

/* ---- what the host does ---- */

struct leave {
  struct buf *out;
};

static int leave(lua_State *L) {
  const struct leave *leave = lua_touserdata(L, 1);
  const char *text;
  size_t len;
  hook_push(L, "dispose");
  lua_call(L, 0, 0);
  hook_push(L, "pack");
  lua_call(L, 0, 1);
  if (!(text = lua_tolstring(L, -1, &len))) return 0;
  if (buf_put(leave->out, text, len) != ST_OK) return luaL_error(L, "not enough memory");
  return 0;
}

void hot_leave(struct runtime *rt, struct buf *out) {
  struct leave leaving = {out};
  generation_enter(rt->generation, "handing the state over", leave, &leaving);
}

static int take_over(lua_State *L) {
  const struct slice *state = lua_touserdata(L, 1);
  hook_push(L, "unpack");
  lua_pushlstring(L, (const char *)state->data, state->len);
  lua_call(L, 1, 0);
  return 0;
}

void hot_take_over(struct runtime *rt, struct slice state) {
  generation_enter(rt->generation, "taking the state over", take_over, &state);
}

/* ---- reports ---- */

static void push_files(lua_State *L, const struct generation *files) {
  size_t count = generation_file_count(files);
  lua_Integer read = 0;
  lua_createtable(L, (int)count, 0);
  for (size_t i = 0; i < count; i++) {
    const char *path;
    uint64_t hash;
    if (!generation_file(files, i, &path, &hash)) continue;
    lua_pushstring(L, path);
    lua_rawseti(L, -2, ++read);
  }
}

/* By kind, as luv names them, and `tasks`. */
static void push_disposed(lua_State *L, const struct generation_retired *retired) {
  lua_newtable(L);
  for (int type = 0; retired && type < UV_HANDLE_TYPE_MAX; type++) {
    if (!retired->handles[type]) continue;
    lua_pushinteger(L, retired->handles[type]);
    lua_setfield(L, -2, uv_handle_type_name((uv_handle_type)type));
  }
  if (!retired || !retired->tasks) return;
  lua_pushinteger(L, retired->tasks);
  lua_setfield(L, -2, "task");
}

static void push_report(lua_State *L, const struct reload_report *report) {
  lua_createtable(L, 0, 6);
  lua_pushboolean(L, report->fine);
  lua_setfield(L, -2, "ok");
  lua_pushinteger(L, (lua_Integer)report->ms);
  lua_setfield(L, -2, "ms");
  lua_pushinteger(L, (lua_Integer)report->leftovers);
  lua_setfield(L, -2, "leftovers");
  push_disposed(L, report->retired);
  lua_setfield(L, -2, "disposed");
  if (report->files)
    push_files(L, report->files);
  else
    lua_newtable(L);
  lua_setfield(L, -2, "files");
  lua_pushstring(L, report->error);
  lua_setfield(L, -2, "error");
}

struct telling {
  const struct runtime *rt;
  const struct reload_report *report;
};

static int tell(lua_State *L) {
  const struct telling *telling = lua_touserdata(L, 1);
  push_report(L, telling->report);
  if (!telling->report->fine && !telling->rt->retired) {
    hook_push(L, "failed");
    lua_pushvalue(L, -2);
    lua_call(L, 1, 0);
  }
  hook_push(L, "reported");
  lua_insert(L, -2);
  lua_pushinteger(L, (lua_Integer)telling->report->load);
  lua_call(L, 2, 0);
  return 0;
}

void hot_report(struct runtime *rt, const struct reload_report *report) {
  struct telling telling = {rt, report};
  generation_enter(rt->generation, "reload", tell, &telling);
}
