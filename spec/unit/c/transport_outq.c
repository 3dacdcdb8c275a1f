/* The queue of what is to be written, with headers of a length that varies, as a WebSocket's. */
#include "transport/outq.h"
#include "transport_kit.h"

#define ROOM 4

/* "<": a short block. "<<<": one of more than nine bytes. */
static size_t header(uint8_t *end, size_t block_len) {
  size_t len = block_len > 9 ? 3 : 1;
  memset(end - len, '<', len);
  return len;
}

static void put(struct outq *queue, const char *text, struct payload *shared, const char *tail) {
  if (!queue->open) CHECK_INT(outq_open(queue, ROOM), ST_OK);
  CHECK_INT(buf_put(outq_begin(queue), text, strlen(text)), ST_OK);
  if (shared) CHECK_INT(outq_share(queue, shared), ST_OK);
  buf_put(&queue->last->bytes, tail, strlen(tail));
  outq_end(queue);
}

/* Writes at most `step` bytes at a time, from at most `max` vectors. */
static struct buf drain(struct outq *queue, size_t step, int max) {
  struct buf out = {0};
  struct iovec iov[8];
  int n;
  while ((n = outq_gather(queue, iov, max)) > 0) {
    size_t taken = 0;
    for (int i = 0; i < n && taken < step; i++) {
      size_t part = iov[i].iov_len < step - taken ? iov[i].iov_len : step - taken;
      buf_put(&out, iov[i].iov_base, part);
      taken += part;
    }
    outq_consume(queue, taken);
  }
  return out;
}

static void fill(struct outq *queue, struct payload *shared) {
  size_t len;
  put(queue, "one", NULL, "");
  put(queue, "two", NULL, "");
  outq_seal(queue, header);
  put(queue, "three", shared, "end");
  put(queue, "", shared, "");
  put(queue, "four", shared, "");
  CHECK_INT(outq_split(queue, header, &len), ST_OK);
  CHECK_INT(len, 3);
  outq_seal(queue, header);
  put(queue, "five", NULL, "");
  put(queue, "six", NULL, "");
  CHECK_INT(outq_split(queue, header, &len), ST_OK);
  CHECK_INT(len, 1);
  outq_seal(queue, header);
  CHECK_INT(outq_open(queue, ROOM), ST_OK); /* nothing in it */
  CHECK_INT(outq_seal(queue, header), 0);
  CHECK_INT(outq_open(queue, 0), ST_OK); /* no block */
  buf_put(outq_begin(queue), "raw", 3);
  outq_end(queue);
  CHECK_INT(outq_seal(queue, NULL), 0);
}

TEST(all_is_written_in_order_in_parts_of_any_size) {
  static const char wanted[] = "<onetwo<<<three[shared]end[shared]<<<four[shared]<five<sixraw";
  struct out_pool pool = {0};
  for (size_t step = 1; step < sizeof wanted; step++) {
    for (int max = 1; max <= 8; max += 7) {
      struct outq *queue = outq_take(&pool);
      struct payload *shared = payload_new(slice_str("[shared]"));
      struct buf out;
      fill(queue, shared);
      CHECK_INT(shared->refs, 4);
      out = drain(queue, step, max);
      CHECK_INT(shared->refs, 1);
      if (!CHECK(slice_equal(buf_slice(&out), slice_str(wanted))))
        fprintf(stderr, "  '%.*s'\n", (int)out.len, (char *)out.data);
      CHECK(outq_empty(queue));
      payload_unref(shared);
      buf_deinit(&out);
      outq_give(&pool, queue);
    }
  }
  CHECK_INT(pool.count, 1);
  out_pool_deinit(&pool);
}

TEST(an_open_block_is_not_written) {
  struct out_pool pool = {0};
  struct outq *queue = outq_take(&pool);
  struct payload *shared = payload_new(slice_str("[shared]"));
  struct buf out;
  put(queue, "one", NULL, "");
  outq_seal(queue, header);
  put(queue, "two", shared, "");
  out = drain(queue, 100, 8);
  CHECK(slice_equal(buf_slice(&out), slice_str("<one")));
  CHECK(!outq_empty(queue));
  buf_deinit(&out);
  outq_seal(queue, header);
  out = drain(queue, 100, 8);
  CHECK(slice_equal(buf_slice(&out), slice_str("<<<two[shared]")));
  buf_deinit(&out);
  put(queue, "dropped", shared, "");
  outq_give(&pool, queue);
  CHECK_INT(shared->refs, 1);
  payload_unref(shared);
  out_pool_deinit(&pool);
}

/* Chunks are given up as they are written, so that a queue which never empties does not grow for ever. */
TEST(a_queue_that_never_empties_keeps_its_size) {
  struct out_pool pool = {0};
  struct outq *queue = outq_take(&pool);
  char packet[10000];
  size_t chunks = 0;
  memset(packet, 'x', sizeof packet - 1);
  packet[sizeof packet - 1] = '\0';
  for (int i = 0; i < 20; i++) {
    put(queue, packet, NULL, "");
    outq_seal(queue, header);
  }
  for (int i = 0; i < 1000; i++) {
    put(queue, packet, NULL, "");
    outq_seal(queue, header);
    outq_consume(queue, sizeof packet - 1 + 3);
  }
  for (struct out_chunk *chunk = queue->oldest; chunk; chunk = chunk->next) {
    CHECK(chunk->bytes.cap <= 128 * 1024);
    chunks++;
  }
  CHECK(chunks <= 5);
  outq_give(&pool, queue);
  CHECK_INT(pool.count, 0); /* more than one chunk: not worth keeping */
  out_pool_deinit(&pool);
}

TEST(the_pool_keeps_a_mebibyte_at_most) {
  struct out_pool pool = {0};
  struct outq *queues[40];
  for (size_t i = 0; i < 40; i++) {
    queues[i] = outq_take(&pool);
    buf_reserve(&queues[i]->last->bytes, 100000);
  }
  for (size_t i = 0; i < 40; i++) outq_give(&pool, queues[i]);
  CHECK(pool.bytes > 800000 && pool.bytes <= 1024 * 1024);
  queues[0] = outq_take(&pool);
  CHECK(queues[0]->last->bytes.cap >= 100000);
  outq_give(&pool, queues[0]);
  outq_give(&pool, NULL);
  out_pool_deinit(&pool);
}

int main(void) {
  RUN(all_is_written_in_order_in_parts_of_any_size);
  RUN(an_open_block_is_not_written);
  RUN(a_queue_that_never_empties_keeps_its_size);
  RUN(the_pool_keeps_a_mebibyte_at_most);
  return check_end();
}
