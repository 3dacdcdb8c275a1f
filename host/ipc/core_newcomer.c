/* core_newcomer: which contents the tab in a hello means, and who has to wait for that. Part of core.h. */
#include "frame/tabs.h"
#include "ipc/core.h"
#include "ipc/details.h"

#define PING_TOKEN 2

/* ---- they ask ---- */

static enum status ask(struct core *core, struct newcomer *newcomer, struct session *session) {
  const struct packet ping = {.kind = PACKET_PING, .token = PING_TOKEN};
  newcomer->process = session->process;
  newcomer->due = clock_now(core->clock) + core->limits->answer * NS_A_MS;
  newcomer->answered = newcomer->decided = false;
  newcomer->unasked = !session->main;
  list_remove(&newcomer->node); /* they are in the order of `due` */
  list_push(&core->newcomers, &newcomer->node);
  if (session->main) lane_write(session->main, &ping, slice_of(NULL, 0));
  core_plan(core);
  return ST_MORE;
}

/* The document is gone, or the tab has said that another follows. */
static bool is_free(const struct contents *contents, const struct details *details) {
  return contents->main->detached || details->handover;
}

/* It has answered, or connected since. */
static bool is_there(const struct newcomer *newcomer, const struct session *session) {
  return newcomer->answered || (newcomer->unasked && session->main);
}

/* The document that they have asked has its tab no longer: they ask the one that has. */
static void ask_again(struct core *core, const struct session *session) {
  for (struct list *node = core->newcomers.next; node != &core->newcomers; node = node->next) {
    struct newcomer *newcomer = LIST_ENTRY(node, struct newcomer, node);
    if (newcomer->process == session->process) newcomer->due = 0;
  }
  core_plan(core);
}

static enum status claim(struct core *core, struct lane *lane, const struct details *details,
                         const char *origin, struct contents **out) {
  struct newcomer *newcomer = newcomer_of(&core->newcomers, lane);
  struct contents *found = tab_find(&core->frames, details->tab, origin);
  bool asked = newcomer && found && newcomer->process == found->main->session->process;
  *out = NULL;
  if (!found) return ST_OK;
  if (!is_free(found, details) && !asked) {
    if (!newcomer && !(newcomer = newcomer_open(&core->newcomers, lane))) return ST_NOMEM;
    return ask(core, newcomer, found->main->session);
  }
  if (!is_free(found, details) && is_there(newcomer, found->main->session)) return ST_OK;
  ask_again(core, found->main->session);
  *out = found;
  return ST_OK;
}

enum status core_claim_tab(struct core *core, struct lane *lane, const struct core_peer *peer,
                           const struct details *details, struct contents **out) {
  struct newcomer *newcomer;
  enum status status = ST_OK;
  *out = NULL;
  if (core_is_document(peer, details) && details->tab.len && !details->ticket.len)
    status = claim(core, lane, details, peer->origin, out);
  if (status != ST_MORE && (newcomer = newcomer_of(&core->newcomers, lane))) newcomer_close(newcomer);
  return status;
}

/* ---- they hear ---- */

void core_ponged(struct core *core, const struct session *session) {
  for (struct list *node = core->newcomers.next; node != &core->newcomers; node = node->next) {
    struct newcomer *newcomer = LIST_ENTRY(node, struct newcomer, node);
    if (newcomer->process == session->process) newcomer->answered = true;
  }
  core_plan(core);
}

static bool is_due(const struct core *core, const struct newcomer *newcomer, uint64_t now) {
  return newcomer->answered || newcomer->due <= now ||
         !sessions_by_process(&core->sessions, newcomer->process);
}

static struct newcomer *next_due(const struct core *core, uint64_t now) {
  for (struct list *node = core->newcomers.next; node != &core->newcomers; node = node->next) {
    struct newcomer *newcomer = LIST_ENTRY(node, struct newcomer, node);
    if (!newcomer->decided && is_due(core, newcomer, now)) return newcomer;
  }
  return NULL;
}

uint64_t core_newcomers_due(const struct core *core) {
  const struct newcomer *newcomer = next_due(core, 0);
  if (newcomer) return 0;
  newcomer = next_due(core, CORE_NEVER);
  return newcomer ? newcomer->due : CORE_NEVER;
}

void core_settle_newcomers(struct core *core, uint64_t now) {
  struct newcomer *newcomer;
  while ((newcomer = next_due(core, now))) {
    struct lane *lane = newcomer->lane;
    size_t len = newcomer->held.len;
    newcomer->decided = true;
    lane->ops->go_on(lane->user);
    core_advance(core, lane, len);
  }
}

/* ---- they go ---- */

struct buf *core_held(const struct core *core, const struct lane *lane) {
  struct newcomer *newcomer;
  if (lane->session) return lane->sync ? &lane->sync->held : NULL;
  newcomer = newcomer_of(&core->newcomers, lane);
  return newcomer ? &newcomer->held : NULL;
}

void core_forget_newcomer(struct core *core, const struct lane *lane) {
  struct newcomer *newcomer = newcomer_of(&core->newcomers, lane);
  if (newcomer) newcomer_close(newcomer);
}

void core_deinit_newcomers(struct core *core) {
  while (!list_empty(&core->newcomers))
    newcomer_close(LIST_ENTRY(core->newcomers.next, struct newcomer, node));
}
