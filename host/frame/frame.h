/*
 * frame: frames (documents and native endpoints) and the webContents that are trees of them, Electron's
 * WebFrameMain and WebContents without their script side. It knows sessions as their owners, and no channel,
 * no Lua.
 *
 * Ids: a frame's `id` is its routingId, unique in the host, and the key by which the layers above name it.
 */
#ifndef IPCHOST_FRAME_FRAME_H
#define IPCHOST_FRAME_FRAME_H

#include "base/ids.h"
#include "base/list.h"
#include "base/map.h"
#include "session/session.h"

enum contents_type { CONTENTS_PAGE, CONTENTS_NATIVE, CONTENTS_CHILD };
/* Electron-style names: "page", "native", "child". */
const char *contents_type_name(enum contents_type type);

#define FRAME_TOKEN_LEN 32 /* hexadecimal digits */

/* What a client claims of a frame, from the details of hello and frame-open; borrowed slices, without data
 * where not given. */
struct frame_claim {
  struct slice url, name, title;
  struct slice visibility; /* "visible" or "hidden" */
  bool proven;             /* the URL is not claimed but known */
};

struct frame {
  uint64_t id;     /* routingId */
  uint64_t node;   /* frameTreeNodeId */
  uint64_t number; /* the client's number of it in its session */
  struct session *session;
  struct contents *contents;
  struct frame *parent;              /* NULL for the main frame of its contents; may be of another session */
  struct list children;              /* in order of creation */
  struct list sibling;               /* node in the parent's children */
  char *url, *name, *title, *origin; /* never NULL */
  char token[FRAME_TOKEN_LEN + 1];
  bool detached; /* its document is gone, or on its way out */
  bool hidden;
  bool proven; /* the URL was, when the document came */
};

struct tab;

struct contents {
  uint64_t id;
  enum contents_type type;
  bool document; /* a browser's document: it is kept for limits.grace after a clean close */
  struct frame *main;
  uint64_t os_pid; /* what the client says; 0 if unknown */
  struct tab *tab; /* tabs.h; NULL until it is needed */
};

struct frames {
  struct ids *ids; /* borrowed */
  struct map frames, contents;
  struct map tabs;   /* struct tab by its token and origin */
  struct list grace; /* struct tab of contents in grace, in the order in which that ends */
  size_t in_grace;
};

void frames_init(struct frames *frames, struct ids *ids);
void frames_deinit(struct frames *frames);
struct frame *frame_get(const struct frames *frames, uint64_t id);
struct contents *contents_get(const struct frames *frames, uint64_t id);
/* The frame that the client calls `number`, or NULL. On the path of every message. */
static inline struct frame *frame_of(const struct session *session, uint64_t number) {
  return number ? map_get(&session->frames, number) : session->main_frame;
}

/* Makes a webContents with its main frame, number 0, for a new session. ST_OK, ST_NOMEM, ST_IO (no
 * randomness). */
enum status contents_open(struct frames *frames, struct session *session, enum contents_type type,
                          const struct frame_claim *claim, struct contents **out);
/* Makes frame 0 of a new session the main frame of a contents that has one, whose frameTreeNodeId it takes.
 * The one before stays, detached, its session's. ST_OK, ST_NOMEM, ST_IO. */
enum status contents_succeed(struct frames *frames, struct session *session, struct contents *contents,
                             const struct frame_claim *claim);
/* Makes frame 0 of a new session, a document in a frame of `parent`'s, as a child of `parent`: in its
 * contents. ST_OK, ST_NOMEM, ST_IO. */
enum status frame_join(struct frames *frames, struct session *session, struct frame *parent,
                       const struct frame_claim *claim, struct frame **out);
/*
 * Opens frame `number` under `parent` in the same session. ST_EXISTS if the number was used already, ST_LIMIT
 * past `max` frames, ST_NOMEM, ST_IO.
 */
enum status frame_open(struct frames *frames, struct frame *parent, uint64_t number,
                       const struct frame_claim *claim, uint64_t max, struct frame **out);
/*
 * Frees a frame that has no children left; with the main frame, its contents too (`*contents_gone` is then
 * its id, else 0). Descendants are closed by the caller first, deepest first: frame_deepest finds them.
 */
void frame_free(struct frames *frames, struct frame *frame, uint64_t *contents_gone);
/* The frame above all others that `frame` is below: the main one, or one that was. */
const struct frame *frame_top(const struct frame *frame);
/* The last, deepest descendant of `frame`, or `frame` itself. */
struct frame *frame_deepest(struct frame *frame);
/* The next frame of the subtree of `root` in pre-order, or NULL. Start with `root`. */
struct frame *frame_next(const struct frame *root, struct frame *frame);
/* Changes what the client claims; a slice without data leaves it. A page's URL is of its Origin, or is its
 * Origin, but for one that is proven, of which the fragment may change. ST_OK or ST_NOMEM. */
enum status frame_update(struct frame *frame, const struct frame_claim *claim);

#endif
