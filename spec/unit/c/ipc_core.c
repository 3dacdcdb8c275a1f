/* The core with a lane that collects bytes and a border that notes what comes through: no socket, no Lua. */
#include <stdarg.h>
#include <stdlib.h>

#include "base/clock.h"
#include "check.h"
#include "ipc/core.h"
#include "wire/cbor.h"

struct client {
  struct core core;
  struct clock clock;
  struct limits limits;
  struct lane lane;
  struct buf out;
  bool closed, awaits_drain;
  char log[1024];
  uint64_t call;
  enum status answer; /* what the border says to a message */
};

static struct buf *begin(void *user) {
  return &((struct client *)user)->out;
}
static void share(void *user, struct payload *payload) {
  buf_put(begin(user), payload->data, payload->len);
}
static void end(void *user) {
  (void)user;
}
static size_t queued(void *user) {
  return ((struct client *)user)->out.len;
}
static void await_drain(void *user) {
  ((struct client *)user)->awaits_drain = true;
}
static void close_lane(void *user, const struct fault *fault) {
  struct client *client = user;
  client->closed = fault->close == 1000;
}
static const struct lane_ops ops = {begin, share, end, end, queued, await_drain, close_lane, NULL};

static void note(struct client *client, const char *format, ...) {
  size_t len = strlen(client->log);
  va_list args;
  va_start(args, format);
  vsnprintf(client->log + len, sizeof client->log - len, format, args);
  va_end(args);
}

static const uint8_t id[SESSION_KEY_LEN] = {1}, secret[SESSION_KEY_LEN] = {2}, other[SESSION_KEY_LEN] = {3};
static const uint8_t empty_map[] = {0xa0}, empty_list[] = {0x80};
#define MAP slice_of(empty_map, 1)
#define LIST slice_of(empty_list, 1)

static enum status on_message(void *user, const struct message *m, struct fault *fault) {
  struct client *client = user;
  note(client, "message %d %.*s frame %d;", (int)m->kind, (int)m->channel.len, (const char *)m->channel.data,
       (int)m->frame);
  client->call = m->call;
  if (client->answer != ST_OK) return fault_set(fault, client->answer, 1007, "ERR_PAYLOAD", "no value");
  return ST_OK;
}
static void on_aborted(void *user, uint64_t call, enum abort_reason reason) {
  note(user, "aborted %d;", (int)reason);
  CHECK(call == ((struct client *)user)->call);
}
static void on_contents(void *user, uint64_t contents) {
  note(user, "contents %d;", (int)contents);
}
static void on_frame(void *user, uint64_t contents, uint64_t frame) {
  note(user, "frame %d in %d;", (int)frame, (int)contents);
}
static void on_frame_destroyed(void *user, uint64_t frame) {
  note(user, "frame %d destroyed;", (int)frame);
}
static void on_navigated(void *user, uint64_t frame, bool in_page) {
  note(user, "frame %d navigated%s;", (int)frame, in_page ? " in page" : "");
}
static void on_contents_destroyed(void *user, uint64_t contents, const struct gone *gone) {
  note(user, "contents %d destroyed %s;", (int)contents, gone ? gone->reason : "cleanly");
}
static enum status on_answered(void *user, uint64_t ask, bool fine, struct slice payload,
                               struct fault *fault) {
  struct client *client = user;
  note(client, "ask %d %s;", (int)ask, fine ? "answered" : "refused");
  CHECK_INT(payload.len, 1);
  if (client->answer != ST_OK) return fault_set(fault, client->answer, 1007, "ERR_PAYLOAD", "no value");
  return ST_OK;
}
static void on_unanswered(void *user, uint64_t ask, enum ask_result why) {
  struct client *client = user;
  uint64_t again;
  note(client, "ask %d %s;", (int)ask, why == ASK_DESTROYED ? "destroyed" : "closed");
  /* What it sets off finds the frame gone. */
  CHECK(core_ask(&client->core, 1, slice_str("again"), LIST, 0, &again) != ASK_OK);
}
static void on_drained(void *user, uint64_t process) {
  note(user, "process %d drained;", (int)process);
}
static const struct border border = {.message = on_message,
                                     .aborted = on_aborted,
                                     .answered = on_answered,
                                     .unanswered = on_unanswered,
                                     .drained = on_drained,
                                     .contents_created = on_contents,
                                     .frame_created = on_frame,
                                     .navigated = on_navigated,
                                     .frame_destroyed = on_frame_destroyed,
                                     .contents_destroyed = on_contents_destroyed};

