/* Streams: framing, writing, and the ends of a link, over socket pairs. */
#include "transport_kit.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- reading ---- */

static void reads_of(size_t step) {
  struct kit *kit = kit_open();
  struct seen *seen;
  struct buf stream = {0};
  int far = kit_pair(kit, &seen);
  far_block(&stream, "hello", 5);
  far_block(&stream, "", 0);
  far_block(&stream, "a longer block than the reads", 29);
  for (size_t at = 0; at < stream.len; at += step) {
    size_t len = stream.len - at < step ? stream.len - at : step, before = seen->batches;
    CHECK_INT(send(far, stream.data + at, len, 0), (ssize_t)len);
    UNTIL(kit, seen->batches > before);
  }
  CHECK(seen_is(seen, "hello||a longer block than the reads|"));
  CHECK_INT(seen->blocks, 3);
  buf_deinit(&stream);
  close(far);
  UNTIL(kit, seen->closed);
  CHECK_INT(seen->fault.close, 1000);
  kit_finish(kit);
}

TEST(blocks_come_whole_from_reads_of_any_size) {
  for (size_t step = 1; step <= 9; step++) reads_of(step);
}

TEST(the_blocks_of_one_read_are_one_batch_and_one_answer) {
  struct kit *kit = kit_open();
  struct seen *seen;
  struct buf stream = {0}, in = {0};
  int far = kit_pair(kit, &seen);
  seen->echo = true;
  for (int i = 0; i < 3; i++) far_block(&stream, "abc", 3);
  CHECK_INT(send(far, stream.data, stream.len, 0), (ssize_t)stream.len);
  UNTIL(kit, seen->blocks == 3);
  CHECK_INT(seen->batches, 1);
  CHECK(seen->transport->out == NULL);
  CHECK_INT(seen->transport->queued, 0);
  far_read(far, &in);
  CHECK(far_is(&in, "abcabcabc", 1));
  buf_deinit(&stream);
  buf_deinit(&in);
  close(far);
  kit_finish(kit);
}

static void ends_with(const char *bytes, size_t len, bool shut, int code) {
  struct kit *kit = kit_open();
  struct seen *seen;
  int far = kit_pair(kit, &seen);
  CHECK_INT(send(far, bytes, len, 0), (ssize_t)len);
  if (shut) shutdown(far, SHUT_WR);
  UNTIL(kit, seen->closed);
  CHECK_INT(seen->fault.close, code);
  CHECK(seen->fault.text[0] != '\0');
  close(far);
  kit_finish(kit);
}

TEST(the_end_has_a_reason) {
  ends_with("", 0, true, 1000);
  ends_with("\1\0\0\0a", 5, true, 1000);
  ends_with("\1", 1, true, 1006);
  ends_with("\5\0\0\0abc", 7, true, 1006);
  ends_with("\1\0\0\200a", 5, false, 1002);
  ends_with("\1\0\0\5a", 5, false, 1009);
}

TEST(blocks_before_a_broken_one_are_answered) {
  struct kit *kit = kit_open();
  struct seen *seen;
  struct buf in = {0};
  int far = kit_pair(kit, &seen);
  kit->limits.packet = 1000;
  seen->echo = true;
  CHECK_INT(send(far, "\2\0\0\0ab\377\377\377\177zzzz", 14, 0), 14);
  UNTIL(kit, seen->closed);
  CHECK_INT(seen->fault.close, 1009);
  UNTIL(kit, far_read(far, &in));
  CHECK_INT(seen->ending, 1);
  CHECK(far_is(&in, "abbye", 1)); /* and so is the user's last word */
  buf_deinit(&in);
  close(far);
  kit_finish(kit);
}

TEST(a_user_that_closes_gets_no_further_block) {
  struct kit *kit = kit_open();
  struct seen *seen;
  struct buf in = {0};
  int far = kit_pair(kit, &seen);
  seen->close = seen->echo = true;
  far_send(far, "one");
  far_send(far, "two");
  UNTIL(kit, seen->closed);
  CHECK_INT(seen->blocks, 1);
  CHECK_INT(seen->batches, 0);
  CHECK_INT(seen->fault.close, 1008);
  CHECK(far_read(far, &in));
  CHECK(far_is(&in, "one", 1));
  buf_deinit(&in);
  close(far);
  kit_finish(kit);
}

