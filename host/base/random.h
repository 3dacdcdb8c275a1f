/* random: secrets from the kernel, getrandom(2). */
#ifndef IPCHOST_BASE_RANDOM_H
#define IPCHOST_BASE_RANDOM_H

#include <stddef.h>

#include "base/status.h"

/* Fills `len` bytes. ST_OK or ST_IO. */
enum status random_bytes(void *out, size_t len);
/* Writes 2 * len hexadecimal digits and a NUL of `len` bytes at `in` to `out`. */
void hex_encode(char *out, const void *in, size_t len);

#endif
