/*
 * The clone as C callers see it: what is on the stack and in the buffer after success and after a fault,
 * faults' fields, arguments, limits. What values mean is in spec/unit/values_spec.lua and
 * spec/vectors/values.json.
 */
#include "lua/clone.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdlib.h>

#include "check.h"

static const struct clone_limits limits = {.depth = 1000};

static lua_State *open_state(void) {
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  clone_open(L);
  lua_setglobal(L, "ipc");
  return L;
}

/* Leaves the results of a chunk on the stack. */
static void run(lua_State *L, const char *chunk) {
  if (luaL_dostring(L, chunk) != LUA_OK) fprintf(stderr, "%s\n", lua_tostring(L, -1));
}

#define DOCUMENT(text) slice_of("" text "", sizeof text - 1)

TEST(opening_twice_gives_the_same_table) {
  lua_State *L = open_state();
  CHECK_INT(clone_open(L), 1);
  lua_getglobal(L, "ipc");
  CHECK(lua_rawequal(L, -1, -2));
  lua_close(L);
}

TEST(arguments_are_pushed_each) {
  lua_State *L = open_state();
  struct fault fault;
  lua_pushliteral(L, "before");
  CHECK_INT(clone_decode_list(L, DOCUMENT("\x85\x07\xf7\xd8\x1f\xf7\xf6\x61x"), &limits, &fault), 5);
  CHECK_INT(lua_gettop(L), 6);
  CHECK_INT(lua_tointeger(L, 2), 7);
  CHECK(lua_isnil(L, 3) && lua_isnil(L, 4));
  CHECK(lua_islightuserdata(L, 5) && !lua_touserdata(L, 5));
  CHECK_STR(lua_tostring(L, 6), "x");
  CHECK_INT(clone_decode_list(L, DOCUMENT("\x80"), &limits, &fault), 0);
  CHECK_INT(clone_decode_list(L, DOCUMENT("\x9f\x01\xff"), &limits, &fault), 1);
  CHECK_INT(lua_gettop(L), 7);
  lua_close(L);
}

/* Room for them on Lua's stack is not what the nested ones needed; valgrind sees where there is too little.
 */
TEST(many_arguments_follow_nested_ones) {
  lua_State *L = open_state();
  struct fault fault;
  struct buf document = {0};
  CHECK_INT(buf_put(&document, "\x99\x07\xd0", 3), ST_OK); /* 2000 */
  for (int i = 0; i < 1000; i++) CHECK_INT(buf_put(&document, "\x81\x81\x81\x81\x80\x01", 6), ST_OK);
  CHECK_INT(clone_decode_list(L, buf_slice(&document), &limits, &fault), 2000);
  for (int i = 1; i <= 2000; i += 2) CHECK(lua_istable(L, i) && lua_tointeger(L, i + 1) == 1);
  buf_deinit(&document);
  lua_close(L);
}

TEST(identity_spans_all_arguments) {
  lua_State *L = open_state();
  struct fault fault;
  struct buf out = {0};
  run(L, "local t = {} return t, 1, { t }");
  CHECK_INT(clone_encode_list(L, 1, 3, "args", &limits, &out, &fault), ST_OK);
  CHECK(slice_equal(buf_slice(&out), DOCUMENT("\x83\xd8\x1c\xa0\x01\x81\xd8\x1d\x00")));
  lua_settop(L, 0);
  CHECK_INT(clone_decode_list(L, buf_slice(&out), &limits, &fault), 3);
  lua_rawgeti(L, 3, 1);
  CHECK(lua_rawequal(L, 1, -1));
  buf_deinit(&out);
  lua_close(L);
}

static void refuse(lua_State *L, struct slice document, enum status status) {
  struct fault fault = {.status = ST_OK};
  int top = lua_gettop(L);
  CHECK_INT(clone_decode(L, document, &limits, &fault), -1);
  CHECK_INT(fault.status, status);
  CHECK_INT(fault.close, 1007);
  CHECK_STR(fault.code, "ERR_PAYLOAD");
  CHECK(strstr(fault.text, "byte") != NULL);
  CHECK_INT(clone_decode_list(L, document, &limits, &fault), -1);
  CHECK_INT(lua_gettop(L), top);
}

TEST(a_refused_document_pushes_nothing) {
  lua_State *L = open_state();
  char deep[1002];
  refuse(L, DOCUMENT(""), ST_MALFORMED);
  refuse(L, DOCUMENT("\x83\x01\x02"), ST_MALFORMED);
  refuse(L, DOCUMENT("\x82\x01\xa1\x61x\xc0"), ST_MALFORMED);
  refuse(L, DOCUMENT("\x80\x80"), ST_MALFORMED);
  memset(deep, 0x81, sizeof deep);
  refuse(L, slice_of(deep, sizeof deep), ST_LIMIT);
  lua_close(L);
}

