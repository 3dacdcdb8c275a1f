/* An HTTP server and its WebSockets over real sockets: answers, keep-alive and pipelining, the upgrade,
 * frames in and out, the closing handshake. */
#include <arpa/inet.h>
#include <signal.h>
#include <sys/resource.h>

#include "transport/http.h"
#include "transport_kit.h"
#include "websocket_frames.h"

#define KEY "dGhlIHNhbXBsZSBub25jZQ=="

static enum status admit(void *user, const struct peer *peer, struct slice token, struct fault *fault) {
  const bool *open = user;
  if (*open || slice_equal(token, slice_str("sesame"))) return ST_OK;
  return fault_set(fault, ST_DENIED, 1008, "ERR_DENIED", "403: peer uid %u is not 1", (unsigned)peer->uid);
}

static const struct http_asset assets[] = {
    {"/ipchost/renderer.js", "text/javascript; charset=utf-8", {(const uint8_t *)"export {}", 9}},
    {NULL, NULL, {NULL, 0}}};
static const char *const origins[] = {"https://app.example", NULL};

/* A kit with a server, and a folder of pages. */
struct page_kit {
  struct kit *kit;
  struct http_options options;
  bool admits;
  char folder[32], port[8];
};

static void put_page(const struct page_kit *pages, const char *name, const char *text, size_t len) {
  char path[64];
  int fd;
  snprintf(path, sizeof path, "%s/%s", pages->folder, name);
  fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0644);
  CHECK_INT(write(fd, text, len), (ssize_t)len);
  close(fd);
}

static void pages_open(struct page_kit *pages) {
  struct address address = kit_address("http://127.0.0.1:0", "/");
  struct fault fault = {0};
  *pages = (struct page_kit){.kit = kit_open(), .admits = true};
  kit_folder(pages->folder);
  pages->options = (struct http_options){
      .public = pages->folder, .origins = origins, .assets = assets, .admit = admit, .user = &pages->admits};
  pages->kit->env.http = &pages->options;
  CHECK_INT(
      server_open(&pages->kit->server, &pages->kit->env, &address, &kit_server_events, pages->kit, &fault),
      ST_OK);
  CHECK_INT(strncmp(server_address(pages->kit->server), "http://127.0.0.1:", 17), 0);
  snprintf(pages->port, sizeof pages->port, "%s", strrchr(server_address(pages->kit->server), ':') + 1);
  put_page(pages, "index.html", "<p>hello", 8);
}

static void pages_finish(struct page_kit *pages) {
  char command[64];
  kit_finish(pages->kit);
  snprintf(command, sizeof command, "rm -r %s", pages->folder);
  CHECK_INT(system(command), 0);
}

/* ---- requests ---- */

