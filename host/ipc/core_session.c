/* core_session: hello and welcome, frames of a session, its end. Part of core.h. */
#include "frame/tabs.h"
#include "ipc/core.h"
#include "ipc/details.h"
#include "wire/cbor.h"

/* ---- welcome ---- */

static enum status put_entry(struct buf *out, const char *key, uint64_t value) {
  return cbor_put_text(out, key) == ST_OK ? cbor_put_uint(out, value) : ST_NOMEM;
}

static enum status put_frame(struct buf *out, const struct frame *frame) {
  if (cbor_put_head(out, CBOR_MAP, 3) != ST_OK || put_entry(out, "routingId", frame->id) != ST_OK ||
      put_entry(out, "frameTreeNodeId", frame->node) != ST_OK || cbor_put_text(out, "frameToken") != ST_OK)
    return ST_NOMEM;
  return cbor_put_text(out, frame->token);
}

static enum status put_limits(struct buf *out, const struct limits *limits) {
  const struct {
    const char *key;
    uint64_t value;
  } entries[] = {{"packet", limits->packet},     {"nesting", limits->nesting},
                 {"invokes", limits->invokes},   {"frames", limits->frames},
                 {"ports", limits->ports},       {"window", limits->window},
                 {"outbound", limits->outbound}, {"outbound_max", limits->outbound_max},
                 {"idle", limits->idle},         {"resume", limits->resume}};
  size_t count = sizeof entries / sizeof *entries;
  if (cbor_put_head(out, CBOR_MAP, count) != ST_OK) return ST_NOMEM;
  for (size_t i = 0; i < count; i++)
    if (put_entry(out, entries[i].key, entries[i].value) != ST_OK) return ST_NOMEM;
  return ST_OK;
}

/* Only the document that the tab shows is told by what it is found. */
static const char *tab_of(const struct frame *frame) {
  return frame->contents->tab && frame->contents->main == frame ? frame->contents->tab->token : NULL;
}

static enum status put_tab(struct buf *out, const char *tab) {
  if (!tab) return ST_OK;
  return cbor_put_text(out, "tab") == ST_OK ? cbor_put_text(out, tab) : ST_NOMEM;
}

static enum status put_welcome(struct buf *out, const struct core *core, const struct frame *frame) {
  const char *tab = tab_of(frame);
  if (cbor_put_head(out, CBOR_MAP, 7 + (tab != NULL)) != ST_OK || put_tab(out, tab) != ST_OK ||
      cbor_put_text(out, "host") != ST_OK ||
      cbor_put_string(out, CBOR_BYTES, slice_of(core->host, sizeof core->host)) != ST_OK ||
      put_entry(out, "processId", frame->session->process) != ST_OK ||
      put_entry(out, "webContentsId", frame->contents->id) != ST_OK || cbor_put_text(out, "frame") != ST_OK ||
      put_frame(out, frame) != ST_OK || cbor_put_text(out, "limits") != ST_OK ||
      put_limits(out, core->limits) != ST_OK ||
      put_entry(out, "features", frame->session->resumable ? FEATURE_RESUME : 0) != ST_OK ||
      cbor_put_text(out, "server") != ST_OK)
    return ST_NOMEM;
  return cbor_put_text(out, "ipchost/" IPCHOST_VERSION);
}

enum status core_welcome(struct core *core, struct lane *lane, bool resumed) {
  struct packet packet = {.kind = PACKET_WELCOME, .resumed = resumed};
  struct buf payload = {0};
  enum status status = put_welcome(&payload, core, lane->session->main_frame);
  packet.sent = session_resends_after(lane->session);
  packet.received = lane->session->received;
  if (status == ST_OK) lane_write(lane, &packet, buf_slice(&payload));
  buf_deinit(&payload);
  return status;
}

/* ---- hello ---- */

/* The client was welcomed in a session that this is not. */
static bool is_another(const struct core *core, const struct session *session, struct slice host) {
  return host.len && (!session || !slice_equal(host, slice_of(core->host, sizeof core->host)));
}

/* A sync lane may be the first of its session: the main lane's hello is then on its way. */
static enum status open_session(struct core *core, struct lane *lane, const struct packet *hello,
                                const struct core_peer *peer, struct session **out) {
  bool sync = hello->lane == LANE_SYNC;
  enum status status = session_open(&core->sessions, hello, ids_next(&core->ids, ID_PROCESS), peer->origin,
                                    sync ? NULL : lane, out);
  if (status != ST_OK) return status;
  (*out)->resumable = peer->resumable && hello->features & FEATURE_RESUME && core->limits->resume;
  if ((*out)->resumable) status = session_need_lanes(&core->sessions, *out);
  if (status == ST_OK && sync) status = session_attach_sync(&core->sessions, *out, lane, hello->sent);
  if (status != ST_OK) {
    session_free(&core->sessions, *out);
  } else if (sync) {
    (*out)->lanes->wait = core->limits->handshake * NS_A_MS;
    (*out)->lanes->due = clock_now(core->clock) + (*out)->lanes->wait;
  }
  return status;
}

