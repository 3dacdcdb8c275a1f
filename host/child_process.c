/* child_process: see child_process.h. Between fork and exec only what is safe in a signal handler is called.
 */
#include "child_process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#define EXIT_NOT_STARTED 127

enum step { STEP_SETUP, STEP_CWD, STEP_COMMAND };

/* What the process tells of itself when it could not become the command. */
struct failure {
  enum step step;
  int error;
};

/* Nothing of how the host treats signals may go on: what is ignored stays so over exec. */
static void reset_signals(void) {
  sigset_t none;
  for (int number = 1; number < 32; number++)
    if (number != SIGKILL && number != SIGSTOP) signal(number, SIG_DFL);
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Returns the step that failed, with errno. */
static enum step become(const struct child_request *request, char *const *argv, const int fds[3],
                        pid_t parent) {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return STEP_SETUP;
  if (getppid() != parent) _exit(EXIT_NOT_STARTED); /* it has ended before that was set */
  reset_signals();
  for (int i = 0; i < 3; i++)
    if (dup2(fds[i], i) < 0) return STEP_SETUP;
  if (close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) != 0)
    return STEP_SETUP; /* what scripts opened is not, always */
  if (chdir(request->cwd) != 0) return STEP_CWD;
  execvpe(request->command, argv, (char *const *)request->env);
  return STEP_COMMAND;
}

/* Forks; no signal reaches the process before it has reset what they do. */
static pid_t start(const struct child_request *request, char *const *argv, const int fds[3], int report) {
  pid_t parent = getpid(), pid;
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pid = fork();
  if (pid == 0) {
    struct failure failure = {.step = become(request, argv, fds, parent)};
    failure.error = errno;
    _exit(write(report, &failure, sizeof failure) > 0 ? EXIT_NOT_STARTED : EXIT_NOT_STARTED + 1);
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return pid;
}

static enum status refuse(const struct child_request *request, const struct failure *failure,
                          struct fault *fault) {
  enum status status = failure->error == ENOENT ? ST_NOT_FOUND : ST_IO;
  const char *code = uv_err_name(-failure->error), *why = strerror(failure->error);
  if (failure->step == STEP_CWD)
    return fault_set(fault, status, 0, code, "app.spawn: cwd = \"%.100s\": %s", request->cwd, why);
  if (failure->step == STEP_COMMAND)
    return fault_set(fault, status, 0, code, "app.spawn: command = \"%.100s\": %s", request->command, why);
  return fault_set(fault, status, 0, code, "app.spawn: no process can be made: %s", why);
}

static enum status refuse_errno(const struct child_request *request, struct fault *fault) {
  struct failure failure = {STEP_SETUP, errno};
  return refuse(request, &failure, fault);
}

/* The pipe is closed by exec, or brings what went wrong. */
static enum status await_exec(const struct child_request *request, pid_t pid, int report,
                              struct fault *fault) {
  struct failure failure;
  ssize_t len;
  do len = read(report, &failure, sizeof failure);
  while (len < 0 && errno == EINTR);
  if (len != (ssize_t)sizeof failure) return ST_OK;
  while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
    ;
  return refuse(request, &failure, fault);
}

/* Returns new, an array of borrowed strings; NULL: out of memory. */
static char **arguments(const struct child_request *request) {
  size_t count = 0;
  char **argv;
  while (request->args[count]) count++;
  if (!(argv = calloc(count + 2, sizeof *argv))) return NULL;
  argv[0] = (char *)request->command;
  for (size_t i = 0; i < count; i++) argv[i + 1] = (char *)request->args[i];
  return argv;
}

enum status child_process_start(const struct child_request *request, const int fds[3], pid_t *pid,
                                struct fault *fault) {
  char **argv = arguments(request);
  int report[2];
  enum status status;
  if (!argv) return fault_set(fault, ST_NOMEM, 0, "ENOMEM", "app.spawn: out of memory");
  if (pipe2(report, O_CLOEXEC) != 0) {
    free(argv);
    return refuse_errno(request, fault);
  }
  *pid = start(request, argv, fds, report[1]);
  close(report[1]);
  status = *pid > 0 ? await_exec(request, *pid, report[0], fault) : refuse_errno(request, fault);
  close(report[0]);
  free(argv);
  return status;
}
