/* lua_generation: a generation opens, runs scripts on its own loop inside of another, and leaves nothing
 * behind. */
#include "lua/generation.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"

#define SCRIPTS_MAX 4

/* One generation on a loop of its own, with scripts in a folder of its own. */
struct world {
  uv_loop_t loop;
  struct clock clock;
  struct limits limits;
  struct log *log;
  int log_read;
  char folder[64];
  char paths[SCRIPTS_MAX][96];
  const char *scripts[SCRIPTS_MAX + 1];
  struct generation *generation;
  int loaded, closed, left;
  enum status load_status;
  char load_text[248];
};

static void on_left(void *user) {
  ((struct world *)user)->left++;
}

static void on_closed(void *user) {
  ((struct world *)user)->closed++;
}

static void on_loaded(void *user, enum status status, const struct fault *fault) {
  struct world *world = user;
  world->loaded++;
  world->load_status = status;
  if (status != ST_OK) snprintf(world->load_text, sizeof world->load_text, "%s", fault->text);
}

static void write_script(struct world *world, int index, const char *source) {
  FILE *file;
  snprintf(world->paths[index], sizeof world->paths[index], "%s/%c.lua", world->folder, 'a' + index);
  world->scripts[index] = world->paths[index];
  file = fopen(world->paths[index], "w");
  if (!CHECK(file != NULL)) return;
  fputs(source, file);
  fclose(file);
}

static void open_world(struct world *world, const char *first, const char *second) {
  int ends[2];
  struct fault fault;
  *world = (struct world){.clock = clock_system(), .limits = limits_default()};
  strcpy(world->folder, "/tmp/ipchost-generation-XXXXXX");
  CHECK(mkdtemp(world->folder) != NULL);
  CHECK_INT(pipe(ends), 0);
  world->log_read = ends[0];
  CHECK_INT(log_open(&world->log, ends[1], LOG_INFO, LOG_TEXT, 1 << 20), ST_OK);
  CHECK_INT(uv_loop_init(&world->loop), 0);
  if (first) write_script(world, 0, first);
  if (second) write_script(world, 1, second);
  struct generation_options options = {.outer = &world->loop,
                                       .log = world->log,
                                       .limits = &world->limits,
                                       .clock = &world->clock,
                                       .base = world->folder,
                                       .scripts = world->scripts,
                                       .user = world,
                                       .left = on_left,
                                       .closed = on_closed};
  CHECK_INT(generation_open(&world->generation, &options, &fault), ST_OK);
  generation_load(world->generation, on_loaded);
}

static void on_tick(uv_timer_t *timer) {
  (void)timer;
}

/* Runs the outer loop until *flag is set, which may be before it blocks: the ticks have it looked at again.
 */
static void run_until(struct world *world, const int *flag) {
  uv_timer_t tick;
  uv_timer_init(&world->loop, &tick);
  uv_timer_start(&tick, on_tick, 1, 1);
  for (int turns = 0; !*flag && turns < 100000; turns++) uv_run(&world->loop, UV_RUN_ONCE);
  uv_close((uv_handle_t *)&tick, NULL);
  uv_run(&world->loop, UV_RUN_NOWAIT);
  CHECK_INT(*flag, 1);
}

/* Closes all; true when the log holds `text` (NULL: when the log is empty). */
static bool close_world(struct world *world, const char *text) {
  char log[8192];
  ssize_t len;
  bool found;
  generation_close(world->generation);
  run_until(world, &world->closed);
  uv_run(&world->loop, UV_RUN_DEFAULT);
  CHECK_INT(uv_loop_close(&world->loop), 0);
  log_text(world->log, LOG_INFO, "test", slice_str("end of the log"));
  log_close(world->log);
  len = read(world->log_read, log, sizeof log - 1);
  log[len > 0 ? len : 0] = '\0';
  close(world->log_read);
  for (int i = 0; world->scripts[i]; i++) unlink(world->paths[i]);
  rmdir(world->folder);
  found = text ? strstr(log, text) != NULL : strstr(log, "script:") == NULL;
  if (!found) fprintf(stderr, "the log was: %s\n", log);
  return found;
}

TEST(opens_and_closes_without_scripts) {
  struct world world;
  open_world(&world, NULL, NULL);
  CHECK_INT(world.loaded, 1);
  CHECK_INT(world.load_status, ST_OK);
  CHECK(close_world(&world, NULL));
}

TEST(runs_entries_in_order_and_prints_to_the_log) {
  struct world world;
  open_world(&world, "order = 'first'", "print(order, 'second')");
  CHECK_INT(world.load_status, ST_OK);
  CHECK(close_world(&world, "first\tsecond"));
}

TEST(reports_an_entry_that_fails_with_its_place) {
  struct world world;
  open_world(&world, "local a\nerror('broken')", "print('must not run')");
  CHECK_INT(world.loaded, 1);
  CHECK_INT(world.load_status, ST_SCRIPT);
  CHECK(strstr(world.load_text, "a.lua:2: broken") != NULL);
  CHECK(close_world(&world, "stack traceback"));
}

