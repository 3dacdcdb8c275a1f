/*
 * core_reader: the incoming half of a stream connection as a Lua userdata: chunks go in, packets come out.
 * It checks what arrives and decodes payloads; it knows no meaning of a packet.
 */
#include <lauxlib.h>

#include "base/limits.h"
#include "core_module.h"
#include "lua/clone.h"
#include "wire/block.h"
#include "wire/packet_layout.h"

#define READER "ipchost.reader"

/* What a packet's own values may take of the stack: the items, the kind, a fault. */
#define SLOTS 16
#define NESTING_MAX (1 << 20)

struct reader {
  struct block_reader blocks;
  struct slice in;    /* what is left of the chunk, which is user value 1 */
  struct slice block; /* what is left of the block, which was checked */
  struct clone_limits limits;
  lua_Integer payload; /* bytes of the last packet's; -1 if it was a port's and could not be decoded */
  struct fault fault;  /* its status is ST_OK until the stream is broken */
};

/* reader(): with the usual limits until `limits` is called. */
static int reader_new(lua_State *L) {
  struct limits usual = limits_default();
  struct reader *self = lua_newuserdatauv(L, sizeof *self, 1);
  *self = (struct reader){.limits = {.depth = (unsigned)usual.nesting}};
  block_reader_init(&self->blocks, usual.packet);
  luaL_setmetatable(L, READER);
  return 1;
}

/* reader:limits(packet, nesting): the longest block, the deepest value. */
static int reader_limits(lua_State *L) {
  struct reader *self = luaL_checkudata(L, 1, READER);
  lua_Integer packet = luaL_checkinteger(L, 2), nesting = luaL_checkinteger(L, 3);
  luaL_argcheck(L, packet > 0, 2, "expected a size");
  luaL_argcheck(L, nesting > 0 && nesting < NESTING_MAX, 3, "expected a depth");
  self->blocks.limit = (uint64_t)packet;
  self->limits.depth = (unsigned)nesting;
  return 0;
}

static int reader_free(lua_State *L) {
  struct reader *self = luaL_checkudata(L, 1, READER);
  block_reader_deinit(&self->blocks);
  self->in = self->block = slice_of(NULL, 0);
  return 0;
}

/* reader:feed(chunk), when `next` has said that it needs more. */
static int reader_feed(lua_State *L) {
  struct reader *self = luaL_checkudata(L, 1, READER);
  size_t len;
  const char *chunk = luaL_checklstring(L, 2, &len);
  if (self->in.len || self->block.len) return luaL_error(L, "feed: take the packets of the last chunk first");
  lua_settop(L, 2);
  lua_setiuservalue(L, 1, 1);
  self->in = slice_of(chunk, len);
  return 0;
}

static int broken(lua_State *L, struct reader *self, const struct fault *fault) {
  self->fault = *fault;
  self->in = self->block = slice_of(NULL, 0);
  return core_push_fault(L, &self->fault);
}

/* A block is a run of whole packets: checked before any of them is given out. */
static enum status check_block(struct slice block, struct fault *fault) {
  struct packet packet;
  enum status status = ST_OK;
  while (block.len && status == ST_OK) status = packet_parse(&block, &packet, fault);
  return status;
}

/* Pushes the list of port numbers. [-0, +1, m] */
static void push_ports(lua_State *L, const struct packet *packet) {
  struct slice ports = packet->ports;
  uint64_t port;
  lua_Integer n = 0;
  lua_newtable(L);
  while (packet_ports_next(&ports, &port)) {
    lua_pushinteger(L, (lua_Integer)port);
    lua_rawseti(L, -2, ++n);
  }
}

/* Pushes one header item. [-0, +1, m] */
static void push_item(lua_State *L, const struct packet_item *item, const struct packet *packet) {
  const void *member = (const uint8_t *)packet + item->offset;
  const struct slice *text = member;
  switch ((enum packet_item_type)item->type) {
  case ITEM_UINT:
    lua_pushinteger(L, (lua_Integer) * (const uint64_t *)member);
    break;
  case ITEM_BOOL:
    lua_pushboolean(L, *(const bool *)member);
    break;
  case ITEM_PORTS:
    push_ports(L, packet);
    break;
  case ITEM_TEXT:
  case ITEM_CHANNEL:
  case ITEM_BYTES:
  case ITEM_KEY:
  case ITEM_PAYLOAD:
    lua_pushlstring(L, text->len ? (const char *)text->data : "", text->len);
  }
}

