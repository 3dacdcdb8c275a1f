/*
 * status: the one result type of the host's C functions, and `struct fault`, a result with a text for a
 * person. It knows no module; each module says in its header which statuses it returns.
 */
#ifndef IPCHOST_BASE_STATUS_H
#define IPCHOST_BASE_STATUS_H

enum status {
  ST_OK = 0,
  ST_MORE,        /* not an error: more bytes are needed */
  ST_NOMEM,       /* an allocation failed */
  ST_MALFORMED,   /* the peer's bytes break the protocol */
  ST_UNSUPPORTED, /* well-formed, but of a version or kind that is not spoken here */
  ST_LIMIT,       /* over a configured limit */
  ST_CLOSED,      /* the other end, or what was named, is gone */
  ST_EXISTS,      /* taken already */
  ST_NOT_FOUND,
  ST_DENIED,  /* refused by policy */
  ST_INVALID, /* the caller's argument is not allowed */
  ST_SCRIPT,  /* Lua code raised */
  ST_IO       /* the operating system refused; the fault's text has its words */
};

/* A short constant name of a status ("ok", "malformed", ...), never NULL. */
const char *status_name(enum status status);

/*
 * What went wrong, for a log line or a peer. `code` is a constant string such as "ERR_LIMIT_PACKET" (or
 * NULL); `close` the close code of docs/protocol.md that a connection ends with because of it (0: none).
 */
struct fault {
  enum status status;
  int close;
  const char *code;
  char text[248];
};

/* Fills *fault (which may be NULL) and returns `status`. The text is cut to fit. */
enum status fault_set(struct fault *fault, enum status status, int close, const char *code,
                      const char *format, ...) __attribute__((format(printf, 5, 6)));

#endif
