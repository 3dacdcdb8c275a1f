/* core: see core.h. This file routes packets inwards. */
#include "ipc/core.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"

/* Between a ticket and the hello that names it. */
#define TICKET_LIFE_NS UINT64_C(5000000000)
#define TICKETS_A_SESSION 256
#define ORIGIN_MAX 512
/* Between an answer and the hello of the page in it. */
#define PROOF_LIFE_NS UINT64_C(60000000000)
#define PROOFS_MAX 1024
#define PROVEN_URL_MAX 2048

enum status core_init(struct core *core, const struct limits *limits, struct clock *clock, struct log *log) {
  *core = (struct core){.limits = limits, .clock = clock, .log = log};
  sessions_init(&core->sessions, limits->outbound_max);
  frames_init(&core->frames, &core->ids);
  vouchers_init(&core->tickets, TICKET_LIFE_NS, TICKETS_A_SESSION, ORIGIN_MAX);
  closed_init(&core->closed, limits->resume * NS_A_MS);
  vouchers_init(&core->proofs, PROOF_LIFE_NS, PROOFS_MAX, PROVEN_URL_MAX);
  ports_init(&core->ports);
  asks_init(&core->asks);
  gate_init(&core->gate);
  list_init(&core->newcomers);
  list_init(&core->formers);
  return random_bytes(core->host, sizeof core->host);
}

void core_deinit(struct core *core) {
  size_t cursor = 0;
  struct session *session;
  while ((session = map_next(&core->sessions.by_process, &cursor))) {
    core_end_session(core, session, NULL);
    cursor = 0;
  }
  core_deinit_tabs(core);
  ports_deinit(core);
  calls_deinit(&core->calls);
  asks_deinit(&core->asks);
  vouchers_deinit(&core->tickets);
  vouchers_deinit(&core->proofs);
  closed_deinit(&core->closed);
  frames_deinit(&core->frames);
  sessions_deinit(&core->sessions);
}

/* In place: what is copied right after it was written waits until that has reached the cache. */
static void message_fill(struct message *message, const struct frame *frame, enum message_kind kind,
                         const struct packet *packet) {
  *message = (struct message){.kind = kind,
                              .process = frame->session->process,
                              .frame = frame->id,
                              .node = frame->node,
                              .contents = frame->contents->id,
                              .channel = packet->channel,
                              .payload = packet->payload};
}

static enum status deliver(struct core *core, const struct message *message, struct fault *fault) {
  if (!gate_allows(&core->gate, message)) {
    core_reply_error(core, message->call, "Error", "denied by security.policy", "ERR_DENIED");
    return ST_OK;
  }
  if (!core->border) {
    core_reply_error(core, message->call, "Error", "no scripts are loaded", "ERR_CLOSED");
    return ST_OK;
  }
  return core->border->message(core->border_user, message, fault);
}

static enum status receive_send(struct core *core, struct session *session, const struct packet *packet,
                                struct fault *fault) {
  const struct frame *frame = frame_of(session, packet->frame);
  struct message message;
  if (!frame) return ST_OK;
  message_fill(&message, frame, MESSAGE_SEND, packet);
  return deliver(core, &message, fault);
}

static enum status receive_post(struct core *core, struct session *session, const struct packet *packet,
                                struct fault *fault) {
  const struct frame *frame = frame_of(session, packet->frame);
  struct message message;
  uint64_t *ids;
  enum status status = ports_adopt(core, session, packet, 0, &ids, fault);
  bool taken = false;
  if (status != ST_OK) return status;
  if (frame) {
    message_fill(&message, frame, MESSAGE_POST, packet);
    message.ports = ids;
    message.port_count = packet->port_count;
    ports_give(core, ids, packet->port_count);
    taken = core->border && gate_allows(&core->gate, &message);
    status = deliver(core, &message, fault);
  }
  if (!taken || status != ST_OK) ports_drop(core, ids, packet->port_count);
  free(ids);
  return status;
}

/* Answers a call that never became one. */
static void refuse(struct lane *lane, struct session *session, const struct packet *packet,
                   const char *message, const char *code) {
  struct packet reply = {.kind = PACKET_REPLY, .call = packet->call, .status = REPLY_ERROR};
  struct buf payload = {0};
  if (error_payload(&payload, "Error", message, code) == ST_OK) {
    if (packet->kind == PACKET_SYNC)
      lane_write(lane, &reply, buf_slice(&payload));
    else
      session_write(session, &reply, buf_slice(&payload), NULL);
  }
  buf_deinit(&payload);
}

static enum status receive_call(struct core *core, struct lane *lane, const struct packet *packet,
                                struct fault *fault) {
  struct session *session = lane->session;
  const struct frame *frame = frame_of(session, packet->frame);
  bool sync = packet->kind == PACKET_SYNC;
  struct message message;
  struct call *call;
  char text[96];
  if (!frame) return refuse(lane, session, packet, "the frame was destroyed", "ERR_DESTROYED"), ST_OK;
  if (core->closing) return refuse(lane, session, packet, "the host is closing", "ERR_CLOSING"), ST_OK;
  if (session->call_count >= core->limits->invokes) {
    snprintf(text, sizeof text, "limits.invokes (%llu) exceeded; await earlier calls or raise limits.invokes",
             (unsigned long long)core->limits->invokes);
    return refuse(lane, session, packet, text, "ERR_LIMIT_INVOKES"), ST_OK;
  }
  call = call_open(&core->calls, session, frame->id, packet->call);
  if (!call) return refuse(lane, session, packet, "out of memory", "ERR_LIMIT_MEMORY"), ST_OK;
  message_fill(&message, frame, sync ? MESSAGE_SYNC : MESSAGE_INVOKE, packet);
  message.call = call_id(call);
  if (sync) {
    call->lane = lane;
    if (lane->sync) lane->sync->calls++;
    call->due = clock_now(core->clock) + core->limits->sync_reply * 1000000;
    core->sync_calls++;
  } else {
    message.deadline = packet->deadline;
  }
  return deliver(core, &message, fault);
}