TEST(lets_an_entry_await) {
  struct world world;
  open_world(&world, "require('async').sleep(1) print('slept')", "print('after it')");
  CHECK_INT(world.loaded, 0);
  run_until(&world, &world.loaded);
  CHECK_INT(world.load_status, ST_OK);
  CHECK(close_world(&world, "after it"));
}

TEST(lets_a_required_module_await) {
  struct world world;
  open_world(&world, "print('got ' .. require('b').value)",
             "require('async').sleep(1) return { value = 'it' }");
  run_until(&world, &world.loaded);
  CHECK_INT(world.load_status, ST_OK);
  CHECK(close_world(&world, "got it"));
}

TEST(closes_what_scripts_left_open) {
  struct world world;
  open_world(&world,
             "local uv = require 'luv'\n"
             "uv.new_timer():start(60000, 60000, function() end)\n"
             "uv.new_idle():start(function() end)\n"
             "uv.new_pipe():bind(arg or 'a.sock')\n"
             "local timer = uv.new_timer() timer:start(60000, 0, print) timer:unref()\n"
             "uv.fs_stat('/', function() print('must not be heard') end)\n"
             "uv.getaddrinfo('127.0.0.1', nil, nil, function() print('must not be heard') end)\n"
             "require('async').run(function() require('async').sleep(60000) end)\n",
             NULL);
  unlink("a.sock");
  CHECK(close_world(&world, NULL));
}

TEST(runs_reactions_before_lua_is_left) {
  struct world world;
  open_world(&world, "require('async.promise').resolve('reacted'):next(print)", NULL);
  CHECK(close_world(&world, "reacted"));
}

TEST(serves_handles_that_are_not_referenced) {
  struct world world;
  open_world(&world,
             "local uv = require 'luv'\n"
             "local ends = uv.pipe({ nonblock = true }, { nonblock = true })\n"
             "local reader, writer = uv.new_pipe(), uv.new_pipe()\n"
             "reader:open(ends.read) writer:open(ends.write)\n"
             "reader:read_start(function(_, chunk) print('read ' .. chunk) reader:close() writer:close()\n"
             "  uv.new_timer():start(1, 0, function() done() end) end)\n"
             "reader:unref()\n"
             "writer:write('something', function() end)\n"
             "writer:unref()\n",
             NULL);
  static const char source[] = "function done() print 'done' end";
  CHECK_INT(luaL_dostring(world.generation->L, source), 0);
  for (int turns = 0; turns < 1000 && uv_loop_alive(&world.generation->loop); turns++)
    uv_run(&world.loop, UV_RUN_ONCE);
  CHECK(close_world(&world, "read something"));
}

static int raise_error(lua_State *L) {
  return luaL_error(L, "raised on purpose");
}

TEST(enters_under_protection) {
  struct world world;
  open_world(&world, NULL, NULL);
  world.left = 0;
  CHECK_INT(generation_enter(world.generation, "the test", raise_error, NULL), ST_SCRIPT);
  CHECK_INT(world.left, 1);
  CHECK_INT(lua_gettop(world.generation->L), 0);
  CHECK(close_world(&world, "the test: raised on purpose"));
}

/* running_is(co) */
static int running_is(lua_State *L) {
  lua_pushboolean(L, generation_of(L)->running == lua_tothread(L, 1));
  return 1;
}

TEST(knows_what_runs) {
  static const char source[] =
      "local function check() assert(running_is((coroutine.running()))) end\n"
      "local co = coroutine.create(function() check() local wrapped = coroutine.wrap(function() check() "
      "end)\n"
      "  wrapped() check() coroutine.yield() check() error 'x' end)\n"
      "assert(coroutine.resume(co)) assert(not coroutine.resume(co))\n"
      "local closing <const> = coroutine.create(function() local a <close> = setmetatable({}, { __close = "
      "check })\n"
      "  coroutine.yield() end)\n"
      "assert(coroutine.resume(closing)) assert(coroutine.close(closing))\n"
      "local ok, text = pcall(coroutine.wrap(function() error 'with a place' end))\n"
      "assert(not ok and text:find('with a place') and text:find(':%d+:'))\n"
      "local _, why = coroutine.resume(co) assert(why == 'cannot resume dead coroutine')\n"
      "assert(not pcall(coroutine.close, coroutine.running()))\n";
  struct world world;
  open_world(&world, NULL, NULL);
  lua_register(world.generation->L, "running_is", running_is);
  if (!CHECK_INT(luaL_dostring(world.generation->L, source), LUA_OK))
    fprintf(stderr, "%s\n", lua_tostring(world.generation->L, -1));
  CHECK(world.generation->running == NULL);
  lua_settop(world.generation->L, 0);
  CHECK(close_world(&world, NULL));
}

int main(void) {
  RUN(opens_and_closes_without_scripts);
  RUN(runs_entries_in_order_and_prints_to_the_log);
  RUN(reports_an_entry_that_fails_with_its_place);
  RUN(lets_an_entry_await);
  RUN(lets_a_required_module_await);
  RUN(closes_what_scripts_left_open);
  RUN(runs_reactions_before_lua_is_left);
  RUN(serves_handles_that_are_not_referenced);
  RUN(enters_under_protection);
  RUN(knows_what_runs);
  return check_end();
}