TEST(arguments_are_an_array) {
  lua_State *L = open_state();
  struct fault fault;
  CHECK_INT(clone_decode_list(L, DOCUMENT("\x01"), &limits, &fault), -1);
  CHECK_INT(clone_decode_list(L, DOCUMENT("\xa0"), &limits, &fault), -1);
  CHECK_INT(clone_decode_list(L, DOCUMENT("\xd8\x1c\x80"), &limits, &fault), -1);
  CHECK_INT(lua_gettop(L), 0);
  lua_close(L);
}

TEST(more_arguments_than_the_stack_holds_are_a_fault) {
  lua_State *L = open_state();
  struct fault fault;
  size_t len = LUAI_MAXSTACK + 5;
  char *document = malloc(len);
  memset(document, 0xf6, len);
  memcpy(document, "\x9a\x00\x0f\x42\x40", 5); /* 1000000 */
  CHECK_INT(clone_decode_list(L, slice_of(document, len), &limits, &fault), -1);
  CHECK_INT(fault.status, ST_LIMIT);
  CHECK_INT(lua_gettop(L), 0);
  free(document);
  lua_close(L);
}

/* Memory of the state, in KiB, that a document takes beyond what is there. */
static int kilobytes(lua_State *L, struct slice document) {
  struct fault fault;
  int before;
  lua_gc(L, LUA_GCCOLLECT);
  before = lua_gc(L, LUA_GCCOUNT);
  lua_gc(L, LUA_GCSTOP);
  (void)clone_decode(L, document, &limits, &fault);
  before = lua_gc(L, LUA_GCCOUNT) - before;
  lua_gc(L, LUA_GCRESTART);
  return before;
}

TEST(lengths_that_are_only_declared_cost_nothing) {
  lua_State *L = open_state();
  CHECK(kilobytes(L, DOCUMENT("\x9a\x7f\xff\xff\xff\x01")) < 16);
  CHECK(kilobytes(L, DOCUMENT("\xba\x7f\xff\xff\xff\x01")) < 16);
  CHECK(kilobytes(L, DOCUMENT("\x5a\x7f\xff\xff\xff\x01")) < 16);
  CHECK(kilobytes(L, DOCUMENT("\xd9\x01\x03\xba\x7f\xff\xff\xff\x01")) < 16);
  CHECK(kilobytes(L, DOCUMENT("\xd8\x1b\x83\x65\x41rray\x1a\xff\xff\xff\xff\xa0")) < 16);
  CHECK(kilobytes(L, DOCUMENT("\xd8\x1b\x83\x6b\x41rrayBuffer\x41x\x1b\x00\x1f\xff\xff\xff\xff\xff\xff")) <
        16);
  lua_close(L);
}

/* Arrays that each declare as much as could follow: only what their siblings leave may be made room for. */
TEST(nested_lengths_add_up) {
  lua_State *L = open_state();
  static uint8_t document[60000];
  for (size_t i = 0; i < 900; i++) memcpy(document + 3 * i, "\x99\xc3\x50", 3); /* 50000 */
  CHECK(kilobytes(L, slice_of(document, sizeof document)) < 4096);
  lua_close(L);
}

TEST(a_fault_leaves_the_buffer_as_it_was) {
  lua_State *L = open_state();
  struct fault fault;
  struct buf out = {0};
  int top;
  CHECK_INT(buf_put(&out, "ab", 2), ST_OK);
  run(L, "local t = { 1, 'text', {} } t[4] = t return t, { a = print }, { [3] = 1 }");
  top = lua_gettop(L);
  CHECK_INT(clone_encode(L, 2, "result", &limits, &out, &fault), ST_INVALID);
  CHECK_STR(fault.code, "ERR_DATA_CLONE");
  CHECK_STR(fault.text, "An object could not be cloned: result.a (function)");
  CHECK_INT(clone_encode_list(L, 1, 2, "args", &limits, &out, &fault), ST_INVALID);
  CHECK_STR(fault.text, "An object could not be cloned: args[2].a (function)");
  CHECK_INT(clone_encode(L, 3, "result", &limits, &out, &fault), ST_INVALID);
  CHECK_STR(fault.code, "ERR_DATA_CLONE");
  CHECK_INT(clone_encode(L, 1, "result", &(struct clone_limits){.depth = 1}, &out, &fault), ST_LIMIT);
  CHECK_STR(fault.text, "limits.nesting (1) exceeded at result[3]");
  CHECK_INT(out.len, 2);
  CHECK_INT(lua_gettop(L), top);
  CHECK_INT(clone_encode(L, -3, "result", &limits, &out, &fault), ST_OK);
  CHECK_INT(lua_gettop(L), top);
  CHECK(slice_equal(buf_slice(&out), DOCUMENT("ab\xd8\x1c\x84\x01\x64text\xa0\xd8\x1d\x00")));
  buf_deinit(&out);
  lua_close(L);
}

