/*
 * tabs: what the webContents of a browser's tab needs besides those of other renderers, made on demand: the
 * token by which the tab's next document finds it, and the grace after a clean close, in which its main frame
 * stays, detached. It knows no session's traffic and no clock; times are given to it.
 */
#ifndef IPCHOST_FRAME_TABS_H
#define IPCHOST_FRAME_TABS_H

#include "frame/frame.h"

#define TAB_TOKEN_MAX 128 /* bytes */

struct tab {
  struct list node; /* in frames->grace while the contents is in grace */
  struct contents *contents;
  struct tab *chain; /* those whose tokens have the same key */
  uint64_t due;      /* ns: its grace is over */
  char *token;       /* NULL: none was given to it */
  bool closed;       /* it is to end as soon as its grace has begun */
};

/* Makes contents->tab if it is not there. ST_OK or ST_NOMEM. */
enum status tab_need(struct contents *contents);
/* Gives a contents that has none yet the token, or with an empty slice one that is new. ST_OK, ST_NOMEM,
 * ST_IO (no randomness). */
enum status tab_name(struct frames *frames, struct contents *contents, struct slice token);
/* The contents that pages of the origin mean by the token, or NULL. */
struct contents *tab_find(const struct frames *frames, struct slice token, const char *origin);
/* Frees contents->tab, if any. */
void tab_free(struct frames *frames, struct contents *contents);
/* The contents is in grace until `due`, which is no earlier than that of any other. */
void tab_begin_grace(struct frames *frames, struct tab *tab, uint64_t due);
void tab_leave_grace(struct frames *frames, struct tab *tab);
/* The contents whose grace is over first, or NULL. */
struct contents *tabs_first(const struct frames *frames);

static inline bool contents_in_grace(const struct contents *contents) {
  return contents->tab && !list_empty(&contents->tab->node);
}

#endif
