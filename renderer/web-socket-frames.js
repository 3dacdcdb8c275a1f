/**
 * Frames of a WebSocket as its client reads and writes them (RFC 6455). Messages that came whole are handed out where they were
 * received; only what is cut, by fragments or by the end of a read, is copied. Knows no socket and no packet.
 */
import { randomFillSync } from 'node:crypto'
import { MalformedError } from './malformed-error.js'

/** How many bytes stand before what is sealed. */
export const FRAME_HEADROOM = 16

const CONTINUATION = 0
const TEXT = 1
export const BINARY = 2
export const CLOSE = 8
const PING = 9
export const PONG = 10
const FIN = 0x80
const CONTROL_MAX = 125
const NO_BYTES = new Uint8Array(0)

const maskKeys = new Uint32Array(1024)
let maskKeysUsed = maskKeys.length

/** @returns {number} a key that nobody can foresee */
function nextMaskKey() {
  if (maskKeysUsed === maskKeys.length) {
    randomFillSync(maskKeys)
    maskKeysUsed = 0
  }
  return maskKeys[maskKeysUsed++]
}

/**
 * Makes a frame of what stands behind FRAME_HEADROOM bytes, in its place.
 * @param {Uint8Array} bytes at a multiple of four of their buffer
 * @param {number} opcode
 * @returns {Uint8Array} the frame, a part of the bytes
 */
export function sealFrame(bytes, opcode) {
  const size = bytes.length - FRAME_HEADROOM
  const keyAt = FRAME_HEADROOM - 4
  const key = nextMaskKey()
  // The words begin with the key, so that it is in the bytes' order.
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset + keyAt, (size + 4) >> 2)
  words[0] = key
  for (let i = 1; i < words.length; i++) words[i] ^= key
  for (let i = FRAME_HEADROOM + (size & ~3); i < bytes.length; i++) bytes[i] ^= bytes[keyAt + (i & 3)]
  return bytes.subarray(putHead(bytes, keyAt, opcode, size))
}

/**
 * What was behind FRAME_HEADROOM bytes before they were sealed.
 * @param {Uint8Array} bytes
 * @returns {Uint8Array} a copy
 */
export function unsealFrame(bytes) {
  const key = bytes.subarray(FRAME_HEADROOM - 4, FRAME_HEADROOM)
  const payload = bytes.slice(FRAME_HEADROOM)
  for (let i = 0; i < payload.length; i++) payload[i] ^= key[i & 3]
  return payload
}

/**
 * @param {Uint8Array} bytes
 * @param {number} end where the head ends
 * @param {number} opcode
 * @param {number} size
 * @returns {number} where it begins
 */
function putHead(bytes, end, opcode, size) {
  const extended = size <= CONTROL_MAX ? 0 : size <= 0xffff ? 2 : 8
  const start = end - 2 - extended
  bytes[start] = FIN | opcode
  bytes[start + 1] = 0x80 | (extended === 0 ? size : extended === 2 ? 126 : 127)
  for (let at = end - 1, left = size; at >= start + 2; at--, left = Math.floor(left / 256)) bytes[at] = left
  return start
}

/**
 * A frame with a payload of its own.
 * @param {number} opcode
 * @param {Uint8Array} payload
 */
export function makeFrame(opcode, payload) {
  const bytes = new Uint8Array(FRAME_HEADROOM + payload.length)
  bytes.set(payload, FRAME_HEADROOM)
  return sealFrame(bytes, opcode)
}

/** @param {number} second the second byte of a head */
function headSizeOf(second) {
  const length = second & 0x7f
  return length === 126 ? 4 : length === 127 ? 10 : 2
}

/**
 * @typedef {object} FrameHandlers
 * @property {(bytes: Uint8Array, at: number, end: number) => void} onmessage the reader's own until it returns
 * @property {(payload: Uint8Array) => void} onping
 * @property {(closed: { code: number, reason: string }) => void} onclose
 */

export class FrameReader {
  /** The longest message, in bytes. */
  limit = 64 * 1024 * 1024
  #handlers
  #head = new Uint8Array(10)
  #headLength = 0
  /** Of the frame that is being read. */
  #fin = false
  #opcode = 0
  #left = 0
  #inFrame = false
  /** Of the message that is being read: the frames before this one have come, in #kept. */
  #inMessage = false
  #kept = NO_BYTES
  #keptLength = 0
  #control = new Uint8Array(CONTROL_MAX)
  #controlLength = 0

  /** @param {FrameHandlers} handlers */
  constructor(handlers) {
    this.#handlers = handlers
  }

