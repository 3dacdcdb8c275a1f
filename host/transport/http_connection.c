/* http_connection: see http_connection.h. */
#include "transport/http_connection.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "transport/http_answer.h"
#include "transport/http_post.h"
#include "transport/implementation.h"
#include "transport/websocket_link.h"

#define READ_FIRST 2048
#define OUT_KEEP 4096
#define FILE_A_TURN ((size_t)256 * 1024) /* the others of the loop have a right to run */
#define LINGER_MS 1000                   /* for a peer that does not close after us */

enum phase { READING, WRITING, LINGERING };

struct http_connection {
  struct http_server *server;
  struct list node;
  uv_poll_t poll;
  int fd; /* -1: closed, or given away */
  enum phase phase;
  uint64_t since; /* loop time, ms: when the phase began, or the peer last took something */
  bool served;    /* there was a request before */
  struct buf in;  /* what was read and not answered */
  struct http_head head;
  struct buf out; /* the answer's head; sent up to out_at */
  size_t out_at;
  struct http_answer answer;
  struct peer peer;
  char address[]; /* the peer's, copied */
};

static void on_poll(uv_poll_t *poll, int status, int events);

struct http_connection *http_connection_of(struct list *node) {
  return LIST_ENTRY(node, struct http_connection, node);
}

/* ---- the end ---- */

static void drop_file(struct http_connection *connection) {
  if (connection->answer.fd < 0) return;
  close(connection->answer.fd);
  connection->answer.fd = -1;
  servers_resume(connection->server->env);
}

static void on_closed(uv_handle_t *handle) {
  struct http_connection *connection = handle->data;
  struct http_server *server = connection->server;
  http_server_forget(server, &connection->node);
  buf_deinit(&connection->in);
  buf_deinit(&connection->out);
  free(connection);
}

/* Ends everything but the socket, which is returned. */
static int release(struct http_connection *connection) {
  int fd = connection->fd;
  connection->fd = -1;
  drop_file(connection);
  uv_close((uv_handle_t *)&connection->poll, on_closed);
  return fd;
}

void http_connection_close(struct http_connection *connection) {
  if (connection->fd < 0) return;
  close(release(connection));
  servers_resume(connection->server->env);
}

static void enter(struct http_connection *connection, enum phase phase) {
  connection->phase = phase;
  connection->since = uv_now(connection->server->env->loop);
  uv_poll_start(&connection->poll, phase == WRITING ? UV_WRITABLE : UV_READABLE, on_poll);
}

/* All is sent. The peer closes first: bytes of its that nobody read would make our close a reset, which may
 * overtake the answer. */
static void linger(struct http_connection *connection) {
  shutdown(connection->fd, SHUT_WR);
  enter(connection, LINGERING);
}

static void on_lingering(struct http_connection *connection) {
  const uv_buf_t *buffer = &connection->server->env->read_buffer;
  ssize_t len = recv(connection->fd, buffer->base, buffer->len, MSG_DONTWAIT);
  if (!len || (len < 0 && errno != EAGAIN && errno != EINTR)) http_connection_close(connection);
}

/* ---- sending: the head, then the body ---- */

enum sent { SENT_ALL, SENT_PART, SENT_FAILED };

static enum sent sent_of(ssize_t len, size_t wanted) {
  if (len < 0) return errno == EAGAIN || errno == EINTR ? SENT_PART : SENT_FAILED;
  return (size_t)len == wanted ? SENT_ALL : SENT_PART;
}

static enum sent send_head(struct http_connection *connection) {
  size_t left = connection->out.len - connection->out_at;
  int more = connection->answer.len ? MSG_MORE : 0;
  ssize_t len;
  if (!left) return SENT_ALL;
  len = send(connection->fd, connection->out.data + connection->out_at, left,
             MSG_NOSIGNAL | MSG_DONTWAIT | more);
  if (len > 0) connection->out_at += (size_t)len;
  return sent_of(len, left);
}

