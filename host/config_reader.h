/*
 * config_reader: how the parts of config look at the file's values: each function checks one shape and, if it
 * is another, says so in the same words everywhere. All of them run inside config_load's protected call and
 * leave by raising.
 */
#ifndef IPCHOST_CONFIG_READER_H
#define IPCHOST_CONFIG_READER_H

#include <lua.h>

#include "config.h"

struct config_reader {
  lua_State *L;
  const char *file; /* as the user named it */
  struct config *config;
  struct fault *fault;
};

/* Raises "file: text". */
_Noreturn void config_fail(struct config_reader *reader, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Raises "file: key = value: text", the value being the one at the top of the stack. */
_Noreturn void config_fail_value(struct config_reader *reader, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same with "expected one of names", and the nearest of them. */
_Noreturn void config_fail_choice(struct config_reader *reader, const char *key, const char *const *names);

/* Raises unless the value at the top is a table and all its keys are in `names` (NULL-terminated). `prefix`
 * is what stands before a key in messages: "", "limits.". [-0, +0, v] */
void config_check_keys(struct config_reader *reader, const char *prefix, const char *const *names);
/* Pushes a field of the table at the top; false and nothing pushed if it is nil. [-0, +(0|1), v] */
bool config_field(struct config_reader *reader, const char *name);
/* Raises unless the value at the top is a list, keys 1..n; returns n. [-0, +0, v] */
size_t config_list(struct config_reader *reader, const char *key, const char *example);
/* Of the value at the top, or raises. A string is borrowed and has no NUL byte. [-0, +0, v] */
bool config_bool(struct config_reader *reader, const char *key);
const char *config_string(struct config_reader *reader, const char *key);
/* Which of the names the string at the top is. [-0, +0, v] */
int config_choice(struct config_reader *reader, const char *key, const char *const *names);

/* strdup and calloc that raise instead of returning NULL; the caller's at once. */
char *config_copy(struct config_reader *reader, const char *text);
void *config_alloc(struct config_reader *reader, size_t count, size_t size);

/* config_limits.c: reads the table at the top, `limits`, into config->limits. [-0, +0, v] */
void config_read_limits(struct config_reader *reader);
/* config_security.c: the same for `security`. [-0, +0, v] */
void config_read_security(struct config_reader *reader);

#endif
