/**
 * Outbox: what leaves on one connection. Packets are written one behind the other into a buffer that is kept; what is written in
 * one turn leaves as one block. Keeps the marks and caps of the host's limits. Knows packets by their size only.
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
 * @property {() => void} close what was sent still leaves
 * @property {() => void} ref the process waits for this link
 * @property {() => void} unref it does not
 */

export class Outbox {
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
   */
  commit(start, capped = true) {
    const { writer, limits } = this
    const size = writer.length - start
    if (size > limits.packet) this.#refuse(start, 'ERR_LIMIT_PACKET', `limits.packet (${limits.packet} bytes) exceeded by a packet of ${size}`)
    if (capped && this.bufferedAmount > limits.outbound_max) {
      this.#refuse(start, 'ERR_LIMIT_OUTBOUND', `limits.outbound_max (${limits.outbound_max} bytes) exceeded by what waits to be sent`)
    }
    if (writer.length - this.#transport.headroom > Math.min(BLOCK, limits.packet)) this.#overflow(start)
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
   */
  #overflow(start) {
    const { writer, limits } = this
    if (writer.length - this.#transport.headroom <= limits.packet) return this.flush()
    const packet = writer.bytes.slice(start, writer.length)
    writer.length = start
    this.flush()
    this.writer.raw(packet)
  }

  flush() {
    const { headroom } = this.#transport
    const { bytes, length } = this.writer
    if (length === headroom) return
    const reusable = this.#transport.send(bytes.subarray(0, length))
    if (!reusable || bytes.length > KEPT) this.writer = new Writer(CAPACITY)
    this.writer.length = headroom
  }
}
