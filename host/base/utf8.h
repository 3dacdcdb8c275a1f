/* utf8: validation by RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef IPCHOST_BASE_UTF8_H
#define IPCHOST_BASE_UTF8_H

#include "base/slice.h"

/* True for valid UTF-8; runs of ASCII are checked eight bytes at a time. */
bool utf8_valid(struct slice text);

#endif
