/* http_answer: see http_answer.h. */
#include "transport/http_answer.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/base64.h"
#include "base/sha1.h"
#include "transport/http_access.h"
#include "transport/http_making.h"

#define SOCKET_PATH "/ipchost"
#define SYNC_PATH SOCKET_PATH "/sync"
#define ASSET_PREFIX SOCKET_PATH "/"
#define KEY_SIZE ((size_t)16)
#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

static bool starts_with(struct slice text, const char *prefix) {
  size_t len = strlen(prefix);
  return text.len >= len && memcmp(text.data, prefix, len) == 0;
}

/* ---- heads ---- */

static void put_connection(struct making *making) {
  bool upgrades = making->answer->status == 426 || making->answer->upgrade;
  const char *value = making->answer->close ? "close" : "keep-alive";
  if (upgrades) value = making->answer->close ? "Upgrade, close" : "Upgrade";
  http_response_header(&making->response, "Connection", slice_str(value));
  if (upgrades) http_response_header(&making->response, "Upgrade", slice_str("websocket"));
  if (making->answer->status == 426)
    http_response_header(&making->response, "Sec-WebSocket-Version", slice_str("13"));
}

/* Pages of listed origins may read the client's files, so the answer depends on who asks. */
static void put_cors(struct making *making) {
  struct slice origin = making->request->origin;
  if (!making->client) return;
  http_response_header(&making->response, "Vary", slice_str("Origin"));
  if (!origin.data) return;
  http_response_header(&making->response, "Access-Control-Allow-Origin", origin);
  if (making->request->verb != VERB_OPTIONS) return;
  http_response_header(&making->response, "Access-Control-Allow-Methods", slice_str("GET, HEAD"));
  http_response_header(&making->response, "Access-Control-Max-Age", slice_str("600"));
}

void making_begin(struct making *making, int status) {
  making->answer->status = status;
  http_response_begin(&making->response, making->out, status);
  put_connection(making);
  if (making->request) put_cors(making);
}

void making_length(struct making *making, uint64_t len) {
  http_response_format(&making->response, "Content-Length", "%" PRIu64, len);
}

bool making_is_head(const struct making *making) {
  return making->request && making->request->verb == VERB_HEAD;
}

/* ---- refusals ---- */

/* Those that a change of the config could avoid, or that tell of a broken peer. */
static bool is_logged(int status) {
  return status != 404 && status != 405 && status != 416 && status != 426;
}

static enum status put_refusal(struct making *making, const struct http_refusal *refusal) {
  struct http_response *response = &making->response;
  if (is_logged(refusal->status))
    log_line(making->asked->log, LOG_WARN, "transport", "%s: %s", making->asked->peer->address,
             refusal->text);
  making_begin(making, refusal->status);
  if (refusal->status == 405) http_response_header(response, "Allow", slice_str(making->allow));
  http_response_header(response, "Content-Type", slice_str("text/plain; charset=utf-8"));
  http_response_header(response, "Cache-Control", slice_str("no-store"));
  making_length(making, strlen(refusal->text) + 1);
  if (http_response_end(response) != ST_OK) return ST_NOMEM;
  if (making_is_head(making)) return ST_OK;
  http_response_put(response, slice_str(refusal->text));
  http_response_put(response, slice_str("\n"));
  return response->failed ? ST_NOMEM : ST_OK;
}

enum status making_refuse(struct making *making, int status, const char *text) {
  struct http_refusal refusal;
  http_refuse(&refusal, status, "%s", text);
  return put_refusal(making, &refusal);
}

static enum status not_allowed(struct making *making, const char *allow) {
  making->allow = allow;
  return making_refuse(making, 405, "the method is not allowed here");
}

/* ---- who may ask ---- */

static struct slice bearer_token(struct slice authorization) {
  static const char scheme[] = "Bearer ";
  size_t len = sizeof scheme - 1;
  if (authorization.len <= len || !http_equal_fold(slice_of(authorization.data, len), scheme))
    return slice_of(NULL, 0);
  return slice_of(authorization.data + len, authorization.len - len);
}

/* 0, or the status of the refusal. */
static int check_access(const struct making *making, struct http_refusal *refusal) {
  const struct http_asked *asked = making->asked;
  const struct http_request *request = making->request;
  const struct http_options *options = asked->options;
  struct fault fault;
  if (!http_host_allowed(options, asked->port, request->host))
    return http_refuse(refusal, 421, "Host '%.*s' is not allowed; add it to security.hosts",
                       (int)request->host.len, (const char *)request->host.data);
  if (request->origin.data && !http_origin_allowed(options, asked->port, request->origin))
    return http_refuse(refusal, 403, "Origin '%.*s' is not allowed; add it to security.origins",
                       (int)request->origin.len, (const char *)request->origin.data);
  if (slice_equal(request->path, slice_str(SOCKET_PATH))) return 0;
  if (slice_equal(request->path, slice_str(SYNC_PATH))) return 0; /* hello brings the token */
  if (options->admit(options->user, asked->peer, bearer_token(request->authorization), &fault) == ST_OK)
    return 0;
  refusal->status = 403;
  snprintf(refusal->text, sizeof refusal->text, "%s", fault.text);
  return 403;
}

