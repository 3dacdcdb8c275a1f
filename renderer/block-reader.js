/**
 * BlockReader: the blocks of a stream, each behind its length in four bytes. Whole blocks are handed out where they were received;
 * only one that is cut by the end of a read is copied. Knows nothing of what is in them.
 */
import { MalformedError } from './malformed-error.js'

const HEADER = 4
const EMPTY = new Uint8Array(0)

export class BlockReader {
  /** The longest block, in bytes; the host says how many. */
  limit = 64 * 1024 * 1024
  /** The bytes of a block that is not whole yet, its header included. */
  #kept = /** @type {Uint8Array} */ (EMPTY)
  #length = 0
  #deliver

  /** @param {(bytes: Uint8Array, at: number, end: number) => void} deliver the bytes are its own until it returns */
  constructor(deliver) {
    this.#deliver = deliver
  }

  /**
   * @param {Uint8Array} bytes
   * @param {number} begin
   * @param {number} end
   */
  push(bytes, begin, end) {
    let at = this.#length > 0 ? this.#complete(bytes, begin, end) : begin
    while (end - at >= HEADER) {
      /** @type {number} */
      const next = at + HEADER + this.#size(bytes, at)
      if (next > end) break
      this.#deliver(bytes, at + HEADER, next)
      at = next
    }
    this.#keep(bytes, at, end)
  }

  /**
   * Adds to the block that is kept; hands it out when it is whole.
   * @param {Uint8Array} bytes
   * @param {number} at
   * @param {number} end
   * @returns {number} where the rest begins
   */
  #complete(bytes, at, end) {
    if (this.#length < HEADER) {
      const stop = Math.min(end, at + HEADER - this.#length)
      this.#keep(bytes, at, stop)
      at = stop
      if (this.#length < HEADER) return at
    }
    const whole = HEADER + this.#size(this.#kept, 0)
    const stop = Math.min(end, at + whole - this.#length)
    this.#keep(bytes, at, stop)
    if (this.#length < whole) return stop
    const kept = this.#kept
    this.#kept = EMPTY
    this.#length = 0
    this.#deliver(kept, HEADER, whole)
    return stop
  }

  /**
   * @param {Uint8Array} bytes
   * @param {number} at
   * @returns {number}
   */
  #size(bytes, at) {
    if (bytes[at + 3] & 0x80) throw new MalformedError(1002, 'the reserved bit of a block\'s length is set')
    const size = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)
    if (size > this.limit) throw new MalformedError(1009, `a block of ${size} bytes; at most ${this.limit}`)
    return size
  }

  /**
   * @param {Uint8Array} bytes
   * @param {number} at
   * @param {number} end
   */
  #keep(bytes, at, end) {
    if (at === end) return
    const needed = this.#length + end - at
    if (needed > this.#kept.length) {
      // Room follows what has come, not what the header promises.
      const grown = newBytes(Math.max(needed, this.#kept.length * 2))
      grown.set(this.#kept.subarray(0, this.#length))
      this.#kept = grown
    }
    this.#kept.set(bytes.subarray(at, end), this.#length)
    this.#length = needed
  }

  /** Whether a block has begun and not ended. */
  get partial() {
    return this.#length > 0
  }
}

/**
 * In Node a Buffer, out of which texts are read faster.
 * @param {number} size
 * @returns {Uint8Array}
 */
function newBytes(size) {
  const { Buffer } = /** @type {any} */ (globalThis)
  return Buffer ? Buffer.allocUnsafeSlow(size) : new Uint8Array(size)
}
