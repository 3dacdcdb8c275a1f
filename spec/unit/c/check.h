/*
 * check: what the C unit tests need. A test is TEST(name) { CHECK(...); }, run from main by RUN(name);
 * main ends with `return check_end();`. It knows no layer of the host.
 */
#ifndef IPCHOST_CHECK_H
#define IPCHOST_CHECK_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int check_passed, check_failed, check_broken; /* tests, tests, checks of the running test */

static inline bool check_that(bool holds, const char *what, const char *file, int line) {
  if (!holds) {
    check_broken++;
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
  }
  return holds;
}

static inline bool check_ints(int64_t a, int64_t b, const char *what, const char *file, int line) {
  if (a != b) fprintf(stderr, "%s:%d: %" PRId64 " is not %" PRId64 "\n", file, line, a, b);
  return check_that(a == b, what, file, line);
}

static inline bool check_texts(const char *a, const char *b, const char *what, const char *file, int line) {
  bool same = a && b && strcmp(a, b) == 0;
  if (!same) fprintf(stderr, "%s:%d: '%s' is not '%s'\n", file, line, a ? a : "NULL", b ? b : "NULL");
  return check_that(same, what, file, line);
}

/* Each is true when it holds, so that a test can stop: if (!CHECK(p)) return; */
#define CHECK(cond) check_that((cond), #cond, __FILE__, __LINE__)
#define CHECK_INT(a, b) check_ints((int64_t)(a), (int64_t)(b), #a " == " #b, __FILE__, __LINE__)
#define CHECK_STR(a, b) check_texts((a), (b), #a " is " #b, __FILE__, __LINE__)

#define TEST(name) static void name(void)
#define RUN(name) (check_broken = 0, name(), check_count(#name))

static inline void check_count(const char *name) {
  if (check_broken) fprintf(stderr, "FAILED %s\n", name);
  if (check_broken) check_failed++;
  if (!check_broken) check_passed++;
}

/* Prints the count; the value is main's. */
static inline int check_end(void) {
  printf("%d passed, %d failed\n", check_passed, check_failed);
  return check_failed || !check_passed;
}

#endif
