/* options: see options.h. */
#include "options.h"

#include <stdio.h>
#include <string.h>

#include "base/nearest.h"

static const char help[] =
    "Usage: ipchost [--check] [--dev] [--log-level LEVEL] [CONFIG.lua]\n"
    "       ipchost init DIR\n"
    "       ipchost test [ARGUMENTS]\n"
    "\n"
    "Serves renderers: opens the addresses in the config's `listen`, runs its `scripts` and answers what "
    "renderers\n"
    "send and invoke. CONFIG.lua is ./config.lua if it is not given; its paths are relative to its own "
    "folder.\n"
    "\n"
    "  init DIR           make a project in DIR, a new or empty folder: config, script, page and spec\n"
    "  test [ARGUMENTS]   run the specs in spec/ with busted and the test kit; busted's arguments and exit "
    "status\n"
    "  --check            read the config, say what is wrong with it, start nothing\n"
    "  --dev              errors carry the host's tracebacks to renderers (as `dev = true` in the config)\n"
    "  --log-level LEVEL  debug, info, warn, error or off, instead of the config's log.level\n"
    "  --version, -v      print the version\n"
    "  --help, -h         print this text\n"
    "\n"
    "When it is ready it prints one line on standard output: `ipchost ready` and the addresses it listens "
    "on.\n"
    "The log goes to standard error. SIGTERM and SIGINT end it once what is in flight is answered; a second "
    "one at once.\n"
    "Exit status: 0 after that or app.quit(), 1 when it fails while running, 2 for a bad command line or "
    "config.\n"
    "\n"
    "A config is a Lua file:\n"
    "\n"
    "    return {\n"
    "      listen  = { \"unix:run/app.sock\", \"tcp://127.0.0.1:7000\" },\n"
    "      scripts = { \"scripts/main.lua\" },\n"
    "    }\n";

const char *options_help(void) {
  return help;
}

static const char *const levels[] = {"debug", "info", "warn", "error", "off", NULL};

static enum status set_level(const char *value, struct options *out, struct fault *fault) {
  struct nearest nearest;
  if (!value || !*value)
    return fault_set(fault, ST_INVALID, 0, NULL,
                     "--log-level: expected debug, info, warn, error or off after it");
  out->has_log_level = true;
  if (log_level_parse(value, &out->log_level)) return ST_OK;
  nearest = nearest_start(value);
  for (int i = 0; levels[i]; i++) nearest_try(&nearest, levels[i]);
  if (nearest.name)
    return fault_set(fault, ST_INVALID, 0, NULL,
                     "--log-level %.60s: expected debug, info, warn, error or off; did you mean %s?", value,
                     nearest.name);
  return fault_set(fault, ST_INVALID, 0, NULL, "--log-level %.60s: expected debug, info, warn, error or off",
                   value);
}

static enum status unknown_flag(const char *arg, struct fault *fault) {
  static const char *const flags[] = {"--check", "--dev", "--log-level", "--version", "--help", NULL};
  char name[64];
  struct nearest nearest;
  snprintf(name, sizeof name, "%.*s", (int)strcspn(arg, "="), arg);
  nearest = nearest_start(name);
  for (int i = 0; flags[i]; i++) nearest_try(&nearest, flags[i]);
  if (nearest.name)
    return fault_set(fault, ST_INVALID, 0, NULL, "%.60s: unknown option; did you mean %s?", arg,
                     nearest.name);
  return fault_set(fault, ST_INVALID, 0, NULL,
                   "%.60s: unknown option; known are --check, --dev, --log-level, --version, --help", arg);
}

static bool is_one_of(const char *arg, const char *a, const char *b, const char *c) {
  return strcmp(arg, a) == 0 || strcmp(arg, b) == 0 || strcmp(arg, c) == 0;
}

static enum status refuse_options(struct fault *fault) {
  return fault_set(fault, ST_INVALID, 0, NULL, "init takes a folder and no options: ipchost init DIR");
}

