/* nearest: see nearest.h. Levenshtein's distance with adjacent transpositions, on one row and the one before.
 */
#include "base/nearest.h"

#include <string.h>

#define NAME_MAX_LEN 64

static size_t min3(size_t a, size_t b, size_t c) {
  size_t least = a < b ? a : b;
  return least < c ? least : c;
}

static size_t distance(const char *a, size_t alen, const char *b, size_t blen) {
  size_t rows[3][NAME_MAX_LEN + 1], *before = rows[0], *previous = rows[1], *row = rows[2], *spare;
  for (size_t j = 0; j <= blen; j++) previous[j] = j;
  for (size_t i = 1; i <= alen; i++) {
    row[0] = i;
    for (size_t j = 1; j <= blen; j++) {
      row[j] = min3(previous[j] + 1, row[j - 1] + 1, previous[j - 1] + (a[i - 1] != b[j - 1]));
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < row[j])
        row[j] = before[j - 2] + 1;
    }
    spare = before, before = previous, previous = row, row = spare;
  }
  return previous[blen];
}

struct nearest nearest_start(const char *wanted) {
  return (struct nearest){wanted, NULL, NAME_MAX_LEN};
}

void nearest_try(struct nearest *nearest, const char *candidate) {
  size_t alen = strlen(nearest->wanted), blen = strlen(candidate), longer = alen > blen ? alen : blen, found,
         enough;
  if (longer > NAME_MAX_LEN) return;
  enough = longer / 3 > 2 ? longer / 3 : 2;
  if (enough >= longer) enough = longer - (longer > 0); /* something must stay the same */
  found = distance(nearest->wanted, alen, candidate, blen);
  if (found > enough || found >= nearest->distance) return;
  nearest->name = candidate;
  nearest->distance = found;
}
