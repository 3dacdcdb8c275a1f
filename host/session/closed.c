/* closed: see closed.h. */
#include "session/closed.h"

#include <stdlib.h>

#define CLOSED_MOST 1024

void closed_init(struct closed_sessions *closed, uint64_t life) {
  *closed = (struct closed_sessions){.life = life};
}

static void forget_first(struct closed_sessions *closed) {
  struct closed_session *first = closed->first;
  closed->first = first->next;
  if (!closed->first) closed->last = NULL;
  closed->count--;
  free(first);
}

void closed_deinit(struct closed_sessions *closed) {
  while (closed->first) forget_first(closed);
}

static void append(struct closed_sessions *closed, struct closed_session *note) {
  if (closed->last)
    closed->last->next = note;
  else
    closed->first = note;
  closed->last = note;
  closed->count++;
}

void closed_note(struct closed_sessions *closed, const struct session *session, const struct fault *fault,
                 uint64_t now) {
  size_t len = strlen(fault->text);
  struct closed_session *note = calloc(1, sizeof *note + len + 1);
  if (!note) return;
  memcpy(note->id, session->id, SESSION_KEY_LEN);
  memcpy(note->secret, session->secret, SESSION_KEY_LEN);
  memcpy(note->text, fault->text, len);
  note->code = fault->close;
  note->due = now + closed->life;
  if (closed->count == CLOSED_MOST) forget_first(closed);
  append(closed, note);
}

static bool equal(const uint8_t *key, struct slice bytes) {
  unsigned diff = bytes.len != SESSION_KEY_LEN;
  for (size_t i = 0; i < SESSION_KEY_LEN && i < bytes.len; i++) diff |= (unsigned)(key[i] ^ bytes.data[i]);
  return diff == 0;
}

const struct closed_session *closed_find(struct closed_sessions *closed, const struct packet *hello,
                                         uint64_t now) {
  closed_sweep(closed, now);
  for (const struct closed_session *note = closed->first; note; note = note->next)
    if (equal(note->id, hello->id) && equal(note->secret, hello->secret)) return note;
  return NULL;
}

/* All live equally long, so that the oldest is the first that is due. */
void closed_sweep(struct closed_sessions *closed, uint64_t now) {
  while (closed->first && closed->first->due <= now) forget_first(closed);
}