/* The one is looked at first, whichever that is; what else it was sent is not lost in the close of the other.
 */
TEST(a_link_that_is_ready_may_be_closed_by_another) {
  struct kit *kit = kit_open();
  struct seen *one, *two;
  int far_one = kit_pair(kit, &one), far_two = kit_pair(kit, &two);
  one->closes = &two->transport;
  two->closes = &one->transport;
  for (int i = 0; i < 3; i++) {
    far_send(far_one, "block");
    far_send(far_two, "block");
  }
  UNTIL(kit, one->closed + two->closed == 1);
  CHECK(seen_is(one->closed ? two : one, "block|block|block|"));
  CHECK_INT((one->closed ? one : two)->blocks, 0);
  close(far_one);
  close(far_two);
  UNTIL(kit, one->closed && two->closed);
  kit_finish(kit);
}

TEST(paused_links_read_nothing) {
  struct kit *kit = kit_open();
  struct seen *seen;
  int far = kit_pair(kit, &seen);
  transport_pause(seen->transport, true);
  far_send(far, "one");
  for (int i = 0; i < 3; i++) uv_run(&kit->loop, UV_RUN_NOWAIT);
  CHECK_INT(seen->blocks, 0);
  seen->pause = true;
  transport_pause(seen->transport, false);
  UNTIL(kit, seen->blocks == 1);
  far_send(far, "two");
  for (int i = 0; i < 3; i++) uv_run(&kit->loop, UV_RUN_NOWAIT);
  CHECK_INT(seen->blocks, 1);
  close(far);
  for (int i = 0; i < 3; i++) uv_run(&kit->loop, UV_RUN_NOWAIT);
  CHECK_INT(seen->closed, 0);
  seen->pause = false;
  transport_pause(seen->transport, false);
  UNTIL(kit, seen->closed);
  CHECK(seen_is(seen, "one|two|"));
  kit_finish(kit);
}

/* ---- writing ---- */

TEST(what_is_written_outside_of_a_read_goes_once_a_turn) {
  struct kit *kit = kit_open();
  struct seen *seen;
  struct buf in = {0};
  int far = kit_pair(kit, &seen);
  kit_write(seen->transport, "ab", 2);
  kit_write(seen->transport, "cd", 2);
  CHECK(!far_read(far, &in) && in.len == 0);
  CHECK_INT(seen->transport->queued, 4);
  uv_run(&kit->loop, UV_RUN_NOWAIT);
  far_read(far, &in);
  CHECK(far_is(&in, "abcd", 1));
  CHECK_INT(seen->transport->queued, 0);
  CHECK(seen->transport->out == NULL);
  kit_write(seen->transport, "ef", 2);
  transport_flush(seen->transport);
  far_read(far, &in);
  CHECK(far_is(&in, "abcdef", 2));
  buf_deinit(&in);
  close(far);
  kit_finish(kit);
}

/* `count` packets of `len` bytes, each of one letter. */
static void write_many(struct transport *transport, size_t count, size_t len) {
  char *packet = malloc(len);
  for (size_t i = 0; i < count; i++) {
    memset(packet, 'a' + (int)(i % 26), len);
    kit_write(transport, packet, len);
  }
  free(packet);
}

static bool are_many(const struct buf *in, size_t count, size_t len) {
  size_t blocks;
  struct buf got = far_text(in, &blocks);
  bool same = got.len == count * len;
  for (size_t i = 0; same && i < got.len; i++) same = got.data[i] == 'a' + (int)(i / len % 26);
  buf_deinit(&got);
  return same;
}

