/* sha1: see sha1.h. */
#include "base/sha1.h"

#define CHUNK 64
#define LENGTH_AT 56 /* of the last chunk: the message's length in bits */

static uint32_t rotate(uint32_t x, unsigned by) {
  return x << by | x >> (32 - by);
}

static void expand(uint32_t w[80], const uint8_t chunk[CHUNK]) {
  for (size_t i = 0; i < 16; i++)
    w[i] = (uint32_t)chunk[4 * i] << 24 | (uint32_t)chunk[4 * i + 1] << 16 | (uint32_t)chunk[4 * i + 2] << 8 |
           chunk[4 * i + 3];
  for (unsigned i = 16; i < 80; i++) w[i] = rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
}

/* The function and the constant of round i. */
static uint32_t mix(unsigned i, uint32_t b, uint32_t c, uint32_t d) {
  if (i < 20) return ((b & c) | (~b & d)) + 0x5A827999;
  if (i < 40) return (b ^ c ^ d) + 0x6ED9EBA1;
  if (i < 60) return ((b & c) | (b & d) | (c & d)) + 0x8F1BBCDC;
  return (b ^ c ^ d) + 0xCA62C1D6;
}

static void add_chunk(uint32_t h[5], const uint8_t chunk[CHUNK]) {
  uint32_t w[80], v[5];
  expand(w, chunk);
  memcpy(v, h, sizeof v);
  for (unsigned i = 0; i < 80; i++) {
    uint32_t next = rotate(v[0], 5) + mix(i, v[1], v[2], v[3]) + v[4] + w[i];
    v[4] = v[3];
    v[3] = v[2];
    v[2] = rotate(v[1], 30);
    v[1] = v[0];
    v[0] = next;
  }
  for (unsigned i = 0; i < 5; i++) h[i] += v[i];
}

/* What is left of the message, a bit, zeroes and the length: one chunk or two. */
static void add_end(uint32_t h[5], struct slice rest, uint64_t len) {
  uint8_t end[2 * CHUNK] = {0};
  size_t size = rest.len < LENGTH_AT ? CHUNK : 2 * CHUNK;
  if (rest.len) memcpy(end, rest.data, rest.len);
  end[rest.len] = 0x80;
  for (unsigned i = 0; i < 8; i++) end[size - 1 - i] = (uint8_t)(len * 8 >> 8 * i);
  for (size_t at = 0; at < size; at += CHUNK) add_chunk(h, end + at);
}

void sha1(struct slice bytes, uint8_t out[SHA1_SIZE]) {
  uint32_t h[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
  size_t whole = bytes.len - bytes.len % CHUNK;
  for (size_t at = 0; at < whole; at += CHUNK) add_chunk(h, bytes.data + at);
  add_end(h, slice_of(whole ? bytes.data + whole : bytes.data, bytes.len - whole), bytes.len);
  for (unsigned i = 0; i < SHA1_SIZE; i++) out[i] = (uint8_t)(h[i / 4] >> (24 - 8 * (i % 4)));
}
