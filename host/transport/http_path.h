/*
 * http_path: the path of a request as the path of a file below a folder: decoded once, and refused in every
 * shape that could lead out of the folder or to what is hidden in it. It opens nothing.
 */
#ifndef IPCHOST_TRANSPORT_HTTP_PATH_H
#define IPCHOST_TRANSPORT_HTTP_PATH_H

#include "base/slice.h"
#include "base/status.h"

#define HTTP_PATH_MAX 4096

/*
 * "/a%20b/c" becomes "a b/c", "/" and "/a/" become "." and "a" with *folder set. ST_OK or ST_NOT_FOUND: an
 * escape that is none; a segment that is empty, begins with a dot, or holds (decoded) a slash, a backslash or
 * a control character; too long a path.
 */
enum status http_path_decode(struct slice path, char out[HTTP_PATH_MAX], bool *folder);

/* The media type by the path's ending, "application/octet-stream" for others. */
const char *http_type_of(const char *path);

#endif
