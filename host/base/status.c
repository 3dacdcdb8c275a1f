/* status: see status.h. */
#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>

const char *status_name(enum status status) {
  static const char *const names[] = {
      "ok",     "more",   "out of memory", "malformed", "unsupported", "limit", "closed",
      "exists", "absent", "denied",        "invalid",   "script",      "io"};
  return (unsigned)status < sizeof names / sizeof *names ? names[status] : "unknown";
}

enum status fault_set(struct fault *fault, enum status status, int close, const char *code,
                      const char *format, ...) {
  va_list args;
  if (!fault) return status;
  fault->status = status;
  fault->close = close;
  fault->code = code;
  va_start(args, format);
  vsnprintf(fault->text, sizeof fault->text, format, args);
  va_end(args);
  return status;
}
