/*
 * log: lines for a person or a collector, on stderr. Logging never blocks and never ends the process: lines
 * wait in a bounded queue that a thread of the log's own writes out; what does not fit is dropped and
 * counted, and the count is logged. Control bytes in a line are escaped (but for the newlines of a traceback,
 * which the text format indents).
 */
#ifndef IPCHOST_BASE_LOG_H
#define IPCHOST_BASE_LOG_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"
#include "base/status.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_OFF };
enum log_format { LOG_TEXT, LOG_JSON };

struct log;

/* Returns new in *out: a log that writes to `fd` (borrowed). ST_OK, ST_NOMEM or ST_IO. */
enum status log_open(struct log **out, int fd, enum log_level level, enum log_format format,
                     size_t queue_max);
/* Takes a line in the place of the descriptor; called by whoever logs, and must not log. */
typedef void (*log_sink_fn)(void *user, enum log_level level, const char *where, struct slice text);
/* Returns new in *out: a log that gives each line to `sink`, as it is. ST_OK or ST_NOMEM. */
enum status log_open_sink(struct log **out, enum log_level level, log_sink_fn sink, void *user);
/* Writes what is queued, waits at most 1 s for a slow reader, and frees. NULL is allowed. */
void log_close(struct log *log);
bool log_enabled(const struct log *log, enum log_level level);
/*
 * Logs one line: `where` is the module ("script", "transport", "host"), the text is printf's.
 * A NULL log drops the line, so that modules may be used without one.
 */
void log_line(struct log *log, enum log_level level, const char *where, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* The same with a text that may hold any bytes, NUL included. */
void log_text(struct log *log, enum log_level level, const char *where, struct slice text);

/* Parses "debug", "info", "warn", "error", "off"; false if it is none of them. */
bool log_level_parse(const char *name, enum log_level *out);

#endif
