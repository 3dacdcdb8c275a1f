/* http_range: what a request asks of a file: a part of it, or only a newer one (RFC 9110 sections 13 and 14).
 * Pure. */
#ifndef IPCHOST_TRANSPORT_HTTP_RANGE_H
#define IPCHOST_TRANSPORT_HTTP_RANGE_H

#include <time.h>

#include "transport/http_request.h"

#define HTTP_DATE_SIZE 30 /* with the NUL */

/* What a file is at this moment. */
struct http_version {
  uint64_t size;
  time_t modified;
  char etag[64]; /* strong, with its quotes */
};

enum http_part { PART_ALL, PART_SOME, PART_NONE };

/* "Sun, 06 Nov 1994 08:49:37 GMT"; of a year that has no four digits, the date of 0. */
void http_date(time_t time, char out[HTTP_DATE_SIZE]);

/* True: the answer is 304. If-None-Match decides when it is there, If-Modified-Since else. */
bool http_is_fresh(const struct http_request *request, const struct http_version *version);

/*
 * PART_SOME: a single byte range, in *first and *len, of which some is there. PART_NONE: none of it is there
 * (416). PART_ALL: no range, several, one that is none, or an If-Range that names another version.
 */
enum http_part http_part_of(const struct http_request *request, const struct http_version *version,
                            uint64_t *first, uint64_t *len);

#endif
