/* core_ask: calls that scripts make of renderers, and their answers. Part of core.h. */
#include "ipc/core.h"

enum ask_result core_ask(struct core *core, uint64_t id, struct slice channel, struct slice payload,
                         uint64_t deadline, uint64_t *out) {
  const struct frame *frame = frame_get(&core->frames, id);
  struct packet packet = {.kind = PACKET_INVOKE, .channel = channel, .deadline = deadline};
  struct session *session;
  struct ask *ask;
  if (!frame) return ASK_DESTROYED;
  session = frame->session;
  if (frame->detached || session->ending || session->mute) return ASK_CLOSED;
  if (asks_of(session) >= core->limits->invokes) return ASK_LIMIT;
  if (!(ask = ask_open(&core->asks, session, id))) return ASK_MEMORY;
  packet.frame = frame->number;
  packet.call = ask->wire;
  if (session_write(session, &packet, payload, NULL) != ST_OK) {
    ask_close(&core->asks, ask);
    return ASK_CLOSED;
  }
  *out = ask->id;
  return ASK_OK;
}

void core_cancel(struct core *core, uint64_t id, unsigned reason) {
  struct ask *ask = ask_get(&core->asks, id);
  struct packet packet = {.kind = PACKET_CANCEL, .reason = reason};
  struct session *session;
  if (!ask) return;
  packet.call = ask->wire;
  session = ask->session;
  ask_close(&core->asks, ask);
  session_write(session, &packet, slice_of(NULL, 0), NULL);
}

enum status core_answer(struct core *core, struct session *session, const struct packet *packet,
                        struct fault *fault) {
  struct ask *ask = ask_find(session, packet->call);
  uint64_t id;
  if (!ask) return ST_OK;
  id = ask->id;
  ask_close(&core->asks, ask);
  if (!core->border) return ST_OK;
  return core->border->answered(core->border_user, id, packet->status == REPLY_OK, packet->payload, fault);
}

void core_tell_unanswered(struct core *core) {
  enum ask_result end;
  uint64_t id;
  while (asks_next_ended(&core->asks, &id, &end))
    if (core->border) core->border->unanswered(core->border_user, id, end);
}

void core_lane_mute(struct core *core, struct lane *lane) {
  struct session *session = lane->session;
  if (!session || session->main != lane) return;
  session->mute = true;
  asks_end(&core->asks, session, 0, ASK_CLOSED);
  core_tell_unanswered(core);
}
