/*
 * ask: what scripts ask of renderers: invoke and with of contents and frames. Promises, time-outs and signals
 * are the business of rocks/ipchost/ipchost/ask.lua, which is loaded at first use; here are its ways to the
 * core and back.
 */
#include "base/utf8.h"
#include "lua/runtime.h"

/* ---- to the core ---- */

/* The frame that the contents or frame at the index speaks for; 0 if it is gone. [-0, +0, -] */
static uint64_t asked_frame(lua_State *L, int index) {
  const struct contents_object *object = luaL_testudata(L, index, CONTENTS_CLASS);
  const struct frame_object *frame = object ? NULL : luaL_testudata(L, index, FRAME_CLASS);
  const struct contents *contents = object ? core_contents(runtime_of(L)->core, object->id) : NULL;
  if (contents) return contents->main->id;
  return frame ? frame->id : 0;
}

static int raise_error(lua_State *L, const char *name, const char *message, const char *code) {
  clone_push_error(L, name, message, code);
  return lua_error(L);
}

/* As misuse_channel, but what it raises rejects a promise. [-0, +0, v] */
static struct slice channel_of(lua_State *L, int index) {
  struct slice channel = {0};
  if (lua_type(L, index) != LUA_TSTRING) {
    raise_error(L, "TypeError", "Missing required channel argument", NULL);
    return channel;
  }
  channel.data = (const uint8_t *)lua_tolstring(L, index, &channel.len);
  if (channel.len > CHANNEL_MAX)
    raise_error(L, "Error", "channel: longer than 65535 bytes", "ERR_INVALID_CHANNEL");
  if (!utf8_valid(channel)) raise_error(L, "Error", "channel: not valid UTF-8", "ERR_INVALID_CHANNEL");
  return channel;
}

/* Pushes why the core did not ask, or there is no answer, as text and code. [-0, +2, m] */
static void push_reason(lua_State *L, enum ask_result why) {
  static const char *const texts[] = {"", "the frame was destroyed", "the connection was closed", "",
                                      "out of memory"};
  static const char *const codes[] = {"", "ERR_DESTROYED", "ERR_CLOSED", "ERR_LIMIT_INVOKES",
                                      "ERR_LIMIT_MEMORY"};
  if (why == ASK_LIMIT)
    lua_pushfstring(L, "limits.invokes (%I) exceeded; await earlier calls or raise limits.invokes",
                    (LUAI_UACINT)runtime_of(L)->core->limits->invokes);
  else
    lua_pushstring(L, texts[why]);
  lua_pushstring(L, codes[why]);
}

/* start(object, deadline, channel, ...): the id of the ask, or nil, text and code; raises what it cannot
 * send. */
static int start(lua_State *L) {
  uint64_t deadline = (uint64_t)lua_tointeger(L, 2), id;
  struct slice channel = channel_of(L, 3);
  struct buf *payload = encode_arguments(L, channel.len, 4);
  enum ask_result result =
      core_ask(runtime_of(L)->core, asked_frame(L, 1), channel, buf_slice(payload), deadline, &id);
  scratch_give(L, payload);
  if (result == ASK_OK) return lua_pushinteger(L, (lua_Integer)id), 1;
  lua_pushnil(L);
  push_reason(L, result);
  return 3;
}

/* cancel(id, reason) */
static int cancel(lua_State *L) {
  core_cancel(runtime_of(L)->core, (uint64_t)lua_tointeger(L, 1), (unsigned)lua_tointeger(L, 2));
  return 0;
}

/* hold(fn): true if it is called later, once this generation serves. */
static int hold(lua_State *L) {
  bool beside = runtime_of(L)->beside;
  lua_settop(L, 1);
  if (beside) hold_push(L);
  lua_pushboolean(L, beside);
  return 1;
}

/* ---- the Lua part ---- */