/* {"host": h'01'} */
static const uint8_t welcomed[] = {0xa1, 0x64, 'h', 'o', 's', 't', 0x41, 1};

static struct client *client_new(void) {
  struct client *client = calloc(1, sizeof *client);
  client->clock = clock_fake(1000);
  client->limits = limits_default();
  core_init(&client->core, &client->limits, &client->clock, NULL);
  client->core.border = &border;
  client->core.border_user = client;
  client->lane = (struct lane){.ops = &ops, .user = client};
  return client;
}

static void client_free(struct client *client) {
  client->core.border = NULL;
  core_deinit(&client->core);
  buf_deinit(&client->out);
  free(client);
}

static struct packet hello_packet(void) {
  return (struct packet){.kind = PACKET_HELLO,
                         .version = 1,
                         .id = slice_of(id, sizeof id),
                         .secret = slice_of(secret, sizeof secret),
                         .payload = MAP};
}

static enum status hello(struct client *client, const struct packet *packet, struct fault *fault) {
  return core_hello(&client->core, &client->lane, packet, &(struct core_peer){0}, fault);
}

static struct client *client_open(void) {
  struct client *client = client_new();
  struct packet packet = hello_packet();
  struct fault fault;
  CHECK_INT(hello(client, &packet, &fault), ST_OK);
  client->out.len = 0;
  client->log[0] = '\0';
  return client;
}

static enum status give(struct client *client, struct packet packet, struct fault *fault) {
  return core_packet(&client->core, &client->lane, &packet, fault);
}

/* The next packet that was written to the client. */
static bool take(struct client *client, struct packet *out) {
  struct slice in = buf_slice(&client->out);
  struct fault fault;
  size_t before = in.len;
  static uint8_t kept[4096];
  if (!in.len) return false;
  memcpy(kept, in.data, in.len < sizeof kept ? in.len : sizeof kept);
  in.data = kept;
  if (!CHECK_INT(packet_parse(&in, out, &fault), ST_OK)) return false;
  memmove(client->out.data, client->out.data + (before - in.len), in.len);
  client->out.len = in.len;
  return true;
}

static bool contains(struct slice bytes, const char *text) {
  size_t len = strlen(text);
  for (size_t i = 0; i + len <= bytes.len; i++)
    if (memcmp(bytes.data + i, text, len) == 0) return true;
  return false;
}

TEST(hello_opens_a_session) {
  struct client *client = client_new();
  struct packet packet = hello_packet(), welcome;
  struct fault fault;
  CHECK_INT(hello(client, &packet, &fault), ST_OK);
  CHECK_STR(client->log, "contents 1;frame 1 in 1;");
  CHECK(take(client, &welcome));
  CHECK_INT(welcome.kind, PACKET_WELCOME);
  CHECK(!welcome.resumed);
  CHECK(contains(welcome.payload, "routingId"));
  CHECK(core_contents(&client->core, 1) != NULL);
  core_lane_closed(&client->core, &client->lane, LANE_CLEAN);
  CHECK_STR(client->log, "contents 1;frame 1 in 1;frame 1 destroyed;contents 1 destroyed cleanly;");
  CHECK(core_contents(&client->core, 1) == NULL);
  client_free(client);
}

