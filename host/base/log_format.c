/* log_format: see log_format.h. */
#include "base/log_format.h"

#include <stdio.h>

#include "base/utf8.h"

#define INDENT "    " /* of the lines of a traceback */

static const char *const level_names[] = {"debug", "info", "warn", "error", "off"};

bool log_level_parse(const char *name, enum log_level *out) {
  for (int i = LOG_DEBUG; i <= LOG_OFF; i++) {
    if (strcmp(name, level_names[i]) != 0) continue;
    *out = (enum log_level)i;
    return true;
  }
  return false;
}

static enum status put_str(struct buf *out, const char *text) {
  return buf_put(out, text, strlen(text));
}

/* The length of the character at the start of `text`; 0 if it is not valid UTF-8. */
static size_t character(struct slice text) {
  static const uint8_t lengths[16] = {1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 2, 2, 3, 4};
  size_t len = lengths[text.data[0] >> 4];
  return len && len <= text.len && utf8_valid(slice_of(text.data, len)) ? len : 0;
}

static bool is_control(struct slice text, size_t len) {
  if (len == 1) return text.data[0] < 0x20 || text.data[0] == 0x7f;
  return len == 2 && text.data[0] == 0xc2 && text.data[1] < 0xa0;
}

/* Appends the first character of `text` and returns its length. JSON's escapes are JSON's; a byte that is no
 * character is spelled \xNN in both. */
static size_t put_character(struct buf *out, struct slice text, enum log_format format, enum status *status) {
  size_t len = character(text);
  uint8_t byte = text.data[0];
  char escape[12];
  bool json = format == LOG_JSON;
  if (len && !is_control(text, len) && !(json && (byte == '"' || byte == '\\'))) {
    *status = buf_put(out, text.data, len);
    return len;
  }
  if (byte == '\n' || byte == '\t')
    snprintf(escape, sizeof escape, "%s",
             json           ? byte == '\n' ? "\\n" : "\\t"
             : byte == '\n' ? "\n" INDENT
                            : "\t");
  else if (json && (byte == '"' || byte == '\\'))
    snprintf(escape, sizeof escape, "\\%c", byte);
  else if (json && len)
    snprintf(escape, sizeof escape, "\\u%04x", len == 1 ? byte : text.data[1]);
  else
    snprintf(escape, sizeof escape, json ? "\\\\x%02x" : "\\x%02x", len == 2 ? text.data[1] : byte);
  *status = put_str(out, escape);
  return len ? len : 1;
}

static enum status put_escaped(struct buf *out, struct slice text, enum log_format format) {
  enum status status = buf_reserve(out, text.len);
  while (text.len && status == ST_OK) {
    size_t len = put_character(out, text, format, &status);
    text = slice_of(text.data + len, text.len - len);
  }
  return status;
}

/* 2026-01-01T00:00:00.000Z */
static enum status put_time(struct buf *out, const struct timespec *time) {
  char text[96];
  struct tm tm;
  gmtime_r(&time->tv_sec, &tm);
  snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ", tm.tm_year + 1900, tm.tm_mon + 1,
           tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, time->tv_nsec / 1000000);
  return put_str(out, text);
}

static enum status put_text_head(struct buf *out, const struct log_entry *entry, bool color) {
  static const char *const colors[] = {"\033[2m", "\033[36m", "\033[33m", "\033[31m"};
  char text[96];
  snprintf(text, sizeof text, " %s%-5s%s %.32s: ", color ? colors[entry->level] : "",
           level_names[entry->level], color ? "\033[0m" : "", entry->where);
  if (put_time(out, &entry->time) != ST_OK) return ST_NOMEM;
  return put_str(out, text);
}

static enum status put_json_head(struct buf *out, const struct log_entry *entry) {
  char text[96];
  snprintf(text, sizeof text, "\",\"level\":\"%s\",\"where\":\"%.32s\",\"text\":\"",
           level_names[entry->level], entry->where);
  if (put_str(out, "{\"time\":\"") != ST_OK || put_time(out, &entry->time) != ST_OK) return ST_NOMEM;
  return put_str(out, text);
}

enum status log_format_entry(struct buf *out, const struct log_entry *entry, enum log_format format,
                             bool color) {
  bool json = format == LOG_JSON;
  enum status status = json ? put_json_head(out, entry) : put_text_head(out, entry, color);
  char cut[64] = "";
  if (status == ST_OK) status = put_escaped(out, entry->text, format);
  if (entry->cut) snprintf(cut, sizeof cut, " ... (%zu bytes more)", entry->cut);
  if (status == ST_OK) status = put_str(out, cut);
  if (status == ST_OK) status = put_str(out, json ? "\"}\n" : "\n");
  return status;
}