static bool has_arguments(uint64_t kind) {
  return kind == PACKET_SEND || kind == PACKET_INVOKE || kind == PACKET_SYNC;
}

/* Pushes the kind's name, its items, and what the payload holds; upvalue 1 has the names by kind. */
static int push_packet(lua_State *L, struct reader *self, const struct packet *packet) {
  const struct packet_layout *layout = &packet_layouts[packet->kind];
  struct fault fault;
  int values = 0;
  self->payload = (lua_Integer)packet->payload.len;
  lua_rawgeti(L, lua_upvalueindex(1), (lua_Integer)packet->kind);
  for (size_t i = 0; i < layout->count; i++) {
    if (layout->items[i].type != ITEM_PAYLOAD)
      push_item(L, &layout->items[i], packet);
    else if (has_arguments(packet->kind))
      values = clone_decode_list(L, packet->payload, &self->limits, &fault);
    else
      values = clone_decode(L, packet->payload, &self->limits, &fault);
  }
  if (values < 0 && packet->kind != PACKET_PORT_MESSAGE) return broken(L, self, &fault);
  if (values < 0) { /* whoever forwarded it is not to blame */
    self->payload = -1;
    lua_pushnil(L);
  }
  return lua_gettop(L) - 1;
}

/*
 * reader:next(): the next packet: its kind by name, its header items in the order of docs/protocol.md section
 * 2, and the values of its payload; "unknown" and the number of a kind that is not known. Nothing when it
 * needs more; nil, message, code, close code when the peer broke the protocol, and then for ever.
 */
static int reader_next(lua_State *L) {
  struct reader *self = luaL_checkudata(L, 1, READER);
  struct packet packet;
  struct fault fault;
  enum status status = self->fault.status;
  if (status != ST_OK) return core_push_fault(L, &self->fault);
  lua_settop(L, 1);
  luaL_checkstack(L, SLOTS, NULL);
  while (self->block.len == 0) {
    status = block_next(&self->blocks, &self->in, &self->block, &fault);
    if (status == ST_MORE) return 0;
    if (status == ST_NOMEM) return luaL_error(L, "not enough memory");
    if (status == ST_OK) status = check_block(self->block, &fault);
    if (status != ST_OK) return broken(L, self, &fault);
  }
  packet_parse(&self->block, &packet, &fault);
  if (packet.kind < PACKET_KINDS) return push_packet(L, self, &packet);
  lua_pushliteral(L, "unknown");
  lua_pushinteger(L, (lua_Integer)packet.kind);
  return 2;
}

/* reader:payload(): how many bytes the last packet's payload had; nil if it was a port-message's that could
 * not be decoded. */
static int reader_payload(lua_State *L) {
  const struct reader *self = luaL_checkudata(L, 1, READER);
  if (self->payload < 0)
    lua_pushnil(L);
  else
    lua_pushinteger(L, self->payload);
  return 1;
}

/* reader:partial(): an end of the stream now cuts a block. */
static int reader_partial(lua_State *L) {
  const struct reader *self = luaL_checkudata(L, 1, READER);
  lua_pushboolean(L, block_reader_partial(&self->blocks));
  return 1;
}

void core_reader_open(lua_State *L) {
  static const luaL_Reg methods[] = {{"limits", reader_limits},
                                     {"feed", reader_feed},
                                     {"payload", reader_payload},
                                     {"partial", reader_partial},
                                     {NULL, NULL}};
  luaL_newmetatable(L, READER);
  lua_pushcfunction(L, reader_free);
  lua_setfield(L, -2, "__gc");
  luaL_newlib(L, methods);
  lua_createtable(L, PACKET_KINDS, 0);
  for (lua_Integer kind = 0; kind < PACKET_KINDS; kind++) {
    lua_pushstring(L, packet_name((uint64_t)kind));
    lua_rawseti(L, -2, kind);
  }
  lua_pushcclosure(L, reader_next, 1);
  lua_setfield(L, -2, "next");
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  lua_pushcfunction(L, reader_new);
  lua_setfield(L, -2, "reader");
}
