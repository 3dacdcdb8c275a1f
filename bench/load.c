/*
 * load: the load generator. It keeps `window` invokes of channel "echo" in flight on each of `connections`
 * links, counts and times them, and reads the server's CPU clock before and after. One line of key=value
 * pairs is its result; times are microseconds. Usage: load ADDRESS --pid PID [--connections N] [--window N]
 * [--count N] [--shape S] load ADDRESS --pid PID --idle N         memory of N connections that do nothing;
 * load ADDRESS --pid PID --ports 1 [--window N] [--count N] [--shape S]: messages of a port that the host
 * forwards
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "link.h"
#include "payload.h"
#include "ports.h"
#include "wire.h"

struct options {
  const char *address, *shape;
  pid_t pid;
  uint64_t connections, window, count, idle, ports;
};

static uint64_t clock_ns(clockid_t clock) {
  struct timespec time;
  if (clock_gettime(clock, &time)) fail("clock: %s", strerror(errno));
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* The CPU time of all threads of the server, in nanoseconds. */
static uint64_t server_ns(const struct options *options) {
  clockid_t clock;
  if (!options->pid) return 0;
  if (clock_getcpuclockid(options->pid, &clock)) fail("no process %d", (int)options->pid);
  return clock_ns(clock);
}

/* A value of /proc/PID/status in bytes. */
static uint64_t server_memory(const struct options *options, const char *key) {
  char path[64], line[256];
  unsigned long kib = 0;
  snprintf(path, sizeof path, "/proc/%d/status", (int)options->pid);
  FILE *file = fopen(path, "re");
  if (!file) fail("no process %d", (int)options->pid);
  while (fgets(line, sizeof line, file))
    if (strncmp(line, key, strlen(key)) == 0) kib = strtoul(line + strlen(key) + 1, NULL, 10);
  fclose(file);
  return kib * 1024u;
}

static uint64_t number(const char *text) {
  char *end;
  errno = 0;
  uint64_t value = text ? strtoull(text, &end, 10) : 0;
  if (!text || errno || *end) fail("not a number: %s", text ? text : "(nothing)");
  return value;
}

static struct options parse(int argc, char **argv) {
  struct options options = {.shape = "int", .connections = 1, .window = 1, .count = 100000};
  if (argc < 2)
    fail("load ADDRESS [--pid N] [--connections N] [--window N] [--count N] [--shape S] [--idle N] [--ports "
         "1]");
  options.address = argv[1];
  for (int i = 2; i < argc; i += 2) {
    const char *name = argv[i], *value = argv[i + 1];
    if (strcmp(name, "--pid") == 0)
      options.pid = (pid_t)number(value);
    else if (strcmp(name, "--connections") == 0)
      options.connections = number(value);
    else if (strcmp(name, "--window") == 0)
      options.window = number(value);
    else if (strcmp(name, "--count") == 0)
      options.count = number(value);
    else if (strcmp(name, "--idle") == 0)
      options.idle = number(value);
    else if (strcmp(name, "--ports") == 0)
      options.ports = number(value);
    else if (strcmp(name, "--shape") == 0 && value)
      options.shape = value;
    else
      fail("not an option: %s", name);
  }
  if (!options.connections || !options.window || !options.count)
    fail("connections, window and count are at least 1");
  return options;
}

static void raise_descriptors(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit)) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

static int by_size(const void *a, const void *b) {
  uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
  return left < right ? -1 : left > right;
}

/* One at a time on one blocking link; fills `times` with `count` round trips. */
static void run_single(struct link *link, struct job *job, uint64_t *times, uint64_t count) {
  job->to_send = job->to_receive = count;
  for (uint64_t i = 0; i < count; i++) {
    uint64_t start = clock_ns(CLOCK_MONOTONIC);
    link_fill(link, job, 1);
    while (!link_write(link)) continue;
    while (!link_read(link, job)) continue;
    times[i] = clock_ns(CLOCK_MONOTONIC) - start;
  }
}

static void watch(int epoll, int operation, struct link *link, bool writing) {
  struct epoll_event event = {.events = EPOLLIN | (writing ? EPOLLOUT : 0u), .data.ptr = link};
  if (epoll_ctl(epoll, operation, link->fd, &event)) fail("epoll: %s", strerror(errno));
}

static void serve(int epoll, const struct epoll_event *event, struct job *job) {
  struct link *link = event->data.ptr;
  bool waited = link->out.len > 0;
  if (event->events & (EPOLLIN | EPOLLHUP | EPOLLERR)) link_fill(link, job, link_read(link, job));
  bool waits = !link_write(link);
  if (waits != waited) watch(epoll, EPOLL_CTL_MOD, link, waits);
}

