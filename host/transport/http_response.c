/* http_response: see http_response.h. */
#include "transport/http_response.h"

#include <stdarg.h>
#include <stdio.h>

#define SHORT 256

static const char *reason_of(int status) {
  static const struct {
    int status;
    const char *reason;
  } reasons[] = {
      {101, "Switching Protocols"},
      {200, "OK"},
      {204, "No Content"},
      {206, "Partial Content"},
      {301, "Moved Permanently"},
      {304, "Not Modified"},
      {400, "Bad Request"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {408, "Request Timeout"},
      {411, "Length Required"},
      {413, "Content Too Large"},
      {416, "Range Not Satisfiable"},
      {421, "Misdirected Request"},
      {426, "Upgrade Required"},
      {431, "Request Header Fields Too Large"},
      {503, "Service Unavailable"},
  };
  for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
    if (reasons[i].status == status) return reasons[i].reason;
  return "Unknown";
}

void http_response_put(struct http_response *response, struct slice piece) {
  if (buf_put(response->out, piece.data, piece.len) != ST_OK) response->failed = true;
}

void http_response_header(struct http_response *response, const char *name, struct slice value) {
  http_response_put(response, slice_str(name));
  http_response_put(response, slice_str(": "));
  http_response_put(response, value);
  http_response_put(response, slice_str("\r\n"));
}

void http_response_format(struct http_response *response, const char *name, const char *format, ...) {
  char value[SHORT];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(value, sizeof value, format, arguments);
  va_end(arguments);
  http_response_header(response, name, slice_str(value));
}

void http_response_begin(struct http_response *response, struct buf *out, int status) {
  char line[SHORT];
  *response = (struct http_response){.out = out};
  snprintf(line, sizeof line, "HTTP/1.1 %d %s\r\n", status, reason_of(status));
  http_response_put(response, slice_str(line));
  http_response_header(response, "X-Content-Type-Options", slice_str("nosniff"));
}

enum status http_response_end(struct http_response *response) {
  http_response_put(response, slice_str("\r\n"));
  return response->failed ? ST_NOMEM : ST_OK;
}
