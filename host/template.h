/* template: the files of a new project inside of the binary: those of host/template/. The table is generated
 * by tools/embed_template.lua at build time. */
#ifndef IPCHOST_TEMPLATE_H
#define IPCHOST_TEMPLATE_H

#include <stddef.h>

struct template_file {
  const char *path; /* relative to the project */
  const unsigned char *text;
  size_t len;
};

/* Ends with a NULL path. */
extern const struct template_file template_files[];

#endif
