/* frame: see frame.h. */
#include "frame/frame.h"

#include <stdlib.h>

#include "base/random.h"
#include "frame/tabs.h"

const char *contents_type_name(enum contents_type type) {
  static const char *const names[] = {"page", "native", "child"};
  return names[type];
}

void frames_init(struct frames *frames, struct ids *ids) {
  *frames = (struct frames){.ids = ids};
  list_init(&frames->grace);
}

void frames_deinit(struct frames *frames) {
  map_deinit(&frames->frames);
  map_deinit(&frames->contents);
  map_deinit(&frames->tabs);
}

struct frame *frame_get(const struct frames *frames, uint64_t id) {
  return map_get(&frames->frames, id);
}

struct contents *contents_get(const struct frames *frames, uint64_t id) {
  return map_get(&frames->contents, id);
}

static enum status set_text(char **field, struct slice text) {
  char *copy;
  if (!text.data && *field) return ST_OK;
  copy = malloc(text.len + 1);
  if (!copy) return ST_NOMEM;
  if (text.len) memcpy(copy, text.data, text.len);
  copy[text.len] = '\0';
  free(*field);
  *field = copy;
  return ST_OK;
}

/*
 * The origin of a frame: a WebSocket's Origin header makes an http(s) one; a native client's is its own
 * scheme and authority
 * ("app://notes"), and "null" for http(s), which it can only claim, and for what has no authority.
 */
static enum status set_origin(struct frame *frame) {
  const char *url = frame->url, *host = strstr(url, "://");
  if (frame->session->origin) return set_text(&frame->origin, slice_str(frame->session->origin));
  if (!host || strncmp(url, "http", 4) == 0 || strncmp(url, "ws", 2) == 0)
    return set_text(&frame->origin, slice_str("null"));
  host += 3;
  return set_text(&frame->origin, slice_of(url, (size_t)(host - url) + strcspn(host, "/?#")));
}

static void free_frame(struct frame *frame) {
  free(frame->url);
  free(frame->name);
  free(frame->title);
  free(frame->origin);
  free(frame);
}

static enum status number_frame(struct session *session, struct frame *frame, uint64_t number) {
  session->frame_next = number + 1;
  if (number) return map_set(&session->frames, number, frame);
  session->main_frame = frame;
  return ST_OK;
}

static enum status new_frame(struct frames *frames, struct session *session, uint64_t number,
                             const struct frame_claim *claim, struct frame **out) {
  struct frame *frame = calloc(1, sizeof *frame);
  uint8_t token[FRAME_TOKEN_LEN / 2];
  enum status status = ST_NOMEM;
  if (!frame) return ST_NOMEM;
  list_init(&frame->children);
  list_init(&frame->sibling);
  frame->session = session;
  frame->number = number;
  if (frame_update(frame, claim) != ST_OK || set_origin(frame) != ST_OK) goto out;
  if ((status = random_bytes(token, sizeof token)) != ST_OK) goto out;
  hex_encode(frame->token, token, sizeof token);
  frame->id = ids_next(frames->ids, ID_FRAME);
  frame->node = ids_next(frames->ids, ID_FRAME_NODE);
  if ((status = map_set(&frames->frames, frame->id, frame)) != ST_OK) goto out;
  if ((status = number_frame(session, frame, number)) != ST_OK) {
    map_remove(&frames->frames, frame->id);
    goto out;
  }
  *out = frame;
  return ST_OK;
out:
  free_frame(frame);
  return status;
}

enum status contents_open(struct frames *frames, struct session *session, enum contents_type type,
                          const struct frame_claim *claim, struct contents **out) {
  struct contents *contents = calloc(1, sizeof *contents);
  enum status status;
  if (!contents) return ST_NOMEM;
  contents->id = ids_next(frames->ids, ID_CONTENTS);
  contents->type = type;
  if ((status = map_set(&frames->contents, contents->id, contents)) != ST_OK) goto out;
  if ((status = new_frame(frames, session, 0, claim, &contents->main)) != ST_OK) {
    map_remove(&frames->contents, contents->id);
    goto out;
  }
  contents->main->contents = contents;
  *out = contents;
  return ST_OK;
out:
  free(contents);
  return status;
}

