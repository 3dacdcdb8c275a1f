/*
 * core_writer: the outgoing half of a stream connection as a Lua userdata: packets are put in, and taken out
 * as blocks once a turn of the loop. It counts numbered packets; it knows no meaning of a packet.
 */
#include <lauxlib.h>

#include "base/limits.h"
#include "base/utf8.h"
#include "core_module.h"
#include "lua/clone.h"
#include "wire/block.h"
#include "wire/packet_layout.h"

#define WRITER "ipchost.writer"

#define BUFFER_KEEP 65536u
#define NESTING_MAX (1 << 20)
#define BLOCK_MAX 0x7fffffffu
#define NUMBER_MAX ((lua_Integer)1 << 53)

struct writer {
  struct buf out;     /* whole blocks, and from `block` on the one that is being built */
  struct buf payload; /* of the packet that is being put; empty otherwise */
  bool putting;       /* while it is encoded, finalizers may put as well */
  size_t block;
  uint64_t limit; /* the longest block */
  uint64_t sent;  /* numbered packets so far */
  struct clone_limits clone;
};

/* writer(): with the usual limits until `limits` is called. */
static int writer_new(lua_State *L) {
  struct limits usual = limits_default();
  struct writer *self = lua_newuserdatauv(L, sizeof *self, 0);
  *self = (struct writer){.limit = usual.packet, .clone = {.depth = (unsigned)usual.nesting}};
  luaL_setmetatable(L, WRITER);
  return 1;
}

static int writer_free(lua_State *L) {
  struct writer *self = luaL_checkudata(L, 1, WRITER);
  buf_deinit(&self->out);
  buf_deinit(&self->payload);
  return 0;
}

/* writer:limits(packet, nesting): what the other side takes. */
static int writer_limits(lua_State *L) {
  struct writer *self = luaL_checkudata(L, 1, WRITER);
  lua_Integer packet = luaL_checkinteger(L, 2), nesting = luaL_checkinteger(L, 3);
  luaL_argcheck(L, packet > 0, 2, "expected a size");
  luaL_argcheck(L, nesting > 0 && nesting < NESTING_MAX, 3, "expected a depth");
  self->limit = packet < BLOCK_MAX ? (uint64_t)packet : BLOCK_MAX;
  self->clone.depth = (unsigned)nesting;
  return 0;
}

/* ---- from arguments to a packet ---- */

/* Port numbers of the list at `arg` (or of nothing), in memory that the value left on the stack owns. [-0,
 * +1, v] */
static uint64_t *take_ports(lua_State *L, int arg, struct packet *packet) {
  size_t count = lua_isnoneornil(L, arg) ? 0 : lua_rawlen(L, arg);
  uint64_t *ports = lua_newuserdatauv(L, count * sizeof *ports + 1, 0);
  for (size_t i = 0; i < count; i++) {
    lua_rawgeti(L, arg, (lua_Integer)i + 1);
    ports[i] = (uint64_t)luaL_checkinteger(L, -1);
    lua_pop(L, 1);
  }
  packet->port_count = count;
  return ports;
}

static struct slice take_text(lua_State *L, int arg, const struct packet_item *item) {
  size_t len;
  const char *text = luaL_checklstring(L, arg, &len);
  luaL_argcheck(L, item->type != ITEM_KEY || len == SESSION_KEY_LEN, arg, "expected 16 bytes");
  return slice_of(text, len);
}

/* Sets the packet's member of the item from the argument. [-0, +0, v] */
static void take_item(lua_State *L, int arg, const struct packet_item *item, struct packet *packet) {
  void *member = (uint8_t *)packet + item->offset;
  lua_Integer number;
  if (item->type == ITEM_UINT) {
    number = luaL_checkinteger(L, arg);
    luaL_argcheck(L, number >= 0 && number < NUMBER_MAX, arg, "expected 0 to 2^53 - 1");
    *(uint64_t *)member = (uint64_t)number;
  } else if (item->type == ITEM_BOOL) {
    *(bool *)member = lua_toboolean(L, arg);
  } else {
    *(struct slice *)member = take_text(L, arg, item);
  }
}

