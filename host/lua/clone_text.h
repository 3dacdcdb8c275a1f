/* clone_text: what a run of bytes is as JavaScript's text. It knows no Lua. */
#ifndef IPCHOST_LUA_CLONE_TEXT_H
#define IPCHOST_LUA_CLONE_TEXT_H

#include "base/slice.h"

enum text_kind {
  TEXT_UTF8,
  TEXT_WTF8, /* UTF-8 but for surrogates that stand alone: three bytes each, never a pair */
  TEXT_BYTES /* neither */
};
enum text_kind text_kind_of(struct slice bytes);

#endif
