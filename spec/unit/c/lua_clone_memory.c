/*
 * The clone when memory runs out: whichever allocation of Lua's fails, the error arrives as LUA_ERRMEM,
 * nothing is lost, and the state goes on working.
 */
#include "lua/clone.h"

#include <lauxlib.h>
#include <stdlib.h>

#include "check.h"

static const struct clone_limits limits = {.depth = 1000};

struct pool {
  size_t used;
  long left; /* allocations until the one that fails; negative: none does */
};

static void *allocate(void *user, void *block, size_t old, size_t size) {
  struct pool *pool = user;
  void *to;
  if (!block) old = 0;
  if (!size) {
    pool->used -= old;
    free(block);
    return NULL;
  }
  if (size > old && pool->left >= 0 && pool->left-- == 0) {
    pool->left = 0; /* and every further one, until told otherwise: an emergency collection must not help */
    return NULL;
  }
  if (!(to = realloc(block, size))) return NULL;
  pool->used += size - old;
  return to;
}

static int open_clone(lua_State *L) {
  clone_open(L);
  lua_setglobal(L, "ipc");
  return 0;
}

struct job {
  struct slice document;
  struct buf *out;
};

/* Decodes the document, encodes what it gives. */
static int echo(lua_State *L) {
  struct job *job = lua_touserdata(L, 1);
  struct fault fault;
  if (clone_decode(L, job->document, &limits, &fault) < 0) return luaL_error(L, "%s", fault.text);
  job->out->len = 0;
  if (clone_encode(L, -1, "v", &limits, job->out, &fault) != ST_OK) return luaL_error(L, "%s", fault.text);
  return 0;
}

static int call(lua_State *L, lua_CFunction fn, void *arg) {
  lua_pushcfunction(L, fn);
  lua_pushlightuserdata(L, arg);
  return lua_pcall(L, 1, 0, 0);
}

TEST(opening_may_fail_anywhere) {
  int status = LUA_ERRMEM;
  for (long n = 0; status != LUA_OK && n < 5000; n++) {
    struct pool pool = {.left = -1};
    lua_State *L = lua_newstate(allocate, &pool);
    pool.left = n;
    status = call(L, open_clone, NULL);
    CHECK(status == LUA_OK || status == LUA_ERRMEM);
    pool.left = -1;
    lua_settop(L, 0);
    CHECK_INT(call(L, open_clone, NULL), LUA_OK);
    lua_close(L);
    CHECK_INT(pool.used, 0);
  }
  CHECK_INT(status, LUA_OK);
}

/* Runs the job with each allocation failing in turn, until none is left to fail. */
static void exhaust(lua_State *L, struct pool *pool, struct job *job) {
  int status = LUA_ERRMEM;
  for (long n = 0; status != LUA_OK && n < 100000; n++) {
    pool->left = n;
    status = call(L, echo, job);
    pool->left = -1;
    if (status != LUA_OK && status != LUA_ERRMEM) fprintf(stderr, "%s\n", lua_tostring(L, -1));
    if (!CHECK(status == LUA_OK || status == LUA_ERRMEM)) return;
    lua_settop(L, 0);
  }
  CHECK_INT(status, LUA_OK);
}

