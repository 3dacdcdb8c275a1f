/* outq: see outq.h. */
#include "transport/outq.h"

#include <stdlib.h>

#define CHUNK_FIRST 4096               /* what a new queue reserves */
#define CHUNK_FULL ((size_t)64 * 1024) /* a chunk that holds as much takes no further block */
#define SPANS_FIRST 8
#define POOL_COUNT 32
#define POOL_BYTES ((size_t)1024 * 1024)

/* ---- chunks and spans ---- */

static struct out_chunk *chunk_new(void) {
  struct out_chunk *chunk = calloc(1, sizeof *chunk);
  if (chunk && buf_reserve(&chunk->bytes, CHUNK_FIRST) == ST_OK) return chunk;
  free(chunk);
  return NULL;
}

/* Forgets what the chunk holds, and keeps its memory. */
static void chunk_clear(struct out_chunk *chunk) {
  for (size_t i = chunk->first; i < chunk->count; i++) payload_unref(chunk->spans[i].payload);
  chunk->first = chunk->count = 0;
  chunk->bytes.len = 0;
}

static void chunk_free(struct out_chunk *chunk) {
  chunk_clear(chunk);
  buf_deinit(&chunk->bytes);
  free(chunk->spans);
  free(chunk);
}

static enum status reserve_spans(struct out_chunk *chunk, size_t more) {
  size_t cap = chunk->cap ? chunk->cap : SPANS_FIRST;
  struct out_span *spans;
  if (chunk->cap - chunk->count >= more) return ST_OK;
  while (cap - chunk->count < more) cap *= 2;
  spans = realloc(chunk->spans, cap * sizeof *spans);
  if (!spans) return ST_NOMEM;
  chunk->spans = spans;
  chunk->cap = cap;
  return ST_OK;
}

/* Both need room that was reserved before. The first takes the chunk's bytes from span_from to `end`. */
static void push_bytes(struct outq *queue, size_t end) {
  struct out_chunk *chunk = queue->last;
  if (end > queue->span_from)
    chunk->spans[chunk->count++] = (struct out_span){NULL, queue->span_from, end - queue->span_from};
  queue->span_from = end;
}
static void push_payload(struct outq *queue, struct payload *payload) {
  struct out_chunk *chunk = queue->last;
  chunk->spans[chunk->count++] = (struct out_span){payload, 0, payload->len};
}

/* ---- the pool ---- */

static void outq_free(struct outq *queue) {
  struct out_chunk *next;
  for (struct out_chunk *chunk = queue->oldest; chunk; chunk = next) {
    next = chunk->next;
    chunk_free(chunk);
  }
  free(queue);
}

void out_pool_deinit(struct out_pool *pool) {
  while (pool->idle) {
    struct outq *queue = pool->idle;
    pool->idle = queue->next;
    outq_free(queue);
  }
  *pool = (struct out_pool){0};
}

static struct outq *outq_new(void) {
  struct outq *queue = calloc(1, sizeof *queue);
  if (!queue) return NULL;
  queue->oldest = queue->last = chunk_new();
  if (queue->last) return queue;
  free(queue);
  return NULL;
}

static size_t held_by(const struct out_chunk *chunk) {
  return chunk->bytes.cap + chunk->cap * sizeof *chunk->spans;
}

struct outq *outq_take(struct out_pool *pool) {
  struct outq *queue = pool->idle;
  if (!queue) return outq_new();
  pool->idle = queue->next;
  pool->count--;
  pool->bytes -= held_by(queue->last);
  return queue;
}

void outq_give(struct out_pool *pool, struct outq *queue) {
  size_t held;
  if (!queue) return;
  held = held_by(queue->last);
  if (queue->oldest != queue->last || pool->count == POOL_COUNT || held > POOL_BYTES - pool->bytes) {
    outq_free(queue);
    return;
  }
  chunk_clear(queue->last);
  queue->open = false;
  queue->next = pool->idle;
  pool->idle = queue;
  pool->count++;
  pool->bytes += held;
}

/* ---- building ---- */

/* Room for the block's header, and for the span that outq_seal adds. */
static void begin_block(struct outq *queue, size_t room) {
  struct buf *bytes = &queue->last->bytes;
  queue->room = room;
  queue->block_at = queue->span_from = bytes->len;
  queue->block_span = queue->last->count;
  queue->block_len = 0;
  queue->open = true;
  bytes->len += room;
}

