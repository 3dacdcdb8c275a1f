/* Vouchers: taken once, in time, and never more of them than an issuer may have. */
#include "frame/vouchers.h"

#include <stdlib.h>

#include "check.h"

#define LIFE 1000

static struct vouchers vouchers;

/* What it stands for, or 0 when it stands for nothing. */
static uint64_t take(const uint8_t *secret, uint64_t now) {
  struct voucher *voucher = voucher_take(&vouchers, slice_of(secret, VOUCHER_LEN), now);
  uint64_t subject = voucher ? voucher->subject : 0;
  if (voucher) CHECK_STR(voucher->text, "text");
  free(voucher);
  return subject;
}

static void make(uint64_t issuer, uint64_t subject, uint64_t now, uint8_t *secret) {
  CHECK_INT(voucher_make(&vouchers, issuer, subject, slice_str("text"), now, secret), ST_OK);
}

TEST(is_taken_once) {
  uint8_t one[VOUCHER_LEN], two[VOUCHER_LEN];
  make(1, 7, 0, one);
  make(1, 8, 0, two);
  CHECK(memcmp(one, two, sizeof one) != 0);
  CHECK_INT(take(two, 0), 8);
  CHECK_INT(take(two, 0), 0);
  CHECK_INT(take(one, 0), 7);
  CHECK_INT(vouchers.issuers.count, 0);
  CHECK(!voucher_take(&vouchers, slice_of(one, VOUCHER_LEN - 1), 0));
  CHECK(!voucher_take(&vouchers, slice_of(NULL, 0), 0));
}

TEST(is_not_taken_by_half) {
  uint8_t one[VOUCHER_LEN], forged[VOUCHER_LEN];
  make(1, 7, 0, one);
  memcpy(forged, one, sizeof one);
  forged[VOUCHER_LEN - 1] ^= 1;
  CHECK_INT(take(forged, 0), 0);
  memset(forged, 0, sizeof forged);
  CHECK_INT(take(forged, 0), 0);
  CHECK_INT(take(one, 0), 7);
}

TEST(is_of_no_use_when_it_is_due) {
  uint8_t one[VOUCHER_LEN], two[VOUCHER_LEN];
  make(1, 7, 0, one);
  make(2, 8, 500, two);
  CHECK_INT(take(one, LIFE - 1), 7);
  CHECK_INT(take(two, LIFE + 500), 0);
  make(1, 7, 0, one);
  make(2, 8, 1, two);
  vouchers_sweep(&vouchers, LIFE);
  CHECK_INT(vouchers.by_secret.count, 1);
  CHECK_INT(take(one, 0), 0);
  CHECK_INT(take(two, LIFE), 8);
}

TEST(the_oldest_of_an_issuer_gives_way) {
  uint8_t secrets[5][VOUCHER_LEN], other[VOUCHER_LEN];
  make(2, 9, 0, other);
  for (uint64_t i = 0; i < 5; i++) make(1, i + 1, 0, secrets[i]);
  CHECK_INT(vouchers.by_secret.count, 4);
  CHECK_INT(take(secrets[0], 0), 0);
  CHECK_INT(take(secrets[1], 0), 0);
  CHECK_INT(take(secrets[2], 0), 3);
  CHECK_INT(take(other, 0), 9);
  vouchers_drop(&vouchers, 1);
  vouchers_drop(&vouchers, 1);
  CHECK_INT(take(secrets[4], 0), 0);
  CHECK_INT(vouchers.by_secret.count, 0);
  CHECK_INT(vouchers.issuers.count, 0);
}

TEST(a_long_text_is_not_kept) {
  uint8_t secret[VOUCHER_LEN];
  CHECK_INT(voucher_make(&vouchers, 1, 1, slice_str("123456789"), 0, secret), ST_LIMIT);
  CHECK_INT(vouchers.by_secret.count, 0);
}

int main(void) {
  vouchers_init(&vouchers, LIFE, 3, 8);
  RUN(is_taken_once);
  RUN(is_not_taken_by_half);
  RUN(is_of_no_use_when_it_is_due);
  RUN(the_oldest_of_an_issuer_gives_way);
  RUN(a_long_text_is_not_kept);
  vouchers_deinit(&vouchers);
  return check_end();
}