static enum status check_text(const struct packet_item *item, struct slice text, struct fault *fault) {
  if (item->type == ITEM_CHANNEL && text.len > CHANNEL_MAX)
    return fault_set(fault, ST_INVALID, 0, "ERR_INVALID_CHANNEL", "%s: longer than %u bytes", item->name,
                     CHANNEL_MAX);
  if (!utf8_valid(text))
    return fault_set(fault, ST_INVALID, 0, "ERR_INVALID_CHANNEL", "%s: not valid UTF-8", item->name);
  return ST_OK;
}

/* The texts of the packet as the wire wants them. */
static enum status check_texts(const struct packet *packet, struct fault *fault) {
  const struct packet_layout *layout = &packet_layouts[packet->kind];
  enum status status = ST_OK;
  for (size_t i = 0; i < layout->count && status == ST_OK; i++) {
    const struct packet_item *item = &layout->items[i];
    if (item->type == ITEM_TEXT || item->type == ITEM_CHANNEL)
      status = check_text(item, *(const struct slice *)((const uint8_t *)packet + item->offset), fault);
  }
  return status;
}

/* Pushes the memory for a payload's encoding: the writer's own, or of another one made for it. [-0, +1, m] */
static struct buf *push_payload(lua_State *L, struct writer *self) {
  struct writer *other;
  if (self->putting) {
    writer_new(L);
    other = lua_touserdata(L, -1);
    return &other->payload;
  }
  lua_pushnil(L);
  self->payload.len = 0;
  self->putting = true; /* for good after an error: then each has its own */
  return &self->payload;
}

/* Encodes the arguments from `first` to `last` as the payload of the kind. */
static enum status encode(lua_State *L, const struct writer *self, uint64_t kind, int first, int last,
                          struct buf *out, struct fault *fault) {
  if (kind == PACKET_SEND || kind == PACKET_INVOKE || kind == PACKET_SYNC)
    return clone_encode_list(L, first, last < first ? 0 : last - first + 1, "args", &self->clone, out, fault);
  return clone_encode(L, first, kind == PACKET_REPLY ? "result" : "message", &self->clone, out, fault);
}

/* ---- from a packet to blocks ---- */

static enum status too_long(const struct writer *self, size_t len, struct fault *fault) {
  return fault_set(fault, ST_LIMIT, 0, "ERR_LIMIT_PACKET",
                   "limits.packet (%llu bytes) exceeded: the message has %zu",
                   (unsigned long long)self->limit, len);
}

/* Ends the block before the packet at `start`, which thus begins a new one. */
static enum status split(struct writer *self, size_t start) {
  struct buf *out = &self->out;
  if (buf_reserve(out, BLOCK_HEADER) != ST_OK) return ST_NOMEM;
  memmove(out->data + start + BLOCK_HEADER, out->data + start, out->len - start);
  out->len += BLOCK_HEADER;
  block_header(out->data + self->block, start - self->block - BLOCK_HEADER);
  self->block = start;
  return ST_OK;
}

static enum status append(struct writer *self, const struct packet *packet, const uint64_t *ports,
                          struct slice payload, struct fault *fault) {
  static const uint8_t place[BLOCK_HEADER];
  struct buf *out = &self->out;
  size_t begin = out->len, start;
  enum status status = ST_NOMEM;
  if (begin == self->block && buf_put(out, place, BLOCK_HEADER) != ST_OK) return ST_NOMEM;
  start = out->len;
  if (packet_put(out, packet, ports, payload.len) != ST_OK ||
      buf_put(out, payload.data, payload.len) != ST_OK)
    goto out;
  if (out->len - start > self->limit)
    status = too_long(self, out->len - start, fault);
  else
    status = out->len - self->block - BLOCK_HEADER > self->limit ? split(self, start) : ST_OK;
out:
  if (status != ST_OK) out->len = begin;
  return status;
}

