/*
 * http_request: the head of one HTTP/1 request, read whole, as slices of it. It is strict where leniency lets
 * two readers see two requests: bare line ends, folded lines, two lengths, two hosts. It knows no socket, no
 * route and no policy.
 */
#ifndef IPCHOST_TRANSPORT_HTTP_REQUEST_H
#define IPCHOST_TRANSPORT_HTTP_REQUEST_H

#include "base/slice.h"
#include "base/status.h"

#define HTTP_HEAD_MAX 16384

/* The answer that something is not done: a status, and a body that says why, as "403: peer uid 0 is not
 * 1000". */
struct http_refusal {
  int status;
  char text[248];
};

/* Fills it and returns the status; the text is preceded by the status and cut to fit. */
int http_refuse(struct http_refusal *refusal, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The end of a head, looked for as it arrives. A zeroed struct is at the start. */
struct http_head {
  size_t start; /* the first byte of the request line */
  size_t end;   /* one past the empty line; set by ST_OK */
  size_t at;    /* scanned up to here */
};

/* Goes on with `in`, which holds what the last call got and more. ST_OK: head->end is set. ST_MORE,
 * ST_MALFORMED (a byte that no head has), or ST_LIMIT (over HTTP_HEAD_MAX), both with the refusal. */
enum status http_head_scan(struct http_head *head, struct slice in, struct http_refusal *refusal);

enum http_verb { VERB_GET, VERB_HEAD, VERB_POST, VERB_OPTIONS, VERB_OTHER };

/* Everything borrows from the head. A header that was not sent has data NULL. */
struct http_request {
  enum http_verb verb;
  struct slice path;  /* still percent-encoded; begins with '/', or is "*" */
  struct slice query; /* behind the '?' */
  bool keep_alive;
  bool websocket; /* Connection: upgrade and Upgrade: websocket */
  bool chunked;   /* any Transfer-Encoding */
  uint64_t content_length;
  struct slice host, origin, authorization;
  struct slice fetch_mode; /* by browsers: how what is asked for will be used */
  struct slice websocket_key, websocket_version;
  struct slice if_none_match, if_modified_since, if_range, range;
  struct slice ask_method; /* Access-Control-Request-Method */
};

/* Reads a head that http_head_scan has found (from start to end). ST_OK, or ST_MALFORMED with the refusal:
 * 400, or 405 for a method that nobody knows. */
enum status http_request_parse(struct slice head, struct http_request *out, struct http_refusal *refusal);

/* True when the comma-separated list has the token, in any case. */
bool http_has_token(struct slice list, const char *token);
/* Compares in any case of ASCII letters. */
bool http_equal_fold(struct slice text, const char *other);

#endif
