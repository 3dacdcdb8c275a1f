/*
 * ready: times how long a command takes from exec to its first line on stdout, in milliseconds, again and
 * again, and prints the median and the least. Usage: ready TIMES COMMAND [ARGUMENT...]
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "wire.h"

static double now_ms(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static pid_t start(char **command, int out) {
  pid_t pid = vfork();
  if (pid == 0) {
    dup2(out, STDOUT_FILENO);
    execvp(command[0], command);
    _exit(127);
  }
  if (pid < 0) fail("vfork");
  return pid;
}

static double once(char **command) {
  int ends[2];
  char byte = 0;
  if (pipe(ends)) fail("pipe");
  double begin = now_ms();
  pid_t pid = start(command, ends[1]);
  close(ends[1]);
  while (byte != '\n' && read(ends[0], &byte, 1) == 1) continue;
  double end = now_ms();
  kill(pid, SIGTERM);
  waitpid(pid, NULL, 0);
  close(ends[0]);
  if (byte != '\n') fail("%s printed no line", command[0]);
  return end - begin;
}

static int by_size(const void *a, const void *b) {
  double left = *(const double *)a, right = *(const double *)b;
  return left < right ? -1 : left > right;
}

int main(int argc, char **argv) {
  size_t times = argc > 2 ? strtoul(argv[1], NULL, 10) : 0;
  if (!times) fail("ready TIMES COMMAND [ARGUMENT...]");
  double *all = calloc(times, sizeof *all);
  if (!all) fail("out of memory");
  for (size_t i = 0; i < times; i++) all[i] = once(argv + 2);
  qsort(all, times, sizeof *all, by_size);
  printf("ready_ms=%.3f least_ms=%.3f\n", all[times / 2], all[0]);
  free(all);
  return 0;
}
