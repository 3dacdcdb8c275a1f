/* tabs: see tabs.h. */
#include "frame/tabs.h"

#include <stdlib.h>

enum status tab_need(struct contents *contents) {
  struct tab *tab;
  if (contents->tab) return ST_OK;
  if (!(tab = calloc(1, sizeof *tab))) return ST_NOMEM;
  tab->contents = contents;
  list_init(&tab->node);
  contents->tab = tab;
  return ST_OK;
}

static void leave_grace(struct frames *frames, struct tab *tab) {
  if (list_empty(&tab->node)) return;
  list_remove(&tab->node);
  frames->in_grace--;
}

void tab_free(struct frames *frames, struct contents *contents) {
  if (!contents->tab) return;
  leave_grace(frames, contents->tab);
  free(contents->tab);
  contents->tab = NULL;
}

void tab_begin_grace(struct frames *frames, struct tab *tab, uint64_t due) {
  tab->due = due;
  list_push(&frames->grace, &tab->node);
  frames->in_grace++;
}

struct contents *tabs_first(const struct frames *frames) {
  if (list_empty(&frames->grace)) return NULL;
  return LIST_ENTRY(frames->grace.next, struct tab, node)->contents;
}
