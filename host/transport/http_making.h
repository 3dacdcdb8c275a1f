/* http_making: an answer being made, shared by http_answer.c and http_content.c; nobody else sees it. */
#ifndef IPCHOST_TRANSPORT_HTTP_MAKING_H
#define IPCHOST_TRANSPORT_HTTP_MAKING_H

#include "transport/http_answer.h"
#include "transport/http_response.h"

/* One answer being made. */
struct making {
  const struct http_asked *asked;
  const struct http_request *request; /* NULL: what came is none */
  struct http_answer *answer;
  struct http_response response;
  struct buf *out;
  const char *allow; /* 405: which methods there are */
  bool client;       /* a file of the client: pages of listed origins may read it */
};

/* ---- http_answer.c ---- */

/* The status line and what depends on who asks. */
void making_begin(struct making *making, int status);
void making_length(struct making *making, uint64_t len);
/* Only the head is asked for. */
bool making_is_head(const struct making *making);
/* A whole answer: the text says why, behind the status. ST_OK or ST_NOMEM, as of all below. */
enum status making_refuse(struct making *making, int status, const char *text);

/* ---- http_content.c ---- */

/* The file below options->public that the path names, or its folder's page. */
enum status making_file(struct making *making);
/* One of options->assets. */
enum status making_asset(struct making *making);

#endif
