/*
 * wire: the few packets of docs/protocol.md that the benchmark needs, written by hand and apart from the
 * host's own codec, so that both ends of the raw reference cost as little as they can. It trusts its peer:
 * what it does not expect ends the program.
 */
#ifndef IPCHOST_BENCH_WIRE_H
#define IPCHOST_BENCH_WIRE_H

#include "base/buf.h"
#include "base/slice.h"

enum {
  WIRE_HELLO = 0,
  WIRE_WELCOME = 1,
  WIRE_INVOKE = 3,
  WIRE_REPLY = 5,
  WIRE_POST = 7,
  WIRE_PORT_MESSAGE = 9,
  WIRE_PING = 19,
  WIRE_PONG = 20,
  WIRE_BYE = 21
};

struct wire_packet {
  uint64_t kind;
  uint64_t call;   /* invoke, reply; the token of a ping; the code of a bye; the first port of a post */
  uint64_t status; /* reply */
  struct slice payload;
};

/* Ends the program with a message and status 1. */
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Takes the next packet from the front of *in; false when *in is empty. Payloads borrow from *in. */
bool wire_next(struct slice *in, struct wire_packet *out);
/* Takes the next whole block from the front of *in; false when it is not whole yet. */
bool wire_block(struct slice *in, struct slice *block);

/* Appends the 4 bytes of a block's length, to be filled by wire_end; returns where they are. */
size_t wire_begin(struct buf *out);
void wire_end(struct buf *out, size_t begin);

void wire_put_head(struct buf *out, unsigned major, uint64_t value);
void wire_put_text(struct buf *out, const char *text);
/* A hello with random id and secret, main lane, no features. */
void wire_put_hello(struct buf *out);
void wire_put_welcome(struct buf *out);
/* An invoke of channel "echo"; `payload` is the whole document, the array of arguments. */
void wire_put_invoke(struct buf *out, uint64_t call, struct slice payload);
void wire_put_reply(struct buf *out, uint64_t call, struct slice payload);
/* A post of 0 to channel "join" with the new port 1. */
void wire_put_join(struct buf *out);
void wire_put_port_open(struct buf *out, uint64_t port, uint64_t window);
void wire_put_port_credit(struct buf *out, uint64_t port, uint64_t bytes);
/* `payload` is the whole document. */
void wire_put_port_message(struct buf *out, uint64_t port, struct slice payload);
void wire_put_pong(struct buf *out, uint64_t token);

#endif
