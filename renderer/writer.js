/**
 * Writer: a growing buffer and the CBOR items that are written into it. Kept and used again by its owner; knows
 * neither values nor packets.
 */
import { encodeWtf8, isWellFormed } from './text.js'

const utf8Encoder = new TextEncoder()
const floatScratch = new DataView(new ArrayBuffer(8))
const MAX_EXACT = 2 ** 53
/** Up to this length a loop beats a call into the engine. */
const SHORT_STRING = 48

export class Writer {
  /** @type {Uint8Array} */
  bytes
  length = 0

  constructor(capacity = 4096) {
    this.bytes = new Uint8Array(capacity)
  }

  /**
   * Makes room for `size` more bytes.
   * @param {number} size
   */
  reserve(size) {
    if (this.length + size <= this.bytes.length) return
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.length + size))
    grown.set(this.bytes.subarray(0, this.length))
    this.bytes = grown
  }

  /** @param {number} value */
  byte(value) {
    if (this.length === this.bytes.length) this.reserve(1)
    this.bytes[this.length++] = value
  }

  /**
   * A head: the major type in the upper three bits of `major`, the argument in its least form.
   * @param {number} major
   * @param {number} value an integer of at most 2^53
   */
  head(major, value) {
    if (this.length + 9 > this.bytes.length) this.reserve(9)
    this.length += this.#headAt(this.length, major, value)
  }

  /**
   * @param {number} at
   * @param {number} major
   * @param {number} value
   * @returns {number} the number of bytes
   */
  #headAt(at, major, value) {
    const bytes = this.bytes
    if (value < 24) {
      bytes[at] = major | value
      return 1
    }
    if (value < 0x100) {
      bytes[at] = major | 24
      bytes[at + 1] = value
      return 2
    }
    if (value < 0x10000) {
      bytes[at] = major | 25
      bytes[at + 1] = value >> 8
      bytes[at + 2] = value
      return 3
    }
    if (value < 0x100000000) {
      bytes[at] = major | 26
      this.#word(at + 1, value)
      return 5
    }
    bytes[at] = major | 27
    this.#word(at + 1, Math.floor(value / 0x100000000))
    this.#word(at + 5, value % 0x100000000)
    return 9
  }

  /**
   * @param {number} at
   * @param {number} value
   */
  #word(at, value) {
    const bytes = this.bytes
    bytes[at] = value >>> 24
    bytes[at + 1] = value >>> 16
    bytes[at + 2] = value >>> 8
    bytes[at + 3] = value
  }

  /** @param {number} value */
  number(value) {
    if ((value | 0) === value && (value !== 0 || 1 / value > 0)) {
      if (value >= 0) this.head(0, value)
      else this.head(0x20, -1 - value)
    } else if (Number.isInteger(value) && value !== 0 && Math.abs(value) <= MAX_EXACT) {
      if (value > 0) this.head(0, value)
      else this.head(0x20, -1 - value)
    } else {
      this.#float(value)
    }
  }

  /** @param {number} value */
  #float(value) {
    if (value === 0) this.#half(0x80, 0)
    else if (value !== value) this.#half(0x7e, 0)
    else if (value === Infinity) this.#half(0x7c, 0)
    else if (value === -Infinity) this.#half(0xfc, 0)
    else if (Math.fround(value) === value) {
      floatScratch.setFloat32(0, value)
      this.#scratch(0xfa, 4)
    } else {
      floatScratch.setFloat64(0, value)
      this.#scratch(0xfb, 8)
    }
  }

  /**
   * @param {number} high
   * @param {number} low
   */
  #half(high, low) {
    this.byte(0xf9)
    this.byte(high)
    this.byte(low)
  }

  /**
   * @param {number} head
   * @param {number} size
   */
  #scratch(head, size) {
    this.reserve(1 + size)
    this.bytes[this.length++] = head
    for (let i = 0; i < size; i++) this.bytes[this.length++] = floatScratch.getUint8(i)
  }

  /**
   * A text, or tag 273 over its WTF-8 if it has lone surrogates.
   * @param {string} string
   */
  text(string) {
    const { length } = string
    if (length > SHORT_STRING) return this.#longText(string)
    this.reserve(2 + length)
    const { bytes, length: start } = this
    let at = start + (length < 24 ? 1 : 2)
    for (let i = 0; i < length; i++) {
      const code = string.charCodeAt(i)
      if (code > 0x7f) return this.#longText(string)
      bytes[at++] = code
    }
    this.#headAt(start, 0x60, length)
    this.length = at
  }

  /** @param {string} string */
  #longText(string) {
    if (!isWellFormed(string)) {
      const wtf8 = encodeWtf8(string)
      this.head(0xc0, 273)
      this.head(0x40, wtf8.length)
      return this.raw(wtf8)
    }
    // The head is written for a text that is all ASCII; where it is not, the bytes move up.
    this.reserve(18 + string.length * 3)
    const start = this.length
    const guess = start + this.#headAt(start, 0x60, string.length)
    const { written } = utf8Encoder.encodeInto(string, this.bytes.subarray(guess))
    const size = written < 24 ? 1 : written < 0x100 ? 2 : written < 0x10000 ? 3 : 5
    if (start + size !== guess) this.bytes.copyWithin(start + size, guess, guess + written)
    this.#headAt(start, 0x60, written)
    this.length = start + size + written
  }

  /** @param {ArrayLike<number>} bytes */
  raw(bytes) {
    this.reserve(bytes.length)
    this.bytes.set(bytes, this.length)
    this.length += bytes.length
  }

  /**
   * Begins a byte string whose content is written next, and whose length is known at its end.
   * @returns {number} what `closeBytes` takes
   */
  openBytes() {
    this.reserve(1)
    return this.length++
  }

  /** @param {number} start */
  closeBytes(start) {
    const size = this.length - start - 1
    const head = size < 24 ? 1 : size < 0x100 ? 2 : size < 0x10000 ? 3 : size < 0x100000000 ? 5 : 9
    if (head > 1) {
      this.reserve(head - 1)
      this.bytes.copyWithin(start + head, start + 1, this.length)
      this.length += head - 1
    }
    this.#headAt(start, 0x40, size)
  }
}
