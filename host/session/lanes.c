/* lanes: see lanes.h. */
#include "session/lanes.h"

#include <stdlib.h>

#define SHARE_MIN 1024 /* below, a payload of its own costs more than the copy */
#define RESEND_BLOCK ((size_t)16 * 1024)
#define ACK_PACKETS 64
#define ACK_BYTES ((size_t)256 * 1024)

enum status session_need_lanes(struct sessions *sessions, struct session *session) {
  struct lanes *lanes;
  if (session->lanes) return ST_OK;
  if (!(lanes = calloc(1, sizeof *lanes))) return ST_NOMEM;
  lanes->session = session;
  lanes->kept_max = sessions->kept_max;
  lanes->kept.before = session->sent;
  lanes->acked = session->received;
  list_init(&lanes->sync);
  list_init(&lanes->owing);
  list_push(&sessions->lanes, &lanes->node);
  session->lanes = lanes;
  return ST_OK;
}

static bool is_needed(const struct session *session) {
  const struct lanes *lanes = session->lanes;
  return session->resumable || !session->main || !list_empty(&lanes->sync) || lanes->kept.first;
}

/* Gives the struct back where the session is as any other again. */
static void settle(struct session *session) {
  if (session->lanes && !is_needed(session)) lanes_free(session);
}

enum status session_attach_sync(struct sessions *sessions, struct session *session, struct lane *lane,
                                uint64_t sent) {
  struct sync_lane *sync = calloc(1, sizeof *sync);
  if (!sync || session_need_lanes(sessions, session) != ST_OK) {
    free(sync);
    return ST_NOMEM;
  }
  sync->lane = lane;
  list_push(&session->lanes->sync, &sync->node);
  lane->sync = sync;
  lane->session = session;
  lane->received = sent;
  return ST_OK;
}

void session_attach_main(struct session *session, struct lane *lane, uint64_t sent, uint64_t received) {
  session->main = lane;
  lane->session = session;
  lane->received = sent;
  if (!session->lanes) return;
  kept_drop(&session->lanes->kept, received);
  session->lanes->acked = session->received; /* as welcome says */
  list_remove(&session->lanes->owing);
}

/* ---- what is kept ---- */

uint64_t session_resends_after(const struct session *session) {
  return session->lanes ? session->lanes->kept.before : session->sent;
}

static void write_kept(struct lane *lane, const struct kept_packet *packet) {
  struct buf *out = lane->ops->begin(lane->user);
  if (buf_put(out, packet->head, packet->len) == ST_OK && packet->body)
    lane->ops->share(lane->user, packet->body);
  lane->ops->end(lane->user);
}

/* In short blocks, as a link that breaks again soon brings only what has come whole; welcome is one by
 * itself.
 */
static void write_all_kept(struct lane *lane, const struct kept *kept) {
  size_t block = RESEND_BLOCK;
  if (!kept->first) return;
  for (struct kept_packet *packet = kept->first; packet; packet = packet->next) {
    size_t len = packet->len + (packet->body ? packet->body->len : 0);
    if (block + len > RESEND_BLOCK) {
      lane->ops->end_block(lane->user);
      block = 0;
    }
    write_kept(lane, packet);
    block += len;
  }
  lane->ops->end_block(lane->user);
}

void session_resend(struct session *session) {
  struct lanes *lanes = session->lanes;
  if (!lanes) return;
  write_all_kept(session->main, &lanes->kept);
  if (!session->resumable) kept_drop(&lanes->kept, session->sent);
  settle(session);
}

void session_acknowledged(struct session *session, uint64_t received) {
  if (session->resumable) kept_drop(&session->lanes->kept, received);
}

/* ---- what was received ---- */

static void ack(struct lanes *lanes) {
  struct session *session = lanes->session;
  struct packet packet = {.kind = PACKET_ACK, .received = session->received};
  list_remove(&lanes->owing);
  lanes->unacked_bytes = 0;
  if (!session->main || lanes->acked == session->received) return;
  lanes->acked = session->received;
  lane_write(session->main, &packet, slice_of(NULL, 0));
}

void session_owe_ack(struct sessions *sessions, struct session *session, size_t bytes) {
  struct lanes *lanes = session->lanes;
  uint64_t count = session->received - lanes->acked;
  if (!session->resumable || !count) return;
  lanes->unacked_bytes += bytes;
  if (count >= ACK_PACKETS || lanes->unacked_bytes >= ACK_BYTES) {
    ack(lanes);
  } else if (list_empty(&lanes->owing)) {
    bool first = list_empty(&sessions->owing);
    list_push(&sessions->owing, &lanes->owing);
    if (first && sessions->ack_later) sessions->ack_later(sessions->ack_user);
  }
}

