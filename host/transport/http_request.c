/* http_request: see http_request.h. */
#include "transport/http_request.h"

#include <llhttp.h>
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

int http_refuse(struct http_refusal *refusal, int status, const char *format, ...) {
  va_list arguments;
  int len = snprintf(refusal->text, sizeof refusal->text, "%d: ", status);
  refusal->status = status;
  va_start(arguments, format);
  vsnprintf(refusal->text + len, sizeof refusal->text - (size_t)len, format, arguments);
  va_end(arguments);
  return status;
}

static enum status malformed(struct http_refusal *refusal, const char *what) {
  http_refuse(refusal, 400, "%s", what);
  return ST_MALFORMED;
}

/* ---- the end of the head ---- */

/* A line feed at `at`. True: it ends an empty line. */
static bool ends_empty_line(const struct http_head *head, const uint8_t *data) {
  return head->at == head->start + 1 || data[head->at - 2] == '\n';
}

/* What may not stand at `at`; NULL if all is well. */
static const char *check_byte(const struct http_head *head, const uint8_t *data) {
  uint8_t byte = data[head->at], before = head->at > head->start ? data[head->at - 1] : 0;
  if ((byte == '\n') != (before == '\r')) return "a line must end with CR and LF";
  if ((byte == ' ' || byte == '\t') && (before == '\n' || !before))
    return "a line must not begin with a blank";
  if ((byte < ' ' && byte != '\r' && byte != '\n' && byte != '\t') || byte == 127)
    return "a control character in the head";
  return NULL;
}

enum status http_head_scan(struct http_head *head, struct slice in, struct http_refusal *refusal) {
  for (; head->at < in.len; head->at++) {
    const char *wrong = check_byte(head, in.data);
    if (wrong) return malformed(refusal, wrong);
    if (head->at - head->start >= HTTP_HEAD_MAX) break;
    if (in.data[head->at] != '\n' || !ends_empty_line(head, in.data)) continue;
    head->end = head->at + 1;
    if (head->at > head->start + 1) return ST_OK;
    head->start = head->end; /* empty lines before a request are allowed */
  }
  if (head->at < HTTP_HEAD_MAX) return ST_MORE;
  http_refuse(refusal, 431, "the head of the request is longer than %d bytes", HTTP_HEAD_MAX);
  return ST_LIMIT;
}

/* ---- headers ---- */

/* Those that are looked at. Two of one are refused: which one counts is then anybody's guess. */
static const struct known_header {
  const char *name;
  size_t where;
} known_headers[] = {
    {"host", offsetof(struct http_request, host)},
    {"origin", offsetof(struct http_request, origin)},
    {"authorization", offsetof(struct http_request, authorization)},
    {"sec-fetch-mode", offsetof(struct http_request, fetch_mode)},
    {"sec-websocket-key", offsetof(struct http_request, websocket_key)},
    {"sec-websocket-version", offsetof(struct http_request, websocket_version)},
    {"if-none-match", offsetof(struct http_request, if_none_match)},
    {"if-modified-since", offsetof(struct http_request, if_modified_since)},
    {"if-range", offsetof(struct http_request, if_range)},
    {"range", offsetof(struct http_request, range)},
    {"access-control-request-method", offsetof(struct http_request, ask_method)},
};

struct parsing {
  struct http_request *request;
  struct slice target, field, value;
  bool has_length, upgrades, complete;
  uint8_t major, minor;
  const char *wrong;
};

bool http_equal_fold(struct slice text, const char *other) {
  return text.len == strlen(other) && strncasecmp((const char *)text.data, other, text.len) == 0;
}

static struct slice trim(struct slice text) {
  while (text.len && strchr(" \t", text.data[text.len - 1])) text.len--;
  while (text.len && strchr(" \t", text.data[0])) text = slice_of(text.data + 1, text.len - 1);
  return text;
}

bool http_has_token(struct slice list, const char *token) {
  while (list.len) {
    const uint8_t *comma = memchr(list.data, ',', list.len);
    size_t len = comma ? (size_t)(comma - list.data) : list.len;
    if (http_equal_fold(trim(slice_of(list.data, len)), token)) return true;
    len += comma != NULL;
    list = slice_of(list.data + len, list.len - len);
  }
  return false;
}

static void set_header(struct parsing *parsing, struct slice *where) {
  if (where->data) parsing->wrong = "a header is there twice that may be there once";
  *where = parsing->value;
}

static void take_header(struct parsing *parsing) {
  parsing->value = trim(parsing->value);
  if (!parsing->field.len) parsing->wrong = "a header without a name";
  for (size_t i = 0; i < sizeof known_headers / sizeof *known_headers; i++)
    if (http_equal_fold(parsing->field, known_headers[i].name))
      set_header(parsing, (struct slice *)(void *)((char *)parsing->request + known_headers[i].where));
  if (http_equal_fold(parsing->field, "upgrade"))
    parsing->upgrades = parsing->upgrades || http_has_token(parsing->value, "websocket");
  if (http_equal_fold(parsing->field, "transfer-encoding")) parsing->request->chunked = true;
  if (http_equal_fold(parsing->field, "content-length")) parsing->has_length = true;
}

/* ---- llhttp: the head is in one piece, and so is what it reports ---- */

static int extend(struct slice *whole, const char *at, size_t len) {
  if (whole->len && (const char *)whole->data + whole->len != at) return -1;
  *whole = slice_of(whole->len ? (const void *)whole->data : at, whole->len + len);
  return 0;
}