/* [-0, +0, e] */
static void load(lua_State *L, struct runtime *rt) {
  hook_push(L, "load_ask");
  lua_call(L, 0, 1);
  lua_pushcfunction(L, start);
  lua_pushcfunction(L, cancel);
  clone_open(L);
  lua_getfield(L, -1, "Error");
  lua_remove(L, -2);
  lua_pushcfunction(L, hold);
  lua_call(L, 4, 1);
  lua_getfield(L, -1, "pending");
  rt->asked = luaL_ref(L, LUA_REGISTRYINDEX);
  rt->asks = luaL_ref(L, LUA_REGISTRYINDEX);
}

static void push_function(lua_State *L, const char *name) {
  struct runtime *rt = runtime_of(L);
  if (!rt->asks) load(L, rt);
  lua_rawgeti(L, LUA_REGISTRYINDEX, rt->asks);
  lua_getfield(L, -1, name);
  lua_remove(L, -2);
}

/* Calls the function of ask.lua with all that is on the stack. [-n, +1, e] */
static int call(lua_State *L, const char *name, const char *arguments) {
  const char *kind = lua_tostring(L, lua_upvalueindex(1));
  int nargs = lua_gettop(L);
  if (!luaL_testudata(L, 1, CONTENTS_CLASS) && !luaL_testudata(L, 1, FRAME_CLASS))
    return luaL_error(L, "%s.%s was called with '.'; write %s:%s(%s)", kind, name, kind, name, arguments);
  luaL_checkstack(L, 4, "too many arguments");
  push_function(L, name);
  lua_insert(L, 1);
  lua_call(L, nargs, 1);
  return 1;
}

int ask_invoke(lua_State *L) {
  return call(L, "invoke", "channel, ...");
}

int ask_with(lua_State *L) {
  return call(L, "with", "{ timeout = ms, signal = signal }");
}

/* ---- from the core ---- */

struct answer {
  struct runtime *rt;
  uint64_t id;
  struct slice payload;
  struct fault *fault;
  enum status status; /* of the decoding */
  enum ask_result why;
  bool fine;
};

/* settle(id, fine, value): fine, or a map that says what is wrong. [-0, +0, e] */
static int settle(lua_State *L) {
  struct answer *answer = lua_touserdata(L, 1);
  push_function(L, "settle");
  lua_pushinteger(L, (lua_Integer)answer->id);
  lua_pushboolean(L, answer->fine);
  if (clone_decode(L, answer->payload, &answer->rt->clone, answer->fault) < 0) {
    answer->status = answer->fault->status;
    lua_settop(L, 1);
    push_function(L, "fail");
    lua_pushinteger(L, (lua_Integer)answer->id);
    lua_pushstring(L, answer->fault->text);
    lua_pushstring(L, answer->fault->code);
  }
  lua_call(L, 3, 0);
  return 0;
}

/* fail(id, text, code) */
static int fail(lua_State *L) {
  const struct answer *answer = lua_touserdata(L, 1);
  push_function(L, "fail");
  lua_pushinteger(L, (lua_Integer)answer->id);
  push_reason(L, answer->why);
  lua_call(L, 3, 0);
  return 0;
}

bool ask_is_of(struct runtime *rt, uint64_t id) {
  lua_State *L = rt->generation->L;
  bool is;
  if (!rt->asks || !lua_checkstack(L, 2)) return false;
  lua_rawgeti(L, LUA_REGISTRYINDEX, rt->asked);
  is = lua_rawgeti(L, -1, (lua_Integer)id) != LUA_TNIL;
  lua_pop(L, 2);
  return is;
}

void ask_cancel_all(lua_State *L) {
  if (!runtime_of(L)->asks) return;
  push_function(L, "cancel_all");
  lua_call(L, 0, 0);
}

void ask_unanswered(struct runtime *rt, uint64_t id, enum ask_result why) {
  struct answer answer = {.rt = rt, .id = id, .why = why};
  generation_enter(rt->generation, "invoke", fail, &answer);
}

enum status ask_answered(struct runtime *rt, uint64_t id, bool fine, struct slice payload,
                         struct fault *fault) {
  struct answer answer = {.rt = rt, .id = id, .payload = payload, .fault = fault, .fine = fine};
  if (generation_enter(rt->generation, "invoke", settle, &answer) != ST_OK)
    ask_unanswered(rt, id, ASK_MEMORY);
  return answer.status;
}
