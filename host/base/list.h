/* list: an intrusive doubly linked ring. The head is a node that points to itself when empty. It owns
 * nothing. */
#ifndef IPCHOST_BASE_LIST_H
#define IPCHOST_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
  struct list *prev, *next;
};

#define LIST_ENTRY(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

static inline void list_init(struct list *head) {
  head->prev = head->next = head;
}
static inline bool list_empty(const struct list *head) {
  return head->next == head;
}
static inline void list_push(struct list *head, struct list *node) {
  node->prev = head->prev;
  node->next = head;
  head->prev->next = node;
  head->prev = node;
}
/* Takes the node out; it then points to itself, so removing twice is harmless. */
static inline void list_remove(struct list *node) {
  node->prev->next = node->next;
  node->next->prev = node->prev;
  list_init(node);
}

#endif