void sessions_ack(struct sessions *sessions) {
  while (!list_empty(&sessions->owing)) ack(LIST_ENTRY(sessions->owing.next, struct lanes, owing));
}

/* ---- lanes ---- */

void lanes_detach_sync(struct lane *lane) {
  struct sync_lane *sync = lane->sync;
  list_remove(&sync->node);
  buf_deinit(&sync->held);
  free(sync);
  lane->sync = NULL;
  lane->session = NULL;
}

void session_detach(struct lane *lane) {
  struct session *session = lane->session;
  if (lane->sync)
    lanes_detach_sync(lane);
  else
    session->main = NULL;
  lane->session = NULL;
  settle(session);
}

struct lane *session_ready(const struct session *session) {
  const struct list *sync;
  if (!session->lanes) return NULL;
  sync = &session->lanes->sync;
  for (struct list *node = sync->next; node != sync; node = node->next) {
    struct sync_lane *found = LIST_ENTRY(node, struct sync_lane, node);
    if (found->held.len && found->lane->received <= session->received) return found->lane;
  }
  return NULL;
}

bool session_waits(const struct session *session) {
  const struct list *sync;
  if (!session->lanes) return false;
  sync = &session->lanes->sync;
  for (const struct list *node = sync->next; node != sync; node = node->next)
    if (lane_busy(LIST_ENTRY(node, struct sync_lane, node)->lane)) return true;
  return false;
}

/* Appends the packet; a `body` that is not NULL is to follow it. */
static enum status put(struct buf *out, const struct packet *packet, struct slice payload,
                       const struct payload *body) {
  size_t start = out->len;
  if (packet_put(out, packet, NULL, body ? body->len : payload.len) == ST_OK &&
      (body || buf_put(out, payload.data, payload.len) == ST_OK))
    return ST_OK;
  out->len = start;
  return ST_NOMEM;
}

/* Keeps the packet, and writes it where there is a main lane. */
static enum status keep(struct lanes *lanes, const struct packet *packet, struct slice payload,
                        struct payload *body) {
  struct lane *lane = lanes->session->main;
  struct buf alone = {0}, *out = lane ? lane->ops->begin(lane->user) : &alone;
  size_t start = out->len;
  enum status status = put(out, packet, payload, body);
  if (status == ST_OK) {
    status = kept_put(&lanes->kept, slice_of(out->data + start, out->len - start), body);
    if (lane && body) lane->ops->share(lane->user, body);
  }
  if (lane) lane->ops->end(lane->user);
  buf_deinit(&alone);
  return status;
}

/* The session can no longer be what it was to its client, and ends with its connection. */
static enum status give_up(struct lanes *lanes) {
  struct lane *lane = lanes->session->main;
  struct fault fault;
  lanes->overfull = true;
  if (!lane) return ST_CLOSED;
  fault_set(&fault, ST_LIMIT, 4003, "ERR_LIMIT_OUTBOUND",
            "limits.outbound_max (%zu bytes) exceeded by what the peer has not acknowledged",
            lanes->kept_max);
  lane->ops->close(lane->user, &fault);
  return ST_CLOSED;
}

enum status lanes_write(struct session *session, const struct packet *packet, struct slice payload,
                        struct payload *shared) {
  struct lanes *lanes = session->lanes;
  struct payload *body = NULL;
  enum status status;
  if (session->main && (!session->resumable || !packet_numbered(packet->kind)))
    return session_write_main(session, packet, payload, shared);
  if (!packet_numbered(packet->kind) || lanes->overfull) return ST_CLOSED;
  if (shared && shared->len < SHARE_MIN)
    payload = payload_slice(shared);
  else if (shared)
    body = payload_ref(shared);
  else if (payload.len >= SHARE_MIN && !(body = payload_new(payload)))
    return give_up(lanes);
  status = keep(lanes, packet, payload, body);
  payload_unref(body);
  if (status != ST_OK || lanes->kept.bytes > lanes->kept_max) return give_up(lanes);
  session->sent++;
  return ST_OK;
}

void lanes_free(struct session *session) {
  struct lanes *lanes = session->lanes;
  if (!lanes) return;
  session->lanes = NULL;
  while (!list_empty(&lanes->sync)) {
    lanes_detach_sync(LIST_ENTRY(lanes->sync.next, struct sync_lane, node)->lane);
  }
  kept_deinit(&lanes->kept);
  list_remove(&lanes->node);
  list_remove(&lanes->owing);
  free(lanes);
}