/* Reads one flag at *index, which it moves past a value. */
static enum status read_flag(char **argv, int *index, struct options *out, struct fault *fault) {
  static const char level[] = "--log-level";
  const char *arg = argv[*index];
  if (is_one_of(arg, "--help", "-h", "-?"))
    out->action = OPTIONS_HELP;
  else if (is_one_of(arg, "--version", "-v", "-V"))
    out->action = OPTIONS_VERSION;
  else if (out->action == OPTIONS_INIT)
    return refuse_options(fault);
  else if (strcmp(arg, "--check") == 0)
    out->action = OPTIONS_CHECK;
  else if (strcmp(arg, "--dev") == 0)
    out->dev = true;
  else if (strcmp(arg, level) == 0)
    return set_level(argv[*index + 1] ? argv[++*index] : NULL, out, fault);
  else if (strncmp(arg, level, sizeof level - 1) == 0 && arg[sizeof level - 1] == '=')
    return set_level(arg + sizeof level, out, fault);
  else
    return unknown_flag(arg, fault);
  return ST_OK;
}

static enum status begin_init(struct options *out, struct fault *fault) {
  if (out->action != OPTIONS_RUN || out->dev || out->has_log_level) return refuse_options(fault);
  out->action = OPTIONS_INIT;
  return ST_OK;
}

static enum status begin_test(struct options *out, struct fault *fault) {
  if (out->action != OPTIONS_RUN || out->dev || out->has_log_level)
    return fault_set(fault, ST_INVALID, 0, NULL,
                     "test takes busted's arguments, after it: ipchost test [ARGUMENTS]");
  out->action = OPTIONS_TEST;
  return ST_OK;
}

static enum status read_folder(const char *arg, struct options *out, struct fault *fault) {
  if (!*arg) return fault_set(fault, ST_INVALID, 0, NULL, "init: the folder's path is empty");
  if (out->folder)
    return fault_set(fault, ST_INVALID, 0, NULL, "%.60s: init makes one folder, and %.60s is it", arg,
                     out->folder);
  out->folder = arg;
  return ST_OK;
}

static enum status read_operand(const char *arg, struct options *out, struct fault *fault) {
  if (out->action == OPTIONS_INIT) return read_folder(arg, out, fault);
  if (!*arg) return fault_set(fault, ST_INVALID, 0, NULL, "the config's path is empty");
  if (!out->config && strcmp(arg, "test") == 0) return begin_test(out, fault);
  if (!out->config && strcmp(arg, "init") == 0) return begin_init(out, fault);
  if (!out->config && strcmp(arg, "help") == 0) {
    out->action = OPTIONS_HELP;
    return ST_OK;
  }
  if (out->config)
    return fault_set(fault, ST_INVALID, 0, NULL, "%.60s: only one config is allowed, and %.60s is it", arg,
                     out->config);
  out->config = arg;
  return ST_OK;
}

enum status options_parse(int argc, char **argv, struct options *out, struct fault *fault) {
  enum status status = ST_OK;
  bool flags = true;
  *out = (struct options){.action = OPTIONS_RUN, .log_level = LOG_INFO};
  for (int i = 1; i < argc && status == ST_OK; i++) {
    if (flags && strcmp(argv[i], "--") == 0)
      flags = false;
    else if (flags && argv[i][0] == '-')
      status = read_flag(argv, &i, out, fault);
    else
      status = read_operand(argv[i], out, fault);
    if (out->action == OPTIONS_TEST) {
      out->arguments = argv + i + 1;
      break;
    }
    /* Whoever asks for help or the version gets it, whatever follows. */
    if (out->action == OPTIONS_HELP || out->action == OPTIONS_VERSION) break;
  }
  if (!out->config) out->config = "config.lua";
  if (status == ST_OK && out->action == OPTIONS_INIT && !out->folder)
    return fault_set(fault, ST_INVALID, 0, NULL, "init: which folder? ipchost init DIR");
  return status;
}
