/* lanes: see lanes.h. */
#include "session/lanes.h"

#include <stdlib.h>

enum status session_need_lanes(struct sessions *sessions, struct session *session) {
  struct lanes *lanes;
  if (session->lanes) return ST_OK;
  if (!(lanes = calloc(1, sizeof *lanes))) return ST_NOMEM;
  lanes->session = session;
  lanes->kept_max = sessions->kept_max;
  lanes->kept.before = session->sent;
  list_init(&lanes->sync);
  list_push(&sessions->lanes, &lanes->node);
  session->lanes = lanes;
  return ST_OK;
}

static bool is_needed(const struct session *session) {
  const struct lanes *lanes = session->lanes;
  return !session->main || !list_empty(&lanes->sync) || lanes->kept.first;
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
  if (session->lanes) kept_drop(&session->lanes->kept, received);
}

uint64_t session_resends_after(const struct session *session) {
  return session->lanes ? session->lanes->kept.before : session->sent;
}

static void write_kept(struct lane *lane, const struct kept_packet *packet) {
  struct buf *out = lane->ops->begin(lane->user);
  if (buf_put(out, packet->head, packet->len) == ST_OK && packet->body)
    lane->ops->share(lane->user, packet->body);
  lane->ops->end(lane->user);
}

void session_resend(struct session *session) {
  struct lanes *lanes = session->lanes;
  if (!lanes) return;
  for (struct kept_packet *packet = lanes->kept.first; packet; packet = packet->next)
    write_kept(session->main, packet);
  kept_drop(&lanes->kept, session->sent);
  settle(session);
}

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

enum status lanes_write(struct session *session, const struct packet *packet, struct slice payload,
                        struct payload *shared) {
  struct lanes *lanes = session->lanes;
  if (session->main) return session_write_main(session, packet, payload, shared);
  if (!packet_numbered(packet->kind) || lanes->overfull) return ST_CLOSED;
  lanes->overfull = !kept_put(&lanes->kept, packet, payload, shared) || lanes->kept.bytes > lanes->kept_max;
  if (lanes->overfull) return ST_CLOSED;
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
  free(lanes);
}
