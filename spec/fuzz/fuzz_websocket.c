// layer: wire
/*
 * A client's stream: the first byte is the size of a read, the second the limit, the rest the bytes. However
 * it is cut, the events, the fault and what is left are the same as when it is read at once; no event is
 * longer than it may be.
 */
#include <stdlib.h>

#include "../unit/c/websocket_frames.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds) {
  if (!holds) abort();
}

/* Control frames are short, and what a close frame carries is read without harm. */
static void check_events(struct slice stream, uint64_t limit) {
  uint8_t *read = malloc(stream.len);
  struct websocket_input in = {read, stream.len};
  struct websocket_reader reader;
  struct websocket_event event;
  struct fault fault;
  struct slice reason;
  int code;
  memcpy(read, stream.data, stream.len);
  websocket_reader_init(&reader, WEBSOCKET_OF_CLIENT, limit);
  while (websocket_next(&reader, &in, &event, &fault) == ST_OK) {
    demand(event.bytes.len <= (event.kind == WEBSOCKET_MESSAGE ? limit : WEBSOCKET_CONTROL_MAX));
    if (event.kind == WEBSOCKET_CLOSE && websocket_close_parse(event.bytes, &code, &reason, &fault) == ST_OK)
      demand(code == 1005 || websocket_code_sendable(code));
  }
  websocket_reader_deinit(&reader);
  free(read);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct slice stream;
  struct heard whole, cut;
  if (size < 3) return 0;
  stream = slice_of(data + 2, size - 2);
  whole = feed(stream, stream.len, data[1]);
  cut = feed(stream, data[0] ? data[0] : 1, data[1]);
  demand(whole.status == cut.status);
  demand(whole.status == ST_MORE || whole.fault.close == cut.fault.close);
  demand(whole.status != ST_MORE || whole.partial == cut.partial);
  demand(slice_equal(buf_slice(&whole.events), buf_slice(&cut.events)));
  check_events(stream, data[1]);
  buf_deinit(&whole.events);
  buf_deinit(&cut.events);
  return 0;
}