  /**
   * @param {Uint8Array} bytes
   * @param {number} at
   * @param {number} end
   */
  push(bytes, at, end) {
    while (at < end) {
      if (!this.#inFrame) at = this.#readHead(bytes, at, end)
      if (this.#inFrame) at = this.#readPayload(bytes, at, end)
    }
  }

  /**
   * @param {Uint8Array} bytes
   * @param {number} at
   * @param {number} end
   * @returns {number} where what follows begins
   */
  #readHead(bytes, at, end) {
    if (this.#headLength === 0 && end - at >= 2 && end - at >= headSizeOf(bytes[at + 1])) {
      this.#begin(bytes, at)
      return at + headSizeOf(bytes[at + 1])
    }
    while (at < end) {
      this.#head[this.#headLength++] = bytes[at++]
      if (this.#headLength >= 2 && this.#headLength === headSizeOf(this.#head[1])) {
        this.#headLength = 0
        this.#begin(this.#head, 0)
        break
      }
    }
    return at
  }

  /**
   * @param {Uint8Array} head
   * @param {number} at
   */
  #begin(head, at) {
    this.#fin = (head[at] & FIN) !== 0
    this.#opcode = head[at] & 15
    if (head[at] & 0x70) throw new MalformedError(1002, 'a frame with reserved bits')
    if (head[at + 1] & 0x80) throw new MalformedError(1002, 'a masked frame from a server')
    this.#left = lengthAt(head, at)
    if (this.#opcode >= CLOSE) this.#checkControl()
    else this.#checkData()
    this.#inFrame = true
  }

  #checkControl() {
    if (this.#opcode > PONG) throw new MalformedError(1002, 'a frame of an unknown kind')
    if (!this.#fin || this.#left > CONTROL_MAX) throw new MalformedError(1002, 'a control frame that is cut or too long')
    this.#controlLength = 0
  }

  #checkData() {
    if (this.#opcode === TEXT) throw new MalformedError(1003, 'a text message')
    if (this.#opcode > BINARY) throw new MalformedError(1002, 'a frame of an unknown kind')
    if ((this.#opcode === CONTINUATION) !== this.#inMessage) throw new MalformedError(1002, 'fragments out of order')
    const size = this.#keptLength + this.#left
    if (size > this.limit) throw new MalformedError(1009, `a block of ${size} bytes; at most ${this.limit}`)
  }

  /**
   * @param {Uint8Array} bytes
   * @param {number} at
   * @param {number} end
   * @returns {number}
   */
  #readPayload(bytes, at, end) {
    const stop = Math.min(end, at + this.#left)
    const whole = stop - at === this.#left
    this.#left -= stop - at
    this.#inFrame = !whole
    if (this.#opcode >= CLOSE) this.#readControl(bytes, at, stop, whole)
    else if (whole && this.#fin && this.#keptLength === 0) this.#finish(bytes, at, stop)
    else this.#keep(bytes, at, stop, whole)
    return stop
  }

  /**
   * @param {Uint8Array} bytes
   * @param {number} at
   * @param {number} end
   */
  #finish(bytes, at, end) {
    this.#inMessage = false
    this.#kept = NO_BYTES
    this.#keptLength = 0
    this.#handlers.onmessage(bytes, at, end)
  }

  /**
   * @param {Uint8Array} bytes
   * @param {number} at
   * @param {number} end
   * @param {boolean} whole whether the frame ends here
   */
  #keep(bytes, at, end, whole) {
    const length = this.#keptLength + end - at
    if (length > this.#kept.length) {
      // Room follows what has come, not what the head promises.
      const grown = Buffer.allocUnsafeSlow(Math.max(length, this.#kept.length * 2))
      grown.set(this.#kept.subarray(0, this.#keptLength))
      this.#kept = grown
    }
    this.#kept.set(bytes.subarray(at, end), this.#keptLength)
    this.#keptLength = length
    if (!whole) return
    this.#inMessage = true
    if (this.#fin) this.#finish(this.#kept, 0, length)
  }

  /**
   * @param {Uint8Array} bytes
   * @param {number} at
   * @param {number} end
   * @param {boolean} whole
   */
  #readControl(bytes, at, end, whole) {
    this.#control.set(bytes.subarray(at, end), this.#controlLength)
    this.#controlLength += end - at
    if (!whole) return
    const payload = this.#control.slice(0, this.#controlLength)
    if (this.#opcode === PING) this.#handlers.onping(payload)
    else if (this.#opcode === CLOSE) this.#handlers.onclose(closedOf(payload))
  }
}

/**
 * @param {Uint8Array} head
 * @param {number} at
 * @returns {number}
 */
function lengthAt(head, at) {
  const size = headSizeOf(head[at + 1])
  if (size === 2) return head[at + 1]
  let length = 0
  for (let i = at + 2; i < at + size; i++) length = length * 256 + head[i]
  if (length <= (size === 4 ? CONTROL_MAX : 0xffff)) throw new MalformedError(1002, 'a length that is longer than it needs to be')
  if (!Number.isSafeInteger(length)) throw new MalformedError(1009, 'a length beyond all limits')
  return length
}

/**
 * @param {Uint8Array} payload of a close frame
 * @returns {{ code: number, reason: string }}
 */
function closedOf(payload) {
  if (payload.length === 0) return { code: 1005, reason: '' }
  const code = payload[0] * 256 + payload[1]
  const known = (code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code)) || (code >= 3000 && code <= 4999)
  if (payload.length === 1 || !known) throw new MalformedError(1002, 'a close frame with a code that nobody may send')
  try {
    return { code, reason: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(payload.subarray(2)) }
  } catch {
    throw new MalformedError(1007, 'a close frame with a reason that is not UTF-8')
  }
}
