/* payload: the arguments that the load generator sends, by name. It knows CBOR and no socket. */
#ifndef IPCHOST_BENCH_PAYLOAD_H
#define IPCHOST_BENCH_PAYLOAD_H

#include "base/buf.h"

/*
 * Appends the arguments of an invoke, an array of one value: "int" (a small integer), "string" (eleven
 * bytes), "object10" (a map of ten fields of mixed kinds), "bytes:N" (a Uint8Array of N bytes). Ends the
 * program on any other name.
 */
void payload_put(struct buf *out, const char *shape);

#endif
