/*
 * The emitter from both sides: scripts call its methods, the border looks up and emits. Each test is a Lua
 * chunk in a fresh state with `ipcMain` (a module with handlers), `contents` (no module, fields of its own),
 * `same`, `fails` and `warnings`.
 */
#include "lua/emitter.h"

#include <lauxlib.h>
#include <lualib.h>

#include "check.h"

static const char *const contents_names[] = {"getURL", "mainFrame", NULL};

static int contents_index(lua_State *L) {
  if (strcmp(luaL_tolstring(L, 2, NULL), "id") == 0) return lua_pushinteger(L, 7), 1;
  return lua_pushnil(L), 1;
}

static void warn(lua_State *L, const char *text) {
  lua_getglobal(L, "warnings");
  luaL_traceback(L, L, text, 1);
  lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
  lua_pop(L, 1);
}

/* As the border does it: an error of one listener is noted and stops nobody else. */
static void start(lua_State *L, int nargs) {
  if (lua_pcall(L, nargs, 0, 0) == LUA_OK) return;
  lua_getglobal(L, "raised");
  lua_rotate(L, -2, 1);
  lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
  lua_pop(L, 1);
}

/* dispatch(emitter, channel, ...): a renderer's message. */
static int dispatch(lua_State *L) {
  int nargs = lua_gettop(L) - 2, count = emitter_listeners(L, 1, 2), array = lua_gettop(L);
  for (int i = 1; i <= count; i++) {
    lua_rawgeti(L, array, i);
    if (!emitter_unwrap(L, 1)) continue;
    for (int arg = 0; arg < nargs; arg++) lua_pushvalue(L, 3 + arg);
    lua_call(L, nargs, 0);
  }
  lua_pushinteger(L, count);
  return 1;
}

/* invoke(emitter, channel, ...) -> found, results */
static int invoke(lua_State *L) {
  int nargs = lua_gettop(L) - 2;
  if (!emitter_handler(L, 1, 2)) return lua_pushboolean(L, 0), 1;
  lua_replace(L, 2);
  lua_call(L, nargs, LUA_MULTRET);
  lua_pushboolean(L, 1);
  lua_replace(L, 1);
  return lua_gettop(L);
}

/* host_emit(emitter, event, ...) -> count */
static int host_emit(lua_State *L) {
  int count = emitter_emit(L, 1, lua_tostring(L, 2), lua_gettop(L) - 2);
  if (lua_gettop(L) != 2) return luaL_error(L, "emitter_emit leaves %d values", lua_gettop(L));
  lua_pushinteger(L, count);
  return 1;
}

static const char prelude[] =
    "warnings, raised = {}, {}\n"
    "local function text(v)\n"
    "  if type(v) ~= 'table' then return tostring(v) end\n"
    "  local t = {} for i, x in ipairs(v) do t[i] = text(x) end\n"
    "  return '{' .. table.concat(t, ',') .. '}'\n"
    "end\n"
    "function same(a, b)\n"
    "  if text(a) ~= text(b) then error(text(a) .. ' is not ' .. text(b), 2) end\n"
    "end\n"
    "function fails(message, f, ...)\n"
    "  local ok, err = pcall(f, ...)\n"
    "  if ok then error('nothing was raised', 2) end\n"
    "  if not tostring(err):find(message, 1, true) then error(err .. ' lacks: ' .. message, 2) end\n"
    "end\n"
    "seen = {} function note(name) return function(...) seen[#seen + 1] = name end end\n";

static void push_emitter(lua_State *L, const char *type_name, const char *name, unsigned flags) {
  struct emitter *emitter = emitter_new(L, sizeof *emitter, 0, type_name, name, flags);
  CHECK(emitter_at(L, -1) == emitter);
  lua_setglobal(L, name);
}

static lua_State *open_state(void) {
  unsigned module = EMITTER_HANDLERS | EMITTER_DOT;
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  emitter_class(L, "test.ipcMain", module, NULL);
  emitter_class(L, "test.ipcMain", module, NULL);
  CHECK(lua_rawequal(L, -1, -2));
  emitter_class(L, "test.contents", 0, contents_index);
  emitter_class_names(L, contents_names);
  emitter_setup(L, start, warn);
  push_emitter(L, "test.ipcMain", "ipcMain", module);
  push_emitter(L, "test.ipcMain", "other", module);
  push_emitter(L, "test.contents", "contents", 0);
  lua_register(L, "dispatch", dispatch);
  lua_register(L, "invoke", invoke);
  lua_register(L, "host_emit", host_emit);
  lua_settop(L, 0);
  return L;
}

