/*
 * packet: the packets of docs/protocol.md, section 2, parsed to a struct and written from one. Pure: it reads
 * headers, never payloads, and knows no session. Everything parsed borrows from the input slice.
 */
#ifndef IPCHOST_WIRE_PACKET_H
#define IPCHOST_WIRE_PACKET_H

#include "base/buf.h"
#include "base/slice.h"
#include "base/status.h"

#define PROTOCOL_VERSION 1
#define CHANNEL_MAX 65535u

enum packet_kind {
  PACKET_HELLO = 0,
  PACKET_WELCOME = 1,
  PACKET_SEND = 2,
  PACKET_INVOKE = 3,
  PACKET_SYNC = 4,
  PACKET_REPLY = 5,
  PACKET_CANCEL = 6,
  PACKET_POST = 7,
  PACKET_PORT_OPEN = 8,
  PACKET_PORT_MESSAGE = 9,
  PACKET_PORT_CLOSE = 10,
  PACKET_PORT_CREDIT = 11,
  PACKET_FRAME_OPEN = 12,
  PACKET_FRAME_OPENED = 13,
  PACKET_FRAME_UPDATE = 14,
  PACKET_FRAME_NAVIGATE = 15,
  PACKET_FRAME_CLOSE = 16,
  PACKET_TICKET = 17,
  PACKET_ACK = 18,
  PACKET_PING = 19,
  PACKET_PONG = 20,
  PACKET_BYE = 21,
  PACKET_KINDS
};

enum { FEATURE_RESUME = 1, FEATURE_AGAIN = 2 };
enum { LANE_MAIN = 0, LANE_SYNC = 1 };
enum { REPLY_OK = 0, REPLY_ERROR = 1 };
enum { CANCEL_ABORTED = 0, CANCEL_TIMEOUT = 1 };

#define SESSION_KEY_LEN 16

/*
 * One packet. Only the members of its kind are set; the numbers share names across kinds where they mean the
 * same. `payload` is the content of the payload byte string. `ports` is the encoded CBOR array: read it with
 * packet_ports_next.
 */
struct packet {
  uint64_t kind; /* a packet_kind, or any other number: an unknown kind, with nothing else set */
  uint64_t frame, parent;
  uint64_t call;
  union {
    uint64_t deadline; /* invoke */
    uint64_t number;   /* sync: the sequence number it states */
    uint64_t status;   /* reply */
    uint64_t reason;   /* cancel */
    uint64_t window;   /* port-open */
    uint64_t bytes;    /* port-credit */
    uint64_t request;  /* ticket */
    uint64_t token;    /* ping, pong */
    uint64_t code;     /* bye */
    uint64_t lane;     /* hello */
    bool in_page;      /* frame-navigate */
    bool resumed;      /* welcome */
  };
  uint64_t version, features, sent, received; /* hello, welcome, ack */
  uint64_t port;
  struct slice channel;    /* valid UTF-8; send, invoke, sync, post */
  struct slice text;       /* bye: text; ticket: origin */
  struct slice id, secret; /* hello: 16 bytes each; ticket: `id` is the ticket */
  struct slice ports;
  size_t port_count;
  struct slice payload;
};

/*
 * Parses one packet from the front of *in and moves past it. ST_OK; ST_MALFORMED with `fault` filled (close
 * 1002, code "ERR_PROTOCOL", text such as "invoke: item 2 (call): expected an unsigned integer"). Trailing
 * items are skipped, at most 32 levels deep. Send, invoke, reply and port-message take the fast path: no
 * allocation, no loop over a table for the common shapes. What is not of the packet's kind is zero. Of a
 * hello whose version is not PROTOCOL_VERSION only the version is read, so that it can be refused by name.
 */
enum status packet_parse(struct slice *in, struct packet *out, struct fault *fault);

/* Takes the next port number out of a packet's `ports` (checked by packet_parse); false at the end. */
bool packet_ports_next(struct slice *ports, uint64_t *port);

/*
 * Appends the packet to `out` up to and including the head of its payload byte string, whose length is
 * `payload_len`; the payload's bytes are the caller's to append. For kinds without a payload `payload_len` is
 * ignored. `ports` here is a plain array given beside the struct, or NULL: then the struct's own, encoded,
 * are written. The values are not checked: texts are UTF-8, numbers below 2^53. ST_OK, ST_NOMEM, or
 * ST_INVALID for an unknown kind (nothing appended then).
 */
enum status packet_put(struct buf *out, const struct packet *packet, const uint64_t *ports,
                       size_t payload_len);

/* True for the kinds that count in a session's numbering (section 4), also for kinds unknown here. A reply to
 * a sync does not count, which only its sender knows. */
static inline bool packet_numbered(uint64_t kind) {
  return kind > PACKET_WELCOME && (kind < PACKET_ACK || kind > PACKET_BYE);
}
/* "invoke", "port-open", ... or "unknown". */
const char *packet_name(uint64_t kind);

#endif