/* One piece, at most FILE_A_TURN. A file that has become shorter meanwhile cannot be sent as promised. */
static enum sent send_piece(struct http_connection *connection) {
  struct http_answer *answer = &connection->answer;
  size_t wanted = answer->len < FILE_A_TURN ? (size_t)answer->len : FILE_A_TURN;
  off_t offset = (off_t)answer->offset;
  ssize_t len;
  if (!answer->len) return SENT_ALL;
  len = answer->fd >= 0 ? sendfile(connection->fd, answer->fd, &offset, wanted)
                        : send(connection->fd, answer->body.data + answer->body.len - answer->len, wanted,
                               MSG_NOSIGNAL | MSG_DONTWAIT);
  if (!len) return SENT_FAILED;
  if (len < 0) return sent_of(len, wanted);
  answer->offset += (uint64_t)len;
  answer->len -= (uint64_t)len;
  return answer->len ? SENT_PART : SENT_ALL;
}

static enum sent send_answer(struct http_connection *connection) {
  size_t at = connection->out_at;
  uint64_t left = connection->answer.len;
  enum sent sent = send_head(connection);
  if (sent == SENT_ALL) sent = send_piece(connection);
  if (at != connection->out_at || left != connection->answer.len)
    connection->since = uv_now(connection->server->env->loop);
  return sent;
}

/* ---- requests ---- */

/* Forgets the request in hand; what was read behind it stays. */
static void shift(struct http_connection *connection) {
  struct buf *in = &connection->in;
  size_t rest = in->len - connection->head.end;
  if (rest) memmove(in->data, in->data + connection->head.end, rest);
  in->len = rest;
  if (!rest) buf_deinit(in);
  connection->head = (struct http_head){0};
  buf_reset(&connection->out, OUT_KEEP);
  connection->out_at = 0;
}

static struct http_asked asked_of(const struct http_connection *connection) {
  const struct http_server *server = connection->server;
  return (struct http_asked){.options = server->options,
                             .peer = &connection->peer,
                             .port = server->port,
                             .body_max = server->env->limits->packet,
                             .log = server->env->log};
}

/* The socket becomes a WebSocket's: the whole head of the answer must have been sent. */
static void upgrade(struct http_connection *connection, struct slice origin) {
  struct http_server *server = connection->server;
  struct transport *transport;
  int fd;
  if (send_head(connection) != SENT_ALL) {
    http_connection_close(connection);
    return;
  }
  fd = release(connection);
  if (websocket_link_open(&transport, server->env, fd, &connection->peer, origin) != ST_OK)
    close(fd);
  else
    server->accepted(server->accepted_user, transport);
}

/* The rest of the body is the post's to read, and the answer its to send. */
static void become_post(struct http_connection *connection, const struct http_request *request) {
  struct http_server *server = connection->server;
  struct slice rest =
      slice_of(connection->in.data + connection->head.end, connection->in.len - connection->head.end);
  struct transport *transport;
  int fd = release(connection);
  if (http_post_open(&transport, server->env, fd, &connection->peer, request, buf_slice(&connection->out),
                     rest) != ST_OK)
    close(fd);
  else
    server->accepted(server->accepted_user, transport);
}

static enum status refuse(struct http_connection *connection, const struct http_refusal *refusal) {
  struct http_asked asked = asked_of(connection);
  connection->out.len = 0;
  return http_answer_refusal(&asked, refusal, &connection->out, &connection->answer);
}

/* The head is whole. A client waits for the answer to an upgrade: what came behind it is no WebSocket's. */
static enum status answer_request(struct http_connection *connection, struct http_request *request,
                                  struct http_refusal *refusal) {
  const struct http_head *head = &connection->head;
  struct http_asked asked = asked_of(connection);
  struct slice text = slice_of(connection->in.data + head->start, head->end - head->start);
  enum status status;
  if (http_request_parse(text, request, refusal) != ST_OK) return refuse(connection, refusal);
  status = http_answer(&asked, request, &connection->out, &connection->answer);
  if (status != ST_OK || !connection->answer.upgrade || connection->in.len == head->end) return status;
  http_refuse(refusal, 400, "bytes behind the request for an upgrade, before its answer");
  return refuse(connection, refusal);
}

/* Makes the answer to what http_head_scan has found. False: the connection has ended. */
static bool answer(struct http_connection *connection, enum status found, struct http_refusal *refusal) {
  struct http_request request = {.verb = VERB_OTHER};
  enum status status =
      found == ST_OK ? answer_request(connection, &request, refusal) : refuse(connection, refusal);
  if (status != ST_OK)
    http_connection_close(connection);
  else if (connection->answer.upgrade)
    upgrade(connection, request.origin);
  else if (connection->answer.post)
    become_post(connection, &request);
  return connection->fd >= 0;
}

