/*
 * core_websocket: a client's WebSocket as a Lua userdata that turns what the socket brings into the bytes of
 * a stream connection, which a reader takes, and a writer's bytes into frames. It knows no socket and no
 * packet.
 */
#include <lauxlib.h>

#include "base/base64.h"
#include "base/limits.h"
#include "base/random.h"
#include "base/sha1.h"
#include "core_module.h"
#include "wire/block.h"
#include "wire/websocket.h"

#define WEBSOCKET "ipchost.websocket"
#define BUFFER_KEEP 65536u
#define KEY_SIZE ((size_t)16)
#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

struct websocket {
  struct websocket_reader reader;
  struct buf in;      /* the chunk in hand, unmasked where it stands */
  struct buf blocks;  /* what came, as blocks of a stream */
  struct buf frames;  /* what is to be written */
  struct fault fault; /* its status is ST_OK until the host has broken the rules */
};

/* websocket() */
static int websocket_new(lua_State *L) {
  struct websocket *self = lua_newuserdatauv(L, sizeof *self, 0);
  *self = (struct websocket){0};
  websocket_reader_init(&self->reader, WEBSOCKET_OF_SERVER, limits_default().packet);
  luaL_setmetatable(L, WEBSOCKET);
  return 1;
}

static int websocket_free(lua_State *L) {
  struct websocket *self = luaL_checkudata(L, 1, WEBSOCKET);
  websocket_reader_deinit(&self->reader);
  buf_deinit(&self->in);
  buf_deinit(&self->blocks);
  buf_deinit(&self->frames);
  return 0;
}

/* websocket:limit(packet): the longest message. */
static int websocket_limit(lua_State *L) {
  struct websocket *self = luaL_checkudata(L, 1, WEBSOCKET);
  lua_Integer packet = luaL_checkinteger(L, 2);
  luaL_argcheck(L, packet > 0, 2, "expected a size");
  self->reader.limit = (uint64_t)packet;
  return 0;
}

static int no_memory(lua_State *L) {
  return luaL_error(L, "not enough memory");
}

static void take_random(lua_State *L, uint8_t *bytes, size_t len) {
  if (random_bytes(bytes, len) != ST_OK) luaL_error(L, "the kernel gives no random bytes");
}

/* websocket:key(): a new key for the request of an upgrade, and what the answer must accept it with. */
static int websocket_key(lua_State *L) {
  uint8_t bytes[KEY_SIZE], digest[SHA1_SIZE];
  char key[BASE64_SIZE(KEY_SIZE) + sizeof GUID], accept[BASE64_SIZE(SHA1_SIZE) + 1];
  take_random(L, bytes, sizeof bytes);
  base64_encode(key, slice_of(bytes, sizeof bytes));
  lua_pushstring(L, key);
  memcpy(key + BASE64_SIZE(KEY_SIZE), GUID, sizeof GUID);
  sha1(slice_str(key), digest);
  base64_encode(accept, slice_of(digest, sizeof digest));
  lua_pushstring(L, accept);
  return 2;
}

/* ---- writing ---- */

static int push_frames(lua_State *L, struct websocket *self) {
  lua_pushlstring(L, self->frames.len ? (const char *)self->frames.data : "", self->frames.len);
  buf_reset(&self->frames, BUFFER_KEEP);
  return 1;
}

static void put(lua_State *L, struct websocket *self, enum websocket_kind kind, struct slice bytes) {
  uint8_t mask[WEBSOCKET_MASK];
  take_random(L, mask, sizeof mask);
  if (websocket_put_masked(&self->frames, kind, bytes, mask) != ST_OK) no_memory(L);
}

/* websocket:frames(blocks): each of the writer's blocks as a frame. */
static int websocket_frames(lua_State *L) {
  struct websocket *self = luaL_checkudata(L, 1, WEBSOCKET);
  size_t len, at = 0;
  const uint8_t *blocks = (const uint8_t *)luaL_checklstring(L, 2, &len);
  self->frames.len = 0;
  while (len - at >= BLOCK_HEADER) {
    size_t block = (size_t)blocks[at] | (size_t)blocks[at + 1] << 8 | (size_t)blocks[at + 2] << 16 |
                   (size_t)blocks[at + 3] << 24;
    at += BLOCK_HEADER;
    luaL_argcheck(L, block <= len - at, 2, "expected whole blocks");
    put(L, self, WEBSOCKET_MESSAGE, slice_of(blocks + at, block));
    at += block;
  }
  luaL_argcheck(L, at == len, 2, "expected whole blocks");
  return push_frames(L, self);
}

