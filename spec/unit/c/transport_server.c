/* Servers: socket files, ports, names, peers, and what happens when no descriptor is free. */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "transport_kit.h"

static enum status listen_at(struct kit *kit, const char *text, const char *base, struct fault *fault) {
  struct address address = kit_address(text, base);
  *fault = (struct fault){0};
  return server_open(&kit->server, &kit->env, &address, &kit_server_events, kit, fault);
}

static bool listens_at(struct kit *kit, const char *text, const char *base) {
  struct fault fault;
  bool good = CHECK_INT(listen_at(kit, text, base, &fault), ST_OK);
  if (!good) fprintf(stderr, "  %s\n", fault.text);
  return good;
}

static void path_in(char out[64], const char *folder, const char *name) {
  snprintf(out, 64, "%s/%s", folder, name);
}

/* ---- unix ---- */

TEST(a_socket_file_is_private_and_goes_with_its_server) {
  struct kit *kit = kit_open();
  char folder[32], path[64];
  struct stat found;
  mode_t mask = umask(0);
  kit_folder(folder);
  if (listens_at(kit, "unix:run/app.sock", folder)) {
    path_in(path, folder, "run");
    CHECK(stat(path, &found) == 0 && (found.st_mode & 0777) == 0700);
    path_in(path, folder, "run/app.sock");
    CHECK(lstat(path, &found) == 0 && S_ISSOCK(found.st_mode) && (found.st_mode & 0777) == 0600);
    CHECK(strcmp(server_address(kit->server) + 5, path) == 0);
    server_close(kit->server);
    server_close(kit->server);
    CHECK(lstat(path, &found) != 0);
    UNTIL(kit, kit->server_closed);
    kit->server = NULL;
  }
  umask(mask);
  path_in(path, folder, "run");
  CHECK_INT(rmdir(path), 0);
  CHECK_INT(rmdir(folder), 0);
  kit_finish(kit);
}

TEST(names_are_percent_encoded) {
  struct kit *kit = kit_open();
  char folder[32], wanted[64];
  kit_folder(folder);
  listens_at(kit, "unix:a b%\303\244~", folder);
  path_in(wanted, folder, "a%20b%25%C3%A4~");
  CHECK_STR(server_address(kit->server) + 5, wanted);
  CHECK_INT(strncmp(server_address(kit->server), "unix:/", 6), 0);
  kit_finish(kit);
  CHECK_INT(rmdir(folder), 0);
}

TEST(a_stale_socket_is_replaced_and_a_live_one_is_not) {
  struct kit *kit = kit_open(), *second = kit_open();
  struct sockaddr_un name = {.sun_family = AF_UNIX};
  struct fault fault;
  char folder[32];
  int far, stale = socket(AF_UNIX, SOCK_STREAM, 0);
  kit_folder(folder);
  path_in(name.sun_path, folder, "app.sock");
  CHECK_INT(bind(stale, (struct sockaddr *)&name, sizeof name), 0);
  close(stale);
  listens_at(kit, "unix:app.sock", folder);
  CHECK_INT(listen_at(second, "unix:app.sock", folder, &fault), ST_EXISTS);
  CHECK(strstr(fault.text, "unix:app.sock: the address is in use") != NULL);
  far = far_connect_unix(name.sun_path);
  CHECK(far >= 0);
  UNTIL(kit, kit->count == 2); /* the second server's look, too */
  CHECK(kit->seen[1].transport->peer.uid_known);
  close(far);
  kit_finish(second);
  kit_finish(kit);
  CHECK_INT(rmdir(folder), 0);
}

TEST(a_file_that_is_no_socket_is_left_alone) {
  struct kit *kit = kit_open();
  struct fault fault;
  struct stat found;
  char folder[32], path[64];
  kit_folder(folder);
  path_in(path, folder, "app.sock");
  close(open(path, O_CREAT | O_WRONLY, 0600));
  CHECK_INT(listen_at(kit, "unix:app.sock", folder, &fault), ST_EXISTS);
  CHECK(strstr(fault.text, "unix:app.sock: a file that is no socket") != NULL);
  CHECK(lstat(path, &found) == 0 && S_ISREG(found.st_mode));
  unlink(path);
  CHECK_INT(listen_at(kit, "unix:no/such/folder.sock", folder, &fault), ST_IO);
  CHECK(strstr(fault.text, "No such file or directory") != NULL);
  kit_finish(kit);
  CHECK_INT(rmdir(folder), 0);
}