bool core_is_document(const struct core_peer *peer, const struct details *details) {
  return peer->page && slice_equal(details->type, slice_str("page"));
}

/* A tab that is another's, whose document is still there, gets a token of its own. */
static enum status name_tab(struct core *core, struct contents *contents, const struct details *details) {
  bool taken = tab_find(&core->frames, details->tab, contents->main->origin) != NULL;
  return tab_name(&core->frames, contents, taken ? slice_of(NULL, 0) : details->tab);
}

static enum status open_contents(struct core *core, struct session *session, const struct core_peer *peer,
                                 const struct details *details) {
  enum contents_type type = peer->page ? CONTENTS_PAGE : peer->child ? CONTENTS_CHILD : CONTENTS_NATIVE;
  struct contents *contents;
  enum status status = contents_open(&core->frames, session, type, &details->claim, &contents);
  if (status != ST_OK) return status;
  contents->os_pid = peer->child ? peer->child : details->pid;
  contents->document = core_is_document(peer, details);
  return contents->document && details->tab.len ? name_tab(core, contents, details) : ST_OK;
}

/* Where the main frame of a session goes: below a frame, after a document in its contents, or in a contents
 * of its own. */
struct place {
  struct frame *parent;
  struct contents *contents;
};

static enum status out_of_memory(struct fault *fault, enum status status) {
  return fault_set(fault, status, 4005, "ERR_LIMIT_MEMORY", "hello: %s", status_name(status));
}

static enum status find_place(struct core *core, struct lane *lane, const struct core_peer *peer,
                              const struct details *details, struct place *place, struct fault *fault) {
  enum status status = core_claim_tab(core, lane, peer, details, &place->contents);
  if (status == ST_MORE) return status;
  if (status != ST_OK) return out_of_memory(fault, status);
  return core_take_ticket(core, details, peer->origin, &place->parent, fault);
}

static enum status open_main_frame(struct core *core, struct session *session, const struct core_peer *peer,
                                   const struct details *details, const struct place *place) {
  struct frame *frame;
  if (place->parent) return frame_join(&core->frames, session, place->parent, &details->claim, &frame);
  if (place->contents) return contents_succeed(&core->frames, session, place->contents, &details->claim);
  return open_contents(core, session, peer, details);
}

/* `before` is the frame whose document this one follows, or 0. */
static void tell_opened(struct core *core, const struct frame *frame, uint64_t before) {
  uint64_t id = frame->id, contents = frame->contents->id;
  if (before) core_succeeded(core, before, id);
  if (before || !core->border) return;
  if (!frame->parent) core->border->contents_created(core->border_user, contents);
  /* Who heard of the contents may have closed it. */
  if (frame_get(&core->frames, id)) core->border->frame_created(core->border_user, contents, id);
}

static enum status open_all(struct core *core, struct lane *lane, const struct packet *hello,
                            const struct core_peer *peer, struct details *details, struct fault *fault) {
  struct buf url = {0};
  struct session *session;
  struct place place;
  uint64_t before, process;
  enum status status = find_place(core, lane, peer, details, &place, fault);
  if (status != ST_OK) return status;
  before = place.contents ? place.contents->main->id : 0;
  status = open_session(core, lane, hello, peer, &session);
  if (status != ST_OK) return out_of_memory(fault, status);
  process = session->process;
  core_take_proof(core, details, peer->origin, &url);
  status = open_main_frame(core, session, peer, details, &place);
  buf_deinit(&url);
  if (status == ST_OK) {
    status = core_welcome(core, lane, false);
    tell_opened(core, session->main_frame, before);
  }
  if (status == ST_OK) return ST_OK;
  if ((session = sessions_by_process(&core->sessions, process))) core_end_session(core, session, NULL);
  return out_of_memory(fault, status);
}

/* Its client has lost the connection before it was told. */
static enum status refuse_closed(struct core *core, const struct packet *hello, struct fault *fault) {
  const struct closed_session *note = closed_find(&core->closed, hello, clock_now(core->clock));
  return note ? fault_set(fault, ST_NOT_FOUND, note->code, "ERR_CLOSED", "%s", note->text) : ST_OK;
}