TEST(a_slow_reader_gets_everything_in_order) {
  struct kit *kit = kit_open();
  struct seen *seen;
  struct buf in = {0};
  int far = kit_pair(kit, &seen);
  for (size_t turn = 0; turn < 26; turn++) {
    write_many(seen->transport, 26, 1000 + 131);
    uv_run(&kit->loop, UV_RUN_NOWAIT);
  }
  CHECK(seen->transport->queued > 200000);
  UNTIL(kit, (far_read(far, &in), seen->transport->queued == 0));
  far_read(far, &in);
  CHECK(are_many(&in, 26 * 26, 1131));
  CHECK(seen->transport->out == NULL);
  buf_deinit(&in);
  close(far);
  kit_finish(kit);
}

TEST(blocks_end_at_256_KiB) {
  struct kit *kit = kit_open();
  struct seen *seen;
  struct buf in = {0}, got;
  size_t blocks;
  int far = kit_pair(kit, &seen);
  write_many(seen->transport, 10, 100000);
  UNTIL(kit, (far_read(far, &in), in.len >= 1000000 && seen->transport->queued == 0));
  got = far_text(&in, &blocks);
  CHECK_INT(got.len, 1000000);
  CHECK_INT(blocks, 5);
  CHECK(are_many(&in, 10, 100000));
  buf_deinit(&got);
  buf_deinit(&in);
  close(far);
  kit_finish(kit);
}

TEST(no_block_grows_over_the_limit_by_gathering) {
  struct kit *kit = kit_open();
  struct seen *seen;
  struct buf in = {0};
  struct slice rest, block;
  struct block_reader reader;
  int far = kit_pair(kit, &seen);
  kit->limits.packet = 1000;
  write_many(seen->transport, 40, 300);
  write_many(seen->transport, 1, 1000);
  UNTIL(kit, (far_read(far, &in), in.len >= 13000));
  block_reader_init(&reader, 1000);
  rest = buf_slice(&in);
  while (block_next(&reader, &rest, &block, NULL) == ST_OK)
    CHECK(block.len == 900 || block.len == 300 || block.len == 1000);
  CHECK_INT(rest.len, 0);
  CHECK(!seen->closed);
  write_many(seen->transport, 1, 1001);
  UNTIL(kit, seen->closed);
  CHECK_INT(seen->fault.close, 1009);
  block_reader_deinit(&reader);
  buf_deinit(&in);
  close(far);
  kit_finish(kit);
}

static void write_shared(struct transport *transport, const char *head, struct payload *payload) {
  buf_put(transport_begin(transport), head, strlen(head));
  transport_share(transport, payload);
  transport_end(transport);
}

TEST(shared_payloads_are_referenced_and_given_back) {
  struct kit *kit = kit_open();
  struct seen *one, *two;
  struct buf in = {0};
  char *text = malloc(300000);
  struct payload *big, *small = payload_new(slice_str("small"));
  int far = kit_pair(kit, &one), gone = kit_pair(kit, &two);
  memset(text, 'x', 300000);
  big = payload_new(slice_of(text, 300000));
  write_shared(one->transport, "<", big);
  write_shared(two->transport, "<", big);
  write_shared(one->transport, ">", small);
  CHECK_INT(big->refs, 3);
  CHECK_INT(small->refs, 1);
  close(gone);
  UNTIL(kit, two->closed);
  CHECK_INT(big->refs, 2);
  UNTIL(kit, (far_read(far, &in), one->transport->queued == 0));
  far_read(far, &in);
  CHECK_INT(big->refs, 1);
  CHECK_INT(in.len, 300000 + 7 + 8);
  CHECK(memcmp(in.data + 4, "<xxx", 4) == 0 && memcmp(in.data + in.len - 6, ">small", 6) == 0);
  payload_unref(big);
  payload_unref(small);
  free(text);
  buf_deinit(&in);
  close(far);
  kit_finish(kit);
}

