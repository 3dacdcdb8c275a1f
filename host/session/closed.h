/*
 * closed: sessions that the host has closed, for a while: a client that has lost its connection has not heard
 * of it, and is told when it comes again. It knows no lane and no clock; times are given to it. What it keeps
 * is bounded: the oldest gives way.
 */
#ifndef IPCHOST_SESSION_CLOSED_H
#define IPCHOST_SESSION_CLOSED_H

#include "session/session.h"

struct closed_sessions {
  struct closed_session *first, *last; /* the oldest first */
  size_t count;
  uint64_t life; /* ns */
};

struct closed_session {
  struct closed_session *next;
  uint8_t id[SESSION_KEY_LEN], secret[SESSION_KEY_LEN];
  uint64_t due; /* ns */
  int code;     /* what it was closed with */
  char text[];
};

void closed_init(struct closed_sessions *closed, uint64_t life);
void closed_deinit(struct closed_sessions *closed);
/* Notes that the session was closed with the fault; silently nothing without memory. */
void closed_note(struct closed_sessions *closed, const struct session *session, const struct fault *fault,
                 uint64_t now);
/* That of the hello's id and secret, or NULL; borrowed until the next call. */
const struct closed_session *closed_find(struct closed_sessions *closed, const struct packet *hello,
                                         uint64_t now);
/* Forgets those that are past their time. */
void closed_sweep(struct closed_sessions *closed, uint64_t now);

#endif
