/* details: the maps with text keys that hello, welcome, frame-open and frame-update carry. Pure; borrows from
 * the packet. */
#ifndef IPCHOST_IPC_DETAILS_H
#define IPCHOST_IPC_DETAILS_H

#include "base/slice.h"
#include "base/status.h"
#include "frame/frame.h"

struct details {
  struct frame_claim claim;
  struct slice type, token, client;
  struct slice host;           /* who welcomed the session before; empty if not given */
  struct slice ticket, issuer; /* of a document in a frame of another's, and who has made it */
  struct slice proof;          /* of the URL at which a page was served */
  uint64_t pid;
  struct slice tab; /* which tab of a browser this is */
  bool handover;    /* the document before has said that it leaves */
};

/*
 * Reads a details map: known keys with the right type, the rest is skipped. ST_OK, or ST_MALFORMED with
 * `fault` filled (1007). Texts longer than 64 KiB or that are not UTF-8 are malformed.
 */
enum status details_parse(struct slice map, struct details *out, struct fault *fault);

#endif
