/* transport: see transport.h and implementation.h. */
#include "transport/transport.h"

#include <stdlib.h>

#include "transport/implementation.h"
#include "transport/poller.h"

#define BLOCK_END ((size_t)256 * 1024) /* packets gather up to here */
#define SHARE_MIN 1024                 /* below, a copy costs less than an entry */
#define SINK_KEEP ((size_t)64 * 1024)

const char *transport_kind_name(enum transport_kind kind) {
  static const char *const names[] = {"unix", "tcp", "memory", "ws", "stdio"};
  return names[kind];
}

/* ---- what all transports of a loop share ---- */

static void clean(struct transport *transport) {
  list_remove(&transport->dirty);
  if (list_empty(&transport->env->dirty)) uv_unref((uv_handle_t *)&transport->env->flush);
}

/* The prepare handle holds the loop only while there is something to flush. */
void transport_later(struct transport *transport) {
  if (!list_empty(&transport->dirty)) return;
  if (list_empty(&transport->env->dirty)) uv_ref((uv_handle_t *)&transport->env->flush);
  list_push(&transport->env->dirty, &transport->dirty);
}

static void on_prepare(uv_prepare_t *prepare) {
  struct transport_env *env = prepare->data;
  while (!list_empty(&env->dirty)) {
    struct transport *transport = LIST_ENTRY(env->dirty.next, struct transport, dirty);
    clean(transport);
    transport->ops->write(transport);
  }
}

static void free_shared(struct transport_env *env) {
  free(env->read_buffer.base);
  if (env->pool) out_pool_deinit(env->pool);
  free(env->pool);
  buf_deinit(&env->sink);
}

static void release(struct transport_env *env) {
  uv_close((uv_handle_t *)&env->flush, NULL);
  poller_close(env->poller);
  free_shared(env);
}

enum status transport_env_open(struct transport_env *env, uv_loop_t *loop, struct log *log,
                               const struct limits *limits) {
  enum status status = ST_OK;
  *env = (struct transport_env){.loop = loop, .log = log, .limits = limits};
  list_init(&env->dirty);
  list_init(&env->starved);
  env->read_buffer.base = malloc(TRANSPORT_READ_SIZE);
  env->read_buffer.len = TRANSPORT_READ_SIZE;
  env->pool = calloc(1, sizeof *env->pool);
  if (!env->read_buffer.base || !env->pool) status = ST_NOMEM;
  if (status == ST_OK) status = poller_open(&env->poller, loop);
  if (status != ST_OK) {
    free_shared(env);
    return status;
  }
  uv_prepare_init(loop, &env->flush);
  env->flush.data = env;
  uv_prepare_start(&env->flush, on_prepare);
  uv_unref((uv_handle_t *)&env->flush);
  return ST_OK;
}

void transport_env_close(struct transport_env *env) {
  env->closing = true;
  if (!env->live_count) release(env);
}

void transport_env_keep(struct transport_env *env) {
  env->live_count++;
}

void transport_env_let_go(struct transport_env *env) {
  env->live_count--;
  if (env->closing && !env->live_count) release(env);
}

/* ---- one transport's life ---- */

void transport_init(struct transport *transport, struct transport_env *env, const struct transport_ops *ops,
                    const struct peer *peer) {
  *transport = (struct transport){.ops = ops, .env = env, .peer = *peer};
  list_init(&transport->dirty);
  transport_env_keep(env);
}

void transport_stop(struct transport *transport, const struct fault *fault) {
  if (transport->closing) return;
  transport_seal(transport);
  transport->closing = true;
  clean(transport);
  transport->fault = malloc(sizeof *fault);
  if (transport->fault) *transport->fault = *fault;
}

void transport_close(struct transport *transport, const struct fault *fault, unsigned linger_ms) {
  if (transport->closing) return;
  transport_stop(transport, fault);
  transport->ops->close(transport, linger_ms);
}

void transport_ended(struct transport *transport) {
  static const struct fault no_memory = {ST_NOMEM, 1006, NULL, "out of memory"};
  struct transport_env *env = transport->env;
  const struct fault *fault = transport->fault ? transport->fault : &no_memory;
  clean(transport);
  if (transport->events) transport->events->closed(transport, fault);
  transport_drop(transport);
  free(transport->fault);
  transport_env_let_go(env);
}

void transport_pause(struct transport *transport, bool on) {
  transport->ops->pause(transport, on);
}

/* The end without the queue. */
static void fail(struct transport *transport, const struct fault *fault) {
  log_line(transport->env->log, LOG_WARN, "transport", "%s: closed with %d: %s", transport->peer.address,
           fault->close, fault->text);
  transport_stop(transport, fault);
  transport_drop(transport);
  transport->ops->abort(transport);
}

