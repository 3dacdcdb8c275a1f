/* base/sha1 and base/base64: the examples of RFC 3174, RFC 4648 and RFC 6455. */
#include "base/base64.h"
#include "base/sha1.h"
#include "check.h"

static const char *hex_of(struct slice bytes) {
  static char text[2 * SHA1_SIZE + 1];
  uint8_t digest[SHA1_SIZE];
  sha1(bytes, digest);
  for (unsigned i = 0; i < SHA1_SIZE; i++) snprintf(text + 2 * i, 3, "%02x", digest[i]);
  return text;
}

TEST(digests) {
  CHECK_STR(hex_of(slice_of(NULL, 0)), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  CHECK_STR(hex_of(slice_str("abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
  CHECK_STR(hex_of(slice_str("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
            "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
}

/* Around the end of a chunk, where the padding takes one chunk or two; the sums are sha1sum's. */
TEST(digests_of_every_padding) {
  static const struct {
    size_t len;
    const char *digest;
  } sums[] = {
      {55, "c1c8bbdc22796e28c0e15163d20899b65621d65a"}, {56, "c2db330f6083854c99d4b5bfb6e8f29f201be699"},
      {63, "03f09f5b158a7a8cdad920bddc29b81c18a551f5"}, {64, "0098ba824b5c16427bd7a1122a5a442a25ec644d"},
      {65, "11655326c708d70319be2610e8a57d9a5b959d3b"}, {1000, "291e9a6c66994949b57ba5e650361e98fc36b1ba"},
  };
  char text[1000];
  memset(text, 'a', sizeof text);
  for (size_t i = 0; i < sizeof sums / sizeof *sums; i++)
    CHECK_STR(hex_of(slice_of(text, sums[i].len)), sums[i].digest);
}

TEST(base64_texts) {
  static const char *const texts[] = {"",     "",     "f",        "Zg==",  "fo",       "Zm8=",   "foo",
                                      "Zm9v", "foob", "Zm9vYg==", "fooba", "Zm9vYmE=", "foobar", "Zm9vYmFy"};
  char out[BASE64_SIZE(6) + 1];
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i += 2) {
    base64_encode(out, slice_str(texts[i]));
    CHECK_STR(out, texts[i + 1]);
    CHECK(base64_is(slice_str(out), strlen(texts[i])));
  }
}

TEST(base64_refusals) {
  CHECK(base64_is(slice_str("dGhlIHNhbXBsZSBub25jZQ=="), 16));
  CHECK(!base64_is(slice_str("dGhlIHNhbXBsZSBub25jZQ="), 16));
  CHECK(!base64_is(slice_str("dGhlIHNhbXBsZSBub25jZQ==="), 16));
  CHECK(!base64_is(slice_str("dGhlIHNhbXBsZSBub25jZR=="), 16)); /* bits left over */
  CHECK(!base64_is(slice_str("dGhlIHNhbXBs*SBub25jZQ=="), 16));
  CHECK(!base64_is(slice_of("dGhlIHNhbXBs\0SBub25jZQ==", 24), 16));
  CHECK(!base64_is(slice_str("dGhlIHNhbXBsZSBub25jZVE="), 16));
}

TEST(websocket_accept) {
  uint8_t digest[SHA1_SIZE];
  char out[BASE64_SIZE(SHA1_SIZE) + 1];
  sha1(slice_str("dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11"), digest);
  base64_encode(out, slice_of(digest, sizeof digest));
  CHECK_STR(out, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

int main(void) {
  RUN(digests);
  RUN(digests_of_every_padding);
  RUN(base64_texts);
  RUN(base64_refusals);
  RUN(websocket_accept);
  return check_end();
}
