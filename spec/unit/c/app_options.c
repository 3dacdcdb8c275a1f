/* The command line: what it means, and what is said when it means nothing. */
#include "options.h"

#include "check.h"

static struct options options;
static struct fault fault;

static enum status parse(char *a, char *b, char *c, char *d) {
  char *argv[] = {(char *)"ipchost", a, b, c, d, NULL};
  int argc = 1;
  fault.text[0] = 0;
  while (argv[argc]) argc++;
  return options_parse(argc, argv, &options, &fault);
}

#define PARSE1(a) parse((char *)(a), NULL, NULL, NULL)
#define PARSE2(a, b) parse((char *)(a), (char *)(b), NULL, NULL)
#define PARSE3(a, b, c) parse((char *)(a), (char *)(b), (char *)(c), NULL)

TEST(defaults) {
  CHECK_INT(PARSE1(NULL), ST_OK);
  CHECK_INT(options.action, OPTIONS_RUN);
  CHECK_STR(options.config, "config.lua");
  CHECK(!options.dev && !options.has_log_level);
}

TEST(everything) {
  CHECK_INT(parse((char *)"--dev", (char *)"--log-level", (char *)"debug", (char *)"x/app.lua"), ST_OK);
  CHECK_INT(options.action, OPTIONS_RUN);
  CHECK_STR(options.config, "x/app.lua");
  CHECK(options.dev && options.has_log_level && options.log_level == LOG_DEBUG);
  CHECK_INT(PARSE3("app.lua", "--check", "--log-level=off"), ST_OK);
  CHECK_INT(options.action, OPTIONS_CHECK);
  CHECK_INT(options.log_level, LOG_OFF);
  CHECK_STR(options.config, "app.lua");
  CHECK_INT(PARSE2("--", "--check"), ST_OK);
  CHECK_STR(options.config, "--check");
  CHECK_INT(options.action, OPTIONS_RUN);
}

TEST(init) {
  CHECK_INT(PARSE2("init", "x/new"), ST_OK);
  CHECK_INT(options.action, OPTIONS_INIT);
  CHECK_STR(options.folder, "x/new");
  CHECK_INT(PARSE3("init", "--", "--odd"), ST_OK);
  CHECK_STR(options.folder, "--odd");
  CHECK_INT(PARSE2("init", "--help"), ST_OK);
  CHECK_INT(options.action, OPTIONS_HELP);
  CHECK_INT(PARSE1("./init"), ST_OK);
  CHECK_INT(options.action, OPTIONS_RUN);
}

TEST(help_and_version) {
  static const char *const helps[] = {"--help", "-h", "help"}, *const versions[] = {"--version", "-v", "-V"};
  for (int i = 0; i < 3; i++) {
    CHECK_INT(PARSE2(helps[i], "--nonsense"), ST_OK);
    CHECK_INT(options.action, OPTIONS_HELP);
    CHECK_INT(PARSE1(versions[i]), ST_OK);
    CHECK_INT(options.action, OPTIONS_VERSION);
  }
  CHECK(strstr(options_help(), "--log-level") && strstr(options_help(), "listen"));
  CHECK_INT(options_help()[strlen(options_help()) - 1], '\n');
}

static void refused(enum status status, const char *text) {
  CHECK_INT(status, ST_INVALID);
  CHECK_STR(fault.text, text);
}

TEST(mistakes_are_named) {
  refused(PARSE1("--chek"), "--chek: unknown option; did you mean --check?");
  refused(PARSE1("-x"), "-x: unknown option; known are --check, --dev, --log-level, --version, --help");
  refused(PARSE1("-"), "-: unknown option; known are --check, --dev, --log-level, --version, --help");
  refused(PARSE2("--log-level", NULL), "--log-level: expected debug, info, warn, error or off after it");
  refused(PARSE1("--log-level="), "--log-level: expected debug, info, warn, error or off after it");
  refused(PARSE2("--log-level", "wran"),
          "--log-level wran: expected debug, info, warn, error or off; did you mean warn?");
  refused(PARSE2("--log-level", "chatterbox"),
          "--log-level chatterbox: expected debug, info, warn, error or off");
  refused(PARSE1("--log-levels=info"), "--log-levels=info: unknown option; did you mean --log-level?");
  refused(PARSE2("a.lua", "b.lua"), "b.lua: only one config is allowed, and a.lua is it");
  refused(PARSE1(""), "the config's path is empty");
  refused(PARSE1("init"), "init: which folder? ipchost init DIR");
  refused(PARSE2("--dev", "test"), "test takes busted's arguments, after it: ipchost test [ARGUMENTS]");
  refused(PARSE2("init", ""), "init: the folder's path is empty");
  refused(PARSE3("init", "a", "b"), "b: init makes one folder, and a is it");
  refused(PARSE3("init", "a", "--check"), "init takes a folder and no options: ipchost init DIR");
  refused(PARSE3("--dev", "init", "a"), "init takes a folder and no options: ipchost init DIR");
}

int main(void) {
  RUN(defaults);
  RUN(everything);
  RUN(init);
  RUN(help_and_version);
  RUN(mistakes_are_named);
  return check_end();
}
