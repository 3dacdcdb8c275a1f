/* clone_path: where in its root a value stands, for the texts of errors: args[2].rows[17].cb. */
#ifndef IPCHOST_LUA_CLONE_PATH_H
#define IPCHOST_LUA_CLONE_PATH_H

#include <lua.h>
#include <stddef.h>

enum place_kind {
  PLACE_KEY,   /* the property whose key is at stack index `key` */
  PLACE_INDEX, /* element `number`, from 1 */
  PLACE_FIELD, /* the property `field` */
  PLACE_MAP_KEY,
  PLACE_MAP_VALUE, /* of the Map whose key is at stack index `key` */
  PLACE_SET_VALUE  /* the member `number`, from 1 */
};

/* One step from the object that `up` leads to (NULL: the root). On the encoder's C stack. */
struct place {
  const struct place *up;
  enum place_kind kind;
  int key;
  lua_Integer number;
  const char *field;
};

#define PATH_MAX_LEN 160

/* Writes the path, cut in the middle where it is too long. [-0, +0, -] */
void path_write(lua_State *L, const char *root, const struct place *place, char text[PATH_MAX_LEN]);
/* Writes what is wrong with the keys of the table at the index, which are not those of an array or an object:
 * "integer keys 2, 5 are not 1..n". [-0, +0, -] */
void path_write_keys(lua_State *L, int index, char *text, size_t size);

#endif
