/* children_spawn: starting a child, and what goes through its pipes. Part of children.h. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "child_process.h"
#include "children_private.h"
#include "connection.h"

/* The host's ends of a child's descriptors, and the child's; -1: none. */
struct ends {
  int own[3], other[3];
};

static void close_all(int fds[3]) {
  for (int i = 0; i < 3; i++)
    if (fds[i] >= 0) close(fds[i]);
}

/* One socket for both directions of packets, or a pipe for each of input and output; a pipe for errors. No
 * descriptor that a child gets is non-blocking: it would not expect that. */
static enum status open_ends(struct ends *ends, bool pipes) {
  int pair[3][2] = {{-1, -1}, {-1, -1}, {-1, -1}};
  bool made = pipe2(pair[2], O_CLOEXEC) == 0;
  if (made && pipes) {
    made = pipe2(pair[0], O_CLOEXEC) == 0 && pipe2(pair[1], O_CLOEXEC) == 0;
  } else if (made) {
    made = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair[1]) == 0;
  }
  *ends = (struct ends){{pair[0][1], pair[1][0], pair[2][0]}, {pair[0][0], pair[1][1], pair[2][1]}};
  for (int i = 0; i < 3; i++)
    if (ends->own[i] >= 0) fcntl(ends->own[i], F_SETFL, fcntl(ends->own[i], F_GETFL) | O_NONBLOCK);
  if (made) return ST_OK;
  close_all(ends->own);
  close_all(ends->other);
  return ST_IO;
}

static enum status exec(const struct child_request *request, const struct ends *ends, pid_t *pid,
                        struct fault *fault) {
  const int fds[3] = {request->pipe ? ends->other[0] : ends->other[1], ends->other[1], ends->other[2]};
  return child_process_start(request, fds, pid, fault);
}

/* ---- what comes out ---- */

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *out) {
  const struct child *child = handle->data;
  (void)size;
  *out = child->owner->options.env->read_buffer;
}

/* What nobody listens to is in the log, line by line. */
static void log_lines(const struct child *child, struct slice bytes) {
  struct log *log = child->owner->options.env->log;
  while (bytes.len) {
    const uint8_t *end = memchr(bytes.data, '\n', bytes.len);
    size_t len = end ? (size_t)(end - bytes.data) : bytes.len;
    log_line(log, LOG_INFO, "child", "%s: %.*s", child->name, (int)len, (const char *)bytes.data);
    len += end != NULL;
    bytes = slice_of(bytes.data + len, bytes.len - len);
  }
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *buf) {
  struct child *child = stream->data;
  const struct children_options *options = &child->owner->options;
  bool error = (uv_pipe_t *)stream == &child->error;
  struct slice bytes = slice_of(buf->base, len > 0 ? (size_t)len : 0);
  if (len < 0) {
    child_pipe_ended(child, (uv_pipe_t *)stream);
  } else if (len > 0) {
    bool heard = !child->owner->closing && options->output(options->user, child->id, error, bytes);
    if (!heard && error) log_lines(child, bytes);
  }
}

static void open_pipe(struct child *child, uv_pipe_t *pipe, int fd) {
  uv_pipe_init(child->owner->options.env->loop, pipe, 0);
  pipe->data = child;
  child->handles++;
  uv_pipe_open(pipe, fd);
  if (pipe != &child->input) uv_read_start((uv_stream_t *)pipe, on_alloc, on_read);
}

/* ---- what goes in ---- */

struct input {
  uv_write_t request;
  uint8_t bytes[];
};

static void on_written(uv_write_t *request, int status) {
  struct child *child = request->handle->data;
  free(request);
  if (status < 0) child_pipe_ended(child, &child->input);
}

/* What a child does not read is kept up to the cap; the first time that it is met is in the log. */
static enum child_written refuse_bytes(struct child *child) {
  const struct transport_env *env = child->owner->options.env;
  if (!child->met_cap)
    log_line(env->log, LOG_WARN, "child",
             "%s: limits.outbound_max (%llu bytes) exceeded: it reads too slowly", child->name,
             (unsigned long long)env->limits->outbound_max);
  child->met_cap = true;
  return CHILD_LIMIT;
}

static enum child_written write_bytes(struct child *child, struct slice bytes) {
  const struct limits *limits = child->owner->options.env->limits;
  uv_stream_t *stream = (uv_stream_t *)&child->input;
  struct input *input;
  uv_buf_t buf;
  if (uv_stream_get_write_queue_size(stream) + bytes.len > limits->outbound_max) return refuse_bytes(child);
  input = malloc(sizeof *input + bytes.len);
  if (!input) return CHILD_GONE;
  memcpy(input->bytes, bytes.data, bytes.len);
  buf = uv_buf_init((char *)input->bytes, (unsigned)bytes.len);
  if (uv_write(&input->request, stream, &buf, 1, on_written) != 0) {
    free(input);
    return CHILD_GONE;
  }
  return uv_stream_get_write_queue_size(stream) > limits->outbound ? CHILD_MARK : CHILD_TOOK;
}

static void on_shut_down(uv_shutdown_t *request, int status) {
  struct child *child = request->handle->data;
  (void)status;
  free(request);
  child_pipe_ended(child, &child->input);
}

/* After what was written before. */
static enum child_written end_input(struct child *child) {
  uv_shutdown_t *request = malloc(sizeof *request);
  if (!request || uv_shutdown(request, (uv_stream_t *)&child->input, on_shut_down) != 0) {
    free(request);
    return CHILD_GONE;
  }
  return CHILD_TOOK;
}

