/* children: see children.h. This file is their life; children_spawn.c starts them. */
#include "children_private.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#define LINGER_MS 200 /* how long a process that has ended leaves its pipes to those that it started */

struct child *child_find(const struct children *children, uint64_t id) {
  for (struct list *node = children->all.next; node != &children->all; node = node->next) {
    struct child *child = LIST_ENTRY(node, struct child, node);
    if (child->id == id) return child;
  }
  return NULL;
}

/* ---- the end ---- */

static void free_if_over(struct children *children);

void child_free(struct child *child) {
  free(child->name);
  free(child->key);
  free(child);
}

static void on_handle_closed(uv_handle_t *handle) {
  struct child *child = handle->data;
  struct children *children = child->owner;
  if (--child->handles) return;
  list_remove(&child->node);
  child_free(child);
  free_if_over(children);
}

void child_close_pipe(struct child *child, uv_pipe_t *pipe) {
  uv_handle_t *handle = (uv_handle_t *)pipe;
  if (handle->data == child && !uv_is_closing(handle)) uv_close(handle, on_handle_closed);
}

static bool is_open(const struct child *child, const uv_pipe_t *pipe) {
  return pipe->data == child && !uv_is_closing((const uv_handle_t *)pipe);
}

/* Once the process and all that it wrote have come to an end. */
static void end_if_over(struct child *child) {
  const struct children_options *options = &child->owner->options;
  if (!child->exited || child->told || child->transport) return;
  if (is_open(child, &child->output) || is_open(child, &child->error)) return;
  child->told = true;
  child_close_pipe(child, &child->input);
  if (!child->owner->closing)
    options->ended(options->user, child->id, WIFEXITED(child->status) ? WEXITSTATUS(child->status) : 0,
                   WIFSIGNALED(child->status) ? WTERMSIG(child->status) : 0);
  uv_close((uv_handle_t *)&child->timer, on_handle_closed);
}

void child_pipe_ended(struct child *child, uv_pipe_t *pipe) {
  child_close_pipe(child, pipe);
  end_if_over(child);
}

static void on_linger(uv_timer_t *timer) {
  struct child *child = timer->data;
  struct fault fault;
  fault_set(&fault, ST_CLOSED, 1001, NULL, "the process has ended");
  child_close_pipe(child, &child->output);
  child_close_pipe(child, &child->error);
  if (child->transport) transport_close(child->transport, &fault, 0);
  end_if_over(child);
}

static void on_late(uv_timer_t *timer) {
  struct child *child = timer->data;
  if (!child->exited) kill(child->pid, SIGKILL);
}

void child_stop(struct child *child) {
  if (child->stopping || child->exited) return;
  child->stopping = true;
  if (!child->killed) kill(child->pid, SIGTERM);
  uv_timer_start(&child->timer, on_late, child->owner->options.env->limits->drain, 0);
}

static void reap(struct child *child) {
  int status;
  if (child->exited || waitpid(child->pid, &status, WNOHANG) != child->pid) return;
  child->exited = true;
  child->status = status;
  uv_timer_start(&child->timer, on_linger, LINGER_MS, 0);
  if (child->transport) stream_release(child->transport);
  end_if_over(child);
}

static void forget_stray(struct stray *stray) {
  list_remove(&stray->node);
  free(stray);
}

void children_reap(void *user, pid_t pid) {
  struct children *children = user;
  struct stray *stray;
  if (waitpid(pid, NULL, WNOHANG) != 0 || !(stray = malloc(sizeof *stray))) return;
  stray->pid = pid;
  list_push(&children->strays, &stray->node);
}

static void reap_strays(struct children *children) {
  struct list *node = children->strays.next, *next;
  for (; node != &children->strays; node = next) {
    struct stray *stray = LIST_ENTRY(node, struct stray, node);
    next = node->next;
    if (waitpid(stray->pid, NULL, WNOHANG) != 0) forget_stray(stray);
  }
}

static void on_child_signal(uv_signal_t *handle, int signum) {
  struct children *children = handle->data;
  struct list *node = children->all.next, *next;
  (void)signum;
  reap_strays(children);
  for (; node != &children->all; node = next) {
    next = node->next;
    reap(LIST_ENTRY(node, struct child, node));
  }
}

/* ---- how a process has ended, in Electron's words ---- */

static const char *reason_of(int status) {
  static const int crashes[] = {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP};
  if (WIFEXITED(status)) return WEXITSTATUS(status) ? "abnormal-exit" : "clean-exit";
  for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++)
    if (WTERMSIG(status) == crashes[i]) return "crashed";
  return "killed";
}

static struct child *child_at(const struct children *children, const struct transport *transport) {
  for (struct list *node = children->all.next; node != &children->all; node = node->next) {
    struct child *child = LIST_ENTRY(node, struct child, node);
    if (child->transport == transport) return child;
  }
  return NULL;
}

bool children_gone(const struct children *children, const struct transport *transport, struct gone *out) {
  const struct child *child = child_at(children, transport);
  if (!child || !child->exited) return false;
  *out = (struct gone){.reason = reason_of(child->status)};
  out->exit_code = WIFEXITED(child->status) ? WEXITSTATUS(child->status) : 128 + WTERMSIG(child->status);
  return true;
}

void children_note(struct children *children, const struct transport *transport, uint64_t contents) {
  struct child *child = child_at(children, transport);
  if (child) child->contents = contents;
}

void children_forget(struct children *children, const struct transport *transport) {
  struct child *child = child_at(children, transport);
  if (!child) return;
  child->transport = NULL;
  end_if_over(child);
}

/* ---- all of them ---- */

static void on_closed(uv_handle_t *handle) {
  free(handle->data);
}

static void free_if_over(struct children *children) {
  if (!children->closing || !list_empty(&children->all)) return;
  while (!list_empty(&children->strays)) forget_stray(LIST_ENTRY(children->strays.next, struct stray, node));
  transport_env_let_go(children->options.env);
  uv_close((uv_handle_t *)&children->signal, on_closed);
}

enum status children_open(struct children **out, const struct children_options *options) {
  struct children *children = calloc(1, sizeof *children);
  if (!children) return ST_NOMEM;
  children->options = *options;
  list_init(&children->all);
  list_init(&children->strays);
  transport_env_keep(options->env);
  uv_signal_init(options->env->loop, &children->signal);
  children->signal.data = children;
  uv_signal_start(&children->signal, on_child_signal, SIGCHLD);
  uv_unref((uv_handle_t *)&children->signal);
  *out = children;
  return ST_OK;
}

void children_close(struct children *children) {
  children->closing = true;
  uv_ref((uv_handle_t *)&children->signal);
  for (struct list *node = children->all.next; node != &children->all; node = node->next)
    child_stop(LIST_ENTRY(node, struct child, node));
  free_if_over(children);
}
