/* The transport in memory: the same contract, with two calls for the far side. */
#include "transport_kit.h"

static struct transport *open_memory(struct kit *kit, struct seen **seen) {
  struct transport *transport = memory_open(&kit->env);
  *seen = kit_take(kit, transport);
  return transport;
}

static void feed(struct transport *transport, const char *text) {
  struct buf block = {0};
  far_block(&block, text, strlen(text));
  memory_feed(transport, buf_slice(&block));
  buf_deinit(&block);
}

TEST(what_is_fed_is_seen_and_what_is_written_is_taken) {
  struct kit *kit = kit_open();
  struct seen *seen;
  struct buf out = {0};
  struct transport *transport = open_memory(kit, &seen);
  CHECK_STR(transport_kind_name(seen->peer.kind), "memory");
  CHECK(seen->peer.local && seen->peer.uid_known && seen->peer.uid == geteuid());
  seen->echo = true;
  feed(transport, "one");
  feed(transport, "two");
  CHECK(seen_is(seen, "one|two|"));
  CHECK_INT(seen->batches, 2);
  CHECK_INT(memory_take(transport, &out), ST_OK);
  CHECK(far_is(&out, "onetwo", 1));
  CHECK_INT(transport->queued, 0);
  memory_end(transport);
  CHECK_INT(seen->fault.close, 1000);
  buf_deinit(&out);
  kit_finish(kit);
}

TEST(the_mark_follows_what_the_far_side_takes) {
  struct kit *kit = kit_open();
  struct seen *seen;
  struct buf out = {0};
  struct transport *transport = open_memory(kit, &seen);
  kit->limits.outbound = 5;
  kit_write(transport, "sixsix", 6);
  uv_run(&kit->loop, UV_RUN_NOWAIT);
  CHECK(transport->over_mark && !seen->drained);
  CHECK_INT(memory_take(transport, &out), ST_OK);
  CHECK_INT(seen->drained, 1);
  memory_end(transport);
  buf_deinit(&out);
  kit_finish(kit);
}

TEST(a_close_comes_a_turn_later_and_leaves_the_last_words) {
  struct kit *kit = kit_open();
  struct seen *seen;
  struct buf out = {0};
  struct transport *transport = open_memory(kit, &seen);
  seen->echo = seen->close = true;
  feed(transport, "one");
  CHECK(!seen->closed && !memory_closed(transport));
  feed(transport, "two");
  CHECK_INT(seen->blocks, 1);
  uv_run(&kit->loop, UV_RUN_DEFAULT);
  CHECK(seen->closed && memory_closed(transport));
  CHECK_INT(seen->fault.close, 1008);
  CHECK_INT(memory_take(transport, &out), ST_OK);
  CHECK_INT(memory_take(transport, &out), ST_OK);
  CHECK(far_is(&out, "one", 1));
  memory_end(transport);
  buf_deinit(&out);
  kit_finish(kit);
}

TEST(the_far_side_may_end_a_transport_that_is_closing) {
  struct kit *kit = kit_open();
  struct seen *seen;
  struct transport *transport = open_memory(kit, &seen);
  kit_close(transport, 1001, 0);
  memory_end(transport);
  CHECK_INT(seen->closed, 1);
  CHECK_INT(seen->fault.close, 1001);
  kit_finish(kit);
}

TEST(bytes_that_break_the_framing_end_it) {
  struct kit *kit = kit_open();
  struct seen *seen, *cut;
  struct buf out = {0};
  struct transport *transport = open_memory(kit, &seen), *other = open_memory(kit, &cut);
  memory_feed(transport, slice_of("\1\0\0\200a", 5));
  CHECK_INT(memory_take(transport, &out), ST_OK);
  CHECK(far_is(&out, "bye", 1));
  memory_end(transport);
  CHECK_INT(seen->fault.close, 1002);
  memory_feed(other, slice_of("\3\0\0\0ab", 6));
  memory_end(other);
  CHECK_INT(cut->fault.close, 1006);
  buf_deinit(&out);
  kit_finish(kit);
}

TEST(too_much_that_nobody_takes_closes_it) {
  struct kit *kit = kit_open();
  struct seen *seen;
  struct transport *transport = open_memory(kit, &seen);
  kit->limits.outbound_max = 10;
  kit_write(transport, "elevenbytes", 11);
  CHECK(transport->closing && !seen->closed);
  uv_run(&kit->loop, UV_RUN_DEFAULT);
  CHECK_INT(seen->fault.close, 4003);
  memory_end(transport);
  kit_finish(kit);
}

int main(void) {
  RUN(what_is_fed_is_seen_and_what_is_written_is_taken);
  RUN(the_mark_follows_what_the_far_side_takes);
  RUN(a_close_comes_a_turn_later_and_leaves_the_last_words);
  RUN(the_far_side_may_end_a_transport_that_is_closing);
  RUN(bytes_that_break_the_framing_end_it);
  RUN(too_much_that_nobody_takes_closes_it);
  return check_end();
}
