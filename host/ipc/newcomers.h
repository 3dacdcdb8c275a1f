/*
 * newcomers: connections whose hello waits. It names a tab that another document is connected for, and has no
 * mark that this one hands over: whether the other is still there must be known first.
 */
#ifndef IPCHOST_IPC_NEWCOMERS_H
#define IPCHOST_IPC_NEWCOMERS_H

#include "base/buf.h"
#include "base/list.h"
#include "session/session.h"

struct newcomer {
  struct list node;
  struct lane *lane;
  uint64_t process; /* the one that was asked whether it is there */
  uint64_t due;     /* ns: it has not answered by then */
  bool answered;
  bool unasked;    /* there was no lane to ask it on */
  bool decided;    /* its hello is being looked at again */
  struct buf held; /* hello, and what came behind it */
};

/* The one of that lane, or NULL. */
struct newcomer *newcomer_of(const struct list *newcomers, const struct lane *lane);
/* Makes one; returns new, at the end of the list; NULL when out of memory. */
struct newcomer *newcomer_open(struct list *newcomers, struct lane *lane);
void newcomer_close(struct newcomer *newcomer);

#endif
