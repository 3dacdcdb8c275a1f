/* connection: see connection.h. */
#include "connection.h"

#include <stdlib.h>

#include "ipc/details.h"

#define REFUSAL_LINGER_MS 100
#define PING_TOKEN 1

struct connection {
  struct lane lane;
  struct transport *transport;
  struct connections *owner;
  struct list node;
  uint64_t heard; /* ns: when bytes last came; before hello: when it was accepted */
  bool closing;   /* bye was said or heard: nothing is dispatched any more */
  bool clean;     /* the peer said bye, or ended without an error */
  bool ended;     /* the peer has said all that it will */
  bool pinged;
  bool warned; /* about a packet of an unknown kind */
};

/* ---- the lane ---- */

static struct buf *lane_begin(void *user) {
  return transport_begin(((struct connection *)user)->transport);
}
static void lane_share(void *user, struct payload *payload) {
  transport_share(((struct connection *)user)->transport, payload);
}
static void lane_end(void *user) {
  transport_end(((struct connection *)user)->transport);
}
static void lane_end_block(void *user) {
  transport_end_block(((struct connection *)user)->transport);
}
static size_t lane_queued(void *user) {
  return ((struct connection *)user)->transport->queued;
}

static void lane_await_drain(void *user) {
  ((struct connection *)user)->transport->over_mark = true;
}

/* Says bye with the fault's code and text, then closes. Idempotent. */
static void end_connection(struct connection *connection, const struct fault *fault, unsigned linger_ms) {
  struct packet bye = {.kind = PACKET_BYE, .code = (uint64_t)fault->close, .text = slice_str(fault->text)};
  if (connection->closing) return;
  connection->closing = true;
  lane_write(&connection->lane, &bye, slice_of(NULL, 0));
  transport_close(connection->transport, fault, linger_ms);
}

/* What a limit has ended did not end well. The transport may have said so by itself. */
static void lane_close(void *user, const struct fault *fault) {
  struct connection *connection = user;
  if (fault->status != ST_LIMIT)
    connection->clean = true;
  else if (!connection->closing && !connection->transport->closing)
    log_line(connection->owner->log, LOG_WARN, "transport", "%s: closed with %d: %s",
             connection->transport->peer.address, fault->close, fault->text);
  end_connection(user, fault, 0);
}

static void lane_go_on(void *user);

static const struct lane_ops lane_ops = {lane_begin,  lane_share,       lane_end,   lane_end_block,
                                         lane_queued, lane_await_drain, lane_close, lane_go_on};

/* ---- packets ---- */

static void fail(struct connection *connection, const struct fault *fault) {
  const char *address = connection->transport->peer.address;
  /* Who names a session that has ended could not know. */
  enum log_level level = fault->status == ST_NOT_FOUND ? LOG_DEBUG : LOG_WARN;
  if (fault->status == ST_CLOSED) { /* the peer's bye */
    connection->closing = connection->clean = true;
    transport_close(connection->transport, fault, 0);
    return;
  }
  log_line(connection->owner->log, level, "transport", "%s: closed with %d: %s", address, fault->close,
           fault->text);
  end_connection(connection, fault, fault->status == ST_DENIED ? REFUSAL_LINGER_MS : 0);
}

/* A peer that is not trusted by its uid must bring the token. */
static enum status admit(struct connection *connection, const struct packet *hello, struct fault *fault) {
  struct security *security = connection->owner->security;
  const struct peer *peer = &connection->transport->peer;
  struct details details;
  enum status status;
  if (security_trusts(security, peer)) return ST_OK;
  if ((status = details_parse(hello->payload, &details, fault)) != ST_OK) return status;
  return security_admit(security, peer, details.token, fault);
}

static enum status receive_hello(struct connection *connection, const struct packet *hello,
                                 struct fault *fault) {
  const struct peer *peer = &connection->transport->peer;
  struct core_peer core_peer = {
      .origin = peer->origin, .page = peer->origin != NULL, .resumable = peer->kind == TRANSPORT_WS};
  enum status status;
  if (hello->kind != PACKET_HELLO)
    return fault_set(fault, ST_MALFORMED, 1002, "ERR_PROTOCOL", "%s: the first packet must be hello",
                     packet_name(hello->kind));
  if ((status = admit(connection, hello, fault)) != ST_OK) return status;
  if (peer->kind == TRANSPORT_STDIO) core_peer.child = (uint64_t)peer->pid;
  return core_hello(connection->owner->core, &connection->lane, hello, &core_peer, fault);
}

static void warn_unknown(struct connection *connection, const struct packet *packet) {
  if (connection->warned) return;
  connection->warned = true;
  log_line(connection->owner->log, LOG_WARN, "transport", "%s: packets of the unknown kind %llu are ignored",
           connection->transport->peer.address, (unsigned long long)packet->kind);
}

/* Packets that must wait: on a sync lane, or from a newcomer. Nothing more is read, so that little is kept.
 */