static void run(const char *chunk) {
  lua_State *L = open_state();
  bool ok = luaL_dostring(L, prelude) == LUA_OK && luaL_dostring(L, chunk) == LUA_OK;
  if (!ok) fprintf(stderr, "%s\n", lua_tostring(L, -1));
  CHECK(ok);
  lua_close(L);
}

TEST(listeners_run_in_order) {
  run("ipcMain.on('a', note('1')).on('a', note('2')).prependListener('a', note('0'))\n"
      "ipcMain:addListener('a', note('3'))\n"
      "same(ipcMain.emit('a'), true) same(seen, {'0','1','2','3'})\n"
      "same(ipcMain.emit('b'), false) same(dispatch(ipcMain, 'a'), 4) same(#seen, 8)");
}

TEST(arguments_arrive) {
  run("local got\n"
      "ipcMain.on('a', function(...) got = table.pack(...) end)\n"
      "ipcMain:emit('a', 1, nil, 'x', nil) same(got.n, 4) same({got[1], got[3]}, {1, 'x'})\n"
      "same(host_emit(ipcMain, 'a', 5, 6), 1) same({got[1], got[2]}, {5, 6}) same(host_emit(ipcMain, 'none', "
      "1), 0)");
}

TEST(once_runs_once) {
  run("local order = {}\n"
      "local function f() order[#order + 1] = ipcMain.listenerCount('a') end\n"
      "ipcMain.once('a', f) ipcMain.emit('a') ipcMain.emit('a') same(order, {0})\n"
      "ipcMain.once('a', function() seen[#seen + 1] = 'x' ipcMain.emit('a') end)\n"
      "ipcMain.emit('a') same(seen, {'x'})\n"
      "ipcMain.prependOnceListener('b', note 'first').on('b', note 'second').emit('b')\n"
      "same(seen, {'x', 'first', 'second'}) same(ipcMain.listenerCount('b'), 1)\n"
      "ipcMain.once('c', note 'c') dispatch(ipcMain, 'c') same(dispatch(ipcMain, 'c'), 0)");
}

TEST(off_takes_the_last_instance) {
  run("local f, g = note 'f', note 'g'\n"
      "ipcMain.on('a', f).on('a', g).on('a', f).off('a', f).emit('a') same(seen, {'f', 'g'})\n"
      "ipcMain.once('a', f).off('a', f) same(ipcMain.listenerCount('a'), 2)\n"
      "ipcMain.off('a', note 'unknown').off('nowhere', f).removeListener('a', f)\n"
      "same(ipcMain.listeners('a'), {g})\n"
      "ipcMain.once('b', f) ipcMain.off('b', ipcMain.rawListeners('b')[1]) same(ipcMain.eventNames(), "
      "{'a'})");
}

TEST(emit_keeps_its_snapshot) {
  run("local second = note 'second'\n"
      "ipcMain.on('a', function() ipcMain.off('a', second) ipcMain.on('a', note 'added') end)\n"
      "ipcMain.on('a', second) ipcMain.emit('a') same(seen, {'second'})\n"
      "ipcMain.emit('a') same(seen, {'second', 'added'})\n"
      "ipcMain.on('b', function() ipcMain.removeAllListeners('b') end).once('b', note 'b')\n"
      "ipcMain.emit('b') same(seen[3], 'b') same(ipcMain.emit('b'), false)");
}

TEST(a_raising_listener_stops_nobody) {
  run("ipcMain.on('a', function() error('broken', 0) end).on('a', note 'next').emit('a')\n"
      "same(seen, {'next'}) same(raised, {'broken'})");
}

TEST(raw_listeners_are_callable_wrappers) {
  run("local f = function(...) return 'result', ... end\n"
      "ipcMain.on('a', f).once('a', f)\n"
      "local raw = ipcMain.rawListeners('a')\n"
      "same(raw[1], f) same(raw[2] == f, false) same(raw[2].listener, f) same(ipcMain.listeners('a'), {f, "
      "f})\n"
      "same({raw[2](1, 2)}, {'result', 1, 2}) same(ipcMain.listenerCount('a'), 1) same(#{raw[2]()}, 0)\n"
      "table.remove(raw) table.remove(raw) same(ipcMain.listenerCount('a'), 1)");
}

TEST(a_wrapper_called_in_a_coroutine_may_yield) {
  run("ipcMain.once('a', function(x) return coroutine.yield(x) end)\n"
      "local wrapper = ipcMain.rawListeners('a')[1]\n"
      "local co = coroutine.wrap(function() return wrapper(1) end) same(co(), 1) same(co(2), 2)");
}

