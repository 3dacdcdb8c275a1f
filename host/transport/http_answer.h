/*
 * http_answer: from a request to its answer: who may ask, what the path names, what of it is sent. Its head
 * is written to a buffer; a body is named, for the connection to send. It knows no socket.
 */
#ifndef IPCHOST_TRANSPORT_HTTP_ANSWER_H
#define IPCHOST_TRANSPORT_HTTP_ANSWER_H

#include "transport/http.h"
#include "transport/http_request.h"

/* Whose request, and of which server. */
struct http_asked {
  const struct http_options *options;
  const struct peer *peer;
  int port;          /* the listener's */
  uint64_t body_max; /* limits.packet */
  struct log *log;
};

struct http_answer {
  int status;
  bool close;        /* after it, or after an upgrade that failed */
  bool upgrade;      /* 101: the connection is a WebSocket now */
  bool post;         /* 200: the request's body is a block, and packets are the answer's (http_post.h) */
  struct slice body; /* borrowed from the options */
  int fd;            /* or a part of a file, the taker's to close; -1: none */
  uint64_t offset, len;
};

/* Appends the head (and a short body) to `out` and fills *answer. ST_OK or ST_NOMEM. */
enum status http_answer(const struct http_asked *asked, const struct http_request *request, struct buf *out,
                        struct http_answer *answer);
/* The answer to what is no request, or came too slowly; it closes. */
enum status http_answer_refusal(const struct http_asked *asked, const struct http_refusal *refusal,
                                struct buf *out, struct http_answer *answer);

#endif
