/* vouchers: see vouchers.h. */
#include "frame/vouchers.h"

#include <stdlib.h>

#include "base/random.h"

struct issuer {
  struct list vouchers;
  size_t count;
};

void vouchers_init(struct vouchers *vouchers, uint64_t life, size_t most, size_t text_max) {
  *vouchers = (struct vouchers){.life = life, .most = most, .text_max = text_max};
  list_init(&vouchers->all);
}

static struct voucher *oldest(const struct vouchers *vouchers) {
  return list_empty(&vouchers->all) ? NULL : LIST_ENTRY(vouchers->all.next, struct voucher, age);
}

static uint64_t key_of(const uint8_t *secret) {
  uint64_t key;
  memcpy(&key, secret, sizeof key);
  return key;
}

/* An issuer that has none is forgotten. */
static void take_out(struct vouchers *vouchers, struct voucher *voucher) {
  struct issuer *issuer = map_get(&vouchers->issuers, voucher->issuer);
  map_remove(&vouchers->by_secret, key_of(voucher->secret));
  list_remove(&voucher->node);
  list_remove(&voucher->age);
  if (--issuer->count) return;
  map_remove(&vouchers->issuers, voucher->issuer);
  free(issuer);
}

static void forget(struct vouchers *vouchers, struct voucher *voucher) {
  take_out(vouchers, voucher);
  free(voucher);
}

void vouchers_deinit(struct vouchers *vouchers) {
  while (oldest(vouchers)) forget(vouchers, oldest(vouchers));
  map_deinit(&vouchers->by_secret);
  map_deinit(&vouchers->issuers);
}

static struct issuer *need_issuer(struct vouchers *vouchers, uint64_t id) {
  struct issuer *issuer = map_get(&vouchers->issuers, id);
  if (issuer) return issuer;
  if (!(issuer = calloc(1, sizeof *issuer))) return NULL;
  list_init(&issuer->vouchers);
  if (map_set(&vouchers->issuers, id, issuer) == ST_OK) return issuer;
  free(issuer);
  return NULL;
}

/* One whose first bytes no other has: two that share them could not both be found. */
static enum status draw(const struct vouchers *vouchers, uint8_t secret[VOUCHER_LEN]) {
  enum status status;
  do {
    status = random_bytes(secret, VOUCHER_LEN);
  } while (status == ST_OK && (!key_of(secret) || map_get(&vouchers->by_secret, key_of(secret))));
  return status;
}

static struct voucher *new_voucher(struct slice text) {
  struct voucher *voucher = calloc(1, sizeof *voucher + text.len + 1);
  if (voucher && text.len) memcpy(voucher->text, text.data, text.len);
  return voucher;
}

/* Makes room first, so that the issuer is there when the voucher joins it. */
static enum status join(struct vouchers *vouchers, struct voucher *voucher) {
  struct issuer *issuer = map_get(&vouchers->issuers, voucher->issuer);
  if (issuer && issuer->count >= vouchers->most)
    forget(vouchers, LIST_ENTRY(issuer->vouchers.next, struct voucher, node));
  if (!(issuer = need_issuer(vouchers, voucher->issuer))) return ST_NOMEM;
  list_push(&issuer->vouchers, &voucher->node);
  list_push(&vouchers->all, &voucher->age);
  issuer->count++;
  if (map_set(&vouchers->by_secret, key_of(voucher->secret), voucher) == ST_OK) return ST_OK;
  take_out(vouchers, voucher);
  return ST_NOMEM;
}

enum status voucher_make(struct vouchers *vouchers, uint64_t issuer, uint64_t subject, struct slice text,
                         uint64_t now, uint8_t secret[VOUCHER_LEN]) {
  struct voucher *voucher;
  enum status status;
  if (text.len > vouchers->text_max) return ST_LIMIT;
  if (!(voucher = new_voucher(text))) return ST_NOMEM;
  voucher->issuer = issuer;
  voucher->subject = subject;
  voucher->due = now + vouchers->life;
  if ((status = draw(vouchers, voucher->secret)) != ST_OK) goto out;
  memcpy(secret, voucher->secret, VOUCHER_LEN);
  if ((status = join(vouchers, voucher)) == ST_OK) return ST_OK;
out:
  free(voucher);
  return status;
}

struct voucher *voucher_take(struct vouchers *vouchers, struct slice secret, uint64_t now) {
  struct voucher *voucher;
  vouchers_sweep(vouchers, now);
  if (secret.len != VOUCHER_LEN || !key_of(secret.data)) return NULL;
  voucher = map_get(&vouchers->by_secret, key_of(secret.data));
  if (!voucher || memcmp(voucher->secret, secret.data, VOUCHER_LEN) != 0) return NULL;
  take_out(vouchers, voucher);
  return voucher;
}

void vouchers_drop(struct vouchers *vouchers, uint64_t id) {
  struct issuer *issuer;
  while ((issuer = map_get(&vouchers->issuers, id)))
    forget(vouchers, LIST_ENTRY(issuer->vouchers.next, struct voucher, node));
}

/* All live equally long, so that the oldest is the first that is due. */
void vouchers_sweep(struct vouchers *vouchers, uint64_t now) {
  struct voucher *voucher;
  while ((voucher = oldest(vouchers)) && voucher->due <= now) forget(vouchers, voucher);
}
