/* Ports that scripts post to frames of sessions that are over, in the core. */
#include "base/clock.h"
#include "check.h"
#include "core_kit.h"

#define SECOND UINT64_C(1000000000)

/* What hears that a frame was destroyed posts a port to the main frame. */
static struct {
  struct core core;
  struct clock clock;
  struct limits limits;
  struct lane lane;
  struct buf out;
  uint64_t main_frame, kept[4];
  size_t kept_count;
  enum port_result result;
} host;

static struct buf *begin(void *user) {
  (void)user;
  return &host.out;
}
static size_t queued(void *user) {
  (void)user;
  return host.out.len;
}
static const struct lane_ops ops = {begin, NULL, ignore, ignore, queued, ignore, ignore_close, NULL};

/* Keeps one end of a pair, and posts the other. */
static enum port_result post_port(void) {
  uint64_t posted;
  CHECK_INT(ports_pair(&host.core, &host.kept[host.kept_count++], &posted), ST_OK);
  return ports_post_to_frame(&host.core, host.main_frame, slice_str("port"), slice_of("\x80", 1), &posted, 1);
}

static void on_destroyed(void *user, uint64_t frame) {
  (void)user;
  if (frame != host.main_frame) host.result = post_port();
}
static const struct border border = {.contents_created = ignore_contents,
                                     .frame_created = ignore_frame,
                                     .frame_destroyed = on_destroyed,
                                     .contents_destroyed = ignore_contents_destroyed,
                                     .ports_ready = ignore};

/* A page with a frame in it. */
static void open_host(void) {
  static const uint8_t details[] = {0xa1, 0x64, 't', 'y', 'p', 'e', 0x64, 'p', 'a', 'g', 'e'};
  static const uint8_t id[SESSION_KEY_LEN] = {1};
  struct packet hello = {.kind = PACKET_HELLO,
                         .version = 1,
                         .id = slice_of(id, sizeof id),
                         .secret = slice_of(id, sizeof id),
                         .payload = slice_of(details, sizeof details)};
  struct packet open = {.kind = PACKET_FRAME_OPEN, .frame = 1, .payload = slice_of("\xa0", 1)};
  struct core_peer peer = {.origin = "http://o", .page = true};
  struct fault fault;
  memset(&host, 0, sizeof host);
  host.clock = clock_fake(SECOND);
  host.limits = limits_default();
  CHECK_INT(core_init(&host.core, &host.limits, &host.clock, NULL), ST_OK);
  host.core.border = &border;
  host.lane = (struct lane){.ops = &ops, .user = &host};
  CHECK_INT(core_hello(&host.core, &host.lane, &hello, &peer, &fault), ST_OK);
  CHECK_INT(core_packet(&host.core, &host.lane, &open, &fault), ST_OK);
  host.main_frame = host.lane.session->main_frame->id;
}

/* The end that was posted is closed already; what closes the other finds no session. */
static void close_host(void) {
  CHECK_INT(host.core.ports.ends.count, host.kept_count);
  ports_drop(&host.core, host.kept, host.kept_count);
  CHECK_INT(host.core.ports.ends.count, 0);
  core_deinit(&host.core);
  buf_deinit(&host.out);
}

TEST(a_post_to_a_page_in_grace_closes_its_ports) {
  open_host();
  core_lane_closed(&host.core, &host.lane, LANE_CLEAN);
  CHECK_INT(host.result, PORT_DETACHED); /* as its frame was destroyed */
  CHECK_INT(post_port(), PORT_DETACHED);
  host.clock.fake += 2 * SECOND;
  core_wake(&host.core);
  CHECK_INT(host.core.frames.frames.count, 0);
  CHECK_INT(post_port(), PORT_CLOSED);
  close_host();
}

TEST(a_post_to_a_session_that_is_ending_closes_its_ports) {
  open_host();
  core_lane_closed(&host.core, &host.lane, LANE_LOST);
  CHECK_INT(host.core.sessions.by_process.count, 0);
  CHECK_INT(host.result, PORT_CLOSED);
  close_host();
}

int main(void) {
  RUN(a_post_to_a_page_in_grace_closes_its_ports);
  RUN(a_post_to_a_session_that_is_ending_closes_its_ports);
  return check_end();
}
