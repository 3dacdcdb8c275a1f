/*
 * security: who may connect (config section `security`): peers of trusted uids, and those who bring the
 * token. It knows no packet: connection.c asks it and says no in the protocol's words.
 */
#ifndef IPCHOST_SECURITY_H
#define IPCHOST_SECURITY_H

#include "base/log.h"
#include "transport/transport.h"

struct security {
  const uid_t *uids; /* borrowed: besides the host's own */
  size_t uid_count;
  uid_t own;
  char token[129];     /* empty until one is set or made */
  const char *run_dir; /* borrowed: where a token that is made is kept */
  struct log *log;     /* borrowed */
};

/* `token` may be NULL: one is made when it is first needed. ST_OK, or ST_INVALID when it is over 128 bytes.
 */
enum status security_init(struct security *security, const uid_t *uids, size_t uid_count, const char *token,
                          const char *run_dir, struct log *log);
/* True for a local peer whose uid is proven to be trusted: it needs no token. */
bool security_trusts(const struct security *security, const struct peer *peer);
/* Makes sure that there is a token, in a 0600 file that the log names if it was made here. ST_OK or ST_IO
 * (logged). */
enum status security_need_token(struct security *security);
/* Constant-time; false for an empty token. */
bool security_token_matches(const struct security *security, struct slice token);
/* Whether the peer may have anything: trusted by its uid, or with the token. ST_OK, or ST_DENIED with
 * security_refusal's text. A token that is not set yet is made. */
enum status security_admit(struct security *security, const struct peer *peer, struct slice token,
                           struct fault *fault);
/* Why the peer is refused, in words that name the key: fills `fault` (1008, ERR_DENIED). */
void security_refusal(const struct security *security, const struct peer *peer, bool brought_token,
                      struct fault *fault);

#endif