/* A second host may have replaced the file meanwhile: it is not ours to remove then. */
TEST(a_socket_of_somebody_else_is_not_unlinked) {
  struct kit *kit = kit_open(), *second = kit_open();
  struct stat found;
  char folder[32], path[64];
  kit_folder(folder);
  path_in(path, folder, "app.sock");
  listens_at(kit, "unix:app.sock", folder);
  unlink(path);
  listens_at(second, "unix:app.sock", folder);
  kit_finish(kit);
  CHECK(lstat(path, &found) == 0);
  kit_finish(second);
  CHECK(lstat(path, &found) != 0);
  CHECK_INT(rmdir(folder), 0);
}

/* ---- TCP ---- */

TEST(port_0_takes_a_free_one_and_a_taken_one_is_refused) {
  struct kit *kit = kit_open(), *second = kit_open();
  struct fault fault;
  char text[64];
  listens_at(kit, "tcp://127.0.0.1:0", "/");
  CHECK_INT(strncmp(server_address(kit->server), "tcp://127.0.0.1:", 16), 0);
  snprintf(text, sizeof text, "%s", server_address(kit->server));
  CHECK(atoi(text + 16) > 0);
  CHECK_INT(listen_at(second, text, "/", &fault), ST_EXISTS);
  CHECK(strncmp(fault.text, text, strlen(text)) == 0 && strstr(fault.text, "the address is in use"));
  CHECK_INT(listen_at(second, "tcp://no.such.host.invalid:0", "/", &fault), ST_IO);
  CHECK(strstr(fault.text, "cannot be resolved") != NULL);
  kit_finish(second);
  kit_finish(kit);
}

TEST(a_name_is_resolved) {
  struct kit *kit = kit_open();
  listens_at(kit, "tcp://localhost:0", "/");
  CHECK(strncmp(server_address(kit->server), "tcp://127.0.0.1:", 16) == 0 ||
        strncmp(server_address(kit->server), "tcp://[::1]:", 12) == 0);
  kit_finish(kit);
}

static int connect_v6(const struct server *server) {
  struct sockaddr_in6 name = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
  int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  name.sin6_port = htons((uint16_t)atoi(strrchr(server_address(server), ':') + 1));
  CHECK_INT(connect(fd, (struct sockaddr *)&name, sizeof name), 0);
  return fd;
}

TEST(ipv6_works_as_well) {
  struct kit *kit = kit_open();
  int far;
  listens_at(kit, "tcp://[::1]:0", "/");
  CHECK_INT(strncmp(server_address(kit->server), "tcp://[::1]:", 12), 0);
  far = connect_v6(kit->server);
  UNTIL(kit, kit->count == 1);
  CHECK(kit->seen[0].peer.local && kit->seen[0].peer.uid_known);
  CHECK_INT(kit->seen[0].peer.uid, geteuid());
  CHECK_INT(strncmp(kit->seen[0].transport->peer.address, "[::1]:", 6), 0);
  close(far);
  kit_finish(kit);
}

static void exchanges(struct kit *kit, int far) {
  struct buf in = {0};
  kit->echo = true;
  UNTIL(kit, kit->count == 1);
  far_send(far, "hello");
  UNTIL(kit, (far_read(far, &in), in.len == 9));
  CHECK(far_is(&in, "hello", 1));
  buf_deinit(&in);
  close(far);
  UNTIL(kit, kit->seen[0].closed);
  CHECK_INT(kit->seen[0].fault.close, 1000);
}

TEST(links_of_both_kinds_exchange_blocks) {
  struct kit *kit = kit_open();
  char folder[32], path[64];
  kit_folder(folder);
  path_in(path, folder, "app.sock");
  listens_at(kit, "unix:app.sock", folder);
  exchanges(kit, far_connect_unix(path));
  CHECK_STR(transport_kind_name(kit->seen[0].peer.kind), "unix");
  kit_finish(kit);
  CHECK_INT(rmdir(folder), 0);
  kit = kit_open();
  listens_at(kit, "tcp://127.0.0.1:0", "/");
  exchanges(kit, far_connect_tcp(kit->server));
  CHECK_STR(transport_kind_name(kit->seen[0].peer.kind), "tcp");
  kit_finish(kit);
}

