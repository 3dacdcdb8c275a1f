/* main: the program: does what the command line says. Standard output is for the ready line, --help,
 * --version and what init says. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "config.h"
#include "host.h"
#include "init.h"
#include "options.h"
#include "test_command.h"

enum { EXIT_FINE = 0, EXIT_FAILED = 1, EXIT_MISUSED = 2 };

static int misused(const struct fault *fault) {
  fprintf(stderr, "ipchost: %s\n", fault->text);
  return EXIT_MISUSED;
}

/* What the command line says goes before the config. */
static void override_config(struct config *config, const struct options *options) {
  if (options->dev) config->dev = true;
  if (options->has_log_level) config->log_level = options->log_level;
}

static int run(const struct config *config) {
  struct log *log;
  bool remnants = false;
  int exit_code;
  if (log_open(&log, STDERR_FILENO, config->log_level, config->log_format, config->limits.log_queue) !=
      ST_OK) {
    fprintf(stderr, "ipchost: the log cannot be opened\n");
    return EXIT_FAILED;
  }
  exit_code = host_run(config, log, &remnants);
  log_close(log);
  if (remnants) _exit(exit_code);
  return exit_code;
}

static int with_config(const struct options *options) {
  struct config config;
  struct fault fault;
  int exit_code = EXIT_FINE;
  if (config_load(options->config, &config, &fault) != ST_OK) {
    exit_code = misused(&fault);
  } else if (options->action == OPTIONS_RUN) {
    override_config(&config, options);
    exit_code = run(&config);
  }
  config_deinit(&config);
  return exit_code;
}

static const char made[] = "Made a project in %s:\n"
                           "  config.lua          where it listens\n"
                           "  scripts/main.lua    what it answers\n"
                           "  public/             the page\n"
                           "  spec/main_spec.lua  what must hold\n"
                           "\n"
                           "Next:\n"
                           "  cd %s && ipchost    and open http://127.0.0.1:8080\n"
                           "  ipchost test        runs the spec\n";

static int init(const char *folder) {
  struct fault fault;
  enum status status = init_project(folder, &fault);
  if (status == ST_EXISTS) return misused(&fault);
  if (status != ST_OK) {
    fprintf(stderr, "ipchost: %s\n", fault.text);
    return EXIT_FAILED;
  }
  printf(made, folder, folder);
  return EXIT_FINE;
}

/* Else what is opened first would be standard input, output or error, for libuv and for processes that are
 * started. */
static bool open_standard(void) {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
    if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd) return false;
  return true;
}

int main(int argc, char **argv) {
  struct options options;
  struct fault fault;
  if (!open_standard()) return EXIT_FAILED;
  if (options_parse(argc, argv, &options, &fault) != ST_OK) return misused(&fault);
  switch (options.action) {
  case OPTIONS_HELP:
    fputs(options_help(), stdout);
    return EXIT_FINE;
  case OPTIONS_VERSION:
    puts("ipchost " IPCHOST_VERSION);
    return EXIT_FINE;
  case OPTIONS_INIT:
    return init(options.folder);
  case OPTIONS_TEST:
    return test_command(options.arguments);
  default:
    return with_config(&options);
  }
}
