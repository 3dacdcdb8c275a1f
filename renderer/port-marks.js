/**
 * Marks: what ports say to each other where native ones do not tell. They are made by chance, so that nobody else can say them,
 * and no message of a script's is one.
 */

/** @param {string} word */
function newPortMark(word) {
  return `ipchost:${word}:${Math.random()}`
}

export const PORT_MARK = Object.freeze({
  /** To the host's end: the port is still here. */
  HERE: newPortMark('here'),
  /** To the host's end: the port, one of the page's own, is closed. */
  CLOSING: newPortMark('closing'),
  /** To a port of the page's own: the other end is closed. */
  CLOSED: newPortMark('closed'),
})
