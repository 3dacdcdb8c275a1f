/* nearest: "did you mean": the candidate with the smallest edit distance to a name, if it is near enough. */
#ifndef IPCHOST_BASE_NEAREST_H
#define IPCHOST_BASE_NEAREST_H

#include <stddef.h>

struct nearest {
  const char *wanted;
  const char *name; /* the nearest so far, or NULL when none is near; borrowed from the candidates */
  size_t distance;
};

/* Starts a search for `wanted` (borrowed). Names over 64 bytes have no neighbour. */
struct nearest nearest_start(const char *wanted);
/* Offers a candidate. Near enough is a distance of at most a third of the longer length, and at least one
 * of 2. */
void nearest_try(struct nearest *nearest, const char *candidate);

#endif
