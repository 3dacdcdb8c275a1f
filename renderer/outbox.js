/**
 * Outbox: what leaves a session. Packets are written one behind the other into a buffer that is kept; what is written in one
 * turn leaves as one block. Keeps the marks and caps of the host's limits, and the blocks that the host may not have: those that
 * the link has not taken, or, where the session can be resumed, those that are not acknowledged. Knows packets by their size and
 * number only.
 */
import { joined } from './construct.js'
import { codedError } from './errors.js'
import { Writer } from './writer.js'

const CAPACITY = 64 * 1024
/** A block that has grown to this leaves without waiting for the end of the turn. */
const BLOCK = 256 * 1024
/** A buffer above this is not kept. */
const KEPT = 1024 * 1024
/** A block below this is copied to be kept: the buffer is worth more. */
const COPIED = 16 * 1024
/** What is sent once more goes in blocks of about this: of a link that breaks again soon the host has only blocks that came whole. */
const AGAIN = 16 * 1024
/** Bytes before each block for whatever a transport puts there. */
const HEADROOM = 16

/**
 * @typedef {object} Transport one link to the host
 * @property {number} headroom how many bytes before each block belong to the transport; at most 16
 * @property {boolean} comesAgain whether a session over links of this kind can be resumed
 * @property {number} bufferedAmount bytes that were sent and have not left
 * @property {(bytes: Uint8Array) => boolean} send takes headroom and block; true if the caller may use the bytes again
 * @property {(first: Uint8Array) => void} [begin] opens the link, with a block that leaves before all that was sent; other links are open from the first
 * @property {(bytes: Uint8Array) => Uint8Array} unseal the block in what was sent and may not be used again
 * @property {() => void} close what was sent still leaves
 * @property {() => void} drop ends it at once
 * @property {() => void} ref the process waits for this link
 * @property {() => void} unref it does not
 */

/**
 * @typedef {object} Handlers what a transport calls
 * @property {() => void} onopen what is sent from now on leaves
 * @property {(bytes: Uint8Array, at: number, end: number) => void} onblock a block, the transport's own until it returns
 * @property {() => void} onbatch what was received together has been handed out
 * @property {(fault: import('./malformed-error.js').MalformedError) => void} onfault what came is no run of blocks
 * @property {(error?: Error, closed?: import('./session.js').Closed) => void} onclose once, also when the link never came to be
 */

/**
 * @typedef {object} KeptBlock a block that the host may not have
 * @property {Uint8Array} bytes
 * @property {Transport | undefined} sealedBy the link that has put it into its own form
 * @property {number} after the number before that of its first numbered packet
 * @property {number} last that of its last
 * @property {number} end how many bytes had been given to the link behind it
 */

/** @param {KeptBlock} block */
const plainOf = ({ bytes, sealedBy }) => (sealedBy ? sealedBy.unseal(bytes) : bytes)