static void say(int far, const char *text) {
  CHECK_INT(send(far, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* A request with a Host header and what `more` has. */
static void ask(const struct page_kit *pages, int far, const char *line, const char *more) {
  char text[2048];
  snprintf(text, sizeof text, "%s\r\nHost: localhost:%s\r\n%s\r\n", line, pages->port, more);
  say(far, text);
}

static bool has(const struct buf *in, const char *text) {
  return in->len && memmem(in->data, in->len, text, strlen(text));
}

static bool ends_with(const struct buf *in, const char *text) {
  size_t len = strlen(text);
  return in->len >= len && memcmp(in->data + in->len - len, text, len) == 0;
}

/* Reads until it ends so. */
static void until_ends(struct page_kit *pages, int far, struct buf *in, const char *text) {
  UNTIL(pages->kit, (far_read(far, in), ends_with(in, text)));
  if (!ends_with(in, text)) fprintf(stderr, "  read: '%.*s'\n", (int)in->len, (char *)in->data);
}

/* One request on a connection of its own; true if the answer, read to its end, has the text. */
static bool answers(struct page_kit *pages, const char *line, const char *more, const char *text) {
  int far = far_connect_tcp(pages->kit->server);
  char closing[1024];
  struct buf in = {0};
  bool found;
  snprintf(closing, sizeof closing, "%sConnection: close\r\n", more);
  ask(pages, far, line, closing);
  UNTIL(pages->kit, far_read(far, &in));
  found = has(&in, text) && has(&in, "\r\nX-Content-Type-Options: nosniff\r\n");
  if (!found) fprintf(stderr, "  %s %s\n  read: '%.*s'\n", line, more, (int)in.len, (char *)in.data);
  buf_deinit(&in);
  close(far);
  return found;
}

TEST(pages_and_refusals) {
  struct page_kit pages;
  pages_open(&pages);
  CHECK(answers(&pages, "GET / HTTP/1.1", "", "HTTP/1.1 200 OK\r\n"));
  CHECK(answers(&pages, "GET / HTTP/1.1", "", "\r\nContent-Type: text/html; charset=utf-8\r\n"));
  CHECK(answers(&pages, "GET / HTTP/1.1", "",
                "\r\nContent-Security-Policy: frame-ancestors 'self' https://app.example\r\n"));
  CHECK(answers(&pages, "GET /index.html HTTP/1.1", "", "\r\n\r\n<p>hello"));
  CHECK(
      answers(&pages, "GET /index.html HTTP/1.1", "Range: bytes=3-4\r\n", "Content-Range: bytes 3-4/8\r\n"));
  CHECK(answers(&pages, "GET /index.html HTTP/1.1", "Range: bytes=3-4\r\n", "\r\n\r\nhe"));
  CHECK(answers(&pages, "GET / HTTP/1.1", "Range: bytes=8-\r\n", "HTTP/1.1 416 Range Not Satisfiable\r\n"));
  CHECK(answers(&pages, "GET / HTTP/1.1", "If-None-Match: *\r\n", "HTTP/1.1 304 Not Modified\r\n"));
  CHECK(answers(&pages, "GET /none HTTP/1.1", "", "HTTP/1.1 404 Not Found\r\n"));
  CHECK(answers(&pages, "GET /../etc/passwd HTTP/1.1", "", "HTTP/1.1 404 Not Found\r\n"));
  CHECK(answers(&pages, "PUT / HTTP/1.1", "", "\r\nAllow: GET, HEAD\r\n"));
  CHECK(answers(&pages, "POST / HTTP/1.1", "Content-Length: 3\r\n", "HTTP/1.1 405 Method Not Allowed\r\n"));
  CHECK(answers(&pages, "GET / HTTP/1.1", "Content-Length: 3\r\n", "HTTP/1.1 413 Content Too Large\r\n"));
  CHECK(answers(&pages, "GET / HTTP/1.1", "Origin: http://evil.example\r\n",
                "403: Origin 'http://evil.example' is not allowed; add it to security.origins\n"));
  CHECK(answers(&pages, "GET / HTTP/1.1", "Host: evil.example\r\n", "HTTP/1.1 400 Bad Request\r\n"));
  CHECK(answers(&pages, "GET /ipchost HTTP/1.1", "", "HTTP/1.1 426 Upgrade Required\r\n"));
  CHECK(answers(&pages, "GET /ipchost HTTP/1.1", "",
                "\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n"));
  pages_finish(&pages);
}

TEST(a_rebound_host) {
  struct page_kit pages;
  struct buf in = {0};
  int far;
  pages_open(&pages);
  far = far_connect_tcp(pages.kit->server);
  say(far, "GET / HTTP/1.1\r\nHost: evil.example:80\r\nConnection: close\r\n\r\n");
  until_ends(&pages, far, &in, "421: Host 'evil.example:80' is not allowed; add it to security.hosts\n");
  CHECK(has(&in, "HTTP/1.1 421 Misdirected Request\r\n"));
  buf_deinit(&in);
  close(far);
  pages_finish(&pages);
}

TEST(peers_that_are_not_admitted) {
  struct page_kit pages;
  pages_open(&pages);
  pages.admits = false;
  CHECK(answers(&pages, "GET / HTTP/1.1", "", "HTTP/1.1 403 Forbidden\r\n"));
  CHECK(answers(&pages, "GET / HTTP/1.1", "", "is not 1\n"));
  CHECK(answers(&pages, "GET / HTTP/1.1", "Authorization: Bearer wrong\r\n", "HTTP/1.1 403 Forbidden\r\n"));
  CHECK(answers(&pages, "GET / HTTP/1.1", "Authorization: Bearer sesame\r\n", "HTTP/1.1 200 OK\r\n"));
  pages_finish(&pages);
}

TEST(the_clients_files) {
  struct page_kit pages;
  pages_open(&pages);
  CHECK(answers(&pages, "GET /ipchost/renderer.js HTTP/1.1", "", "\r\n\r\nexport {}"));
  CHECK(answers(&pages, "GET /ipchost/renderer.js HTTP/1.1", "", "\r\nVary: Origin\r\n"));
  CHECK(answers(&pages, "GET /ipchost/renderer.js HTTP/1.1", "Origin: https://app.example\r\n",
                "\r\nAccess-Control-Allow-Origin: https://app.example\r\n"));
  CHECK(answers(&pages, "GET /ipchost/renderer.js HTTP/1.1", "Range: bytes=-2\r\n", "\r\n\r\n{}"));
  CHECK(answers(&pages, "GET /ipchost/renderer.js HTTP/1.1", "If-None-Match: *\r\n", "HTTP/1.1 304 "));
  CHECK(answers(&pages, "OPTIONS /ipchost/renderer.js HTTP/1.1", "Origin: https://app.example\r\n",
                "\r\nAccess-Control-Allow-Methods: GET, HEAD\r\n"));
  CHECK(answers(&pages, "GET /ipchost/other.js HTTP/1.1", "", "HTTP/1.1 404 Not Found\r\n"));
  pages_finish(&pages);
}

TEST(requests_in_one_piece_are_answered_in_order) {
  struct page_kit pages;
  struct buf in = {0};
  char text[512];
  int far;
  pages_open(&pages);
  put_page(&pages, "a", "first", 5);
  put_page(&pages, "b", "second", 6);
  far = far_connect_tcp(pages.kit->server);
  snprintf(text, sizeof text,
           "GET /a HTTP/1.1\r\nHost: localhost:%s\r\n\r\nHEAD /a HTTP/1.1\r\nHost: localhost:%s\r\n\r\n"
           "GET /b HTTP/1.1\r\nHost: localhost:%s\r\n\r\n",
           pages.port, pages.port, pages.port);
  say(far, text);
  until_ends(&pages, far, &in, "\r\n\r\nsecond");
  CHECK(has(&in, "\r\n\r\nfirstHTTP/1.1 200 OK\r\n") && has(&in, "\r\n\r\nHTTP/1.1 200 OK\r\n"));
  in.len = 0;
  for (const char *c = text; *c; c++) { /* byte by byte, on the same connection */
    CHECK_INT(send(far, c, 1, MSG_NOSIGNAL), 1);
    kit_turn(pages.kit, 0);
  }
  until_ends(&pages, far, &in, "\r\n\r\nsecond");
  CHECK(has(&in, "\r\n\r\nfirstHTTP/1.1 200 OK\r\n"));
  buf_deinit(&in);
  close(far);
  pages_finish(&pages);
}

/* A file that no socket takes at once comes whole, while the far side reads. */
TEST(a_large_file) {
  struct page_kit pages;
  size_t len = 8 * 1024 * 1024;
  char *text = malloc(len);
  struct buf in = {0};
  int far;
  for (size_t i = 0; i < len; i++) text[i] = (char)(i * 31 >> 3);
  pages_open(&pages);
  put_page(&pages, "large", text, len);
  far = far_connect_tcp(pages.kit->server);
  ask(&pages, far, "GET /large HTTP/1.1", "Connection: close\r\n");
  for (int i = 0; i < 20; i++) kit_turn(pages.kit, 0);
  UNTIL(pages.kit, far_read(far, &in));
  CHECK(in.len > len && memcmp(in.data + in.len - len, text, len) == 0);
  free(text);
  buf_deinit(&in);
  close(far);
  pages_finish(&pages);
}

TEST(a_request_that_does_not_end) {
  struct page_kit pages;
  struct buf in = {0};
  int far, silent;
  pages_open(&pages);
  pages.kit->limits.handshake = 50;
  far = far_connect_tcp(pages.kit->server);
  silent = far_connect_tcp(pages.kit->server);
  say(far, "GET / HTTP/1.1\r\n");
  UNTIL(pages.kit, far_read(far, &in));
  CHECK(has(&in, "HTTP/1.1 408 Request Timeout\r\n"));
  CHECK(ends_with(&in, "408: limits.handshake (50 ms) exceeded: the request is not whole\n"));
  in.len = 0;
  UNTIL(pages.kit, far_read(silent, &in));
  CHECK_INT(in.len, 0);
  buf_deinit(&in);
  close(far);
  close(silent);
  pages_finish(&pages);
}

/* Lets that much time go by on the loop: what is looked at is what its timers do. */
static void pass(struct page_kit *pages, unsigned ms) {
  uint64_t until = uv_now(&pages->kit->loop) + ms;
  while (uv_now(&pages->kit->loop) < until) kit_turn(pages->kit, 0);
}

static bool open_after(struct page_kit *pages, int far, unsigned ms) {
  struct buf in = {0};
  uint64_t until = uv_now(&pages->kit->loop) + ms;
  bool ended = false;
  while (!ended && uv_now(&pages->kit->loop) < until) {
    kit_turn(pages->kit, 0);
    ended = far_read(far, &in);
  }
  buf_deinit(&in);
  return !ended;
}

/* Between requests, and for a peer that reads nothing, it is limits.idle that counts. */
TEST(connections_that_do_nothing) {
  struct page_kit pages;
  size_t len = 16 * 1024 * 1024;
  char *text = calloc(1, len);
  struct buf in = {0};
  int far, stalled, small = 65536;
  pages_open(&pages);
  put_page(&pages, "large", text, len);
  pages.kit->limits.handshake = 20;
  pages.kit->limits.idle = 300;
  stalled = far_connect_tcp(pages.kit->server);
  setsockopt(stalled, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  ask(&pages, stalled, "GET /large HTTP/1.1", "");
  far = far_connect_tcp(pages.kit->server);
  ask(&pages, far, "GET / HTTP/1.1", "");
  until_ends(&pages, far, &in, "<p>hello");
  CHECK(open_after(&pages, far, 100));
  CHECK(!open_after(&pages, far, 2000));
  pass(&pages, 1000); /* its sockets fill up meanwhile, which is progress; then its time runs */
  UNTIL(pages.kit, far_read(stalled, &in));
  CHECK(in.len < len);
  free(text);
  buf_deinit(&in);
  close(far);
  close(stalled);
  pages_finish(&pages);
}

TEST(more_connections_than_allowed) {
  struct page_kit pages;
  struct buf in = {0};
  int far, second;
  pages_open(&pages);
  pages.kit->limits.connections = 1;
  far = far_connect_tcp(pages.kit->server);
  second = far_connect_tcp(pages.kit->server);
  UNTIL(pages.kit, far_read(second, &in));
  CHECK(has(&in, "HTTP/1.1 503 Service Unavailable\r\n"));
  CHECK(ends_with(&in, "503: limits.connections (1) exceeded\n"));
  in.len = 0;
  ask(&pages, far, "GET / HTTP/1.1", "");
  until_ends(&pages, far, &in, "<p>hello");
  buf_deinit(&in);
  close(far);
  close(second);
  pages_finish(&pages);
}

TEST(no_descriptor_for_a_file) {
  struct page_kit pages;
  struct rlimit all, none;
  struct buf in = {0};
  int far;
  pages_open(&pages);
  far = far_connect_tcp(pages.kit->server);
  ask(&pages, far, "GET / HTTP/1.1", "");
  until_ends(&pages, far, &in, "<p>hello");
  in.len = 0;
  getrlimit(RLIMIT_NOFILE, &all);
  none = (struct rlimit){.rlim_cur = 3, .rlim_max = all.rlim_max};
  setrlimit(RLIMIT_NOFILE, &none);
  ask(&pages, far, "GET / HTTP/1.1", "");
  UNTIL(pages.kit, (far_read(far, &in), has(&in, "\n503: no file can be opened now")));
  setrlimit(RLIMIT_NOFILE, &all);
  in.len = 0;
  ask(&pages, far, "GET / HTTP/1.1", "");
  until_ends(&pages, far, &in, "<p>hello");
  buf_deinit(&in);
  close(far);
  pages_finish(&pages);
}

TEST(what_is_no_request) {
  struct page_kit pages;
  struct buf in = {0};
  int far;
  pages_open(&pages);
  far = far_connect_tcp(pages.kit->server);
  say(far, "\x16\x03\x01");
  UNTIL(pages.kit, far_read(far, &in));
  CHECK(has(&in, "HTTP/1.1 400 Bad Request\r\n") && has(&in, "\r\nConnection: close\r\n"));
  buf_deinit(&in);
  close(far);
  pages_finish(&pages);
}

/* ---- WebSockets ---- */

static int upgrade(struct page_kit *pages, const char *more) {
  int far = far_connect_tcp(pages->kit->server);
  struct buf in = {0};
  char text[512];
  snprintf(text, sizeof text,
           "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " KEY
           "\r\n%s",
           more);
  ask(pages, far, "GET /ipchost HTTP/1.1", text);
  until_ends(pages, far, &in, "\r\n\r\n");
  CHECK(has(&in, "HTTP/1.1 101 Switching Protocols\r\n"));
  CHECK(has(&in, "\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
  buf_deinit(&in);
  return far;
}

static void say_frame(int far, uint8_t first, const void *data, size_t len) {
  struct buf frame = {0};
  put_frame(&frame, first, slice_of(data, len));
  CHECK_INT(send(far, frame.data, frame.len, MSG_NOSIGNAL), (ssize_t)frame.len);
  buf_deinit(&frame);
}

/* What came is exactly this. */
static void hears(struct page_kit *pages, int far, const void *data, size_t len) {
  struct buf in = {0};
  UNTIL(pages->kit, (far_read(far, &in), in.len >= len));
  CHECK(slice_equal(buf_slice(&in), slice_of(data, len)));
  buf_deinit(&in);
}

TEST(messages_go_both_ways) {
  struct page_kit pages;
  struct seen *seen;
  int far;
  pages_open(&pages);
  pages.kit->echo = true;
  far = upgrade(&pages, "Origin: https://app.example\r\n");
  UNTIL(pages.kit, pages.kit->count == 1);
  seen = &pages.kit->seen[0];
  CHECK_STR(seen->transport->peer.origin, "https://app.example");
  CHECK_STR(transport_kind_name(seen->peer.kind), "ws");
  CHECK(seen->peer.local && seen->peer.uid_known && seen->peer.uid == geteuid());
  say_frame(far, 0x82, "one", 3);
  hears(&pages, far, "\x82\x03one", 5);
  say_frame(far, 0x02, "t", 1);
  say_frame(far, 0x89, "ping", 4);
  say_frame(far, 0x80, "wo", 2);
  hears(&pages, far, "\x8a\x04ping\x82\x03two", 11);
  CHECK(seen_is(seen, "one|two|"));
  say_frame(far, 0x88,
            "\x03\xe8"
            "bye",
            5);
  UNTIL(pages.kit, seen->closed);
  CHECK_INT(seen->fault.close, 1000);
  close(far);
  pages_finish(&pages);
}

TEST(long_messages_have_longer_headers) {
  struct page_kit pages;
  size_t len = 70000;
  char *text = malloc(len);
  struct buf in = {0};
  int far;
  memset(text, 'x', len);
  pages_open(&pages);
  pages.kit->echo = true;
  far = upgrade(&pages, "");
  say_frame(far, 0x82, text, 300);
  UNTIL(pages.kit, (far_read(far, &in), in.len == 304));
  CHECK(in.len == 304 && memcmp(in.data, "\x82\x7e\x01\x2c", 4) == 0);
  in.len = 0;
  say_frame(far, 0x82, text, len);
  UNTIL(pages.kit, (far_read(far, &in), in.len == len + 10));
  CHECK(in.len == len + 10 && memcmp(in.data, "\x82\x7f\0\0\0\0\0\x01\x11\x70", 10) == 0);
  CHECK(memcmp(in.data + 10, text, len) == 0);
  buf_deinit(&in);
  free(text);
  close(far);
  pages_finish(&pages);
}

/* Sends bytes; the answer is the user's last word, if it has one, a close frame with this code, and the end.
 */
static void breaks(struct page_kit *pages, const char *bytes, size_t len, int code, bool bye) {
  size_t at = pages->kit->count, from = bye ? 5 : 0;
  int far = upgrade(pages, "");
  struct buf in = {0};
  CHECK_INT(send(far, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
  UNTIL(pages->kit, far_read(far, &in));
  CHECK(!bye || (in.len >= 5 && memcmp(in.data,
                                       "\x82\x03"
                                       "bye",
                                       5) == 0));
  if (CHECK(in.len >= from + 4 && in.data[from] == 0x88))
    CHECK_INT(in.data[from + 2] << 8 | in.data[from + 3], code);
  close(far);
  UNTIL(pages->kit, pages->kit->seen[at].closed);
  CHECK_INT(pages->kit->seen[at].fault.close, code);
  buf_deinit(&in);
}

TEST(broken_frames_close_with_their_code_and_others_live) {
  struct page_kit pages;
  int other;
  pages_open(&pages);
  pages.kit->echo = true;
  pages.kit->limits.packet = 1000;
  other = upgrade(&pages, "");
  breaks(&pages, "\x82\x01x", 3, 1002, true);
  breaks(&pages, "\xc2\x80mask", 6, 1002, true);
  breaks(&pages, "\x81\x80mask", 6, 1003, true);
  breaks(&pages, "\x82\xfe\xff\xff", 4, 1009, true);
  breaks(&pages, "\x88\x81\0\0\0\0x", 7, 1002, false);
  breaks(&pages, "\x88\x82\0\0\0\0\x03\xee", 8, 1002, false); /* 1006 */
  breaks(&pages, "\x88\x83\0\0\0\0\x03\xe8\xff", 9, 1007, false);
  breaks(&pages, "\x88\x82\0\0\0\0\x0f\xa1", 8, 4001, false); /* a code of its own is echoed */
  say_frame(other, 0x82, "alive", 5);
  hears(&pages, other,
        "\x82\x05"
        "alive",
        7);
  close(other);
  pages_finish(&pages);
}

TEST(our_close_waits_for_the_peers) {
  struct page_kit pages;
  struct buf in = {0};
  int far;
  pages_open(&pages);
  far = upgrade(&pages, "");
  UNTIL(pages.kit, pages.kit->count == 1);
  kit_write(pages.kit->seen[0].transport, "last", 4);
  kit_close(pages.kit->seen[0].transport, 4003, 0);
  UNTIL(pages.kit, (far_read(far, &in), has(&in, "as the test wants")));
  CHECK(memcmp(in.data, "\x82\x04last\x88\x13\x0f\xa3", 10) == 0);
  CHECK_INT(pages.kit->seen[0].closed, 0);
  say_frame(far, 0x88, "\x0f\xa3", 2);
  close(far);
  UNTIL(pages.kit, pages.kit->seen[0].closed);
  buf_deinit(&in);
  pages_finish(&pages);
}

TEST(an_end_without_a_close_is_a_loss) {
  struct page_kit pages;
  int far;
  pages_open(&pages);
  far = upgrade(&pages, "");
  UNTIL(pages.kit, pages.kit->count == 1);
  close(far);
  UNTIL(pages.kit, pages.kit->seen[0].closed);
  CHECK_INT(pages.kit->seen[0].fault.close, 1006);
  pages_finish(&pages);
}

/* Whoever pings and reads nothing is not answered without end. */
TEST(a_flood_of_pings_is_bounded) {
  struct page_kit pages;
  struct buf pings = {0};
  int far, small = 4096;
  pages_open(&pages);
  pages.kit->limits.outbound = 100000;
  far = upgrade(&pages, "");
  setsockopt(far, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  UNTIL(pages.kit, pages.kit->count == 1);
  for (int i = 0; i < 500; i++)
    put_frame(&pings, 0x89, slice_str("a ping of some length, that is to come back"));
  for (int i = 0; i < 400; i++) {
    (void)send(far, pings.data, pings.len, MSG_NOSIGNAL | MSG_DONTWAIT);
    kit_turn(pages.kit, 0);
    if (!CHECK(pages.kit->seen[0].transport && pages.kit->seen[0].transport->queued <= 100000 + 127)) break;
  }
  buf_deinit(&pings);
  close(far);
  pages_finish(&pages);
}

TEST(upgrades_that_are_refused) {
  struct page_kit pages;
  pages_open(&pages);
#define UPGRADE "Connection: Upgrade\r\nUpgrade: websocket\r\n"
  CHECK(answers(&pages, "GET /ipchost HTTP/1.1",
                UPGRADE "Sec-WebSocket-Version: 8\r\nSec-WebSocket-Key: " KEY "\r\n",
                "\r\nSec-WebSocket-Version: 13\r\n"));
  CHECK(answers(&pages, "GET /ipchost HTTP/1.1",
                UPGRADE "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n",
                "HTTP/1.1 400 Bad Request\r\n"));
  CHECK(answers(&pages, "GET /ipchost HTTP/1.1", UPGRADE "Sec-WebSocket-Version: 13\r\n",
                "HTTP/1.1 400 Bad Request\r\n"));
  CHECK(answers(&pages, "POST /ipchost HTTP/1.1", UPGRADE, "\r\nAllow: GET\r\n"));
  CHECK(answers(&pages, "GET /ipchost HTTP/1.1",
                UPGRADE "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " KEY "\r\nOrigin: null\r\n",
                "403: Origin 'null' is not allowed; add it to security.origins\n"));
  CHECK_INT(pages.kit->count, 0);
  pages_finish(&pages);
}

TEST(bytes_before_the_handshake_is_done) {
  struct page_kit pages;
  struct buf in = {0};
  char text[512];
  int far;
  pages_open(&pages);
  far = far_connect_tcp(pages.kit->server);
  snprintf(text, sizeof text,
           "GET /ipchost HTTP/1.1\r\nHost: localhost:%s\r\n" UPGRADE
           "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " KEY "\r\n\r\nGET / HTTP/1.1\r\n",
           pages.port);
  say(far, text);
  UNTIL(pages.kit, far_read(far, &in));
  CHECK(has(&in, "HTTP/1.1 400 Bad Request\r\n") && !has(&in, "101"));
  buf_deinit(&in);
  close(far);
  pages_finish(&pages);
}

int main(void) {
  signal(SIGPIPE, SIG_IGN); /* as the host does */
  RUN(pages_and_refusals);
  RUN(a_rebound_host);
  RUN(peers_that_are_not_admitted);
  RUN(the_clients_files);
  RUN(requests_in_one_piece_are_answered_in_order);
  RUN(a_large_file);
  RUN(a_request_that_does_not_end);
  RUN(connections_that_do_nothing);
  RUN(more_connections_than_allowed);
  RUN(no_descriptor_for_a_file);
  RUN(what_is_no_request);
  RUN(messages_go_both_ways);
  RUN(long_messages_have_longer_headers);
  RUN(broken_frames_close_with_their_code_and_others_live);
  RUN(our_close_waits_for_the_peers);
  RUN(an_end_without_a_close_is_a_loss);
  RUN(a_flood_of_pings_is_bounded);
  RUN(upgrades_that_are_refused);
  RUN(bytes_before_the_handshake_is_done);
  return check_end();
}
