/** Greeting: what this process says of itself at the start of every connection (docs/protocol.md, section 3). Knows no packet. */
import { PROTOCOL_VERSION } from './packet-layout.js'

export class Greeting {
  /** Details of hello. @type {Record<string, unknown>} */
  details = {}
  #id
  #secret

  /** @param {(size: number) => Uint8Array} randomBytes */
  constructor(randomBytes) {
    this.#id = randomBytes(16)
    this.#secret = randomBytes(16)
  }

  /**
   * The items of hello.
   * @param {number} lane
   * @param {number} sent
   */
  items(lane, sent) {
    return { version: PROTOCOL_VERSION, features: 0, id: this.#id, secret: this.#secret, lane, sent, received: 0 }
  }

  /**
   * Who comes later says which host it means, and has its place.
   * @param {Uint8Array | undefined} host
   */
  met(host) {
    if (!host) return
    const { ticket, issuer, proof, ...details } = this.details
    this.details = { ...details, host }
  }
}
