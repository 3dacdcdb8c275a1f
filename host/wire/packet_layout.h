/*
 * packet_layout: the table of section 2 of docs/protocol.md as data, for packet.c, packet_put.c and those who
 * treat all kinds alike, and the parser that walks it. It knows the places of header items, not their
 * meaning.
 */
#ifndef IPCHOST_WIRE_PACKET_LAYOUT_H
#define IPCHOST_WIRE_PACKET_LAYOUT_H

#include "wire/packet.h"

enum packet_item_type {
  ITEM_UINT,
  ITEM_BOOL,
  ITEM_TEXT,
  ITEM_CHANNEL, /* text of at most CHANNEL_MAX bytes */
  ITEM_BYTES,
  ITEM_KEY, /* SESSION_KEY_LEN bytes */
  ITEM_PORTS,
  ITEM_PAYLOAD
};

struct packet_item {
  const char *name;
  uint16_t type;   /* a packet_item_type */
  uint16_t offset; /* of the member of struct packet that holds it */
};

#define PACKET_ITEMS_MAX 8

struct packet_layout {
  const char *name;
  size_t count;
  struct packet_item items[PACKET_ITEMS_MAX];
};

/* The longest run of trailing items' nesting that is skipped. */
#define PACKET_TRAILING_DEPTH 32

extern const struct packet_layout packet_layouts[PACKET_KINDS];

/* packet_parse without its fast path: the one that names faults. The two agree on every input. */
enum status packet_parse_layout(struct slice *in, struct packet *out, struct fault *fault);

#endif
