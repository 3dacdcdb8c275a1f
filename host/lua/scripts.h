/*
 * scripts: one load of the scripts as the border sees it: its generation and runtime, and what it leaves
 * behind: answers that can never come, and the idle collection that finds them; what it has begun when
 * another one takes its place. Private to host/lua; generations.h says which one serves.
 */
#ifndef IPCHOST_LUA_SCRIPTS_H
#define IPCHOST_LUA_SCRIPTS_H

#include "base/list.h"
#include "lua/runtime.h"

struct scripts {
  struct runtime runtime;
  struct generations *owner;
  struct list node; /* in the owner's list, until it is freed */
  uv_timer_t collector;
  uv_timer_t look;     /* retired: in the next turn it is seen whether it is over */
  uv_timer_t end;      /* retired: when what is in flight is cut; closing: when it is a remnant */
  int cycles;          /* of the collector, still to do */
  uint64_t rest_until; /* ns: the collector runs no earlier than then */
  uint64_t cut_at;     /* ns: retired: when what is in flight is cut; 0: nothing is */
  bool apart;          /* Lua is entered for the host's own sake: that sets nothing off */
  bool remnant;
  bool passes; /* its time is that which scripts_pass is told of, and somebody else collects */
  const struct generation_kind *kind;
  int closing; /* parts that are still open */
  void (*loaded)(struct scripts *scripts, enum status status, const struct fault *fault);
};

/* Makes the Lua state; runs no script. `beside`: another one serves. ST_OK, or a status with `fault` filled.
 * Returns new in *out; after an error *out is NULL, or what scripts_close must still end. */
enum status scripts_open(struct scripts **out, struct generations *owner,
                         const struct generations_options *options, uint64_t number, bool beside,
                         struct fault *fault);
/* Runs the entries; `loaded` is called once, from within Lua (its errors are in the log already). */
void scripts_load(struct scripts *scripts,
                  void (*loaded)(struct scripts *scripts, enum status status, const struct fault *fault));
/* It serves: does what it had to put off, and emits `ready`; `replayed`: after one `web-contents-created` for
 * each that lives, and renderers are told. */
void scripts_publish(struct scripts *scripts, bool replayed);
/* Another one serves: ends what no dispatch in flight needs. Returns how many there are; with none, or after
 * limits.drain, it closes itself. */
size_t scripts_retire(struct scripts *scripts, struct generation_retired *out);
/* Lets go of what nothing can ask for any longer, so that a collection finds it. */
void scripts_release(struct scripts *scripts);
/* Cuts one that was retired, if it is time. */
void scripts_pass(struct scripts *scripts);
/* Ends and frees it, in later turns of the loop; then generations_closed is called. Idempotent. */
void scripts_close(struct scripts *scripts);
/* Frees one that is closed. */
void scripts_free(struct scripts *scripts);
/* Of one that is closing, when the host ends: nothing waits for it any longer. False: it has ended already.
 */
bool scripts_abandon(struct scripts *scripts);

/* app: name(event, contents?) */
void scripts_emit_app(struct scripts *scripts, const char *name, uint64_t contents);

/* ---- what generations.c supplies ---- */

/* The host ends, and its children are none of the scripts' any more. */
bool generations_ending(const struct generations *owner);

/* It is being closed: nobody is to be told anything there. */
void generations_closing(struct generations *owner, struct scripts *scripts);
/* It is closed, and the owner's to free. */
void generations_closed(struct generations *owner, struct scripts *scripts);

#endif
