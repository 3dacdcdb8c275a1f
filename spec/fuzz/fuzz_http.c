// layer: transport
/*
 * A head of a request: the first byte is the size of a read. However it is cut, the end and the refusal are
 * the same; whatever is read borrows from the head; and its path never leads out of a folder.
 */
#include <stdlib.h>

#include "transport/http_path.h"
#include "transport/http_range.h"
#include "transport/http_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds) {
  if (!holds) abort();
}

static enum status scan(struct slice in, size_t step, struct http_head *head, struct http_refusal *refusal) {
  enum status status = ST_MORE;
  *head = (struct http_head){0};
  for (size_t len = step; status == ST_MORE; len += step) {
    status = http_head_scan(head, slice_of(in.data, len < in.len ? len : in.len), refusal);
    if (len >= in.len) break;
  }
  return status;
}

static bool within(struct slice part, struct slice whole) {
  return !part.len || (part.data >= whole.data && part.data + part.len <= whole.data + whole.len);
}

static void check_path(struct slice path) {
  char out[HTTP_PATH_MAX];
  bool folder;
  if (http_path_decode(path, out, &folder) != ST_OK) return;
  demand(strlen(out) < HTTP_PATH_MAX && out[0] != '/' && (strcmp(out, ".") == 0 || out[0] != '.'));
  demand(!strstr(out, "/.") && !strstr(out, "//") && !strchr(out, '\\'));
  demand(http_type_of(out) != NULL);
}

static void check_part(const struct http_request *request) {
  const struct http_version version = {.size = 1000, .modified = 784111777, .etag = "\"tag\""};
  uint64_t first, len;
  enum http_part part = http_part_of(request, &version, &first, &len);
  demand(first <= 1000 && len <= 1000 - first && (part != PART_SOME || len));
  http_is_fresh(request, &version);
}

static void check_request(struct slice head) {
  struct http_request request;
  struct http_refusal refusal;
  if (http_request_parse(head, &request, &refusal) != ST_OK) {
    demand(refusal.status == 400 || refusal.status == 405);
    return;
  }
  demand(request.path.len == 1 || within(request.path, head));
  demand(within(request.query, head) && request.host.data && within(request.host, head));
  demand(within(request.origin, head) && within(request.websocket_key, head));
  demand(!(request.chunked && request.content_length));
  check_path(request.path);
  check_part(&request);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct http_head whole, cut;
  struct http_refusal refusal = {0}, cut_refusal = {0};
  struct slice in;
  uint8_t *read;
  enum status status;
  if (size < 2) return 0;
  read = malloc(size - 1); /* so that a step over its end is seen */
  memcpy(read, data + 1, size - 1);
  in = slice_of(read, size - 1);
  status = scan(in, in.len, &whole, &refusal);
  demand(scan(in, data[0] ? data[0] : 1, &cut, &cut_refusal) == status);
  if (status == ST_OK) {
    demand(whole.start == cut.start && whole.end == cut.end && whole.end <= in.len);
    check_request(slice_of(in.data + whole.start, whole.end - whole.start));
  } else if (status != ST_MORE) {
    demand(refusal.status == cut_refusal.status);
  }
  free(read);
  return 0;
}
