/* The pure parts of HTTP: paths, media types, ranges, versions, hosts and origins; and files below a folder.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "transport/http_access.h"
#include "transport/http_file.h"
#include "transport/http_path.h"
#include "transport/http_range.h"

/* ---- paths ---- */

/* The decoded path, with a / behind a folder's; NULL: not found. */
static const char *decoded(const char *path) {
  static char out[HTTP_PATH_MAX + 2];
  bool folder;
  if (http_path_decode(slice_str(path), out, &folder) != ST_OK) return NULL;
  return folder ? strcat(out, "/") : out;
}

TEST(paths) {
  CHECK_STR(decoded("/"), "./");
  CHECK_STR(decoded("/a"), "a");
  CHECK_STR(decoded("/a/"), "a/");
  CHECK_STR(decoded("/a%20b/%C3%A4.html"), "a b/\xc3\xa4.html");
  CHECK_STR(decoded("/a..b/c.d."), "a..b/c.d.");
  CHECK_STR(decoded("/%252e%252e/x"), "%2e%2e/x"); /* once only */
}

TEST(paths_that_lead_nowhere) {
  static const char *const paths[] = {
      "",
      "a",
      "//",
      "/a//b",
      "/.",
      "/..",
      "/../x",
      "/a/../b",
      "/a/..",
      "/./a",
      "/.git/config",
      "/a/.hidden",
      "/%2e%2e/x",
      "/%2E./x",
      "/.%2e/x",
      "/..%2fx",
      "/a%2Fb",
      "/..%5cx",
      "/..\\x",
      "/a%00.html",
      "/%00",
      "/a%0ab",
      "/%7f",
      "/%",
      "/%2",
      "/%zz",
      "/%u002e%u002e",
      "/a%",
      "*",
      "/%2e%2e%2fetc/passwd",
      "/%2f..%2f..",
      "/a/%2e",
      "/a/%2e%2e/%2e%2e/b",
  };
  char text[HTTP_PATH_MAX + 10];
  for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
    if (!CHECK(decoded(paths[i]) == NULL)) fprintf(stderr, "  %s\n", paths[i]);
  memset(text, 'a', sizeof text);
  text[0] = '/';
  text[sizeof text - 1] = '\0';
  CHECK(decoded(text) == NULL);
}

/* Wherever the slash stands by which a path becomes too long, nothing is written behind the room for it. */
TEST(paths_that_are_too_long) {
  char text[HTTP_PATH_MAX * 3], out[sizeof text];
  bool folder;
  for (size_t slash = HTTP_PATH_MAX - 5; slash < HTTP_PATH_MAX + 2; slash++) {
    memset(text, 'a', sizeof text);
    memset(out, '!', sizeof out);
    text[0] = text[slash] = '/';
    CHECK_INT(http_path_decode(slice_of((uint8_t *)text, sizeof text), out, &folder), ST_NOT_FOUND);
    for (size_t i = HTTP_PATH_MAX; i < sizeof out; i++)
      if (!CHECK_INT(out[i], '!')) return;
  }
}

TEST(types) {
  CHECK_STR(http_type_of("a/b.html"), "text/html; charset=utf-8");
  CHECK_STR(http_type_of("B.JS"), "text/javascript; charset=utf-8");
  CHECK_STR(http_type_of("x.tar.gz"), "application/gzip");
  CHECK_STR(http_type_of("a.html/b"), "application/octet-stream");
  CHECK_STR(http_type_of("html"), "application/octet-stream");
}

/* ---- ranges and versions ---- */

static const struct http_version version = {.size = 1000, .modified = 784111777, .etag = "\"tag\""};

static enum http_part part_of(const char *range, const char *if_range, uint64_t *first, uint64_t *len) {
  struct http_request request = {.verb = VERB_GET, .range = slice_str(range)};
  if (if_range) request.if_range = slice_str(if_range);
  return http_part_of(&request, &version, first, len);
}

static bool part_is(const char *range, uint64_t first, uint64_t len) {
  uint64_t got_first, got_len;
  return part_of(range, NULL, &got_first, &got_len) == PART_SOME && got_first == first && got_len == len;
}

TEST(ranges) {
  CHECK(part_is("bytes=0-0", 0, 1));
  CHECK(part_is("bytes=0-", 0, 1000));
  CHECK(part_is("bytes=10-19", 10, 10));
  CHECK(part_is("bytes=990-5000", 990, 10));
  CHECK(part_is("bytes=999-", 999, 1));
  CHECK(part_is("bytes=-1", 999, 1));
  CHECK(part_is("bytes=-5000", 0, 1000));
}

