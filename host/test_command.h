/*
 * test_command: `ipchost test`: runs busted in this process, in a Lua state where the rocks of the binary and
 * the test kit are at hand. It knows no config and no host.
 */
#ifndef IPCHOST_TEST_COMMAND_H
#define IPCHOST_TEST_COMMAND_H

/* `arguments` are busted's, NULL-terminated. Returns the exit code, if busted does not end the process with
 * its own; says on standard error what is missing. */
int test_command(char **arguments);

#endif