TEST(a_spoiled_wrapper_harms_nobody) {
  run("ipcMain.once('a', note 'a')\n"
      "local wrapper = ipcMain.rawListeners('a')[1]\n"
      "wrapper[1] = nil ipcMain.emit('a') same(seen, {'a'}) ipcMain.emit('a') same(seen, {'a'})\n"
      "ipcMain.once('b', note 'b') wrapper = ipcMain.rawListeners('b')[1] wrapper[2] = 5 same(wrapper(), "
      "nil)");
}

TEST(counts_and_names) {
  run("local f, g = note 'f', note 'g'\n"
      "ipcMain.on('b', f).on('a', f).on('b', g).on('b', f).once('b', f).on('error', f)\n"
      "same(ipcMain.listenerCount('b'), 4) same(ipcMain.listenerCount('b', f), 3) "
      "same(ipcMain.listenerCount('none'), 0)\n"
      "same(ipcMain.eventNames(), {'b', 'a', 'error'})\n"
      "ipcMain.removeAllListeners('b').on('b', f) same(ipcMain.eventNames(), {'a', 'error', 'b'})\n"
      "ipcMain.removeAllListeners() same(ipcMain.eventNames(), {}) same(ipcMain.emit('a'), false)\n"
      "for i = 1, 200 do ipcMain.on('c' .. i, f) end\n"
      "local names = ipcMain.eventNames() for i = 1, 200 do same(names[i], 'c' .. i) end");
}

TEST(error_is_a_channel_like_others) {
  run("same(ipcMain.emit('error', 'x'), false) same(dispatch(ipcMain, 'error'), 0) "
      "same(ipcMain.eventNames(), {})");
}

TEST(new_and_remove_listener_are_told) {
  run("local told, f = {}, note 'f'\n"
      "ipcMain.on('newListener', function(channel, fn)\n"
      "  told[#told + 1] = 'new ' .. channel .. ipcMain.listenerCount(channel) same(fn, f) end)\n"
      "same(told, {})\n"
      "ipcMain.on('a', f).once('a', f) same(told, {'new a0', 'new a1'})\n"
      "ipcMain.removeAllListeners('newListener')\n"
      "ipcMain.on('removeListener', function(channel, fn)\n"
      "  told[#told + 1] = 'gone ' .. channel .. ipcMain.listenerCount(channel) same(fn, f) end)\n"
      "ipcMain.emit('a') same(told[3], 'gone a1') ipcMain.off('a', f) same(told[4], 'gone a0')\n"
      "ipcMain.on('b', f).on('b', f).on('c', f).removeAllListeners()\n"
      "same({table.unpack(told, 5)}, {'gone b1', 'gone b0', 'gone c0'}) same(ipcMain.eventNames(), {}) "
      "same(raised, {})");
}

TEST(a_listener_may_be_added_by_new_listener) {
  run("ipcMain.once('newListener', function(channel) ipcMain.on(channel, note 'early') end)\n"
      "ipcMain.on('a', note 'late').emit('a') same(seen, {'early', 'late'})");
}

TEST(a_renderer_sets_no_own_event_off) {
  run("ipcMain.on('newListener', note 'new').on('removeListener', note 'gone') seen = {}\n"
      "same(dispatch(ipcMain, 'newListener', 'x'), 0) same(host_emit(ipcMain, 'removeListener'), 0) "
      "same(seen, {})\n"
      "same(ipcMain.eventNames(), {'newListener', 'removeListener'}) "
      "same(ipcMain.listenerCount('newListener'), 1)\n"
      "same(ipcMain.emit('newListener', 'x'), true) same(seen, {'new'})");
}

TEST(too_many_listeners_warn_once) {
  run("same(ipcMain.getMaxListeners(), 10)\n"
      "local function add_one() ipcMain.on('a', print) end\n"
      "for _ = 1, 10 do add_one() end same(#warnings, 0) add_one() add_one() same(#warnings, 1)\n"
      "assert(warnings[1]:find(\"11 'a' listeners added to ipcMain. Use ipcMain.setMaxListeners()\", 1, "
      "true), warnings[1])\n"
      "assert(warnings[1]:find('add_one', 1, true), warnings[1]) same(ipcMain.eventNames(), {'a'})\n"
      "ipcMain.setMaxListeners(0) for _ = 1, 20 do ipcMain.on('b', print) end same(#warnings, 1)\n"
      "ipcMain.setMaxListeners(1).on('c', print).on('c', print) same(#warnings, 2) "
      "same(ipcMain.getMaxListeners(), 1)\n"
      "ipcMain.setMaxListeners(math.huge) same(ipcMain.getMaxListeners(), math.huge)\n"
      "contents:setMaxListeners(1):on('d', print):on('d', print)\n"
      "assert(warnings[3]:find('Use contents:setMaxListeners()', 1, true), warnings[3])\n"
      "local range = 'The value of \"n\" is out of range. It must be a non-negative number. Received '\n"
      "fails(range .. '-1', ipcMain.setMaxListeners, -1) fails(range .. 'nil', ipcMain.setMaxListeners)\n"
      "fails(range, ipcMain.setMaxListeners, 0 / 0)");
}

