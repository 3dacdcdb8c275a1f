/* http_access: which Host and which Origin a listener takes (the config's `security`). Pure. */
#ifndef IPCHOST_TRANSPORT_HTTP_ACCESS_H
#define IPCHOST_TRANSPORT_HTTP_ACCESS_H

#include "transport/http.h"
#include "transport/http_request.h"

/* 127.0.0.1, localhost or [::1] at the port, or one of options->hosts. A name that was rebound to this
 * machine is none of them. */
bool http_host_allowed(const struct http_options *options, int port, struct slice host);
/* The listener's own, by any host that it takes, or one of options->origins. */
bool http_origin_allowed(const struct http_options *options, int port, struct slice origin);

#endif
