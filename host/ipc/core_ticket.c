/* core_ticket: tickets, by which the document in a frame of a page joins the page's tree. Part of core.h. */
#include <stdlib.h>

#include "ipc/core.h"
#include "ipc/details.h"

/* ---- they are given ---- */

/* A page may tell which origin the document in its frame has; others have no frames of pages. */
static struct slice make_ticket(struct core *core, const struct session *session, const struct packet *packet,
                                uint8_t secret[VOUCHER_LEN]) {
  const struct frame *frame = frame_of(session, packet->frame);
  if (!frame || frame->detached || !session->origin || !packet->text.len) return slice_of(NULL, 0);
  if (voucher_make(&core->tickets, session->process, frame->id, packet->text, clock_now(core->clock),
                   secret) != ST_OK)
    return slice_of(NULL, 0);
  return slice_of(secret, VOUCHER_LEN);
}

enum status core_give_ticket(struct core *core, struct session *session, const struct packet *packet,
                             struct fault *fault) {
  uint8_t secret[VOUCHER_LEN];
  struct packet answer = *packet;
  if (packet->id.len)
    return fault_set(fault, ST_MALFORMED, 1002, "ERR_PROTOCOL",
                     "ticket: item 4 (ticket): the one that asks must be empty");
  answer.id = make_ticket(core, session, packet, secret);
  session_write(session, &answer, slice_of(NULL, 0), NULL);
  return ST_OK;
}

/* ---- they are taken ---- */

static enum status denied(struct fault *fault, const char *text) {
  return fault_set(fault, ST_DENIED, 1008, "ERR_DENIED", "hello: %s", text);
}

static enum status check(const struct core *core, const struct voucher *ticket, const char *origin,
                         struct frame **parent, struct fault *fault) {
  if (!ticket) return denied(fault, "the ticket was used, has expired, or was never given");
  if (!origin) return denied(fault, "a ticket is for the document of a page, which has an Origin");
  if (strcmp(origin, ticket->text) != 0)
    return fault_set(fault, ST_DENIED, 1008, "ERR_DENIED",
                     "hello: the ticket is for a document of '%.100s', and this one is of '%.100s'",
                     ticket->text, origin);
  *parent = frame_get(&core->frames, ticket->subject);
  return *parent ? ST_OK : denied(fault, "the frame that has asked for the ticket is gone");
}

enum status core_take_ticket(struct core *core, const struct details *details, const char *origin,
                             struct frame **parent, struct fault *fault) {
  bool own = !details->issuer.len || slice_equal(details->issuer, slice_of(core->host, sizeof core->host));
  struct voucher *ticket;
  enum status status;
  *parent = NULL;
  if (!details->ticket.len || !own) return ST_OK;
  ticket = voucher_take(&core->tickets, details->ticket, clock_now(core->clock));
  status = check(core, ticket, origin, parent, fault);
  free(ticket);
  return status;
}
