/*
 * log_format: from what is to be logged to the bytes of one line, for a person (text) or a collector (JSON).
 * Whatever bytes come in, a line is valid UTF-8 without control bytes, so that a renderer can neither fake a
 * line nor steer a terminal. It knows nothing of queues and descriptors.
 */
#ifndef IPCHOST_BASE_LOG_FORMAT_H
#define IPCHOST_BASE_LOG_FORMAT_H

#include <time.h>

#include "base/buf.h"
#include "base/log.h"

struct log_entry {
  struct timespec time; /* CLOCK_REALTIME */
  enum log_level level;
  const char *where;
  struct slice text;
  size_t cut; /* bytes of the text that were left out */
};

/* Appends the line with its newline. ST_OK or ST_NOMEM (then a part of it may be there). */
enum status log_format_entry(struct buf *out, const struct log_entry *entry, enum log_format format,
                             bool color);

#endif
