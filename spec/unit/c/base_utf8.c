/* UTF-8: what is text, and what is ASCII, at every length around the steps of eight and four bytes. */
#include "base/utf8.h"

#include "check.h"

TEST(ascii_is_told_at_every_length) {
  uint8_t text[40];
  memset(text, 'a', sizeof text);
  for (size_t len = 0; len <= sizeof text; len++) {
    CHECK(utf8_ascii(slice_of(text, len)));
    for (size_t at = 0; at < len; at++) {
      text[at] = 0x80;
      CHECK(!utf8_ascii(slice_of(text, len)));
      CHECK(!utf8_valid(slice_of(text, len)));
      text[at] = 'a';
    }
  }
}

TEST(ascii_looks_at_nothing_else) {
  uint8_t text[32];
  memset(text, 0xff, sizeof text);
  memset(text + 3, 0x7f, 11);
  for (size_t len = 0; len <= 11; len++) CHECK(utf8_ascii(slice_of(text + 3, len)));
}

TEST(text_is_what_rfc_3629_says) {
  static const char *const valid[] = {"",
                                      "\xc2\x80",
                                      "\xdf\xbf",
                                      "\xe0\xa0\x80",
                                      "\xed\x9f\xbf",
                                      "\xee\x80\x80",
                                      "\xf0\x90\x80\x80",
                                      "\xf4\x8f\xbf\xbf",
                                      "12345678\xc3\xa9",
                                      "1234567\xc3\xa9"};
  static const char *const invalid[] = {
      "\x80",         "\xc0\x80",         "\xc1\xbf",         "\xe0\x9f\xbf",
      "\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
      "\xc3",         "\xe2\x82",         "12345678\xc3",     "\xf0\x90\x80",
      "\xff"};
  for (size_t i = 0; i < sizeof valid / sizeof *valid; i++) CHECK(utf8_valid(slice_str(valid[i])));
  for (size_t i = 0; i < sizeof invalid / sizeof *invalid; i++) CHECK(!utf8_valid(slice_str(invalid[i])));
}

int main(void) {
  RUN(ascii_is_told_at_every_length);
  RUN(ascii_looks_at_nothing_else);
  RUN(text_is_what_rfc_3629_says);
  return check_end();
}
