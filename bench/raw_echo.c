/*
 * raw_echo: the reference that the host is measured against. A libuv server with the host's framing that
 * answers each invoke with a reply of the same value: the cost of loop, sockets and framing, without sessions
 * and Lua. Usage: raw_echo ADDRESS...; it prints `raw ready ADDRESS...` and ends on SIGTERM.
 */
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

#include "wire.h"

#define READ_SIZE (256 * 1024)

union stream {
  uv_stream_t stream;
  uv_pipe_t pipe;
  uv_tcp_t tcp;
};

struct link {
  union stream handle;
  struct buf partial; /* the beginning of a block that is not whole yet */
};

/* What all links of the loop share; the loop's data. */
struct server {
  char *read_buffer;
  struct buf out;
};

struct late_write {
  uv_write_t request;
  struct buf bytes;
};

static struct server *server_of(const uv_handle_t *handle) {
  return handle->loop->data;
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf) {
  (void)size;
  *buf = uv_buf_init(server_of(handle)->read_buffer, READ_SIZE);
}

static void on_closed(uv_handle_t *handle) {
  struct link *link = handle->data;
  buf_deinit(&link->partial);
  free(link);
}

static void on_written(uv_write_t *request, int status) {
  (void)status;
  struct late_write *late = request->data;
  buf_deinit(&late->bytes);
  free(late);
}

/* Writes what the socket takes at once and queues the rest. */
static void flush(struct link *link, struct buf *out) {
  uv_buf_t bytes = uv_buf_init((char *)out->data, (unsigned)out->len);
  int written = uv_try_write(&link->handle.stream, &bytes, 1);
  size_t done = written < 0 ? 0 : (size_t)written;
  if (done < out->len) {
    struct late_write *late = calloc(1, sizeof *late);
    if (!late || buf_put(&late->bytes, out->data + done, out->len - done) != ST_OK) fail("out of memory");
    late->request.data = late;
    bytes = uv_buf_init((char *)late->bytes.data, (unsigned)late->bytes.len);
    uv_write(&late->request, &link->handle.stream, &bytes, 1, on_written);
  }
}

static void answer(struct buf *out, struct slice block) {
  struct wire_packet packet;
  while (wire_next(&block, &packet)) {
    if (packet.kind == WIRE_HELLO) wire_put_welcome(out);
    if (packet.kind != WIRE_INVOKE) continue;
    /* The payload is an array of one argument; the reply is the argument. */
    wire_put_reply(out, packet.call, slice_of(packet.payload.data + 1, packet.payload.len - 1));
  }
}

/* Answers all whole blocks of *in with one block. */
static void answer_all(struct link *link, struct buf *out, struct slice *in) {
  struct slice block;
  size_t begin = wire_begin(out);
  while (wire_block(in, &block)) answer(out, block);
  wire_end(out, begin);
  if (out->len > begin + 4) flush(link, out);
  out->len = 0;
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf) {
  struct link *link = stream->data;
  struct server *server = server_of((uv_handle_t *)stream);
  if (count < 0) {
    uv_close((uv_handle_t *)stream, on_closed);
    return;
  }
  struct slice in = slice_of(buf->base, (size_t)count);
  if (link->partial.len) {
    if (buf_put(&link->partial, in.data, in.len) != ST_OK) fail("out of memory");
    in = buf_slice(&link->partial);
  }
  answer_all(link, &server->out, &in);
  if (link->partial.len) {
    memmove(link->partial.data, in.data, in.len);
    link->partial.len = in.len;
  } else if (in.len && buf_put(&link->partial, in.data, in.len) != ST_OK) {
    fail("out of memory");
  }
}

static void init_stream(uv_loop_t *loop, union stream *stream, uv_handle_type type) {
  if (type == UV_NAMED_PIPE)
    uv_pipe_init(loop, &stream->pipe, 0);
  else
    uv_tcp_init(loop, &stream->tcp);
}

static void on_connection(uv_stream_t *listener, int status) {
  struct link *link = calloc(1, sizeof *link);
  if (status || !link) fail("accept");
  init_stream(listener->loop, &link->handle, listener->type);
  link->handle.stream.data = link;
  if (uv_accept(listener, &link->handle.stream)) fail("accept");
  if (listener->type == UV_TCP) uv_tcp_nodelay(&link->handle.tcp, 1);
  uv_read_start(&link->handle.stream, on_alloc, on_read);
}

/* Listens at "unix:PATH" or "tcp://127.0.0.1:PORT" and prints the address. */
static void listen_at(uv_loop_t *loop, const char *address) {
  union stream *listener = calloc(1, sizeof *listener);
  if (!listener) fail("out of memory");
  if (strncmp(address, "unix:", 5) == 0) {
    init_stream(loop, listener, UV_NAMED_PIPE);
    (void)unlink(address + 5); /* of an earlier run that was ended */
    if (uv_pipe_bind(&listener->pipe, address + 5)) fail("cannot bind %s", address);
    printf(" %s", address);
  } else {
    struct sockaddr_in name;
    int len = sizeof name;
    const char *port = strrchr(address, ':');
    if (strncmp(address, "tcp://127.0.0.1:", 16) != 0) fail("not an address: %s", address);
    init_stream(loop, listener, UV_TCP);
    uv_ip4_addr("127.0.0.1", atoi(port + 1), &name);
    if (uv_tcp_bind(&listener->tcp, (struct sockaddr *)&name, 0)) fail("cannot bind %s", address);
    uv_tcp_getsockname(&listener->tcp, (struct sockaddr *)&name, &len);
    printf(" tcp://127.0.0.1:%d", ntohs(name.sin_port));
  }
  if (uv_listen(&listener->stream, 1024, on_connection)) fail("cannot listen at %s", address);
}

int main(int argc, char **argv) {
  uv_loop_t loop;
  struct server server = {.read_buffer = malloc(READ_SIZE)};
  if (!server.read_buffer || uv_loop_init(&loop)) fail("out of memory");
  signal(SIGPIPE, SIG_IGN);
  loop.data = &server;
  fputs("raw ready", stdout);
  for (int i = 1; i < argc; i++) listen_at(&loop, argv[i]);
  puts("");
  fflush(stdout);
  return uv_run(&loop, UV_RUN_DEFAULT);
}