TEST(arguments_are_checked) {
  run("local missing = 'Missing required channel argument'\n"
      "for _, name in ipairs { 'on', 'once', 'off', 'emit', 'listeners', 'rawListeners', 'listenerCount', "
      "'handle',\n"
      "  'handleOnce', 'removeHandler', 'getHandler', 'prependListener', 'prependOnceListener' } do\n"
      "  fails(missing, ipcMain[name]) fails(missing, ipcMain[name], 5, print) fails(missing, ipcMain[name], "
      "ipcMain)\n"
      "end\n"
      "fails(missing, ipcMain.removeAllListeners, nil)\n"
      "local text = 'The \"listener\" argument must be of type function. Received type '\n"
      "fails(text .. 'nil', ipcMain.on, 'a') fails(text .. 'number (42)', ipcMain.once, 'a', 42)\n"
      "fails(text .. \"string ('text')\", ipcMain.off, 'a', 'text') fails(text .. 'table', ipcMain.on, 'a', "
      "{})\n"
      "fails(text .. 'boolean (true)', ipcMain.prependListener, 'a', true) same(ipcMain.eventNames(), {})");
}

TEST(errors_point_at_the_caller) {
  run("local ok, err = pcall(function()\n"
      "  ipcMain.on()\n"
      "end)\n"
      "assert(err:find(':2: Missing', 1, true), err)\n"
      "ok, err = pcall(function()\n"
      "  return 0, ipcMain.handel\n"
      "end)\n"
      "assert(err:find(':6: ipcMain has', 1, true), err)");
}

TEST(callable_tables_are_listeners_and_handlers) {
  run("local callable = setmetatable({}, { __call = function(_, x) seen[#seen + 1] = x return x end })\n"
      "ipcMain.on('a', callable).emit('a', 'x') same(seen, {'x'})\n"
      "ipcMain.handle('a', callable) same({invoke(ipcMain, 'a', 'y')}, {true, 'y'})\n"
      "ipcMain.off('a', callable) same(ipcMain.eventNames(), {})");
}

TEST(handlers) {
  run("local f = function(...) return ... end\n"
      "same(ipcMain.handle('b', f), ipcMain) ipcMain:handle('a', f)\n"
      "same({invoke(ipcMain, 'b', 1, 2)}, {true, 1, 2}) same(invoke(ipcMain, 'c'), false) same(invoke(other, "
      "'b'), false)\n"
      "fails(\"Attempted to register a second handler for 'b'\", ipcMain.handle, 'b', f)\n"
      "fails(\"Attempted to register a second handler for 'b'\", ipcMain.handleOnce, 'b', f)\n"
      "fails(\"Expected handler to be a function, but found type 'nil'\", ipcMain.handle, 'c')\n"
      "fails(\"Expected handler to be a function, but found type 'table'\", ipcMain.handleOnce, 'c', {})\n"
      "same(ipcMain.handlers(), {'a', 'b'}) same(ipcMain.getHandler('a'), f) same(ipcMain.getHandler('c'), "
      "nil)\n"
      "ipcMain.removeHandler('b').removeHandler('b').removeHandler('never') same(ipcMain.handlers(), {'a'})\n"
      "ipcMain.handle('b', f) same(ipcMain.eventNames(), {})");
}

TEST(handle_once_is_gone_before_it_runs) {
  run("local f = function() return ipcMain.getHandler('a'), ipcMain.handle('a', function() return 'new' end) "
      "end\n"
      "ipcMain.handleOnce('a', f) same(ipcMain.getHandler('a'), f) same(ipcMain.handlers(), {'a'})\n"
      "same({select(2, invoke(ipcMain, 'a'))}, {nil, ipcMain}) same({invoke(ipcMain, 'a')}, {true, 'new'})\n"
      "ipcMain.removeHandler('a').handleOnce('a', f).removeHandler('a') same(invoke(ipcMain, 'a'), false)");
}

