/*
 * init: `ipchost init DIR`: makes a project that runs as it is, and overwrites nothing. It knows no config
 * and no host.
 */
#ifndef IPCHOST_INIT_H
#define IPCHOST_INIT_H

#include "base/status.h"

/*
 * Writes the files of the template into the folder, which is made if it is not there. ST_EXISTS with nothing
 * written if something is in it, or ST_IO. The text names the path.
 */
enum status init_project(const char *folder, struct fault *fault);

#endif