enum status outq_open(struct outq *queue, size_t room) {
  if (queue->last->bytes.len >= CHUNK_FULL) {
    struct out_chunk *chunk = chunk_new();
    if (!chunk) return ST_NOMEM;
    queue->last->next = chunk;
    queue->last = chunk;
  }
  if (reserve_spans(queue->last, 1) != ST_OK || buf_reserve(&queue->last->bytes, room) != ST_OK)
    return ST_NOMEM;
  begin_block(queue, room);
  return ST_OK;
}

enum status outq_share(struct outq *queue, struct payload *payload) {
  if (reserve_spans(queue->last, 3) != ST_OK) return ST_NOMEM;
  push_bytes(queue, queue->last->bytes.len);
  push_payload(queue, payload_ref(payload));
  queue->packet_shared = payload;
  return ST_OK;
}

size_t outq_seal(struct outq *queue, out_header_fn *header) {
  struct out_chunk *chunk = queue->last;
  struct out_span *first;
  size_t len = 0;
  queue->open = false;
  if (!queue->block_len) {
    chunk->bytes.len = queue->block_at;
    return 0;
  }
  push_bytes(queue, chunk->bytes.len);
  if (header) len = header(chunk->bytes.data + queue->block_at + queue->room, queue->block_len);
  first = &chunk->spans[queue->block_span];
  first->from += queue->room - len;
  first->len -= queue->room - len;
  return len;
}

/* Takes the last packet's spans back; returns what it shared, and where among its bytes that stood. */
static struct payload *unshare(struct outq *queue, size_t *at) {
  *at = queue->span_from;
  queue->span_from = queue->packet_from;
  queue->last->count = queue->packet_span;
  return queue->packet_shared;
}

enum status outq_split(struct outq *queue, out_header_fn *header, size_t *header_len) {
  struct buf *bytes = &queue->last->bytes;
  size_t at = queue->packet_at, tail = bytes->len - at, room = queue->room, shared_at;
  struct payload *shared;
  if (reserve_spans(queue->last, 4) != ST_OK || buf_reserve(bytes, room) != ST_OK) return ST_NOMEM;
  shared = unshare(queue, &shared_at);
  queue->block_len -= tail + (shared ? shared->len : 0);
  bytes->len = at;
  *header_len = outq_seal(queue, header);
  begin_block(queue, room);
  memmove(bytes->data + at + room, bytes->data + at, tail);
  if (shared) {
    push_bytes(queue, shared_at + room);
    push_payload(queue, shared);
  }
  bytes->len += tail;
  queue->block_len = tail + (shared ? shared->len : 0);
  return ST_OK;
}

/* ---- writing ---- */

static struct iovec vector_of(const struct out_chunk *chunk, const struct out_span *span) {
  uint8_t *data = span->payload ? span->payload->data : chunk->bytes.data;
  return (struct iovec){data + span->from, span->len};
}

/* How many spans of the chunk are ready to be written: an open block's are not. */
static size_t ready(const struct outq *queue, const struct out_chunk *chunk) {
  return chunk == queue->last && queue->open ? queue->block_span : chunk->count;
}

int outq_gather(const struct outq *queue, struct iovec *iov, int max) {
  int n = 0;
  for (const struct out_chunk *chunk = queue->oldest; chunk; chunk = chunk->next)
    for (size_t i = chunk->first; i < ready(queue, chunk); i++) {
      struct iovec next = vector_of(chunk, &chunk->spans[i]);
      if (n && (uint8_t *)iov[n - 1].iov_base + iov[n - 1].iov_len == next.iov_base) {
        iov[n - 1].iov_len += next.iov_len;
        continue;
      }
      if (n == max) return n;
      iov[n++] = next;
    }
  return n;
}

/* The oldest chunk is written: it goes, or, if it is the only one, starts anew. */
static void retire(struct outq *queue) {
  struct out_chunk *chunk = queue->oldest;
  if (chunk != queue->last) {
    queue->oldest = chunk->next;
    chunk_free(chunk);
  } else if (!queue->open) {
    chunk_clear(chunk);
  }
}

void outq_consume(struct outq *queue, size_t len) {
  while (len) {
    struct out_chunk *chunk = queue->oldest;
    struct out_span *span = &chunk->spans[chunk->first];
    size_t part = len < span->len ? len : span->len;
    span->from += part;
    span->len -= part;
    len -= part;
    if (span->len) return;
    payload_unref(span->payload);
    if (++chunk->first == chunk->count) retire(queue);
  }
}

bool outq_empty(const struct outq *queue) {
  return !queue->open && queue->oldest == queue->last && queue->last->first == queue->last->count;
}
