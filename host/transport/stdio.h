/*
 * stdio: the transport over the host's own standard input and output, of which there is one: blocks with a
 * length before each, as on a socket. Once it is open, descriptor 0 reads nothing and 1 is standard error, so
 * that what a script or a library prints cannot get between the blocks, and no child inherits them.
 */
#ifndef IPCHOST_TRANSPORT_STDIO_H
#define IPCHOST_TRANSPORT_STDIO_H

#include "transport/implementation.h"

/* Returns new, reading; `ended` is called after `closed`, when it is gone. ST_OK; ST_INVALID when one of the
 * two is neither a pipe nor a socket; ST_NOMEM or ST_IO. */
enum status stdio_open(struct transport **out, struct transport_env *env, void (*ended)(void *user),
                       void *user, struct fault *fault);

#endif