TEST(the_mark_is_told_when_it_is_passed_downwards) {
  struct kit *kit = kit_open();
  struct seen *seen;
  struct buf in = {0};
  int far = kit_pair(kit, &seen);
  kit->limits.outbound = 1000000;
  write_many(seen->transport, 30, 100000);
  uv_run(&kit->loop, UV_RUN_NOWAIT);
  CHECK(seen->transport->over_mark);
  UNTIL(kit, (far_read(far, &in), seen->drained));
  CHECK(seen->transport->queued <= 500000);
  CHECK(!seen->transport->over_mark);
  UNTIL(kit, (far_read(far, &in), seen->transport->queued == 0));
  CHECK_INT(seen->drained, 1);
  buf_deinit(&in);
  close(far);
  kit_finish(kit);
}

/* Also when the socket takes all at once: `drained` comes from a turn of its own. */
TEST(the_mark_is_told_to_one_who_never_waited) {
  struct kit *kit = kit_open();
  struct seen *seen;
  int far = kit_pair(kit, &seen);
  kit->limits.outbound = 100;
  kit_write(seen->transport, (char[200]){0}, 200);
  CHECK(seen->transport->over_mark);
  transport_flush(seen->transport);
  CHECK_INT(seen->transport->queued, 0);
  CHECK_INT(seen->drained, 0);
  UNTIL(kit, seen->drained);
  CHECK(!seen->transport->over_mark);
  for (int i = 0; i < 3; i++) uv_run(&kit->loop, UV_RUN_NOWAIT);
  CHECK_INT(seen->drained, 1);
  close(far);
  kit_finish(kit);
}

TEST(a_reader_that_is_too_slow_is_closed_with_4003) {
  struct kit *kit = kit_open();
  struct seen *seen;
  int far = kit_pair(kit, &seen);
  kit->limits.outbound_max = 2000000;
  write_many(seen->transport, 19, 100000);
  CHECK(!seen->transport->closing);
  write_many(seen->transport, 1, 100000);
  CHECK(seen->transport->closing);
  CHECK_INT(seen->closed, 0);
  write_many(seen->transport, 10, 10);
  CHECK_INT(seen->transport->queued, 0);
  UNTIL(kit, seen->closed);
  CHECK_INT(seen->fault.close, 4003);
  CHECK(strstr(seen->fault.text, "limits.outbound_max (2000000 bytes)") != NULL);
  close(far);
  kit_finish(kit);
}

TEST(a_packet_without_bytes_was_lost_and_closes) {
  struct kit *kit = kit_open();
  struct seen *seen;
  int far = kit_pair(kit, &seen);
  kit_write(seen->transport, "", 0);
  UNTIL(kit, seen->closed);
  CHECK_INT(seen->fault.close, 4005);
  close(far);
  kit_finish(kit);
}

/* ---- the ends ---- */

TEST(after_a_half_close_what_came_is_answered) {
  struct kit *kit = kit_open();
  struct seen *seen;
  struct buf in = {0};
  char *text = malloc(150000);
  int far = kit_pair(kit, &seen);
  memset(text, 'y', 150000);
  seen->echo = true;
  write_many(seen->transport, 5, 150000); /* so that the answer must wait */
  far_send(far, "question");
  shutdown(far, SHUT_WR);
  UNTIL(kit, (far_read(far, &in), seen->closed));
  CHECK(far_read(far, &in));
  CHECK_INT(seen->fault.close, 1000);
  CHECK(in.len > 750000 && memcmp(in.data + in.len - 8, "question", 8) == 0);
  free(text);
  buf_deinit(&in);
  close(far);
  kit_finish(kit);
}

TEST(after_a_half_close_the_user_may_take_its_time) {
  struct kit *kit = kit_open();
  struct seen *seen;
  struct buf in = {0};
  int far = kit_pair(kit, &seen);
  seen->answers = 2;
  far_send(far, "question");
  shutdown(far, SHUT_WR);
  UNTIL(kit, seen->ending == 1);
  for (int i = 0; i < 5; i++) uv_run(&kit->loop, UV_RUN_NOWAIT);
  CHECK(!seen->closed && seen->ending == 1);
  for (size_t left = seen->answers; left-- > 0;) {
    kit_write(seen->transport, "answer", 6);
    seen->answers = left;
    UNTIL(kit, seen->ending == 3 - left);
  }
  UNTIL(kit, seen->closed);
  CHECK(far_read(far, &in));
  CHECK(far_is(&in, "answeranswer", 2));
  CHECK_INT(seen->fault.close, 1000);
  buf_deinit(&in);
  close(far);
  kit_finish(kit);
}

