/**
 * Reader: a cursor over received bytes and the CBOR heads, numbers and texts in them. What it cannot read is a
 * MalformedError. Nothing is allocated by a length that is only declared. Knows neither values nor packets.
 */
import { halfToNumber } from './construct.js'
import { MalformedError } from './malformed-error.js'
import { decodeUtf8 } from './text.js'

/** Up to this length a text is built by a loop. */
const LOOPED_TEXT = 12
/** Names (keys, channels) of up to this length are looked for among those read before. */
const NAME_LENGTH = 32
const NAME_SLOTS = 512
const readScratch = new DataView(new ArrayBuffer(8))

export class Reader {
  /** @type {Uint8Array} */
  bytes = new Uint8Array(0)
  at = 0
  end = 0
  /** @type {string[]} */
  #names = new Array(NAME_SLOTS).fill('')
  #closeCode

  /** @param {number} closeCode what malformed bytes close the connection with */
  constructor(closeCode) {
    this.#closeCode = closeCode
  }

  /**
   * @param {Uint8Array} bytes
   * @param {number} at
   * @param {number} end
   */
  open(bytes, at, end) {
    this.bytes = bytes
    this.at = at
    this.end = end
  }

  /**
   * @param {string} text
   * @returns {never}
   */
  fault(text) {
    throw new MalformedError(this.#closeCode, text)
  }

  /**
   * The next byte of the input: an item's initial byte.
   * @returns {number}
   */
  initial() {
    if (this.at >= this.end) this.fault('the input is cut')
    return this.bytes[this.at++]
  }

  /**
   * The argument of the head whose initial byte was just read.
   * @param {number} info the initial byte's low five bits
   * @returns {number} inexact beyond 2^53: see `bigArgument`
   */
  argument(info) {
    if (info < 24) return info
    const { bytes, at } = this
    const size = info === 24 ? 1 : info === 25 ? 2 : info === 26 ? 4 : info === 27 ? 8 : 0
    if (size === 0) this.fault('a head of a reserved or unexpected form')
    if (at + size > this.end) this.fault('the input is cut')
    this.at = at + size
    if (size === 1) return bytes[at]
    if (size === 2) return (bytes[at] << 8) | bytes[at + 1]
    const word = this.#word(at)
    return size === 4 ? word : word * 0x100000000 + this.#word(at + 4)
  }

  /**
   * The argument of the head of eight bytes that was just read, exactly.
   * @returns {bigint}
   */
  bigArgument() {
    return (BigInt(this.#word(this.at - 8)) << 32n) | BigInt(this.#word(this.at - 4))
  }

  /** @param {number} at */
  #word(at) {
    const { bytes } = this
    return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0
  }

  /**
   * An unsigned integer below 2^53.
   * @returns {number}
   */
  uint() {
    const initial = this.initial()
    if (initial < 24) return initial
    if (initial > 0x1b) this.fault('expected an unsigned integer')
    const value = this.argument(initial)
    if (value > Number.MAX_SAFE_INTEGER) this.fault('an integer beyond 2^53 - 1')
    return value
  }

  /**
   * The text of `length` bytes that stands next.
   * @param {number} length
   * @returns {string}
   */
  text(length) {
    const start = this.skip(length)
    if (length <= LOOPED_TEXT) {
      const { bytes, at } = this
      let string = ''
      let i = start
      for (; i < at && bytes[i] < 0x80; i++) string += String.fromCharCode(bytes[i])
      if (i === at) return string
    }
    const string = decodeUtf8(this.bytes, start, this.at)
    return string === undefined ? this.fault('a text that is not UTF-8') : string
  }

  /**
   * As `text`, for texts that come again and again: the same string is given again without being built.
   * @param {number} length
   * @returns {string}
   */
  name(length) {
    if (length > NAME_LENGTH || length === 0) return this.text(length)
    const { bytes, at } = this
    const end = at + length
    if (end > this.end) this.fault('the input is cut')
    const slot = (length * 67 + bytes[at] * 31 + bytes[end - 1] * 7 + bytes[at + (length >> 1)]) % NAME_SLOTS
    const known = this.#names[slot]
    if (known.length === length) {
      let i = 0
      while (i < length && known.charCodeAt(i) === bytes[at + i]) i++
      if (i === length) {
        // Only ASCII is kept, so equal codes are equal bytes.
        this.at = end
        return known
      }
    }
    const string = this.text(length)
    if (string.length === length) this.#names[slot] = string
    return string
  }

  /**
   * Moves past `length` bytes.
   * @param {number} length
   * @returns {number} where they begin
   */
  skip(length) {
    const start = this.at
    if (length > this.end - start) this.fault('the input is cut')
    this.at = start + length
    return start
  }

  /** @returns {number} the half float that stands next */
  half() {
    const start = this.skip(2)
    return halfToNumber((this.bytes[start] << 8) | this.bytes[start + 1])
  }

  /**
   * @param {4 | 8} size
   * @returns {number} the float of that size that stands next
   */
  float(size) {
    const start = this.skip(size)
    for (let i = 0; i < size; i++) readScratch.setUint8(i, this.bytes[start + i])
    return size === 4 ? readScratch.getFloat32(0) : readScratch.getFloat64(0)
  }
}
