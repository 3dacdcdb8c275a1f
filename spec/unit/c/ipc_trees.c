/* Trees of frames over several sessions, in the core: tickets and their time, and ends that set off other
 * ends. */
#include <stdlib.h>

#include "base/clock.h"
#include "check.h"
#include "core_kit.h"
#include "wire/cbor.h"

#define CLIENTS 6
#define SECOND UINT64_C(1000000000)

struct client {
  struct lane lane;
  struct buf out;
  int closed; /* the code */
};

/* What hears of an end closes `victim` while it hears. */
static struct {
  struct core core;
  struct clock clock;
  struct limits limits;
  struct client clients[CLIENTS];
  uint64_t victim;
  size_t created, frames_gone, contents_gone, aborted;
} host;

static struct buf *begin(void *user) {
  struct client *client = user;
  client->out.len = 0;
  return &client->out;
}
static size_t queued(void *user) {
  return ((struct client *)user)->out.len;
}
static void close_lane(void *user, const struct fault *fault) {
  ((struct client *)user)->closed = fault->close;
}
static const struct lane_ops ops = {begin, NULL, ignore, ignore, queued, ignore, close_lane, NULL};

static void close_victim(void) {
  if (host.victim) core_close_contents(&host.core, host.victim);
}
static void on_frame(void *user, uint64_t contents, uint64_t frame) {
  (void)user;
  CHECK(core_frame(&host.core, frame)->contents->id == contents);
  host.created++;
}
static void on_frame_destroyed(void *user, uint64_t frame) {
  (void)user;
  CHECK(!core_frame(&host.core, frame));
  host.frames_gone++;
  close_victim();
}
static void on_contents_destroyed(void *user, uint64_t contents, const struct gone *gone) {
  (void)user;
  (void)gone;
  CHECK(!core_contents(&host.core, contents));
  host.contents_gone++;
  close_victim();
}
static void on_unanswered(void *user, uint64_t ask, enum ask_result why) {
  (void)user;
  (void)ask;
  (void)why;
  close_victim();
}
static enum status on_message(void *user, const struct message *message, struct fault *fault) {
  (void)user;
  (void)message;
  (void)fault;
  return ST_OK;
}
static void on_aborted(void *user, uint64_t call, enum abort_reason reason) {
  (void)user;
  CHECK(!core_call_pending(&host.core, call));
  CHECK_INT(reason, ABORT_DESTROYED);
  host.aborted++;
  close_victim();
}
static const struct border border = {.message = on_message,
                                     .aborted = on_aborted,
                                     .contents_created = ignore_contents,
                                     .frame_created = on_frame,
                                     .frame_destroyed = on_frame_destroyed,
                                     .contents_destroyed = on_contents_destroyed,
                                     .unanswered = on_unanswered};

static void open_host(void) {
  memset(&host, 0, sizeof host);
  host.clock = clock_fake(SECOND);
  host.limits = limits_default();
  CHECK_INT(core_init(&host.core, &host.limits, &host.clock, NULL), ST_OK);
  host.core.border = &border;
  for (size_t i = 0; i < CLIENTS; i++)
    host.clients[i].lane = (struct lane){.ops = &ops, .user = &host.clients[i]};
}

static void close_host(void) {
  for (size_t i = 0; i < CLIENTS; i++) core_lane_closed(&host.core, &host.clients[i].lane, LANE_CLEAN);
  CHECK_INT(host.core.frames.frames.count, 0);
  CHECK_INT(host.core.frames.contents.count, 0);
  core_deinit(&host.core);
  for (size_t i = 0; i < CLIENTS; i++) buf_deinit(&host.clients[i].out);
}

static struct frame *main_frame(size_t i) {
  return host.clients[i].lane.session->main_frame;
}

/* {"ticket": h'...'}, or an empty map. */
static enum status hello(size_t i, const uint8_t *ticket, const char *origin, struct fault *fault) {
  uint8_t details[9 + VOUCHER_LEN] = {0xa1, 0x66, 't', 'i', 'c', 'k', 'e', 't', 0x40 + VOUCHER_LEN};
  uint8_t id[SESSION_KEY_LEN] = {(uint8_t)(i + 1)};
  struct packet packet = {.kind = PACKET_HELLO,
                          .version = 1,
                          .id = slice_of(id, sizeof id),
                          .secret = slice_of(id, sizeof id),
                          .payload = slice_of(details, sizeof details)};
  if (ticket)
    memcpy(details + 9, ticket, VOUCHER_LEN);
  else
    packet.payload = slice_of("\xa0", 1);
  return core_hello(&host.core, &host.clients[i].lane, &packet,
                    &(struct core_peer){.origin = origin, .page = true}, fault);
}