TEST(hello_is_refused) {
  struct client *client = client_open(), second = {0};
  struct packet packet = hello_packet();
  struct fault fault;
  second.lane = (struct lane){.ops = &ops, .user = &second};
  packet.version = 2;
  CHECK_INT(core_hello(&client->core, &second.lane, &packet, &(struct core_peer){0}, &fault), ST_UNSUPPORTED);
  CHECK_INT(fault.close, 4000);
  packet = hello_packet();
  packet.secret = slice_of(other, sizeof other);
  CHECK_INT(core_hello(&client->core, &second.lane, &packet, &(struct core_peer){0}, &fault), ST_DENIED);
  CHECK_INT(fault.close, 1008);
  packet = hello_packet();
  packet.lane = LANE_SYNC;
  packet.id = slice_of(other, sizeof other);
  packet.payload = slice_of(welcomed, sizeof welcomed);
  CHECK_INT(core_hello(&client->core, &second.lane, &packet, &(struct core_peer){0}, &fault), ST_NOT_FOUND);
  CHECK_INT(fault.close, 4007);
  packet = hello_packet();
  packet.id = slice_of(other, sizeof other);
  packet.payload = LIST;
  CHECK_INT(core_hello(&client->core, &second.lane, &packet, &(struct core_peer){0}, &fault), ST_MALFORMED);
  CHECK(second.lane.session == NULL);
  client_free(client);
}

TEST(messages_reach_the_border) {
  struct client *client = client_open();
  struct packet reply;
  struct fault fault;
  give(client, (struct packet){.kind = PACKET_SEND, .channel = slice_str("a"), .payload = LIST}, &fault);
  give(client,
       (struct packet){.kind = PACKET_SEND, .frame = 9, .channel = slice_str("gone"), .payload = LIST},
       &fault);
  give(client, (struct packet){.kind = PACKET_INVOKE, .call = 7, .channel = slice_str("b"), .payload = LIST},
       &fault);
  CHECK_STR(client->log, "message 0 a frame 1;message 2 b frame 1;");
  CHECK(core_call_pending(&client->core, client->call));
  core_reply(&client->core, client->call, REPLY_OK, MAP);
  CHECK(!core_call_pending(&client->core, client->call));
  core_reply(&client->core, client->call, REPLY_OK, MAP); /* once */
  CHECK(take(client, &reply));
  CHECK_INT(reply.kind, PACKET_REPLY);
  CHECK_INT(reply.call, 7);
  CHECK_INT(reply.status, REPLY_OK);
  CHECK(!take(client, &reply));
  client_free(client);
}

TEST(an_undecodable_payload_ends_the_connection) {
  struct client *client = client_open();
  struct fault fault;
  client->answer = ST_MALFORMED;
  CHECK_INT(give(client, (struct packet){.kind = PACKET_SEND, .channel = slice_str("a")}, &fault),
            ST_MALFORMED);
  CHECK_INT(fault.close, 1007);
  client_free(client);
}

TEST(calls_are_refused_with_codes) {
  struct client *client = client_open();
  struct packet reply;
  struct fault fault;
  give(client, (struct packet){.kind = PACKET_INVOKE, .frame = 5, .call = 1, .channel = slice_str("a")},
       &fault);
  CHECK(take(client, &reply) && contains(reply.payload, "ERR_DESTROYED"));
  client->limits.invokes = 1;
  give(client, (struct packet){.kind = PACKET_INVOKE, .call = 2, .channel = slice_str("a")}, &fault);
  give(client, (struct packet){.kind = PACKET_INVOKE, .call = 3, .channel = slice_str("a")}, &fault);
  CHECK(take(client, &reply) && reply.call == 3 && contains(reply.payload, "ERR_LIMIT_INVOKES"));
  client->core.closing = true;
  give(client, (struct packet){.kind = PACKET_INVOKE, .call = 4, .channel = slice_str("a")}, &fault);
  CHECK(take(client, &reply) && reply.call == 4 && contains(reply.payload, "ERR_CLOSING"));
  client->core.closing = false;
  client->core.border = NULL;
  client->limits.invokes = 10;
  give(client, (struct packet){.kind = PACKET_INVOKE, .call = 5, .channel = slice_str("a")}, &fault);
  CHECK(take(client, &reply) && reply.call == 5 && reply.status == REPLY_ERROR);
  client_free(client);
}

