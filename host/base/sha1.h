/* sha1: RFC 3174, for the WebSocket handshake alone: it protects nothing. */
#ifndef IPCHOST_BASE_SHA1_H
#define IPCHOST_BASE_SHA1_H

#include "base/slice.h"

#define SHA1_SIZE 20

void sha1(struct slice bytes, uint8_t out[SHA1_SIZE]);

#endif