/* For a document in a frame of the client's frame `number`. */
static void ticket_of(size_t i, uint64_t number, uint8_t ticket[VOUCHER_LEN]) {
  struct packet packet = {
      .kind = PACKET_TICKET, .request = 5, .frame = number, .text = slice_str("http://o")};
  struct packet answer = {0};
  struct slice out;
  struct fault fault;
  CHECK_INT(core_packet(&host.core, &host.clients[i].lane, &packet, &fault), ST_OK);
  out = buf_slice(&host.clients[i].out);
  CHECK_INT(packet_parse(&out, &answer, &fault), ST_OK);
  CHECK(answer.kind == PACKET_TICKET && answer.request == 5 && answer.id.len == VOUCHER_LEN);
  memcpy(ticket, answer.id.data, VOUCHER_LEN);
}

/* 0 is the page, 1 and 2 are below it, 3 and 4 below 1, 5 below 3; 0, 1 and 3 are asked something. */
static void open_tree(void) {
  static const size_t parents[CLIENTS] = {0, 0, 0, 1, 1, 3};
  struct fault fault;
  uint64_t ask;
  CHECK_INT(hello(0, NULL, "http://o", &fault), ST_OK);
  for (size_t i = 1; i < CLIENTS; i++) {
    uint8_t ticket[VOUCHER_LEN];
    ticket_of(parents[i], 0, ticket);
    CHECK_INT(hello(i, ticket, "http://o", &fault), ST_OK);
    CHECK(main_frame(i)->parent == main_frame(parents[i]));
  }
  for (size_t i = 0; i < 4; i++)
    if (i != 2)
      CHECK_INT(core_ask(&host.core, main_frame(i)->id, slice_str("q"), slice_of("\x80", 1), 0, &ask),
                ASK_OK);
  CHECK_INT(host.created, CLIENTS);
  CHECK_INT(host.core.frames.contents.count, 1);
}

static bool is_open(size_t i) {
  return host.clients[i].lane.session != NULL;
}

TEST(a_ticket_is_good_for_five_seconds) {
  struct fault fault;
  uint8_t early[VOUCHER_LEN], late[VOUCHER_LEN];
  open_host();
  CHECK_INT(hello(0, NULL, "http://o", &fault), ST_OK);
  ticket_of(0, 0, early);
  ticket_of(0, 0, late);
  host.clock.fake += 5 * SECOND - 1;
  CHECK_INT(hello(1, early, "http://o", &fault), ST_OK);
  host.clock.fake += 1;
  CHECK_INT(hello(2, late, "http://o", &fault), ST_DENIED);
  CHECK_INT(fault.close, 1008);
  CHECK_STR(fault.text, "hello: the ticket was used, has expired, or was never given");
  ticket_of(0, 0, late);
  host.clock.fake += 6 * SECOND;
  core_sweep(&host.core);
  CHECK_INT(host.core.tickets.by_secret.count, 0);
  CHECK_INT(host.core.sessions.by_process.count, 2);
  close_host();
}

TEST(an_end_takes_what_is_below) {
  open_host();
  open_tree();
  core_lane_closed(&host.core, &host.clients[1].lane, LANE_LOST);
  for (size_t i = 0; i < CLIENTS; i++) CHECK_INT(is_open(i), i == 0 || i == 2);
  for (size_t i = 3; i < CLIENTS; i++) CHECK_INT(host.clients[i].closed, 4007);
  CHECK_INT(host.frames_gone, 4);
  CHECK_INT(host.contents_gone, 0);
  CHECK_INT(host.core.frames.frames.count, 2);
  CHECK(list_empty(&main_frame(2)->children));
  core_close_contents(&host.core, 1);
  CHECK_INT(host.clients[0].closed, 1000);
  CHECK_INT(host.clients[2].closed, 4007);
  CHECK_INT(host.contents_gone, 1);
  close_host();
}

