/*
 * core_host_link: a renderer's link to a host in process, as a Lua userdata: blocks as on a stream go in and
 * come out. The host holds it until it has ended.
 */
#include <stdlib.h>
#include <string.h>

#include "core_host.h"
#include "core_module.h"
#include "wire/block.h"

#define LINK "ipchost.link"
#define GATHER_MAX 262144u /* a block that has as much is ended */

struct link {
  struct lane lane;
  struct core_host *host;
  struct list node;
  struct buf out; /* whole blocks, and from `block` on the one that is being built */
  size_t block;
  bool building;
  struct block_reader reader;
  char *origin; /* NULL: a native client */
  bool closing, over_mark, ended;
};

/* ---- the lane ---- */

static void seal(struct link *self) {
  if (!self->building) return;
  block_header(self->out.data + self->block, self->out.len - self->block - BLOCK_HEADER);
  self->building = false;
}

/* Out of memory the packet goes without a header: the far side finds that the protocol is broken. */
static struct buf *lane_begin(void *user) {
  static const uint8_t header[BLOCK_HEADER];
  struct link *self = user;
  if (!self->building) {
    self->block = self->out.len;
    self->building = buf_put(&self->out, header, sizeof header) == ST_OK;
  }
  return &self->out;
}
static void lane_share(void *user, struct payload *payload) {
  struct slice bytes = payload_slice(payload);
  buf_put(&((struct link *)user)->out, bytes.data, bytes.len);
}
static void lane_end(void *user) {
  struct link *self = user;
  if (self->out.len - self->block > GATHER_MAX) seal(self);
}
static void lane_end_block(void *user) {
  struct link *self = user;
  if (self->building) seal(self);
}
static size_t lane_queued(void *user) {
  return ((struct link *)user)->out.len;
}
static void lane_await_drain(void *user) {
  ((struct link *)user)->over_mark = true;
}

static void say_bye(struct link *self, const struct fault *fault) {
  struct packet bye = {.kind = PACKET_BYE, .code = (uint64_t)fault->close, .text = slice_str(fault->text)};
  if (self->closing) return;
  lane_write(&self->lane, &bye, slice_of(NULL, 0));
  self->closing = true;
}
static void lane_close(void *user, const struct fault *fault) {
  say_bye(user, fault);
}
static void lane_go_on(void *user) {
  (void)user;
}

static const struct lane_ops lane_ops = {lane_begin,  lane_share,       lane_end,   lane_end_block,
                                         lane_queued, lane_await_drain, lane_close, lane_go_on};

/* ---- the end ---- */

/* Not from inside the core. */
static void end_link(struct link *self) {
  if (self->ended) return;
  self->ended = self->closing = true;
  core_lane_closed(&self->host->core, &self->lane, LANE_CLEAN);
  list_remove(&self->node);
}

void core_host_end_links(struct core_host *self) {
  while (!list_empty(&self->links)) end_link(LIST_ENTRY(self->links.next, struct link, node));
}

static int link_free(lua_State *L) {
  struct link *self = luaL_checkudata(L, 1, LINK);
  buf_deinit(&self->out);
  block_reader_deinit(&self->reader);
  free(self->origin);
  self->origin = NULL;
  return 0;
}

/* Lets go of the link at index 1, which has ended. [-0, +0, m] */
static void release(lua_State *L, struct link *self) {
  end_link(self);
  lua_rawgeti(L, LUA_REGISTRYINDEX, self->host->self);
  lua_getiuservalue(L, -1, 1);
  lua_pushvalue(L, 1);
  lua_pushnil(L);
  lua_rawset(L, -3);
  lua_pop(L, 2);
}

static int link_close(lua_State *L) {
  release(L, luaL_checkudata(L, 1, LINK));
  return 0;
}

/* ---- bytes ---- */

static enum status receive(struct link *self, const struct packet *packet, struct fault *fault) {
  struct core *core = &self->host->core;
  struct core_peer peer = {.origin = self->origin, .page = self->origin != NULL};
  if (self->lane.session) return core_packet(core, &self->lane, packet, fault);
  if (packet->kind != PACKET_HELLO)
    return fault_set(fault, ST_MALFORMED, 1002, "ERR_PROTOCOL", "%s: the first packet must be hello",
                     packet_name(packet->kind));
  return core_hello(core, &self->lane, packet, &peer, fault);
}

static enum status receive_block(struct link *self, struct slice block, struct fault *fault) {
  struct packet packet;
  enum status status = ST_OK;
  while (block.len && status == ST_OK && !self->closing) {
    status = packet_parse(&block, &packet, fault);
    if (status == ST_OK) status = receive(self, &packet, fault);
  }
  return status;
}

/* link:write(bytes): the packets in them are dispatched before it returns. */
static int link_write(lua_State *L) {
  struct link *self = luaL_checkudata(L, 1, LINK);
  struct slice in, block;
  struct fault fault;
  enum status status = ST_OK;
  in.data = (const uint8_t *)luaL_checklstring(L, 2, &in.len);
  while (status == ST_OK && !self->closing) {
    status = block_next(&self->reader, &in, &block, &fault);
    if (status == ST_OK) status = receive_block(self, block, &fault);
  }
  if (status == ST_CLOSED)
    self->closing = true;
  else if (status != ST_OK && status != ST_MORE)
    say_bye(self, &fault);
  return 0;
}

/* link:take(): what the host has written, nil if nothing; then true if it has closed. */
static int link_take(lua_State *L) {
  struct link *self = luaL_checkudata(L, 1, LINK);
  bool closed = self->closing;
  seal(self);
  if (self->out.len)
    lua_pushlstring(L, (const char *)self->out.data, self->out.len);
  else
    lua_pushnil(L);
  buf_reset(&self->out, GATHER_MAX);
  if (self->over_mark && !closed) {
    self->over_mark = false;
    core_lane_drained(&self->host->core, &self->lane);
  }
  if (closed) release(L, self);
  lua_pushboolean(L, closed);
  return 2;
}

/* ---- the class ---- */

int core_host_connect(lua_State *L) {
  struct core_host *host = core_host_check(L, 1);
  const char *origin = luaL_optstring(L, 2, NULL);
  struct link *self = lua_newuserdatauv(L, sizeof *self, 0);
  memset(self, 0, sizeof *self);
  self->host = host;
  self->lane = (struct lane){.ops = &lane_ops, .user = self};
  block_reader_init(&self->reader, host->limits.packet);
  luaL_setmetatable(L, LINK);
  if (origin && !(self->origin = strdup(origin))) return luaL_error(L, "not enough memory");
  lua_getiuservalue(L, 1, 1);
  lua_pushvalue(L, -2);
  lua_pushboolean(L, 1);
  lua_rawset(L, -3);
  lua_pop(L, 1);
  list_push(&host->links, &self->node);
  return 1;
}

void core_host_link_open(lua_State *L) {
  static const luaL_Reg methods[] = {
      {"write", link_write}, {"take", link_take}, {"close", link_close}, {NULL, NULL}};
  luaL_newmetatable(L, LINK);
  lua_pushcfunction(L, link_free);
  lua_setfield(L, -2, "__gc");
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}
