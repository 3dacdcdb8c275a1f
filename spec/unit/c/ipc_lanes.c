/* How long the core waits for the main lane of a session: two lanes that throw away what they are given, no
 * socket and no Lua. */
#include "base/clock.h"
#include "check.h"
#include "core_kit.h"

#define MS UINT64_C(1000000)

static struct {
  struct core core;
  struct clock clock;
  struct limits limits;
  struct lane main, sync;
  struct buf out;
  uint64_t call;
} host;

static struct buf *begin(void *user) {
  (void)user;
  host.out.len = 0;
  return &host.out;
}
static void share(void *user, struct payload *payload) {
  (void)user;
  (void)payload;
}
static size_t queued(void *user) {
  (void)user;
  return 0;
}
static const struct lane_ops ops = {begin, share, ignore, ignore, queued, ignore, ignore_close, NULL};

static enum status on_message(void *user, const struct message *message, struct fault *fault) {
  (void)user;
  (void)fault;
  host.call = message->call;
  return ST_OK;
}
static void on_aborted(void *user, uint64_t call, enum abort_reason reason) {
  (void)user;
  (void)reason;
  CHECK_INT(call, host.call);
}
static const struct border border = {.message = on_message,
                                     .aborted = on_aborted,
                                     .contents_created = ignore_contents,
                                     .frame_created = ignore_frame,
                                     .frame_destroyed = ignore_frame_destroyed,
                                     .contents_destroyed = ignore_contents_destroyed};

static void hello(struct lane *lane, unsigned kind) {
  static const uint8_t key[SESSION_KEY_LEN] = {1};
  struct packet packet = {.kind = PACKET_HELLO,
                          .version = 1,
                          .features = FEATURE_RESUME,
                          .lane = kind,
                          .id = slice_of(key, sizeof key),
                          .secret = slice_of(key, sizeof key),
                          .payload = slice_of("\xa0", 1)};
  struct fault fault;
  CHECK_INT(core_hello(&host.core, lane, &packet, &(struct core_peer){.resumable = true}, &fault), ST_OK);
}

static enum status ask(uint64_t number) {
  struct packet packet = {.kind = PACKET_SYNC,
                          .call = 1,
                          .number = number,
                          .channel = slice_str("s"),
                          .payload = slice_of("\x80", 1)};
  struct fault fault;
  return core_packet(&host.core, &host.sync, &packet, &fault);
}

static void open_host(void) {
  memset(&host, 0, sizeof host);
  host.clock = clock_fake(1000 * MS);
  host.limits = limits_default();
  host.limits.resume = 100;
  host.limits.handshake = 200;
  CHECK_INT(core_init(&host.core, &host.limits, &host.clock, NULL), ST_OK);
  host.core.border = &border;
  host.main = host.sync = (struct lane){.ops = &ops};
}

/* The client has lost its main lane, and waits for longer than it may take to come again. */
static void wait_without_main(enum status expected, uint64_t number) {
  open_host();
  hello(&host.main, LANE_MAIN);
  hello(&host.sync, LANE_SYNC);
  CHECK_INT(ask(number), expected);
  if (expected == ST_MORE) CHECK_INT(buf_put(core_held(&host.core, &host.sync), "x", 1), ST_OK);
  core_lane_closed(&host.core, &host.main, LANE_LOST);
  host.clock.fake += 1000 * MS;
  core_sweep(&host.core);
}

static bool lives(void) {
  return host.core.sessions.by_process.count > 0;
}

/* It ends `ms` after now, and not before. */
static void check_ends_in(uint64_t ms) {
  core_sweep(&host.core);
  CHECK(lives());
  host.clock.fake += (ms - 1) * MS;
  core_sweep(&host.core);
  CHECK(lives());
  host.clock.fake += 1 * MS;
  core_sweep(&host.core);
  CHECK(!lives());
  core_lane_closed(&host.core, &host.sync, LANE_CLEAN);
  core_deinit(&host.core);
  buf_deinit(&host.out);
}

TEST(an_answer_leaves_time_to_come_again) {
  wait_without_main(ST_OK, 1);
  core_reply(&host.core, host.call, REPLY_OK, slice_of("\xa0", 1));
  check_ends_in(100);
}

TEST(a_call_that_is_aborted_leaves_time_to_come_again) {
  wait_without_main(ST_OK, 1);
  core_lane_closed(&host.core, &host.sync, LANE_LOST);
  check_ends_in(100);
}

TEST(a_call_that_was_never_due_leaves_time_to_come_again) {
  wait_without_main(ST_MORE, 9);
  core_lane_closed(&host.core, &host.sync, LANE_FAILED);
  check_ends_in(100);
}

TEST(a_lane_that_nobody_waits_on_leaves_none) {
  open_host();
  hello(&host.main, LANE_MAIN);
  hello(&host.sync, LANE_SYNC);
  core_lane_closed(&host.core, &host.main, LANE_LOST);
  host.clock.fake += 50 * MS;
  core_lane_closed(&host.core, &host.sync, LANE_LOST);
  check_ends_in(50);
}

TEST(the_first_answer_leaves_time_to_come_at_all) {
  open_host();
  hello(&host.sync, LANE_SYNC);
  CHECK_INT(ask(1), ST_OK);
  host.clock.fake += 1000 * MS;
  core_sweep(&host.core);
  core_reply(&host.core, host.call, REPLY_OK, slice_of("\xa0", 1));
  check_ends_in(200);
}

int main(void) {
  RUN(an_answer_leaves_time_to_come_again);
  RUN(a_call_that_is_aborted_leaves_time_to_come_again);
  RUN(a_call_that_was_never_due_leaves_time_to_come_again);
  RUN(a_lane_that_nobody_waits_on_leaves_none);
  RUN(the_first_answer_leaves_time_to_come_at_all);
  return check_end();
}
