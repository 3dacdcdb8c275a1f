/* The log, read back from a pipe: its formats, its levels, and what happens when nobody reads. */
#include "base/log.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log_format.h"
#include "check.h"

struct reader {
  int fd;
  struct buf got;
};

/* Reads to the end, then adds a NUL. */
static void *read_all(void *arg) {
  struct reader *reader = arg;
  char chunk[4096];
  ssize_t len;
  while ((len = read(reader->fd, chunk, sizeof chunk)) > 0) buf_put(&reader->got, chunk, (size_t)len);
  buf_put_byte(&reader->got, 0);
  close(reader->fd);
  return NULL;
}

static struct log *open_log(int pipe_ends[2], enum log_level level, enum log_format format,
                            size_t queue_max) {
  struct log *log = NULL;
  CHECK_INT(pipe(pipe_ends), 0);
  CHECK_INT(log_open(&log, pipe_ends[1], level, format, queue_max), ST_OK);
  return log;
}

/* Ends the log and returns new: all that it wrote. */
static char *close_log(struct log *log, int pipe_ends[2]) {
  struct reader reader = {pipe_ends[0], {0}};
  pthread_t thread;
  pthread_create(&thread, NULL, read_all, &reader);
  log_close(log);
  close(pipe_ends[1]);
  pthread_join(thread, NULL);
  return (char *)reader.got.data;
}

/* One line as the formatter makes it. */
static const char *formatted(struct slice text, enum log_format format, bool color, struct buf *out) {
  struct log_entry entry = {
      .time = {1767225600, 123456789}, .level = LOG_WARN, .where = "script", .text = text};
  buf_deinit(out);
  CHECK_INT(log_format_entry(out, &entry, format, color), ST_OK);
  buf_put_byte(out, 0);
  return (const char *)out->data;
}

#define TEXT(literal) slice_of(literal, sizeof(literal) - 1)
#define HEAD "2026-01-01T00:00:00.123Z warn  script: "
#define JSON_HEAD "{\"time\":\"2026-01-01T00:00:00.123Z\",\"level\":\"warn\",\"where\":\"script\",\"text\":\""

TEST(text_lines) {
  struct buf out = {0};
  CHECK_STR(formatted(TEXT("hello"), LOG_TEXT, false, &out), HEAD "hello\n");
  CHECK_STR(formatted(TEXT(""), LOG_TEXT, false, &out), HEAD "\n");
  CHECK_STR(formatted(TEXT("h"), LOG_TEXT, true, &out),
            "2026-01-01T00:00:00.123Z \033[33mwarn \033[0m script: h\n");
  CHECK_STR(formatted(TEXT("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x8e\x89"), LOG_TEXT, false, &out),
            HEAD "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x8e\x89\n");
  buf_deinit(&out);
}

TEST(no_byte_steers_the_terminal) {
  struct buf out = {0};
  CHECK_STR(formatted(TEXT("a\033[2J\r\0\x7f\x07\xc2\x9b"), LOG_TEXT, false, &out),
            HEAD "a\\x1b[2J\\x0d\\x00\\x7f\\x07\\x9b\n");
  CHECK_STR(formatted(TEXT("error\nstack:\n\tin f"), LOG_TEXT, false, &out),
            HEAD "error\n    stack:\n    \tin f\n");
  CHECK_STR(formatted(TEXT("\xff\xc3(\xe2\x82\xed\xa0\x80"), LOG_TEXT, false, &out),
            HEAD "\\xff\\xc3(\\xe2\\x82\\xed\\xa0\\x80\n");
  buf_deinit(&out);
}

TEST(json_lines) {
  struct buf out = {0};
  CHECK_STR(formatted(TEXT("a \"b\" \\ c"), LOG_JSON, true, &out), JSON_HEAD "a \\\"b\\\" \\\\ c\"}\n");
  CHECK_STR(formatted(TEXT("1\n2\t3\r\0\033\x7f\xc2\x85"), LOG_JSON, false, &out),
            JSON_HEAD "1\\n2\\t3\\u000d\\u0000\\u001b\\u007f\\u0085\"}\n");
  CHECK_STR(formatted(TEXT("\xff\xc3\xbc"), LOG_JSON, false, &out), JSON_HEAD "\\\\xff\xc3\xbc\"}\n");
  buf_deinit(&out);
}

TEST(lines_come_in_order) {
  int ends[2];
  struct log *log = open_log(ends, LOG_INFO, LOG_TEXT, 1 << 20);
  char *got, *at, mark[32];
  for (int i = 0; i < 500; i++) log_line(log, LOG_INFO, "host", "line %d.", i);
  at = got = close_log(log, ends);
  for (int i = 0; i < 500 && at; i++) {
    snprintf(mark, sizeof mark, " info  host: line %d.\n", i);
    at = strstr(at, mark);
  }
  CHECK(at != NULL);
  CHECK(got[4] == '-' && got[10] == 'T' && got[23] == 'Z');
  CHECK(!strchr(got, '\033'));
  free(got);
}