TEST(a_user_may_refuse_at_once) {
  struct kit *kit = kit_open();
  struct buf in = {0};
  int far;
  kit->deny = true;
  listens_at(kit, "tcp://127.0.0.1:0", "/");
  far = far_connect_tcp(kit->server);
  UNTIL(kit, far_read(far, &in));
  CHECK_INT(in.len, 0);
  buf_deinit(&in);
  close(far);
  kit_finish(kit);
}

/* ---- peers ---- */

/* A child of uid 1234 that connects and stays until it is told; its end of the pipe in *go. */
static pid_t connect_as_1234(const char *path, const struct server *server, int *go) {
  int pipe_fds[2];
  pid_t pid;
  CHECK_INT(pipe(pipe_fds), 0);
  pid = fork();
  if (pid == 0) {
    char byte;
    int fd;
    close(pipe_fds[1]);
    if (setgid(1234) != 0 || setuid(1234) != 0) _exit(2);
    fd = server ? far_connect_tcp(server) : far_connect_unix(path);
    while (fd >= 0 && read(pipe_fds[0], &byte, 1) > 0)
      ;
    _exit(fd < 0);
  }
  close(pipe_fds[0]);
  *go = pipe_fds[1];
  return pid;
}

static void is_told_apart(struct kit *kit, const char *path) {
  int go, status;
  pid_t pid = connect_as_1234(path, path ? NULL : kit->server, &go);
  UNTIL(kit, kit->count == 1);
  CHECK(kit->seen[0].peer.local && kit->seen[0].peer.uid_known);
  CHECK_INT(kit->seen[0].peer.uid, 1234);
  if (path) CHECK_INT(kit->seen[0].peer.pid, pid);
  close(go);
  CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

/* Only root can be somebody else. */
TEST(a_peer_of_another_uid_is_told_apart) {
  struct kit *kit;
  char folder[32], path[64];
  if (geteuid() != 0) return;
  kit = kit_open();
  kit_folder(folder);
  chmod(folder, 0755);
  path_in(path, folder, "app.sock");
  listens_at(kit, "unix:app.sock", folder);
  chmod(path, 0666);
  is_told_apart(kit, path);
  kit_finish(kit);
  CHECK_INT(rmdir(folder), 0);
  kit = kit_open();
  listens_at(kit, "tcp://127.0.0.1:0", "/");
  is_told_apart(kit, NULL);
  kit_finish(kit);
}

TEST(a_tcp_peer_that_has_left_is_not_trusted) {
  struct kit *kit = kit_open();
  int far;
  listens_at(kit, "tcp://127.0.0.1:0", "/");
  far = far_connect_tcp(kit->server);
  far_send(far, "gone");
  close(far);
  UNTIL(kit, kit->count == 1 && kit->seen[0].closed);
  CHECK(kit->seen[0].peer.local && !kit->seen[0].peer.uid_known);
  CHECK(seen_is(&kit->seen[0], "gone|"));
  kit_finish(kit);
}

TEST(a_tcp_peer_that_waits_for_answers_only_is_trusted) {
  struct kit *kit = kit_open();
  int far;
  listens_at(kit, "tcp://127.0.0.1:0", "/");
  far = far_connect_tcp(kit->server);
  far_send(far, "all");
  shutdown(far, SHUT_WR); /* before it is accepted */
  UNTIL(kit, kit->count == 1);
  CHECK(kit->seen[0].peer.local && kit->seen[0].peer.uid_known);
  CHECK_INT(kit->seen[0].peer.uid, geteuid());
  close(far);
  kit_finish(kit);
}

TEST(a_half_close_of_tcp_is_told_from_a_close) {
  struct kit *kit = kit_open();
  struct buf in = {0};
  int half, whole;
  listens_at(kit, "tcp://127.0.0.1:0", "/");
  half = far_connect_tcp(kit->server);
  whole = far_connect_tcp(kit->server);
  UNTIL(kit, kit->count == 2);
  kit->seen[0].answers = kit->seen[1].answers = 1;
  shutdown(half, SHUT_WR);
  close(whole);
  UNTIL(kit, kit->seen[0].ending && kit->seen[1].closed);
  CHECK_INT(kit->seen[1].fault.close, 1000);
  kit->seen[0].answers = 0;
  kit_write(kit->seen[0].transport, "answer", 6);
  UNTIL(kit, far_read(half, &in));
  CHECK(far_is(&in, "answer", 1));
  buf_deinit(&in);
  close(half);
  kit_finish(kit);
}

TEST(packets_are_not_held_back_by_tcp) {
  struct kit *kit = kit_open();
  int far, found = 0;
  listens_at(kit, "tcp://127.0.0.1:0", "/");
  far = far_connect_tcp(kit->server);
  UNTIL(kit, kit->count == 1);
  for (int fd = 0; fd < 64; fd++) {
    struct sockaddr_in own = {0}, remote = {0};
    socklen_t len = sizeof own, len_on = sizeof(int);
    int on = 0;
    if (getsockname(fd, (struct sockaddr *)&own, &len) != 0 || own.sin_family != AF_INET) continue;
    len = sizeof remote;
    if (getpeername(fd, (struct sockaddr *)&remote, &len) != 0 || fd == far) continue;
    CHECK_INT(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &len_on), 0);
    found += on != 0;
  }
  CHECK_INT(found, 1);
  close(far);
  kit_finish(kit);
}