/* websocket:close(code): the frame that begins the end. */
static int websocket_close(lua_State *L) {
  struct websocket *self = luaL_checkudata(L, 1, WEBSOCKET);
  lua_Integer code = luaL_checkinteger(L, 2);
  uint8_t bytes[2] = {(uint8_t)(code >> 8), (uint8_t)code};
  self->frames.len = 0;
  luaL_argcheck(L, code > 0 && code < 5000 && websocket_code_sendable((int)code), 2, "expected a close code");
  put(L, self, WEBSOCKET_CLOSE, slice_of(bytes, sizeof bytes));
  return push_frames(L, self);
}

/* ---- reading ---- */

static void take_message(lua_State *L, struct websocket *self, struct slice message) {
  uint8_t header[BLOCK_HEADER];
  block_header(header, message.len);
  if (buf_put(&self->blocks, header, sizeof header) != ST_OK) no_memory(L);
  if (buf_put(&self->blocks, message.data, message.len) != ST_OK) no_memory(L);
}

/* The host's close: its code is answered with the same. */
static enum status take_close(lua_State *L, struct websocket *self, struct slice bytes, int *code) {
  struct slice reason;
  enum status status = websocket_close_parse(bytes, code, &reason, &self->fault);
  if (status == ST_OK) put(L, self, WEBSOCKET_CLOSE, slice_of(bytes.data, bytes.len < 2 ? 0 : 2));
  return status;
}

/* Takes the events of the chunk, up to a close, whose code it sets. ST_MORE: that was all. */
static enum status take_events(lua_State *L, struct websocket *self, int *code) {
  struct websocket_input in = {self->in.data, self->in.len};
  struct websocket_event event;
  enum status status = ST_OK;
  while (status == ST_OK && !*code) {
    status = websocket_next(&self->reader, &in, &event, &self->fault);
    if (status != ST_OK) continue;
    if (event.kind == WEBSOCKET_MESSAGE) take_message(L, self, event.bytes);
    if (event.kind == WEBSOCKET_PING) put(L, self, WEBSOCKET_PONG, event.bytes);
    if (event.kind == WEBSOCKET_CLOSE) status = take_close(L, self, event.bytes, code);
  }
  return status;
}

/*
 * websocket:accept(chunk): what came, as blocks for a reader; the frames that answer it, to be written; the
 * code of the host's close, or nil. When the host broke the rules nil, message, code, close code, and then
 * for ever.
 */
static int websocket_accept(lua_State *L) {
  struct websocket *self = luaL_checkudata(L, 1, WEBSOCKET);
  size_t len;
  const char *chunk = luaL_checklstring(L, 2, &len);
  enum status status;
  int code = 0;
  if (self->fault.status != ST_OK) return core_push_fault(L, &self->fault);
  self->blocks.len = self->frames.len = 0;
  buf_reset(&self->in, BUFFER_KEEP);
  if (buf_put(&self->in, chunk, len) != ST_OK) return no_memory(L);
  status = take_events(L, self, &code);
  if (status == ST_NOMEM) return no_memory(L);
  if (status != ST_OK && status != ST_MORE) return core_push_fault(L, &self->fault);
  lua_pushlstring(L, self->blocks.len ? (const char *)self->blocks.data : "", self->blocks.len);
  buf_reset(&self->blocks, BUFFER_KEEP);
  push_frames(L, self);
  if (code)
    lua_pushinteger(L, code);
  else
    lua_pushnil(L);
  return 3;
}

void core_websocket_open(lua_State *L) {
  static const luaL_Reg methods[] = {{"limit", websocket_limit},   {"key", websocket_key},
                                     {"frames", websocket_frames}, {"close", websocket_close},
                                     {"accept", websocket_accept}, {NULL, NULL}};
  luaL_newmetatable(L, WEBSOCKET);
  lua_pushcfunction(L, websocket_free);
  lua_setfield(L, -2, "__gc");
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  lua_pushcfunction(L, websocket_new);
  lua_setfield(L, -2, "websocket");
}