static struct parsing *parsing_of(const llhttp_t *parser) {
  return parser->data;
}
static int on_url(llhttp_t *parser, const char *at, size_t len) {
  return extend(&parsing_of(parser)->target, at, len);
}
static int on_field(llhttp_t *parser, const char *at, size_t len) {
  return extend(&parsing_of(parser)->field, at, len);
}
static int on_value(llhttp_t *parser, const char *at, size_t len) {
  return extend(&parsing_of(parser)->value, at, len);
}

static int on_value_complete(llhttp_t *parser) {
  struct parsing *parsing = parsing_of(parser);
  if (!parsing->value.data) parsing->value = slice_str("");
  take_header(parsing);
  parsing->field = parsing->value = slice_of(NULL, 0);
  return 0;
}

static enum http_verb verb_of(uint8_t method) {
  switch (method) {
  case HTTP_GET:
    return VERB_GET;
  case HTTP_HEAD:
    return VERB_HEAD;
  case HTTP_POST:
    return VERB_POST;
  case HTTP_OPTIONS:
    return VERB_OPTIONS;
  default:
    return VERB_OTHER;
  }
}

/* Taken now: at the end of the message llhttp forgets. */
static int on_headers_complete(llhttp_t *parser) {
  struct parsing *parsing = parsing_of(parser);
  struct http_request *request = parsing->request;
  parsing->complete = true;
  parsing->major = parser->http_major;
  parsing->minor = parser->http_minor;
  request->verb = verb_of(parser->method);
  request->keep_alive = llhttp_should_keep_alive(parser);
  request->websocket = parsing->upgrades && parser->flags & F_CONNECTION_UPGRADE && parser->http_minor == 1;
  request->content_length = parsing->has_length ? parser->content_length : 0;
  return 0;
}

static const llhttp_settings_t settings = {.on_url = on_url,
                                           .on_header_field = on_field,
                                           .on_header_value = on_value,
                                           .on_header_value_complete = on_value_complete,
                                           .on_headers_complete = on_headers_complete};

/* ---- the request ---- */

/* "http://HOST/path": its host must be that of the Host header. Leaves the path. */
static const char *take_authority(struct slice *target, struct slice host) {
  static const char scheme[] = "http://";
  size_t from = sizeof scheme - 1, at = from;
  if (target->len < from || strncasecmp((const char *)target->data, scheme, from) != 0)
    return "the target must be a path";
  while (at < target->len && !strchr("/?", target->data[at])) at++;
  if (at - from != host.len ||
      strncasecmp((const char *)target->data + from, (const char *)host.data, host.len))
    return "the host of the target is not that of the Host header";
  *target = slice_of(target->data + at, target->len - at);
  return NULL;
}

static const char *take_target(struct http_request *request, struct slice target) {
  const uint8_t *mark;
  const char *wrong;
  if (memchr(target.data, '#', target.len)) return "a fragment in the target";
  if (target.data[0] != '/' && !slice_equal(target, slice_str("*")) &&
      (wrong = take_authority(&target, request->host)))
    return wrong;
  mark = target.len ? memchr(target.data, '?', target.len) : NULL;
  request->path = slice_of(target.data, mark ? (size_t)(mark - target.data) : target.len);
  if (mark) request->query = slice_of(mark + 1, target.len - request->path.len - 1);
  if (!request->path.len) request->path = slice_str("/");
  return NULL;
}

/* Its line has been read, so there is a method before the target and a version behind it. */
static bool has_one_blank_each_side(struct slice target) {
  return target.data[-1] == ' ' && target.data[-2] != ' ' && target.data[target.len] == ' ' &&
         target.data[target.len + 1] != ' ';
}

/* What llhttp takes and we do not. */
static const char *check(const struct parsing *parsing) {
  const struct http_request *request = parsing->request;
  if (parsing->wrong) return parsing->wrong;
  if (parsing->major != 1 || parsing->minor > 1) return "HTTP/1.1 is spoken here";
  if (!request->host.data) return "the Host header is missing";
  if (request->chunked && parsing->has_length) return "both Content-Length and Transfer-Encoding";
  if (!parsing->target.len) return "the target is missing";
  if (!has_one_blank_each_side(parsing->target)) return "the request line has more than two blanks";
  return NULL;
}

/* A whole request line, but for a method that llhttp knows. */
static bool has_unknown_method(struct slice head) {
  const uint8_t *end = memchr(head.data, '\r', head.len);
  size_t len = end ? (size_t)(end - head.data) : 0, name = 0;
  while (name < len && head.data[name] > ' ' && head.data[name] < 127) name++;
  return name && len > name + 10 && head.data[name] == ' ' && memcmp(end - 9, " HTTP/1.", 8) == 0;
}

static enum status refuse_error(llhttp_t *parser, int error, struct slice head,
                                struct http_refusal *refusal) {
  if (error == HPE_INVALID_METHOD && has_unknown_method(head)) {
    http_refuse(refusal, 405, "an unknown method");
    return ST_MALFORMED;
  }
  return malformed(refusal, error == HPE_OK ? "the head is not whole" : llhttp_get_error_reason(parser));
}

enum status http_request_parse(struct slice head, struct http_request *out, struct http_refusal *refusal) {
  struct parsing parsing = {.request = out};
  const char *wrong;
  llhttp_t parser;
  int error;
  *out = (struct http_request){.verb = VERB_OTHER};
  llhttp_init(&parser, HTTP_REQUEST, &settings);
  parser.data = &parsing;
  error = llhttp_execute(&parser, (const char *)head.data, head.len);
  if ((error != HPE_OK && error != HPE_PAUSED_UPGRADE) || !parsing.complete)
    return refuse_error(&parser, error, head, refusal);
  if ((wrong = check(&parsing))) return malformed(refusal, wrong);
  if ((wrong = take_target(out, parsing.target))) return malformed(refusal, wrong);
  return ST_OK;
}