TEST(ranges_of_nothing_and_of_all) {
  static const char *const none[] = {"bytes=1000-", "bytes=1000-2000", "bytes=-0",
                                     "bytes=999999999999999999-"};
  static const char *const all[] = {
      "bytes=",  "bytes=-",    "bytes=5-4",  "bytes=a-b", "bytes=1-2,4-5", "items=1-2",
      "bytes=1", "bytes= 1-2", "bytes=1-2 ", "bytes=--1", "bytes=0x1-",    "bytes=99999999999999999999-"};
  uint64_t first, len;
  for (size_t i = 0; i < sizeof none / sizeof *none; i++)
    CHECK_INT(part_of(none[i], NULL, &first, &len), PART_NONE);
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    CHECK_INT(part_of(all[i], NULL, &first, &len), PART_ALL);
    CHECK(first == 0 && len == 1000);
  }
  CHECK_INT(part_of("bytes=1-2", "\"tag\"", &first, &len), PART_SOME);
  CHECK_INT(part_of("bytes=1-2", "\"old\"", &first, &len), PART_ALL);
  CHECK_INT(part_of("bytes=1-2", "W/\"tag\"", &first, &len), PART_ALL);
}

static bool fresh(const char *none_match, const char *since) {
  struct http_request request = {.verb = VERB_GET};
  if (none_match) request.if_none_match = slice_str(none_match);
  if (since) request.if_modified_since = slice_str(since);
  return http_is_fresh(&request, &version);
}

TEST(versions) {
  char date[HTTP_DATE_SIZE];
  http_date(version.modified, date);
  CHECK_STR(date, "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK(fresh("\"tag\"", NULL) && fresh("W/\"tag\"", NULL) && fresh("*", NULL));
  CHECK(fresh("\"a,b\", W/\"c\" ,\"tag\"", NULL));
  CHECK(!fresh("\"other\"", NULL) && !fresh("tag", NULL) && !fresh("", NULL));
  CHECK(fresh(NULL, date) && !fresh(NULL, "Sun, 06 Nov 1994 08:49:36 GMT") && !fresh(NULL, NULL));
  CHECK(!fresh("\"other\"", date)); /* the tag decides */
}

/* Some file systems keep any 64 bits as a file's time. */
TEST(dates_of_any_year) {
  static const time_t far[] = {INT64_MAX, INT64_MIN, 67768036191676800, 253402300800, -62167219201};
  char date[HTTP_DATE_SIZE];
  for (size_t i = 0; i < sizeof far / sizeof *far; i++) {
    http_date(far[i], date);
    CHECK_STR(date, "Thu, 01 Jan 1970 00:00:00 GMT");
  }
  http_date(253402300799, date);
  CHECK_STR(date, "Fri, 31 Dec 9999 23:59:59 GMT");
  http_date(-62167219200, date);
  CHECK_STR(date, "Sat, 01 Jan 0000 00:00:00 GMT");
}

/* ---- hosts and origins ---- */

static const char *const hosts[] = {"app.example", "Other.example:81", NULL};
static const char *const origins[] = {"https://app.example", NULL};
static const char *const null_origin[] = {"null", NULL};
static const struct http_options options = {.hosts = hosts, .origins = origins};
static const struct http_options plain = {.origins = null_origin};

TEST(the_hosts_of_a_listener) {
  CHECK(http_host_allowed(&plain, 8080, slice_str("127.0.0.1:8080")));
  CHECK(http_host_allowed(&plain, 8080, slice_str("LOCALHOST:8080")));
  CHECK(http_host_allowed(&plain, 8080, slice_str("[::1]:8080")));
  CHECK(http_host_allowed(&plain, 80, slice_str("localhost")));
  CHECK(http_host_allowed(&options, 8080, slice_str("app.example")));
  CHECK(http_host_allowed(&options, 8080, slice_str("other.example:81")));
  CHECK(!http_host_allowed(&options, 8080, slice_str("app.example:8080")));
  CHECK(!http_host_allowed(&plain, 8080, slice_str("localhost")));
  CHECK(!http_host_allowed(&plain, 8080, slice_str("localhost:80")));
  CHECK(!http_host_allowed(&plain, 8080, slice_str("localhost:8080.evil.example")));
  CHECK(!http_host_allowed(&plain, 8080, slice_str("evil.example:8080")));
  CHECK(!http_host_allowed(&plain, 8080, slice_str("127.0.0.2:8080")));
  CHECK(!http_host_allowed(&plain, 8080, slice_str("")));
}

