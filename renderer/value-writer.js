/**
 * ValueWriter: values on their way into packets, one at a time: a getter of what is being written may try to send. Knows no
 * packet.
 */
import { Encoder } from './encode.js'
import { codedError } from './errors.js'
import { Writer } from './writer.js'

/** A buffer above this is not kept. */
const ALONE_KEPT = 1024 * 1024

export class ValueWriter {
  #encoder
  #busy = false
  /** For values that do not leave at once. */
  #alone = new Writer()

  /** @param {{ isProxy: (value: object) => boolean }} engine */
  constructor(engine) {
    this.#encoder = new Encoder(engine)
  }

  /** @param {number} depth */
  set nesting(depth) {
    this.#encoder.nesting = depth
  }

  get busy() {
    return this.#busy
  }

  /** Throws while a value is being written. */
  check() {
    if (this.#busy) throw codedError('ERR_REENTRANT', 'a getter of a message that is being sent cannot send')
  }

  /**
   * @param {Writer} writer
   * @param {unknown} value
   * @param {string} root what an error calls the value
   */
  write(writer, value, root) {
    this.#busy = true
    try {
      this.#encoder.encode(writer, value, root)
    } finally {
      this.#busy = false
    }
  }

  /**
   * @param {unknown} value
   * @returns {Uint8Array} its document
   */
  document(value) {
    this.check()
    const writer = this.#alone
    writer.length = 0
    this.write(writer, value, 'message')
    if (writer.length > ALONE_KEPT) this.#alone = new Writer()
    return writer.bytes.slice(0, writer.length)
  }
}
