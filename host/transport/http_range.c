/* http_range: see http_range.h. */
#include "transport/http_range.h"

#include <stdio.h>

static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

/* By hand, for strftime follows the locale. A file may have a time of any year. */
void http_date(time_t time, char out[HTTP_DATE_SIZE]) {
  const time_t year_0 = -62167219200, year_10000 = 253402300800;
  struct tm tm;
  char text[96];
  if (time < year_0 || time >= year_10000) time = 0;
  gmtime_r(&time, &tm);
  snprintf(text, sizeof text, "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT", days + (size_t)tm.tm_wday * 3,
           tm.tm_mday, months + (size_t)tm.tm_mon * 3, tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
  memcpy(out, text, HTTP_DATE_SIZE - 1);
  out[HTTP_DATE_SIZE - 1] = '\0';
}

/* Weak comparison: W/ does not count. */
static bool names_etag(struct slice item, const char *etag) {
  if (item.len > 2 && memcmp(item.data, "W/", 2) == 0) item = slice_of(item.data + 2, item.len - 2);
  return slice_equal(item, slice_str(etag));
}

static struct slice skip_blanks(struct slice text) {
  while (text.len && strchr(" \t,", text.data[0])) text = slice_of(text.data + 1, text.len - 1);
  return text;
}

static bool lists_etag(struct slice list, const char *etag) {
  while ((list = skip_blanks(list)).len) {
    size_t len = 0;
    bool quoted = false;
    for (; len < list.len && (quoted || !strchr(" \t,", list.data[len])); len++)
      if (list.data[len] == '"') quoted = !quoted;
    if (names_etag(slice_of(list.data, len), etag)) return true;
    list = slice_of(list.data + len, list.len - len);
  }
  return false;
}

/* Equal, not later: a date is compared with the text that was given out. */
static bool names_date(struct slice text, time_t modified) {
  char date[HTTP_DATE_SIZE];
  http_date(modified, date);
  return slice_equal(text, slice_str(date));
}

bool http_is_fresh(const struct http_request *request, const struct http_version *version) {
  if (!request->if_none_match.data) return names_date(request->if_modified_since, version->modified);
  return slice_equal(request->if_none_match, slice_str("*")) ||
         lists_etag(request->if_none_match, version->etag);
}

/* Digits at *at. False: there are none, or too many. */
static bool take_number(struct slice text, size_t *at, uint64_t *out) {
  size_t from = *at;
  *out = 0;
  for (; *at < text.len && text.data[*at] >= '0' && text.data[*at] <= '9' && *at - from < 18; ++*at)
    *out = *out * 10 + (text.data[*at] - (uint64_t)'0');
  return *at > from;
}

/* "-500": the last 500 bytes. */
static enum http_part take_suffix(uint64_t count, uint64_t size, uint64_t *first, uint64_t *len) {
  if (!count || !size) return PART_NONE;
  *len = count < size ? count : size;
  *first = size - *len;
  return PART_SOME;
}

static enum http_part take_range(const struct http_request *request, const struct http_version *version,
                                 uint64_t *first, uint64_t *len) {
  struct slice range = request->range;
  size_t at = sizeof "bytes=" - 1;
  uint64_t last;
  bool has_first, has_last;
  if (request->verb != VERB_GET || range.len < at || memcmp(range.data, "bytes=", at) != 0) return PART_ALL;
  if (request->if_range.data && !slice_equal(request->if_range, slice_str(version->etag))) return PART_ALL;
  has_first = take_number(range, &at, first);
  if (at == range.len || range.data[at++] != '-') return PART_ALL;
  has_last = take_number(range, &at, &last);
  if (at != range.len || (!has_first && !has_last) || (has_first && has_last && last < *first))
    return PART_ALL;
  if (!has_first) return take_suffix(last, version->size, first, len);
  if (*first >= version->size) return PART_NONE;
  *len = has_last && last < version->size ? last - *first + 1 : version->size - *first;
  return PART_SOME;
}

enum http_part http_part_of(const struct http_request *request, const struct http_version *version,
                            uint64_t *first, uint64_t *len) {
  enum http_part part = take_range(request, version, first, len);
  if (part == PART_SOME) return part;
  *first = 0;
  *len = part == PART_ALL ? version->size : 0;
  return part;
}
