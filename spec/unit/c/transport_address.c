/* Entries of `listen`. */
#include "transport_kit.h"

struct good {
  const char *text;
  enum address_scheme scheme;
  const char *host;
  int port;
  const char *path;
};

static const struct good good[] = {
    {"unix:run/app.sock", ADDRESS_UNIX, "", 0, "/base/run/app.sock"},
    {"unix:./app.sock", ADDRESS_UNIX, "", 0, "/base/app.sock"},
    {"unix:/tmp/a b%20c", ADDRESS_UNIX, "", 0, "/tmp/a b%20c"},
    {"tcp://127.0.0.1:7000", ADDRESS_TCP, "127.0.0.1", 7000, ""},
    {"tcp://localhost:0", ADDRESS_TCP, "localhost", 0, ""},
    {"tcp://[::1]:65535", ADDRESS_TCP, "::1", 65535, ""},
    {"tcp://[fe80::1%eth0]:7", ADDRESS_TCP, "fe80::1%eth0", 7, ""},
    {"http://0.0.0.0:8080", ADDRESS_HTTP, "0.0.0.0", 8080, ""},
    {"stdio:", ADDRESS_STDIO, "", 0, ""},
};

TEST(entries_are_taken_apart) {
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    struct address address = kit_address(good[i].text, "/base");
    CHECK_INT(address.scheme, good[i].scheme);
    CHECK_STR(address.host, good[i].host);
    CHECK_INT(address.port, good[i].port);
    CHECK_STR(address.path, good[i].path);
    CHECK_STR(address.text, good[i].text);
  }
}

/* What a text says of an entry that is not allowed. */
static const char *const bad[][2] = {
    {"", "expected unix:PATH, tcp://HOST:PORT, http://HOST:PORT or stdio:"},
    {"udp://127.0.0.1:7", "expected unix:PATH"},
    {"run/app.sock", "expected unix:PATH"},
    {"/run/app.sock", "unix: is missing"},
    {"./app.sock", "unix: is missing"},
    {"ws://127.0.0.1:8080", "WebSocket is served by http://HOST:PORT"},
    {"https://127.0.0.1:8080", "proxy"},
    {"tcp:127.0.0.1:7000", "// is missing"},
    {"unix:", "unix:run/app.sock"},
    {"unix:run/", "unix:run/app.sock"},
    {"tcp://127.0.0.1", "the port is missing"},
    {"tcp://[::1]", "the port is missing"},
    {"tcp://", "the port is missing"},
    {"tcp://:7000", "0.0.0.0 for all networks"},
    {"tcp://127.0.0.1:", "expected a number from 0"},
    {"tcp://127.0.0.1:-1", "expected a number from 0"},
    {"tcp://127.0.0.1:7x", "expected a number from 0"},
    {"tcp://127.0.0.1:000007", "expected a number from 0"},
    {"tcp://127.0.0.1:65536", "over 65535"},
    {"tcp://::1:7000", "in brackets"},
    {"tcp://a:b:7000", "one port"},
    {"tcp://127.0.0.1:7000/", "nothing may follow the port"},
    {"http://127.0.0.1:8080/app", "nothing may follow the port"},
    {"tcp://me@127.0.0.1:7000", "no user"},
    {"tcp://a b:7000", "the host is none"},
    {"tcp://[]:7000", "the host is none"},
    {"stdio:x", "nothing may follow stdio:"},
};

TEST(entries_that_are_not_allowed_say_what_is) {
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct address address;
    struct fault fault = {0};
    CHECK_INT(address_parse(bad[i][0], "/base", &address, &fault), ST_INVALID);
    if (!CHECK(strstr(fault.text, bad[i][1]) != NULL))
      fprintf(stderr, "  '%s': '%s' does not say '%s'\n", bad[i][0], fault.text, bad[i][1]);
  }
}

TEST(a_socket_path_may_have_107_bytes) {
  char text[400], base[200];
  struct address address;
  struct fault fault;
  memset(base, 'b', sizeof base);
  base[0] = '/';
  base[100] = '\0';
  CHECK_INT(address_parse("unix:123456", base, &address, &fault), ST_OK);
  CHECK_INT(strlen(address.path), 107);
  CHECK_INT(address_parse("unix:1234567", base, &address, &fault), ST_INVALID);
  CHECK(strstr(fault.text, "has 108 bytes, and the system allows 107") != NULL);
  memset(text, 'h', sizeof text);
  memcpy(text, "tcp://", 6);
  strcpy(text + 300, ":7000");
  CHECK_INT(address_parse(text, "/base", &address, &fault), ST_INVALID);
}

int main(void) {
  RUN(entries_are_taken_apart);
  RUN(entries_that_are_not_allowed_say_what_is);
  RUN(a_socket_path_may_have_107_bytes);
  return check_end();
}
