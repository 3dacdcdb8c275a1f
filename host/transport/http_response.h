/* http_response: the head of an answer, written to a buffer. It knows no route. */
#ifndef IPCHOST_TRANSPORT_HTTP_RESPONSE_H
#define IPCHOST_TRANSPORT_HTTP_RESPONSE_H

#include "base/buf.h"

struct http_response {
  struct buf *out;
  bool failed; /* out of memory: what is in `out` is of no use */
};

/* The status line, and what every answer has. */
void http_response_begin(struct http_response *response, struct buf *out, int status);
void http_response_header(struct http_response *response, const char *name, struct slice value);
/* The value must be short. */
void http_response_format(struct http_response *response, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* For a header in pieces: its name, its value, the end of the line. */
void http_response_put(struct http_response *response, struct slice piece);
/* The empty line. ST_OK or ST_NOMEM. */
enum status http_response_end(struct http_response *response);

#endif
