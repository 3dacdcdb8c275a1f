/* core_lane: lanes of a session that is there: they come, wait for one another, and go. Part of core.h. */
#include "ipc/core.h"

static const struct gone lost = {.reason = "abnormal-exit"};
static const struct gone expired = {.reason = "abnormal-exit", .expired = true};

/* ---- calls that are made on them ---- */

/* Whoever waited on a sync lane can bring the main lane only from now on. */
static void await_main_anew(const struct core *core, struct session *session) {
  if (!session->main) session->lanes->due = clock_now(core->clock) + session->lanes->wait;
}

void core_forget_call(struct core *core, struct call *call) {
  if (call_is_sync(call)) {
    core->sync_calls--;
    if (call->lane->sync && !--call->lane->sync->calls) await_main_anew(core, call->session);
  }
  call_close(&core->calls, call);
}

void core_abort_call(struct core *core, uint64_t id, enum abort_reason reason) {
  struct call *call = call_get(&core->calls, id);
  if (call) core_forget_call(core, call);
  if (core->border) core->border->aborted(core->border_user, id, reason);
}

/* Those that were made on the lane, one after the other: whoever is told may end others. */
static struct call *call_on(const struct session *session, const struct lane *lane) {
  for (struct list *node = session->calls.next; node != &session->calls; node = node->next) {
    struct call *call = LIST_ENTRY(node, struct call, node);
    if (call->lane == lane) return call;
  }
  return NULL;
}

static void abort_calls_on(struct core *core, struct lane *lane) {
  struct call *call;
  while (lane->session && (call = call_on(lane->session, lane)))
    core_abort_call(core, call_id(call), ABORT_CANCELLED);
}

/* ---- they come ---- */

static enum status denied(struct fault *fault, const char *text) {
  return fault_set(fault, ST_DENIED, 1008, "ERR_DENIED", "hello: %s", text);
}

static enum status overfull(struct fault *fault) {
  return fault_set(fault, ST_LIMIT, 4003, "ERR_LIMIT_OUTBOUND",
                   "hello: limits.outbound_max exceeded: the session has ended");
}

static bool same_origin(const struct session *session, const char *origin) {
  if (!origin || !session->origin) return origin == session->origin;
  return strcmp(origin, session->origin) == 0;
}

static enum status attach_sync(struct core *core, struct lane *lane, struct session *session,
                               const struct packet *hello, struct fault *fault) {
  enum status status = session_attach_sync(&core->sessions, session, lane, hello->sent);
  if (status == ST_OK && (status = core_welcome(core, lane, true)) != ST_OK) session_detach(lane);
  if (status == ST_OK) return ST_OK;
  return fault_set(fault, status, 4005, "ERR_LIMIT_MEMORY", "hello: %s", status_name(status));
}

/* What the client says that it has and lacks must be possible. */
static enum status check_counts(const struct session *session, const struct packet *hello,
                                struct fault *fault) {
  if (hello->sent <= session->received && hello->received <= session->sent &&
      hello->received >= session_resends_after(session))
    return ST_OK;
  return fault_set(fault, ST_MALFORMED, 1002, "ERR_PROTOCOL",
                   "hello: sent %llu, received %llu: this host has received %llu and sent %llu, of which the "
                   "client had %llu",
                   (unsigned long long)hello->sent, (unsigned long long)hello->received,
                   (unsigned long long)session->received, (unsigned long long)session->sent,
                   (unsigned long long)session_resends_after(session));
}

/* The main lane looked alive, and another takes its place. False: the session has ended over that. */
static bool replace_main(struct core *core, struct session *session) {
  struct lane *old = session->main;
  struct fault fault;
  if (!old) return true;
  abort_calls_on(core, old);
  if (!old->session) return false;
  session_detach(old);
  fault_set(&fault, ST_CLOSED, 4006, NULL, "another connection took over");
  old->ops->close(old->user, &fault);
  return true;
}

/* Whoever waited for the reader of what was kept waits for the new lane. */
static void hand_on_drain(struct core *core, struct lane *lane, size_t kept) {
  if (kept <= core->limits->outbound / 2) return;
  if (lane->ops->queued(lane->user) > core->limits->outbound / 2)
    lane->ops->await_drain(lane->user);
  else
    core_lane_drained(core, lane);
}

static enum status attach_main(struct core *core, struct lane *lane, struct session *session,
                               const struct packet *hello, struct fault *fault) {
  enum status status = check_counts(session, hello, fault);
  size_t kept;
  if (status != ST_OK) return status;
  if (!replace_main(core, session))
    return fault_set(fault, ST_NOT_FOUND, 4007, "ERR_CLOSED", "hello: the session has ended");
  kept = session->lanes ? session->lanes->kept.bytes : 0;
  session_attach_main(session, lane, hello->sent, hello->received);
  if ((status = core_welcome(core, lane, true)) != ST_OK) {
    session_detach(lane);
    return fault_set(fault, status, 4005, "ERR_LIMIT_MEMORY", "hello: %s", status_name(status));
  }
  session_resend(session);
  hand_on_drain(core, lane, kept);
  return ST_OK;
}

