/* websocket_link: see websocket_link.h. */
#include "transport/websocket_link.h"

#include <stdlib.h>

#include "transport/link.h"
#include "wire/websocket.h"

#define CLOSE_MS 1000 /* how long our close waits for the peer's */

struct websocket_link {
  struct link link;
  struct websocket_reader reader;
  bool heard_close;
  char texts[]; /* the peer's address and origin, copied */
};

static struct websocket_link *websocket_of(const struct link *link) {
  return (struct websocket_link *)(uintptr_t)link;
}

/* ---- control frames go in order with the blocks ---- */

/* The queue, with a block without a header begun in it; NULL when out of memory. */
static struct outq *begin_control(struct transport *transport) {
  transport_seal(transport);
  if (!transport->out) transport->out = outq_take(transport->env->pool);
  return transport->out && outq_open(transport->out, 0) == ST_OK ? transport->out : NULL;
}

static void end_control(struct transport *transport) {
  transport->queued += outq_end(transport->out);
  outq_seal(transport->out, NULL);
}

/* A peer that pings and does not read gets no more than it could hold. */
static void answer_ping(struct transport *transport, struct slice bytes) {
  struct outq *out;
  if (transport->deaf || transport->queued > transport->env->limits->outbound) return;
  if (!(out = begin_control(transport))) return;
  websocket_put_pong(outq_begin(out), bytes);
  end_control(transport);
  link_write(transport);
}

static void put_close(struct transport *transport) {
  const struct fault *fault = transport->fault;
  struct outq *out;
  if (transport->deaf || !(out = begin_control(transport))) return;
  websocket_put_close(outq_begin(out), fault ? fault->close : 0, slice_str(fault ? fault->text : ""));
  end_control(transport);
}

/* ---- reading ---- */

/* The peer's close: a code of its own is passed on, one that is wrong is our fault's. */
static void receive_close(struct websocket_link *websocket, struct slice bytes) {
  struct fault fault;
  struct slice reason;
  int code;
  websocket->heard_close = true;
  if (websocket_close_parse(bytes, &code, &reason, &fault) == ST_OK)
    fault_set(&fault, ST_CLOSED, code == 1005 ? 1000 : code, NULL, "the peer has closed the connection");
  transport_close(&websocket->link.transport, &fault, 0);
}

static void receive(struct websocket_link *websocket, const struct websocket_event *event) {
  struct transport *transport = &websocket->link.transport;
  switch (event->kind) {
  case WEBSOCKET_MESSAGE:
    transport->events->block(transport, event->bytes);
    break;
  case WEBSOCKET_PING:
    answer_ping(transport, event->bytes);
    break;
  case WEBSOCKET_CLOSE:
    receive_close(websocket, event->bytes);
    break;
  case WEBSOCKET_PONG:
    break;
  }
}

static void received(struct link *link, struct slice bytes) {
  struct websocket_link *websocket = websocket_of(link);
  /* The bytes are the loop's read buffer, which is ours until this returns. */
  struct websocket_input in = {(uint8_t *)(uintptr_t)bytes.data, bytes.len};
  struct websocket_event event;
  struct fault fault;
  enum status status;
  while ((status = websocket_next(&websocket->reader, &in, &event, &fault)) == ST_OK) {
    receive(websocket, &event);
    if (link->transport.closing) return;
  }
  if (status == ST_NOMEM) fault_set(&fault, ST_NOMEM, 4005, "ERR_LIMIT_MEMORY", "out of memory");
  if (status == ST_MORE) return;
  link->transport.events->ending(&link->transport, &fault);
  transport_close(&link->transport, &fault, 0);
}

/* An end without a close frame cuts something in any case. */
static bool cut(const struct link *link) {
  return !websocket_of(link)->heard_close;
}

static void free_websocket(struct link *link) {
  websocket_reader_deinit(&websocket_of(link)->reader);
  free(link);
}

static const struct link_ops link_ops = {received, cut, NULL, free_websocket};

/* ---- transport_ops ---- */

/* After our close the peer is waited for, unless its own came first. */
static void close_websocket(struct transport *transport, unsigned linger_ms) {
  bool answered = websocket_of((struct link *)transport)->heard_close;
  put_close(transport);
  link_close(transport, answered ? linger_ms : CLOSE_MS);
}

static const struct transport_ops transport_ops = {WEBSOCKET_HEADER_MAX, websocket_header, link_write,
                                                   close_websocket,      link_abort,       link_pause};

enum status websocket_link_open(struct transport **out, struct transport_env *env, int fd,
                                const struct peer *peer, struct slice origin) {
  size_t len = strlen(peer->address) + 1;
  struct websocket_link *websocket = calloc(1, sizeof *websocket + len + origin.len + 1);
  struct peer own = *peer;
  if (!websocket) return ST_NOMEM;
  memcpy(websocket->texts, peer->address, len);
  own.kind = TRANSPORT_WS;
  own.address = websocket->texts;
  if (origin.data) {
    memcpy(websocket->texts + len, origin.data, origin.len);
    own.origin = websocket->texts + len;
  }
  websocket_reader_init(&websocket->reader, WEBSOCKET_OF_CLIENT, env->limits->packet);
  if (link_open(&websocket->link, env, &link_ops, &transport_ops, fd, &own) != ST_OK) {
    free(websocket);
    return ST_IO;
  }
  *out = &websocket->link.transport;
  return ST_OK;
}