TEST(nobody_answers_a_peer_that_has_left_after_a_half_close) {
  struct kit *kit = kit_open();
  struct seen *at_once, *later;
  int one = kit_pair(kit, &at_once), two = kit_pair(kit, &later);
  at_once->answers = later->answers = 1;
  close(one);
  UNTIL(kit, at_once->closed);
  CHECK_INT(at_once->ending, 0);
  shutdown(two, SHUT_WR);
  UNTIL(kit, later->ending == 1);
  close(two);
  UNTIL(kit, later->closed); /* though nothing is written to it */
  CHECK_INT(at_once->fault.close, 1000);
  CHECK_INT(later->fault.close, 1000);
  kit_finish(kit);
}

TEST(an_answer_to_a_peer_that_has_left_ends_the_link) {
  struct kit *kit = kit_open();
  struct seen *seen;
  int far = kit_pair(kit, &seen);
  seen->answers = 1;
  shutdown(far, SHUT_WR);
  UNTIL(kit, seen->ending == 1);
  close(far);
  kit_write(seen->transport, "answer", 6);
  transport_flush(seen->transport);
  CHECK(seen->transport->closing && !seen->closed);
  UNTIL(kit, seen->closed);
  CHECK_INT(seen->fault.close, 1000);
  kit_finish(kit);
}

/* A peer that has gone takes no answers, but what it sent before is still heard. */
TEST(what_a_peer_sent_before_it_left_is_read) {
  struct kit *kit = kit_open();
  struct seen *seen;
  int far = kit_pair(kit, &seen);
  far_send(far, "one");
  far_send(far, "two");
  close(far);
  kit_write(seen->transport, "hello", 5);
  transport_flush(seen->transport); /* fails before anything is read */
  CHECK(seen->transport->deaf);
  kit_write(seen->transport, "hello", 5);
  CHECK_INT(seen->transport->queued, 0);
  UNTIL(kit, seen->closed);
  CHECK(seen_is(seen, "one|two|"));
  CHECK_INT(seen->fault.close, 1000);
  kit_finish(kit);
}

TEST(a_reset_is_a_lost_connection) {
  struct kit *kit = kit_open();
  struct seen *seen;
  int far = kit_pair(kit, &seen);
  kit_write(seen->transport, "unread", 6);
  transport_flush(seen->transport);
  close(far); /* with bytes that it has not read */
  UNTIL(kit, seen->closed);
  CHECK_INT(seen->fault.close, 1006);
  kit_finish(kit);
}

TEST(close_is_never_told_from_inside) {
  struct kit *kit = kit_open();
  struct seen *seen;
  int far = kit_pair(kit, &seen);
  kit_close(seen->transport, 1001, 0);
  kit_close(seen->transport, 1002, 0);
  CHECK_INT(seen->closed, 0);
  kit_write(seen->transport, "too late", 8);
  UNTIL(kit, seen->closed);
  CHECK_INT(seen->fault.close, 1001);
  close(far);
  kit_finish(kit);
}

TEST(a_close_writes_what_is_queued_first) {
  struct kit *kit = kit_open();
  struct seen *seen;
  struct buf in = {0};
  int far = kit_pair(kit, &seen);
  write_many(seen->transport, 26, 100000);
  far_send(far, "not read any more");
  kit_close(seen->transport, 1001, 0);
  UNTIL(kit, far_read(far, &in));
  CHECK(are_many(&in, 26, 100000));
  UNTIL(kit, seen->closed);
  CHECK_INT(seen->blocks, 0);
  CHECK_INT(read(far, (char[1]){0}, 1), 0); /* no reset */
  buf_deinit(&in);
  close(far);
  kit_finish(kit);
}

static uint64_t now_ms(void) {
  return uv_hrtime() / 1000000;
}

