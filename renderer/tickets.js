/** Tickets: those that a session asks the host for, for the documents in its frames (docs/protocol.md, section 7). */
import { KIND } from './packet-layout.js'

/** @typedef {{ ticket: Uint8Array, issuer: ArrayBuffer }} Ticket what a document names in its hello */

const OWN_FRAME = 0
const NO_TICKET = new Uint8Array(0)

export class Tickets {
  /** @type {Map<number, { origin: string, resolve: (ticket: Uint8Array) => void }>} */
  #asked = new Map()
  #last = 0
  #put
  #issuer

  /**
   * @param {(kind: number, items: Record<string, unknown>) => void} put
   * @param {() => unknown} issuer the id of the host
   */
  constructor(put, issuer) {
    this.#put = put
    this.#issuer = issuer
  }

  /**
   * @param {string} origin
   * @returns {Promise<Ticket | undefined>} undefined where there is none to be had
   */
  async ask(origin) {
    const request = ++this.#last
    const answer = new Promise((resolve) => { this.#asked.set(request, { origin, resolve }) })
    this.#say(request, origin)
    const ticket = await answer
    return ticket.length > 0 ? { ticket, issuer: /** @type {ArrayBuffer} */ (this.#issuer()) } : undefined
  }

  /**
   * @param {number} request
   * @param {string} origin
   */
  #say(request, origin) {
    this.#put(KIND.TICKET, { request, frame: OWN_FRAME, origin, ticket: NO_TICKET })
  }

  /** The session is another: what was asked in the old one has no answer. */
  askAgain() {
    for (const [request, { origin }] of this.#asked) this.#say(request, origin)
  }

  /** @param {any} items of the host's answer */
  answered({ request, ticket }) {
    this.#asked.get(request)?.resolve(ticket)
    this.#asked.delete(request)
  }

  end() {
    for (const { resolve } of this.#asked.values()) resolve(NO_TICKET)
    this.#asked.clear()
  }
}
