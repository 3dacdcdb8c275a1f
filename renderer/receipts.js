/** Receipts: counts what came in a session, over all its links, and has the host told. Knows no packet but by its size. */

const PACKETS = 64
const BYTES = 256 * 1024
/** Half of what the host may wait for it. */
const LATER_MS = 100

export class Receipts {
  /** The number of the last packet that was received. */
  received = 0
  /** Whether the host wants to know. */
  wanted = false
  #counted = 0
  #said = 0
  #bytes = 0
  #say
  /** @type {any} */
  #timer

  /** @param {(received: number) => void} say */
  constructor(say) {
    this.#say = say
  }

  /**
   * A link begins.
   * @param {number} sent the number before that of the first packet on it
   */
  begin(sent) {
    this.#counted = sent
    if (sent > this.received) this.received = sent
  }

  /** Another session begins. */
  reset() {
    this.received = this.#counted = this.#said = 0
    this.stop()
  }

  /** Counts a packet; whether it is new. */
  take() {
    if (++this.#counted <= this.received) return false
    this.received = this.#counted
    return true
  }

  /**
   * What came together is over.
   * @param {number} bytes
   */
  came(bytes) {
    const count = this.received - this.#said
    if (!this.wanted || count === 0) return
    this.#bytes += bytes
    if (count >= PACKETS || this.#bytes >= BYTES) return this.#tell()
    if (this.#timer !== undefined) return
    this.#timer = setTimeout(() => this.#tell(), LATER_MS)
    this.#timer.unref?.()
  }

  #tell() {
    this.stop()
    this.#said = this.received
    this.#say(this.received)
  }

  /** The link is gone: hello will say it. */
  stop() {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#bytes = 0
  }
}
