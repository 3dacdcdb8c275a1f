/* peer: see peer.h. */
#include "transport/peer.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

void peer_of_unix(int fd, struct peer *out) {
  struct ucred cred;
  socklen_t len = sizeof cred;
  *out = (struct peer){.kind = TRANSPORT_UNIX, .local = true, .address = "unix"};
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) != 0) return;
  out->uid = cred.uid;
  out->pid = cred.pid;
  out->uid_known = true;
}

/* ---- sock_diag ---- */

struct diag_request {
  struct nlmsghdr header;
  struct inet_diag_req_v2 body;
};

struct diag_answer {
  struct nlmsghdr header;
  struct inet_diag_msg body;
  char attributes[512]; /* not looked at */
};

int peer_diag_open(void) {
  return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG);
}

static void put_end(const union inet_address *address, __be16 *port, __be32 ip[4]) {
  if (address->any.sa_family == AF_INET6) {
    *port = address->v6.sin6_port;
    memcpy(ip, &address->v6.sin6_addr, 16);
  } else {
    *port = address->v4.sin_port;
    memcpy(ip, &address->v4.sin_addr, 4);
  }
}

/* The request for the socket of which `remote` is the own end and `local` the other one. */
static struct diag_request request_for(const union inet_address *remote, const union inet_address *local) {
  struct diag_request request = {.header = {.nlmsg_len = sizeof request,
                                            .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                                            .nlmsg_flags = NLM_F_REQUEST},
                                 .body = {.sdiag_family = (uint8_t)remote->any.sa_family,
                                          .sdiag_protocol = IPPROTO_TCP,
                                          .idiag_states = UINT32_MAX}};
  struct inet_diag_sockid *id = &request.body.id;
  put_end(remote, &id->idiag_sport, id->idiag_src);
  put_end(local, &id->idiag_dport, id->idiag_dst);
  id->idiag_cookie[0] = id->idiag_cookie[1] = INET_DIAG_NOCOOKIE;
  return request;
}

static bool same_ends(const struct inet_diag_sockid *a, const struct inet_diag_sockid *b) {
  return a->idiag_sport == b->idiag_sport && a->idiag_dport == b->idiag_dport &&
         memcmp(a->idiag_src, b->idiag_src, sizeof a->idiag_src) == 0 &&
         memcmp(a->idiag_dst, b->idiag_dst, sizeof a->idiag_dst) == 0;
}

/* Finds the socket. The kernel answers before send returns, so nothing is waited for; answers to earlier
 * requests were all taken. */
static bool ask(int diag, const struct diag_request *request, struct inet_diag_msg *out) {
  struct diag_answer answer;
  ssize_t len;
  if (send(diag, request, sizeof *request, 0) != (ssize_t)sizeof *request) return false;
  len = recv(diag, &answer, sizeof answer, MSG_DONTWAIT);
  if (len < (ssize_t)offsetof(struct diag_answer, attributes)) return false;
  if (answer.header.nlmsg_type != SOCK_DIAG_BY_FAMILY) return false;
  *out = answer.body;
  return same_ends(&answer.body.id, &request->body.id);
}

/* ---- TCP ---- */

static bool is_loopback(const union inet_address *address) {
  if (address->any.sa_family == AF_INET6) return IN6_IS_ADDR_LOOPBACK(&address->v6.sin6_addr);
  return address->any.sa_family == AF_INET && ntohl(address->v4.sin_addr.s_addr) >> 24 == 127;
}

void inet_text(const union inet_address *address, char text[PEER_ADDRESS_MAX]) {
  bool v6 = address->any.sa_family == AF_INET6;
  char host[PEER_ADDRESS_MAX - 10] = "unknown";
  unsigned port = ntohs(v6 ? address->v6.sin6_port : address->v4.sin_port);
  getnameinfo(&address->any, v6 ? sizeof address->v6 : sizeof address->v4, host, sizeof host, NULL, 0,
              NI_NUMERICHOST);
  snprintf(text, PEER_ADDRESS_MAX, v6 ? "[%s]:%u" : "%s:%u", host, port);
}

/* The peer may have shut its direction down already and wait for the answers. A socket that still wants to
 * connect may be another one, to the address of one that has left. */
static bool has_connected(unsigned state) {
  return state == TCP_ESTABLISHED || state == TCP_FIN_WAIT1 || state == TCP_FIN_WAIT2;
}

void peer_of_tcp(int diag, int fd, const union inet_address *remote, struct peer *out,
                 char text[PEER_ADDRESS_MAX]) {
  union inet_address local = {0};
  socklen_t len = sizeof local;
  struct diag_request request;
  struct inet_diag_msg found;
  inet_text(remote, text);
  *out = (struct peer){.kind = TRANSPORT_TCP, .address = text};
  if (!is_loopback(remote) || getsockname(fd, &local.any, &len) != 0) return;
  out->local = is_loopback(&local);
  request = request_for(remote, &local);
  if (!out->local || diag < 0 || !ask(diag, &request, &found)) return;
  out->uid_known = has_connected(found.idiag_state) && found.idiag_inode != 0;
  if (out->uid_known) out->uid = found.idiag_uid;
}

/* ---- after an end of file ---- */

static bool hung_up(int fd) {
  struct pollfd poll_fd = {.fd = fd};
  return poll(&poll_fd, 1, 0) > 0 && poll_fd.revents & (POLLHUP | POLLERR);
}

/* A socket that its process has closed is gone, or without an inode. */
static bool has_no_owner(int fd) {
  union inet_address local = {0}, remote = {0};
  socklen_t local_len = sizeof local, remote_len = sizeof remote;
  struct diag_request request;
  struct inet_diag_msg found;
  bool owned;
  int diag;
  if (getsockname(fd, &local.any, &local_len) != 0 || getpeername(fd, &remote.any, &remote_len) != 0)
    return true;
  if ((diag = peer_diag_open()) < 0) return false;
  request = request_for(&remote, &local);
  owned = ask(diag, &request, &found) && found.idiag_inode != 0;
  close(diag);
  return !owned;
}

bool peer_has_left(int fd, const struct peer *peer) {
  if (hung_up(fd)) return true;
  return peer->kind == TRANSPORT_TCP && peer->local && has_no_owner(fd);
}