enum status contents_succeed(struct frames *frames, struct session *session, struct contents *contents,
                             const struct frame_claim *claim) {
  struct frame *before = contents->main, *frame;
  enum status status = new_frame(frames, session, 0, claim, &frame);
  if (status != ST_OK) return status;
  frame->node = before->node;
  frame->contents = contents;
  contents->main = frame;
  before->detached = true;
  return ST_OK;
}

static void put_below(struct frame *parent, struct frame *frame) {
  frame->parent = parent;
  frame->contents = parent->contents;
  list_push(&parent->children, &frame->sibling);
}

enum status frame_join(struct frames *frames, struct session *session, struct frame *parent,
                       const struct frame_claim *claim, struct frame **out) {
  enum status status = new_frame(frames, session, 0, claim, out);
  if (status == ST_OK) put_below(parent, *out);
  return status;
}

enum status frame_open(struct frames *frames, struct frame *parent, uint64_t number,
                       const struct frame_claim *claim, uint64_t max, struct frame **out) {
  struct session *session = parent->session;
  enum status status;
  if (number < session->frame_next) return ST_EXISTS; /* numbers rise, so that none is used twice */
  if (session->frames.count + 1 >= max) return ST_LIMIT;
  status = new_frame(frames, session, number, claim, out);
  if (status == ST_OK) put_below(parent, *out);
  return status;
}

void frame_free(struct frames *frames, struct frame *frame, uint64_t *contents_gone) {
  *contents_gone = 0;
  list_remove(&frame->sibling);
  map_remove(&frames->frames, frame->id);
  if (frame->number)
    map_remove(&frame->session->frames, frame->number);
  else
    frame->session->main_frame = NULL;
  if (frame->contents->main == frame) {
    *contents_gone = frame->contents->id;
    map_remove(&frames->contents, frame->contents->id);
    tab_free(frames, frame->contents);
    free(frame->contents);
  }
  free_frame(frame);
}

static struct frame *child(struct list *node) {
  return LIST_ENTRY(node, struct frame, sibling);
}

const struct frame *frame_top(const struct frame *frame) {
  while (frame->parent) frame = frame->parent;
  return frame;
}

struct frame *frame_deepest(struct frame *frame) {
  while (!list_empty(&frame->children)) frame = child(frame->children.prev);
  return frame;
}

struct frame *frame_next(const struct frame *root, struct frame *frame) {
  if (!list_empty(&frame->children)) return child(frame->children.next);
  while (frame != root) {
    if (frame->sibling.next != &frame->parent->children) return child(frame->sibling.next);
    frame = frame->parent;
  }
  return NULL;
}

static bool begins_with(struct slice url, const char *start, size_t len, const char *ends) {
  return url.len >= len && memcmp(url.data, start, len) == 0 &&
         (url.len == len || memchr(ends, url.data[len], strlen(ends)));
}

/* What inherits its origin from the document that has made it. */
static bool is_blank(struct slice url) {
  return slice_equal(url, slice_str("about:blank")) || slice_equal(url, slice_str("about:srcdoc"));
}

/* What a page claims its URL to be, if that has the origin which its browser says it has; else that origin. A
 * proven URL changes by its fragment. */
static struct slice page_url(const struct frame *frame, const struct frame_claim *claim) {
  const char *origin = frame->session->origin;
  struct slice claimed = claim->url;
  if (!claimed.len) return slice_of(NULL, 0);
  if (!origin || claim->proven || is_blank(claimed) || begins_with(claimed, origin, strlen(origin), "/?#"))
    return claimed;
  if (!frame->proven) return slice_str(origin);
  return begins_with(claimed, frame->url, strcspn(frame->url, "#"), "#") ? claimed : slice_of(NULL, 0);
}

enum status frame_update(struct frame *frame, const struct frame_claim *claim) {
  if (set_text(&frame->url, page_url(frame, claim)) != ST_OK || set_text(&frame->name, claim->name) != ST_OK)
    return ST_NOMEM;
  frame->proven |= claim->proven;
  if (slice_equal(claim->visibility, slice_str("hidden"))) frame->hidden = true;
  if (slice_equal(claim->visibility, slice_str("visible"))) frame->hidden = false;
  return set_text(&frame->title, claim->title);
}