TEST(levels) {
  int ends[2];
  enum log_level level = LOG_OFF;
  struct log *log = open_log(ends, LOG_WARN, LOG_TEXT, 1 << 20);
  char *got;
  CHECK(log_enabled(log, LOG_ERROR) && log_enabled(log, LOG_WARN));
  CHECK(!log_enabled(log, LOG_INFO) && !log_enabled(log, LOG_DEBUG) && !log_enabled(NULL, LOG_ERROR));
  log_line(log, LOG_INFO, "host", "quiet");
  log_line(log, LOG_ERROR, "host", "loud");
  log_line(NULL, LOG_ERROR, "host", "nowhere");
  got = close_log(log, ends);
  CHECK(strstr(got, "loud") && !strstr(got, "quiet"));
  free(got);
  CHECK(log_level_parse("debug", &level) && level == LOG_DEBUG);
  CHECK(log_level_parse("off", &level) && level == LOG_OFF);
  CHECK(!log_level_parse("warning", &level) && !log_level_parse("", &level) && level == LOG_OFF);
}

TEST(off_is_silent) {
  int ends[2];
  struct log *log = open_log(ends, LOG_OFF, LOG_TEXT, 1 << 20);
  char *got;
  log_line(log, LOG_ERROR, "host", "x");
  log_line(log, LOG_OFF, "host", "x");
  got = close_log(log, ends);
  CHECK_STR(got, "");
  free(got);
}

TEST(long_texts) {
  int ends[2];
  struct log *log = open_log(ends, LOG_INFO, LOG_TEXT, 1 << 20);
  char *text = malloc(100001), *got;
  memset(text, 'x', 100000);
  text[100000] = 0;
  log_line(log, LOG_INFO, "host", "%.2000s|", text);
  log_line(log, LOG_INFO, "host", "%s", text);
  got = close_log(log, ends);
  CHECK(strstr(got, "xxx|\n") != NULL);
  CHECK(strstr(got, "xxx ... (34464 bytes more)\n") != NULL);
  CHECK_INT(strlen(got), 2 * strlen("2026-01-01T00:00:00.000Z info  host: ") + 2002 + 65536 + 24);
  free(got);
  free(text);
}

static size_t lines(const char *text) {
  size_t count = 0;
  while ((text = strchr(text, '\n'))) count++, text++;
  return count;
}

TEST(what_does_not_fit_is_dropped_and_counted) {
  enum { LINES = 5000 };
  int ends[2];
  struct log *log = open_log(ends, LOG_INFO, LOG_TEXT, 4096);
  unsigned long long dropped = 0, counted = 0;
  char *got, *at;
  for (int i = 0; i < LINES; i++) log_line(log, LOG_INFO, "host", "line %d %60s", i, "");
  at = got = close_log(log, ends);
  for (; (at = strstr(at, "warn  log: ")); counted++, at++) {
    unsigned long long n = 0;
    CHECK_INT(sscanf(at, "warn  log: %llu lines were dropped: limits.log_queue is full", &n), 1);
    dropped += n;
  }
  CHECK(dropped > LINES / 2);
  CHECK_INT(lines(got) - counted + dropped, LINES);
  free(got);
}

TEST(nobody_reads) {
  int ends[2];
  struct log *log = open_log(ends, LOG_INFO, LOG_TEXT, 1 << 20);
  for (int i = 0; i < 5000; i++) log_line(log, LOG_INFO, "host", "line %d %60s", i, "");
  log_close(log); /* gives up after a second */
  close(ends[0]);
  close(ends[1]);
  CHECK(true);
}

TEST(the_reader_is_gone) {
  int ends[2];
  struct log *log;
  signal(SIGPIPE, SIG_DFL);
  log = open_log(ends, LOG_INFO, LOG_JSON, 1 << 20);
  close(ends[0]);
  for (int i = 0; i < 100; i++) log_line(log, LOG_INFO, "host", "line %d", i);
  log_close(log);
  close(ends[1]);
  log_close(NULL);
  CHECK(true);
}

static void *log_many(void *arg) {
  for (int i = 0; i < 1000; i++) log_line(arg, LOG_INFO, "host", "from a thread");
  return NULL;
}

TEST(several_threads_log) {
  int ends[2];
  struct log *log = open_log(ends, LOG_INFO, LOG_TEXT, 1 << 22);
  struct reader reader = {ends[0], {0}};
  pthread_t threads[4], reading;
  pthread_create(&reading, NULL, read_all, &reader);
  for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, log_many, log);
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  log_close(log);
  close(ends[1]);
  pthread_join(reading, NULL);
  CHECK_INT(lines((const char *)reader.got.data), 4000);
  buf_deinit(&reader.got);
}

int main(void) {
  RUN(text_lines);
  RUN(no_byte_steers_the_terminal);
  RUN(json_lines);
  RUN(lines_come_in_order);
  RUN(levels);
  RUN(off_is_silent);
  RUN(long_texts);
  RUN(what_does_not_fit_is_dropped_and_counted);
  RUN(nobody_reads);
  RUN(the_reader_is_gone);
  RUN(several_threads_log);
  return check_end();
}
