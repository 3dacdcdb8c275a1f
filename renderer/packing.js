/** Packing: values into packets, while nothing else is written: a getter of what is sent could send itself. */
import { Encoder } from './encode.js'
import { codedError } from './errors.js'
import { KIND, UNNUMBERED } from './packet-layout.js'
import { beginInvoke, beginPacket, beginSend } from './packet-writer.js'
import { Writer } from './writer.js'

/** @typedef {import('./outbox.js').Outbox} Outbox */

/** A buffer above this is not kept. */
const ALONE_KEPT = 1024 * 1024

export class Packing {
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

  /** Whether a value is being written. */
  get busy() {
    return this.#busy
  }

  /** Throws while a value is written. */
  check() {
    if (this.#busy) throw codedError('ERR_REENTRANT', 'a getter of a message that is being sent cannot send')
  }

  /**
   * @param {Writer} writer
   * @param {unknown} value
   * @param {string} root
   */
  #encode(writer, value, root) {
    this.#busy = true
    try {
      this.#encoder.encode(writer, value, root)
    } finally {
      this.#busy = false
    }
  }

  /**
   * @param {Outbox} outbox
   * @param {number} frame
   * @param {string} channel
   * @param {unknown[]} args
   */
  send(outbox, frame, channel, args) {
    const start = outbox.writer.length
    this.#finish(outbox, start, beginSend(outbox.writer, frame, channel), args, 'args')
  }

  /**
   * @param {Outbox} outbox
   * @param {number} frame
   * @param {string} channel
   * @param {unknown} message
   */
  post(outbox, frame, channel, message) {
    const start = outbox.writer.length
    this.#finish(outbox, start, beginPacket(outbox.writer, KIND.POST, { frame, channel, ports: [] }), message, 'message')
  }

  /**
   * @param {Outbox} outbox
   * @param {{ frame: number, call: number, deadline: number, channel: string }} items
   * @param {unknown[]} args
   */
  invoke(outbox, { frame, call, deadline, channel }, args) {
    const start = outbox.writer.length
    this.#finish(outbox, start, beginInvoke(outbox.writer, frame, call, deadline, channel), args, 'args')
  }

  /**
   * @param {Outbox} outbox
   * @param {number} call
   * @param {number} status
   * @param {unknown} value
   */
  reply(outbox, call, status, value) {
    const start = outbox.writer.length
    this.#finish(outbox, start, beginPacket(outbox.writer, KIND.REPLY, { call, status }), value, 'result', status === 0)
  }

  /**
   * Writes the payload of the packet that was begun at `start`, and commits it; takes it back if that fails.
   * @param {Outbox} outbox
   * @param {number} start
   * @param {number} payload
   * @param {unknown} value
   * @param {string} root
   * @param {boolean} [capped]
   */
  #finish(outbox, start, payload, value, root, capped) {
    const { writer } = outbox
    try {
      this.#encode(writer, value, root)
    } catch (error) {
      writer.length = start
      throw error
    }
    writer.closeBytes(payload)
    outbox.commit(start, capped)
  }

  /**
   * A packet by itself.
   * @param {number} kind
   * @param {Record<string, unknown>} items
   * @param {unknown} payload
   * @param {string} root
   * @returns {Uint8Array}
   */
  packet(kind, items, payload, root) {
    const writer = new Writer(1024)
    const open = beginPacket(writer, kind, items)
    this.#encode(writer, payload, root)
    writer.closeBytes(open)
    return writer.bytes.subarray(0, writer.length)
  }

  /**
   * A packet that the protocol itself has to say, whatever is being written.
   * @param {Outbox} outbox
   * @param {number} kind
   * @param {Record<string, unknown>} items
   * @param {unknown} [details]
   */
  put(outbox, kind, items, details) {
    const { writer } = outbox
    const start = writer.length
    const open = beginPacket(writer, kind, items)
    if (details !== undefined) {
      this.#encoder.encode(writer, details, 'details')
      writer.closeBytes(open)
    }
    outbox.commit(start, false, !UNNUMBERED.has(kind))
  }

  /**
   * A packet whose payload is there already.
   * @param {Outbox} outbox
   * @param {number} kind
   * @param {Record<string, unknown>} items
   * @param {Uint8Array} [payload]
   */
  putBytes(outbox, kind, items, payload) {
    const { writer } = outbox
    const start = writer.length
    const open = beginPacket(writer, kind, items)
    if (payload) {
      writer.raw(payload)
      writer.closeBytes(open)
    }
    outbox.commit(start, false)
  }

  /**
   * @param {unknown} value
   * @returns {Uint8Array} its document
   */
  document(value) {
    this.check()
    const writer = this.#alone
    writer.length = 0
    this.#encode(writer, value, 'message')
    if (writer.length > ALONE_KEPT) this.#alone = new Writer()
    return writer.bytes.slice(0, writer.length)
  }
}
