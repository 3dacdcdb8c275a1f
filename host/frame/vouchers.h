/*
 * vouchers: secrets that stand for a text for a short while, and are taken once: tickets (which frame may be
 * the parent of a document of which origin) and proofs (which URL a page was served at). It knows no session
 * and no clock; times are given to it. What it keeps is bounded by what each issuer may have at once.
 */
#ifndef IPCHOST_FRAME_VOUCHERS_H
#define IPCHOST_FRAME_VOUCHERS_H

#include "base/list.h"
#include "base/map.h"
#include "base/slice.h"

#define VOUCHER_LEN 16

struct voucher {
  struct list node; /* in the issuer's, the oldest first */
  struct list age;  /* in that of all, the oldest first */
  uint64_t issuer;
  uint64_t subject; /* the caller's: what it is about */
  uint64_t due;     /* ns: of no use from then on */
  uint8_t secret[VOUCHER_LEN];
  char text[];
};

struct vouchers {
  struct map by_secret; /* by its first eight bytes */
  struct map issuers;   /* private: how many each has */
  struct list all;
  uint64_t life; /* ns */
  size_t most;   /* of one issuer; the oldest gives way */
  size_t text_max;
};

void vouchers_init(struct vouchers *vouchers, uint64_t life, size_t most, size_t text_max);
void vouchers_deinit(struct vouchers *vouchers);
/* Makes one of the issuer (not 0) and writes its secret. ST_OK, ST_NOMEM, ST_IO (no randomness), or ST_LIMIT
 * when the text is too long to be kept. */
enum status voucher_make(struct vouchers *vouchers, uint64_t issuer, uint64_t subject, struct slice text,
                         uint64_t now, uint8_t secret[VOUCHER_LEN]);
/* Takes it out: the caller frees it. NULL: it was never made, was taken, or is past its time. */
struct voucher *voucher_take(struct vouchers *vouchers, struct slice secret, uint64_t now);
/* Forgets those of an issuer that is gone. */
void vouchers_drop(struct vouchers *vouchers, uint64_t issuer);
/* Forgets those that are past their time. */
void vouchers_sweep(struct vouchers *vouchers, uint64_t now);

#endif