enum status core_hello(struct core *core, struct lane *lane, const struct packet *hello,
                       const struct core_peer *peer, struct fault *fault) {
  struct session *session = sessions_find(&core->sessions, hello->id);
  struct details details;
  enum status status;
  if (hello->version != PROTOCOL_VERSION)
    return fault_set(fault, ST_UNSUPPORTED, 4000, "ERR_VERSION",
                     "hello: version %llu is not spoken; this host speaks 1",
                     (unsigned long long)hello->version);
  if (hello->lane > LANE_SYNC)
    return fault_set(fault, ST_MALFORMED, 1002, "ERR_PROTOCOL", "hello: item 6 (lane): expected 0 or 1");
  if ((status = details_parse(hello->payload, &details, fault)) != ST_OK) return status;
  if (hello->lane == LANE_SYNC && is_another(core, session, details.host))
    return fault_set(fault, ST_NOT_FOUND, 4007, "ERR_CLOSED",
                     "hello: the session that the sync lane belongs to is gone");
  if (session) {
    core_forget_newcomer(core, lane); /* another lane's hello has opened it meanwhile */
    return core_attach(core, lane, session, hello, peer->origin, fault);
  }
  if ((status = refuse_closed(core, hello, fault)) != ST_OK) return status;
  if (hello->features & FEATURE_AGAIN)
    return fault_set(fault, ST_NOT_FOUND, 4008, "ERR_CLOSED", "hello: the session is not there any longer");
  return open_all(core, lane, hello, peer, &details, fault);
}

/* ---- frames ---- */

static enum status protocol_error(struct fault *fault, const char *text) {
  return fault_set(fault, ST_MALFORMED, 1002, "ERR_PROTOCOL", "%s", text);
}

static enum status answer_opened(struct session *session, const struct frame *frame) {
  struct packet packet = {.kind = PACKET_FRAME_OPENED, .frame = frame->number};
  struct buf payload = {0};
  enum status status = put_frame(&payload, frame);
  if (status == ST_OK) status = session_write(session, &packet, buf_slice(&payload), NULL);
  buf_deinit(&payload);
  return status;
}

enum status core_frame_open(struct core *core, struct session *session, const struct packet *packet,
                            struct fault *fault) {
  struct frame *parent = frame_of(session, packet->parent), *frame;
  struct details details;
  enum status status = details_parse(packet->payload, &details, fault);
  if (status != ST_OK) return status;
  if (packet->frame < session->frame_next)
    return protocol_error(fault, "frame-open: the number was used already");
  if (!parent) return ST_OK; /* it was closed from this side meanwhile */
  status = frame_open(&core->frames, parent, packet->frame, &details.claim, core->limits->frames, &frame);
  if (status == ST_LIMIT)
    return fault_set(fault, status, 4005, "ERR_LIMIT_FRAMES", "limits.frames (%llu) exceeded",
                     (unsigned long long)core->limits->frames);
  if (status == ST_OK) status = answer_opened(session, frame);
  if (status != ST_OK)
    return fault_set(fault, status, 4005, "ERR_LIMIT_MEMORY", "frame-open: %s", status_name(status));
  if (core->border) core->border->frame_created(core->border_user, frame->contents->id, frame->id);
  return ST_OK;
}

enum status core_frame_update(struct core *core, struct session *session, const struct packet *packet,
                              struct fault *fault) {
  struct frame *frame = frame_of(session, packet->frame);
  struct details details;
  enum status status = details_parse(packet->payload, &details, fault);
  if (status != ST_OK || !frame) return status;
  if ((status = frame_update(frame, &details.claim)) != ST_OK)
    return fault_set(fault, status, 4005, "ERR_LIMIT_MEMORY", "%s: %s", packet_name(packet->kind),
                     status_name(status));
  if (packet->kind == PACKET_FRAME_NAVIGATE && !frame->detached && core->border)
    core->border->navigated(core->border_user, frame->id, packet->in_page);
  return ST_OK;
}

#define CALLS_AT_ONCE 256

static size_t calls_from(const struct session *session, uint64_t frame, uint64_t *ids) {
  size_t count = 0;
  for (const struct list *node = session->calls.next; node != &session->calls && count < CALLS_AT_ONCE;
       node = node->next) {
    const struct call *call = LIST_ENTRY(node, struct call, node);
    if (call->frame == frame) ids[count++] = call_id(call);
  }
  return count;
}

/* A client that has closed the frame itself waits no longer. False if there are none; else whoever was told
 * may have ended anything, and more of them may be left. */