export class Outbox {
  /** The number of the last numbered packet. */
  sent = 0
  /** Whether blocks are kept until the host has said that it has them. */
  resumable = false
  limits = { packet: 64 * 1024 * 1024, outbound: 1024 * 1024, outbound_max: 256 * 1024 * 1024, frames: Infinity }
  writer = new Writer(CAPACITY)
  /** @type {KeptBlock[]} */
  #kept = []
  #keptAmount = 0
  #given = 0
  #flushed = 0
  /** Hello has said where what follows begins: nothing of it is let go. */
  #greeting = false
  /** @type {Transport | undefined} none: blocks are kept for one to come */
  #link
  #defer
  #split
  #scheduled = false
  #flush = () => {
    this.#scheduled = false
    this.flush()
  }

  /**
   * @param {(fn: () => void) => void} defer calls fn at the end of the turn
   * @param {(block: Uint8Array, most: number) => { bytes: Uint8Array, count: number }[]} split a block into shorter ones, each with how many of its packets are numbered
   */
  constructor(defer, split) {
    this.#defer = defer
    this.#split = split
    this.writer.length = HEADROOM
  }

  get bufferedAmount() {
    return (this.#link ? this.#link.bufferedAmount : this.#keptAmount) + this.writer.length - HEADROOM
  }

  // ---- links ----

  get isOpen() {
    return this.#link !== undefined
  }

  /** Whether hello was said on the link that is there. */
  get isGreeted() {
    return this.#greeting || this.isOpen
  }

  /**
   * Begins what is said on a link.
   * @param {Transport} link
   * @param {(after: number) => Uint8Array} hello the packet; `after` is the number before the first that follows
   * @returns {number} that
   */
  greet(link, hello) {
    this.flush()
    const after = this.#kept[0]?.after ?? this.#flushed
    this.#given = 0
    this.#sendCopy(link, hello(after))
    this.#greeting = true
    return after
  }

  /**
   * Everything that is kept leaves on the link, and all that comes.
   * @param {Transport} link
   */
  open(link) {
    this.#link = link
    this.#greeting = false
    this.#kept = this.#kept.flatMap((block) => this.#pieces(block, link.comesAgain ? AGAIN : Infinity))
    this.#keptAmount = 0
    for (const block of this.#kept) {
      this.#keptAmount += block.bytes.length
      block.end = this.#sendCopy(link, block.bytes)
    }
    this.forget(0)
  }

  /**
   * @param {KeptBlock} block
   * @param {number} most
   * @returns {KeptBlock[]} of at most so many bytes each, or of one packet
   */
  #pieces(block, most) {
    let { after } = block
    const bytes = plainOf(block)
    const pieces = bytes.length > most ? this.#split(bytes, most) : [{ bytes, count: block.last - after }]
    return pieces.map(({ bytes, count }) => ({ bytes, sealedBy: undefined, after, last: (after += count), end: Infinity }))
  }

  /**
   * @param {Transport} link
   * @param {Uint8Array} bytes
   * @returns {number} how much was given to the link with it
   */
  #sendCopy(link, bytes) {
    link.send(joined([new Uint8Array(link.headroom), bytes], link.headroom + bytes.length))
    this.#given += bytes.length
    return this.#given
  }

  /** The link is gone. */
  shut() {
    this.#link = undefined
    this.#greeting = false
  }

  /**
   * Drops all that is kept: the session is another.
   * @param {number} after the number before that of the next packet
   */
  reset(after) {
    this.#kept = []
    this.#keptAmount = 0
    this.writer.length = HEADROOM
    this.sent = this.#flushed = after
  }

  // ---- packets ----

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
    if (capped && this.#waiting > limits.outbound_max) {
      this.#refuse(start, 'ERR_LIMIT_OUTBOUND', `limits.outbound_max (${limits.outbound_max} bytes) exceeded by what waits to be sent`)
    }
    if (writer.length - HEADROOM > Math.min(BLOCK, limits.packet)) this.#overflow(start, numbered)
    else if (numbered) this.sent++
    if (this.#scheduled || writer.length === HEADROOM) return
    this.#scheduled = true
    this.#defer(this.#flush)
  }

  /** What has not left, or is not known to have come. */
  get #waiting() {
    return this.resumable ? this.#keptAmount + this.writer.length - HEADROOM : this.bufferedAmount
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
    if (writer.length - HEADROOM <= limits.packet) {
      if (numbered) this.sent++
      return this.flush()
    }
    const packet = writer.bytes.slice(start, writer.length)
    writer.length = start
    this.flush()
    this.writer.raw(packet)
    if (numbered) this.sent++
  }

  flush() {
    const { bytes, length } = this.writer
    if (length === HEADROOM) return
    const reusable = this.#link ? this.#leave(this.#link, bytes, length) : this.#keep(bytes.slice(HEADROOM, length))
    this.#flushed = this.sent
    this.forget(0)
    if (!reusable || bytes.length > KEPT) this.writer = new Writer(CAPACITY)
    this.writer.length = HEADROOM
  }

  /**
   * @param {Transport} link
   * @param {Uint8Array} bytes
   * @param {number} length
   * @returns {boolean} whether the bytes may be used again
   */
  #leave(link, bytes, length) {
    const kept = this.resumable && this.sent > this.#flushed
    const copy = kept && length < COPIED ? bytes.slice(HEADROOM, length) : undefined
    const given = bytes.subarray(HEADROOM - link.headroom, length)
    const reusable = link.send(given)
    this.#given += length - HEADROOM
    if (copy) return this.#keep(copy) && reusable
    if (kept) return !this.#keep(given, link)
    if (this.resumable || link.bufferedAmount === 0) return reusable
    if (reusable) return this.#keep(bytes.slice(HEADROOM, length))
    return !this.#keep(given, link)
  }

  /**
   * @param {Uint8Array} bytes
   * @param {Transport} [sealedBy]
   * @returns {boolean} true
   */
  #keep(bytes, sealedBy) {
    if (this.sent === this.#flushed) return true
    this.#kept.push({ bytes, sealedBy, after: this.#flushed, last: this.sent, end: this.#link ? this.#given : Infinity })
    this.#keptAmount += bytes.length
    return true
  }

  // ---- what is kept ----

  /**
   * Lets go of what the host is known to have, or, where that is enough, of what the link has taken.
   * @param {number} received the number up to which the host has everything
   */
  forget(received) {
    if (this.#kept.length === 0 || this.#greeting) return
    // What the link adds of its own counts as waiting: too much is kept, never too little.
    const taken = this.resumable || !this.#link ? -1 : this.#given - this.#link.bufferedAmount
    let count = 0
    for (const { bytes, end, last } of this.#kept) {
      if (end > taken && last > received) break
      count++
      this.#keptAmount -= bytes.length
    }
    if (count > 0) this.#kept.splice(0, count)
  }

  /**
   * What a lane of its own has to bring, as the main lane may not get to it meanwhile.
   * @param {number} received the number up to which the host is known to have everything
   * @returns {{ after: number, bytes: Uint8Array }[]} each behind the other; `after` is the number before its first packet
   */
  unreceived(received) {
    if (this.sent > received) this.flush()
    this.forget(received)
    return this.#kept.filter(({ last }) => last > received).map((block) => ({ after: block.after, bytes: plainOf(block) }))
  }
}