/* Each document may be the first to end, and whoever hears of that ends all. */
TEST(an_end_that_ends_all_leaves_nothing) {
  for (size_t first = 0; first < CLIENTS; first++) {
    open_host();
    open_tree();
    host.victim = 1;
    core_lane_closed(&host.core, &host.clients[first].lane, LANE_LOST);
    for (size_t i = 0; i < CLIENTS; i++) CHECK(!is_open(i));
    CHECK_INT(host.frames_gone, CLIENTS);
    CHECK_INT(host.contents_gone, 1);
    close_host();
  }
}

TEST(a_frame_of_a_session_takes_documents_below_it) {
  struct packet packet = {.kind = PACKET_FRAME_OPEN, .frame = 3, .payload = slice_of("\xa0", 1)};
  uint8_t ticket[VOUCHER_LEN];
  struct fault fault;
  for (int ends_all = 0; ends_all < 2; ends_all++) {
    open_host();
    CHECK_INT(hello(0, NULL, "http://o", &fault), ST_OK);
    packet.kind = PACKET_FRAME_OPEN;
    core_packet(&host.core, &host.clients[0].lane, &packet, &fault);
    ticket_of(0, 3, ticket);
    CHECK_INT(hello(1, ticket, "http://o", &fault), ST_OK);
    CHECK_INT(main_frame(1)->parent->number, 3);
    host.victim = (uint64_t)ends_all;
    packet.kind = PACKET_FRAME_CLOSE;
    CHECK_INT(core_packet(&host.core, &host.clients[0].lane, &packet, &fault), ST_OK);
    CHECK(!is_open(1));
    CHECK_INT(is_open(0), !ends_all);
    close_host();
  }
}

/* The main frame's call is not theirs. */
TEST(a_frame_takes_the_calls_from_it) {
  static const uint64_t kinds[] = {PACKET_INVOKE, PACKET_INVOKE, PACKET_SYNC, PACKET_INVOKE};
  static const uint64_t frames[] = {0, 1, 2, 2};
  struct fault fault;
  for (int ends_all = 0; ends_all < 2; ends_all++) {
    struct lane *lane = &host.clients[0].lane;
    struct packet packet = {.kind = PACKET_FRAME_OPEN, .payload = slice_of("\xa0", 1)}, answer = {0};
    struct slice out;
    open_host();
    CHECK_INT(hello(0, NULL, "http://o", &fault), ST_OK);
    for (packet.frame = 1; packet.frame < 3; packet.frame++, packet.parent++)
      CHECK_INT(core_packet(&host.core, lane, &packet, &fault), ST_OK);
    for (size_t i = 0; i < 4; i++) {
      struct packet call = {.kind = kinds[i],
                            .frame = frames[i],
                            .call = i + 1,
                            .channel = slice_str("c"),
                            .payload = slice_of("\x80", 1)};
      call.number = lane->received + 1;
      CHECK_INT(core_packet(&host.core, lane, &call, &fault), ST_OK);
    }
    host.victim = (uint64_t)ends_all;
    packet = (struct packet){.kind = PACKET_FRAME_CLOSE, .frame = 1};
    CHECK_INT(core_packet(&host.core, lane, &packet, &fault), ST_OK);
    CHECK_INT(host.aborted, ends_all ? 4 : 3);
    CHECK_INT(is_open(0), !ends_all);
    if (!ends_all) {
      CHECK_INT(lane->session->call_count, 1);
      CHECK_INT(host.core.sync_calls, 0);
      out = buf_slice(&host.clients[0].out); /* the last packet */
      CHECK_INT(packet_parse(&out, &answer, &fault), ST_OK);
      CHECK(answer.kind == PACKET_REPLY && answer.call == 2 && answer.status == REPLY_ERROR);
    }
    close_host();
  }
}

int main(void) {
  RUN(a_ticket_is_good_for_five_seconds);
  RUN(an_end_takes_what_is_below);
  RUN(an_end_that_ends_all_leaves_nothing);
  RUN(a_frame_of_a_session_takes_documents_below_it);
  RUN(a_frame_takes_the_calls_from_it);
  return check_end();
}