/* Full windows on all links, until `count` replies have come. */
static void run_windows(int epoll, const struct options *options, struct link *links, struct job *job,
                        uint64_t count) {
  job->to_send = job->to_receive = count;
  for (uint64_t i = 0; i < options->connections; i++) {
    link_fill(&links[i], job, options->window);
    if (!link_write(&links[i])) watch(epoll, EPOLL_CTL_MOD, &links[i], true);
  }
  while (job->to_receive) {
    struct epoll_event events[64];
    int ready = epoll_wait(epoll, events, 64, 10000);
    if (ready == 0) fail("no reply for ten seconds, %lu to come", (unsigned long)job->to_receive);
    for (int i = 0; i < ready; i++) serve(epoll, &events[i], job);
  }
}

static int watch_all(const struct options *options, struct link *links) {
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  for (uint64_t i = 0; i < options->connections; i++) {
    link_set_nonblocking(&links[i]);
    watch(epoll, EPOLL_CTL_ADD, &links[i], false);
  }
  return epoll;
}

static void report(const struct options *options, uint64_t wall, uint64_t server, uint64_t own,
                   uint64_t *times) {
  double count = (double)options->count;
  printf("invokes=%lu rate=%.0f server_us=%.4f load_us=%.4f", (unsigned long)options->count,
         count * 1e9 / (double)wall, (double)server / count / 1e3, (double)own / count / 1e3);
  if (times) {
    qsort(times, options->count, sizeof *times, by_size);
    printf(" p50_us=%.2f p99_us=%.2f", (double)times[options->count / 2] / 1e3,
           (double)times[options->count * 99 / 100] / 1e3);
  }
  puts("");
}

static void measure(const struct options *options) {
  struct buf payload = {0};
  payload_put(&payload, options->shape);
  struct job job = {.payload = buf_slice(&payload), .exact = strcmp(options->shape, "object10") != 0};
  struct link *links = calloc(options->connections, sizeof *links);
  bool single = options->connections == 1 && options->window == 1;
  uint64_t *times = single ? calloc(options->count, sizeof *times) : NULL;
  if (!links || (single && !times)) fail("out of memory");
  for (uint64_t i = 0; i < options->connections; i++) link_open(&links[i], options->address);
  int epoll = single ? -1 : watch_all(options, links);
  uint64_t warm_up = options->count / 10 + 1;
  if (single)
    run_single(&links[0], &job, times, warm_up < options->count ? warm_up : options->count);
  else
    run_windows(epoll, options, links, &job, warm_up);
  uint64_t wall = clock_ns(CLOCK_MONOTONIC), server = server_ns(options),
           own = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
  if (single)
    run_single(&links[0], &job, times, options->count);
  else
    run_windows(epoll, options, links, &job, options->count);
  report(options, clock_ns(CLOCK_MONOTONIC) - wall, server_ns(options) - server,
         clock_ns(CLOCK_PROCESS_CPUTIME_ID) - own, times);
  for (uint64_t i = 0; i < options->connections; i++) link_close(&links[i]);
  if (epoll >= 0) close(epoll);
  free(links);
  free(times);
  buf_deinit(&payload);
}

static void measure_ports(const struct options *options) {
  struct buf payload = {0};
  struct joined joined;
  payload_put(&payload, options->shape);
  ports_open(&joined, options->address);
  ports_run(&joined, buf_slice(&payload), options->window, options->count / 10 + 1);
  uint64_t wall = clock_ns(CLOCK_MONOTONIC), server = server_ns(options),
           own = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
  ports_run(&joined, buf_slice(&payload), options->window, options->count);
  report(options, clock_ns(CLOCK_MONOTONIC) - wall, server_ns(options) - server,
         clock_ns(CLOCK_PROCESS_CPUTIME_ID) - own, NULL);
  ports_close(&joined);
  buf_deinit(&payload);
}

static void measure_idle(const struct options *options) {
  struct link *links = calloc(options->idle, sizeof *links);
  if (!links) fail("out of memory");
  uint64_t before = server_memory(options, "RssAnon:");
  for (uint64_t i = 0; i < options->idle; i++) {
    link_open(&links[i], options->address);
    buf_deinit(&links[i].in);
    buf_deinit(&links[i].out);
  }
  uint64_t after = server_memory(options, "RssAnon:");
  printf("connections=%lu bytes=%.0f\n", (unsigned long)options->idle,
         (double)(after - before) / (double)options->idle);
  for (uint64_t i = 0; i < options->idle; i++) link_close(&links[i]);
  free(links);
}

int main(int argc, char **argv) {
  struct options options = parse(argc, argv);
  raise_descriptors();
  if (options.idle)
    measure_idle(&options);
  else if (options.ports)
    measure_ports(&options);
  else
    measure(&options);
  return 0;
}
