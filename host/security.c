/* security: see security.h. */
#include "security.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/random.h"

#define UID_NOBODY 65534 /* what a peer of another user namespace reads as */

enum status security_init(struct security *security, const uid_t *uids, size_t uid_count, const char *token,
                          const char *run_dir, struct log *log) {
  *security = (struct security){
      .uids = uids, .uid_count = uid_count, .own = geteuid(), .run_dir = run_dir, .log = log};
  if (!token) return ST_OK;
  if (strlen(token) >= sizeof security->token) return ST_INVALID;
  memcpy(security->token, token, strlen(token) + 1);
  return ST_OK;
}

bool security_trusts(const struct security *security, const struct peer *peer) {
  if (!peer->local || !peer->uid_known || peer->uid == UID_NOBODY) return false;
  if (peer->uid == security->own) return true;
  for (size_t i = 0; i < security->uid_count; i++)
    if (security->uids[i] == peer->uid) return true;
  return false;
}

static enum status write_token(const char *dir, const char *path, const char *token) {
  size_t len = strlen(token);
  bool written;
  int fd;
  if (mkdir(dir, 0700) < 0 && errno != EEXIST) return ST_IO;
  unlink(path);
  fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return ST_IO;
  written = write(fd, token, len) == (ssize_t)len;
  return close(fd) == 0 && written ? ST_OK : ST_IO;
}

enum status security_need_token(struct security *security) {
  uint8_t secret[32];
  char path[4096];
  if (security->token[0]) return ST_OK;
  snprintf(path, sizeof path, "%s/token", security->run_dir);
  if (random_bytes(secret, sizeof secret) != ST_OK) return ST_IO;
  hex_encode(security->token, secret, sizeof secret);
  if (write_token(security->run_dir, path, security->token) != ST_OK) {
    log_line(security->log, LOG_ERROR, "host", "the token cannot be written to %s: %s", path,
             strerror(errno));
    security->token[0] = '\0';
    return ST_IO;
  }
  log_line(security->log, LOG_INFO, "host", "peers that are not trusted by their uid need the token in %s",
           path);
  return ST_OK;
}

bool security_token_matches(const struct security *security, struct slice token) {
  size_t len = strlen(security->token);
  unsigned diff = (unsigned)(len == 0) | (unsigned)(token.len != len);
  for (size_t i = 0; i < token.len; i++)
    diff |= (unsigned)(token.data[i] ^ (uint8_t)security->token[len ? i % len : 0]);
  return diff == 0;
}

enum status security_admit(struct security *security, const struct peer *peer, struct slice token,
                           struct fault *fault) {
  if (security_trusts(security, peer)) return ST_OK;
  security_need_token(security);
  if (security_token_matches(security, token)) return ST_OK;
  security_refusal(security, peer, token.len > 0, fault);
  return ST_DENIED;
}

void security_refusal(const struct security *security, const struct peer *peer, bool brought_token,
                      struct fault *fault) {
  if (brought_token)
    fault_set(fault, ST_DENIED, 1008, "ERR_DENIED",
              "403: the token is wrong; it is security.token, or in the file that the log names");
  else if (!peer->local)
    fault_set(fault, ST_DENIED, 1008, "ERR_DENIED",
              "403: peers beyond this machine need the token (security.token)");
  else if (!peer->uid_known)
    fault_set(fault, ST_DENIED, 1008, "ERR_DENIED",
              "403: the peer's uid cannot be told; use the token (security.token)");
  else
    fault_set(fault, ST_DENIED, 1008, "ERR_DENIED",
              "403: peer uid %u is not %u; add it to security.uids or use the token", (unsigned)peer->uid,
              (unsigned)security->own);
}
