/* stream: see stream.h. */
#include "transport/stream.h"

#include <stdlib.h>

#include "transport/link.h"

struct stream {
  struct link link;
  struct block_reader reader;
  char address[]; /* the peer's, copied */
};

static struct stream *stream_of(const struct link *link) {
  return (struct stream *)link;
}

size_t stream_header(uint8_t *end, size_t block_len) {
  block_header(end - BLOCK_HEADER, block_len);
  return BLOCK_HEADER;
}

void stream_blocks(struct transport *transport, struct block_reader *reader, struct slice bytes) {
  struct slice block;
  struct fault fault;
  enum status status;
  while ((status = block_next(reader, &bytes, &block, &fault)) == ST_OK) {
    transport->events->block(transport, block);
    if (transport->closing) return;
  }
  if (status == ST_NOMEM) fault_set(&fault, ST_NOMEM, 4005, "ERR_LIMIT_MEMORY", "out of memory");
  if (status == ST_MORE) return;
  transport->events->ending(transport, &fault);
  transport_close(transport, &fault, 0);
}

static void received(struct link *link, struct slice bytes) {
  stream_blocks(&link->transport, &stream_of(link)->reader, bytes);
}

static bool cut(const struct link *link) {
  return block_reader_partial(&stream_of(link)->reader);
}

static void free_stream(struct link *link) {
  block_reader_deinit(&stream_of(link)->reader);
  free(link);
}

static const struct link_ops link_ops = {received, cut, NULL, free_stream};
static const struct transport_ops transport_ops = {BLOCK_HEADER, stream_header, link_write,
                                                   link_close,   link_abort,    link_pause};

enum status stream_open(struct transport **out, struct transport_env *env, int fd, const struct peer *peer) {
  size_t len = strlen(peer->address) + 1;
  struct stream *stream = calloc(1, sizeof *stream + len);
  struct peer own = *peer;
  if (!stream) return ST_NOMEM;
  memcpy(stream->address, peer->address, len);
  own.address = stream->address;
  block_reader_init(&stream->reader, env->limits->packet);
  if (link_open(&stream->link, env, &link_ops, &transport_ops, fd, &own) != ST_OK) {
    free(stream);
    return ST_IO;
  }
  *out = &stream->link.transport;
  return ST_OK;
}

void stream_hold(struct transport *transport) {
  link_hold((struct link *)transport);
}

void stream_release(struct transport *transport) {
  link_release((struct link *)transport);
}
