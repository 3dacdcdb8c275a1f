/*
 * options: the command line as a struct. It reads and prints nothing; main does what it says. It knows no
 * config.
 */
#ifndef IPCHOST_OPTIONS_H
#define IPCHOST_OPTIONS_H

#include <stdbool.h>

#include "base/log.h"
#include "base/status.h"

enum options_action {
  OPTIONS_RUN,
  OPTIONS_CHECK,   /* --check: read the config and stop */
  OPTIONS_INIT,    /* init DIR: make a project in `folder` */
  OPTIONS_TEST,    /* test ARGUMENTS: run busted with `arguments` */
  OPTIONS_HELP,    /* print options_help on standard output, exit 0 */
  OPTIONS_VERSION, /* print "ipchost " and the version, exit 0 */
};

struct options {
  enum options_action action;
  const char *config; /* borrowed from argv; "config.lua" by default */
  const char *folder; /* borrowed from argv; of OPTIONS_INIT only */
  char **arguments;   /* borrowed from argv, NULL-terminated; of OPTIONS_TEST only */
  bool dev;           /* on top of the config's */
  bool has_log_level; /* instead of the config's */
  enum log_level log_level;
};

/* ST_OK, or ST_INVALID (exit 2) with a text that names the argument, what is allowed and the nearest. */
enum status options_parse(int argc, char **argv, struct options *out, struct fault *fault);
/* The text of --help, with its last newline. */
const char *options_help(void);

#endif