/* One of a sync stands in for it on the main lane, and cancels nothing. */
static void receive_cancel(struct core *core, struct session *session, const struct packet *packet) {
  const struct call *call = call_find(session, packet->call);
  if (!call || call_is_sync(call)) return;
  core_abort_call(core, call_id(call), packet->reason == CANCEL_TIMEOUT ? ABORT_TIMEOUT : ABORT_CANCELLED);
}

static enum status receive_other(struct core *core, struct lane *lane, const struct packet *packet,
                                 struct fault *fault);

/* A sync states its number. On a lane of its own what lies before it may have gone over the main lane. */
static enum status check_number(struct lane *lane, const struct packet *packet, struct fault *fault) {
  if (lane->sync && packet->number > lane->received) lane->received = packet->number - 1;
  if (packet->number == lane->received + 1) return ST_OK;
  return fault_set(fault, ST_MALFORMED, 1002, "ERR_PROTOCOL", "sync: number %llu does not follow %llu",
                   (unsigned long long)packet->number, (unsigned long long)lane->received);
}

/* The main lane carries again what a sync lane has brought, and the other way round. */
static enum status drop(struct lane *lane, const struct packet *packet) {
  if (lane->sync && packet->kind == PACKET_SYNC)
    refuse(lane, lane->session, packet, "the call was received before", "ERR_CLOSED");
  return ST_OK;
}

enum status core_packet(struct core *core, struct lane *lane, const struct packet *packet,
                        struct fault *fault) {
  struct session *session = lane->session;
  if (packet_numbered(packet->kind)) {
    enum receipt receipt;
    if (packet->kind == PACKET_SYNC && check_number(lane, packet, fault) != ST_OK) return ST_MALFORMED;
    receipt = session_receive(session, lane);
    if (receipt == RECEIVED_AHEAD) return ST_MORE;
    if (receipt == RECEIVED_BEFORE) return drop(lane, packet);
  }
  switch (packet->kind) {
  case PACKET_SEND:
    return receive_send(core, session, packet, fault);
  case PACKET_INVOKE:
  case PACKET_SYNC:
    return receive_call(core, lane, packet, fault);
  case PACKET_CANCEL:
    receive_cancel(core, session, packet);
    return ST_OK;
  case PACKET_REPLY:
    return core_answer(core, session, packet, fault);
  case PACKET_PORT_MESSAGE:
    return ports_packet(core, session, packet, fault);
  default:
    return receive_other(core, lane, packet, fault);
  }
}

static enum status receive_ack(struct session *session, const struct packet *packet, struct fault *fault) {
  if (packet->received > session->sent)
    return fault_set(fault, ST_MALFORMED, 1002, "ERR_PROTOCOL", "ack: %llu was not sent; %llu was",
                     (unsigned long long)packet->received, (unsigned long long)session->sent);
  session_acknowledged(session, packet->received);
  return ST_OK;
}

/* That of the main frame is the client's end, on whatever lane it comes. */
static enum status receive_frame_close(struct core *core, struct lane *lane, const struct packet *packet,
                                       struct fault *fault) {
  enum status status = core_frame_close(core, lane->session, packet, fault);
  if (status == ST_CLOSED && lane->sync) core_close_session(core, lane->session, fault);
  return status;
}

static enum status receive_other(struct core *core, struct lane *lane, const struct packet *packet,
                                 struct fault *fault) {
  switch (packet->kind) {
  case PACKET_POST:
    return receive_post(core, lane->session, packet, fault);
  case PACKET_PORT_OPEN:
  case PACKET_PORT_CLOSE:
  case PACKET_PORT_CREDIT:
    return ports_packet(core, lane->session, packet, fault);
  case PACKET_FRAME_OPEN:
    return core_frame_open(core, lane->session, packet, fault);
  case PACKET_FRAME_UPDATE:
  case PACKET_FRAME_NAVIGATE:
    return core_frame_update(core, lane->session, packet, fault);
  case PACKET_PONG:
    core_ponged(core, lane->session);
    return ST_OK;
  case PACKET_FRAME_CLOSE:
    return receive_frame_close(core, lane, packet, fault);
  case PACKET_TICKET:
    return core_give_ticket(core, lane->session, packet, fault);
  case PACKET_ACK:
    return receive_ack(lane->session, packet, fault);
  case PACKET_PING:
    lane_write(lane, &(struct packet){.kind = PACKET_PONG, .token = packet->token}, slice_of(NULL, 0));
    return ST_OK;
  case PACKET_HELLO:
  case PACKET_WELCOME:
  case PACKET_FRAME_OPENED:
    return fault_set(fault, ST_MALFORMED, 1002, "ERR_PROTOCOL", "%s: not expected from a client now",
                     packet_name(packet->kind));
  case PACKET_BYE:
    return fault_set(fault, ST_CLOSED, (int)packet->code, NULL, "%.*s", (int)packet->text.len,
                     (const char *)packet->text.data);
  default: /* kinds of later versions */
    return ST_OK;
  }
}