static enum child_written write_child(void *user, uint64_t id, struct slice bytes) {
  struct child *child = child_find(user, id);
  if (!child || child->input.data != child || !uv_is_writable((uv_stream_t *)&child->input))
    return CHILD_GONE;
  return bytes.data ? write_bytes(child, bytes) : end_input(child);
}

/* ---- starting ---- */

static enum status open_transport(struct child *child, int fd) {
  const struct children_options *options = &child->owner->options;
  const struct peer peer = {.kind = TRANSPORT_STDIO,
                            .uid = geteuid(),
                            .pid = child->pid,
                            .uid_known = true,
                            .local = true,
                            .address = child->name};
  enum status status = stream_open(&child->transport, options->env, fd, &peer);
  if (status != ST_OK) return status;
  stream_hold(child->transport);
  options->accepted(options->user, child->transport);
  return ST_OK;
}

static struct child *child_new(struct children *children, const struct child_request *request) {
  struct child *child = calloc(1, sizeof *child);
  if (!child) return NULL;
  child->owner = children;
  child->id = ++children->last_id;
  child->generation = request->generation;
  child->name = strdup(request->name);
  child->key = strdup(request->key);
  if (child->name && child->key) return child;
  child_free(child);
  return NULL;
}

/* The process runs. What the host cannot open of it is closed, and so it ends. */
static void adopt(struct child *child, const struct ends *ends, bool pipes) {
  struct children *children = child->owner;
  uv_timer_init(children->options.env->loop, &child->timer);
  child->timer.data = child;
  child->handles = 1;
  list_push(&children->all, &child->node);
  open_pipe(child, &child->error, ends->own[2]);
  if (pipes) {
    open_pipe(child, &child->input, ends->own[0]);
    open_pipe(child, &child->output, ends->own[1]);
  } else if (open_transport(child, ends->own[1]) != ST_OK) {
    close(ends->own[1]);
    child_stop(child);
  }
}

static enum status start(struct children *children, const struct child_request *request, uint64_t *id,
                         struct fault *fault) {
  struct child *child = child_new(children, request);
  struct ends ends;
  enum status status;
  if (!child) return fault_set(fault, ST_NOMEM, 0, "ENOMEM", "app.spawn: out of memory");
  if (open_ends(&ends, request->pipe) != ST_OK) {
    child_free(child);
    return fault_set(fault, ST_IO, 0, uv_err_name(-errno), "app.spawn: no pipe can be made: %s",
                     strerror(errno));
  }
  status = exec(request, &ends, &child->pid, fault);
  close_all(ends.other);
  if (status != ST_OK) {
    close_all(ends.own);
    child_free(child);
    return status;
  }
  adopt(child, &ends, request->pipe);
  *id = child->id;
  return ST_OK;
}

/* The child of that name that was told to end, or is to stay; or NULL. There is one of each at most. */
static struct child *namesake(const struct children *children, const char *name, bool killed) {
  for (struct list *node = children->all.next; node != &children->all; node = node->next) {
    struct child *child = LIST_ENTRY(node, struct child, node);
    if (child->exited || child->stopping || child->killed != killed) continue;
    if (strcmp(child->name, name) == 0) return child;
  }
  return NULL;
}

/* What a retired load of the scripts still does takes nothing from those that serve. */
static enum status spawn(void *user, const struct child_request *request, uint64_t *id, struct fault *fault) {
  struct children *children = user;
  struct child *living = namesake(children, request->name, false);
  struct child *killed = namesake(children, request->name, true);
  enum status status;
  if (children->closing)
    return fault_set(fault, ST_CLOSED, 0, "ERR_CLOSING", "app.spawn: the host is closing");
  if (living && strcmp(living->key, request->key) == 0) {
    if (living->generation < request->generation) living->generation = request->generation;
    *id = living->id;
    return ST_OK;
  }
  if (living && living->generation > request->generation)
    return fault_set(
        fault, ST_CLOSED, 0, "ERR_GENERATION_RETIRED",
        "app.spawn: name = \"%.100s\": the scripts were reloaded, and have it with other options",
        request->name);
  status = start(children, request, id, fault);
  if (status == ST_OK && living) child_stop(living);
  if (status == ST_OK && killed) child_stop(killed);
  return status;
}

/* ---- the others of struct child_ops ---- */

static bool find(void *user, const char *name, const char *key, uint64_t *id) {
  const struct child *child = namesake(user, name, false);
  if (!child || strcmp(child->key, key) != 0) return false;
  *id = child->id;
  return true;
}

static void retire(void *user, uint64_t generation) {
  struct children *children = user;
  for (struct list *node = children->all.next; node != &children->all; node = node->next) {
    struct child *child = LIST_ENTRY(node, struct child, node);
    if (child->generation == generation) child_stop(child);
  }
}

static bool look(void *user, uint64_t id, struct child_info *out) {
  const struct child *child = child_find(user, id);
  if (!child) return false;
  out->pid = child->pid;
  out->contents = child->contents;
  if (!out->contents && child->transport) out->contents = connection_contents(child->transport);
  return true;
}

static bool kill_child(void *user, uint64_t id, int signal) {
  struct child *child = child_find(user, id);
  if (!child || child->exited || kill(child->pid, signal) != 0) return false;
  if (signal == SIGTERM || signal == SIGKILL) child->killed = true;
  return true;
}

static const char *address(void *user) {
  return ((const struct children *)user)->options.address;
}

const struct child_ops children_ops = {spawn, find,        retire,     children_reap,
                                       look,  write_child, kill_child, address};