static const struct {
  const char *bytes;
  size_t len;
} documents[] = {
#define ENTRY(text)                                                                                          \
  { text, sizeof text - 1 }
    ENTRY("\x83\x01\x61x\xa2\x61y\xf7\x61z\xf7"),
    ENTRY("\x7f\x61x\x61y\xff"),
    ENTRY("\x82\xd8\x1c\xa0\xd8\x1d\x00"),
    ENTRY("\x83\x01\xd8\x1f\xf7\x03"),
    ENTRY("\xd8\x1b\x83\x65\x41rray\x18\x64\xa3\x00\x01\x18\x32\x02\x61x\x03"),
    ENTRY("\xd8\x1b\x84\x65\x45rror\x61m\x61s\xa0"),
    ENTRY("\xd9\x01\x03\xa3\x01\x02\xc2\x41\x05\x06\xf9\x7e\x00\x07"),
    ENTRY("\xd9\x01\x02\x82\xc3\x49\x01\x00\x00\x00\x00\x00\x00\x00\x00\x05"),
    ENTRY("\xc1\x01"),
    ENTRY("\xd9\x52\x4a\x82\x61\x61\x61g"),
    ENTRY("\xd8\x1b\x82\x66String\x61x"),
    ENTRY("\x1b\xff\xff\xff\xff\xff\xff\xff\xff"),
    ENTRY("\x82\xd8\x1c\x44"
          "abcd\xd8\x1b\x84\x6a"
          "Uint8Array\xd8\x1d\x00\x01\x02"),
    ENTRY("\xd8\x1b\x83\x6b\x41rrayBuffer\x42xy\x10"),
    ENTRY("\xd8\x56\x48"
          "abcdefgh"),
    ENTRY("\xd9\x01\x11\x43\xed\xa0\x80"),
#undef ENTRY
};

TEST(any_allocation_of_a_clone_may_fail) {
  struct pool pool = {.left = -1};
  lua_State *L = lua_newstate(allocate, &pool);
  struct buf out = {0};
  CHECK_INT(call(L, open_clone, NULL), LUA_OK);
  for (size_t i = 0; i < sizeof documents / sizeof *documents; i++) {
    struct job job = {.document = slice_of(documents[i].bytes, documents[i].len), .out = &out};
    exhaust(L, &pool, &job);
    CHECK(slice_equal(buf_slice(&out), job.document) || documents[i].bytes[0] == '\x1b' ||
          documents[i].bytes[0] == '\x7f' || i == 0);
  }
  buf_deinit(&out);
  lua_close(L);
  CHECK_INT(pool.used, 0);
}

/* So many objects that the encoder's list of them moves to memory of Lua's, twice. */
TEST(the_list_of_objects_may_fail_to_grow) {
  struct pool pool = {.left = -1};
  lua_State *L = lua_newstate(allocate, &pool);
  struct buf out = {0}, document = {0};
  struct job job = {.out = &out};
  CHECK_INT(call(L, open_clone, NULL), LUA_OK);
  CHECK_INT(buf_put(&document, "\x98\xc8", 2), ST_OK);
  for (int i = 0; i < 200; i++) CHECK_INT(buf_put_byte(&document, 0xa0), ST_OK);
  job.document = buf_slice(&document);
  exhaust(L, &pool, &job);
  CHECK(slice_equal(buf_slice(&out), job.document));
  buf_deinit(&out);
  buf_deinit(&document);
  lua_close(L);
  CHECK_INT(pool.used, 0);
}

/* A thousand failures and successes later the state holds what it held. */
TEST(nothing_is_kept) {
  struct pool pool = {.left = -1};
  lua_State *L = lua_newstate(allocate, &pool);
  struct buf out = {0};
  size_t after_first = 0;
  CHECK_INT(call(L, open_clone, NULL), LUA_OK);
  for (int round = 0; round < 4; round++) {
    for (size_t i = 0; i < sizeof documents / sizeof *documents; i++) {
      struct job job = {.document = slice_of(documents[i].bytes, documents[i].len), .out = &out};
      exhaust(L, &pool, &job);
    }
    lua_gc(L, LUA_GCCOLLECT);
    lua_gc(L, LUA_GCCOLLECT);
    if (!round) after_first = pool.used;
  }
  CHECK(pool.used <= after_first + 256);
  buf_deinit(&out);
  lua_close(L);
  CHECK_INT(pool.used, 0);
}

int main(void) {
  RUN(opening_may_fail_anywhere);
  RUN(any_allocation_of_a_clone_may_fail);
  RUN(the_list_of_objects_may_fail_to_grow);
  RUN(nothing_is_kept);
  return check_end();
}