static void hold(struct connection *connection, struct slice packets) {
  struct core *core = connection->owner->core;
  struct sync_lane *sync = connection->lane.sync;
  struct buf *held = core_held(core, &connection->lane);
  struct fault fault;
  if (sync && !held->len) sync->held_since = clock_now(core->clock);
  if (buf_put(held, packets.data, packets.len) != ST_OK) {
    fault_set(&fault, ST_NOMEM, 4005, "ERR_LIMIT_MEMORY", "out of memory");
    fail(connection, &fault);
  }
  transport_pause(connection->transport, true);
}

static void receive_block(struct connection *connection, struct slice block) {
  struct core *core = connection->owner->core;
  struct packet packet;
  struct fault fault;
  enum status status;
  while (block.len && !connection->closing) {
    struct slice rest = block;
    status = packet_parse(&block, &packet, &fault);
    if (status == ST_OK)
      status = connection->lane.session ? core_packet(core, &connection->lane, &packet, &fault)
                                        : receive_hello(connection, &packet, &fault);
    if (status == ST_MORE) {
      hold(connection, rest);
      return;
    }
    if (status != ST_OK) fail(connection, &fault);
    if (status == ST_OK && packet.kind >= PACKET_KINDS) warn_unknown(connection, &packet);
  }
}

static bool holds(const struct connection *connection) {
  const struct buf *held = core_held(connection->owner->core, &connection->lane);
  return held && held->len;
}

static void on_block(struct transport *transport, struct slice block) {
  struct connection *connection = transport->user;
  struct lane *lane = &connection->lane;
  if (holds(connection))
    hold(connection, block);
  else
    receive_block(connection, block);
  core_advance(connection->owner->core, lane, block.len);
}

static void end_well(struct connection *connection) {
  struct fault fault;
  fault_set(&fault, ST_CLOSED, 1000, NULL, "the peer has closed the connection");
  transport_close(connection->transport, &fault, 0);
}

/* A packet may have ended the session, and with it the lane. */
static void lane_go_on(void *user) {
  struct connection *connection = user;
  struct core *core = connection->owner->core;
  struct buf *waiting = core_held(core, &connection->lane), held = *waiting;
  *waiting = (struct buf){0};
  receive_block(connection, buf_slice(&held));
  buf_deinit(&held);
  if (connection->closing || holds(connection)) return;
  transport_pause(connection->transport, false);
  if (!connection->ended) return;
  if (lane_busy(&connection->lane))
    core_lane_mute(core, &connection->lane);
  else
    end_well(connection);
}

/* Bytes have come, a whole block or not. Until hello the time of the connection counts, whatever it sends. */
static void on_batch_end(struct transport *transport) {
  struct connection *connection = transport->user;
  connection->pinged = false;
  if (transport->peer.local || !connection->lane.session) return;
  connection->heard = clock_now(connection->owner->core->clock);
}

static void on_drained(struct transport *transport) {
  struct connection *connection = transport->user;
  core_lane_drained(connection->owner->core, &connection->lane);
}

/* An end of file: what is pending is still answered. Otherwise the peer is told what it did. */
static void on_ending(struct transport *transport, const struct fault *fault) {
  struct connection *connection = transport->user;
  connection->ended = true;
  if (fault->close != 1000)
    fail(connection, fault);
  else if (!lane_busy(&connection->lane) && !holds(connection))
    transport_close(transport, fault, 0);
  else
    core_lane_mute(connection->owner->core, &connection->lane);
}

static bool is_child(const struct connection *connection) {
  const struct peer *peer = &connection->transport->peer;
  return peer->kind == TRANSPORT_STDIO && peer->pid;
}

/* A child that has not said bye is gone for the reason for which its process has ended. */
static void end_child(struct connection *connection) {
  struct connections *owner = connection->owner;
  struct gone gone;
  children_note(owner->children, connection->transport, connection_contents(connection->transport));
  if (!connection->clean && connection->lane.session &&
      children_gone(owner->children, connection->transport, &gone))
    core_end_session(owner->core, connection->lane.session, &gone);
}

/* What does not answer pings any longer may come again as well. */
static bool is_loss(const struct fault *fault) {
  return fault->close == 1006 || fault->close == 4002;
}

static void on_closed(struct transport *transport, const struct fault *fault) {
  struct connection *connection = transport->user;
  struct connections *owner = connection->owner;
  bool clean = connection->clean || fault->close == 1000 || fault->close == 1001;
  if (!connection->closing && !clean)
    log_line(owner->log, LOG_DEBUG, "transport", "%s: lost: %s", transport->peer.address, fault->text);
  connection->closing = true;
  if (is_child(connection)) end_child(connection);
  core_lane_closed(owner->core, &connection->lane,
                   clean            ? LANE_CLEAN
                   : is_loss(fault) ? LANE_LOST
                                    : LANE_FAILED);
  if (is_child(connection)) children_forget(owner->children, transport); /* last of all, its end is told */
  list_remove(&connection->node);
  owner->count--;
  free(connection);
}

