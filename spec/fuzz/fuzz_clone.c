// layer: lua
/*
 * One value document: what can be decoded can be encoded and decoded again, to a document of the same length
 * (Lua keeps no order of names, so not always of the same bytes); as arguments it gives what it gives as a
 * value. The stack is as it was after a refusal, and the document is never read past its end.
 */
#include <stdlib.h>

#include <lauxlib.h>
#include <lualib.h>

#include "lua/clone.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct clone_limits limits = {.depth = 100};

static void demand(bool holds) {
  if (!holds) abort();
}

/* Numbers of marks up to 23 have heads of one length, in whatever order the objects are met. */
static bool many_marks(struct slice document) {
  size_t marks = 0;
  for (size_t i = 0; i + 1 < document.len; i++)
    marks += document.data[i] == 0xd8 && document.data[i + 1] == 28;
  return marks > 23;
}

static void refused(lua_State *L, int top, const struct fault *fault) {
  demand(lua_gettop(L) == top);
  demand(fault->status == ST_MALFORMED || fault->status == ST_LIMIT);
  demand(fault->close == 1007);
}

/* Encodes the value at the top, decodes what comes of it, and encodes that. */
static void encode_again(lua_State *L, struct buf out[2]) {
  struct fault fault;
  demand(clone_encode(L, -1, "value", &limits, &out[0], &fault) == ST_OK);
  demand(clone_decode(L, buf_slice(&out[0]), &limits, &fault) == 1);
  demand(clone_encode(L, -1, "value", &limits, &out[1], &fault) == ST_OK);
  demand(out[0].len == out[1].len || many_marks(buf_slice(&out[0])));
}

static void arguments(lua_State *L, struct slice document) {
  struct fault fault = {.status = ST_OK};
  int top = lua_gettop(L), count = clone_decode_list(L, document, &limits, &fault);
  struct buf out = {0};
  if (count < 0) {
    refused(L, top, &fault);
    return;
  }
  demand(lua_gettop(L) == top + count);
  demand(clone_encode_list(L, top + 1, count, "args", &limits, &out, &fault) == ST_OK);
  buf_deinit(&out);
  lua_settop(L, top);
}

static int run(lua_State *L) {
  const struct slice *document = lua_touserdata(L, 1);
  struct buf out[2] = {{0}, {0}};
  struct fault fault = {.status = ST_OK};
  if (clone_decode(L, *document, &limits, &fault) == 1)
    encode_again(L, out);
  else
    refused(L, 1, &fault);
  buf_deinit(&out[0]);
  buf_deinit(&out[1]);
  lua_settop(L, 1);
  arguments(L, *document);
  return 0;
}

static lua_State *open_state(void) {
  lua_State *L = luaL_newstate();
  demand(L != NULL);
  luaL_openlibs(L);
  clone_open(L);
  lua_settop(L, 0);
  return L;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static lua_State *L;
  struct slice document = slice_of(data, size);
  if (!L) L = open_state();
  lua_pushcfunction(L, run);
  lua_pushlightuserdata(L, &document);
  demand(lua_pcall(L, 1, 0, 0) == LUA_OK);
  return 0;
}
