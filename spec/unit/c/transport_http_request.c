/* transport/http_request: heads as browsers send them, and every shape that two readers could read
 * differently. */
#include <stdlib.h>

#include "check.h"
#include "transport/http_request.h"

static struct http_request request;
static struct http_refusal refusal;

/* 0: it was read; else the status of the refusal; -1: more is needed. However it is cut, the end is found at
 * the same place. */
static int parse(const char *text, size_t len) {
  struct http_head whole = {0};
  enum status status = http_head_scan(&whole, slice_of(text, len), &refusal);
  struct http_head cut = {0};
  enum status cut_status = ST_MORE;
  for (size_t i = 1; i <= len && cut_status == ST_MORE; i++)
    cut_status = http_head_scan(&cut, slice_of(text, i), &refusal);
  CHECK_INT(status, cut_status);
  CHECK_INT(whole.end, cut.end);
  if (status == ST_MORE) return -1;
  if (status != ST_OK) return refusal.status;
  status = http_request_parse(slice_of(text + whole.start, whole.end - whole.start), &request, &refusal);
  return status == ST_OK ? 0 : refusal.status;
}

/* A GET of / with these headers, each line with its end. */
static int headers(const char *lines) {
  static char text[1024]; /* what was read borrows it */
  int len = snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: h\r\n%s\r\n", lines);
  return parse(text, (size_t)len);
}

static int line(const char *first) {
  static char text[1024]; /* what was read borrows it */
  int len = snprintf(text, sizeof text, "%s\r\nHost: h\r\n\r\n", first);
  return parse(text, (size_t)len);
}

static bool is(struct slice value, const char *text) {
  return value.data && slice_equal(value, slice_str(text));
}

TEST(a_browsers_request) {
  CHECK_INT(headers("Connection: keep-alive\r\nOrigin:  http://h \r\nIF-NONE-MATCH: \"a\", \"b\"\r\n"
                    "Range: bytes=0-1\r\nX-Other: \xc3\xa4\r\nEmpty:\r\n"),
            0);
  CHECK_INT(request.verb, VERB_GET);
  CHECK(is(request.path, "/") && is(request.host, "h") && is(request.origin, "http://h"));
  CHECK(is(request.if_none_match, "\"a\", \"b\"") && is(request.range, "bytes=0-1"));
  CHECK(request.keep_alive && !request.websocket && !request.chunked && !request.content_length);
  CHECK(!request.query.data && !request.if_range.data);
}

TEST(an_upgrade) {
  CHECK_INT(headers("Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Key: k\r\n"
                    "Sec-WebSocket-Version: 13\r\n"),
            0);
  CHECK(request.websocket && is(request.websocket_key, "k") && is(request.websocket_version, "13"));
  CHECK_INT(headers("Upgrade: websocket\r\n"), 0);
  CHECK(!request.websocket);
  CHECK_INT(line("GET / HTTP/1.0\r\nConnection: Upgrade\r\nUpgrade: websocket"), 0);
  CHECK(!request.websocket);
  CHECK_INT(headers("Connection: Upgrade\r\nUpgrade: h2c\r\n"), 0);
  CHECK(!request.websocket);
  CHECK_INT(headers("Connection: Upgrade\r\nUpgrade: h2c, websocket\r\n"), 0);
  CHECK(request.websocket);
}