TEST(cancel_aborts) {
  struct client *client = client_open();
  struct fault fault;
  give(client, (struct packet){.kind = PACKET_INVOKE, .call = 7, .channel = slice_str("b"), .payload = LIST},
       &fault);
  give(client, (struct packet){.kind = PACKET_CANCEL, .call = 8, .reason = CANCEL_ABORTED}, &fault);
  CHECK(core_call_pending(&client->core, client->call));
  give(client, (struct packet){.kind = PACKET_CANCEL, .call = 7, .reason = CANCEL_TIMEOUT}, &fault);
  CHECK(!core_call_pending(&client->core, client->call));
  CHECK_STR(client->log, "message 2 b frame 1;aborted 1;");
  client_free(client);
}

/* With as many calls looked for one by one this takes minutes under a checker. */
#define MANY 50000

TEST(cancel_finds_its_call_among_many) {
  struct client *client = client_open();
  struct packet invoke = {.kind = PACKET_INVOKE, .channel = slice_str("b"), .payload = LIST};
  struct packet cancel = {.kind = PACKET_CANCEL};
  uint64_t *ids = calloc(MANY + 1, sizeof *ids);
  struct fault fault;
  size_t pending = 0;
  for (invoke.call = 1; invoke.call <= MANY; invoke.call++) {
    give(client, invoke, &fault);
    ids[invoke.call] = client->call;
    if (invoke.call % 3 == 0) core_reply(&client->core, client->call, REPLY_OK, MAP);
    cancel.call = 40; /* from its time on the index is kept up */
    if (invoke.call == 40) give(client, cancel, &fault);
  }
  for (cancel.call = 0; cancel.call <= MANY * 2; cancel.call++) {
    client->call = cancel.call <= MANY ? ids[cancel.call] : 0; /* what may be aborted */
    if (cancel.call % 2 == 0) give(client, cancel, &fault);
  }
  for (uint64_t i = 1; i <= MANY; i++) {
    CHECK(core_call_pending(&client->core, ids[i]) == (i % 3 != 0 && i % 2 != 0));
    pending += core_call_pending(&client->core, ids[i]);
  }
  CHECK_INT(client->lane.session->call_count, pending);
  free(ids);
  client->core.border = NULL;
  client_free(client);
}

TEST(a_number_given_twice_is_two_calls) {
  struct client *client = client_open();
  struct packet invoke = {.kind = PACKET_INVOKE, .channel = slice_str("b"), .payload = LIST};
  struct packet cancel = {.kind = PACKET_CANCEL, .call = 9};
  struct fault fault;
  uint64_t first;
  for (invoke.call = 100; invoke.call < 200; invoke.call++) give(client, invoke, &fault);
  invoke.call = 9;
  give(client, invoke, &fault);
  first = client->call;
  give(client, invoke, &fault);
  give(client, cancel, &fault); /* the latest */
  CHECK(core_call_pending(&client->core, first) && !core_call_pending(&client->core, client->call));
  core_reply(&client->core, first, REPLY_OK, MAP);
  give(client, cancel, &fault);
  CHECK_INT(client->lane.session->call_count, 100);
  client->core.border = NULL;
  client_free(client);
}

TEST(the_end_of_a_session_aborts_its_calls) {
  struct client *client = client_open();
  struct fault fault;
  give(client, (struct packet){.kind = PACKET_INVOKE, .call = 7, .channel = slice_str("b"), .payload = LIST},
       &fault);
  core_lane_closed(&client->core, &client->lane, LANE_LOST);
  CHECK_STR(client->log,
            "message 2 b frame 1;aborted 2;frame 1 destroyed;contents 1 destroyed abnormal-exit;");
  core_reply(&client->core, client->call, REPLY_OK, MAP);
  CHECK_INT(client->out.len, 0);
  client_free(client);
}