TEST(the_origins_of_a_listener) {
  CHECK(http_origin_allowed(&plain, 8080, slice_str("http://localhost:8080")));
  CHECK(http_origin_allowed(&options, 8080, slice_str("http://app.example")));
  CHECK(http_origin_allowed(&options, 8080, slice_str("https://app.example")));
  CHECK(!http_origin_allowed(&options, 8080, slice_str("https://localhost:8080")));
  CHECK(!http_origin_allowed(&options, 8080, slice_str("http://localhost:8081")));
  CHECK(!http_origin_allowed(&options, 8080, slice_str("http://evil.example")));
  CHECK(!http_origin_allowed(&options, 8080, slice_str("https://app.example.evil")));
  CHECK(!http_origin_allowed(&options, 8080, slice_str("null")));
  CHECK(!http_origin_allowed(&options, 8080, slice_str("http://")));
  CHECK(!http_origin_allowed(&options, 8080, slice_str("")));
  CHECK(http_origin_allowed(&plain, 8080, slice_str("null")));
}

/* ---- files ---- */

static void put_file(const char *path, const char *text) {
  int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0644);
  CHECK_INT(write(fd, text, strlen(text)), (ssize_t)strlen(text));
  close(fd);
}

/* Makes a folder with `public` in it, and goes there. */
static void make_files(char root[64]) {
  char folder[32] = "/tmp/ipchost-unit-XXXXXX";
  CHECK(mkdtemp(folder) && chdir(folder) == 0);
  snprintf(root, 64, "%s/public", folder);
  CHECK(mkdir("public", 0755) == 0 && mkdir("public/sub", 0755) == 0 && mkdir("publicity", 0755) == 0);
  put_file("public/a.txt", "hello");
  put_file("public/sub/b.txt", "b");
  put_file("secret", "secret");
  put_file("publicity/c.txt", "c");
  CHECK(symlink("sub/b.txt", "public/inside") == 0 && symlink("../a.txt", "public/sub/up") == 0);
  CHECK(symlink("../secret", "public/out") == 0 && symlink("/etc/passwd", "public/absolute") == 0);
  CHECK(symlink("../publicity", "public/beside") == 0 && symlink("..", "public/parent") == 0);
  CHECK(mkfifo("public/pipe", 0644) == 0);
}

static enum status opens(const char *root, const char *path, enum http_walk walk) {
  struct http_file file;
  enum status status = http_file_open(root, path, walk, &file);
  if (status == ST_OK) close(file.fd);
  return status;
}

static void check_walk(const char *root, enum http_walk walk) {
  static const char *const found[] = {"a.txt", "sub/b.txt", "inside", "sub/up"};
  static const char *const not_found[] = {
      "none",      "a.txt/x",          "out",  "absolute",   "beside/c.txt", "parent", "parent/secret",
      "../secret", "sub/../../secret", "pipe", "/etc/passwd"};
  for (size_t i = 0; i < sizeof found / sizeof *found; i++) CHECK_INT(opens(root, found[i], walk), ST_OK);
  for (size_t i = 0; i < sizeof not_found / sizeof *not_found; i++)
    if (!CHECK_INT(opens(root, not_found[i], walk), ST_NOT_FOUND)) fprintf(stderr, "  %s\n", not_found[i]);
  CHECK_INT(opens(root, "sub", walk), ST_EXISTS);
  CHECK_INT(opens(root, ".", walk), ST_EXISTS);
  CHECK_INT(opens("/no/such/folder", "a.txt", walk), ST_NOT_FOUND);
}

TEST(files_below_a_folder) {
  char root[64], command[96];
  struct http_file file, changed;
  make_files(root);
  check_walk(root, WALK_BENEATH);
  check_walk(root, WALK_CHECKED);
  CHECK_INT(http_file_open(root, "a.txt", WALK_BENEATH, &file), ST_OK);
  CHECK_INT(file.version.size, 5);
  put_file("public/a.txt", "longer");
  CHECK_INT(http_file_open(root, "a.txt", WALK_BENEATH, &changed), ST_OK);
  CHECK(file.version.etag[0] == '"' && strcmp(file.version.etag, changed.version.etag) != 0);
  close(file.fd);
  close(changed.fd);
  snprintf(command, sizeof command, "rm -r '%.*s'", (int)strlen(root) - 7, root);
  CHECK_INT(system(command), 0);
}

int main(void) {
  RUN(paths);
  RUN(paths_that_lead_nowhere);
  RUN(paths_that_are_too_long);
  RUN(types);
  RUN(ranges);
  RUN(ranges_of_nothing_and_of_all);
  RUN(versions);
  RUN(dates_of_any_year);
  RUN(the_hosts_of_a_listener);
  RUN(the_origins_of_a_listener);
  RUN(files_below_a_folder);
  return check_end();
}