TEST(targets) {
  CHECK_INT(line("HEAD /a/b.c?d=e?f HTTP/1.1"), 0);
  CHECK_INT(request.verb, VERB_HEAD);
  CHECK(is(request.path, "/a/b.c") && is(request.query, "d=e?f"));
  CHECK_INT(line("GET http://h/x?y HTTP/1.1"), 0);
  CHECK(is(request.path, "/x") && is(request.query, "y"));
  CHECK_INT(line("GET HTTP://H HTTP/1.1"), 0);
  CHECK(is(request.path, "/"));
  CHECK_INT(line("GET http://h?y HTTP/1.1"), 0);
  CHECK(is(request.path, "/") && is(request.query, "y"));
  CHECK_INT(line("OPTIONS * HTTP/1.1"), 0);
  CHECK(is(request.path, "*"));
  CHECK_INT(line("GET http://other/x HTTP/1.1"), 400);
  CHECK_INT(line("GET http://user@h/x HTTP/1.1"), 400);
  CHECK_INT(line("GET https://h/x HTTP/1.1"), 400);
  CHECK_INT(line("GET x HTTP/1.1"), 400);
  CHECK_INT(line("GET /x#y HTTP/1.1"), 400);
  CHECK_INT(line("GET  HTTP/1.1"), 400);
  CHECK_INT(line("GET  / HTTP/1.1"), 400);
  CHECK_INT(line("GET /  HTTP/1.1"), 400);
  CHECK_INT(line("GET / HTTP/1.1 "), 400);
  CHECK_INT(line("GET\t/ HTTP/1.1"), 400);
  CHECK_INT(line("GET / x HTTP/1.1"), 400);
  CHECK_INT(line("CONNECT h:80 HTTP/1.1"), 400);
}

TEST(methods) {
  CHECK_INT(line("POST / HTTP/1.1"), 0);
  CHECK_INT(request.verb, VERB_POST);
  CHECK_INT(line("DELETE / HTTP/1.1"), 0);
  CHECK_INT(request.verb, VERB_OTHER);
  CHECK_INT(line("BREW / HTTP/1.1"), 405);
  CHECK_INT(line("get / HTTP/1.1"), 405);
  CHECK_INT(line("garbage"), 400);
  CHECK_INT(line("GET/ HTTP/1.1"), 400);
}

TEST(versions) {
  CHECK_INT(line("GET / HTTP/1.0"), 0);
  CHECK(!request.keep_alive);
  CHECK_INT(line("GET / HTTP/0.9"), 400);
  CHECK_INT(line("GET / HTTP/2.0"), 400);
  CHECK_INT(line("GET / HTTP/1.2"), 400);
  CHECK_INT(line("GET /"), 400);
  CHECK_INT(line("PRI * HTTP/2.0"), 400);
  CHECK_INT(headers("Connection: close\r\n"), 0);
  CHECK(!request.keep_alive);
  CHECK_INT(line("GET / HTTP/1.0\r\nConnection: keep-alive"), 0);
  CHECK(request.keep_alive);
}

TEST(hosts) {
  CHECK_INT(parse("GET / HTTP/1.1\r\n\r\n", 18), 400);
  CHECK_INT(headers("Host: h\r\n"), 400);
  CHECK_INT(headers("HOST: other\r\n"), 400);
  CHECK_INT(parse("GET / HTTP/1.1\r\nHost:\r\n\r\n", 25), 0);
  CHECK(is(request.host, ""));
}

TEST(bodies) {
  CHECK_INT(headers("Content-Length: 12\r\n"), 0);
  CHECK_INT(request.content_length, 12);
  CHECK_INT(headers("Content-Length: 0\r\n"), 0);
  CHECK_INT(request.content_length, 0);
  CHECK_INT(headers("Transfer-Encoding: chunked\r\n"), 0);
  CHECK(request.chunked);
}