TEST(frames_form_a_tree) {
  struct client *client = client_open();
  struct packet opened;
  struct fault fault;
  give(client, (struct packet){.kind = PACKET_FRAME_OPEN, .frame = 1, .parent = 0, .payload = MAP}, &fault);
  give(client, (struct packet){.kind = PACKET_FRAME_OPEN, .frame = 5, .parent = 1, .payload = MAP}, &fault);
  CHECK(take(client, &opened) && opened.kind == PACKET_FRAME_OPENED && opened.frame == 1);
  CHECK(take(client, &opened) && opened.frame == 5);
  CHECK_INT(give(client, (struct packet){.kind = PACKET_FRAME_OPEN, .frame = 3, .parent = 0, .payload = MAP},
                 &fault),
            ST_MALFORMED);
  CHECK_INT(give(client, (struct packet){.kind = PACKET_FRAME_OPEN, .frame = 6, .parent = 9, .payload = MAP},
                 &fault),
            ST_OK);
  give(client, (struct packet){.kind = PACKET_FRAME_CLOSE, .frame = 1}, &fault);
  CHECK_STR(client->log, "frame 2 in 1;frame 3 in 1;frame 3 destroyed;frame 2 destroyed;");
  client->limits.frames = 2;
  give(client, (struct packet){.kind = PACKET_FRAME_OPEN, .frame = 7, .parent = 0, .payload = MAP}, &fault);
  CHECK_INT(give(client, (struct packet){.kind = PACKET_FRAME_OPEN, .frame = 8, .parent = 0, .payload = MAP},
                 &fault),
            ST_LIMIT);
  CHECK_INT(give(client, (struct packet){.kind = PACKET_FRAME_CLOSE, .frame = 0}, &fault), ST_CLOSED);
  client_free(client);
}

TEST(sync_is_answered_on_its_lane_without_a_number) {
  struct client *client = client_open();
  struct packet reply;
  struct fault fault;
  struct session *session = client->lane.session;
  give(client,
       (struct packet){
           .kind = PACKET_SYNC, .call = 1, .number = 1, .channel = slice_str("s"), .payload = LIST},
       &fault);
  CHECK_INT(client->core.sync_calls, 1);
  core_reply(&client->core, client->call, REPLY_OK, MAP);
  CHECK(take(client, &reply) && reply.kind == PACKET_REPLY);
  CHECK_INT(session->sent, 0);
  CHECK_INT(session->received, 1);
  CHECK_INT(client->core.sync_calls, 0);
  CHECK_INT(give(client,
                 (struct packet){.kind = PACKET_SYNC, .call = 2, .number = 5, .channel = slice_str("s")},
                 &fault),
            ST_MALFORMED);
  client_free(client);
}

TEST(an_unanswered_sync_expires) {
  struct client *client = client_open();
  struct packet reply;
  struct fault fault;
  give(client,
       (struct packet){
           .kind = PACKET_SYNC, .call = 1, .number = 1, .channel = slice_str("s"), .payload = LIST},
       &fault);
  client->clock.fake += UINT64_C(29000000000);
  core_sweep(&client->core);
  CHECK_INT(client->out.len, 0);
  client->clock.fake += UINT64_C(2000000000);
  core_sweep(&client->core);
  CHECK(take(client, &reply) && contains(reply.payload, "limits.sync_reply"));
  client_free(client);
}

TEST(sends_go_out) {
  struct client *client = client_open();
  struct packet packet;
  struct payload *payload = payload_new(LIST);
  CHECK_INT(core_send(&client->core, 1, PACKET_SEND, slice_str("c"), LIST, NULL), SEND_OK);
  CHECK(take(client, &packet) && packet.kind == PACKET_SEND && packet.payload.len == 1);
  CHECK_INT(core_send(&client->core, 77, PACKET_SEND, slice_str("c"), LIST, NULL), SEND_DESTROYED);
  CHECK_INT(core_broadcast(&client->core, 0, slice_str("c"), payload), 1);
  CHECK_INT(core_broadcast(&client->core, 1, slice_str("c"), payload), 0);
  CHECK(take(client, &packet) && packet.payload.len == 1);
  client->limits.outbound = 0;
  CHECK_INT(core_send(&client->core, 1, PACKET_SEND, slice_str("c"), LIST, NULL), SEND_MARK);
  CHECK_INT(payload->refs, 1);
  payload_unref(payload);
  core_close_contents(&client->core, 1);
  CHECK(client->closed);
  CHECK_INT(core_send(&client->core, 1, PACKET_SEND, slice_str("c"), LIST, NULL), SEND_DESTROYED);
  client_free(client);
}