static const struct transport_events transport_events = {on_block, on_batch_end, on_drained, on_ending,
                                                         on_closed};

/* ---- all connections ---- */

void connections_init(struct connections *connections, struct core *core, struct security *security,
                      const struct limits *limits, struct log *log) {
  *connections =
      (struct connections){.core = core, .security = security, .limits = limits, .log = log, .held = true};
  list_init(&connections->all);
}

void connection_open(struct connections *connections, struct transport *transport) {
  struct connection *connection = calloc(1, sizeof *connection);
  struct fault fault;
  if (!connection) {
    fault_set(&fault, ST_NOMEM, 4005, "ERR_LIMIT_MEMORY", "out of memory");
    transport_close(transport, &fault, 0);
    return;
  }
  connection->lane = (struct lane){.ops = &lane_ops, .user = connection};
  connection->transport = transport;
  connection->owner = connections;
  connection->heard = clock_now(connections->core->clock);
  list_push(&connections->all, &connection->node);
  transport->events = &transport_events;
  transport->user = connection;
  if (++connections->count > connections->limits->connections) {
    fault_set(&fault, ST_LIMIT, 4004, "ERR_LIMIT_CONNECTIONS", "limits.connections (%llu) exceeded",
              (unsigned long long)connections->limits->connections);
    fail(connection, &fault);
  } else if (connections->held) {
    transport_pause(transport, true);
  }
}

uint64_t connection_contents(const struct transport *transport) {
  const struct connection *connection = transport->user;
  const struct session *session = connection->lane.session;
  return session && session->main_frame ? session->main_frame->contents->id : 0;
}

void connections_release(struct connections *connections) {
  uint64_t now = clock_now(connections->core->clock);
  connections->held = false;
  for (struct list *node = connections->all.next; node != &connections->all; node = node->next) {
    struct connection *connection = LIST_ENTRY(node, struct connection, node);
    connection->heard = now; /* what it has said was not read so far */
    transport_pause(connection->transport, false);
  }
}

static void check_handshake(struct connection *connection, uint64_t now) {
  const struct limits *limits = connection->owner->limits;
  struct fault fault;
  if (now - connection->heard < limits->handshake * 1000000) return;
  fault_set(&fault, ST_LIMIT, 4001, "ERR_LIMIT_HANDSHAKE", "limits.handshake (%llu ms) exceeded: no hello",
            (unsigned long long)limits->handshake);
  fail(connection, &fault);
}

/* The answer to a ping is only to be had once the call is over, which limits.sync_reply bounds. */
static bool client_waits(const struct lane *lane) {
  return lane->sync ? lane_busy(lane) : session_waits(lane->session);
}

/* Links on this machine tell by themselves when they are lost; of others the main lanes are pinged. */
static void check_idle(struct connection *connection, uint64_t now) {
  const struct limits *limits = connection->owner->limits;
  struct packet ping = {.kind = PACKET_PING, .token = PING_TOKEN};
  struct fault fault;
  uint64_t idle = limits->idle * 1000000, silent = now - connection->heard;
  if (connection->transport->peer.local || !idle) return;
  if (client_waits(&connection->lane)) {
    connection->heard = now;
    connection->pinged = false;
  } else if (silent >= idle && (connection->pinged || connection->lane.sync)) {
    fault_set(&fault, ST_LIMIT, 4002, "ERR_LIMIT_IDLE",
              "limits.idle (%llu ms) exceeded: pings are not answered", (unsigned long long)limits->idle);
    fail(connection, &fault);
  } else if (silent >= idle / 2 && !connection->pinged && !connection->lane.sync) {
    connection->pinged = true;
    lane_write(&connection->lane, &ping, slice_of(NULL, 0));
  }
}

void connections_sweep(struct connections *connections) {
  uint64_t now = clock_now(connections->core->clock);
  for (struct list *node = connections->all.next; node != &connections->all; node = node->next) {
    struct connection *connection = LIST_ENTRY(node, struct connection, node);
    if (connection->closing || connections->held) continue;
    if (connection->lane.session)
      check_idle(connection, now);
    else if (!is_child(connection)) /* that is the scripts' own, and may take its time to start */
      check_handshake(connection, now);
  }
}

bool connections_unread(const struct connections *connections) {
  for (const struct list *node = connections->all.next; node != &connections->all; node = node->next) {
    const struct connection *connection = LIST_ENTRY(node, struct connection, node);
    if (!connection->closing && connection->transport->queued) return true;
  }
  return false;
}

void connections_close(struct connections *connections, int code, const char *text) {
  struct fault fault;
  fault_set(&fault, ST_OK, code, NULL, "%s", text);
  for (struct list *node = connections->all.next; node != &connections->all; node = node->next) {
    struct connection *connection = LIST_ENTRY(node, struct connection, node);
    connection->clean = true;
    end_connection(connection, &fault, 0);
  }
}