TEST(dot_and_colon) {
  run("local on = ipcMain.on same(on, ipcMain.on) same(on == other.on, false)\n"
      "on('a', note 'dot') ipcMain:on('a', note 'colon') other.on('a', note 'other')\n"
      "ipcMain.emit('a') same(seen, {'dot', 'colon'}) same(other:listenerCount('a'), 1)\n"
      "on(other, 'a', print) same(other.listenerCount('a'), 2)\n"
      "contents:on('x', note 'x'):emit('x') same(seen[3], 'x') same(contents.on, contents.on)\n"
      "fails(\"contents.on was called with '.'; write contents:on(channel, listener)\", contents.on, 'x', "
      "print)\n"
      "fails(\"contents.eventNames was called with '.'; write contents:eventNames()\", contents.eventNames)\n"
      "fails('contents.on was called', contents.on, io.stdout, 'x', print)");
}

TEST(fields) {
  run("same(contents.id, 7) same(ipcMain['then'], nil) same(ipcMain[1], nil)\n"
      "fails(\"ipcMain has no field 'handel'; did you mean 'handle'?\", function() return ipcMain.handel "
      "end)\n"
      "fails(\"contents has no field 'getUrl'; did you mean 'getURL'?\", function() return contents.getUrl "
      "end)\n"
      "fails(\"contents has no field 'handle'\", function() return contents.handle end)\n"
      "same(contents.mainFrame, nil)\n"
      "fails(\"ipcMain has no field 'zzzzzzzzzzzzz'\", function() return ipcMain.zzzzzzzzzzzzz end)\n"
      "fails('ipcMain.x cannot be set', function() ipcMain.x = 1 end)\n"
      "assert(tostring(ipcMain):find('^ipcMain: '))");
}

TEST(without_a_border_listeners_are_called) {
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  emitter_class(L, "test.plain", EMITTER_DOT, NULL);
  push_emitter(L, "test.plain", "plain", EMITTER_DOT);
  CHECK_INT(luaL_dostring(L,
                          "local got plain.on('a', function(x) got = x end).emit('a', 3) assert(got == 3)\n"
                          "for i = 1, 11 do plain.on('b', print) end\n"
                          "plain.on('a', function() error('out', 0) end)\n"
                          "local ok, err = pcall(plain.emit, 'a') assert(err == 'out')"),
            LUA_OK);
  lua_newuserdatauv(L, 8, 0);
  CHECK(!emitter_at(L, -1));
  lua_pushliteral(L, "text");
  CHECK(!emitter_at(L, -1));
  lua_close(L);
}

TEST(nothing_is_left_behind) {
  run("local function churn(n)\n"
      "  for i = 1, n do\n"
      "    ipcMain.once('c' .. i, note 'x').on('k', print).off('k', print).handleOnce('h' .. i, print)\n"
      "    ipcMain.emit('c' .. i) invoke(ipcMain, 'h' .. i) seen = {}\n"
      "  end\n"
      "  collectgarbage() collectgarbage() return collectgarbage('count')\n"
      "end\n"
      "local io_write = print print = function() end\n"
      "churn(2000) local before = churn(2000) local after = churn(2000)\n"
      "assert(after - before < 4, after - before) same(ipcMain.eventNames(), {}) same(ipcMain.handlers(), "
      "{})");
}

int main(void) {
  RUN(listeners_run_in_order);
  RUN(arguments_arrive);
  RUN(once_runs_once);
  RUN(off_takes_the_last_instance);
  RUN(emit_keeps_its_snapshot);
  RUN(a_raising_listener_stops_nobody);
  RUN(raw_listeners_are_callable_wrappers);
  RUN(a_wrapper_called_in_a_coroutine_may_yield);
  RUN(a_spoiled_wrapper_harms_nobody);
  RUN(counts_and_names);
  RUN(error_is_a_channel_like_others);
  RUN(new_and_remove_listener_are_told);
  RUN(a_listener_may_be_added_by_new_listener);
  RUN(a_renderer_sets_no_own_event_off);
  RUN(too_many_listeners_warn_once);
  RUN(arguments_are_checked);
  RUN(errors_point_at_the_caller);
  RUN(callable_tables_are_listeners_and_handlers);
  RUN(handlers);
  RUN(handle_once_is_gone_before_it_runs);
  RUN(dot_and_colon);
  RUN(fields);
  RUN(without_a_border_listeners_are_called);
  RUN(nothing_is_left_behind);
  return check_end();
}
