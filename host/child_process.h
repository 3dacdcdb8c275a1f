/* child_process: starts one process: fork, exec and what is between. It knows neither a loop nor what the
 * process is for. */
#ifndef IPCHOST_CHILD_PROCESS_H
#define IPCHOST_CHILD_PROCESS_H

#include "lua/children.h"

/*
 * Starts the command with these descriptors, all above 2, as its 0, 1 and 2; it inherits no other. It is
 * killed when this thread ends. ST_OK and *pid, for the caller to reap; or ST_NOT_FOUND, ST_IO with `fault`
 * filled, its code being the system's.
 */
enum status child_process_start(const struct child_request *request, const int fds[3], pid_t *pid,
                                struct fault *fault);

#endif