/* The kind by its name; upvalue 1 has the kinds. [-0, +0, v] */
static uint64_t kind_at(lua_State *L, int arg) {
  lua_Integer kind;
  luaL_checkstring(L, arg);
  lua_pushvalue(L, arg);
  if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNUMBER) luaL_argerror(L, arg, "no kind of packet");
  kind = lua_tointeger(L, -1);
  lua_pop(L, 1);
  return (uint64_t)kind;
}

/* Takes the header items from argument 3 on; true if the kind has a payload besides. Leaves the ports'
 * memory on the stack. [-0, +(0|1), v] */
static bool take_items(lua_State *L, struct packet *packet, const uint64_t **ports) {
  const struct packet_layout *layout = &packet_layouts[packet->kind];
  for (size_t i = 0; i < layout->count; i++) {
    const struct packet_item *item = &layout->items[i];
    int arg = 3 + (int)i;
    if (item->type == ITEM_PAYLOAD) return true;
    if (item->type == ITEM_PORTS)
      *ports = take_ports(L, arg, packet);
    else
      take_item(L, arg, item, packet);
  }
  return false;
}

/*
 * writer:put(kind, items..., values...), as reader:next gives them. Returns how many bytes wait to be taken;
 * or nil, message, code, and nothing was put.
 */
static int writer_put(lua_State *L) {
  struct writer *self = luaL_checkudata(L, 1, WRITER);
  struct packet packet = {.kind = kind_at(L, 2)};
  int value = 2 + (int)packet_layouts[packet.kind].count, last = lua_gettop(L);
  const uint64_t *ports = NULL;
  struct fault fault;
  struct buf *payload;
  enum status status;
  bool has_payload;
  if (last < value) lua_settop(L, value);
  has_payload = take_items(L, &packet, &ports);
  payload = push_payload(L, self);
  status = check_texts(&packet, &fault);
  if (status == ST_OK && has_payload) status = encode(L, self, packet.kind, value, last, payload, &fault);
  if (status == ST_OK) status = append(self, &packet, ports, buf_slice(payload), &fault);
  buf_reset(payload, BUFFER_KEEP);
  if (payload == &self->payload) self->putting = false;
  if (status == ST_NOMEM) return luaL_error(L, "not enough memory");
  if (status != ST_OK) return core_push_fault(L, &fault);
  self->sent += packet_numbered(packet.kind);
  lua_pushinteger(L, (lua_Integer)self->out.len);
  return 1;
}

/* writer:take(): the bytes to write, as blocks; nil if there are none. */
static int writer_take(lua_State *L) {
  struct writer *self = luaL_checkudata(L, 1, WRITER);
  struct buf *out = &self->out;
  if (out->len == 0) return 0;
  block_header(out->data + self->block, out->len - self->block - BLOCK_HEADER);
  lua_pushlstring(L, (const char *)out->data, out->len);
  buf_reset(out, BUFFER_KEEP);
  self->block = 0;
  return 1;
}

/* writer:sent(): how many numbered packets were put so far. */
static int writer_sent(lua_State *L) {
  const struct writer *self = luaL_checkudata(L, 1, WRITER);
  lua_pushinteger(L, (lua_Integer)self->sent);
  return 1;
}

void core_writer_open(lua_State *L) {
  static const luaL_Reg methods[] = {
      {"limits", writer_limits}, {"take", writer_take}, {"sent", writer_sent}, {NULL, NULL}};
  luaL_newmetatable(L, WRITER);
  lua_pushcfunction(L, writer_free);
  lua_setfield(L, -2, "__gc");
  luaL_newlib(L, methods);
  lua_createtable(L, 0, PACKET_KINDS);
  for (lua_Integer kind = 0; kind < PACKET_KINDS; kind++) {
    lua_pushinteger(L, kind);
    lua_setfield(L, -2, packet_name((uint64_t)kind));
  }
  lua_pushcclosure(L, writer_put, 1);
  lua_setfield(L, -2, "put");
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  lua_pushcfunction(L, writer_new);
  lua_setfield(L, -2, "writer");
}
