/* link: see link.h. */
#include "link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "websocket.h"
#include "wire.h"

#define READ_SIZE ((size_t)256 * 1024)

static int connect_unix(const char *path) {
  struct sockaddr_un name = {.sun_family = AF_UNIX};
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (strlen(path) >= sizeof name.sun_path) fail("the path is too long: %s", path);
  memcpy(name.sun_path, path, strlen(path));
  if (fd < 0 || connect(fd, (struct sockaddr *)&name, sizeof name))
    fail("connect %s: %s", path, strerror(errno));
  return fd;
}

static int connect_tcp(const char *port) {
  struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons((uint16_t)strtoul(port, NULL, 10))};
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int one = 1;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0 || connect(fd, (struct sockaddr *)&name, sizeof name))
    fail("connect port %s: %s", port, strerror(errno));
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return fd;
}

size_t link_begin(struct link *link) {
  return link->websocket ? websocket_begin(&link->out) : wire_begin(&link->out);
}

void link_end(struct link *link, size_t begin) {
  if (link->websocket)
    websocket_end(&link->out, begin);
  else
    wire_end(&link->out, begin);
}

static bool next_block(const struct link *link, struct slice *in, struct slice *block) {
  return link->websocket ? websocket_block(in, block) : wire_block(in, block);
}

static void read_more(struct link *link) {
  if (buf_reserve(&link->in, READ_SIZE) != ST_OK) fail("out of memory");
  ssize_t count = read(link->fd, link->in.data + link->in.len, READ_SIZE);
  if (count == 0) fail("the server closed the connection");
  if (count < 0 && errno != EAGAIN && errno != EINTR) fail("read: %s", strerror(errno));
  if (count > 0) link->in.len += (size_t)count;
}

static void consume(struct link *link, struct slice rest) {
  memmove(link->in.data, rest.data, rest.len);
  link->in.len = rest.len;
}

static void await_welcome(struct link *link) {
  for (;;) {
    struct slice in, block;
    struct wire_packet packet;
    read_more(link);
    in = buf_slice(&link->in);
    if (!next_block(link, &in, &block)) continue;
    while (wire_next(&block, &packet)) {
      if (packet.kind == WIRE_BYE)
        fail("bye %u: %.*s", (unsigned)packet.call, (int)packet.payload.len, packet.payload.data);
      if (packet.kind == WIRE_WELCOME) {
        consume(link, in);
        return;
      }
    }
    consume(link, in);
  }
}

static void open_websocket(struct link *link, const char *port) {
  link->fd = connect_tcp(port);
  link->websocket = true;
  websocket_upgrade(link->fd, port);
}

void link_open(struct link *link, const char *address) {
  const char *port = strrchr(address, ':');
  *link = (struct link){0};
  if (strncmp(address, "unix:", 5) == 0)
    link->fd = connect_unix(address + 5);
  else if (strncmp(address, "tcp://127.0.0.1:", 16) == 0)
    link->fd = connect_tcp(port + 1);
  else if (strncmp(address, "http://127.0.0.1:", 17) == 0)
    open_websocket(link, port + 1);
  else
    fail("not an address: %s", address);
  size_t begin = link_begin(link);
  wire_put_hello(&link->out);
  link_end(link, begin);
  if (!link_write(link)) fail("hello was cut");
  await_welcome(link);
}

void link_close(struct link *link) {
  close(link->fd);
  buf_deinit(&link->in);
  buf_deinit(&link->out);
}

void link_set_nonblocking(struct link *link) {
  if (fcntl(link->fd, F_SETFL, O_NONBLOCK)) fail("fcntl: %s", strerror(errno));
}

void link_fill(struct link *link, struct job *job, uint64_t count) {
  if (count > job->to_send) count = job->to_send;
  if (!count) return;
  size_t begin = link_begin(link);
  for (uint64_t i = 0; i < count; i++) wire_put_invoke(&link->out, ++link->calls, job->payload);
  link_end(link, begin);
  job->to_send -= count;
  link->in_flight += count;
}

bool link_write(struct link *link) {
  if (!link->out.len) return true;
  ssize_t count = write(link->fd, link->out.data, link->out.len);
  if (count < 0 && errno != EAGAIN && errno != EINTR) fail("write: %s", strerror(errno));
  if (count <= 0) return false;
  link->out.len -= (size_t)count;
  memmove(link->out.data, link->out.data + count, link->out.len);
  return link->out.len == 0;
}

static void check_reply(const struct job *job, const struct wire_packet *packet, uint64_t calls) {
  struct slice sent = slice_of(job->payload.data + 1, job->payload.len - 1);
  if (packet->status != 0) fail("an error: %.*s", (int)packet->payload.len, packet->payload.data);
  if (packet->call == 0 || packet->call > calls) fail("a reply to a call that was not made");
  if (packet->payload.len != sent.len) fail("a reply of %zu bytes for %zu", packet->payload.len, sent.len);
  if (job->exact && !slice_equal(packet->payload, sent)) fail("a reply of other bytes");
}

/* Reads, and gives each packet of that kind to `take`; returns how many there were. */
static uint64_t read_packets(struct link *link, uint64_t kind,
                             void (*take)(struct link *link, const struct wire_packet *packet, void *user),
                             void *user) {
  uint64_t count = 0;
  struct slice block;
  read_more(link);
  struct slice in = buf_slice(&link->in);
  while (next_block(link, &in, &block)) {
    struct wire_packet packet;
    while (wire_next(&block, &packet)) {
      if (packet.kind == WIRE_BYE)
        fail("bye %u: %.*s", (unsigned)packet.call, (int)packet.payload.len, packet.payload.data);
      if (packet.kind != kind) continue;
      take(link, &packet, user);
      count++;
    }
  }
  consume(link, in);
  return count;
}

static void take_reply(struct link *link, const struct wire_packet *packet, void *user) {
  check_reply(user, packet, link->calls);
}

uint64_t link_read(struct link *link, struct job *job) {
  uint64_t replies = read_packets(link, WIRE_REPLY, take_reply, job);
  link->in_flight -= replies;
  job->to_receive -= replies;
  return replies;
}

struct found {
  uint64_t call;
  size_t len;
};

static void take_found(struct link *link, const struct wire_packet *packet, void *user) {
  (void)link;
  *(struct found *)user = (struct found){packet->call, packet->payload.len};
}

uint64_t link_read_kind(struct link *link, uint64_t kind, uint64_t *call, size_t *len) {
  struct found last = {0};
  uint64_t count = read_packets(link, kind, take_found, &last);
  if (!count) return 0;
  *call = last.call;
  *len = last.len;
  return count;
}
