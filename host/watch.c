/* watch: see watch.h. This file waits until what has changed is still, and tells of it. */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "watch_private.h"

#define STILL_MS 30   /* for which nothing may change */
#define STREAM_MS 250 /* after which what there is must do */
#define LOOK_MS 10
#define PAGES_MAX 64 /* told at once */

struct page {
  struct list node;
  char *path;
};

/* ---- pages ---- */

static void free_pages(struct watch *watch) {
  while (!list_empty(&watch->pages)) {
    struct page *page = LIST_ENTRY(watch->pages.next, struct page, node);
    list_remove(&page->node);
    free(page->path);
    free(page);
  }
  watch->page_count = 0;
}

static bool is_known(const struct watch *watch, const char *path) {
  for (const struct list *node = watch->pages.next; node != &watch->pages; node = node->next)
    if (strcmp(LIST_ENTRY(node, const struct page, node)->path, path) == 0) return true;
  return false;
}

void watch_wake_page(struct watch *watch, char *path) {
  struct page *page;
  if (path && watch->page_count < PAGES_MAX && !is_known(watch, path) && (page = malloc(sizeof *page))) {
    page->path = path;
    list_push(&watch->pages, &page->node);
    watch->page_count++;
    path = NULL;
  }
  free(path);
  watch_wake(watch);
  watch->still_since = uv_now(watch->options.loop);
}

static void tell_pages(struct watch *watch) {
  for (struct list *node = watch->pages.next; node != &watch->pages; node = node->next)
    watch->options.public_changed(watch->options.user, LIST_ENTRY(node, struct page, node)->path);
  free_pages(watch);
}

/* ---- waiting ---- */

static void look_at_config(struct watch *watch) {
  struct watched_file *config = &watch->config;
  if (!config->now.exists || !watched_file_differs(config)) return;
  config->loaded = config->now.hash;
  log_line(watch->options.log, LOG_WARN, "watch",
           "%s has changed: it is read at the start only; restart to use it", config->path);
}

static void decide(struct watch *watch) {
  watch->settling = false;
  uv_timer_stop(&watch->settle);
  watch_look_anew(watch);
  look_at_config(watch);
  tell_pages(watch);
  if (watch_differs(watch) || watch->owed)
    watch->options.changed(watch->options.user);
  else
    log_line(watch->options.log, LOG_DEBUG, "watch", "the scripts are as they were: nothing is loaded");
}

static void on_settle(uv_timer_t *timer) {
  struct watch *watch = timer->data;
  uint64_t now = uv_now(watch->options.loop), sum = watch_look(watch, false);
  if (sum != watch->sum) {
    watch->sum = sum;
    watch->still_since = now;
  }
  if (now - watch->still_since >= STILL_MS || now - watch->first >= STREAM_MS) decide(watch);
}

void watch_wake(struct watch *watch) {
  if (watch->settling || watch->closing) return;
  watch->settling = true;
  watch->first = watch->still_since = uv_now(watch->options.loop);
  watch->sum = watch_look(watch, false);
  uv_timer_start(&watch->settle, on_settle, LOOK_MS, LOOK_MS);
}

/* ---- life ---- */

void watch_handle_closed(struct watch *watch) {
  if (--watch->handles) return;
  watch_free_files(watch);
  free_pages(watch);
  free(watch->config.path);
  free(watch);
}

static void on_timer_closed(uv_handle_t *handle) {
  watch_handle_closed(handle->data);
}

enum status watch_open(struct watch **out, const struct watch_options *options) {
  struct watch *watch = calloc(1, sizeof *watch);
  if (!watch) return ST_NOMEM;
  watch->options = *options;
  list_init(&watch->files);
  list_init(&watch->dirs);
  list_init(&watch->pages);
  list_init(&watch->config.node);
  if (!(watch->config.path = strdup(options->config))) {
    free(watch);
    return ST_NOMEM;
  }
  watched_file_look(&watch->config, true);
  watch->config.existed = watch->config.now.exists;
  watch->config.loaded = watch->config.now.hash;
  uv_timer_init(options->loop, &watch->settle);
  uv_unref((uv_handle_t *)&watch->settle);
  watch->settle.data = watch;
  watch->handles = 1;
  *out = watch;
  return ST_OK;
}

void watch_close(struct watch *watch) {
  watch->closing = true;
  watch_close_dirs(watch);
  uv_close((uv_handle_t *)&watch->settle, on_timer_closed);
}
