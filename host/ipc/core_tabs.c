/*
 * core_tabs: the webContents of a browser's tab, which outlives its documents: the grace after a clean close,
 * and the document that follows. Part of core.h.
 */
#include <stdlib.h>

#include "frame/tabs.h"
#include "ipc/core.h"

/* A session whose document another has followed in its tab: it ends by itself, or when its time is over. */
struct former {
  struct list node; /* in core->formers, in the order of `due` */
  uint64_t process, contents;
  uint64_t due; /* ns */
};

/* ---- the clock ---- */

static const struct former *first_former(const struct core *core) {
  /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it does not see that list_remove moves the head. */
  return list_empty(&core->formers) ? NULL : LIST_ENTRY(core->formers.next, struct former, node);
}

void core_plan(struct core *core) {
  const struct contents *contents = tabs_first(&core->frames);
  const struct former *former = first_former(core);
  uint64_t due = core_newcomers_due(core);
  if (contents && contents->tab->due < due) due = contents->tab->due;
  if (former && former->due < due) due = former->due;
  if (core->wake && due != CORE_NEVER) core->wake(core->wake_user, due);
}

/* ---- grace ---- */

static uint64_t grace_from_now(const struct core *core) {
  return clock_now(core->clock) + core->limits->grace * NS_A_MS;
}

/* Who is told may close the contents: it is in grace no longer. */
static void end_grace(struct core *core, struct contents *contents) {
  struct session *session = contents->main->session;
  tab_leave_grace(&core->frames, contents->tab);
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
  core_destroy_children(core, frame->id);
  session_retire(&core->sessions, session);
  tab_begin_grace(&core->frames, tab, grace_from_now(core));
  if (tab->closed) end_grace(core, tab->contents);
  end_graces_over(core);
  core_plan(core);
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

/* ---- the next document ---- */

/* A document whose session is over leaves only its frame behind. */
static void end_retired(struct core *core, struct frame *frame, struct tab *tab) {
  struct session *session = frame->session;
  tab_leave_grace(&core->frames, tab);
  core_destroy_tree(core, frame->id, NULL);
  session_free(&core->sessions, session);
}

static struct former *former_of(const struct core *core, uint64_t contents, uint64_t process) {
  for (struct list *node = core->formers.next; node != &core->formers; node = node->next) {
    struct former *former = LIST_ENTRY(node, struct former, node);
    if (former->contents == contents && (!process || former->process == process)) return former;
  }
  return NULL;
}

static void forget_former(struct core *core, uint64_t contents, uint64_t process) {
  struct former *former = former_of(core, contents, process);
  if (!former) return;
  list_remove(&former->node);
  free(former);
}

/*
 * It is known until its frames are gone: who is told may end the contents, which these must not outlive, and
 * so end it again from there. The frames of a session that is ending in a call further up are destroyed here.
 */
static void end_former(struct core *core, const struct former *former) {
  uint64_t contents = former->contents, process = former->process;
  struct session *session = sessions_by_process(&core->sessions, process);
  struct fault fault;
  fault_set(&fault, ST_CLOSED, 4006, NULL, "another document has followed in the tab");
  if (session && !session->ending)
    core_close_session(core, session, &fault);
  else if (session && session->main_frame)
    core_destroy_tree(core, session->main_frame->id, NULL);
  forget_former(core, contents, process);
}

/* What the document that is on its way out still says is heard. */
static void let_leave(struct core *core, struct session *session) {
  struct former *former = calloc(1, sizeof *former);
  bool connected = session->main != NULL;
  if (!former) {
    core_end_session(core, session, NULL);
    return;
  }
  *former = (struct former){.process = session->process,
                            .contents = session->main_frame->contents->id,
                            .due = grace_from_now(core)};
  list_push(&core->formers, &former->node);
  if (!connected) {
    end_former(core, former);
    return;
  }
  vouchers_drop(&core->tickets, session->process);
  core_destroy_children(core, session->main_frame->id);
  core_plan(core);
}

void core_succeeded(struct core *core, uint64_t before, uint64_t frame) {
  struct frame *old = frame_get(&core->frames, before), *now = frame_get(&core->frames, frame);
  uint64_t contents = now->contents->id;
  if (contents_in_grace(now->contents))
    end_retired(core, old, now->contents->tab);
  else
    let_leave(core, old->session);
  if (core->border && frame_get(&core->frames, frame))
    core->border->frame_created(core->border_user, contents, frame);
  if (core->border && frame_get(&core->frames, frame))
    core->border->navigated(core->border_user, frame, false);
}

void core_end_formers(struct core *core, uint64_t contents) {
  struct former *former;
  while ((former = former_of(core, contents, 0))) end_former(core, former);
}

void core_deinit_tabs(struct core *core) {
  core_end_graces(core);
  while (!list_empty(&core->formers)) end_former(core, LIST_ENTRY(core->formers.next, struct former, node));
  core_deinit_newcomers(core);
}

void core_wake(struct core *core) {
  uint64_t now = clock_now(core->clock);
  struct contents *contents;
  while ((contents = tabs_first(&core->frames)) && contents->tab->due <= now) end_grace(core, contents);
  while (first_former(core) && first_former(core)->due <= now)
    end_former(core, LIST_ENTRY(core->formers.next, struct former, node));
  core_settle_newcomers(core, now);
  core_plan(core);
}
