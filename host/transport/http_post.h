/*
 * http_post: the transport over one POST of packets (docs/protocol.md, section 9): the body is the one block
 * that comes in, and blocks go out as the body of the answer, which ends with the connection. Who may post
 * was http_answer's to decide.
 */
#ifndef IPCHOST_TRANSPORT_HTTP_POST_H
#define IPCHOST_TRANSPORT_HTTP_POST_H

#include "transport/http_request.h"
#include "transport/transport.h"

/*
 * Returns new: `fd` is a connected non-blocking socket that it takes over. `head` is that of the answer, sent
 * before the first packet; `begun` what was read behind the request's own. All bytes, and the peer's texts,
 * are copied. ST_OK, ST_NOMEM or ST_IO; the caller then keeps `fd`.
 */
enum status http_post_open(struct transport **out, struct transport_env *env, int fd, const struct peer *peer,
                           const struct http_request *request, struct slice head, struct slice begun);

#endif
