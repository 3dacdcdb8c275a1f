/* newcomers: see newcomers.h. */
#include "ipc/newcomers.h"

#include <stdlib.h>

struct newcomer *newcomer_of(const struct list *newcomers, const struct lane *lane) {
  for (struct list *node = newcomers->next; node != newcomers; node = node->next) {
    struct newcomer *newcomer = LIST_ENTRY(node, struct newcomer, node);
    if (newcomer->lane == lane) return newcomer;
  }
  return NULL;
}

struct newcomer *newcomer_open(struct list *newcomers, struct lane *lane) {
  struct newcomer *newcomer = calloc(1, sizeof *newcomer);
  if (!newcomer) return NULL;
  newcomer->lane = lane;
  list_push(newcomers, &newcomer->node);
  return newcomer;
}

void newcomer_close(struct newcomer *newcomer) {
  list_remove(&newcomer->node);
  buf_deinit(&newcomer->held);
  free(newcomer);
}