/* The answer is sent. False: there is no further request on this connection. */
static bool finish_answer(struct http_connection *connection) {
  drop_file(connection);
  connection->served = true;
  if (connection->answer.close) {
    linger(connection);
    return false;
  }
  shift(connection);
  return true;
}

/* Sends on; true when the answer is done and the next request may be looked at. */
static bool go_on(struct http_connection *connection) {
  switch (send_answer(connection)) {
  case SENT_ALL:
    return finish_answer(connection);
  case SENT_PART:
    if (connection->phase != WRITING) enter(connection, WRITING);
    return false;
  default:
    http_connection_close(connection);
    return false;
  }
}

/* Answers the requests that were read, one after the other, as long as the socket takes the answers. */
static void serve(struct http_connection *connection) {
  struct http_refusal refusal;
  enum status status;
  for (;;) {
    status = connection->in.len ? http_head_scan(&connection->head, buf_slice(&connection->in), &refusal)
                                : ST_MORE;
    if (status == ST_MORE) break;
    if (!answer(connection, status, &refusal) || !go_on(connection)) return;
  }
  if (connection->phase != READING) enter(connection, READING);
}

static void on_reading(struct http_connection *connection) {
  struct buf *in = &connection->in;
  size_t room = in->len < READ_FIRST ? READ_FIRST : HTTP_HEAD_MAX;
  ssize_t len;
  if (buf_reserve(in, room) != ST_OK) {
    http_connection_close(connection);
    return;
  }
  len = recv(connection->fd, in->data + in->len, room, MSG_DONTWAIT);
  if (len > 0) {
    if (!in->len && connection->served) connection->since = uv_now(connection->server->env->loop);
    in->len += (size_t)len;
    serve(connection);
  } else if (!len || (errno != EAGAIN && errno != EINTR)) {
    http_connection_close(connection);
  }
}

/* libuv stops the poll and reports a status when the socket has an error: the next call on it will tell
 * which. */
static void on_poll(uv_poll_t *poll, int status, int events) {
  struct http_connection *connection = poll->data;
  (void)status;
  (void)events;
  if (status < 0)
    http_connection_close(connection);
  else if (connection->phase == LINGERING)
    on_lingering(connection);
  else if (connection->phase == READING)
    on_reading(connection);
  else if (go_on(connection))
    serve(connection);
}

/* ---- time ---- */

static void time_out(struct http_connection *connection) {
  struct http_refusal refusal;
  http_refuse(&refusal, 408, "limits.handshake (%llu ms) exceeded: the request is not whole",
              (unsigned long long)connection->server->env->limits->handshake);
  if (refuse(connection, &refusal) != ST_OK)
    http_connection_close(connection);
  else
    go_on(connection);
}

/* How long the phase may last, ms. That nothing was sent yet is no fault: a browser connects in advance. */
static uint64_t patience(const struct http_connection *connection) {
  const struct limits *limits = connection->server->env->limits;
  bool begun = connection->in.len || !connection->served;
  if (connection->phase == LINGERING) return LINGER_MS;
  if (connection->phase == READING && begun) return limits->handshake;
  return limits->idle ? limits->idle : UINT64_MAX; /* between requests, or for a peer that reads nothing */
}

void http_connection_check(struct http_connection *connection, uint64_t now) {
  if (connection->fd < 0 || now - connection->since < patience(connection)) return;
  if (connection->phase == READING && connection->in.len)
    time_out(connection);
  else
    http_connection_close(connection);
}

enum status http_connection_open(struct http_server *server, int fd, const struct peer *peer) {
  size_t len = strlen(peer->address) + 1;
  struct http_connection *connection = calloc(1, sizeof *connection + len);
  if (!connection) return ST_NOMEM;
  if (uv_poll_init(server->env->loop, &connection->poll, fd) != 0) {
    free(connection);
    return ST_IO;
  }
  memcpy(connection->address, peer->address, len);
  connection->peer = *peer;
  connection->peer.address = connection->address;
  connection->peer.kind = TRANSPORT_WS;
  connection->server = server;
  connection->fd = fd;
  connection->answer.fd = -1;
  connection->poll.data = connection;
  list_push(&server->connections, &connection->node);
  enter(connection, READING);
  return ST_OK;
}
