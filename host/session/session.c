/* session: see session.h. */
#include "session/session.h"

#include <assert.h>
#include <stdlib.h>

#include "session/lanes.h"

/* The first eight bytes of an id as a map key; 0 is no key. */
static uint64_t key_of(const uint8_t *id) {
  uint64_t key;
  memcpy(&key, id, sizeof key);
  return key ? key : 1;
}

void sessions_init(struct sessions *sessions, size_t kept_max) {
  *sessions = (struct sessions){.kept_max = kept_max};
  list_init(&sessions->lanes);
  list_init(&sessions->owing);
}

void sessions_deinit(struct sessions *sessions) {
  map_deinit(&sessions->by_id);
  map_deinit(&sessions->by_process);
}

struct session *sessions_by_process(const struct sessions *sessions, uint64_t process) {
  return map_get(&sessions->by_process, process);
}

struct session *sessions_find(const struct sessions *sessions, struct slice id) {
  struct session *session;
  if (id.len != SESSION_KEY_LEN) return NULL;
  session = map_get(&sessions->by_id, key_of(id.data));
  while (session && memcmp(session->id, id.data, SESSION_KEY_LEN) != 0) session = session->chain;
  return session;
}

static void unlink_id(struct sessions *sessions, struct session *session) {
  uint64_t key = key_of(session->id);
  struct session *head = map_get(&sessions->by_id, key);
  if (head == session) {
    if (session->chain)
      map_set(&sessions->by_id, key, session->chain); /* replaces: cannot fail */
    else
      map_remove(&sessions->by_id, key);
    return;
  }
  while (head && head->chain != session) head = head->chain;
  if (head) head->chain = session->chain;
}

static struct session *session_new(const struct packet *hello, uint64_t process, const char *origin) {
  struct session *session = calloc(1, sizeof *session);
  if (!session) return NULL;
  memcpy(session->id, hello->id.data, SESSION_KEY_LEN);
  memcpy(session->secret, hello->secret.data, SESSION_KEY_LEN);
  session->process = process;
  session->features = hello->features;
  list_init(&session->calls);
  if (origin && !(session->origin = strdup(origin))) {
    free(session);
    return NULL;
  }
  return session;
}

enum status session_open(struct sessions *sessions, const struct packet *hello, uint64_t process,
                         const char *origin, struct lane *lane, struct session **out) {
  struct session *session = session_new(hello, process, origin);
  if (!session) return ST_NOMEM;
  session->chain = map_get(&sessions->by_id, key_of(session->id));
  if (map_set(&sessions->by_id, key_of(session->id), session) != ST_OK) goto out;
  if (map_set(&sessions->by_process, process, session) != ST_OK) {
    unlink_id(sessions, session);
    goto out;
  }
  if (lane) {
    session_attach_main(session, lane, hello->sent, 0);
    session->received = hello->sent;
  }
  *out = session;
  return ST_OK;
out:
  free(session->origin);
  free(session);
  return ST_NOMEM;
}

void session_retire(struct sessions *sessions, struct session *session) {
  unlink_id(sessions, session);
  map_remove(&sessions->by_process, session->process);
  if (session->main) session->main->session = NULL;
  session->main = NULL;
  lanes_free(session);
  map_deinit(&session->frames);
  map_deinit(&session->call_index);
}

void session_free(struct sessions *sessions, struct session *session) {
  assert(!session->ports); /* a port's link would outlive it */
  session_retire(sessions, session);
  free(session->origin);
  free(session);
}

bool session_secret_equal(const struct session *session, struct slice secret) {
  unsigned diff = 0;
  if (secret.len != SESSION_KEY_LEN) return false;
  for (size_t i = 0; i < SESSION_KEY_LEN; i++) diff |= (unsigned)(session->secret[i] ^ secret.data[i]);
  return diff == 0;
}

static void write_on(struct lane *lane, const struct packet *packet, struct slice payload,
                     struct payload *shared) {
  struct buf *out = lane->ops->begin(lane->user);
  size_t start = out->len;
  if (shared) {
    if (packet_put(out, packet, NULL, shared->len) == ST_OK) lane->ops->share(lane->user, shared);
  } else if (packet_put(out, packet, NULL, payload.len) != ST_OK ||
             buf_put(out, payload.data, payload.len) != ST_OK) {
    out->len = start;
  }
  lane->ops->end(lane->user);
}

enum status session_write_main(struct session *session, const struct packet *packet, struct slice payload,
                               struct payload *shared) {
  if (packet_numbered(packet->kind)) session->sent++;
  write_on(session->main, packet, payload, shared);
  return ST_OK;
}

enum status session_write(struct session *session, const struct packet *packet, struct slice payload,
                          struct payload *shared) {
  if (session->lanes) return lanes_write(session, packet, payload, shared);
  return session->main ? session_write_main(session, packet, payload, shared) : ST_CLOSED;
}

void lane_write(struct lane *lane, const struct packet *packet, struct slice payload) {
  write_on(lane, packet, payload, NULL);
}
