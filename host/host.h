/*
 * host: everything put together on one loop: servers, connections, core, scripts; start, signals, shutdown. A
 * second loop would be a second `struct host`.
 */
#ifndef IPCHOST_HOST_H
#define IPCHOST_HOST_H

#include "config.h"

/*
 * Runs the host that the config describes until SIGTERM, SIGINT or app.quit. Returns the exit code: 0 after a
 * clean end, 1 when it could not start (a taken port, a script that fails). `log` is borrowed. *remnants:
 * threads of the process do not end, which _exit does not wait for.
 */
int host_run(const struct config *config, struct log *log, bool *remnants);

#endif