TEST(a_queue_drains) {
  struct client *client = client_open();
  CHECK(core_drained(&client->core, 1) && !client->awaits_drain);
  client->limits.outbound = 10;
  core_send(&client->core, 1, PACKET_SEND, slice_str("c"), LIST, NULL);
  CHECK(client->out.len > 5);
  CHECK(!core_drained(&client->core, 1) && client->awaits_drain);
  CHECK(core_drained(&client->core, 77)); /* gone */
  core_lane_drained(&client->core, &client->lane);
  CHECK_STR(client->log, "process 1 drained;");
  client_free(client);
}

static uint64_t ask(struct client *client, uint64_t frame) {
  uint64_t made = 0;
  CHECK_INT(core_ask(&client->core, frame, slice_str("q"), LIST, 50, &made), ASK_OK);
  return made;
}

TEST(asks_go_out_and_answers_come_back) {
  struct client *client = client_open();
  struct packet packet;
  struct fault fault;
  uint64_t first = ask(client, 1), second = ask(client, 1);
  CHECK(take(client, &packet) && packet.kind == PACKET_INVOKE && packet.call == 1 && packet.deadline == 50);
  CHECK(take(client, &packet) && packet.call == 2);
  CHECK(first != second);
  give(client, (struct packet){.kind = PACKET_REPLY, .call = 2, .status = REPLY_ERROR, .payload = MAP},
       &fault);
  give(client, (struct packet){.kind = PACKET_REPLY, .call = 1, .payload = MAP}, &fault);
  give(client, (struct packet){.kind = PACKET_REPLY, .call = 1, .payload = MAP}, &fault); /* once */
  give(client, (struct packet){.kind = PACKET_REPLY, .call = 0, .payload = MAP}, &fault);
  CHECK_STR(client->log, "ask 2 refused;ask 1 answered;");
  CHECK_INT(client->core.asks.by_id.count, 0);
  CHECK_INT(client->lane.session->sent, 2);
  client_free(client);
}

TEST(an_answer_that_is_no_value_ends_the_connection) {
  struct client *client = client_open();
  struct fault fault;
  ask(client, 1);
  client->answer = ST_MALFORMED;
  CHECK_INT(give(client, (struct packet){.kind = PACKET_REPLY, .call = 1, .payload = MAP}, &fault),
            ST_MALFORMED);
  CHECK_INT(fault.close, 1007);
  client_free(client);
}

TEST(an_ask_is_given_up) {
  struct client *client = client_open();
  struct packet packet;
  struct fault fault;
  uint64_t made = ask(client, 1);
  take(client, &packet);
  core_cancel(&client->core, made, CANCEL_TIMEOUT);
  core_cancel(&client->core, made, CANCEL_TIMEOUT);
  CHECK(take(client, &packet) && packet.kind == PACKET_CANCEL && packet.call == 1 &&
        packet.reason == CANCEL_TIMEOUT);
  CHECK(!take(client, &packet));
  give(client, (struct packet){.kind = PACKET_REPLY, .call = 1, .payload = MAP}, &fault);
  CHECK_STR(client->log, "");
  CHECK_INT(client->core.asks.by_id.count, 0);
  client_free(client);
}

TEST(asks_end_with_their_frame_or_session) {
  struct client *client = client_open();
  struct fault fault;
  give(client, (struct packet){.kind = PACKET_FRAME_OPEN, .frame = 1, .parent = 0, .payload = MAP}, &fault);
  client->log[0] = '\0';
  ask(client, 2);
  ask(client, 1);
  ask(client, 2);
  client->limits.invokes = 1; /* the border's own attempt is refused, whatever else */
  give(client, (struct packet){.kind = PACKET_FRAME_CLOSE, .frame = 1}, &fault);
  CHECK_STR(client->log, "frame 2 destroyed;ask 1 destroyed;ask 3 destroyed;");
  client->log[0] = '\0';
  core_lane_closed(&client->core, &client->lane, LANE_CLEAN);
  CHECK_STR(client->log, "frame 1 destroyed;contents 1 destroyed cleanly;ask 2 closed;");
  CHECK_INT(client->core.asks.by_id.count, 0);
  client_free(client);
}