/* What was used to smuggle a request past one reader. */
TEST(smuggling) {
  CHECK_INT(headers("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), 400);
  CHECK_INT(headers("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), 400);
  CHECK_INT(headers("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n"), 400);
  CHECK_INT(headers("Content-Length: 5\r\nContent-Length: 5\r\n"), 400);
  CHECK_INT(headers("Content-Length: 5\r\nContent-Length: 6\r\n"), 400);
  CHECK_INT(headers("Content-Length: 5, 5\r\n"), 400);
  CHECK_INT(headers("Content-Length: +5\r\n"), 400);
  CHECK_INT(headers("Content-Length: -5\r\n"), 400);
  CHECK_INT(headers("Content-Length: 0x5\r\n"), 400);
  CHECK_INT(headers("Content-Length: 5 5\r\n"), 400);
  CHECK_INT(headers("Content-Length:\r\n"), 400);
  CHECK_INT(headers("Content-Length: 99999999999999999999\r\n"), 400);
  CHECK_INT(headers("Content-Length : 5\r\n"), 400);
  CHECK_INT(headers("Content-Length\t: 5\r\n"), 400);
  CHECK_INT(headers("Transfer-Encoding: xchunked\r\n"), 400);
  CHECK_INT(headers("Transfer-Encoding: chunked, identity\r\n"), 400);
  CHECK_INT(headers("Transfer-Encoding: identity\r\n"), 400);
  CHECK_INT(headers("Transfer-Encoding : chunked\r\n"), 400);
  CHECK_INT(headers("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"), 400);
  CHECK_INT(headers("X: y\r\n Transfer-Encoding: chunked\r\n"), 400);
  CHECK_INT(headers("X: y\r\n\tfolded\r\n"), 400);
  CHECK_INT(headers(" X: y\r\n"), 400);
  CHECK_INT(headers("X: y\nTransfer-Encoding: chunked\r\n"), 400);
  CHECK_INT(headers("X: y\rTransfer-Encoding: chunked\r\n"), 400);
  CHECK_INT(headers("X: y\r\r\nZ: z\r\n"), 400);
  CHECK_INT(headers("X: a\x01z\r\n"), 400);
  CHECK_INT(headers("X\x7f: a\r\n"), 400);
  CHECK_INT(headers("no colon\r\n"), 400);
  CHECK_INT(headers(": no name\r\n"), 400);
  CHECK_INT(headers("na(me: x\r\n"), 400);
  CHECK_INT(parse("GET / HTTP/1.1\nHost: h\n\n", 24), 400);
  CHECK_INT(parse("GET / HTTP/1.1\r\nHost: h\0\r\n\r\n", 28), 400);
  CHECK_INT(parse("GET / HTTP/1.1\r\nHost: h\r\n\n", 26), 400);
}

TEST(what_is_no_http) {
  CHECK_INT(parse("\x16\x03\x01\x02\x00", 5), 400); /* TLS */
  CHECK_INT(parse("\x82\x85mask", 6), -1);
  CHECK_INT(parse("", 0), -1);
  CHECK_INT(parse("GET / HTTP/1.1\r\nHost: h\r\n", 25), -1);
}

TEST(empty_lines_before_a_request) {
  CHECK_INT(parse("\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\nGET /next", 42), 0);
  CHECK(is(request.path, "/"));
  CHECK_INT(parse("\r\n GET / HTTP/1.1\r\nHost: h\r\n\r\n", 31), 400);
}

TEST(a_head_that_is_too_long) {
  size_t len = 2 * (size_t)HTTP_HEAD_MAX;
  char *text = malloc(len);
  struct http_head head = {0};
  memset(text, 'x', len);
  memcpy(text, "GET / HTTP/1.1\r\nHost: h\r\nX: ", 28);
  CHECK_INT(http_head_scan(&head, slice_of(text, HTTP_HEAD_MAX - 1), &refusal), ST_MORE);
  CHECK_INT(http_head_scan(&head, slice_of(text, HTTP_HEAD_MAX), &refusal), ST_LIMIT);
  CHECK_INT(refusal.status, 431);
  memcpy(text + HTTP_HEAD_MAX - 4, "\r\n\r\n", 4);
  head = (struct http_head){0};
  CHECK_INT(http_head_scan(&head, slice_of(text, len), &refusal), ST_OK);
  CHECK_INT(head.end, HTTP_HEAD_MAX);
  memset(text, '\n', len);
  for (size_t i = 0; i < len; i += 2) text[i] = '\r';
  head = (struct http_head){0};
  CHECK_INT(http_head_scan(&head, slice_of(text, len), &refusal), ST_LIMIT);
  free(text);
}

TEST(tokens) {
  CHECK(http_has_token(slice_str("a, B ,c"), "b"));
  CHECK(!http_has_token(slice_str("ab, bc"), "b"));
  CHECK(!http_has_token(slice_str(""), "b"));
  CHECK(http_has_token(slice_str(",,b"), "b"));
}

int main(void) {
  RUN(a_browsers_request);
  RUN(an_upgrade);
  RUN(targets);
  RUN(methods);
  RUN(versions);
  RUN(hosts);
  RUN(bodies);
  RUN(smuggling);
  RUN(what_is_no_http);
  RUN(empty_lines_before_a_request);
  RUN(a_head_that_is_too_long);
  RUN(tokens);
  return check_end();
}
