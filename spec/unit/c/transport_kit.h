/*
 * transport_kit: what the tests of transports share: a loop with a transport_env, a user of transports that
 * records what it is told, and a far side of plain sockets. Nothing sleeps: UNTIL turns the loop.
 */
#ifndef IPCHOST_TRANSPORT_KIT_H
#define IPCHOST_TRANSPORT_KIT_H

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "transport/implementation.h"
#include "transport/memory.h"
#include "transport/peer.h"
#include "transport/server.h"
#include "transport/stream.h"

#define PATIENCE_S 20

/* A user of one transport. */
struct seen {
  struct kit *kit;
  struct transport *transport; /* NULL once closed */
  struct peer peer;
  struct buf bytes; /* the blocks, one behind the other, each with '|' after it */
  size_t blocks, batches, drained, ending, closed;
  struct fault fault;
  /* What it does in `block`: */
  bool echo, close, pause;
  struct transport **closes; /* another one that it closes */
  size_t answers;            /* what it still has to say when the peer has ended */
};

struct kit {
  uv_loop_t loop;
  struct limits limits;
  struct transport_env env;
  struct server *server;
  struct seen seen[16];
  size_t count;
  bool server_closed, echo, deny;
};

static inline void kit_write(struct transport *transport, const void *data, size_t len) {
  buf_put(transport_begin(transport), data, len);
  transport_end(transport);
}

static inline void kit_close(struct transport *transport, int code, unsigned linger_ms) {
  struct fault fault;
  fault_set(&fault, ST_OK, code, NULL, "as the test wants");
  transport_close(transport, &fault, linger_ms);
}

static inline void kit_block(struct transport *transport, struct slice block) {
  struct seen *seen = transport->user;
  seen->blocks++;
  buf_put(&seen->bytes, block.data, block.len);
  buf_put_byte(&seen->bytes, '|');
  if (seen->echo) kit_write(transport, block.data, block.len);
  if (seen->pause) transport_pause(transport, true);
  if (seen->closes && *seen->closes) kit_close(*seen->closes, 1001, 0);
  if (seen->close) kit_close(transport, 1008, 0);
}
static inline void kit_batch_end(struct transport *transport) {
  ((struct seen *)transport->user)->batches++;
}
static inline void kit_drained(struct transport *transport) {
  ((struct seen *)transport->user)->drained++;
}
static inline void kit_ending(struct transport *transport, const struct fault *fault) {
  struct seen *seen = transport->user;
  seen->ending++;
  if (fault->close != 1000) kit_write(transport, "bye", 3);
  if (!seen->answers) transport_close(transport, fault, 0);
}
static inline void kit_closed(struct transport *transport, const struct fault *fault) {
  struct seen *seen = transport->user;
  seen->fault = *fault;
  seen->closed++;
  seen->transport = NULL;
}
static const struct transport_events kit_events = {kit_block, kit_batch_end, kit_drained, kit_ending,
                                                   kit_closed};

/* Takes a transport; what is seen of it. */
static inline struct seen *kit_take(struct kit *kit, struct transport *transport) {
  struct seen *seen = &kit->seen[kit->count++];
  *seen = (struct seen){.kit = kit, .transport = transport, .peer = transport->peer, .echo = kit->echo};
  transport->events = &kit_events;
  transport->user = seen;
  return seen;
}

static inline void kit_accepted(void *user, struct transport *transport) {
  struct kit *kit = user;
  if (kit->deny)
    kit_close(transport, 4005, 0);
  else
    kit_take(kit, transport);
}
static inline void kit_server_closed(void *user, struct server *server) {
  (void)server;
  ((struct kit *)user)->server_closed = true;
}
static const struct server_events kit_server_events = {kit_accepted, kit_server_closed};

static inline struct kit *kit_open(void) {
  struct kit *kit = calloc(1, sizeof *kit);
  uv_loop_init(&kit->loop);
  kit->limits = limits_default();
  transport_env_open(&kit->env, &kit->loop, NULL, &kit->limits);
  return kit;
}

/* Closes what is left, and checks that it leaves nothing. */
static inline void kit_finish(struct kit *kit) {
  for (size_t i = 0; i < kit->count; i++) {
    if (kit->seen[i].transport) kit_close(kit->seen[i].transport, 1001, 0);
  }
  if (kit->server) server_close(kit->server);
  transport_env_close(&kit->env);
  uv_run(&kit->loop, UV_RUN_DEFAULT);
  CHECK_INT(uv_loop_close(&kit->loop), 0);
  CHECK_INT(kit->env.live_count, 0);
  for (size_t i = 0; i < kit->count; i++) {
    CHECK_INT(kit->seen[i].closed, 1);
    buf_deinit(&kit->seen[i].bytes);
  }
  free(kit);
}

