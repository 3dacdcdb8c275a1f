/* core_tabs: the webContents of a browser's tab, which outlives its documents: the grace after a clean close.
 * Part of core.h. */
#include "frame/tabs.h"
#include "ipc/core.h"

#define NS_A_MS 1000000

/* Asks for core_wake when the next thing is due. */
static void plan(struct core *core) {
  const struct contents *first = tabs_first(&core->frames);
  if (core->wake && first) core->wake(core->wake_user, first->tab->due);
}

static void end_grace(struct core *core, struct contents *contents) {
  struct session *session = contents->main->session;
  core_destroy_tree(core, contents->main->id, NULL);
  session_free(&core->sessions, session);
}

/* Whoever keeps more tabs than there may be connections loses the oldest. */
static void end_graces_over(struct core *core) {
  while (core->frames.in_grace > core->limits->connections) end_grace(core, tabs_first(&core->frames));
}

/* Only what a browser's tab shows is kept, and only while there is somebody to come back to. */
static bool is_kept(const struct core *core, const struct session *session) {
  const struct frame *frame = session->main_frame;
  return frame && frame->contents->document && frame->contents->main == frame && core->limits->grace &&
         !core->closing;
}

bool core_begin_grace(struct core *core, struct session *session) {
  struct frame *frame = session->main_frame;
  struct tab *tab;
  if (session->ending || !is_kept(core, session) || tab_need(frame->contents) != ST_OK) return false;
  tab = frame->contents->tab;
  frame->detached = true; /* before anybody is told of anything */
  core_end_traffic(core, session);
  core_destroy_children(core, frame);
  session_retire(&core->sessions, session);
  tab_begin_grace(&core->frames, tab, clock_now(core->clock) + core->limits->grace * NS_A_MS);
  if (tab->closed) end_grace(core, tab->contents);
  end_graces_over(core);
  plan(core);
  return true;
}

void core_close_detached(struct core *core, struct contents *contents) {
  contents->tab->closed = true; /* by who was told that its grace begins */
  if (contents_in_grace(contents)) end_grace(core, contents);
}

void core_end_graces(struct core *core) {
  struct contents *contents;
  while ((contents = tabs_first(&core->frames))) end_grace(core, contents);
}

void core_wake(struct core *core) {
  uint64_t now = clock_now(core->clock);
  struct contents *contents;
  while ((contents = tabs_first(&core->frames)) && contents->tab->due <= now) end_grace(core, contents);
  plan(core);
}