TEST(a_close_waits_a_second_for_one_who_does_not_read) {
  struct kit *kit = kit_open();
  struct seen *seen;
  uint64_t start = now_ms();
  int far = kit_pair(kit, &seen);
  write_many(seen->transport, 26, 100000);
  kit_close(seen->transport, 1001, 0);
  while (!seen->closed) uv_run(&kit->loop, UV_RUN_ONCE);
  CHECK(now_ms() - start >= 990);
  close(far);
  kit_finish(kit);
}

TEST(a_lingering_close_ends_with_the_peer_or_its_time) {
  struct kit *kit = kit_open();
  struct seen *leaves, *stays;
  struct buf in = {0};
  uint64_t start = now_ms();
  int one = kit_pair(kit, &leaves), two = kit_pair(kit, &stays);
  kit_write(leaves->transport, "bye", 3);
  kit_close(leaves->transport, 1008, 15000);
  kit_close(stays->transport, 1008, 50);
  UNTIL(kit, far_read(one, &in));
  CHECK(far_is(&in, "bye", 1));
  CHECK_INT(leaves->closed, 0);
  far_send(one, "thrown away");
  close(one);
  UNTIL(kit, leaves->closed);
  CHECK(now_ms() - start < 10000);
  UNTIL(kit, stays->closed);
  CHECK(now_ms() - start >= 49);
  CHECK_INT(leaves->blocks, 0);
  buf_deinit(&in);
  close(two);
  kit_finish(kit);
}

TEST(what_is_shared_lives_until_the_last_link_is_gone) {
  struct kit *kit = kit_open();
  struct seen *seen;
  struct buf in = {0};
  int far = kit_pair(kit, &seen);
  write_many(seen->transport, 26, 100000);
  kit_close(seen->transport, 1001, 0);
  far_send(far, "read and thrown away");
  transport_env_close(&kit->env);
  UNTIL(kit, far_read(far, &in));
  CHECK(are_many(&in, 26, 100000));
  uv_run(&kit->loop, UV_RUN_DEFAULT);
  CHECK_INT(seen->closed, 1);
  CHECK_INT(uv_loop_close(&kit->loop), 0);
  buf_deinit(&in);
  close(far);
  free(kit);
}

int main(void) {
  RUN(blocks_come_whole_from_reads_of_any_size);
  RUN(the_blocks_of_one_read_are_one_batch_and_one_answer);
  RUN(the_end_has_a_reason);
  RUN(blocks_before_a_broken_one_are_answered);
  RUN(a_user_that_closes_gets_no_further_block);
  RUN(a_link_that_is_ready_may_be_closed_by_another);
  RUN(paused_links_read_nothing);
  RUN(what_is_written_outside_of_a_read_goes_once_a_turn);
  RUN(a_slow_reader_gets_everything_in_order);
  RUN(blocks_end_at_256_KiB);
  RUN(no_block_grows_over_the_limit_by_gathering);
  RUN(shared_payloads_are_referenced_and_given_back);
  RUN(the_mark_is_told_when_it_is_passed_downwards);
  RUN(the_mark_is_told_to_one_who_never_waited);
  RUN(a_reader_that_is_too_slow_is_closed_with_4003);
  RUN(a_packet_without_bytes_was_lost_and_closes);
  RUN(after_a_half_close_what_came_is_answered);
  RUN(after_a_half_close_the_user_may_take_its_time);
  RUN(nobody_answers_a_peer_that_has_left_after_a_half_close);
  RUN(an_answer_to_a_peer_that_has_left_ends_the_link);
  RUN(what_a_peer_sent_before_it_left_is_read);
  RUN(a_reset_is_a_lost_connection);
  RUN(close_is_never_told_from_inside);
  RUN(a_close_writes_what_is_queued_first);
  RUN(a_close_waits_a_second_for_one_who_does_not_read);
  RUN(a_lingering_close_ends_with_the_peer_or_its_time);
  RUN(what_is_shared_lives_until_the_last_link_is_gone);
  return check_end();
}
