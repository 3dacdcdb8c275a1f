/* address: entries of `listen`. Part of server.h. */
#include <ctype.h>
#include <stdio.h>

#include "transport/server.h"

#define ALLOWED "expected unix:PATH, tcp://HOST:PORT, http://HOST:PORT or stdio:"

static enum status invalid(struct fault *fault, const char *text) {
  return fault_set(fault, ST_INVALID, 0, NULL, "%s", text);
}

static enum status parse_unix(const char *path, const char *base, struct address *out, struct fault *fault) {
  size_t len;
  int full;
  while (strncmp(path, "./", 2) == 0) path += 2;
  len = strlen(path);
  if (!len || path[len - 1] == '/')
    return invalid(fault, "expected the path of a socket file behind unix:, such as unix:run/app.sock");
  full = path[0] == '/' ? snprintf(out->path, sizeof out->path, "%s", path)
                        : snprintf(out->path, sizeof out->path, "%s/%s", base, path);
  if ((size_t)full < sizeof out->path) return ST_OK;
  return fault_set(
      fault, ST_INVALID, 0, NULL,
      "the absolute path of the socket has %d bytes, and the system allows %zu; choose a shorter one", full,
      sizeof out->path - 1);
}

/* A name, an IPv4 address, or (in brackets) an IPv6 address, perhaps with a zone. */
static bool is_host(const char *text, size_t len, bool brackets) {
  for (size_t i = 0; i < len; i++) {
    unsigned char c = (unsigned char)text[i];
    if (!isalnum(c) && !strchr(brackets ? ":.%-_" : ".-_", c)) return false;
  }
  return len > 0;
}

static enum status parse_host(const char *text, size_t len, struct address *out, struct fault *fault) {
  bool brackets = len >= 2 && text[0] == '[' && text[len - 1] == ']';
  if (!len)
    return invalid(fault,
                   "a host is missing before the port; expected 127.0.0.1 for this machine only, 0.0.0.0 "
                   "for all networks, or [::1] and [::] of IPv6");
  if (brackets) {
    text++;
    len -= 2;
  } else if (memchr(text, ':', len)) {
    return invalid(fault, "expected one port behind the host; an IPv6 address stands in brackets: "
                          "tcp://[::1]:7000");
  }
  if (len >= sizeof out->host || !is_host(text, len, brackets))
    return invalid(fault,
                   "the host is none; expected a name, an IPv4 address, or an IPv6 address in brackets");
  memcpy(out->host, text, len);
  out->host[len] = '\0';
  return ST_OK;
}

/* "HOST:PORT" */
static enum status parse_inet(const char *text, struct address *out, struct fault *fault) {
  const char *colon = strrchr(text, ':');
  size_t digits;
  if (strpbrk(text, "/?#"))
    return invalid(fault, "nothing may follow the port; expected tcp://HOST:PORT or http://HOST:PORT");
  if (strchr(text, '@')) return invalid(fault, "no user may stand before the host");
  if (!colon || (colon > text && colon[-1] == ':') || strchr(colon, ']'))
    return invalid(fault,
                   "the port is missing; expected HOST:PORT, such as 127.0.0.1:7000; port 0 takes any");
  digits = strspn(colon + 1, "0123456789");
  if (!digits || colon[1 + digits] || digits > 5)
    return invalid(fault, "the port is none; expected a number from 0 (any free one) to 65535");
  for (const char *digit = colon + 1; *digit; digit++) out->port = out->port * 10 + (*digit - '0');
  if (out->port > 65535) return invalid(fault, "the port is over 65535");
  return parse_host(text, (size_t)(colon - text), out, fault);
}

/* Behind a scheme that is none of the four. */
static enum status unknown(const char *text, struct fault *fault) {
  if (strncmp(text, "ws:", 3) == 0 || strncmp(text, "wss:", 4) == 0)
    return invalid(fault, ALLOWED "; WebSocket is served by http://HOST:PORT, at /ipchost");
  if (strncmp(text, "https:", 6) == 0)
    return invalid(fault, ALLOWED "; for TLS put a proxy before http://HOST:PORT");
  if (strncmp(text, "tcp:", 4) == 0 || strncmp(text, "http:", 5) == 0)
    return invalid(fault, ALLOWED "; // is missing");
  if (text[0] == '/' || text[0] == '.') return invalid(fault, ALLOWED "; unix: is missing");
  return invalid(fault, ALLOWED);
}

enum status address_parse(const char *text, const char *base, struct address *out, struct fault *fault) {
  static const struct {
    const char *prefix;
    enum address_scheme scheme;
  } schemes[] = {{"unix:", ADDRESS_UNIX}, {"tcp://", ADDRESS_TCP}, {"http://", ADDRESS_HTTP}};
  *out = (struct address){.scheme = ADDRESS_STDIO};
  snprintf(out->text, sizeof out->text, "%s", text);
  if (strcmp(text, "stdio:") == 0) return ST_OK;
  if (strncmp(text, "stdio:", 6) == 0) return invalid(fault, "nothing may follow stdio:");
  for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
    size_t len = strlen(schemes[i].prefix);
    if (strncmp(text, schemes[i].prefix, len) != 0) continue;
    out->scheme = schemes[i].scheme;
    return out->scheme == ADDRESS_UNIX ? parse_unix(text + len, base, out, fault)
                                       : parse_inet(text + len, out, fault);
  }
  return unknown(text, fault);
}