static bool abort_calls_from(struct core *core, const struct frame *frame) {
  uint64_t ids[CALLS_AT_ONCE];
  size_t count = calls_from(frame->session, frame->id, ids);
  for (size_t i = 0; i < count; i++) {
    if (!core_call_pending(core, ids[i])) continue;
    core_reply_error(core, ids[i], "Error", "the frame was destroyed", "ERR_DESTROYED");
    core_abort_call(core, ids[i], ABORT_DESTROYED);
  }
  return count > 0;
}

static void destroy_one(struct core *core, struct frame *frame, const struct gone *gone) {
  uint64_t id = frame->id, contents;
  asks_end(&core->asks, frame->session, id, ASK_DESTROYED);
  if (frame->contents->main == frame) core_end_formers(core, frame->contents->id);
  frame_free(&core->frames, frame, &contents);
  if (!core->border) return;
  core->border->frame_destroyed(core->border_user, id);
  if (contents) core->border->contents_destroyed(core->border_user, contents, gone);
}

/*
 * Those below that are main frames of other sessions take these with them. Who is told may end any session,
 * so that frames are looked up anew each time; a session that is ending in a call further up has its frames
 * destroyed here.
 */
void core_destroy_tree(struct core *core, uint64_t root, const struct gone *gone) {
  struct frame *frame;
  struct fault fault;
  fault_set(&fault, ST_CLOSED, gone && gone->expired ? 4008 : 4007, NULL, "the frame above has ended");
  while ((frame = frame_get(&core->frames, root))) {
    frame = frame_deepest(frame);
    if (!frame->number && !frame->session->ending)
      core_close_session(core, frame->session, &fault);
    else if (!abort_calls_from(core, frame))
      destroy_one(core, frame, gone);
  }
  core_tell_unanswered(core);
}

void core_destroy_children(struct core *core, uint64_t id) {
  struct frame *frame;
  while ((frame = frame_get(&core->frames, id)) && !list_empty(&frame->children))
    core_destroy_tree(core, frame_deepest(frame)->id, NULL);
  core_tell_unanswered(core);
}

enum status core_frame_close(struct core *core, struct session *session, const struct packet *packet,
                             struct fault *fault) {
  struct frame *frame = frame_of(session, packet->frame);
  if (!frame) return ST_OK;
  if (!frame->number) return fault_set(fault, ST_CLOSED, 1000, NULL, "the main frame was closed");
  core_destroy_tree(core, frame->id, NULL);
  return ST_OK;
}

/* ---- the end ---- */

static void abort_calls(struct core *core, struct session *session) {
  while (!list_empty(&session->calls)) {
    const struct call *call = LIST_ENTRY(session->calls.next, struct call, node);
    core_abort_call(core, call_id(call), ABORT_DESTROYED);
  }
}

/* Whoever waits on a sync lane is told. */
static void close_sync_lanes(struct session *session) {
  struct fault fault;
  fault_set(&fault, ST_CLOSED, 4007, NULL, "the session has ended");
  while (session->lanes && !list_empty(&session->lanes->sync)) {
    struct lane *lane = LIST_ENTRY(session->lanes->sync.next, struct sync_lane, node)->lane;
    lanes_detach_sync(lane);
    lane->ops->close(lane->user, &fault);
  }
}

void core_end_traffic(struct core *core, struct session *session) {
  session->ending = true;
  if (session->main) session->main->session = NULL;
  session->main = NULL;
  abort_calls(core, session);
  ports_end_session(core, session);
  asks_end(&core->asks, session, 0, ASK_CLOSED);
  close_sync_lanes(session);
  vouchers_drop(&core->tickets, session->process);
  session_asks_free(session->asks);
  session->asks = NULL;
}

void core_end_session(struct core *core, struct session *session, const struct gone *gone) {
  if (session->ending) return;
  core_end_traffic(core, session);
  if (session->main_frame) core_destroy_tree(core, session->main_frame->id, gone);
  session_free(&core->sessions, session);
}

void core_close_session(struct core *core, struct session *session, const struct fault *fault) {
  struct lane *lane = session->main;
  if (session->resumable && !session->ending && (fault->close == 1000 || core->closes))
    closed_note(&core->closed, session, fault, clock_now(core->clock));
  core_end_session(core, session, NULL);
  if (lane) lane->ops->close(lane->user, fault);
}

void core_close_contents(struct core *core, uint64_t contents) {
  struct contents *found = contents_get(&core->frames, contents);
  struct fault fault;
  if (!found) return;
  if (found->main->detached) {
    core_close_detached(core, found);
    return;
  }
  fault_set(&fault, ST_CLOSED, 1000, NULL, "closed by the host");
  core->closes = true;
  core_close_session(core, found->main->session, &fault);
  core->closes = false;
}