static void fail_no_memory(struct transport *transport) {
  struct fault fault;
  fault_set(&fault, ST_NOMEM, 4005, "ERR_LIMIT_MEMORY", "out of memory");
  fail(transport, &fault);
}

/* ---- writing ---- */

struct outq *transport_seal(struct transport *transport) {
  if (transport->out && transport->out->open)
    transport->queued += outq_seal(transport->out, transport->ops->header);
  return transport->out;
}

void transport_taken(struct transport *transport, size_t len) {
  outq_consume(transport->out, len);
  transport->queued -= len;
  if (outq_empty(transport->out)) transport_drop(transport);
}

void transport_drained(struct transport *transport) {
  if (!transport_drain_due(transport) || transport->closing) return;
  transport->over_mark = false;
  transport->events->drained(transport);
}

void transport_drop(struct transport *transport) {
  outq_give(transport->env->pool, transport->out);
  transport->out = NULL;
  transport->queued = 0;
}

static __attribute__((noinline)) struct buf *begin_block(struct transport *transport) {
  struct transport_env *env = transport->env;
  if (!transport->closing && !transport->deaf) {
    if (!transport->out) transport->out = outq_take(env->pool);
    if (transport->out && outq_open(transport->out, transport->ops->header_max) == ST_OK)
      return outq_begin(transport->out);
    fail_no_memory(transport);
  }
  buf_reset(&env->sink, SINK_KEEP);
  return &env->sink;
}

/* The packet that was begun goes nowhere. */
static bool sinking(const struct transport *transport) {
  return !transport->out || !transport->out->open;
}

struct buf *transport_begin(struct transport *transport) {
  return sinking(transport) ? begin_block(transport) : outq_begin(transport->out);
}

void transport_share(struct transport *transport, struct payload *payload) {
  struct buf *bytes;
  if (sinking(transport)) return;
  bytes = &transport->out->last->bytes;
  if (payload->len < SHARE_MIN ? buf_put(bytes, payload->data, payload->len) == ST_OK
                               : outq_share(transport->out, payload) == ST_OK)
    return;
  fail_no_memory(transport);
}

/* False: the packet cannot be sent, and the transport ends. */
static bool check_packet(struct transport *transport, size_t len) {
  const struct limits *limits = transport->env->limits;
  struct fault fault;
  if (!len) {
    fail_no_memory(transport);
    return false;
  }
  if (len > limits->packet)
    fault_set(&fault, ST_LIMIT, 1009, "ERR_LIMIT_PACKET",
              "limits.packet (%llu bytes) exceeded by an outgoing packet of %zu bytes",
              (unsigned long long)limits->packet, len);
  else if (transport->queued > limits->outbound_max)
    fault_set(&fault, ST_LIMIT, 4003, "ERR_LIMIT_OUTBOUND",
              "limits.outbound_max (%llu bytes) exceeded: the peer reads too slowly",
              (unsigned long long)limits->outbound_max);
  else
    return true;
  fail(transport, &fault);
  return false;
}

/* The block is long enough: it ends here, or before the packet that made it too long. */
static void end_block(struct transport *transport, size_t len, size_t max) {
  struct outq *out = transport->out;
  size_t header_len;
  if (out->block_len > max && out->block_len > len) {
    if (outq_split(out, transport->ops->header, &header_len) != ST_OK) {
      fail_no_memory(transport);
      return;
    }
    transport->queued += header_len;
  }
  if (out->block_len >= max) transport_seal(transport);
}

static size_t block_max(const struct limits *limits) {
  return limits->packet < BLOCK_END ? limits->packet : BLOCK_END;
}

/* What all but the plain packets need. Out of the way: transport_end runs once a packet. */
static __attribute__((noinline, cold)) void settle(struct transport *transport, size_t len) {
  const struct limits *limits = transport->env->limits;
  if (!check_packet(transport, len)) return;
  if (transport->queued > limits->outbound) transport->over_mark = true;
  if (transport->out->block_len >= block_max(limits)) end_block(transport, len, block_max(limits));
}

void transport_end(struct transport *transport) {
  const struct limits *limits = transport->env->limits;
  size_t len;
  if (sinking(transport)) return;
  len = outq_end(transport->out);
  transport->queued += len;
  transport_later(transport);
  if (!len || transport->out->block_len >= block_max(limits) || transport->queued > limits->outbound ||
      transport->queued > limits->outbound_max)
    settle(transport, len);
}

void transport_end_block(struct transport *transport) {
  if (!transport->closing) transport_seal(transport);
}

void transport_flush(struct transport *transport) {
  if (transport->closing || list_empty(&transport->dirty)) return;
  clean(transport);
  transport->ops->write(transport);
}
