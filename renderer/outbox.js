/**
 * Outbox: what leaves on one connection. Packets are written one behind the other into a buffer that is kept; what is written in
 * one turn leaves as one block. Keeps the marks and caps of the host's limits, and what the link has not taken
 * yet, for a lane that overtakes it. Knows packets by their size and number only.
 */
import { codedError } from './errors.js'
import { Writer } from './writer.js'

const CAPACITY = 64 * 1024
/** A block that has grown to this leaves without waiting for the end of the turn. */
const BLOCK = 256 * 1024
/** A buffer above this is not kept. */
const KEPT = 1024 * 1024

/**
 * @typedef {object} Transport one link to the host
 * @property {number} headroom how many bytes before each block belong to the transport
 * @property {number} bufferedAmount bytes that were sent and have not left
 * @property {(bytes: Uint8Array) => boolean} send takes headroom and block; true if the caller may use the bytes again
 * @property {(first: Uint8Array) => void} [begin] opens the link, with a block that leaves before all that was sent; other links are open from the first
 * @property {(bytes: Uint8Array) => Uint8Array} unseal the block in what was sent and may not be used again
 * @property {() => void} close what was sent still leaves
 * @property {() => void} ref the process waits for this link
 * @property {() => void} unref it does not
 */

/**
 * @typedef {object} Handlers what a transport calls
 * @property {(bytes: Uint8Array, at: number, end: number) => void} onblock a block, the transport's own until it returns
 * @property {() => void} onbatch what was received together has been handed out
 * @property {(fault: import('./malformed-error.js').MalformedError) => void} onfault what came is no run of blocks
 * @property {(error?: Error, closed?: import('./session.js').Closed) => void} onclose once, also when the link never came to be
 */

/**
 * @typedef {object} KeptBlock a block that the link has not taken as a whole
 * @property {Uint8Array} bytes
 * @property {boolean} sealed whether the link has put it into its own form
 * @property {number} after the number before that of its first numbered packet
 * @property {number} last that of its last
 * @property {number} end how many bytes had been given to the link behind it
 */

export class Outbox {
  /** The number of the last numbered packet. */
  sent = 0
  /** @type {KeptBlock[]} */
  #kept = []
  #given = 0
  #flushed = 0
  limits = { packet: 64 * 1024 * 1024, outbound: 1024 * 1024, outbound_max: 256 * 1024 * 1024 }
  writer = new Writer(CAPACITY)
  /** @type {Transport} */
  #transport
  #defer
  #scheduled = false
  #flush = () => {
    this.#scheduled = false
    this.flush()
  }

  /**
   * @param {Transport} transport
   * @param {(fn: () => void) => void} defer calls fn at the end of the turn
   */
  constructor(transport, defer) {
    this.#transport = transport
    this.#defer = defer
    this.writer.length = transport.headroom
  }

  get bufferedAmount() {
    return this.#transport.bufferedAmount + this.writer.length - this.#transport.headroom
  }

  /**
   * Ends the packet that was written from `start` on; takes it back and throws if it is over a limit.
   * @param {number} start the writer's length before
   * @param {boolean} [capped] false for what the protocol itself has to say
   * @param {boolean} [numbered]
   */
  commit(start, capped = true, numbered = true) {
    const { writer, limits } = this
    const size = writer.length - start
    if (size > limits.packet) this.#refuse(start, 'ERR_LIMIT_PACKET', `limits.packet (${limits.packet} bytes) exceeded by a packet of ${size}`)
    if (capped && this.bufferedAmount > limits.outbound_max) {
      this.#refuse(start, 'ERR_LIMIT_OUTBOUND', `limits.outbound_max (${limits.outbound_max} bytes) exceeded by what waits to be sent`)
    }
    if (writer.length - this.#transport.headroom > Math.min(BLOCK, limits.packet)) this.#overflow(start, numbered)
    else if (numbered) this.sent++
    if (this.#scheduled || writer.length === this.#transport.headroom) return
    this.#scheduled = true
    this.#defer(this.#flush)
  }

  /** Whether what waits is more than the mark. */
  get marked() {
    return this.bufferedAmount > this.limits.outbound
  }

  /**
   * @param {number} start
   * @param {string} code
   * @param {string} message
   * @returns {never}
   */
  #refuse(start, code, message) {
    this.writer.length = start
    throw codedError(code, message)
  }

  /**
   * The block has grown: it leaves, and where it would be over the limit the last packet goes into the next.
   * @param {number} start
   * @param {boolean} numbered
   */
  #overflow(start, numbered) {
    const { writer, limits } = this
    if (writer.length - this.#transport.headroom <= limits.packet) {
      if (numbered) this.sent++
      return this.flush()
    }
    const packet = writer.bytes.slice(start, writer.length)
    writer.length = start
    this.flush()
    this.writer.raw(packet)
    if (numbered) this.sent++
  }

  /** @param {boolean} [keep] false for hello, which no other lane may repeat */
  flush(keep = true) {
    const { headroom } = this.#transport
    const { bytes, length } = this.writer
    if (length === headroom) return
    const reusable = this.#transport.send(bytes.subarray(0, length))
    this.#given += length - headroom
    if (keep && this.#transport.bufferedAmount > 0) {
      const block = reusable ? bytes.slice(headroom, length) : bytes.subarray(0, length)
      this.#kept.push({ bytes: block, sealed: !reusable, after: this.#flushed, last: this.sent, end: this.#given })
    }
    this.#flushed = this.sent
    this.forget(0)
    if (!reusable || bytes.length > KEPT) this.writer = new Writer(CAPACITY)
    this.writer.length = headroom
  }

  /**
   * Lets go of what the link has taken, or the host is known to have.
   * @param {number} received the number up to which the host has everything
   */
  forget(received) {
    if (this.#kept.length === 0) return
    // What the link adds of its own counts as waiting: too much is kept, never too little.
    const taken = this.#given - this.#transport.bufferedAmount
    const left = this.#kept.findIndex(({ end, last }) => end > taken && last > received)
    this.#kept.splice(0, left < 0 ? this.#kept.length : left)
  }

  /**
   * What a lane of its own has to bring, as the link may not get to it meanwhile.
   * @param {number} received the number up to which the host is known to have everything
   * @returns {{ after: number, bytes: Uint8Array }[]} each behind the other; `after` is the number before its first packet
   */
  unreceived(received) {
    if (this.sent > received) this.flush()
    this.forget(received)
    return this.#kept.map(({ bytes, sealed, after }) => ({ after, bytes: sealed ? this.#transport.unseal(bytes) : bytes }))
  }
}
