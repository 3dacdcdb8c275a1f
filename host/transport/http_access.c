/* http_access: see http_access.h. */
#include "transport/http_access.h"

#include <stdio.h>
#include <strings.h>

#define DEFAULT_PORT 80

static bool is_listed(const char *const *list, struct slice text) {
  for (; list && *list; list++)
    if (http_equal_fold(text, *list)) return true;
  return false;
}

bool http_host_allowed(const struct http_options *options, int port, struct slice host) {
  static const char *const names[] = {"127.0.0.1", "localhost", "[::1]"};
  char text[32];
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    snprintf(text, sizeof text, "%s:%d", names[i], port);
    if (http_equal_fold(host, text) || (port == DEFAULT_PORT && http_equal_fold(host, names[i]))) return true;
  }
  return is_listed(options->hosts, host);
}

bool http_origin_allowed(const struct http_options *options, int port, struct slice origin) {
  static const char scheme[] = "http://";
  size_t len = sizeof scheme - 1;
  if (is_listed(options->origins, origin)) return true;
  if (origin.len <= len || strncasecmp((const char *)origin.data, scheme, len) != 0) return false;
  return http_host_allowed(options, port, slice_of(origin.data + len, origin.len - len));
}
