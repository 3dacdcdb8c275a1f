/* packet_layout: see packet_layout.h. */
#include "wire/packet_layout.h"

#define AT(member) (uint16_t) offsetof(struct packet, member)
#define UINT(name, member)                                                                                   \
  { name, ITEM_UINT, AT(member) }
#define FRAME UINT("frame", frame)
#define CALL UINT("call", call)
#define PORT UINT("port", port)
#define SENT UINT("sent", sent)
#define RECEIVED UINT("received", received)
#define TOKEN UINT("token", token)
#define CHANNEL                                                                                              \
  { "channel", ITEM_CHANNEL, AT(channel) }
#define PORTS                                                                                                \
  { "ports", ITEM_PORTS, AT(ports) }
#define PAYLOAD(name)                                                                                        \
  { name, ITEM_PAYLOAD, AT(payload) }
#define ARGUMENTS PAYLOAD("arguments")
#define DETAILS PAYLOAD("details")

/* clang-format off */
const struct packet_layout packet_layouts[PACKET_KINDS] = {
    [PACKET_HELLO] = {"hello", 8, {UINT("version", version), UINT("features", features),
                                   {"id", ITEM_KEY, AT(id)}, {"secret", ITEM_KEY, AT(secret)},
                                   UINT("lane", lane), SENT, RECEIVED, DETAILS}},
    [PACKET_WELCOME] = {"welcome", 4, {{"resumed", ITEM_BOOL, AT(resumed)}, SENT, RECEIVED, DETAILS}},
    [PACKET_SEND] = {"send", 3, {FRAME, CHANNEL, ARGUMENTS}},
    [PACKET_INVOKE] = {"invoke", 5, {FRAME, CALL, UINT("deadline", deadline), CHANNEL, ARGUMENTS}},
    [PACKET_SYNC] = {"sync", 5, {FRAME, CALL, UINT("number", number), CHANNEL, ARGUMENTS}},
    [PACKET_REPLY] = {"reply", 3, {CALL, UINT("status", status), PAYLOAD("value")}},
    [PACKET_CANCEL] = {"cancel", 2, {CALL, UINT("reason", reason)}},
    [PACKET_POST] = {"post", 4, {FRAME, CHANNEL, PORTS, PAYLOAD("message")}},
    [PACKET_PORT_OPEN] = {"port-open", 2, {PORT, UINT("window", window)}},
    [PACKET_PORT_MESSAGE] = {"port-message", 3, {PORT, PORTS, PAYLOAD("message")}},
    [PACKET_PORT_CLOSE] = {"port-close", 1, {PORT}},
    [PACKET_PORT_CREDIT] = {"port-credit", 2, {PORT, UINT("bytes", bytes)}},
    [PACKET_FRAME_OPEN] = {"frame-open", 3, {FRAME, UINT("parent", parent), DETAILS}},
    [PACKET_FRAME_OPENED] = {"frame-opened", 2, {FRAME, DETAILS}},
    [PACKET_FRAME_UPDATE] = {"frame-update", 2, {FRAME, DETAILS}},
    [PACKET_FRAME_NAVIGATE] = {"frame-navigate", 3, {FRAME, {"in-page", ITEM_BOOL, AT(in_page)}, DETAILS}},
    [PACKET_FRAME_CLOSE] = {"frame-close", 1, {FRAME}},
    [PACKET_TICKET] = {"ticket", 4, {UINT("request", request), FRAME, {"origin", ITEM_TEXT, AT(text)},
                                     {"ticket", ITEM_BYTES, AT(id)}}},
    [PACKET_ACK] = {"ack", 1, {RECEIVED}},
    [PACKET_PING] = {"ping", 1, {TOKEN}},
    [PACKET_PONG] = {"pong", 1, {TOKEN}},
    [PACKET_BYE] = {"bye", 2, {UINT("code", code), {"text", ITEM_TEXT, AT(text)}}},
};
/* clang-format on */

const char *packet_name(uint64_t kind) {
  return kind < PACKET_KINDS ? packet_layouts[kind].name : "unknown";
}
