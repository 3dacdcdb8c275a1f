/**
 * Placing: where a session's document is to be, below a frame of the page around it or alone, which is asked for anew for each session.
 * Knows no window, and no packet.
 */

/** @typedef {import('./connect.js').Places} Places */
/** @typedef {import('./tickets.js').Ticket} Ticket */

/** How long a place is asked for, in ms, however often links are lost meanwhile. */
const MOST = 8000

export class Placing {
  #places
  #found = false
  #left = MOST
  #stop = () => {}

  /** @param {Places} [places] none: every document is alone */
  constructor(places) {
    this.#places = places
  }

  get isBelow() {
    return this.#places?.isBelow() ?? false
  }

  /** Whether a session may be opened. */
  get isFound() {
    return this.#found || !this.isBelow
  }

  /**
   * Calls `found` once, unless that is forgotten before: at once where nobody is to be asked, with nothing where no ticket is to be had.
   * @param {string} address
   * @param {(ticket?: Ticket) => void} found
   */
  find(address, found) {
    if (!this.#places || !this.isBelow || this.#left <= 0) return this.#settle(found)
    const begun = performance.now()
    const stop = this.#places.ask(address, (ticket) => this.#settle(found, ticket), this.#left)
    this.#stop = () => {
      stop()
      this.#left -= performance.now() - begun
    }
  }

  /**
   * @param {(ticket?: Ticket) => void} found
   * @param {Ticket} [ticket]
   */
  #settle(found, ticket) {
    this.#found = true
    this.#left = MOST
    this.#stop = () => {}
    found(ticket)
  }

  /** Another place is to be found: a ticket is good once, and for a short while. */
  forget() {
    this.#stop()
    this.#stop = () => {}
    this.#found = false
  }
}