TEST(decoder_and_encoder_count_depth_alike) {
  lua_State *L = open_state();
  static const char *const deepest[] = {"{ { } }",
                                        "{ ipc.Map() }",
                                        "{ ipc.Set() }",
                                        "{ ipc.RegExp('a') }",
                                        "{ ipc.Error('a') }",
                                        "{ ipc.Boxed(1) }",
                                        "{ ipc.Buffer('', 4) }",
                                        "{ ipc.DataView(ipc.Buffer(1)) }",
                                        "ipc.SparseArray(100)",
                                        "ipc.Uint8Array(ipc.Buffer('', 4))"};
  struct fault fault;
  struct buf out = {0};
  for (size_t i = 0; i < sizeof deepest / sizeof *deepest; i++) {
    lua_settop(L, 0);
    lua_pushfstring(L, "return %s", deepest[i]);
    run(L, lua_tostring(L, 1));
    out.len = 0;
    CHECK_INT(clone_encode(L, 2, "v", &(struct clone_limits){.depth = 1}, &out, &fault), ST_LIMIT);
    CHECK_INT(clone_encode(L, 2, "v", &(struct clone_limits){.depth = 2}, &out, &fault), ST_OK);
    CHECK_INT(clone_decode(L, buf_slice(&out), &(struct clone_limits){.depth = 1}, &fault), -1);
    CHECK_INT(fault.status, ST_LIMIT);
    CHECK_INT(clone_decode(L, buf_slice(&out), &(struct clone_limits){.depth = 2}, &fault), 1);
  }
  buf_deinit(&out);
  lua_close(L);
}

/* A sanitizer's stack frames are several times as large as the host's. */
#if defined(__SANITIZE_ADDRESS__)
#define DEEPEST 2500
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define DEEPEST 2500
#endif
#endif
#ifndef DEEPEST
#define DEEPEST 10000 /* the largest limits.nesting */
#endif

TEST(the_deepest_nesting_that_can_be_configured_fits_the_stack) {
  static const struct clone_limits deep = {.depth = DEEPEST};
  lua_State *L = open_state();
  struct fault fault;
  struct buf out = {0};
  lua_pushinteger(L, DEEPEST);
  lua_setglobal(L, "deepest");
  run(L, "local t = {} for i = 2, deepest do t = { x = t } end return t, { t }");
  CHECK_INT(clone_encode(L, 1, "v", &deep, &out, &fault), ST_OK);
  CHECK_INT(clone_decode(L, buf_slice(&out), &deep, &fault), 1);
  CHECK_INT(clone_encode(L, 2, "v", &deep, &out, &fault), ST_LIMIT);
  buf_deinit(&out);
  lua_close(L);
}

TEST(errors_have_the_fields_that_are_given) {
  lua_State *L = open_state();
  clone_push_error(L, NULL, "full", NULL);
  lua_getfield(L, -1, "name");
  CHECK_STR(lua_tostring(L, -1), "Error");
  lua_getfield(L, 1, "code");
  CHECK(lua_isnil(L, -1));
  clone_push_error(L, "TimeoutError", "late", "ERR_TIMEOUT");
  CHECK_STR(luaL_tolstring(L, -1, NULL), "TimeoutError: late");
  CHECK_INT(lua_gettop(L), 5);
  lua_close(L);
}

/* Coroutines of one state share its classes. */
TEST(it_works_in_coroutines) {
  lua_State *L = open_state(), *co = lua_newthread(L);
  struct fault fault;
  struct buf out = {0};
  CHECK_INT(clone_decode(co, DOCUMENT("\x81\xd9\x01\x03\xa0"), &limits, &fault), 1);
  CHECK_INT(clone_encode(co, 1, "v", &limits, &out, &fault), ST_OK);
  CHECK(slice_equal(buf_slice(&out), DOCUMENT("\x81\xd9\x01\x03\xa0")));
  buf_deinit(&out);
  lua_close(L);
}

int main(void) {
  RUN(opening_twice_gives_the_same_table);
  RUN(arguments_are_pushed_each);
  RUN(many_arguments_follow_nested_ones);
  RUN(identity_spans_all_arguments);
  RUN(a_refused_document_pushes_nothing);
  RUN(arguments_are_an_array);
  RUN(more_arguments_than_the_stack_holds_are_a_fault);
  RUN(lengths_that_are_only_declared_cost_nothing);
  RUN(nested_lengths_add_up);
  RUN(a_fault_leaves_the_buffer_as_it_was);
  RUN(decoder_and_encoder_count_depth_alike);
  RUN(the_deepest_nesting_that_can_be_configured_fits_the_stack);
  RUN(errors_have_the_fields_that_are_given);
  RUN(it_works_in_coroutines);
  return check_end();
}
