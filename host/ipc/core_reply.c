/* core_reply: packets outwards: answers, sends, broadcasts. Part of core.h. */
#include "ipc/core.h"
#include "wire/cbor.h"

/* On these paths a struct packet is filled sparsely: packet_put reads only what the kind has. */

void core_reply(struct core *core, uint64_t id, unsigned status, struct slice payload) {
  struct call *call = call_get(&core->calls, id);
  struct packet packet = {.kind = PACKET_REPLY};
  if (!call) return;
  packet.call = call->wire;
  packet.status = status;
  if (call_is_sync(call))
    lane_write(call->lane, &packet, payload);
  else
    session_write(call->session, &packet, payload, NULL);
  core_forget_call(core, call);
}

static enum status put_pair(struct buf *out, const char *key, const char *value) {
  return cbor_put_text(out, key) == ST_OK ? cbor_put_text(out, value) : ST_NOMEM;
}

enum status error_payload(struct buf *out, const char *name, const char *message, const char *code) {
  if (cbor_put_head(out, CBOR_MAP, code ? 3 : 2) != ST_OK || put_pair(out, "name", name) != ST_OK ||
      put_pair(out, "message", message) != ST_OK)
    return ST_NOMEM;
  return code ? put_pair(out, "code", code) : ST_OK;
}

void core_reply_error(struct core *core, uint64_t call, const char *name, const char *message,
                      const char *code) {
  struct buf payload = {0};
  if (error_payload(&payload, name, message, code) == ST_OK)
    core_reply(core, call, REPLY_ERROR, buf_slice(&payload));
  buf_deinit(&payload);
}

/* Bytes that wait for the client: on its main lane, or for one. */
static size_t session_queued(const struct session *session) {
  const struct lane *lane = session->main;
  if (lane) return lane->ops->queued(lane->user);
  return session->lanes ? session->lanes->kept.bytes : 0;
}

static enum send_result write_send(struct core *core, const struct frame *frame, unsigned kind,
                                   struct slice channel, struct slice payload, struct payload *shared) {
  struct packet packet = {.kind = kind, .frame = frame->number, .channel = channel};
  if (frame->detached) return SEND_DETACHED;
  if (session_write(frame->session, &packet, payload, shared) != ST_OK) return SEND_DESTROYED;
  return session_queued(frame->session) > core->limits->outbound ? SEND_MARK : SEND_OK;
}

enum send_result core_send(struct core *core, uint64_t id, unsigned kind, struct slice channel,
                           struct slice payload, struct payload *shared) {
  const struct frame *frame = frame_get(&core->frames, id);
  return frame ? write_send(core, frame, kind, channel, payload, shared) : SEND_DESTROYED;
}

size_t core_broadcast(struct core *core, uint64_t except, struct slice channel, struct payload *shared) {
  const struct contents *contents;
  enum send_result result;
  size_t cursor = 0, count = 0;
  while ((contents = map_next(&core->frames.contents, &cursor))) {
    if (contents->id == except) continue;
    result = write_send(core, contents->main, PACKET_SEND, channel, slice_of(NULL, 0), shared);
    if (result == SEND_OK || result == SEND_MARK) count++;
  }
  return count;
}

size_t core_buffered(const struct core *core, uint64_t id) {
  const struct frame *frame = frame_get(&core->frames, id);
  return frame ? session_queued(frame->session) : 0;
}

bool core_drained(const struct core *core, uint64_t id) {
  const struct frame *frame = frame_get(&core->frames, id);
  const struct lane *lane = frame ? frame->session->main : NULL;
  if (core_buffered(core, id) <= core->limits->outbound / 2) return true;
  if (lane) lane->ops->await_drain(lane->user);
  return false;
}

void core_lane_drained(struct core *core, const struct lane *lane) {
  if (lane->session && lane->session->main == lane && core->border)
    core->border->drained(core->border_user, lane->session->process);
}

void core_expire(struct core *core) {
  uint64_t now = clock_now(core->clock);
  for (uint32_t i = 0; i < core->calls.count && core->sync_calls; i++) {
    struct call *call = core->calls.slots[i];
    if (!call->session || !call_is_sync(call) || call->due > now) continue;
    core_reply_error(core, call_id(call), "TimeoutError",
                     "limits.sync_reply exceeded: no listener set event.returnValue in time", "ERR_TIMEOUT");
  }
}
