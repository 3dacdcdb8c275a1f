/* http_path: see http_path.h. */
#include "transport/http_path.h"

#include <strings.h>

static int hex_digit(uint8_t c) {
  if (c >= '0' && c <= '9') return c - '0';
  c |= 32;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte at *at of the path, unescaped; -1 for an escape that is none. Moves *at past it. */
static int next_byte(struct slice path, size_t *at) {
  uint8_t byte = path.data[(*at)++];
  int high, low;
  if (byte != '%') return byte;
  if (path.len - *at < 2) return -1;
  high = hex_digit(path.data[*at]);
  low = hex_digit(path.data[*at + 1]);
  *at += 2;
  return high < 0 || low < 0 ? -1 : high << 4 | low;
}

static bool is_allowed(int byte) {
  return byte >= ' ' && byte != 127 && byte != '/' && byte != '\\';
}

/* Appends the segment at *at to `out` from *len on. */
static enum status take_segment(struct slice path, size_t *at, char *out, size_t *len) {
  size_t from = *len;
  while (*at < path.len && path.data[*at] != '/') {
    int byte = next_byte(path, at);
    if (!is_allowed(byte) || *len >= HTTP_PATH_MAX - 2) return ST_NOT_FOUND;
    out[(*len)++] = (char)byte;
  }
  return *len == from || out[from] == '.' ? ST_NOT_FOUND : ST_OK;
}

enum status http_path_decode(struct slice path, char out[HTTP_PATH_MAX], bool *folder) {
  size_t at = 1, len = 0;
  if (!path.len || path.data[0] != '/') return ST_NOT_FOUND;
  *folder = true;
  while (at < path.len) {
    if (len) out[len++] = '/';
    if (take_segment(path, &at, out, &len) != ST_OK) return ST_NOT_FOUND;
    *folder = at < path.len;
    at++; /* the slash */
  }
  if (!len) out[len++] = '.';
  out[len] = '\0';
  return ST_OK;
}

#define TEXT "; charset=utf-8"

const char *http_type_of(const char *path) {
  static const char *const types[][2] = {
      {"html", "text/html" TEXT},
      {"htm", "text/html" TEXT},
      {"js", "text/javascript" TEXT},
      {"mjs", "text/javascript" TEXT},
      {"css", "text/css" TEXT},
      {"json", "application/json"},
      {"map", "application/json"},
      {"webmanifest", "application/manifest+json"},
      {"txt", "text/plain" TEXT},
      {"md", "text/markdown" TEXT},
      {"csv", "text/csv" TEXT},
      {"xml", "application/xml"},
      {"svg", "image/svg+xml"},
      {"png", "image/png"},
      {"jpg", "image/jpeg"},
      {"jpeg", "image/jpeg"},
      {"gif", "image/gif"},
      {"webp", "image/webp"},
      {"avif", "image/avif"},
      {"ico", "image/x-icon"},
      {"bmp", "image/bmp"},
      {"woff", "font/woff"},
      {"woff2", "font/woff2"},
      {"ttf", "font/ttf"},
      {"otf", "font/otf"},
      {"wasm", "application/wasm"},
      {"pdf", "application/pdf"},
      {"zip", "application/zip"},
      {"gz", "application/gzip"},
      {"mp3", "audio/mpeg"},
      {"m4a", "audio/mp4"},
      {"ogg", "audio/ogg"},
      {"opus", "audio/ogg"},
      {"wav", "audio/wav"},
      {"flac", "audio/flac"},
      {"mp4", "video/mp4"},
      {"webm", "video/webm"},
      {"vtt", "text/vtt" TEXT},
  };
  const char *dot = strrchr(path, '.'), *slash = strrchr(path, '/');
  if (dot && (!slash || slash < dot))
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
      if (strcasecmp(dot + 1, types[i][0]) == 0) return types[i][1];
  return "application/octet-stream";
}
