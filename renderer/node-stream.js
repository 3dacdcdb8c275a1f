/** NodeStream: a unix or TCP socket of Node as a transport. */
import { connect as connectSocket } from 'node:net'
import { BlockReader } from './block-reader.js'
import { MalformedError } from './malformed-error.js'
import { socketError } from './socket-error.js'

/** @typedef {import('./session.js').Handlers} Handlers */

const STREAM_HEADROOM = 4
const READ_BUFFER = 256 * 1024

export class NodeStream {
  headroom = STREAM_HEADROOM
  #socket
  #blocks
  #handlers
  #connected = false
  /** @type {Error | undefined} */
  #error

  /**
   * @param {string} address as a user wrote it, for messages
   * @param {{ path: string } | { host: string, port: number }} target
   * @param {Handlers} handlers
   */
  constructor(address, target, handlers) {
    this.#handlers = handlers
    this.#blocks = new BlockReader(handlers.onblock)
    const onread = { buffer: Buffer.allocUnsafeSlow(READ_BUFFER), callback: this.#read }
    this.#socket = connectSocket({ ...target, noDelay: true, onread })
    this.#socket.on('connect', () => { this.#connected = true })
    this.#socket.on('error', (error) => { this.#error = socketError(address, this.#connected, error) })
    this.#socket.on('close', () => handlers.onclose(this.#error))
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
    return this.#socket.writableLength
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
    this.#socket.write(bytes)
    // Nothing is left with the socket when the kernel took it all at once.
    return this.#socket.writableLength === 0
  }

  close() {
    this.#socket.destroySoon()
  }

  ref() {
    this.#socket.ref()
  }

  unref() {
    this.#socket.unref()
  }
}
