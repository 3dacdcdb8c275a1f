/* ports: see ports.h. */
#include "ports.h"

#include "wire.h"

#define WINDOW ((uint64_t)1 << 20)
#define MESSAGE_COST 64 /* beside the payload */

static void write_all(struct link *link) {
  while (!link_write(link)) continue;
}

void ports_open(struct joined *joined, const char *address) {
  size_t begin, len;
  *joined = (struct joined){0};
  link_open(&joined->to, address);
  link_open(&joined->from, address);
  begin = link_begin(&joined->from);
  wire_put_join(&joined->from.out);
  link_end(&joined->from, begin);
  write_all(&joined->from);
  while (!link_read_kind(&joined->to, WIRE_POST, &joined->port, &len)) continue;
  begin = link_begin(&joined->to);
  wire_put_port_open(&joined->to.out, joined->port, WINDOW);
  link_end(&joined->to, begin);
  write_all(&joined->to);
}

void ports_close(struct joined *joined) {
  link_close(&joined->from);
  link_close(&joined->to);
}

static void send(struct joined *joined, struct slice payload, uint64_t count) {
  size_t begin = link_begin(&joined->from);
  for (uint64_t i = 0; i < count; i++) wire_put_port_message(&joined->from.out, 1, payload);
  link_end(&joined->from, begin);
  write_all(&joined->from);
}

/* As a renderer does: when half of the window has been read. */
static void credit(struct joined *joined, uint64_t bytes) {
  joined->uncredited += bytes;
  if (joined->uncredited < WINDOW / 2) return;
  size_t begin = link_begin(&joined->to);
  wire_put_port_credit(&joined->to.out, joined->port, joined->uncredited);
  link_end(&joined->to, begin);
  write_all(&joined->to);
  joined->uncredited = 0;
}

void ports_run(struct joined *joined, struct slice payload, uint64_t window, uint64_t count) {
  uint64_t to_send = count, first = window < count ? window : count;
  send(joined, payload, first);
  to_send -= first;
  while (count) {
    uint64_t port = 0, room;
    size_t len = 0;
    uint64_t came = link_read_kind(&joined->to, WIRE_PORT_MESSAGE, &port, &len);
    if (came && (port != joined->port || len != payload.len)) fail("a message of another port");
    if (came > count) fail("more messages than were sent");
    count -= came;
    credit(joined, came * (payload.len + MESSAGE_COST));
    room = came < to_send ? came : to_send;
    if (room) send(joined, payload, room);
    to_send -= room;
  }
}