TEST(asks_end_when_the_peer_sends_no_more) {
  struct client *client = client_open();
  uint64_t made;
  ask(client, 1);
  core_lane_mute(&client->core, &client->lane);
  CHECK_STR(client->log, "ask 1 closed;");
  CHECK_INT(core_ask(&client->core, 1, slice_str("q"), LIST, 0, &made), ASK_CLOSED);
  CHECK_INT(core_ask(&client->core, 9, slice_str("q"), LIST, 0, &made), ASK_DESTROYED);
  client_free(client);
}

TEST(asks_are_limited) {
  struct client *client = client_open();
  uint64_t made;
  client->limits.invokes = 1;
  made = ask(client, 1);
  CHECK_INT(core_ask(&client->core, 1, slice_str("q"), LIST, 0, &made), ASK_LIMIT);
  core_cancel(&client->core, made, CANCEL_ABORTED);
  ask(client, 1);
  client_free(client);
}

TEST(call_ids_are_not_given_twice) {
  struct client *client = client_open();
  struct fault fault;
  uint64_t first;
  give(client, (struct packet){.kind = PACKET_INVOKE, .call = 1, .channel = slice_str("a"), .payload = LIST},
       &fault);
  first = client->call;
  core_reply(&client->core, first, REPLY_OK, MAP);
  give(client, (struct packet){.kind = PACKET_INVOKE, .call = 2, .channel = slice_str("a"), .payload = LIST},
       &fault);
  CHECK(client->call != first);
  CHECK(!core_call_pending(&client->core, first));
  CHECK(core_call_pending(&client->core, client->call));
  client_free(client);
}

TEST(kinds_out_of_place_are_refused_or_ignored) {
  struct client *client = client_open();
  struct packet pong;
  struct fault fault;
  CHECK_INT(give(client, (struct packet){.kind = PACKET_WELCOME}, &fault), ST_MALFORMED);
  CHECK_INT(give(client, hello_packet(), &fault), ST_MALFORMED);
  CHECK_INT(give(client, (struct packet){.kind = 4711}, &fault), ST_OK);
  CHECK_INT(give(client, (struct packet){.kind = PACKET_PING, .token = 3}, &fault), ST_OK);
  CHECK(take(client, &pong) && pong.kind == PACKET_PONG && pong.token == 3);
  CHECK_INT(give(client, (struct packet){.kind = PACKET_BYE, .code = 1000}, &fault), ST_CLOSED);
  client_free(client);
}

int main(void) {
  RUN(hello_opens_a_session);
  RUN(hello_is_refused);
  RUN(messages_reach_the_border);
  RUN(an_undecodable_payload_ends_the_connection);
  RUN(calls_are_refused_with_codes);
  RUN(cancel_aborts);
  RUN(cancel_finds_its_call_among_many);
  RUN(a_number_given_twice_is_two_calls);
  RUN(the_end_of_a_session_aborts_its_calls);
  RUN(frames_form_a_tree);
  RUN(sync_is_answered_on_its_lane_without_a_number);
  RUN(an_unanswered_sync_expires);
  RUN(sends_go_out);
  RUN(asks_go_out_and_answers_come_back);
  RUN(an_answer_that_is_no_value_ends_the_connection);
  RUN(an_ask_is_given_up);
  RUN(asks_end_with_their_frame_or_session);
  RUN(asks_end_when_the_peer_sends_no_more);
  RUN(asks_are_limited);
  RUN(a_queue_drains);
  RUN(call_ids_are_not_given_twice);
  RUN(kinds_out_of_place_are_refused_or_ignored);
  return check_end();
}