static inline bool kit_turn(struct kit *kit, time_t until) {
  uv_run(&kit->loop, UV_RUN_NOWAIT);
  return time(NULL) < until;
}
#define UNTIL(kit, cond)                                                                                     \
  do {                                                                                                       \
    time_t until_ = time(NULL) + PATIENCE_S;                                                                 \
    while (!(cond) && kit_turn(kit, until_))                                                                 \
      ;                                                                                                      \
    CHECK(cond);                                                                                             \
  } while (0)

static inline bool seen_is(const struct seen *seen, const char *text) {
  bool same = slice_equal(buf_slice(&seen->bytes), slice_str(text));
  if (!same) fprintf(stderr, "  seen: '%.*s'\n", (int)seen->bytes.len, (char *)seen->bytes.data);
  return same;
}

/* ---- the far side ---- */

/* A stream transport in *seen over a socket pair; returns the far end, non-blocking. */
static inline int kit_pair(struct kit *kit, struct seen **seen) {
  struct transport *transport;
  struct peer peer;
  int fds[2];
  CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
  peer_of_unix(fds[0], &peer);
  CHECK_INT(stream_open(&transport, &kit->env, fds[0], &peer), ST_OK);
  *seen = kit_take(kit, transport);
  return fds[1];
}

/* The length and the bytes of a block. */
static inline void far_block(struct buf *out, const void *data, size_t len) {
  uint8_t header[BLOCK_HEADER];
  block_header(header, len);
  buf_put(out, header, sizeof header);
  buf_put(out, data, len);
}

static inline void far_send(int fd, const char *text) {
  struct buf block = {0};
  far_block(&block, text, strlen(text));
  CHECK_INT(send(fd, block.data, block.len, MSG_NOSIGNAL), (ssize_t)block.len);
  buf_deinit(&block);
}

/* Reads what is there; true at the end of the file, also by a reset. */
static inline bool far_read(int fd, struct buf *in) {
  ssize_t len;
  do {
    buf_reserve(in, 65536);
    len = read(fd, in->data + in->len, 65536);
    if (len > 0) in->len += (size_t)len;
  } while (len > 0);
  return len == 0 || errno != EAGAIN;
}

/* What was read, without the headers of its blocks; "(cut)" at the end if a block is not whole. */
static inline struct buf far_text(const struct buf *in, size_t *blocks) {
  struct block_reader reader;
  struct slice rest = buf_slice(in), block;
  struct buf out = {0};
  block_reader_init(&reader, UINT32_MAX);
  *blocks = 0;
  while (block_next(&reader, &rest, &block, NULL) == ST_OK) {
    buf_put(&out, block.data, block.len);
    ++*blocks;
  }
  if (block_reader_partial(&reader)) buf_put(&out, "(cut)", 5);
  block_reader_deinit(&reader);
  return out;
}

static inline bool far_is(const struct buf *in, const char *text, size_t blocks) {
  size_t count;
  struct buf got = far_text(in, &count);
  bool same = slice_equal(buf_slice(&got), slice_str(text)) && count == blocks;
  if (!same) fprintf(stderr, "  read: '%.*s' in %zu blocks\n", (int)got.len, (char *)got.data, count);
  buf_deinit(&got);
  return same;
}

/* ---- servers ---- */

static inline struct address kit_address(const char *text, const char *base) {
  struct address address;
  struct fault fault = {0};
  if (!CHECK_INT(address_parse(text, base, &address, &fault), ST_OK)) fprintf(stderr, "  %s\n", fault.text);
  return address;
}

/* A new folder of its own, in `out` of 32 bytes. */
static inline const char *kit_folder(char out[32]) {
  strcpy(out, "/tmp/ipchost-unit-XXXXXX");
  CHECK(mkdtemp(out) != NULL);
  return out;
}

static inline int far_connect_unix(const char *path) {
  struct sockaddr_un name = {.sun_family = AF_UNIX};
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  snprintf(name.sun_path, sizeof name.sun_path, "%s", path);
  if (connect(fd, (struct sockaddr *)&name, sizeof name) != 0) {
    close(fd);
    return -1;
  }
  fcntl(fd, F_SETFL, O_NONBLOCK);
  return fd;
}

/* By the port of a server's address. */
static inline int far_connect_tcp(const struct server *server) {
  struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  name.sin_port = htons((uint16_t)atoi(strrchr(server_address(server), ':') + 1));
  if (connect(fd, (struct sockaddr *)&name, sizeof name) != 0) {
    close(fd);
    return -1;
  }
  fcntl(fd, F_SETFL, O_NONBLOCK);
  return fd;
}

#endif
