/* generations_private: the generations, for generations.c and border.c. */
#ifndef IPCHOST_LUA_GENERATIONS_PRIVATE_H
#define IPCHOST_LUA_GENERATIONS_PRIVATE_H

#include "lua/generations.h"
#include "lua/scripts.h"

enum step { STEP_NONE, STEP_BEGIN, STEP_LOAD, STEP_LOADED, STEP_FAILED };

#define ROLES 3

struct generations {
  struct generations_options options;
  /* The one that serves; that which is loaded beside it; the one before, while dispatches are in flight
   * there. */
  struct scripts *roles[ROLES];
  struct list kept; /* of options.kept: those that are closed */
  struct list all;  /* the roles', and those that are being closed */
  size_t count;
  uint64_t number;    /* of the latest that served */
  uint64_t loads;     /* how many have begun beside one that serves, or were refused */
  uint64_t begun;     /* ns: when the load began */
  enum step step;     /* what the next turn of the loop does */
  struct fault fault; /* of STEP_FAILED */
  uv_timer_t turn;
  uv_timer_t limit; /* of the load; then, of closing */
  uv_idle_t porter; /* the next turn of the loop has messages for ports */
  bool declined, closing;
  int handles; /* still open while closing */
  void (*loaded)(void *user, enum status status);
  void (*closed)(void *user, bool remnants);
};

enum { SERVING, LOADING, DRAINING };

/* border.c: the border, whose user is the struct generations. */
extern const struct border generations_border;
void border_port_turn(uv_idle_t *porter);

#endif