enum status core_attach(struct core *core, struct lane *lane, struct session *session,
                        const struct packet *hello, const char *origin, struct fault *fault) {
  if (!session_secret_equal(session, hello->secret))
    return denied(fault, "the secret is not that of the session");
  if (!same_origin(session, origin)) return denied(fault, "the Origin is not that of the session");
  if (session->lanes && session->lanes->overfull) return overfull(fault);
  if (hello->lane == LANE_SYNC) return attach_sync(core, lane, session, hello, fault);
  if (session->main && !session->resumable) return denied(fault, "the session is connected already");
  return attach_main(core, lane, session, hello, fault);
}

/* ---- they wait ---- */

/* What a sync lane has held is received with what it waited for. */
void core_advance_all(struct core *core, struct lane *lane, size_t len) {
  struct lane *ready;
  while (lane->session && (ready = session_ready(lane->session))) ready->ops->go_on(ready->user);
  if (lane->session && lane->session->lanes) session_owe_ack(&core->sessions, lane->session, len);
}

static void check_held(struct core *core, const struct lanes *lanes, uint64_t now) {
  uint64_t most = core->limits->sync_reply * NS_A_MS;
  struct fault fault;
  fault_set(&fault, ST_LIMIT, 4005, "ERR_LIMIT_SYNC_REPLY",
            "limits.sync_reply (%llu ms) exceeded: packets before those of the sync lane did not come",
            (unsigned long long)core->limits->sync_reply);
  for (struct list *node = lanes->sync.next; node != &lanes->sync; node = node->next) {
    struct sync_lane *sync = LIST_ENTRY(node, struct sync_lane, node);
    if (sync->held.len && now - sync->held_since >= most) sync->lane->ops->close(sync->lane->user, &fault);
  }
}

/* ---- they go ---- */

/* The session waits for its client to come again. False: it does not. */
static bool suspend(struct core *core, struct lane *lane) {
  struct session *session = lane->session;
  if (!session->resumable || session->lanes->overfull || session->main_frame->detached || core->closing)
    return false;
  session_detach(lane);
  session->lanes->wait = core->limits->resume * NS_A_MS;
  session->lanes->due = clock_now(core->clock) + session->lanes->wait;
  return true;
}

void core_lane_closed(struct core *core, struct lane *lane, enum lane_end end) {
  if (!lane->session) {
    core_forget_newcomer(core, lane);
    return;
  }
  if (lane->sync || end == LANE_LOST) abort_calls_on(core, lane);
  if (!lane->session) return;
  if (lane->sync) {
    if (lane_busy(lane)) await_main_anew(core, lane->session); /* for what was held */
    session_detach(lane);
    return;
  }
  if (end == LANE_LOST && suspend(core, lane)) return;
  if (end != LANE_CLEAN || !core_begin_grace(core, lane->session))
    core_end_session(core, lane->session, end == LANE_CLEAN ? NULL : &lost);
  core_plan(core);
}

/* ---- the clock ---- */

static struct session *session_due(const struct core *core, uint64_t now) {
  const struct list *all = &core->sessions.lanes;
  for (struct list *node = all->next; node != all; node = node->next) {
    struct lanes *lanes = LIST_ENTRY(node, struct lanes, node);
    if (!lanes->session->main && (lanes->overfull || (lanes->due <= now && !session_waits(lanes->session))))
      return lanes->session;
  }
  return NULL;
}

/* Its client is told when it comes again. */
static void end_overfull(struct core *core, struct session *session) {
  struct fault fault;
  log_line(core->log, LOG_WARN, "session",
           "process %llu: ended with 4003: limits.outbound_max (%llu bytes) exceeded by what is kept for it",
           (unsigned long long)session->process, (unsigned long long)core->limits->outbound_max);
  overfull(&fault);
  closed_note(&core->closed, session, &fault, clock_now(core->clock));
  core_end_session(core, session, &lost);
}

static void end_due(struct core *core, struct session *session) {
  if (session->lanes->overfull) {
    end_overfull(core, session);
    return;
  }
  log_line(core->log, LOG_DEBUG, "session", "process %llu: ended: its connection did not come again",
           (unsigned long long)session->process);
  core_end_session(core, session, &expired);
}

void core_sweep(struct core *core) {
  uint64_t now = clock_now(core->clock);
  struct list *all = &core->sessions.lanes;
  struct session *session;
  vouchers_sweep(&core->tickets, now);
  vouchers_sweep(&core->proofs, now);
  closed_sweep(&core->closed, now);
  if (core->sync_calls) core_expire(core);
  core_wake(core);
  for (struct list *node = all->next; node != all; node = node->next)
    check_held(core, LIST_ENTRY(node, struct lanes, node), now);
  while ((session = session_due(core, now))) end_due(core, session);
}