/* Only the sync lane takes a body. Of others none is read: the connection ends after the answer. */
static int check_body(const struct making *making, struct http_refusal *refusal) {
  const struct http_request *request = making->request;
  if (request->content_length > making->asked->body_max)
    return http_refuse(refusal, 413, "the body is longer than limits.packet (%" PRIu64 " bytes)",
                       making->asked->body_max);
  if ((request->content_length || request->chunked) && request->verb != VERB_POST &&
      request->verb != VERB_OTHER)
    return http_refuse(refusal, 413, "no body is taken here");
  return 0;
}

/* ---- the WebSocket ---- */

static enum status accept_socket(struct making *making) {
  char text[BASE64_SIZE(KEY_SIZE) + sizeof GUID], accept[BASE64_SIZE(SHA1_SIZE) + 1];
  uint8_t digest[SHA1_SIZE];
  memcpy(text, making->request->websocket_key.data, BASE64_SIZE(KEY_SIZE));
  memcpy(text + BASE64_SIZE(KEY_SIZE), GUID, sizeof GUID);
  sha1(slice_str(text), digest);
  base64_encode(accept, slice_of(digest, sizeof digest));
  making->answer->upgrade = true;
  making->answer->close = false;
  making_begin(making, 101);
  http_response_header(&making->response, "Sec-WebSocket-Accept", slice_str(accept));
  return http_response_end(&making->response);
}

static enum status answer_socket(struct making *making) {
  const struct http_request *request = making->request;
  if (request->verb != VERB_GET && request->verb != VERB_HEAD) return not_allowed(making, "GET");
  if (!request->websocket || request->verb == VERB_HEAD)
    return making_refuse(making, 426, "a WebSocket is served here; pages are at /");
  if (!slice_equal(request->websocket_version, slice_str("13")))
    return making_refuse(making, 426, "the WebSocket version must be 13");
  if (!base64_is(request->websocket_key, KEY_SIZE))
    return making_refuse(making, 400, "Sec-WebSocket-Key must be 16 bytes in base64");
  return accept_socket(making);
}

static enum status answer_preflight(struct making *making) {
  making_begin(making, 204);
  return http_response_end(&making->response);
}

/* ---- the sync lane ---- */

static enum status answer_sync(struct making *making) {
  const struct http_request *request = making->request;
  if (request->verb != VERB_POST) return not_allowed(making, "POST");
  if (request->chunked) return making_refuse(making, 411, "Content-Length is needed");
  if (!request->content_length) return making_refuse(making, 400, "the body must be a block of packets");
  making->answer->post = true;
  making_begin(making, 200);
  http_response_header(&making->response, "Content-Type", slice_str("text/plain; charset=x-user-defined"));
  http_response_header(&making->response, "Cache-Control", slice_str("no-store"));
  return http_response_end(&making->response);
}

/* ---- all of them ---- */

static enum status route(struct making *making) {
  const struct http_request *request = making->request;
  if (slice_equal(request->path, slice_str(SOCKET_PATH))) return answer_socket(making);
  making->client = starts_with(request->path, ASSET_PREFIX);
  if (making->client && request->verb == VERB_OPTIONS) return answer_preflight(making);
  if (slice_equal(request->path, slice_str(SYNC_PATH))) return answer_sync(making);
  if (request->verb != VERB_GET && request->verb != VERB_HEAD) return not_allowed(making, "GET, HEAD");
  return making->client ? making_asset(making) : making_file(making);
}

enum status http_answer(const struct http_asked *asked, const struct http_request *request, struct buf *out,
                        struct http_answer *answer) {
  struct making making = {.asked = asked, .request = request, .answer = answer, .out = out};
  struct http_refusal refusal;
  bool body = request->content_length || request->chunked;
  *answer = (struct http_answer){.close = !request->keep_alive || body, .fd = -1};
  if (check_access(&making, &refusal) || check_body(&making, &refusal)) return put_refusal(&making, &refusal);
  return route(&making);
}

enum status http_answer_refusal(const struct http_asked *asked, const struct http_refusal *refusal,
                                struct buf *out, struct http_answer *answer) {
  struct making making = {.asked = asked, .answer = answer, .out = out, .allow = "GET, HEAD"};
  *answer = (struct http_answer){.close = true, .fd = -1};
  return put_refusal(&making, refusal);
}
