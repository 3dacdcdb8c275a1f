/* http_content: answers that are files: below the public folder, or carried by the program. See
 * http_making.h. */
#include <inttypes.h>
#include <stdio.h>

#include "transport/http_file.h"
#include "transport/http_making.h"
#include "transport/http_path.h"

static enum status not_found(struct making *making) {
  return making_refuse(making, 404,
                       making->asked->options->public ? "there is no such file"
                                                      : "no pages are served here; name a folder in public");
}

/* ---- files ---- */

/* Who may show a page in a frame: the own origin, and those that are listed. */
static void put_frame_ancestors(struct making *making) {
  const char *const *origins = making->asked->options->origins;
  http_response_put(&making->response, slice_str("Content-Security-Policy: frame-ancestors 'self'"));
  for (; origins && *origins; origins++) {
    if (strcmp(*origins, "null") == 0) continue;
    http_response_put(&making->response, slice_str(" "));
    http_response_put(&making->response, slice_str(*origins));
  }
  http_response_put(&making->response, slice_str("\r\n"));
}

/* The URL as the browser has it, "" if it cannot be told. Servers of https stand before this one. */
static bool put_url(struct buf *url, const struct http_request *request) {
  const struct slice parts[] = {slice_str("http://"), request->host, request->path,
                                slice_str(request->query.data ? "?" : ""), request->query};
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
    if (buf_put(url, parts[i].data, parts[i].len) != ST_OK) return false;
  return true;
}

/* A page that is shown, not one that a script has fetched, learns from the header what proves its URL. */
static void put_proof(struct making *making, const char *type) {
  const struct http_options *options = making->asked->options;
  const struct http_request *request = making->request;
  char proof[HTTP_PROOF_SIZE] = "";
  struct buf url = {0};
  if (!options->prove || strncmp(type, "text/html", 9) != 0 || request->verb != VERB_GET ||
      !slice_equal(request->fetch_mode, slice_str("navigate")))
    return;
  if (put_url(&url, request)) options->prove(options->user, buf_slice(&url), proof);
  buf_deinit(&url);
  if (*proof) http_response_format(&making->response, "Server-Timing", "ipchost;desc=\"%s\"", proof);
}

/* What 200, 206, 304 and 416 have in common. A browser asks each time, and mostly gets a 304. */
static void begin_content(struct making *making, int status, const struct http_version *version) {
  char date[HTTP_DATE_SIZE];
  making_begin(making, status);
  http_response_header(&making->response, "Cache-Control", slice_str("no-cache"));
  http_response_header(&making->response, "ETag", slice_str(version->etag));
  if (!version->modified) return;
  http_date(version->modified, date);
  http_response_header(&making->response, "Last-Modified", slice_str(date));
}

static enum status put_not_modified(struct making *making, const struct http_version *version,
                                    const char *type) {
  begin_content(making, 304, version);
  put_proof(making, type);
  return http_response_end(&making->response);
}

static enum status put_no_part(struct making *making, const struct http_version *version) {
  begin_content(making, 416, version);
  http_response_format(&making->response, "Content-Range", "bytes */%" PRIu64, version->size);
  making_length(making, 0);
  return http_response_end(&making->response);
}

/* All of it or a part; the answer's offset and len say which. */
static enum status put_content(struct making *making, const struct http_version *version, const char *type,
                               bool part) {
  struct http_answer *answer = making->answer;
  begin_content(making, part ? 206 : 200, version);
  http_response_header(&making->response, "Content-Type", slice_str(type));
  http_response_header(&making->response, "Accept-Ranges", slice_str("bytes"));
  if (part)
    http_response_format(&making->response, "Content-Range", "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64,
                         answer->offset, answer->offset + answer->len - 1, version->size);
  if (strncmp(type, "text/html", 9) == 0) put_frame_ancestors(making);
  if (!part) put_proof(making, type);
  making_length(making, answer->len);
  if (making_is_head(making)) answer->len = 0;
  return http_response_end(&making->response);
}

/* Chooses between the above. */
static enum status answer_content(struct making *making, const struct http_version *version,
                                  const char *type) {
  struct http_answer *answer = making->answer;
  enum http_part part;
  if (http_is_fresh(making->request, version)) return put_not_modified(making, version, type);
  part = http_part_of(making->request, version, &answer->offset, &answer->len);
  return part == PART_NONE ? put_no_part(making, version)
                           : put_content(making, version, type, part == PART_SOME);
}

/* "/docs" is a folder: its page is at "/docs/", for relative links begin there. */
static enum status put_redirect(struct making *making) {
  struct http_response *response = &making->response;
  making_begin(making, 301);
  http_response_put(response, slice_str("Location: "));
  http_response_put(response, making->request->path);
  http_response_put(response, slice_str("/"));
  if (making->request->query.data) http_response_put(response, slice_str("?"));
  http_response_put(response, making->request->query);
  http_response_put(response, slice_str("\r\n"));
  making_length(making, 0);
  return http_response_end(response);
}

enum status making_file(struct making *making) {
  const char *root = making->asked->options->public;
  char path[HTTP_PATH_MAX + sizeof "/index.html"];
  struct http_file file;
  enum status status;
  bool folder;
  if (!root || http_path_decode(making->request->path, path, &folder) != ST_OK) return not_found(making);
  if (folder) memcpy(path + strlen(path), "/index.html", sizeof "/index.html");
  status = http_file_open(root, path, WALK_BENEATH, &file);
  if (status == ST_EXISTS && !folder) return put_redirect(making);
  if (status == ST_LIMIT)
    return making_refuse(making, 503, "no file can be opened now (raise the limit of open files: ulimit -n)");
  if (status != ST_OK) return not_found(making);
  making->answer->fd = file.fd;
  return answer_content(making, &file.version, http_type_of(path));
}

/* ---- the client's files, which the program carries ---- */

/* FNV-1a: it need only tell builds apart. */
static void describe_asset(const struct http_asset *asset, struct http_version *out) {
  uint64_t hash = 0xcbf29ce484222325;
  for (size_t i = 0; i < asset->bytes.len; i++) hash = (hash ^ asset->bytes.data[i]) * 0x100000001b3;
  *out = (struct http_version){.size = asset->bytes.len};
  snprintf(out->etag, sizeof out->etag, "\"%" PRIx64 "\"", hash);
}

enum status making_asset(struct making *making) {
  const struct http_asset *asset = making->asked->options->assets;
  struct http_version version;
  enum status status;
  while (asset && asset->path && !slice_equal(making->request->path, slice_str(asset->path))) asset++;
  if (!asset || !asset->path) return making_refuse(making, 404, "the client has no such file");
  describe_asset(asset, &version);
  status = answer_content(making, &version, asset->type);
  making->answer->body = slice_of(asset->bytes.data + making->answer->offset, (size_t)making->answer->len);
  return status;
}
