/*
 * connection: one transport link and its part in a session: hello and admission, packets handed to the core,
 * the main lane's writes. The only place above transport/ that holds a transport.
 */
#ifndef IPCHOST_CONNECTION_H
#define IPCHOST_CONNECTION_H

#include "children.h"
#include "ipc/core.h"
#include "security.h"
#include "transport/transport.h"

/* All connections of a host. */
struct connections {
  struct core *core;           /* borrowed */
  struct security *security;   /* borrowed */
  const struct limits *limits; /* borrowed */
  struct log *log;             /* borrowed */
  struct list all;
  size_t count;
  struct children *children; /* borrowed; NULL: there are none */
  bool held;                 /* nothing is read yet: the scripts are being loaded */
};

void connections_init(struct connections *connections, struct core *core, struct security *security,
                      const struct limits *limits, struct log *log);
/* Takes over a transport that a server has accepted. */
void connection_open(struct connections *connections, struct transport *transport);
/* The contents that came by this transport; 0: none has said hello. */
uint64_t connection_contents(const struct transport *transport);
/* Lets the held connections read. */
void connections_release(struct connections *connections);
/* Ends what has not said hello in time, and what no longer answers pings. Call it about once a second. */
void connections_sweep(struct connections *connections);
/* There are peers that have not taken all that they were sent. */
bool connections_unread(const struct connections *connections);
/* Says bye to all and closes. */
void connections_close(struct connections *connections, int code, const char *text);

#endif
