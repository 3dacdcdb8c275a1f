/* core_proof: proofs, by which a page shows at which URL it was served. Part of core.h. */
#include <stdlib.h>

#include "base/random.h"
#include "ipc/core.h"
#include "ipc/details.h"

/* All are one issuer's: the host's own. */
#define ISSUER 1

enum status core_prove(struct core *core, struct slice url, char proof[PROOF_LEN + 1]) {
  uint8_t secret[VOUCHER_LEN];
  enum status status = voucher_make(&core->proofs, ISSUER, 0, url, clock_now(core->clock), secret);
  if (status == ST_OK) hex_encode(proof, secret, sizeof secret);
  return status;
}

static int digit(uint8_t c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool decode(struct slice proof, uint8_t secret[VOUCHER_LEN]) {
  if (proof.len != PROOF_LEN) return false;
  for (size_t i = 0; i < VOUCHER_LEN; i++) {
    int high = digit(proof.data[2 * i]), low = digit(proof.data[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    secret[i] = (uint8_t)(high << 4 | low);
  }
  return true;
}

/* Of that origin, or of an opaque one, as sandboxed documents have it. */
static bool is_of(const char *url, const char *origin) {
  size_t len = strlen(origin);
  return strcmp(origin, "null") == 0 || (strncmp(url, origin, len) == 0 && url[len] == '/');
}

/* The server never hears of the fragment: that is claimed. */
static struct slice fragment_of(struct slice url) {
  const uint8_t *hash = url.len ? memchr(url.data, '#', url.len) : NULL;
  return hash ? slice_of(hash, url.len - (size_t)(hash - url.data)) : slice_of(NULL, 0);
}

void core_take_proof(struct core *core, struct details *details, const char *origin, struct buf *url) {
  struct slice fragment = fragment_of(details->claim.url);
  uint8_t secret[VOUCHER_LEN];
  struct voucher *proof;
  if (!origin || !decode(details->proof, secret)) return;
  proof = voucher_take(&core->proofs, slice_of(secret, sizeof secret), clock_now(core->clock));
  if (proof && is_of(proof->text, origin) && buf_put(url, proof->text, strlen(proof->text)) == ST_OK &&
      buf_put(url, fragment.data, fragment.len) == ST_OK) {
    details->claim.url = buf_slice(url);
    details->claim.proven = true;
  }
  free(proof);
}
