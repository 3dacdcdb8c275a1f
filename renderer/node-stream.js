/** NodeStream: a unix or TCP socket of Node as a transport. */
import { connect as connectSocket } from 'node:net'
import { BlockReader } from './block-reader.js'
import { MalformedError } from './malformed-error.js'

/** @typedef {import('./session.js').Handlers} Handlers */

const STREAM_HEADROOM = 4
const READ_BUFFER = 256 * 1024

/** What went wrong, by the code of the system. */
const EXPLANATIONS = /** @type {Record<string, string>} */ ({
  ENOENT: 'there is no such socket; is the host running?',
  ECONNREFUSED: 'nobody listens there; is the host running?',
  EACCES: 'the socket belongs to somebody else; the host must run as the same user, or name it in security.uids',
  ENOTFOUND: 'there is no such machine',
})

export class NodeStream {
  headroom = STREAM_HEADROOM
  #socket
  #blocks
  #handlers
  #address
  #connected = false
  /** @type {Error | undefined} */
  #error

  /**
   * @param {string} address as a user wrote it, for messages
   * @param {{ path: string } | { host: string, port: number }} target
   * @param {Handlers} handlers
   */
  constructor(address, target, handlers) {
    this.#address = address
    this.#handlers = handlers
    this.#blocks = new BlockReader(handlers.onblock)
    const onread = { buffer: Buffer.allocUnsafeSlow(READ_BUFFER), callback: this.#read }
    this.#socket = connectSocket({ ...target, noDelay: true, onread })
    this.#socket.on('connect', () => { this.#connected = true })
    this.#socket.on('error', (error) => { this.#error = this.#explain(error) })
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

  /**
   * @param {NodeJS.ErrnoException} error
   * @returns {Error}
   */
  #explain(error) {
    const text = this.#connected
      ? `The connection to ${this.#address} broke: ${error.code ?? error.message}`
      : `Cannot connect to ${this.#address}: ${error.code ?? error.message}${EXPLANATIONS[error.code ?? ''] ? `, ${EXPLANATIONS[error.code ?? '']}` : ''}`
    return Object.assign(new Error(text, { cause: error }), { code: error.code ?? 'ERR_CLOSED' })
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