/* ---- no descriptor is free ---- */

static int highest_fd(void) {
  int fd = open("/dev/null", O_RDONLY);
  close(fd);
  return fd;
}

TEST(without_a_descriptor_one_is_refused_and_the_others_wait) {
  struct kit *kit = kit_open();
  struct rlimit old, tight;
  struct buf in = {0};
  char folder[32], path[64];
  int far[4];
  kit_folder(folder);
  path_in(path, folder, "app.sock");
  listens_at(kit, "unix:app.sock", folder);
  for (int i = 0; i < 4; i++) far[i] = far_connect_unix(path);
  getrlimit(RLIMIT_NOFILE, &old);
  tight = (struct rlimit){(rlim_t)highest_fd() + 1, old.rlim_max};
  CHECK_INT(setrlimit(RLIMIT_NOFILE, &tight), 0);
  UNTIL(kit, far_read(far[1], &in));
  CHECK_INT(kit->count, 1); /* the first has the last descriptor, the second was refused */
  for (int i = 0; i < 5; i++) uv_run(&kit->loop, UV_RUN_NOWAIT);
  CHECK_INT(kit->count, 1);
  CHECK(!far_read(far[2], &in));
  kit_close(kit->seen[0].transport, 1000, 0);
  UNTIL(kit, kit->count == 2); /* at the close, not by the clock */
  far_send(far[2], "hello");
  UNTIL(kit, kit->seen[1].blocks);
  CHECK(seen_is(&kit->seen[1], "hello|"));
  CHECK_INT(setrlimit(RLIMIT_NOFILE, &old), 0);
  UNTIL(kit, kit->count == 3); /* by the clock: nothing told it */
  for (int i = 0; i < 4; i++) close(far[i]);
  buf_deinit(&in);
  kit_finish(kit);
  CHECK_INT(rmdir(folder), 0);
}

TEST(a_server_may_be_closed_while_it_starves) {
  struct kit *kit = kit_open();
  struct rlimit old, tight;
  int far;
  listens_at(kit, "tcp://127.0.0.1:0", "/");
  far = far_connect_tcp(kit->server);
  getrlimit(RLIMIT_NOFILE, &old);
  tight = (struct rlimit){(rlim_t)highest_fd(), old.rlim_max};
  CHECK_INT(setrlimit(RLIMIT_NOFILE, &tight), 0);
  UNTIL(kit, !list_empty(&kit->env.starved));
  CHECK_INT(setrlimit(RLIMIT_NOFILE, &old), 0);
  CHECK_INT(kit->count, 0);
  close(far);
  kit_finish(kit);
}

int main(void) {
  RUN(a_socket_file_is_private_and_goes_with_its_server);
  RUN(names_are_percent_encoded);
  RUN(a_stale_socket_is_replaced_and_a_live_one_is_not);
  RUN(a_file_that_is_no_socket_is_left_alone);
  RUN(a_socket_of_somebody_else_is_not_unlinked);
  RUN(port_0_takes_a_free_one_and_a_taken_one_is_refused);
  RUN(a_name_is_resolved);
  RUN(ipv6_works_as_well);
  RUN(links_of_both_kinds_exchange_blocks);
  RUN(a_user_may_refuse_at_once);
  RUN(a_peer_of_another_uid_is_told_apart);
  RUN(a_tcp_peer_that_has_left_is_not_trusted);
  RUN(a_tcp_peer_that_waits_for_answers_only_is_trusted);
  RUN(a_half_close_of_tcp_is_told_from_a_close);
  RUN(packets_are_not_held_back_by_tcp);
  RUN(without_a_descriptor_one_is_refused_and_the_others_wait);
  RUN(a_server_may_be_closed_while_it_starves);
  return check_end();
}
