/* navigation: the events of a contents whose page goes elsewhere, with Electron's arguments. */
#include "lua/runtime.h"

/* Of what is not known here: the page's server tells it to the browser only. */
#define NO_HTTP_CODE (-1)

/* Pushes event, URL (at `url`) and, of another document, what its server has answered; returns how many. [-0,
 * +(2|4), m] */
static int push_arguments(lua_State *L, int url, bool in_page) {
  lua_newtable(L);
  lua_pushvalue(L, url);
  if (in_page) return 2;
  lua_pushinteger(L, NO_HTTP_CODE);
  lua_pushliteral(L, "");
  return 4;
}

void navigation_emit(lua_State *L, const struct frame *frame, bool in_page) {
  uint64_t process = frame->session->process, id = frame->id;
  bool main = frame->contents->main == frame;
  int contents = lua_gettop(L) + 1, count;
  if (!contents_find(L, frame->contents->id)) return;
  lua_pushstring(L, frame->url);
  count = push_arguments(L, contents + 1, in_page);
  lua_pushboolean(L, main);
  lua_pushinteger(L, (lua_Integer)process);
  lua_pushinteger(L, (lua_Integer)id);
  emitter_emit(L, contents, in_page ? "did-navigate-in-page" : "did-frame-navigate", count + 3);
  if (main && !in_page) {
    count = push_arguments(L, contents + 1, false);
    emitter_emit(L, contents, "did-navigate", count);
  }
  lua_settop(L, contents - 1);
}
