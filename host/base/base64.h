/* base64: RFC 4648, with padding. */
#ifndef IPCHOST_BASE_BASE64_H
#define IPCHOST_BASE_BASE64_H

#include "base/slice.h"

/* The length of `len` bytes written, without a NUL. */
#define BASE64_SIZE(len) (((len) + 2) / 3 * 4)

/* Writes BASE64_SIZE(bytes.len) characters and a NUL. */
void base64_encode(char *out, struct slice bytes);
/* True when the text is what base64_encode writes for some `len` bytes: as long, and no bit left over. */
bool base64_is(struct slice text, size_t len);

#endif
