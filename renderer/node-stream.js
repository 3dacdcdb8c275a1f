/** NodeStream: sockets of Node as a transport: one, of unix or TCP, or one for each direction. */
import { BlockReader } from './block-reader.js'
import { MalformedError } from './malformed-error.js'
import { socketError } from './socket-error.js'

/** @typedef {import('./outbox.js').Handlers} Handlers */
/** @typedef {{ input: import('node:net').Socket, output: import('node:net').Socket }} Sockets */

const STREAM_HEADROOM = 4
const READ_BUFFER = 256 * 1024

export class NodeStream {
  headroom = STREAM_HEADROOM
  comesAgain = false
  #input
  #output
  #blocks
  #handlers
  #connected = false
  /** @type {Error | undefined} */
  #error

  /**
   * @param {string} address as a user wrote it, for messages
   * @param {(onread: import('node:net').OnReadOpts) => Sockets} open
   * @param {Handlers} handlers
   */
  constructor(address, open, handlers) {
    this.#handlers = handlers
    this.#blocks = new BlockReader(handlers.onblock)
    const { input, output } = open({ buffer: Buffer.allocUnsafeSlow(READ_BUFFER), callback: this.#read })
    this.#input = input
    this.#output = output
    // Sockets that are not to be connected first are open.
    this.#connected = !output.connecting
    if (this.#connected) queueMicrotask(handlers.onopen)
    output.on('connect', () => {
      this.#connected = true
      handlers.onopen()
    })
    output.on('error', (error) => { this.#error = socketError(address, this.#connected, error) })
    output.on('close', () => this.#close())
    if (input === output) return
    input.on('error', (error) => { this.#error = error })
    input.on('close', () => output.destroySoon())
  }

  #close() {
    if (this.#input !== this.#output) this.#input.destroy()
    this.#handlers.onclose(this.#error)
  }

  /** The longest block that is taken. */
  set limit(bytes) {
    this.#blocks.limit = bytes
  }

  get limit() {
    return this.#blocks.limit
  }

  /** @type {(length: number, bytes: Uint8Array) => boolean} */
  #read = (length, bytes) => {
    try {
      this.#blocks.push(bytes, 0, length)
      this.#handlers.onbatch()
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error
      this.#handlers.onfault(error)
    }
    return true
  }

  get bufferedAmount() {
    return this.#output.writableLength
  }

  /**
   * @param {Uint8Array} bytes
   * @returns {boolean}
   */
  send(bytes) {
    const size = bytes.length - STREAM_HEADROOM
    bytes[0] = size
    bytes[1] = size >> 8
    bytes[2] = size >> 16
    bytes[3] = size >> 24
    this.#output.write(bytes)
    // Nothing is left with the socket when the kernel took it all at once.
    return this.#output.writableLength === 0
  }

  /**
   * @param {Uint8Array} bytes
   * @returns {Uint8Array}
   */
  unseal(bytes) {
    return bytes.subarray(STREAM_HEADROOM)
  }

  close() {
    this.#output.destroySoon()
  }

  drop() {
    this.#output.destroy()
  }

  ref() {
    this.#input.ref()
    this.#output.ref()
  }

  unref() {
    this.#input.unref()
    this.#output.unref()
  }
}
