/* http_post: see http_post.h. */
#include "transport/http_post.h"

#include <stdlib.h>

#include "transport/link.h"

#define LINGER_MS 1000 /* for a peer that does not close after us */

struct http_post {
  struct link link;
  struct buf body;
  uint64_t left; /* bytes of the body that have not come */
  bool given;    /* to the user */
  char texts[];  /* the peer's address and origin, copied */
};

static struct http_post *post_of(struct link *link) {
  return (struct http_post *)link;
}

/* ---- reading ---- */

/* What is behind the body is no request: the connection ends after the answer. */
static enum status take(struct http_post *post, struct slice bytes) {
  size_t len = bytes.len < post->left ? bytes.len : (size_t)post->left;
  if (buf_put(&post->body, bytes.data, len) != ST_OK) return ST_NOMEM;
  post->left -= len;
  return ST_OK;
}

/* The body is whole: it is the block, and nothing follows. */
static void give(struct http_post *post) {
  struct transport *transport = &post->link.transport;
  struct buf body = post->body;
  post->body = (struct buf){0};
  post->given = true;
  transport->events->block(transport, buf_slice(&body));
  buf_deinit(&body);
  if (!transport->closing) transport->events->batch_end(transport);
  if (!transport->closing) link_said(&post->link);
}

static void received(struct link *link, struct slice bytes) {
  struct http_post *post = post_of(link);
  struct fault fault;
  if (post->given) return;
  if (take(post, bytes) != ST_OK) {
    fault_set(&fault, ST_NOMEM, 4005, "ERR_LIMIT_MEMORY", "out of memory");
    transport_close(&link->transport, &fault, 0);
  } else if (!post->left) {
    give(post);
  }
}

/* The body came with the head. */
static void woken(struct link *link) {
  struct http_post *post = post_of(link);
  if (!post->left && !post->given && !link->paused && !link->transport.closing) give(post);
}

/* No client that wants an answer ends its side first. */
static bool cut(const struct link *link) {
  (void)link;
  return true;
}

static void free_post(struct link *link) {
  buf_deinit(&post_of(link)->body);
  free(link);
}

static const struct link_ops link_ops = {received, cut, woken, free_post};

/* ---- transport_ops ---- */

static size_t no_header(uint8_t *end, size_t block_len) {
  (void)end;
  (void)block_len;
  return 0;
}

static void close_post(struct transport *transport, unsigned linger_ms) {
  link_close(transport, linger_ms ? linger_ms : LINGER_MS);
}

static void pause_post(struct transport *transport, bool on) {
  struct http_post *post = post_of((struct link *)transport);
  link_pause(transport, on);
  if (!on && !post->left && !post->given) link_wake(&post->link);
}

static const struct transport_ops transport_ops = {0,          no_header,  link_write,
                                                   close_post, link_abort, pause_post};

/* ---- opening ---- */

/* A queue that begins with the answer's head, which goes out with what follows it. NULL: out of memory. */
static struct outq *begin_answer(struct transport_env *env, struct slice head) {
  struct outq *out = outq_take(env->pool);
  if (!out) return NULL;
  if (outq_open(out, 0) == ST_OK && buf_put(outq_begin(out), head.data, head.len) == ST_OK) {
    outq_end(out);
    outq_seal(out, NULL);
    return out;
  }
  outq_give(env->pool, out);
  return NULL;
}

static struct http_post *post_new(const struct peer *peer, const struct http_request *request,
                                  struct peer *own) {
  size_t len = strlen(peer->address) + 1;
  struct slice origin = request->origin;
  struct http_post *post = calloc(1, sizeof *post + len + origin.len + 1);
  if (!post) return NULL;
  *own = *peer;
  memcpy(post->texts, peer->address, len);
  own->address = post->texts;
  if (origin.data) {
    memcpy(post->texts + len, origin.data, origin.len);
    own->origin = post->texts + len;
  }
  post->left = request->content_length;
  return post;
}

enum status http_post_open(struct transport **out, struct transport_env *env, int fd, const struct peer *peer,
                           const struct http_request *request, struct slice head, struct slice begun) {
  struct peer own;
  struct http_post *post = post_new(peer, request, &own);
  struct outq *answer = begin_answer(env, head);
  enum status status = ST_NOMEM;
  if (!post || !answer || take(post, begun) != ST_OK) goto out;
  if ((status = link_open(&post->link, env, &link_ops, &transport_ops, fd, &own)) != ST_OK) goto out;
  post->link.transport.out = answer;
  post->link.transport.queued = head.len;
  if (!post->left) link_wake(&post->link);
  *out = &post->link.transport;
  return ST_OK;
out:
  outq_give(env->pool, answer);
  if (post) buf_deinit(&post->body);
  free(post);
  return status;
}
