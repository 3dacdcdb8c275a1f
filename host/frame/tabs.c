/* tabs: see tabs.h. */
#include "frame/tabs.h"

#include <stdlib.h>

#include "base/random.h"

#define NEW_TOKEN_BYTES 16

/* ---- tokens ---- */

/* FNV-1a over both: a token means something to pages of one origin only. */
static uint64_t hash(uint64_t value, const void *data, size_t len) {
  const uint8_t *bytes = data;
  for (size_t i = 0; i < len; i++) value = (value ^ bytes[i]) * UINT64_C(0x100000001b3);
  return value;
}

static uint64_t key_of(struct slice token, const char *origin) {
  uint64_t key = hash(UINT64_C(0xcbf29ce484222325), token.data, token.len);
  key = hash(key, origin, strlen(origin));
  return key ? key : 1;
}

static uint64_t key_of_tab(const struct tab *tab) {
  return key_of(slice_str(tab->token), tab->contents->main->origin);
}

struct contents *tab_find(const struct frames *frames, struct slice token, const char *origin) {
  struct tab *tab = map_get(&frames->tabs, key_of(token, origin));
  while (tab &&
         (!slice_equal(slice_str(tab->token), token) || strcmp(tab->contents->main->origin, origin) != 0))
    tab = tab->chain;
  return tab ? tab->contents : NULL;
}

static void forget_token(struct frames *frames, struct tab *tab) {
  uint64_t key = key_of_tab(tab);
  struct tab *head = map_get(&frames->tabs, key);
  if (head == tab && tab->chain) {
    map_set(&frames->tabs, key, tab->chain); /* replaces: cannot fail */
  } else if (head == tab) {
    map_remove(&frames->tabs, key);
  } else {
    while (head->chain != tab) head = head->chain;
    head->chain = tab->chain;
  }
}

static enum status copy_token(struct slice token, char **out) {
  uint8_t bytes[NEW_TOKEN_BYTES];
  size_t len = token.len ? token.len : sizeof bytes * 2;
  if (!token.len && random_bytes(bytes, sizeof bytes) != ST_OK) return ST_IO;
  if (!(*out = malloc(len + 1))) return ST_NOMEM;
  if (token.len)
    memcpy(*out, token.data, len);
  else
    hex_encode(*out, bytes, sizeof bytes);
  (*out)[len] = '\0';
  return ST_OK;
}

enum status tab_name(struct frames *frames, struct contents *contents, struct slice token) {
  enum status status = tab_need(contents);
  struct tab *tab = contents->tab;
  if (status != ST_OK || (status = copy_token(token, &tab->token)) != ST_OK) return status;
  tab->chain = map_get(&frames->tabs, key_of_tab(tab));
  if (map_set(&frames->tabs, key_of_tab(tab), tab) == ST_OK) return ST_OK;
  free(tab->token);
  tab->token = NULL;
  return ST_NOMEM;
}

/* ---- life ---- */

enum status tab_need(struct contents *contents) {
  struct tab *tab;
  if (contents->tab) return ST_OK;
  if (!(tab = calloc(1, sizeof *tab))) return ST_NOMEM;
  tab->contents = contents;
  list_init(&tab->node);
  contents->tab = tab;
  return ST_OK;
}

void tab_free(struct frames *frames, struct contents *contents) {
  struct tab *tab = contents->tab;
  if (!tab) return;
  tab_leave_grace(frames, tab);
  if (tab->token) forget_token(frames, tab);
  free(tab->token);
  free(tab);
  contents->tab = NULL;
}

/* ---- grace ---- */

void tab_begin_grace(struct frames *frames, struct tab *tab, uint64_t due) {
  tab->due = due;
  list_push(&frames->grace, &tab->node);
  frames->in_grace++;
}

void tab_leave_grace(struct frames *frames, struct tab *tab) {
  if (list_empty(&tab->node)) return;
  list_remove(&tab->node);
  frames->in_grace--;
}

struct contents *tabs_first(const struct frames *frames) {
  if (list_empty(&frames->grace)) return NULL;
  return LIST_ENTRY(frames->grace.next, struct tab, node)->contents;
}
