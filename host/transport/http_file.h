/*
 * http_file: files below a folder, opened so that nothing leads out of it: not a path, not a link, not a
 * folder that is moved meanwhile. It knows no request.
 */
#ifndef IPCHOST_TRANSPORT_HTTP_FILE_H
#define IPCHOST_TRANSPORT_HTTP_FILE_H

#include "transport/http_range.h"

struct http_file {
  int fd; /* the caller's to close */
  struct http_version version;
};

enum http_walk {
  WALK_BENEATH, /* openat2 with RESOLVE_BENEATH, where the kernel has it; else as below */
  WALK_CHECKED  /* opened as a name only, its true path compared, and then opened for reading */
};

/*
 * Opens `path` (of http_path_decode) below the folder `root`. ST_OK: a regular file. ST_EXISTS: a folder, and
 * nothing is open. ST_NOT_FOUND: nothing that may be seen. ST_LIMIT: no descriptor or memory is free.
 */
enum status http_file_open(const char *root, const char *path, enum http_walk walk, struct http_file *out);

#endif
